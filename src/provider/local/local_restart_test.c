/* The local provider as a whole, with real repositories, builds, sandboxes and programs: the end of the provider,
 * wished for or not, and the next one. */

#include "world_testing.h"

#include <sys/wait.h>

static char *app_path(struct world *w, const char *name, const char *rest)
{
	return xasprintf("%s/apps/default/%s%s", w->data, name, rest);
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
	static const char *const faults[] = { "local.after-save=kill", "local.before-spawn=kill",
		                                  "local.after-spawn=kill" };
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

int main(int argc, char **argv)
{
	serve_if_asked(argc, argv);
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_local_##name, world_setup_started, world_teardown)
#define T_UNSTARTED(name) cmocka_unit_test_setup_teardown(test_local_##name, world_setup, world_teardown)
		T(restart_adopts),
		T(restart_notices_what_ended_meanwhile),
		T(stop_ends_applications),
		T(start_tidies_up),
		T(endpoint_keeps_its_port),
#ifdef SCIA_FAULT_POINTS
		T_UNSTARTED(killed_at_any_moment_runs_once),
#endif
		T(orphan_goes_on),
	};
	return cmocka_run_group_tests_name("local provider: restarts", tests, NULL, NULL);
}
