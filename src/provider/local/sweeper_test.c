#include "sweeper.h"

#include "local_testing.h"

struct fixture {
	char *dir, *trash;
	struct cgroups *cgroups;
};

static int setup(void **state)
{
	struct fixture *f = new0(struct fixture);
	f->dir = testing_dir();
	f->trash = fs_join(f->dir, "trash");
	f->cgroups = cgroups_open(f->dir, "scia"); /* none: no control groups there */
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	cgroups_close(f->cgroups);
	testing_remove(f->dir);
	free(f->trash);
	free(f);
	return 0;
}

static struct sweeper *sweeper(struct fixture *f)
{
	_cleanup_err_ struct err err = { 0 };
	struct sweeper *s = sweeper_new(f->trash, f->cgroups, &err);
	if (!s)
		fail_msg("%s", err_message(&err));
	return s;
}

static bool is_empty(const char *dir)
{
	_cleanup_free_ char *names = testing_run(dir, (const char *const[]){ "ls", "-A", NULL });
	return str_empty(names);
}

static void test_sweeper_makes_room_at_once(void **state)
{
	struct fixture *f = *state;
	struct sweeper *s = sweeper(f);
	_cleanup_free_ char *path = fs_join(f->dir, "app");
	for (int i = 0; i < 20; i++) {
		testing_write(f->dir, "app/a/b/c", "x", 0644);
		sweeper_take(s, NULL, path);
		assert_false(fs_exists(path));
	}
	sweeper_free(s);
	assert_true(is_empty(f->trash));
}

static void test_sweeper_takes_what_an_earlier_one_left(void **state)
{
	struct fixture *f = *state;
	testing_write(f->trash, "old/file", "x", 0644);
	testing_write(f->trash, ".hidden/file", "x", 0644);
	struct sweeper *s = sweeper(f);
	eventually(is_empty(f->trash));
	sweeper_free(s);
}

static void test_sweeper_takes_what_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct sweeper *s = sweeper(f);
	_cleanup_free_ char *path = fs_join(f->dir, "nothing");
	sweeper_take(s, "no-such-group", path);
	sweeper_take(s, NULL, NULL);
	sweeper_free(s);
}

static void test_sweeper_needs_its_trash(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };
	testing_write(f->dir, "trash", "a file is in the way", 0644);
	assert_null(sweeper_new(f->trash, f->cgroups, &err));
	assert_true(err_is_set(&err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_sweeper_##name, setup, teardown)
		T(makes_room_at_once),
		T(takes_what_an_earlier_one_left),
		T(takes_what_is_not_there),
		T(needs_its_trash),
	};
	return cmocka_run_group_tests_name("sweeper", tests, NULL, NULL);
}
