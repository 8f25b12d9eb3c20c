/* Disks that are full, fail or lie, by the fault points of store_vfs_faults.c. */
#include "store_testing.h"

#ifdef SCIA_FAULT_POINTS

static void set_fault(const char *fault)
{
	if (fault)
		setenv("SCIA_FAULT", fault, 1);
	else
		unsetenv("SCIA_FAULT");
}

/* Nothing of a write that found no space is there, reads go on, and writes work again without a restart. */
static void test_store_full_disk(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };

	assert_int_equal(put(f->store, 'c', "a", "x", "1", 0), 1);
	set_fault("store.vfs.no-space=fail");
	struct store_write w = write_of('u', "a", "x", "2", 0);
	assert_int_equal(store_commit(f->store, &w, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_INSUFFICIENT_STORAGE);
	assert_non_null(strstr(err_message(&err), "no space left on the disk"));
	assert_int_equal(put(f->store, 'd', "a", "x", "", 0), -ERR_INSUFFICIENT_STORAGE);
	assert_int_equal(put(f->store, 'c', "a", "y", "1", 0), -ERR_INSUFFICIENT_STORAGE);
	assert_text(f->store, "a", "x", "{\"name\":\"x\",\"v\":\"1\",\"value\":\"1\"}");
	assert_int_equal(store_version(f->store), 1);
	assert_int_equal(store_check(f->store, NULL), 0);
	set_fault(NULL);
	assert_int_equal(put(f->store, 'u', "a", "x", "3", 0), 2);
	reopen(f);
	assert_text(f->store, "a", "x", "{\"name\":\"x\",\"v\":\"2\",\"value\":\"3\"}");
	assert_text(f->store, "a", "y", NULL);
	assert_int_equal(store_version(f->store), 2);
}

/* The disk becomes full at each single write to the file: each time either all of a group is there or nothing. */
static void test_store_full_disk_at_every_write(void **state)
{
	struct fixture *f = *state;
	uint64_t version = 0;
	char fault[64], value[32];
	int failures = 0;

	put(f->store, 'c', "a", "x", "0", 0);
	for (int hit = 1; hit <= 12; hit++) {
		snprintf(fault, sizeof(fault), "store.vfs.no-space=fail@%d", hit);
		set_fault(fault);
		for (int i = 0; i < 4; i++) {
			snprintf(value, sizeof(value), "%d-%d", hit, i);
			int64_t r = put(f->store, 'u', "a", "x", value, 0);
			assert_true(r > 0 || r == -ERR_INSUFFICIENT_STORAGE);
			failures += r < 0;
			_cleanup_(store_object_unrefp) struct store_object *o = store_get(f->store, "example.org/things", "a", "x");
			assert_true((strstr(o->text->data, value) != NULL) == (r > 0));
			version = o->version;
		}
		set_fault(NULL);
		reopen(f);
		_cleanup_(store_object_unrefp) struct store_object *o = store_get(f->store, "example.org/things", "a", "x");
		assert_int_equal(o->version, version);
		assert_int_equal(store_version(f->store), version);
	}
	assert_true(failures >= 8);
}

/* After a failed fsync nothing is written any more; what was acknowledged is read on, and is there after a restart. */
static void test_store_failed_fsync_ends_writing(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };

	assert_int_equal(put(f->store, 'c', "a", "x", "1", 0), 1);
	set_fault("store.vfs.wal-sync=fail@1");
	struct store_write w = write_of('u', "a", "x", "2", 0);
	assert_int_equal(store_commit(f->store, &w, NULL, &err), -1);
	assert_int_equal(err.kind, ERR_INTERNAL);
	if (!strstr(err_message(&err), "did not make it durable (Input/output error)"))
		fail_msg("%s", err_message(&err));
	err_clear(&err);
	set_fault(NULL);
	assert_int_equal(put(f->store, 'u', "a", "x", "3", 0), -ERR_UNAVAILABLE);
	assert_int_equal(store_check(f->store, &err), -1);
	assert_text(f->store, "a", "x", "{\"name\":\"x\",\"v\":\"1\",\"value\":\"1\"}");
	reopen(f);
	assert_int_equal(store_check(f->store, NULL), 0);
	/* The write of unknown outcome is there or not; whole in both cases. */
	int64_t next = (int64_t)store_version(f->store) + 1;
	assert_in_range(next, 2, 3);
	assert_text(f->store, "a", "x",
	            next == 2 ? "{\"name\":\"x\",\"v\":\"1\",\"value\":\"1\"}"
	                      : "{\"name\":\"x\",\"v\":\"2\",\"value\":\"2\"}");
	assert_int_equal(put(f->store, 'u', "a", "x", "4", 0), next);
}

/* A file system that finds out at the fsync that it is full (quotas, network file systems): that passes. */
static void test_store_full_disk_noticed_at_fsync(void **state)
{
	struct fixture *f = *state;

	put(f->store, 'c', "a", "x", "1", 0);
	set_fault("store.vfs.wal-sync-full=fail");
	assert_int_equal(put(f->store, 'u', "a", "x", "2", 0), -ERR_INSUFFICIENT_STORAGE);
	assert_int_equal(store_check(f->store, NULL), 0);
	assert_text(f->store, "a", "x", "{\"name\":\"x\",\"v\":\"1\",\"value\":\"1\"}");
	set_fault(NULL);
	assert_int_equal(put(f->store, 'u', "a", "x", "3", 1), 2);
	reopen(f);
	assert_text(f->store, "a", "x", "{\"name\":\"x\",\"v\":\"2\",\"value\":\"3\"}");
}

static void fill(struct store *s, int objects, int first)
{
	_cleanup_free_ char *value = xmalloc(4001);
	struct store_batch *batch = store_batch_new(s);
	char name[16];

	memset(value, 'v', 4000);
	value[4000] = '\0';
	for (int i = 0; i < objects; i++) {
		snprintf(name, sizeof(name), "n%d", first + i);
		struct store_write w = write_of('c', "fill", name, value, 0);
		store_batch_add(batch, &w);
	}
	assert_int_equal(store_batch_finish(batch, NULL), 0);
}

/* A checkpoint that cannot write harms nothing: the log has everything, and the next one copies all again. */
static void test_store_failed_checkpoint_is_harmless(void **state)
{
	struct fixture *f = *state;
	static const char *const faults[] = { "store.vfs.db-write=fail@3", "store.vfs.db-sync=fail@1" };

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		set_fault(faults[i]);
		fill(f->store, 2000, (int)i * 2000); /* 8 MiB: enough for a checkpoint */
		clock_sleep_ns(100 * NS_PER_MS);
		set_fault(NULL);
		assert_true(put(f->store, 'c', "a", i ? "y" : "x", "1", 0) > 0);
		reopen(f);
		assert_int_equal(store_count(f->store, "example.org/things", "fill"), 2000 * (i + 1));
	}
}

/* Writes as many objects as it can until a fault kills it; the parent then finds all that were acknowledged. */
static void kill_at(struct fixture *f, const char *fault, int round)
{
	int fds[2], status;
	char name[24], byte;

	f->store = store_close(f->store);
	assert_int_equal(pipe(fds), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct store *s;
		set_fault(fault);
		_cleanup_free_ char *value = xmalloc(20001);
		memset(value, 'v', 20000);
		value[20000] = '\0';
		if (store_open(&f->config, &s, NULL) < 0)
			_exit(2);
		for (int i = 0; i < 5000; i++) {
			snprintf(name, sizeof(name), "r%d-%d", round, i);
			if (put(s, 'c', "kill", name, value, 0) <= 0 || write(fds[1], "x", 1) != 1)
				_exit(3);
		}
		store_close(s);
		_exit(4);
	}
	close(fds[1]);
	int acknowledged = 0;
	while (read(fds[0], &byte, 1) == 1)
		acknowledged++;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status))
		fail_msg("%s did not kill: exit code %d after %d writes", fault, WEXITSTATUS(status), acknowledged);
	assert_int_equal(store_open(&f->config, &f->store, NULL), 0);
	for (int i = 0; i < acknowledged; i++) {
		snprintf(name, sizeof(name), "r%d-%d", round, i);
		_cleanup_(store_object_unrefp) struct store_object *o = store_get(f->store, "example.org/things", "kill", name);
		assert_non_null(o);
	}
	snprintf(name, sizeof(name), "r%d-%d", round, acknowledged + 1);
	assert_null(store_get(f->store, "example.org/things", "kill", name));
}

static void test_store_killed_at_every_kind_of_write(void **state)
{
	static const char *const faults[] = {
		"store.vfs.torn-write=kill@30",   "store.vfs.torn-write=kill@31",   "store.vfs.torn-write=kill@32",
		"store.vfs.torn-write=kill@33",   "store.vfs.wal-sync=kill@20",     "store.vfs.db-write=kill@2",
		"store.vfs.db-write=kill@200",    "store.vfs.db-sync=kill@1",       "store.checkpoint.begin=kill@1",
		"store.checkpoint.finish=kill@1", "store.checkpoint.finish=kill@2",
	};
	for (size_t i = 0; i < ARRAY_SIZE(faults); i++)
		kill_at(*state, faults[i], (int)i);
}

/* A byte that the disk returns wrong is noticed when the store is opened, and the object named. */
static void test_store_wrong_byte_is_noticed(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };
	int noticed = 0;

	fill(f->store, 20, 0);
	for (int hit = 2; hit < 14; hit++) {
		char fault[64];
		snprintf(fault, sizeof(fault), "store.vfs.bad-read=fail@%d", hit);
		f->store = store_close(f->store);
		set_fault(fault);
		if (store_open(&f->config, &f->store, &err) < 0) {
			noticed++;
			if (!strstr(err_message(&err), "damaged"))
				fail_msg("%s", err_message(&err));
			err_clear(&err);
			set_fault(NULL);
			assert_int_equal(store_open(&f->config, &f->store, NULL), 0);
		}
		set_fault(NULL);
		assert_int_equal(store_count(f->store, "example.org/things", "fill"), 20);
	}
	assert_true(noticed >= 5);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_store_full_disk),
		TEST(test_store_full_disk_at_every_write),
		TEST(test_store_failed_fsync_ends_writing),
		TEST(test_store_full_disk_noticed_at_fsync),
		TEST(test_store_failed_checkpoint_is_harmless),
		TEST(test_store_killed_at_every_kind_of_write),
		TEST(test_store_wrong_byte_is_noticed),
	};
	return cmocka_run_group_tests_name("store failures", tests, NULL, NULL);
}

#else

int main(void)
{
	return 0; /* without fault points there is nothing to fail with */
}

#endif
