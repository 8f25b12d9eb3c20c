#include "release.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "log_text.h"
#include "sandbox.h"
#include "unique.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#define BUILD_PIDS_MAX 2048
#define BUILD_MEMORY_MAX (INT64_C(4) << 30)
#define CLONE_TIMEOUT_NS (5 * 60 * NS_PER_S)
#define ARGUMENTS_MAX ((size_t)4 * 1024 * 1024)
#define SIZE_CHECK_SHARE 10 /* measuring folders takes at most one part of so many of the time */

/* One build under way. */
struct build {
	const struct release_config *config;
	const struct release_job *job;
	char *src_dir, *log_path;
	int log_fd;
	int64_t log_size;
	int64_t next_size_check_ns;
	enum { FITS, TREE_TOO_LARGE, HOME_TOO_LARGE } size;
};

void release_job_free(struct release_job *job)
{
	if (!job)
		return;
	free(job->key);
	free(job->id);
	free(job->dir);
	free(job->home_dir);
	json_decref(job->spec);
	strv_free(job->env);
	strv_free(job->secrets);
	free(job);
}

void release_id(const json_t *for_provider, char ret[static 17])
{
	_cleanup_json_ json_t *parts = json_pack("{s:O?, s:O?, s:O?}", "source", json_object_get(for_provider, "source"),
	                                         "install", json_object_get(for_provider, "installCommand"), "build",
	                                         json_object_get(for_provider, "buildCommand"));
	char hash[65];
	/* How the commit was named makes no other tree. */
	_cleanup_json_ json_t *source = json_copy(json_object_get(parts, "source"));
	json_object_del(source, "ref");
	if (source)
		json_object_set(parts, "source", source);
	json_hash(parts, hash);
	memcpy(ret, hash, 16);
	ret[16] = '\0';
}

/* Names this run of the machine (free()). */
static char *boot_id(void)
{
	_cleanup_err_ struct err ignored = { 0 };
	char *id = NULL;
	fs_read_file("/proc/sys/kernel/random/boot_id", 64, &id, NULL, &ignored);
	return id ? id : xstrdup("");
}

/* A tree is not forced to the disk file by file, so it is trusted only as long as the machine runs; after that it is
 * built anew. */
bool release_is_done(const char *dir)
{
	_cleanup_free_ char *marker = fs_join(dir, "done"), *text = NULL, *boot = boot_id();
	_cleanup_err_ struct err ignored = { 0 };
	return fs_read_file(marker, 64, &text, NULL, &ignored) == 0 && str_eq(text, boot);
}

void release_spoil(const char *dir)
{
	_cleanup_free_ char *marker = fs_join(dir, "done");
	unlink(marker);
}

/* ---- the log ---- */

static void write_log(struct build *b, const char *data, size_t len)
{
	static const char cut[] = "\n[the rest of the build's output was dropped]\n";
	int64_t max = b->config->log_max;
	if (b->log_fd < 0 || b->log_size >= max)
		return;
	if (b->log_size + (int64_t)len > max)
		len = (size_t)(max - b->log_size);
	if (fs_write_all(b->log_fd, data, len) == 0)
		b->log_size += (int64_t)len;
	if (b->log_size >= max)
		(void)!write(b->log_fd, cut, sizeof(cut) - 1);
}

static void on_output(void *self, int stream _unused_, const char *data, size_t len)
{
	write_log(self, data, len);
}

/* ---- the tree ---- */

static int check_out(struct build *b, struct err *err)
{
	const json_t *source = json_object_get(b->job->spec, "source");
	const char *secret_name = json_str_at(source, "secretRef", "name", NULL);
	_cleanup_json_ json_t *secret = NULL;
	struct git_limits limits = { .timeout_ns = CLONE_TIMEOUT_NS,
		                         .size_max = b->config->size_max,
		                         .cancel = &b->job->cancelled };
	struct git_source git = {
		.url = json_get_str(source, "url"),
		.ref = json_get_str(source, "ref"),
		.allow_local = b->config->allow_local,
	};

	if (secret_name) {
		_cleanup_free_ char *ns = xstrndup(b->job->key, strcspn(b->job->key, "/"));
		if (kube_get(b->config->client, &KUBE_SECRET, ns, secret_name, &secret, err) < 0)
			return err_wrap(err, "reading Secret %s", secret_name);
	}
	_cleanup_free_ char *user = kube_secret_text(secret, "username"), *token = kube_secret_text(secret, "token");
	_cleanup_free_ char *password = kube_secret_text(secret, "password"),
						*key = kube_secret_text(secret, "ssh-privatekey");
	_cleanup_free_ char *hosts = kube_secret_text(secret, "known_hosts");
	struct git_credentials credentials = { user, token ? token : password, key, hosts };
	if (secret)
		git.credentials = &credentials;
	return git_checkout(&git, &limits, b->config->git_dir, json_get_str(source, "commit"), b->src_dir, err);
}

/* ---- commands ---- */

/* Is a folder the build writes to larger than allowed? Large trees take long to measure, so they are not all the time.
 */
static bool is_too_large(void *self)
{
	struct build *b = self;
	int64_t max = b->config->size_max, now = clock_mono_ns();
	if (now < b->next_size_check_ns)
		return false;
	if (fs_tree_size(b->src_dir, max) > max)
		b->size = TREE_TOO_LARGE;
	else if (fs_tree_size(b->job->home_dir, max) > max)
		b->size = HOME_TOO_LARGE;
	int64_t end = clock_mono_ns();
	b->next_size_check_ns = end + (end - now) * SIZE_CHECK_SHARE;
	return b->size != FITS;
}

/* A virtual environment may use what the system has: what Debian's packages bring need not be fetched again, and then
 * Python applications can be built without a network at all (free()). */
static char *with_system_packages(const char *command)
{
	static const char make[] = "-m venv ";
	const char *found = strstr(command, make);
	if (!found || strstr(command, "--system-site-packages"))
		return xstrdup(command);
	size_t before = (size_t)(found - command) + sizeof(make) - 1;
	return xasprintf("%.*s--system-site-packages %s", (int)before, command, command + before);
}

static char **build_environment(const struct build *b)
{
	/* Package managers: no questions, no advertisements, and what is in the cache is not asked for again. */
	static const char *const quiet[] = { "CI=true",
		                                 "npm_config_prefer_offline=true",
		                                 "npm_config_audit=false",
		                                 "npm_config_fund=false",
		                                 "npm_config_update_notifier=false",
		                                 "PIP_DISABLE_PIP_VERSION_CHECK=1",
		                                 "PIP_NO_INPUT=1" };
	char **env = sandbox_environment(b->job->env);
	for (size_t i = 0; i < ARRAY_SIZE(quiet); i++)
		strv_push(&env, quiet[i]);
	return env;
}

/* The command line in front of bubblewrap's that enters a control group of the build's own first. What bubblewrap is to
 * read comes as our standard input; the command itself gets an empty one. */
static char **inside_cgroup(const struct build *b, const char *group, char *const *walled)
{
	static const char script[] =
		"while [ \"$1\" != -- ]; do echo 0 >\"$1\" || exit 70; shift; done; shift; exec \"$@\" 3<&0 </dev/null";
	struct cgroup_limits limits = { .memory = BUILD_MEMORY_MAX, .pids = BUILD_PIDS_MAX };
	_cleanup_strv_ char **procs = cgroup_make(b->config->cgroups, group, &limits);
	char **argv = NULL;
	strv_push(&argv, "/bin/sh");
	strv_push(&argv, "-c");
	strv_push(&argv, script);
	strv_push(&argv, "sh");
	for (size_t i = 0; i < strv_len(procs); i++)
		strv_push(&argv, procs[i]);
	strv_push(&argv, "--");
	for (; *walled; walled++)
		strv_push(&argv, *walled);
	return argv;
}

/* The sentence about a command that did not end well. */
static char *describe_failure(const struct build *b, const char *command, const struct proc_result *run,
                              bool out_of_memory, const char *cause, int64_t line)
{
	if (run->cancelled)
		return xasprintf("`%s` was ended: its result is not wanted any more", command);
	if (run->timed_out)
		return xasprintf("`%s` did not end within %lld s", command, (long long)(b->config->timeout_ns / NS_PER_S));
	if (run->limited)
		return xasprintf("`%s` made the %s folder larger than %lld MiB", command,
		                 b->size == HOME_TOO_LARGE ? "home" : "work", (long long)(b->config->size_max >> 20));
	if (out_of_memory)
		return xasprintf("`%s` used more than %lld MiB of memory", command, (long long)(BUILD_MEMORY_MAX >> 20));
	if (run->signal)
		return xasprintf("`%s` was killed by signal %d", command, run->signal);
	return xasprintf("`%s` exited with %d%s%s (line %lld of the build log)", command, run->exit_code, cause ? ": " : "",
	                 cause ? cause : "", (long long)line);
}

/* Runs the command in the sandbox, its output into the log; negative when it cannot even be started. */
static int run_walled(struct build *b, const char *command, struct proc_result *run, bool *ret_out_of_memory,
                      struct err *err)
{
	_cleanup_free_ char *prepared = with_system_packages(command);
	struct sandbox_spec sandbox = {
		.app_dir = b->src_dir,
		.workdir = json_str_at(b->job->spec, "source", "path", NULL),
		.home_dir = b->job->home_dir,
		.scia_path = b->config->scia_path,
		.etc_dir = b->config->etc_dir,
		.hide_dir = b->config->hide_dir,
		.command = prepared,
	};
	char id[UNIQUE_SIZE];
	_cleanup_free_ char *group = xasprintf("build-%s", unique_id(id));
	_cleanup_strv_ char **walled = sandbox_command(&sandbox), **argv = inside_cgroup(b, group, walled);
	_cleanup_strv_ char **env = build_environment(b), **outer = sandbox_outer_environment();
	_cleanup_buf_ struct buf arguments = BUF_INIT(ARGUMENTS_MAX);
	sandbox_arguments(env, &arguments);
	struct proc_spec proc = {
		.argv = argv,
		.env = outer,
		.input = arguments.data,
		.input_len = arguments.len,
		.timeout_ns = b->config->timeout_ns,
		.output_max = 1,
		.merge_stderr = true,
		.cancel = &b->job->cancelled,
		.on_output = on_output,
		.over_limit = is_too_large,
		.self = b,
	};
	int r = proc_run(&proc, run, err);
	*ret_out_of_memory = cgroup_was_out_of_memory(b->config->cgroups, group);
	cgroup_remove(b->config->cgroups, group);
	return r;
}

static int run_command(struct build *b, const char *command, const char *reason, struct release_result *result,
                       struct err *err)
{
	_cleanup_proc_result_ struct proc_result run = { 0 };
	_cleanup_free_ char *headline = xasprintf("$ %s\n", command);
	bool out_of_memory = false;
	int64_t line = 0;

	write_log(b, headline, strlen(headline));
	int64_t begun_at = b->log_size; /* what earlier commands printed is no cause */
	if (run_walled(b, command, &run, &out_of_memory, err) < 0)
		return -1;
	if (run.exit_code == 0)
		return 0;
	_cleanup_free_ char *cause = log_find_cause(b->log_path, begun_at, LOG_BUILD_TAIL, &line);
	log_mask(cause, b->job->secrets);
	result->reason = reason;
	result->message = describe_failure(b, command, &run, out_of_memory, cause, line);
	result->is_transient = run.cancelled || b->size == HOME_TOO_LARGE ||
	                       (str_eq(reason, "InstallFailed") && log_is_about_network(cause));
	/* The home folder is a cache of many builds: it begins anew. */
	return b->size == HOME_TOO_LARGE ? fs_remove_tree(b->job->home_dir, err) : 0;
}

static int run_commands(struct build *b, struct release_result *result, struct err *err)
{
	static const struct {
		const char *field, *reason;
	} steps[] = { { "installCommand", "InstallFailed" }, { "buildCommand", "BuildFailed" } };
	for (size_t i = 0; i < ARRAY_SIZE(steps) && !result->reason; i++) {
		const char *command = json_get_str(b->job->spec, steps[i].field);
		if (!str_empty(command) && run_command(b, command, steps[i].reason, result, err) < 0)
			return -1;
	}
	return 0;
}

/* ---- the whole ---- */

static int build(struct build *b, struct release_result *result, struct err *err)
{
	const struct release_job *job = b->job;
	if (fs_remove_tree(job->dir, err) < 0 || fs_mkdir_p(job->dir, 0700, err) < 0 ||
	    fs_mkdir_p(job->home_dir, 0700, err) < 0)
		return -1;
	b->log_fd = open(b->log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_APPEND, 0600);
	if (b->log_fd < 0)
		return err_set_errno(err, errno, "making %s", b->log_path);
	if (check_out(b, err) < 0) {
		result->reason = "CloneFailed";
		result->message = xstrdup(err_message(err));
		result->is_transient = !err->terminal;
		write_log(b, err_message(err), strlen(err_message(err)));
		err_clear(err);
		return 0;
	}
	if (run_commands(b, result, err) < 0)
		return -1;
	if (result->reason)
		return 0;
	_cleanup_free_ char *marker = fs_join(job->dir, "done"), *boot = boot_id();
	return fs_replace(marker, boot, strlen(boot), 0600, err);
}

void release_build(const struct release_config *config, const struct release_job *job, struct release_result *result)
{
	struct build b = { .config = config, .job = job, .log_fd = -1 };
	_cleanup_err_ struct err err = { 0 };
	int64_t started = clock_mono_ns();

	*result = (struct release_result){ 0 };
	b.src_dir = fs_join(job->dir, "src");
	b.log_path = fs_join(job->dir, "build.log");
	if (atomic_load(&job->cancelled)) {
		result->reason = "BuildFailed";
		result->message = xstrdup("it was cancelled before it began");
		result->is_transient = true;
	} else if (build(&b, result, &err) < 0) {
		result->reason = "BuildFailed";
		free(result->message);
		result->message = xstrdup(err_message(&err));
		result->is_transient = true;
	}
	result->seconds = (double)(clock_mono_ns() - started) / (double)NS_PER_S;
	closep(&b.log_fd);
	free(b.src_dir);
	free(b.log_path);
}
