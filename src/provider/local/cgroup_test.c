/* Control groups: the real ones of this machine where it lets us, and both versions below a root of the test's own. */

#include "cgroup.h"

#include "local_testing.h"

#include <signal.h>
#include <sys/wait.h>

static int setup(void **state)
{
	*state = testing_dir();
	return 0;
}

static int teardown(void **state)
{
	testing_remove(*state);
	return 0;
}

static void put(const char *root, const char *path)
{
	testing_write(root, path, "", 0600);
}

static void assert_file(const char *root, const char *path, const char *text)
{
	_cleanup_free_ char *found = testing_read(root, path);
	if (!str_eq(found, text))
		fail_msg("%s says \"%s\", not \"%s\"", path, found, text);
}

static const struct cgroup_limits LIMITS = { .memory = 268435456, .cpu_milli = 1500, .pids = 100 };

static void test_cgroup_v2_limits(void **state)
{
	static const char *const files[] = { "cgroup.subtree_control", "scia/cgroup.subtree_control", "scia/a/cgroup.procs",
		                                 "scia/a/memory.max",      "scia/a/memory.swap.max",      "scia/a/cpu.max",
		                                 "scia/a/pids.max" };
	const char *root = *state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put(root, files[i]);
	struct cgroups *c = cgroups_open(root, "scia");
	assert_int_equal(cgroups_version(c), CGROUP_V2);
	_cleanup_strv_ char **procs = cgroup_make(c, "a", &LIMITS);
	_cleanup_free_ char *expected = fs_join(root, "scia/a/cgroup.procs");
	assert_int_equal(strv_len(procs), 1);
	assert_string_equal(procs[0], expected);
	assert_file(root, "cgroup.subtree_control", "+memory +cpu +pids");
	assert_file(root, "scia/cgroup.subtree_control", "+memory +cpu +pids");
	assert_file(root, "scia/a/memory.max", "268435456");
	assert_file(root, "scia/a/memory.swap.max", "0");
	assert_file(root, "scia/a/cpu.max", "150000 100000");
	assert_file(root, "scia/a/pids.max", "100");
	assert_false(cgroup_was_out_of_memory(c, "a"));
	testing_write(root, "scia/a/memory.events", "low 0\noom 1\noom_kill 1\n", 0600);
	assert_true(cgroup_was_out_of_memory(c, "a"));
	testing_write(root, "scia/a/memory.events", "low 0\noom 1\noom_kill 0\n", 0600);
	assert_false(cgroup_was_out_of_memory(c, "a"));
	cgroups_close(c);
}

static void test_cgroup_v1_limits(void **state)
{
	static const char *const files[] = {
		"memory/scia/cgroup.procs", "memory/scia/a/cgroup.procs",   "memory/scia/a/memory.limit_in_bytes",
		"cpu/scia/a/cgroup.procs",  "cpu/scia/a/cpu.cfs_period_us", "cpu/scia/a/cpu.cfs_quota_us",
		"pids/scia/a/cgroup.procs", "pids/scia/a/pids.max"
	};
	const char *root = *state;
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		put(root, files[i]);
	struct cgroups *c = cgroups_open(root, "scia");
	assert_int_equal(cgroups_version(c), CGROUP_V1);
	_cleanup_strv_ char **procs = cgroup_make(c, "a", &LIMITS);
	assert_int_equal(strv_len(procs), 3);
	/* A file that is no file of the kernel's keeps what was written before: it was written twice. */
	_cleanup_free_ char *memory = testing_read(root, "memory/scia/a/memory.limit_in_bytes");
	assert_true(str_starts_with(memory, "268435456"));
	assert_file(root, "cpu/scia/a/cpu.cfs_period_us", "100000");
	assert_file(root, "cpu/scia/a/cpu.cfs_quota_us", "150000");
	assert_file(root, "pids/scia/a/pids.max", "100");
	testing_write(root, "memory/scia/a/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n", 0600);
	assert_true(cgroup_was_out_of_memory(c, "a"));
	testing_write(root, "memory/scia/a/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n", 0600);
	assert_false(cgroup_was_out_of_memory(c, "a"));
	cgroups_close(c);
}

static void test_cgroup_none_is_no_error(void **state)
{
	struct cgroups *c = cgroups_open(*state, "scia");
	assert_int_equal(cgroups_version(c), CGROUP_NONE);
	assert_null(cgroup_make(c, "a", &LIMITS));
	assert_false(cgroup_was_out_of_memory(c, "a"));
	cgroup_remove(c, "a");
	cgroups_close(c);
}

/* ---- this machine's ---- */

static struct cgroups *real_groups(char **ret_parent)
{
	*ret_parent = xasprintf("scia-test-%d", (int)getpid());
	struct cgroups *c = cgroups_open(NULL, *ret_parent);
	if (cgroups_version(c) == CGROUP_NONE)
		c = cgroups_close(c);
	return c;
}

static void enter(char *const *procs)
{
	for (; *procs; procs++) {
		FILE *f = fopen(*procs, "w");
		if (!f || fputs("0", f) < 0 || fclose(f) != 0)
			_exit(70);
	}
}

/* A child in the group that runs the command; its pid. */
static pid_t run_in_group(char *const *procs, const char *command)
{
	pid_t pid = fork();
	if (pid == 0) {
		enter(procs);
		execl("/bin/sh", "sh", "-c", command, NULL);
		_exit(127);
	}
	return pid;
}

static size_t members(const char *procs)
{
	_cleanup_free_ char *pids = NULL;
	size_t n = 0;
	if (fs_read_file(procs, 64 * 1024, &pids, NULL, NULL) < 0)
		return 0;
	for (const char *p = pids; *p; p++)
		n += *p == '\n';
	return n;
}

static void test_cgroup_remove_kills_what_is_inside(void **state _unused_)
{
	_cleanup_free_ char *parent = NULL;
	struct cgroups *c = real_groups(&parent);
	need(c, "this machine lets nobody make control groups");
	_cleanup_strv_ char **procs = cgroup_make(c, "a", &LIMITS);
	pid_t pid = run_in_group(procs, "sleep 1000 & sleep 1000 & wait");
	for (size_t i = 0; i < strv_len(procs); i++)
		eventually(members(procs[i]) == 3);
	cgroup_remove(c, "a");
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	cgroup_remove(c, "a"); /* absent is fine */
	for (size_t i = 0; i < strv_len(procs); i++)
		eventually(!fs_exists(procs[i]));
	cgroups_close(c);
}

static void test_cgroup_bounds_processes(void **state _unused_)
{
	_cleanup_free_ char *parent = NULL;
	struct cgroups *c = real_groups(&parent);
	need(c, "this machine lets nobody make control groups");
	struct cgroup_limits limits = { .pids = 10 };
	_cleanup_strv_ char **procs = cgroup_make(c, "bomb", &limits);
	pid_t pid = run_in_group(procs, "bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 1000");
	clock_sleep_ns(100 * NS_PER_MS);
	/* However it forks, this machine has no more than ten of them, and they can be removed. */
	for (size_t i = 0; i < strv_len(procs); i++) {
		if (!strstr(procs[i], "pids") && cgroups_version(c) == CGROUP_V1)
			continue;
		_cleanup_free_ char *members = testing_read("/", procs[i] + 1);
		_cleanup_strv_ char **pids = str_split(members, "\n");
		assert_in_range(strv_len(pids), 0, 10);
	}
	cgroup_remove(c, "bomb");
	waitpid(pid, NULL, 0);
	eventually(!fs_exists(procs[0]));
	cgroups_close(c);
}

static void test_cgroup_notices_out_of_memory(void **state _unused_)
{
	_cleanup_free_ char *parent = NULL;
	struct cgroups *c = real_groups(&parent);
	need(c, "this machine lets nobody make control groups");
	struct cgroup_limits limits = { .memory = INT64_C(32) << 20 };
	_cleanup_strv_ char **procs = cgroup_make(c, "hungry", &limits);
	pid_t pid = run_in_group(procs, "head -c 200M /dev/zero | tail");
	waitpid(pid, NULL, 0);
	assert_true(cgroup_was_out_of_memory(c, "hungry"));
	cgroup_remove(c, "hungry");
	cgroups_close(c);
}

static bool is_kept(void *self, const char *name)
{
	return str_eq(name, self);
}

static void test_cgroup_sweep_leaves_what_is_used(void **state _unused_)
{
	_cleanup_free_ char *parent = NULL;
	struct cgroups *c = real_groups(&parent);
	need(c, "this machine lets nobody make control groups");
	_cleanup_strv_ char **kept = cgroup_make(c, "kept", &LIMITS), **left = cgroup_make(c, "left", &LIMITS);
	char name[] = "kept";
	cgroups_sweep(c, is_kept, name);
	assert_true(fs_exists(kept[0]));
	assert_false(fs_exists(left[0]));
	cgroup_remove(c, "kept");
	cgroups_close(c);
	_cleanup_free_ char *gone = xstrdup(kept[0]);
	*strrchr(gone, '/') = '\0';
	*strrchr(gone, '/') = '\0';
	assert_false(fs_exists(gone)); /* the parent goes with the last one */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_cgroup_##name, setup, teardown)
		T(v2_limits),
		T(v1_limits),
		T(none_is_no_error),
		T(remove_kills_what_is_inside),
		T(bounds_processes),
		T(notices_out_of_memory),
		T(sweep_leaves_what_is_used),
	};
	return cmocka_run_group_tests_name("cgroup", tests, NULL, NULL);
}
