#include "links.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* The tree of every case: links that are there beside the one asked for. */
static const char *const tree[][2] = {
	{ "deep", "a/b/c" },  { "a/b/up", ".." }, { "a/b/c/top", "../../.." }, { "loop1", "loop2" },
	{ "loop2", "loop1" }, { "etc", "/etc" },  { "via", "etc/passwd" },     { "self", "." },
};

static void test_link_escapes(void **state)
{
	static const struct {
		const char *path, *target;
		bool escapes;
		const char *reason;
	} cases[] = {
		{ "x", "README", false, "a neighbour" },
		{ "d/x", "../README", false, "up, but within" },
		{ "d/x", "..", false, "the root itself" },
		{ "d/x", "./.././README", false, "dots" },
		{ "d/x", "../missing/y", false, "dangling, but within" },
		{ "x", "/etc/passwd", true, "absolute" },
		{ "x", "..", true, "above the root" },
		{ "d/x", "../../etc", true, "above the root" },
		{ "d/x", "../missing/../../etc", true, "what is missing may be made later" },
		{ "x", "deep/../../../README", false, "the other link leads three folders down" },
		{ "x", "deep/../../../../etc", true, "one more than that" },
		{ "x", "a/b/c/top/..", true, "looks deep, is the root's parent" },
		{ "x", "a/b/c/top/README", false, "the root by way of a link" },
		{ "x", "etc/passwd", true, "through a link that leads out" },
		{ "x", "via", true, "through two" },
		{ "x", "loop1", true, "never ends" },
		{ "x", "x", true, "itself" },
		{ "x", "self/self/self/README", false, "links to the folder itself" },
		{ "x", "", false, "an empty target resolves to nothing" },
		{ "x", "d//y/", false, "empty parts" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(map_freep) struct map *links = map_new(free);
		for (size_t k = 0; k < ARRAY_SIZE(tree); k++)
			map_set(links, tree[k][0], xstrdup(tree[k][1]));
		map_set(links, cases[i].path, xstrdup(cases[i].target));
		if (git_link_escapes(links, cases[i].path) != cases[i].escapes)
			fail_msg("%s -> %s: %s", cases[i].path, cases[i].target, cases[i].reason);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_link_escapes) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
