/* The local provider as a whole, with real repositories, builds, sandboxes and programs: programs that mean no good. */

#include "world_testing.h"

#include "cgroup.h"

static char *app_path(struct world *w, const char *name, const char *rest)
{
	return xasprintf("%s/apps/default/%s%s", w->data, name, rest);
}

/* ---- hostile programs ---- */

static void test_local_fork_bomb_stays_within_its_limits(void **state)
{
	need_sandbox();
	struct world *w = *state;
	struct cgroups *c = cgroups_open(NULL, "scia-test-probe");
	bool can = cgroups_version(c) != CGROUP_NONE;
	cgroups_close(c);
	need(can, "this machine lets nobody make control groups");
	world_want(
		w, "bomb", 1,
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
	world_want(
		w, "app", 1,
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
	/* The kernel ends it at the limit of a file, unless the watch over the folder was faster. */
	eventually(world_says(w, "app", "message", "it wrote a file larger than the 4 MiB") ||
	           world_says(w, "app", "message", "wrote more than 4 MiB below /app"));
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

int main(int argc, char **argv)
{
	serve_if_asked(argc, argv);
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_local_##name, world_setup_started, world_teardown)
#define T_UNSTARTED(name) cmocka_unit_test_setup_teardown(test_local_##name, world_setup, world_teardown)
		T(fork_bomb_stays_within_its_limits),
		T_UNSTARTED(disk_quota),
		T_UNSTARTED(one_huge_file),
		T_UNSTARTED(gigabytes_of_log),
	};
	return cmocka_run_group_tests_name("local provider: hostile programs", tests, NULL, NULL);
}
