/* The local provider as a whole: real repositories, builds, sandboxes and programs. */

#include "world_testing.h"

#include "cgroup.h"

#include <sys/wait.h>


static int setup(void **state)
{
	*state = world_new();
	return 0;
}

static int setup_started(void **state)
{
	setup(state);
	world_start(*state);
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static char *app_path(struct world *w, const char *name, const char *rest)
{
	return xasprintf("%s/apps/default/%s%s", w->data, name, rest);
}

/* ---- a life ---- */

static void test_local_builds_runs_and_ends(void **state)
{
	need_sandbox();
	struct world *w = *state;
	world_want(w, "app", 1, "\"buildCommand\": \"echo built >>version\", \"mode\": \"vm\"");
	eventually(world_is_ready(w, "app"));
	assert_true(answers(w, "app", "v1built\n "));
	assert_int_equal(world_number(w, "app", "revision"), 1);
	assert_int_equal(world_number(w, "app", "replicasReady"), 1);
	assert_int_equal(count_programs(w, NULL), 1);
	assert_true(atomic_load(&w->changes) > 0);

	_cleanup_free_ char *dir = app_path(w, "app", "");
	int port = world_port(w, "app");
	assert_true(fs_exists(dir));
	world_delete(w, "app");
	assert_false(fs_exists(dir));
	assert_int_equal(count_programs(w, NULL), 0);
	assert_null(fetch(port, "/"));
	world_want(w, "app", 1, NULL); /* another of the same name can come at once */
	eventually(world_is_ready(w, "app"));
}

static void test_local_program_that_ends_comes_back(void **state)
{
	need_sandbox();
	struct world *w = *state;
	pid_t before = 0, after = 0;
	world_want(w, "app", 1, NULL);
	eventually(world_is_ready(w, "app"));
	assert_int_equal(count_programs(w, &before), 1);
	kill(before, SIGKILL);
	eventually(world_number(w, "app", "restarts") == 1 && answers(w, "app", "v1 "));
	assert_int_equal(count_programs(w, &after), 1);
	assert_int_not_equal(before, after);
	_cleanup_free_ char *log = app_path(w, "app", "/previous.log");
	_cleanup_free_ char *text = testing_read("/", log + 1);
	assert_non_null(strstr(text, "version v1 listens"));
	bool ready;
	_cleanup_json_ json_t *status = world_status(w, "app", &ready);
	assert_non_null(strstr(json_str_at(status, "lastExit", "log", NULL), "version v1 listens"));
}

static void test_local_exit_is_explained(void **state)
{
	need_sandbox();
	struct world *w = *state;
	world_want(w, "app", 1, "\"startCommand\": \"echo starting; echo 'Error: no database' >&2; exit 4\"");
	eventually(world_says(w, "app", "message", "exited with 4"));
	assert_true(world_says(w, "app", "message", "Error: no database"));
	assert_true(world_says(w, "app", "state", "BackOff"));
	assert_false(world_is_ready(w, "app"));
	world_want(w, "app", 2, "\"startCommand\": \"nonexistent-program\"");
	eventually(world_says(w, "app", "message", "cannot start: /bin/sh: 1: nonexistent-program: not found"));
}

static void test_local_memory_limit_is_named(void **state)
{
	need_sandbox();
	struct world *w = *state;
	struct cgroups *c = cgroups_open(NULL, "scia-test-probe");
	bool can = cgroups_version(c) != CGROUP_NONE;
	cgroups_close(c);
	need(can, "this machine lets nobody make control groups");
	world_want(w, "app", 1,
	           "\"startCommand\": \"exec head -c 500M /dev/zero | tail\", \"resources\": {\"memory\": \"32Mi\"}");
	eventually(world_says(w, "app", "message", "it used more memory than its limit of 32Mi"));
}

/* ---- updates ---- */

/* Asks all the time, and counts what went wrong. */
struct load {
	int port;
	atomic_bool stop;
	atomic_int good, bad;
	pthread_t thread;
};

static void *ask_all_the_time(void *arg)
{
	struct load *l = arg;
	while (!atomic_load(&l->stop)) {
		_cleanup_free_ char *body = fetch(l->port, "/");
		atomic_fetch_add(body && body[0] == 'v' ? &l->good : &l->bad, 1);
	}
	return NULL;
}

static void test_local_update_drops_no_request(void **state)
{
	need_sandbox();
	struct world *w = *state;
	world_want(w, "app", 1, "\"mode\": \"kubernetes\", \"replicas\": 2");
	eventually(world_number(w, "app", "replicasReady") == 2);
	struct load loads[3];
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		loads[i] = (struct load){ .port = world_port(w, "app") };
		pthread_create(&loads[i].thread, NULL, ask_all_the_time, &loads[i]);
	}
	testing_write(w->repo, "version", "v2", 0644);
	world_want(w, "app", 2, "\"mode\": \"kubernetes\", \"replicas\": 2");
	eventually(world_number(w, "app", "revision") == 2 && world_number(w, "app", "replicas") == 2);
	eventually(count_programs(w, NULL) == 2);
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		atomic_store(&loads[i].stop, true);
		pthread_join(loads[i].thread, NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(loads); i++) {
		assert_true(atomic_load(&loads[i].good) > 0);
		assert_int_equal(atomic_load(&loads[i].bad), 0);
	}
	assert_true(answers(w, "app", "v2 "));
}

static void test_local_failing_update_keeps_the_old_one(void **state)
{
	need_sandbox();
	struct world *w = *state;
	world_want(w, "app", 1, NULL);
	eventually(world_is_ready(w, "app"));
	world_want(w, "app", 2, "\"buildCommand\": \"echo 'error: cannot compile'; exit 1\"");
	eventually(world_number(w, "app", "failedRevision") == 2);
	assert_true(world_says(w, "app", "message", "error: cannot compile (line 2 of the build log)"));
	world_want(w, "app", 3, "\"startCommand\": \"exit 5\"");
	eventually(world_number(w, "app", "failedRevision") == 3);
	assert_true(answers(w, "app", "v1 "));
	assert_int_equal(world_number(w, "app", "revision"), 1);
	assert_int_equal(count_programs(w, NULL), 1);
}

static void test_local_replicas_have_numbers(void **state)
{
	need_sandbox();
	struct world *w = *state;
	world_want(w, "app", 1, "\"mode\": \"kubernetes\", \"replicas\": 3");
	eventually(world_number(w, "app", "replicasReady") == 3);
	bool ready, seen[3] = { false };
	_cleanup_json_ json_t *status = world_status(w, "app", &ready);
	size_t i;
	json_t *process;
	json_array_foreach (json_object_get(status, "processes"), i, process) {
		int64_t number = json_get_int(process, "replica", -1);
		assert_in_range(number, 0, 2);
		seen[number] = true;
	}
	assert_true(seen[0] && seen[1] && seen[2]);
}

static void test_local_serverless_wakes_for_a_request(void **state)
{
	need_sandbox();
	struct world *w = *state;
	world_want(w, "app", 1, "\"mode\": \"serverless\", \"idleSeconds\": 1");
	eventually(world_number(w, "app", "revision") == 1);
	eventually(count_programs(w, NULL) == 0);
	assert_true(world_is_ready(w, "app"));
	eventually(world_says(w, "app", "state", "Idle"));
	assert_true(answers(w, "app", "v1 ")); /* the request waits, and is served */
	assert_int_equal(count_programs(w, NULL), 1);
	eventually(count_programs(w, NULL) == 0);
	assert_int_equal(world_number(w, "app", "restarts"), 0);
}

/* ---- ports ---- */

static void test_local_program_that_insists_on_its_port(void **state)
{
	need_sandbox();
	struct world *w = *state;
	int port = 0;
	_cleanup_close_ int fd = listen_on(AF_INET, &port);
	_cleanup_free_ char *fields = xasprintf("\"port\": %d, \"env\": [{\"name\": \"FIXED_PORT\", \"value\": \"%d\"}]", port,
	                                        port);
	world_want(w, "app", 1, fields);
	_cleanup_free_ char *message = xasprintf("port %d is used by another program on this machine", port);
	eventually(world_says(w, "app", "message", message));
	closep(&fd);
	eventually(world_is_ready(w, "app"));
	assert_true(answers(w, "app", "v1 "));
	assert_int_not_equal(world_port(w, "app"), port);
}

/* ---- restarts of ours ---- */

static void test_local_restart_adopts(void **state)
{
	need_sandbox();
	struct world *w = *state;
	pid_t before = 0, after = 0;
	world_want(w, "app", 1, "\"mode\": \"kubernetes\", \"replicas\": 2");
	eventually(world_number(w, "app", "replicasReady") == 2);
	count_programs(w, &before);
	int port = world_port(w, "app");
	_cleanup_json_ json_t *now = NULL, *then = NULL;
	bool ready;
	then = world_status(w, "app", &ready);
	world_stop(w, true);
	assert_int_equal(count_programs(w, NULL), 2);
	world_start(w);
	/* At once, without another health check, and as if nothing had been. */
	assert_true(world_is_ready(w, "app"));
	assert_int_equal(world_port(w, "app"), port);
	assert_true(answers(w, "app", "v1 "));
	now = world_status(w, "app", &ready);
	assert_true(json_equal(json_object_get(now, "processes"), json_object_get(then, "processes")));
	world_want(w, "app", 1, "\"mode\": \"kubernetes\", \"replicas\": 2");
	for_a_while(300, count_programs(w, &after) == 2);
	assert_int_equal(world_number(w, "app", "restarts"), 0);
	assert_int_equal(before, after);
	/* And it is watched as before. */
	kill(before, SIGKILL);
	eventually(world_number(w, "app", "restarts") == 1 && world_number(w, "app", "replicasReady") == 2);
}

static void test_local_restart_notices_what_ended_meanwhile(void **state)
{
	need_sandbox();
	struct world *w = *state;
	pid_t pid = 0;
	world_want(w, "app", 1, NULL);
	eventually(world_is_ready(w, "app"));
	world_stop(w, true);
	count_programs(w, &pid);
	kill(pid, SIGKILL);
	eventually(count_programs(w, NULL) == 0);
	world_start(w);
	assert_false(world_is_ready(w, "app"));
	world_want(w, "app", 1, NULL);
	eventually(answers(w, "app", "v1 "));
	assert_int_equal(count_programs(w, NULL), 1);
}

static void test_local_stop_ends_applications(void **state)
{
	need_sandbox();
	struct world *w = *state;
	world_want(w, "app", 1, NULL);
	eventually(world_is_ready(w, "app"));
	int port = world_port(w, "app");
	world_stop(w, false);
	assert_int_equal(count_programs(w, NULL), 0);
	world_start(w);
	assert_int_equal(world_port(w, "app"), port); /* what was known about it is known still */
	world_want(w, "app", 1, NULL);
	eventually(answers(w, "app", "v1 "));
}

/* A folder that a crash left without its app.json is of nobody. */
static void test_local_start_tidies_up(void **state)
{
	need_sandbox();
	struct world *w = *state;
	world_want(w, "app", 1, NULL);
	eventually(world_is_ready(w, "app"));
	world_stop(w, true);
	_cleanup_free_ char *saved = app_path(w, "app", "/app.json"), *dir = app_path(w, "app", "");
	assert_int_equal(unlink(saved), 0);
	world_start(w);
	assert_false(fs_exists(dir));
	eventually(count_programs(w, NULL) == 0);
}

/* The Process' status remembers the port when our files do not. */
static void test_local_endpoint_keeps_its_port(void **state)
{
	need_sandbox();
	struct world *w = *state;
	int port = 0;
	int fd = listen_on(AF_INET, &port);
	closep(&fd);
	_cleanup_json_ json_t *process = world_process(w, "app", 1, NULL);
	_cleanup_err_ struct err err = { 0 };
	json_put(process, "status", json_object());
	json_put(json_object_get(process, "status"), "url", json_strf("http://127.0.0.1:%d/", port));
	assert_ok(world_apply(w, process, &err), &err);
	assert_int_equal(world_port(w, "app"), port);
}

/* ---- killed at a bad moment ---- */

#ifdef SCIA_FAULT_POINTS
/* Runs a provider that wants an application, in a process that dies at the fault point. */
static void die_at(struct world *w, const char *fault)
{
	pid_t pid = fork();
	if (pid == 0) {
		setenv("SCIA_FAULT", fault, 1);
		world_start(w);
		world_want(w, "app", 1, NULL);
		clock_sleep_ns(TESTING_PATIENCE_NS);
		_exit(1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("it did not die at %s", fault);
}

static void test_local_killed_at_any_moment_runs_once(void **state)
{
	static const char *const faults[] = { "local.after-save=kill", "local.before-spawn=kill", "local.after-spawn=kill" };
	need_sandbox();
	struct world *w = *state;
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		die_at(w, faults[i]);
		world_start(w);
		world_want(w, "app", 1, NULL);
		eventually(answers(w, "app", "v1 "));
		for_a_while(100, count_programs(w, NULL) == 1);
		world_delete(w, "app");
		assert_int_equal(count_programs(w, NULL), 0);
		world_stop(w, true);
	}
}
#endif

/* ---- hostile programs ---- */

static void test_local_fork_bomb_stays_within_its_limits(void **state)
{
	need_sandbox();
	struct world *w = *state;
	struct cgroups *c = cgroups_open(NULL, "scia-test-probe");
	bool can = cgroups_version(c) != CGROUP_NONE;
	cgroups_close(c);
	need(can, "this machine lets nobody make control groups");
	world_want(w, "bomb", 1,
	           "\"startCommand\": \"bomb() { sleep 0.02; bomb | bomb & }; bomb 2>/dev/null; sleep 1000\", \"resources\": "
	           "{\"cpu\": \"100m\"}");
	world_want(w, "app", 1, NULL);
	eventually(world_is_ready(w, "app")); /* others go on */
	assert_true(answers(w, "app", "v1 "));
	world_delete(w, "bomb");
	assert_true(answers(w, "app", "v1 "));
}

static void test_local_disk_quota(void **state)
{
	need_sandbox();
	struct world *w = *state;
	w->config.disk_max = INT64_C(4) << 20;
	world_start(w);
	world_want(w, "app", 1,
	           "\"startCommand\": \"i=0; while [ $i -lt 500 ]; do head -c 1M /dev/urandom >f$i; i=$((i+1)); sleep 0.03; "
	           "done\"");
	eventually(world_says(w, "app", "message", "wrote more than 4 MiB below /app"));
	assert_true(world_says(w, "app", "reason", "DiskQuotaExceeded"));
	world_want(w, "app", 2, NULL);
	eventually(answers(w, "app", "v1 "));
}

static void test_local_one_huge_file(void **state)
{
	need_sandbox();
	struct world *w = *state;
	w->config.disk_max = INT64_C(4) << 20;
	world_start(w);
	world_want(w, "app", 1, "\"startCommand\": \"exec head -c 100G /dev/zero >/app/huge\"");
	eventually(world_says(w, "app", "message", "it wrote a file larger than the 4 MiB"));
}

static void test_local_gigabytes_of_log(void **state)
{
	need_sandbox();
	struct world *w = *state;
	w->config.log_max = 64 * 1024;
	world_start(w);
	world_want(w, "app", 1, "\"startCommand\": \"yes flood & exec scia serve x\"");
	eventually(world_is_ready(w, "app"));
	_cleanup_free_ char *dir = app_path(w, "app", "/instances");
	for_a_while(200, fs_tree_size(dir, INT64_MAX) < 512 * 1024);
}

/* ---- secrets ---- */

static void test_local_secrets_reach_the_program_only(void **state)
{
	need_sandbox();
	struct world *w = *state;
	struct testing_api *api = testing_api_start();
	json_decref(testing_create(api, &KUBE_SECRET,
	                           "metadata: {name: s, namespace: default}\nstringData: {key: s3cr3t-value}"));
	w->config.client = api->client;
	world_start(w);
	world_want(w, "app", 1,
	           "\"env\": [{\"name\": \"GREETING\", \"valueFrom\": {\"secretKeyRef\": {\"name\": \"s\", \"key\": "
	           "\"key\"}}}], \"buildCommand\": \"test ${#GREETING} = 12\"");
	eventually(answers(w, "app", "v1 s3cr3t-value"));
	/* Nowhere on disk, and on no command line. */
	_cleanup_free_ char *found = testing_run(
		NULL, (const char *const[]){ "sh", "-c", "grep -rl s3cr3t-valu[e] \"$0\" || true", w->data, NULL });
	assert_string_equal(found, "");
	_cleanup_free_ char *lines = testing_run(
		NULL, (const char *const[]){ "sh", "-c", "cat /proc/[0-9]*/cmdline 2>/dev/null | grep -c s3cr3t-valu[e] || true", NULL });
	assert_string_equal(lines, "0");
	world_stop(w, false);
	testing_api_stop(api);
}

static void test_local_missing_secret_is_named(void **state)
{
	static const struct {
		const char *reference, *message;
	} cases[] = {
		{ "{\"name\": \"nowhere\", \"key\": \"k\"}", "reading Secret default/nowhere" },
		{ "{\"name\": \"s\", \"key\": \"other\"}", "Secret default/s has no key \"other\"" },
		{ "{\"name\": \"s\", \"key\": \"binary\"}", "it is binary" },
	};
	struct world *w = *state;
	need_sandbox();
	struct testing_api *api = testing_api_start();
	json_decref(testing_create(api, &KUBE_SECRET,
	                           "metadata: {name: s, namespace: default}\ndata: {key: eA==, binary: AAEC}"));
	w->config.client = api->client;
	world_start(w);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *fields = xasprintf(
			"\"env\": [{\"name\": \"A\", \"valueFrom\": {\"secretKeyRef\": %s}}]", cases[i].reference);
		_cleanup_json_ json_t *process = world_process(w, "app", 1, fields);
		_cleanup_err_ struct err err = { 0 };
		assert_true(world_apply(w, process, &err) < 0);
		if (!strstr(err_message(&err), cases[i].message))
			fail_msg("%s", err_message(&err));
	}
	world_stop(w, false);
	testing_api_stop(api);
}

/* ---- orphans ---- */

static void test_local_orphan_goes_on(void **state)
{
	need_sandbox();
	struct world *w = *state;
	pid_t before = 0, after = 0;
	world_want(w, "app", 1, NULL);
	eventually(world_is_ready(w, "app"));
	count_programs(w, &before);
	_cleanup_json_ json_t *process = world_process(w, "app", 1, NULL);
	w->driver.forget(w->driver.self, NULL, process);
	world_stop(w, true);
	world_start(w);
	assert_true(answers(w, "app", "v1 "));
	/* A Process of that name takes it over. */
	json_put_str(kube_meta(process), "uid", "another");
	_cleanup_err_ struct err err = { 0 };
	assert_ok(world_apply(w, process, &err), &err);
	for_a_while(100, count_programs(w, &after) == 1);
	assert_int_equal(before, after);
}

/* ---- without control groups ---- */

static void test_local_works_without_control_groups(void **state)
{
	need_sandbox();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	need(false, "an instrumented program needs more address space than any limit gives it");
#endif
	struct world *w = *state;
	w->config.cgroup_root = w->dir;
	world_start(w);
	world_want(w, "app", 1, NULL);
	eventually(answers(w, "app", "v1 "));
}

int main(int argc, char **argv)
{
	serve_if_asked(argc, argv);
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_local_##name, setup_started, teardown)
#define T_UNSTARTED(name) cmocka_unit_test_setup_teardown(test_local_##name, setup, teardown)
		T(builds_runs_and_ends),
		T(program_that_ends_comes_back),
		T(exit_is_explained),
		T(memory_limit_is_named),
		T(update_drops_no_request),
		T(failing_update_keeps_the_old_one),
		T(replicas_have_numbers),
		T(serverless_wakes_for_a_request),
		T(program_that_insists_on_its_port),
		T(restart_adopts),
		T(restart_notices_what_ended_meanwhile),
		T(stop_ends_applications),
		T(start_tidies_up),
		T(endpoint_keeps_its_port),
#ifdef SCIA_FAULT_POINTS
		T_UNSTARTED(killed_at_any_moment_runs_once),
#endif
		T(fork_bomb_stays_within_its_limits),
		T_UNSTARTED(disk_quota),
		T_UNSTARTED(one_huge_file),
		T_UNSTARTED(gigabytes_of_log),
		T_UNSTARTED(secrets_reach_the_program_only),
		T_UNSTARTED(missing_secret_is_named),
		T(orphan_goes_on),
		T_UNSTARTED(works_without_control_groups),
	};
	return cmocka_run_group_tests_name("local provider", tests, NULL, NULL);
}
