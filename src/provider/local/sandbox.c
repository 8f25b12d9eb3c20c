#include "sandbox.h"

#include "base/clock.h"
#include "base/proc.h"

#define HOME "/home/app"

/* What of /etc programs need: names, certificates, library paths; nothing that tells about the machine's users. */
static const char *const ETC[] = {
	"alternatives", "ca-certificates", "crypto-policies", "debian_version", "gai.conf",   "gnutls",
	"host.conf",    "hosts",           "java-17-openjdk", "ld.so.cache",    "ld.so.conf", "ld.so.conf.d",
	"localtime",    "mime.types",      "nsswitch.conf",   "os-release",     "php",        "pki",
	"protocols",    "python3",         "resolv.conf",     "services",       "ssl",        "timezone"
};

static void push_all(char ***argv, const char *const *words)
{
	for (; *words; words++)
		strv_push(argv, *words);
}
#define PUSH(argv, ...) push_all(argv, (const char *const[]){ __VA_ARGS__, NULL })

static void push_system(char ***argv)
{
	PUSH(argv, "--ro-bind", "/usr", "/usr", "--ro-bind-try", "/opt", "/opt");
	PUSH(argv, "--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin");
	PUSH(argv, "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64");
	for (size_t i = 0; i < ARRAY_SIZE(ETC); i++) {
		_cleanup_free_ char *path = xasprintf("/etc/%s", ETC[i]);
		PUSH(argv, "--ro-bind-try", path, path);
	}
	PUSH(argv, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/var/tmp", "--tmpfs", "/run");
}

char **sandbox_command(const struct sandbox_spec *spec)
{
	char **argv = NULL;
	_cleanup_free_ char *workdir = str_empty(spec->workdir) ? xstrdup("/app") : xasprintf("/app/%s", spec->workdir);

	PUSH(&argv, "bwrap", "--die-with-parent", "--new-session", "--unshare-user", "--unshare-pid", "--unshare-ipc",
	     "--unshare-uts", "--unshare-cgroup-try", "--hostname", "app", "--uid", "1000", "--gid", "1000");
	push_system(&argv);
	PUSH(&argv, "--bind", spec->app_dir, "/app");
	if (spec->home_dir)
		PUSH(&argv, "--bind", spec->home_dir, HOME);
	else
		PUSH(&argv, "--tmpfs", HOME);
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

int sandbox_probe(struct err *err)
{
	struct sandbox_spec spec = { .app_dir = "/usr", .command = "exit 0" };
	_cleanup_strv_ char **argv = sandbox_command(&spec);
	_cleanup_strv_ char **env = sandbox_environment(NULL);
	struct proc_spec proc = {
		.argv = argv, .env = env, .timeout_ns = 10 * NS_PER_S, .output_max = 4096, .merge_stderr = true
	};
	_cleanup_proc_result_ struct proc_result result = { 0 };

	if (proc_run(&proc, &result, err) < 0)
		return err_set(err, ERR_UNAVAILABLE,
		               "applications cannot be isolated: bubblewrap is not installed (apt-get install bubblewrap)");
	if (result.exit_code == 0)
		return 0;
	_cleanup_free_ char *said = xstrdup(buf_str(&result.out));
	return err_set(err, ERR_UNAVAILABLE,
	               "applications cannot be isolated: bubblewrap says \"%s\"; the machine must allow unprivileged user "
	               "namespaces (sysctl kernel.unprivileged_userns_clone=1, user.max_user_namespaces)",
	               str_strip(said));
}
