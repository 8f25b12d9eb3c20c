/* Builds, with the real git, shell and sandbox, by the builder's threads. */

#include "builder.h"

#include "base/thread.h"
#include "local_testing.h"
#include "log_text.h"

#define COMMIT_LEN 40

struct outcome {
	char *id, *reason, *message;
	bool is_transient, was_cancelled;
};

struct fixture {
	char *dir, *repo, *commit, *git_dir, *etc_dir, *release, *home;
	struct cgroups *cgroups;
	struct builder_config config;
	struct builder *builder;
	pthread_mutex_t lock;
	struct outcome outcomes[16];
	int len;
};

static void on_done(void *self, const struct release_job *job, const struct release_result *result)
{
	struct fixture *f = self;
	MUTEX_GUARD(&f->lock);
	assert_true(f->len < (int)ARRAY_SIZE(f->outcomes));
	f->outcomes[f->len++] = (struct outcome){
		.id = xstrdup(job->id),
		.reason = xstrdup_or_null(result->reason),
		.message = xstrdup_or_null(result->message),
		.is_transient = result->is_transient,
		.was_cancelled = atomic_load(&job->cancelled),
	};
}

static int setup(void **state)
{
	struct fixture *f = new0(struct fixture);
	_cleanup_err_ struct err err = { 0 };
	_cleanup_free_ char *parent = xasprintf("scia-test-%d", (int)getpid());
	pthread_mutex_init(&f->lock, NULL);
	f->dir = testing_dir();
	f->repo = fs_join(f->dir, "repo");
	f->git_dir = fs_join(f->dir, "git");
	f->etc_dir = fs_join(f->dir, "etc");
	f->release = fs_join(f->dir, "release");
	f->home = fs_join(f->dir, "home");
	testing_write(f->repo, "app", "the application", 0644);
	testing_write(f->repo, "web/app", "a part of it", 0644);
	f->commit = testing_commit(f->repo);
	assert_ok(sandbox_write_etc(f->etc_dir, &err), &err);
	f->cgroups = cgroups_open(NULL, parent);
	f->config = (struct builder_config){
		.release = { .git_dir = f->git_dir,
		             .etc_dir = f->etc_dir,
		             .hide_dir = f->dir,
		             .allow_local = true,
		             .timeout_ns = TESTING_PATIENCE_NS,
		             .size_max = INT64_C(64) << 20,
		             .log_max = 64 * 1024,
		             .cgroups = f->cgroups },
		.threads = 2,
		.done = on_done,
		.self = f,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	builder_free(f->builder);
	cgroups_close(f->cgroups);
	for (int i = 0; i < f->len; i++) {
		free(f->outcomes[i].id);
		free(f->outcomes[i].reason);
		free(f->outcomes[i].message);
	}
	testing_remove(f->dir);
	free(f->repo);
	free(f->commit);
	free(f->git_dir);
	free(f->etc_dir);
	free(f->release);
	free(f->home);
	pthread_mutex_destroy(&f->lock);
	free(f);
	return 0;
}

static struct release_job *new_job(struct fixture *f, const char *install, const char *build)
{
	struct release_job *job = new0(struct release_job);
	job->key = xstrdup("default/app");
	job->id = xstrdup("0123456789abcdef");
	job->dir = xstrdup(f->release);
	job->home_dir = xstrdup(f->home);
	job->spec = json_pack("{s:{s:s, s:s}}", "source", "url", f->repo, "commit", f->commit);
	json_put_str(job->spec, "installCommand", install);
	json_put_str(job->spec, "buildCommand", build);
	return job;
}

static int count(struct fixture *f)
{
	MUTEX_GUARD(&f->lock);
	return f->len;
}

static void submit(struct fixture *f, struct release_job *job)
{
	_cleanup_err_ struct err err = { 0 };
	if (!f->builder)
		f->builder = builder_new(&f->config, &err);
	assert_non_null(f->builder);
	builder_submit(f->builder, job);
}

/* Builds, and gives what came of it. */
static const struct outcome *run(struct fixture *f, struct release_job *job)
{
	int before = count(f);
	submit(f, job);
	eventually(count(f) == before + 1);
	return &f->outcomes[before];
}

static const struct outcome *build(struct fixture *f, const char *install, const char *build_command)
{
	return run(f, new_job(f, install, build_command));
}

static char *log_of(struct fixture *f)
{
	return testing_read(f->release, "build.log");
}

static void test_release_without_commands_is_the_tree(void **state)
{
	struct fixture *f = *state;
	assert_null(build(f, NULL, NULL)->reason);
	assert_true(release_is_done(f->release));
	_cleanup_free_ char *file = testing_read(f->release, "src/app");
	assert_string_equal(file, "the application");
	_cleanup_free_ char *git = fs_join(f->release, "src/.git");
	assert_false(fs_exists(git));
}

static void test_release_installs_then_builds(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	const struct outcome *o = build(f, "echo installing; echo dep >dep; echo kept >$HOME/cache; id -u",
	                                "echo building; cat dep app >out; echo $CI");
	if (o->reason)
		fail_msg("%s: %s", o->reason, o->message);
	_cleanup_free_ char *out = testing_read(f->release, "src/out"), *cache = testing_read(f->home, "cache");
	_cleanup_free_ char *log = log_of(f);
	assert_string_equal(out, "dep\nthe application");
	assert_string_equal(cache, "kept\n");
	assert_non_null(strstr(log, "$ echo installing"));
	assert_true(strstr(log, "\ninstalling\n1000\n") < strstr(log, "\nbuilding\ntrue\n"));
}

static void test_release_failure_says_command_code_cause_and_line(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	const struct outcome *o = build(f, "true",
	                                "echo compiling; echo 'main.c:3: error: no such thing' >&2; echo more; exit 2");
	assert_string_equal(o->reason, "BuildFailed");
	assert_string_equal(o->message,
	                    "`echo compiling; echo 'main.c:3: error: no such thing' >&2; echo more; exit 2` exited "
	                    "with 2: main.c:3: error: no such thing (line 4 of the build log)");
	assert_false(o->is_transient);
	assert_false(release_is_done(f->release));
}

static void test_release_install_failure_is_no_build_failure(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	const struct outcome *o = build(f, "echo 'npm ERR! 404 left-pad'; exit 1", "touch built");
	assert_string_equal(o->reason, "InstallFailed");
	assert_false(o->is_transient);
	_cleanup_free_ char *built = fs_join(f->release, "src/built");
	assert_false(fs_exists(built)); /* what needs the dependencies is not tried without them */
	o = build(f, "echo 'npm ERR! getaddrinfo EAI_AGAIN registry'; exit 1", NULL);
	assert_true(o->is_transient);
}

static void test_release_failure_shows_no_secret(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	struct release_job *job = new_job(f, "echo \"error: $TOKEN is refused\"; exit 1", NULL);
	strv_push(&job->env, "TOKEN=hunter22");
	strv_push(&job->secrets, "hunter22");
	const struct outcome *o = run(f, job);
	assert_non_null(strstr(o->message, "error: ******** is refused"));
	assert_null(strstr(o->message, "hunter22"));
}

static void test_release_ends_what_takes_too_long(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	f->config.release.timeout_ns = 300 * NS_PER_MS;
	const struct outcome *o = build(f, "sleep 1000", NULL);
	assert_string_equal(o->reason, "InstallFailed");
	assert_string_equal(o->message, "`sleep 1000` did not end within 0 s");
}

static void test_release_ends_what_grows_too_large(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	f->config.release.size_max = INT64_C(4) << 20;
	const struct outcome *o = build(f, "head -c 8M /dev/urandom >big; sleep 1000", NULL);
	assert_string_equal(o->message,
	                    "`head -c 8M /dev/urandom >big; sleep 1000` made the work folder larger than 4 MiB");
	/* The home folder is shared by many builds: it begins anew rather than keep all of them from building. */
	o = build(f, "head -c 8M /dev/urandom >$HOME/big; sleep 1000", NULL);
	assert_non_null(strstr(o->message, "made the home folder larger than 4 MiB"));
	assert_true(o->is_transient);
	_cleanup_free_ char *big = fs_join(f->home, "big");
	assert_false(fs_exists(big));
}

static void test_release_log_is_bounded(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	assert_null(build(f, "yes gigabytes | head -c 2M", NULL)->reason);
	_cleanup_free_ char *log = log_of(f);
	assert_in_range(strlen(log), 64 * 1024, 64 * 1024 + 100);
	assert_true(str_ends_with(log, "[the rest of the build's output was dropped]\n"));
}

static void test_release_clone_failure(void **state)
{
	struct fixture *f = *state;
	struct release_job *job = new_job(f, NULL, NULL);
	_cleanup_free_ char *nowhere = fs_join(f->dir, "nowhere");
	json_put_str(json_object_get(job->spec, "source"), "url", nowhere);
	const struct outcome *o = run(f, job);
	assert_string_equal(o->reason, "CloneFailed");
	assert_non_null(strstr(o->message, nowhere));
	_cleanup_free_ char *log = log_of(f);
	assert_string_equal(log, o->message);
}

static void test_release_refuses_local_repositories_unless_allowed(void **state)
{
	struct fixture *f = *state;
	f->config.release.allow_local = false;
	const struct outcome *o = build(f, NULL, NULL);
	assert_string_equal(o->reason, "CloneFailed");
	assert_false(o->is_transient); /* asking again changes nothing */
}

static void test_release_workdir(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	struct release_job *job = new_job(f, "cat app >../out", NULL);
	json_put_str(json_object_get(job->spec, "source"), "path", "web");
	assert_null(run(f, job)->reason);
	_cleanup_free_ char *out = testing_read(f->release, "src/out");
	assert_string_equal(out, "a part of it");
}

/* What an interrupted build left is thrown away. */
static void test_release_begins_anew(void **state)
{
	struct fixture *f = *state;
	testing_write(f->release, "src/leftover", "x", 0644);
	testing_write(f->release, "build.log", "old", 0644);
	assert_null(build(f, NULL, NULL)->reason);
	_cleanup_free_ char *leftover = fs_join(f->release, "src/leftover"), *log = log_of(f);
	assert_false(fs_exists(leftover));
	assert_string_equal(log, "");
}

static void test_release_spoil(void **state)
{
	struct fixture *f = *state;
	assert_null(build(f, NULL, NULL)->reason);
	assert_true(release_is_done(f->release));
	release_spoil(f->release);
	assert_false(release_is_done(f->release));
	testing_write(f->release, "done", "another run of the machine", 0600);
	assert_false(release_is_done(f->release));
}

static void test_release_fork_bomb_ends(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	need(cgroups_version(f->cgroups) != CGROUP_NONE, "this machine lets nobody make control groups");
	f->config.release.timeout_ns = 500 * NS_PER_MS;
	const struct outcome *o = build(f, "bomb() { sleep 0.05; bomb | bomb & }; bomb 2>/dev/null; sleep 1000", NULL);
	assert_string_equal(o->reason, "InstallFailed");
}

static void test_release_cannot_read_outside(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	testing_write(f->dir, "secret", "x", 0644);
	_cleanup_free_ char *command = xasprintf("! cat %s/secret && ! ls %s && ! cat /etc/shadow", f->dir, f->dir);
	const struct outcome *o = build(f, command, NULL);
	if (o->reason)
		fail_msg("%s", o->message);
}

static void test_release_id_is_about_source_and_commands(void **state _unused_)
{
	_cleanup_json_ json_t *spec = json_pack("{s:{s:s, s:s, s:s}, s:s, s:s, s:s}", "source", "url", "u", "commit", "c",
	                                        "ref", "main", "installCommand", "i", "buildCommand", "b", "startCommand",
	                                        "s");
	char first[17], other[17];
	release_id(spec, first);
	assert_int_equal(strlen(first), 16);
	json_put_str(spec, "startCommand", "t");
	json_put_str(json_object_get(spec, "source"), "ref", "v1"); /* how the commit was named makes no other tree */
	release_id(spec, other);
	assert_string_equal(first, other);
	json_put_str(spec, "buildCommand", "c");
	release_id(spec, other);
	assert_string_not_equal(first, other);
	json_put_str(spec, "buildCommand", "b");
	json_put_str(json_object_get(spec, "source"), "commit", "d");
	release_id(spec, other);
	assert_string_not_equal(first, other);
}

/* ---- the queue ---- */

static void test_builder_cancel_ends_what_runs_and_what_waits(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	f->config.threads = 1;
	submit(f, new_job(f, "echo begun >begun; sleep 1000", NULL));
	submit(f, new_job(f, "sleep 1000", NULL));
	struct release_job *other = new_job(f, NULL, NULL);
	free(other->key);
	other->key = xstrdup("default/other");
	free(other->dir);
	other->dir = fs_join(f->dir, "other");
	submit(f, other);
	_cleanup_free_ char *begun = fs_join(f->release, "src/begun");
	eventually(fs_exists(begun));
	builder_cancel(f->builder, "default/app");
	eventually(count(f) == 3);
	assert_true(f->outcomes[0].was_cancelled && f->outcomes[0].reason);
	assert_true(f->outcomes[1].was_cancelled && f->outcomes[1].reason);
	assert_false(f->outcomes[2].was_cancelled);
	assert_null(f->outcomes[2].reason); /* somebody else's goes on */
	assert_non_null(strstr(f->outcomes[0].message, "is not wanted any more"));
}

static void test_builder_end_does_not_wait_for_builds(void **state)
{
	need_sandbox();
	struct fixture *f = *state;
	for (int i = 0; i < 6; i++) {
		struct release_job *job = new_job(f, "echo begun >begun; sleep 1000", NULL);
		free(job->dir);
		job->dir = xasprintf("%s/r%d", f->dir, i);
		submit(f, job);
	}
	_cleanup_free_ char *begun = fs_join(f->dir, "r0/src/begun");
	eventually(fs_exists(begun));
	int64_t asked = clock_mono_ns();
	f->builder = builder_free(f->builder);
	assert_true(clock_mono_ns() - asked < 10 * NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
		T(release_without_commands_is_the_tree),
		T(release_installs_then_builds),
		T(release_failure_says_command_code_cause_and_line),
		T(release_install_failure_is_no_build_failure),
		T(release_failure_shows_no_secret),
		T(release_ends_what_takes_too_long),
		T(release_ends_what_grows_too_large),
		T(release_log_is_bounded),
		T(release_clone_failure),
		T(release_refuses_local_repositories_unless_allowed),
		T(release_workdir),
		T(release_begins_anew),
		T(release_spoil),
		T(release_fork_bomb_ends),
		T(release_cannot_read_outside),
		T(release_id_is_about_source_and_commands),
		T(builder_cancel_ends_what_runs_and_what_waits),
		T(builder_end_does_not_wait_for_builds),
	};
	return cmocka_run_group_tests_name("release", tests, NULL, NULL);
}
