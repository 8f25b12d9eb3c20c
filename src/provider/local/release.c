#include "release.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/thread.h"
#include "codec/base64.h"
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/queue.h>

#define LOG_TAIL_MAX (64 * 1024)
#define LINE_MAX_SHOWN 300
#define BUILD_PIDS_MAX 2048
#define BUILD_MEMORY_MAX (INT64_C(4) << 30)

struct queued_job {
	STAILQ_ENTRY(queued_job) next;
	struct release_job *job;
};

struct builder {
	struct builder_config config;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	STAILQ_HEAD(, queued_job) queue;
	bool stopping;
	struct release_job **running; /* one slot a thread, NULL while it waits */
	pthread_t *threads;
	int threads_len;
};

/* One build under way. */
struct build {
	struct builder *builder;
	const struct release_job *job;
	char *src_dir, *log_path;
	int log_fd;
	int64_t log_size;
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
	free(job->remove_dir);
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

static void write_log(struct build *b, const char *data, size_t len)
{
	if (b->log_fd < 0 || b->log_size >= b->builder->config.log_max)
		return;
	if (b->log_size + (int64_t)len > b->builder->config.log_max)
		len = (size_t)(b->builder->config.log_max - b->log_size);
	if (fs_write_all(b->log_fd, data, len) == 0)
		b->log_size += (int64_t)len;
	static const char cut[] = "\n[the rest of the build's output was dropped]\n";
	if (b->log_size >= b->builder->config.log_max)
		(void)!write(b->log_fd, cut, sizeof(cut) - 1);
}

static void on_output(void *self, int stream _unused_, const char *data, size_t len)
{
	write_log(self, data, len);
}

static bool is_too_large(void *self)
{
	struct build *b = self;
	return fs_tree_size(b->src_dir, b->builder->config.size_max) > b->builder->config.size_max;
}

static char *secret_value(const json_t *secret, const char *key)
{
	const char *encoded = json_str_at(secret, "data", key, NULL);
	size_t len;
	return encoded ? base64_decode(encoded, strlen(encoded), &len) : NULL;
}

static int check_out(struct build *b, struct err *err)
{
	const json_t *source = json_object_get(b->job->spec, "source");
	const char *secret_name = json_str_at(source, "secretRef", "name", NULL);
	_cleanup_json_ json_t *secret = NULL;
	struct git_limits limits = { .timeout_ns = 5 * 60 * NS_PER_S,
		                         .size_max = b->builder->config.size_max,
		                         .cancel = &b->job->cancelled };
	struct git_source git = {
		.url = json_get_str(source, "url"),
		.ref = json_get_str(source, "ref"),
		.allow_local = b->builder->config.allow_local,
	};

	if (secret_name) {
		_cleanup_free_ char *ns = xstrndup(b->job->key, strcspn(b->job->key, "/"));
		if (kube_get(b->builder->config.client, &KUBE_SECRET, ns, secret_name, &secret, err) < 0)
			return err_wrap(err, "reading Secret %s", secret_name);
	}
	_cleanup_free_ char *user = secret_value(secret, "username"), *token = secret_value(secret, "token");
	_cleanup_free_ char *password = secret_value(secret, "password"), *key = secret_value(secret, "ssh-privatekey");
	_cleanup_free_ char *hosts = secret_value(secret, "known_hosts");
	struct git_credentials credentials = { user, token ? token : password, key, hosts };
	if (secret)
		git.credentials = &credentials;
	return git_checkout(&git, &limits, b->builder->config.git_dir, json_get_str(source, "commit"), b->src_dir, err);
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

/* The command line in front of `inner` that enters a control group of the build's own first. */
static char **inside_cgroup(struct build *b, const char *group, char *const *inner)
{
	static const char script[] =
		"while [ \"$1\" != -- ]; do echo 0 >\"$1\" || exit 70; shift; done; shift; exec \"$@\"";
	struct cgroup_limits limits = { .memory = BUILD_MEMORY_MAX, .pids = BUILD_PIDS_MAX };
	_cleanup_strv_ char **procs = NULL;
	char **argv = NULL;
	cgroup_make(b->builder->config.cgroups, group, &limits, &procs);
	strv_push(&argv, "/bin/sh");
	strv_push(&argv, "-c");
	strv_push(&argv, script);
	strv_push(&argv, "sh");
	for (size_t i = 0; i < strv_len(procs); i++)
		strv_push(&argv, procs[i]);
	strv_push(&argv, "--");
	for (; *inner; inner++)
		strv_push(&argv, *inner);
	return argv;
}

/* Runs one command in the sandbox, its output into the log. */
static int run_command(struct build *b, const char *command, const char *reason, struct release_result *result,
                       struct err *err)
{
	_cleanup_free_ char *prepared = with_system_packages(command);
	struct sandbox_spec sandbox = {
		.app_dir = b->src_dir,
		.workdir = json_str_at(b->job->spec, "source", "path", NULL),
		.home_dir = b->job->home_dir,
		.scia_path = b->builder->config.scia_path,
		.command = prepared,
	};
	_cleanup_strv_ char **walled = sandbox_command(&sandbox);
	_cleanup_free_ char *group = xasprintf("build-%s", b->job->id);
	_cleanup_strv_ char **argv = inside_cgroup(b, group, walled);
	_cleanup_strv_ char **env = sandbox_environment(b->job->env);
	/* Package managers: no questions, no advertisements, and what is in the cache is not asked for again. */
	static const char *const quiet[] = { "CI=true", "npm_config_prefer_offline=true", "npm_config_audit=false",
		                                 "npm_config_fund=false", "npm_config_update_notifier=false",
		                                 "PIP_DISABLE_PIP_VERSION_CHECK=1", "PIP_NO_INPUT=1" };
	for (size_t i = 0; i < ARRAY_SIZE(quiet); i++)
		strv_push(&env, quiet[i]);
	struct proc_spec proc = {
		.argv = argv,
		.env = env,
		.timeout_ns = b->builder->config.timeout_ns,
		.output_max = 1,
		.merge_stderr = true,
		.cancel = &b->job->cancelled,
		.on_output = on_output,
		.over_limit = is_too_large,
		.self = b,
	};
	_cleanup_proc_result_ struct proc_result run = { 0 };
	_cleanup_free_ char *headline = xasprintf("$ %s\n", command);
	write_log(b, headline, strlen(headline));
	int r = proc_run(&proc, &run, err);
	bool out_of_memory = cgroup_was_out_of_memory(b->builder->config.cgroups, group);
	cgroup_remove(b->builder->config.cgroups, group);
	if (r < 0)
		return -1;
	if (run.exit_code == 0)
		return 0;
	int64_t line = 0;
	_cleanup_free_ char *cause = log_find_cause(b->log_path, &line);
	result->reason = reason;
	if (run.timed_out)
		result->message = xasprintf("`%s` did not end within %lld s", command,
		                            (long long)(b->builder->config.timeout_ns / NS_PER_S));
	else if (run.limited)
		result->message = xasprintf("`%s` made the work folder larger than %lld MiB", command,
		                            (long long)(b->builder->config.size_max >> 20));
	else if (out_of_memory)
		result->message = xasprintf("`%s` used more than %lld MiB of memory", command,
		                            (long long)(BUILD_MEMORY_MAX >> 20));
	else if (run.signal)
		result->message = xasprintf("`%s` was killed by signal %d", command, run.signal);
	else
		result->message = xasprintf("`%s` exited with %d%s%s (line %lld of the build log)", command, run.exit_code,
		                            cause ? ": " : "", cause ? cause : "", (long long)line);
	result->is_transient = run.cancelled;
	return 0;
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

static int build_release(struct build *b, struct release_result *result, struct err *err)
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
	if (run_commands(b, result, err) < 0 || result->reason)
		return err_is_set(err) ? -1 : 0;
	_cleanup_free_ char *marker = fs_join(job->dir, "done"), *boot = boot_id();
	return fs_replace(marker, boot, strlen(boot), 0600, err);
}

static void run_build(struct builder *builder, const struct release_job *job)
{
	struct build b = { .builder = builder, .job = job, .log_fd = -1 };
	struct release_result result = { 0 };
	_cleanup_err_ struct err err = { 0 };
	int64_t started = clock_mono_ns();

	b.src_dir = fs_join(job->dir, "src");
	b.log_path = fs_join(job->dir, "build.log");
	if (build_release(&b, &result, &err) < 0) {
		result.reason = "BuildFailed";
		result.message = xstrdup(err_message(&err));
		result.is_transient = true;
	}
	result.seconds = (double)(clock_mono_ns() - started) / (double)NS_PER_S;
	closep(&b.log_fd);
	builder->config.done(builder->config.self, job, &result);
	free(result.message);
	free(b.src_dir);
	free(b.log_path);
}

/* The slot of the job that a thread works on; with NULL a free one. */
static struct release_job **find_slot(struct builder *b, const struct release_job *job)
{
	int i = 0;
	while (b->running[i] != job)
		i++;
	return &b->running[i];
}

static struct release_job *next_job(struct builder *b)
{
	MUTEX_GUARD(&b->lock);
	while (!b->stopping && STAILQ_EMPTY(&b->queue))
		pthread_cond_wait(&b->wake, &b->lock);
	if (b->stopping)
		return NULL;
	struct queued_job *queued = STAILQ_FIRST(&b->queue);
	STAILQ_REMOVE_HEAD(&b->queue, next);
	struct release_job *job = queued->job;
	free(queued);
	*find_slot(b, NULL) = job;
	return job;
}

static void job_done(struct builder *b, struct release_job *job)
{
	MUTEX_GUARD(&b->lock);
	*find_slot(b, job) = NULL;
	release_job_free(job);
}

void builder_cancel(struct builder *b, const char *key)
{
	struct queued_job *queued;
	MUTEX_GUARD(&b->lock);
	STAILQ_FOREACH (queued, &b->queue, next) {
		if (!queued->job->remove_dir && str_eq(queued->job->key, key))
			atomic_store(&queued->job->cancelled, true);
	}
	for (int i = 0; i < b->config.threads; i++) {
		if (b->running[i] && str_eq(b->running[i]->key, key))
			atomic_store(&b->running[i]->cancelled, true);
	}
}

static void *builder_main(void *arg)
{
	struct builder *b = arg;
	for (struct release_job *job; (job = next_job(b)); job_done(b, job)) {
		if (job->remove_dir) {
			struct release_result result = { 0 };
			_cleanup_err_ struct err err = { 0 };
			if (fs_remove_tree(job->remove_dir, &err) < 0) {
				result.reason = "CleanupFailed";
				result.message = xstrdup(err_message(&err));
			}
			b->config.done(b->config.self, job, &result);
			free(result.message);
		} else {
			run_build(b, job);
		}
	}
	return NULL;
}

struct builder *builder_new(const struct builder_config *config, struct err *err)
{
	struct builder *b = new0(struct builder);
	b->config = *config;
	STAILQ_INIT(&b->queue);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->wake, NULL);
	b->threads = xcalloc((size_t)config->threads, sizeof(*b->threads));
	b->running = xcalloc((size_t)config->threads, sizeof(struct release_job *));
	while (b->threads_len < config->threads) {
		if (thread_start(&b->threads[b->threads_len], "build", builder_main, b, err) < 0)
			return builder_free(b);
		b->threads_len++;
	}
	return b;
}

struct builder *builder_free(struct builder *b)
{
	if (!b)
		return NULL;
	pthread_mutex_lock(&b->lock);
	b->stopping = true;
	for (int i = 0; i < b->config.threads; i++) {
		if (b->running[i])
			atomic_store(&b->running[i]->cancelled, true);
	}
	pthread_cond_broadcast(&b->wake);
	pthread_mutex_unlock(&b->lock);
	for (int i = 0; i < b->threads_len; i++)
		pthread_join(b->threads[i], NULL);
	for (struct queued_job *queued; (queued = STAILQ_FIRST(&b->queue));) {
		STAILQ_REMOVE_HEAD(&b->queue, next);
		release_job_free(queued->job);
		free(queued);
	}
	pthread_cond_destroy(&b->wake);
	pthread_mutex_destroy(&b->lock);
	free(b->threads);
	free(b->running);
	free(b);
	return NULL;
}

void builder_submit(struct builder *b, struct release_job *job)
{
	struct queued_job *queued = new0(struct queued_job);
	queued->job = job;
	MUTEX_GUARD(&b->lock);
	STAILQ_INSERT_TAIL(&b->queue, queued, next);
	pthread_cond_signal(&b->wake);
}

static bool looks_like_cause(const char *line)
{
	static const char *const words[] = { "error",        "err!",   "fatal",     "cannot find", "not found",
		                                 "no such file", "failed", "exception", "denied",      "eaddrinuse" };
	_cleanup_free_ char *lower = xstrdup(line);
	str_lower(lower);
	/* A warning that mentions an error is a retry, mostly; the error itself follows. */
	if (str_starts_with(lower, "warning") || str_starts_with(lower, "npm warn"))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (str_contains(lower, words[i]))
			return true;
	}
	return false;
}

/* The end of a file, from the start of a line, and how many lines come before it. */
static char *read_tail(const char *path, int64_t *ret_lines_before)
{
	_cleanup_err_ struct err ignored = { 0 };
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	if (fs_read_file(path, 64 * 1024 * 1024, &text, &len, &ignored) < 0)
		return NULL;
	char *start = text;
	*ret_lines_before = 0;
	if (len > LOG_TAIL_MAX) {
		char *next = strchr(text + len - LOG_TAIL_MAX, '\n');
		start = next ? next + 1 : text + len - LOG_TAIL_MAX;
	}
	for (const char *p = text; p < start; p++)
		*ret_lines_before += *p == '\n';
	return xstrdup(start);
}

char *log_find_cause(const char *path, int64_t *ret_line)
{
	int64_t number = 0, last_number = 0;
	_cleanup_free_ char *tail = read_tail(path, &number);
	const char *last = NULL, *cause = NULL;
	*ret_line = 0;
	for (char *line = tail, *end; line && *line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		number++;
		char *stripped = str_strip(line);
		if (!*stripped)
			continue;
		last = stripped;
		last_number = number;
		if (!cause && looks_like_cause(stripped)) {
			cause = stripped;
			*ret_line = number;
		}
	}
	if (!cause) {
		cause = last;
		*ret_line = last_number;
	}
	return cause ? xasprintf("%.*s", LINE_MAX_SHOWN, cause) : NULL;
}
