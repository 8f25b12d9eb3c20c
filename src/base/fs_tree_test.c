#include "base/fs.h"

#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/scia-tree-XXXXXX", tmp ? tmp : "/tmp");
	*state = dir;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	int r = fs_remove_tree(*state, NULL);
	free(*state);
	return r;
}

static void write_file(int dirfd, const char *name, size_t len)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	_cleanup_free_ char *zeros = xcalloc(1, len);
	memset(zeros, 'x', len);
	assert_int_equal(fs_write_all(fd, zeros, len), 0);
}

/* A chain of folders, deeper than a path or the descriptors could reach, with a file in each. */
static void make_deep(const char *dir, int depth)
{
	_cleanup_close_ int at = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < depth; i++) {
		assert_int_equal(mkdirat(at, "a-folder-with-a-name", 0755), 0);
		_cleanup_close_ int above = at;
		at = openat(above, "a-folder-with-a-name", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(at >= 0);
		write_file(at, "file", 1);
	}
}

static void test_fs_remove_tree_absent_is_fine(void **state)
{
	_cleanup_free_ char *path = fs_join(*state, "absent");
	assert_int_equal(fs_remove_tree(path, NULL), 0);
}

static void test_fs_remove_tree_removes_a_file_or_link(void **state)
{
	_cleanup_free_ char *link = fs_join(*state, "link"), *target = fs_join(*state, "target");
	assert_int_equal(fs_mkdir_p(target, 0755, NULL), 0);
	assert_int_equal(symlink(target, link), 0);
	assert_int_equal(fs_remove_tree(link, NULL), 0);
	assert_false(fs_exists(link));
	assert_true(fs_is_dir(target));
}

static void test_fs_remove_tree_follows_no_links(void **state)
{
	_cleanup_free_ char *tree = fs_join(*state, "tree"), *other = fs_join(*state, "other");
	_cleanup_free_ char *kept = fs_join(other, "kept"), *link = fs_join(tree, "link"), *loop = fs_join(tree, "loop");
	assert_int_equal(fs_mkdir_p(tree, 0755, NULL), 0);
	assert_int_equal(fs_mkdir_p(other, 0755, NULL), 0);
	assert_int_equal(fs_write_atomic(kept, "x", 1, 0644, NULL), 0);
	assert_int_equal(symlink(other, link), 0);
	assert_int_equal(symlink(".", loop), 0);
	assert_int_equal(fs_remove_tree(tree, NULL), 0);
	assert_false(fs_exists(tree));
	assert_true(fs_exists(kept));
}

static void test_fs_remove_tree_of_any_depth(void **state)
{
	_cleanup_free_ char *tree = fs_join(*state, "tree");
	assert_int_equal(fs_mkdir_p(tree, 0755, NULL), 0);
	make_deep(tree, 600); /* some 13,000 bytes of path */
	_cleanup_err_ struct err e = { 0 };
	if (fs_remove_tree(tree, &e) < 0)
		fail_msg("%s", err_message(&e));
	assert_false(fs_exists(tree));
}

static void test_fs_remove_tree_of_any_width(void **state)
{
	_cleanup_free_ char *tree = fs_join(*state, "tree");
	assert_int_equal(fs_mkdir_p(tree, 0755, NULL), 0);
	_cleanup_close_ int fd = open(tree, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 1000; i++) {
		char name[16];
		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(i % 2 ? mkdirat(fd, name, 0700) : mknodat(fd, name, S_IFREG | 0644, 0), 0);
	}
	assert_int_equal(fs_remove_tree(tree, NULL), 0);
	assert_false(fs_exists(tree));
}

/* Runs in a child without root's power to ignore permissions. */
static int remove_as_nobody(const char *tree)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
			_exit(2);
		_exit(fs_remove_tree(tree, NULL) == 0 ? 0 : 1);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_fs_remove_tree_makes_folders_writable(void **state)
{
	_cleanup_free_ char *tree = fs_join(*state, "tree"), *sub = fs_join(tree, "sub"), *file = fs_join(sub, "f");
	assert_int_equal(fs_mkdir_p(sub, 0755, NULL), 0);
	assert_int_equal(fs_write_atomic(file, "x", 1, 0444, NULL), 0);
	if (geteuid() == 0) {
		const char *const paths[] = { *state, tree, sub, file };
		for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
			assert_int_equal(chown(paths[i], 65534, 65534), 0);
	}
	assert_int_equal(chmod(sub, 0), 0);
	assert_int_equal(chmod(tree, 0555), 0);
	assert_int_equal(remove_as_nobody(tree), 0);
	assert_false(fs_exists(tree));
}

static void test_fs_remove_tree_says_what_it_could_not(void **state)
{
	/* procfs lets nobody remove anything. */
	_cleanup_err_ struct err e = { 0 };
	(void)state;
	assert_int_equal(fs_remove_tree("/proc/self/fdinfo", &e), -1);
	assert_true(str_starts_with(e.message, "removing /proc/self/fdinfo: at "));
}

static void test_fs_tree_size_counts_files(void **state)
{
	const char *dir = *state;
	_cleanup_free_ char *sub = fs_join(dir, "sub"), *link = fs_join(dir, "link"), *file = fs_join(sub, "b");
	assert_int_equal(fs_mkdir_p(sub, 0755, NULL), 0);
	assert_int_equal(fs_tree_size(dir, 1000000), 0);
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int subfd = open(sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	write_file(fd, "a", 100000);
	write_file(subfd, "b", 200000);
	assert_int_equal(symlink("/usr", link), 0);
	assert_in_range(fs_tree_size(dir, 10000000), 300000, 400000);
	assert_in_range(fs_tree_size(file, 10000000), 200000, 250000);
	assert_in_range(fs_tree_size(dir, 50000), 50001, 400000);
	assert_int_equal(fs_tree_size("/nonexistent", 10), 0);
}

static void test_fs_tree_size_too_deep_is_too_large(void **state)
{
	make_deep(*state, 200);
	assert_true(fs_tree_size(*state, 1000000000) > 1000000000);
	assert_true(fs_tree_size(*state, INT64_MAX) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_fs_remove_tree_absent_is_fine, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fs_remove_tree_removes_a_file_or_link, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fs_remove_tree_follows_no_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fs_remove_tree_of_any_depth, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fs_remove_tree_of_any_width, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fs_remove_tree_makes_folders_writable, setup, teardown),
		cmocka_unit_test(test_fs_remove_tree_says_what_it_could_not),
		cmocka_unit_test_setup_teardown(test_fs_tree_size_counts_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fs_tree_size_too_deep_is_too_large, setup, teardown),
	};
	return cmocka_run_group_tests_name("fs_tree", tests, NULL, NULL);
}
