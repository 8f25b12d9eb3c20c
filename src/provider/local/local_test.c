/* The local provider as a whole, with real repositories, builds, sandboxes and programs: how applications live, end,
 * and what they may say. */

#include "world_testing.h"

#include "cgroup.h"

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

/* ---- ports ---- */

static void test_local_program_that_insists_on_its_port(void **state)
{
	need_sandbox();
	struct world *w = *state;
	int port = 0;
	_cleanup_close_ int fd = listen_on(AF_INET, &port);
	_cleanup_free_ char *fields = xasprintf("\"port\": %d, \"env\": [{\"name\": \"FIXED_PORT\", \"value\": \"%d\"}]",
	                                        port, port);
	world_want(w, "app", 1, fields);
	_cleanup_free_ char *message = xasprintf("port %d is used by another program on this machine", port);
	eventually(world_says(w, "app", "message", message));
	closep(&fd);
	eventually(world_is_ready(w, "app"));
	assert_true(answers(w, "app", "v1 "));
	assert_int_not_equal(world_port(w, "app"), port);
}

/* ---- secrets ---- */

static void test_local_secrets_reach_the_program_only(void **state)
{
	need_sandbox();
	struct world *w = *state;
	struct testing_api *api = testing_api_start();
	json_decref(
		testing_create(api, &KUBE_SECRET, "metadata: {name: s, namespace: default}\nstringData: {key: s3cr3t-value}"));
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
		NULL, (const char *const[]){ "sh", "-c",
	                                 "cat /proc/[0-9]*/cmdline 2>/dev/null | grep -c s3cr3t-valu[e] || true", NULL });
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
	json_decref(
		testing_create(api, &KUBE_SECRET, "metadata: {name: s, namespace: default}\ndata: {key: eA==, binary: AAEC}"));
	w->config.client = api->client;
	world_start(w);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *fields = xasprintf("\"env\": [{\"name\": \"A\", \"valueFrom\": {\"secretKeyRef\": %s}}]",
		                                        cases[i].reference);
		_cleanup_json_ json_t *process = world_process(w, "app", 1, fields);
		_cleanup_err_ struct err err = { 0 };
		assert_true(world_apply(w, process, &err) < 0);
		if (!strstr(err_message(&err), cases[i].message))
			fail_msg("%s", err_message(&err));
	}
	world_stop(w, false);
	testing_api_stop(api);
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
#define T(name) cmocka_unit_test_setup_teardown(test_local_##name, world_setup_started, world_teardown)
#define T_UNSTARTED(name) cmocka_unit_test_setup_teardown(test_local_##name, world_setup, world_teardown)
		T(builds_runs_and_ends),
		T(program_that_ends_comes_back),
		T(exit_is_explained),
		T(memory_limit_is_named),
		T(program_that_insists_on_its_port),
		T_UNSTARTED(secrets_reach_the_program_only),
		T_UNSTARTED(missing_secret_is_named),
		T_UNSTARTED(works_without_control_groups),
	};
	return cmocka_run_group_tests_name("local provider", tests, NULL, NULL);
}
