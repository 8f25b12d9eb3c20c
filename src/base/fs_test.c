#include "base/fs.h"

#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/scia-fs-XXXXXX", tmp ? tmp : "/tmp");
	*state = dir;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	int r = fs_remove_tree(*state, NULL);
	free(*state);
	return r;
}

static void write_file(const char *dir, const char *name, const char *text)
{
	_cleanup_free_ char *path = fs_join(dir, name);
	assert_int_equal(fs_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

static void test_fs_join(void **state)
{
	(void)state;
	_cleanup_free_ char *a = fs_join("dir", "x"), *b = fs_join("/", "x"), *c = fs_join("dir/", "x");
	assert_string_equal(a, "dir/x");
	assert_string_equal(b, "/x");
	assert_string_equal(c, "dir/x");
}

static void test_fs_read_file_has_a_maximum(void **state)
{
	write_file(*state, "f", "12345");
	_cleanup_free_ char *path = fs_join(*state, "f"), *data = NULL, *none = NULL;
	size_t len = 0;
	assert_int_equal(fs_read_file(path, 5, &data, &len, NULL), 0);
	assert_string_equal(data, "12345");
	assert_int_equal(len, 5);
	_cleanup_err_ struct err e = { 0 };
	assert_int_equal(fs_read_file(path, 4, &none, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_TOO_LARGE);
	assert_true(str_contains(e.message, path));
	assert_null(none);
}

static void test_fs_read_file_of_any_size(void **state)
{
	_cleanup_free_ char *path = fs_join(*state, "f");
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 300000 };
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_free_ char *text = xmalloc(sizes[i]), *data = NULL;
		memset(text, 'a' + (int)i, sizes[i]);
		size_t len = 1;
		assert_int_equal(fs_write_atomic(path, text, sizes[i], 0600, NULL), 0);
		assert_int_equal(fs_read_file(path, 1000000, &data, &len, NULL), 0);
		assert_int_equal(len, sizes[i]);
		assert_memory_equal(data, text, len);
		assert_int_equal(data[len], '\0');
	}
	_cleanup_free_ char *proc = NULL; /* says that it is empty, and is not */
	assert_int_equal(fs_read_file("/proc/self/status", 100000, &proc, NULL, NULL), 0);
	assert_true(str_starts_with(proc, "Name:"));
}

static void test_fs_read_file_errors(void **state)
{
	_cleanup_free_ char *path = fs_join(*state, "absent"), *data = NULL;
	_cleanup_err_ struct err e = { 0 };
	assert_int_equal(fs_read_file(path, 10, &data, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	assert_true(str_contains(e.message, path));
	err_clear(&e);
	assert_int_equal(fs_read_file(*state, 10, &data, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
	assert_null(data);
}

static void test_fs_read_file_at_stays_below(void **state)
{
	const char *dir = *state;
	_cleanup_free_ char *sub = fs_join(dir, "top/sub"), *top = fs_join(dir, "top");
	assert_int_equal(fs_mkdir_p(sub, 0755, NULL), 0);
	write_file(sub, "f", "inside");
	write_file(dir, "secret", "outside");
	_cleanup_close_ int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(symlinkat("../secret", fd, "link"), 0);
	assert_int_equal(symlinkat("sub", fd, "linkdir"), 0);
	assert_int_equal(mkfifoat(fd, "fifo", 0644), 0);

	static const struct {
		const char *path;
		enum err_kind kind; /* ERR_NONE: readable */
		const char *why;
	} cases[] = {
		{ "sub/f", ERR_NONE, "a file" },
		{ "./sub/./f", ERR_NONE, "the same" },
		{ "sub/absent", ERR_NOT_FOUND, "no such file" },
		{ "absent/f", ERR_NOT_FOUND, "no such folder" },
		{ "sub/f/g", ERR_NOT_FOUND, "a file as folder" },
		{ "link", ERR_INVALID, "a symbolic link" },
		{ "linkdir/f", ERR_INVALID, "a symbolic link on the way" },
		{ "../secret", ERR_INVALID, "up" },
		{ "sub/../../secret", ERR_INVALID, "down and up" },
		{ "..", ERR_INVALID, "up" },
		{ "/etc/passwd", ERR_INVALID, "absolute" },
		{ "", ERR_INVALID, "empty" },
		{ "sub", ERR_INVALID, "a folder" },
		{ "sub/", ERR_INVALID, "a folder" },
		{ "fifo", ERR_INVALID, "a FIFO, which must not hang" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *data = NULL;
		_cleanup_err_ struct err e = { 0 };
		int r = fs_read_file_at(fd, cases[i].path, 100, &data, NULL, &e);
		if ((r == 0) != (cases[i].kind == ERR_NONE) || e.kind != cases[i].kind || (r == 0 && !str_eq(data, "inside")))
			fail_msg("%s (%s): %s %s", cases[i].path, cases[i].why, err_kind_reason(e.kind), err_message(&e));
	}
}

static void test_fs_read_file_below_follows_links_that_stay(void **state)
{
	static const struct {
		const char *path;
		enum err_kind kind;
	} cases[] = {
		{ "file", ERR_NONE },      { "inside/file", ERR_NONE },    { "up/file", ERR_INVALID },
		{ "/file", ERR_INVALID },  { "../file", ERR_INVALID },     { "absolute", ERR_INVALID },
		{ "inside", ERR_INVALID }, { "none/file", ERR_NOT_FOUND }, { "sub/../file", ERR_NONE },
	};
	const char *folder = *state;
	_cleanup_free_ char *file = fs_join(folder, "file"), *sub = fs_join(folder, "sub");
	_cleanup_close_ int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(fs_write_atomic(file, "x", 1, 0600, NULL), 0);
	assert_int_equal(fs_mkdir_p(sub, 0755, NULL), 0);
	assert_int_equal(symlinkat(".", dir, "inside"), 0);
	assert_int_equal(symlinkat("..", dir, "up"), 0);
	assert_int_equal(symlinkat("/etc/passwd", dir, "absolute"), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err e = { 0 };
		_cleanup_free_ char *text = NULL;
		int r = fs_read_file_below(dir, cases[i].path, 10, &text, NULL, &e);

		if (r != (cases[i].kind == ERR_NONE ? 0 : -1) || e.kind != cases[i].kind)
			fail_msg("%s: %s", cases[i].path, err_message(&e));
	}
}

static void test_fs_write_atomic_replaces_and_sets_the_mode(void **state)
{
	_cleanup_free_ char *path = fs_join(*state, "f"), *data = NULL;
	mode_t mask = umask(0077);
	assert_int_equal(fs_write_atomic(path, "old", 3, 0644, NULL), 0);
	assert_int_equal(fs_write_atomic(path, "new text", 8, 0640, NULL), 0);
	umask(mask);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(fs_read_file(path, 100, &data, NULL, NULL), 0);
	assert_string_equal(data, "new text");
}

static void test_fs_write_atomic_failure_leaves_nothing(void **state)
{
	_cleanup_free_ char *path = fs_join(*state, "dir"), *file = fs_join(path, "x");
	assert_int_equal(fs_mkdir_p(path, 0755, NULL), 0);
	_cleanup_err_ struct err e = { 0 };
	/* A folder stands where the file should: the rename fails, after the temporary file was written. */
	assert_int_equal(fs_write_atomic(path, "x", 1, 0600, &e), -1);
	assert_true(str_contains(e.message, path));
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(*state), 0); /* so nothing else was in it */
	assert_int_equal(fs_write_atomic(file, "x", 1, 0600, NULL), -1);
	assert_int_equal(mkdir(*state, 0700), 0);
}

static void test_fs_mkdir_p(void **state)
{
	_cleanup_free_ char *deep = fs_join(*state, "a/b//c/"), *file = fs_join(*state, "f"), *below = fs_join(file, "x/y");
	assert_int_equal(fs_mkdir_p(deep, 0755, NULL), 0);
	assert_true(fs_is_dir(deep));
	assert_int_equal(fs_mkdir_p(deep, 0755, NULL), 0);
	assert_int_equal(fs_mkdir_p("/", 0755, NULL), 0);
	write_file(*state, "f", "");
	assert_true(fs_exists(file));
	assert_false(fs_is_dir(file));
	_cleanup_err_ struct err e = { 0 };
	assert_int_equal(fs_mkdir_p(below, 0755, &e), -1);
	assert_true(str_contains(e.message, "Not a directory"));
	assert_false(fs_exists(below));
}

static void test_fs_write_all_reports_errors(void **state)
{
	(void)state;
	_cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_int_equal(fs_write_all(fd, "x", 1), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(fs_write_all(fd, "", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fs_join),
		cmocka_unit_test_setup_teardown(test_fs_read_file_has_a_maximum, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fs_read_file_of_any_size, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fs_read_file_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fs_read_file_at_stays_below, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fs_read_file_below_follows_links_that_stay, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fs_write_atomic_replaces_and_sets_the_mode, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fs_write_atomic_failure_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fs_mkdir_p, setup, teardown),
		cmocka_unit_test(test_fs_write_all_reports_errors),
	};
	return cmocka_run_group_tests_name("fs", tests, NULL, NULL);
}
