#include "watch.h"

#include "base/fs.h"
#include "base/str.h"
#include "disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char *root;

static char *below(const char *name)
{
	return fs_join(root, name);
}

static void write_file(const char *name, const char *text)
{
	_cleanup_free_ char *path = below(name);

	assert_int_equal(fs_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static void make_link(const char *target, const char *name)
{
	_cleanup_free_ char *path = below(name);

	assert_int_equal(symlink(target, path), 0);
}

static void make_folder(const char *name)
{
	_cleanup_free_ char *path = below(name);

	assert_int_equal(fs_mkdir_p(path, 0700, NULL), 0);
}

static void rename_file(const char *from, const char *to)
{
	_cleanup_free_ char *a = below(from), *b = below(to);

	assert_int_equal(rename(a, b), 0);
}

static void remove_file(const char *name)
{
	_cleanup_free_ char *path = below(name);

	assert_int_equal(fs_remove_tree(path, NULL), 0);
}

static void append_in_place(const char *name)
{
	_cleanup_free_ char *path = below(name);
	FILE *f = fopen(path, "ae");

	assert_non_null(f);
	assert_true(fputs("# more\n", f) > 0);
	assert_int_equal(fclose(f), 0);
}

/* As the kubelet lays out a ConfigMap: the files are links into what the link ..data leads to. */
static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	root = xasprintf("%s/scia-watch-XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(root))
		return -1;
	make_folder("modules/one");
	write_file("modules/one/main.k", "a = 1\n");
	make_folder("..first");
	write_file("..first/mounted.k", "a = 1\n");
	make_link("..first", "..data");
	make_link("..data/mounted.k", "mounted.k");
	make_link("..", "modules/around");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fs_remove_tree(root, NULL);
	free(root);
	return 0;
}

static char *stamp(void)
{
	struct buf out = BUF_INIT(1000000);

	kcl_disk_stamp(root, &out);
	return buf_steal(&out);
}

static void change(unsigned which)
{
	switch (which) {
	case 0:
		append_in_place("modules/one/main.k");
		break;
	case 1:
		write_file("modules/one/other.k", "b = 2\n");
		break;
	case 2:
		rename_file("modules/one/other.k", "modules/one/third.k");
		break;
	case 3:
		make_folder("..second");
		write_file("..second/mounted.k", "a = 22\n");
		make_link("..second", "..new");
		rename_file("..new", "..data");
		break;
	case 4:
		make_folder("modules/two");
		write_file("modules/two/main.k", "c = 3\n");
		break;
	case 5: /* in a folder that was not there at first */
		append_in_place("modules/two/main.k");
		break;
	case 6:
		remove_file("modules/one");
		break;
	default:
		rename_file("modules", "gone");
		make_folder("modules");
		write_file("modules/main.k", "d = 4\n");
	}
}

#define CHANGES 8

/* Both ways notice the same. */
static void test_watch_notices_changes(void **state)
{
	const char *const folders[] = { root, NULL };
	_cleanup_(kcl_watch_freep) struct kcl_watch *w = kcl_watch_new(folders, NULL);
	uint64_t generation = kcl_watch_look(w);

	(void)state;
	if (generation == 0)
		skip(); /* a file system that the kernel cannot watch */
	for (unsigned i = 0; i < CHANGES; i++) {
		_cleanup_free_ char *before = stamp();

		assert_int_equal(kcl_watch_look(w), generation);
		change(i);
		_cleanup_free_ char *after = stamp();
		uint64_t next = kcl_watch_look(w);

		if (next == generation || str_eq(before, after))
			fail_msg("change %u was not noticed: %s", i, next == generation ? "by the watch" : "by the stamp");
		generation = next;
	}
}

/* Not there yet, made, and another one in its place. */
static void test_watch_follows_the_path(void **state)
{
	_cleanup_free_ char *late = below("late");
	const char *const folders[] = { late, NULL };
	_cleanup_(kcl_watch_freep) struct kcl_watch *w = kcl_watch_new(folders, NULL);
	uint64_t absent = kcl_watch_look(w), present;

	(void)state;
	if (absent == 0)
		skip();
	make_folder("late");
	present = kcl_watch_look(w);
	assert_int_not_equal(present, absent);
	make_folder("later");
	rename_file("late", "old");
	rename_file("later", "late");
	assert_int_not_equal(kcl_watch_look(w), present);
}

static void test_watch_cannot_tell(void **state)
{
	const char *const folders[] = { "/proc/self", NULL };
	_cleanup_(kcl_watch_freep) struct kcl_watch *w = kcl_watch_new(folders, NULL);

	(void)state;
	assert_int_equal(kcl_watch_look(w), 0);
	assert_int_equal(kcl_watch_look(NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_watch_notices_changes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watch_follows_the_path, setup, teardown),
		cmocka_unit_test(test_watch_cannot_tell),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
