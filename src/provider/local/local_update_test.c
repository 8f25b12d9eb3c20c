/* The local provider as a whole, with real repositories, builds, sandboxes and programs: updates, replicas, sleeping
 * and waking. */

#include "world_testing.h"

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

int main(int argc, char **argv)
{
	serve_if_asked(argc, argv);
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_local_##name, world_setup_started, world_teardown)
		T(update_drops_no_request),
		T(failing_update_keeps_the_old_one),
		T(replicas_have_numbers),
		T(serverless_wakes_for_a_request),
	};
	return cmocka_run_group_tests_name("local provider: updates", tests, NULL, NULL);
}
