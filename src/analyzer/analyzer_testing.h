#ifndef ANALYZER_ANALYZER_TESTING_H
#define ANALYZER_ANALYZER_TESTING_H
/* For the tests of the analyzer: small trees in a temporary folder, and tables of what is to be found in them. */

#include "analyzer/analyzer.h"

#include "base/fs.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define TREE_FILES 12

struct tree_case {
	const char *name;
	const char *reason; /* why this case is worth a line */
	struct {
		const char *path, *text;
	} files[TREE_FILES];
	const char *framework, *language;
	int port; /* 0: absent */
	bool port_from_env;
	const char *manager, *install, *build, *start, *static_dir; /* NULL: absent */
	const char *evidence;                                       /* a file that must be among the evidence */
};

static inline char *tree_new(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/analyzer-test-XXXXXX", tmp ? tmp : "/tmp");

	assert_non_null(mkdtemp(dir));
	return dir;
}

static inline void tree_remove(char *dir)
{
	assert_int_equal(fs_remove_tree(dir, NULL), 0);
	free(dir);
}

static inline void tree_write_bytes(const char *dir, const char *path, const void *data, size_t len)
{
	_cleanup_free_ char *full = fs_join(dir, path), *parent = xstrdup(full);
	FILE *f;

	*strrchr(parent, '/') = '\0';
	assert_int_equal(fs_mkdir_p(parent, 0755, NULL), 0);
	f = fopen(full, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static inline void tree_write(const char *dir, const char *path, const char *text)
{
	tree_write_bytes(dir, path, text, strlen(text));
}

static inline json_t *tree_analyze(const char *dir)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *v = NULL;

	if (analyzer_run(dir, NULL, NULL, &v, &err))
		fail_msg("%s", err_message(&err));
	assert_non_null(v);
	return v;
}

static inline void expect_str(const struct tree_case *c, const json_t *v, const char *key, const char *wanted)
{
	const char *got = json_get_str(v, key);

	if (!str_eq(got, wanted))
		fail_msg("%s (%s): %s is \"%s\", wanted \"%s\"", c->name, c->reason, key, got ? got : "(absent)",
		         wanted ? wanted : "(absent)");
}

static inline bool has_evidence(const json_t *v, const char *file)
{
	json_t *all = json_object_get(v, "evidence");

	for (size_t i = 0; i < json_array_size(all); i++)
		if (str_eq(json_get_str(json_array_get(all, i), "file"), file))
			return true;
	return false;
}

static inline void expect_case(const struct tree_case *c)
{
	char *dir = tree_new();
	_cleanup_json_ json_t *v = NULL;

	for (size_t i = 0; i < TREE_FILES && c->files[i].path; i++)
		tree_write(dir, c->files[i].path, c->files[i].text);
	v = tree_analyze(dir);
	tree_remove(dir);
	expect_str(c, v, "framework", c->framework);
	expect_str(c, v, "language", c->language);
	expect_str(c, v, "packageManager", c->manager);
	expect_str(c, v, "installCommand", c->install);
	expect_str(c, v, "buildCommand", c->build);
	expect_str(c, v, "startCommand", c->start);
	expect_str(c, v, "staticDir", c->static_dir);
	if (json_get_int(v, "port", 0) != c->port)
		fail_msg("%s (%s): port is %d, wanted %d", c->name, c->reason, (int)json_get_int(v, "port", 0), c->port);
	if (json_get_bool(v, "portFromEnv", false) != c->port_from_env)
		fail_msg("%s (%s): portFromEnv is not %s", c->name, c->reason, c->port_from_env ? "true" : "false");
	if (c->evidence && !has_evidence(v, c->evidence))
		fail_msg("%s (%s): no evidence in %s", c->name, c->reason, c->evidence);
	assert_false(json_get_bool(v, "truncated", true));
}

static inline void expect_cases(const struct tree_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect_case(&cases[i]);
}

#endif
