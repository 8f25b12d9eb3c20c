#include "sandbox.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define HOME "/home/app"
#define TMP_MAX_DEFAULT (INT64_C(512) << 20)
#define SMALL_TMP_MAX "16777216"
#define ARGUMENTS_MAX ((size_t)4 * 1024 * 1024)

/* What of /etc programs need: names, certificates, library paths; nothing that tells about the machine's users, and no
 * keys. */
static const char *const ETC[] = {
	"alternatives", "ca-certificates",  "crypto-policies", "debian_version",
	"gai.conf",     "host.conf",        "hosts",           "java-17-openjdk",
	"ld.so.cache",  "ld.so.conf",       "ld.so.conf.d",    "localtime",
	"mime.types",   "nsswitch.conf",    "os-release",      "php",
	"pki/ca-trust", "pki/tls/cert.pem", "pki/tls/certs",   "protocols",
	"python3",      "resolv.conf",      "services",        "ssl/cert.pem",
	"ssl/certs",    "ssl/openssl.cnf",  "timezone",
};

static void push_all(char ***argv, const char *const *words)
{
	for (; *words; words++)
		strv_push(argv, *words);
}
#define PUSH(argv, ...) push_all(argv, (const char *const[]){ __VA_ARGS__, NULL })

static void push_tmpfs(char ***argv, const char *path, const char *size)
{
	PUSH(argv, "--size", size, "--tmpfs", path);
}

/* /usr and /opt are shown; should our own data lie there, it is not. */
static void push_hidden(char ***argv, const char *dir)
{
	_cleanup_free_ char *real = dir ? realpath(dir, NULL) : NULL;
	if (real && (str_starts_with(real, "/usr/") || str_starts_with(real, "/opt/")))
		push_tmpfs(argv, real, SMALL_TMP_MAX);
}

static void push_etc(char ***argv, const char *dir)
{
	static const char *const ours[] = { "passwd", "group" };
	for (size_t i = 0; i < ARRAY_SIZE(ETC); i++) {
		_cleanup_free_ char *path = xasprintf("/etc/%s", ETC[i]);
		PUSH(argv, "--ro-bind-try", path, path);
	}
	for (size_t i = 0; dir && i < ARRAY_SIZE(ours); i++) {
		_cleanup_free_ char *from = fs_join(dir, ours[i]), *path = xasprintf("/etc/%s", ours[i]);
		PUSH(argv, "--ro-bind-try", from, path);
	}
}

static void push_system(char ***argv, const struct sandbox_spec *spec, const char *tmp_max)
{
	PUSH(argv, "--ro-bind", "/usr", "/usr", "--ro-bind-try", "/opt", "/opt");
	PUSH(argv, "--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin");
	PUSH(argv, "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64");
	push_hidden(argv, spec->hide_dir);
	push_etc(argv, spec->etc_dir);
	PUSH(argv, "--proc", "/proc", "--dev", "/dev");
	push_tmpfs(argv, "/dev/shm", tmp_max);
	push_tmpfs(argv, "/tmp", tmp_max);
	push_tmpfs(argv, "/var/tmp", tmp_max);
	push_tmpfs(argv, "/run", SMALL_TMP_MAX);
}

char **sandbox_command(const struct sandbox_spec *spec)
{
	char **argv = NULL, fd[16], tmp_max[32];
	_cleanup_free_ char *workdir = str_empty(spec->workdir) ? xstrdup("/app") : xasprintf("/app/%s", spec->workdir);

	snprintf(fd, sizeof(fd), "%d", SANDBOX_ARGS_FD);
	snprintf(tmp_max, sizeof(tmp_max), "%lld", (long long)(spec->tmp_max ? spec->tmp_max : TMP_MAX_DEFAULT));
	PUSH(&argv, "bwrap", "--args", fd, "--die-with-parent", "--new-session", "--unshare-user", "--unshare-pid",
	     "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try", "--hostname", "app", "--uid", "1000", "--gid",
	     "1000");
	push_system(&argv, spec, tmp_max);
	PUSH(&argv, "--bind", spec->app_dir, "/app");
	if (spec->home_dir)
		PUSH(&argv, "--bind", spec->home_dir, HOME);
	else
		push_tmpfs(&argv, HOME, tmp_max);
	if (spec->scia_path)
		PUSH(&argv, "--dir", "/run/scia", "--ro-bind", spec->scia_path, "/run/scia/scia");
	/* What is not a mount of its own is bubblewrap's own root: nothing to write to either. */
	PUSH(&argv, "--remount-ro", "/", "--chdir", workdir, "--", "/bin/sh", "-c", spec->command);
	return argv;
}

static bool has_variable(char *const *env, const char *assignment)
{
	size_t len = strcspn(assignment, "=") + 1;
	for (; env && *env; env++) {
		if (strncmp(*env, assignment, len) == 0)
			return true;
	}
	return false;
}

char **sandbox_environment(char *const *extra)
{
	static const char *const basics[] = {
		/* What the application brought along goes before what the machine has. */
		"PATH=/app/.venv/bin:/app/node_modules/.bin:/run/scia:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/"
		"sbin",
		"HOME=" HOME,
		"USER=app",
		"LOGNAME=app",
		"SHELL=/bin/sh",
		"LANG=C.UTF-8",
		"TMPDIR=/tmp",
		"PYTHONUNBUFFERED=1",
	};
	char **env = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(basics); i++) {
		if (!has_variable(extra, basics[i]))
			strv_push(&env, basics[i]);
	}
	for (; extra && *extra; extra++)
		strv_push(&env, *extra);
	return env;
}

/* One argument, with the NUL that ends it. */
static void put_argument(struct buf *out, const char *text, size_t len)
{
	buf_append(out, text, len);
	buf_putc(out, '\0');
}

void sandbox_arguments(char *const *env, struct buf *out)
{
	static const char clear[] = "--clearenv", set[] = "--setenv";
	put_argument(out, clear, sizeof(clear) - 1);
	for (; env && *env; env++) {
		size_t name = strcspn(*env, "=");
		if (name == 0 || (*env)[name] == '\0')
			continue; /* no variable could be called so */
		put_argument(out, set, sizeof(set) - 1);
		put_argument(out, *env, name);
		put_argument(out, *env + name + 1, strlen(*env + name + 1));
	}
}

int sandbox_open_arguments(char *const *env)
{
	_cleanup_buf_ struct buf arguments = BUF_INIT(ARGUMENTS_MAX);
	_cleanup_close_ int fd = memfd_create("environment", MFD_CLOEXEC);
	sandbox_arguments(env, &arguments);
	if (fd < 0 || fs_write_all(fd, arguments.data, arguments.len) < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return TAKE_FD(fd);
}

char **sandbox_outer_environment(void)
{
	const char *path = getenv("PATH");
	_cleanup_free_ char *variable = xasprintf("PATH=%s", str_empty(path) ? "/usr/local/bin:/usr/bin:/bin" : path);
	char **env = NULL;
	strv_push(&env, variable);
	return env;
}

int sandbox_write_etc(const char *dir, struct err *err)
{
	static const char passwd[] = "root:x:0:0:root:/nonexistent:/usr/sbin/nologin\n"
								 "app:x:1000:1000:app:" HOME ":/bin/sh\n"
								 "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
	static const char group[] = "root:x:0:\napp:x:1000:\nnogroup:x:65534:\n";
	_cleanup_free_ char *passwd_path = fs_join(dir, "passwd"), *group_path = fs_join(dir, "group");
	if (fs_mkdir_p(dir, 0755, err) < 0 || fs_replace(passwd_path, passwd, sizeof(passwd) - 1, 0644, err) < 0)
		return -1;
	return fs_replace(group_path, group, sizeof(group) - 1, 0644, err);
}

int sandbox_probe(struct err *err)
{
	struct sandbox_spec spec = { .app_dir = "/usr", .command = "exit 0" };
	_cleanup_strv_ char **walled = sandbox_command(&spec), **env = sandbox_outer_environment(), **argv = NULL;
	_cleanup_buf_ struct buf arguments = BUF_INIT(ARGUMENTS_MAX);
	PUSH(&argv, "/bin/sh", "-c", "exec \"$@\" 3<&0 </dev/null", "sh");
	for (char **word = walled; *word; word++)
		strv_push(&argv, *word);
	sandbox_arguments(NULL, &arguments);
	struct proc_spec proc = { .argv = argv,
		                      .env = env,
		                      .input = arguments.data,
		                      .input_len = arguments.len,
		                      .timeout_ns = 10 * NS_PER_S,
		                      .output_max = 4096,
		                      .merge_stderr = true };
	_cleanup_proc_result_ struct proc_result result = { 0 };
	_cleanup_free_ char *bwrap = proc_find("bwrap");

	if (!bwrap)
		return err_set(err, ERR_UNAVAILABLE,
		               "applications cannot be isolated: bubblewrap is not installed (apt-get install bubblewrap)");
	if (proc_run(&proc, &result, err) < 0)
		return err_wrap(err, "applications cannot be isolated");
	if (result.exit_code == 0)
		return 0;
	_cleanup_free_ char *said = xstrdup(buf_str(&result.out));
	return err_set(err, ERR_UNAVAILABLE,
	               "applications cannot be isolated: bubblewrap says \"%s\"; the machine must allow unprivileged user "
	               "namespaces (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces), and bubblewrap "
	               "must be 0.7 or newer",
	               str_strip(said));
}
