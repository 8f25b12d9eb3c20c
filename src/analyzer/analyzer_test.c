/* Trees that are meant to do harm, and limits. */

#include "analyzer_testing.h"

#include "base/clock.h"

#include <sys/stat.h>

static void test_analyzer_symbolic_links(void **state)
{
	char *dir = tree_new(), *outside = tree_new();
	_cleanup_free_ char *loop = fs_join(dir, "loop"), *escape = fs_join(dir, "escape"),
						*file = fs_join(dir, "package.json");
	_cleanup_free_ char *target = fs_join(outside, "package.json");
	_cleanup_json_ json_t *v = NULL;

	(void)state;
	tree_write(outside, "package.json", "{\"scripts\":{\"start\":\"x\"},\"dependencies\":{\"express\":\"4\"}}");
	assert_int_equal(symlink(".", loop), 0);
	assert_int_equal(symlink(outside, escape), 0);
	assert_int_equal(symlink(target, file), 0);
	v = tree_analyze(dir);
	tree_remove(dir);
	tree_remove(outside);
	assert_string_equal(json_get_str(v, "framework"), "unknown");
	assert_int_equal(json_get_int(v, "filesScanned", -1), 0);
}

/* Opening a named pipe waits for a writer: it must not even be tried. */
static void test_analyzer_special_files(void **state)
{
	char *dir = tree_new();
	_cleanup_free_ char *pipe_path = fs_join(dir, "package.json");
	_cleanup_json_ json_t *v = NULL;

	(void)state;
	assert_int_equal(mkfifo(pipe_path, 0644), 0);
	v = tree_analyze(dir);
	tree_remove(dir);
	assert_string_equal(json_get_str(v, "framework"), "unknown");
}

/* Every manifest we parse, with contents that are none. */
static void test_analyzer_broken_manifests(void **state)
{
	static const char *const names[] = { "package.json",   "pnpm-workspace.yaml",
		                                 "pyproject.toml", "requirements.txt",
		                                 "Pipfile",        "environment.yml",
		                                 "setup.py",       "go.mod",
		                                 "Cargo.toml",     "pom.xml",
		                                 "build.gradle",   "settings.gradle",
		                                 "Gemfile",        "config.ru",
		                                 "composer.json",  "artisan",
		                                 "mix.exs",        "a.csproj",
		                                 "CMakeLists.txt", "meson.build",
		                                 "Makefile",       "Dockerfile",
		                                 "compose.yaml",   "Procfile",
		                                 "deno.json",      "index.html",
		                                 "_config.yml",    "start.sh",
		                                 "angular.json",   ".env",
		                                 ".env.example",   "Properties/launchSettings.json" };
	static const struct {
		const char *text;
		size_t len;
	} contents[] = { { "", 0 },
		             { "\0\1\2", 3 },
		             { "\xff\xfe\xff", 3 },
		             { "{\"a\":", 5 },
		             { "[[[[[[", 6 },
		             { "\xc3\x28\n", 3 },
		             { "a: &x [*x]\n", 11 },
		             { "<a><b></a>", 10 },
		             { "]]>", 3 },
		             { "name = \"\n[", 10 },
		             { "\"\"\"", 3 },
		             { "web:", 4 },
		             { "FROM\nCMD [\nEXPOSE", 17 },
		             { "null", 4 },
		             { "{\"scripts\":3,\"dependencies\":[1]}", 32 } };

	(void)state;
	for (size_t c = 0; c < ARRAY_SIZE(contents); c++) {
		char *dir = tree_new();
		_cleanup_json_ json_t *v = NULL;

		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			tree_write_bytes(dir, names[i], contents[c].text, contents[c].len);
		v = tree_analyze(dir);
		tree_remove(dir);
		assert_non_null(json_get_str(v, "framework"));
		assert_int_equal(json_get_int(v, "filesScanned", 0), ARRAY_SIZE(names) + 1);
	}
}

/* A manifest names a file that is there and cannot be read as text. */
static void test_analyzer_binary_source(void **state)
{
	char *dir = tree_new();
	_cleanup_json_ json_t *v = NULL;

	(void)state;
	tree_write(dir, "Cargo.toml", "[package]\nname = \"a\"\n[dependencies]\naxum = \"1\"\n");
	tree_write_bytes(dir, "src/main.rs", "fn main() {\0}", 13);
	v = tree_analyze(dir);
	tree_remove(dir);
	assert_string_equal(json_get_str(v, "framework"), "axum");
	assert_string_equal(json_get_str(v, "startCommand"), "./target/release/a");
}

static void test_analyzer_huge_file(void **state)
{
	char *dir = tree_new();
	size_t len = 3 * 1024 * 1024;
	_cleanup_free_ char *text = xmalloc(len);
	_cleanup_json_ json_t *v = NULL;

	(void)state;
	memset(text, '#', len);
	text[0] = '\n';
	tree_write_bytes(dir, "requirements.txt", text, len);
	tree_write(dir, "requirements/base.txt", "flask==3\n");
	tree_write(dir, "app.py", "from flask import Flask\napp = Flask(__name__)\n");
	v = tree_analyze(dir);
	tree_remove(dir);
	assert_string_equal(json_get_str(v, "framework"), "flask");
}

/* What makes a backtracking matcher slow: near misses without end. */
static void test_analyzer_slow_patterns(void **state)
{
	char *dir = tree_new();
	size_t len = 512 * 1024;
	_cleanup_free_ char *text = xmalloc(len + 1);
	_cleanup_json_ json_t *v = NULL;
	int64_t begin = clock_mono_ns();

	(void)state;
	for (size_t i = 0; i < len; i += 16)
		memcpy(text + i, i % 4000 ? "process.env.PORT" : "process.env.POR\n", 16);
	text[len] = '\0';
	tree_write(dir, "package.json", "{\"dependencies\":{\"express\":\"4\"}}");
	tree_write(dir, "server.js", text);
	memset(text, '\t', len);
	tree_write(dir, "Makefile", text);
	memset(text, '(', len);
	tree_write(dir, "CMakeLists.txt", text);
	tree_write(dir, "build.gradle", text);
	v = tree_analyze(dir);
	tree_remove(dir);
	assert_string_equal(json_get_str(v, "framework"), "express");
	assert_true(clock_mono_ns() - begin < 20 * NS_PER_S);
}

static void test_analyzer_deep_nesting(void **state)
{
	char *dir = tree_new();
	struct buf path = BUF_INIT(4096);
	_cleanup_json_ json_t *v = NULL;

	(void)state;
	for (int i = 0; i < 200; i++)
		buf_puts(&path, "d/");
	buf_puts(&path, "package.json");
	tree_write(dir, buf_str(&path), "{\"dependencies\":{\"express\":\"4\"}}");
	buf_clear(&path);
	v = tree_analyze(dir);
	tree_remove(dir);
	assert_string_equal(json_get_str(v, "framework"), "unknown");
	assert_true(json_get_bool(v, "truncated", false));
}

/* Links to one file, which are made faster than files. */
static void make_names(const char *dir, int n)
{
	_cleanup_free_ char *first = fs_join(dir, "00000.txt");

	tree_write(dir, "00000.txt", "");
	for (int i = 1; i < n; i++) {
		_cleanup_free_ char *path = xasprintf("%s/%05d.txt", dir, (int)((int64_t)i * 7919 % n));

		assert_int_equal(link(first, path), 0);
	}
}

static void test_analyzer_wide_folder(void **state)
{
	char *dir = tree_new();
	_cleanup_json_ json_t *v = NULL;

	(void)state;
	make_names(dir, 10000);
	tree_write(dir, "go.mod", "module x\n");
	v = tree_analyze(dir);
	tree_remove(dir);
	assert_string_equal(json_get_str(v, "framework"), "go");
	assert_int_equal(json_get_int(v, "filesScanned", 0), 10001);
}

/* The smallest names are kept, whatever the order of listing. */
static void test_analyzer_limits(void **state)
{
	static const struct analyzer_limits few = { .files_max = 50 }, little = { .read_max = 10 },
										hurry = { .timeout_ns = 1 };
	char *dir = tree_new();
	_cleanup_json_ json_t *first = NULL, *second = NULL, *third = NULL;

	(void)state;
	make_names(dir, 1000);
	tree_write(dir, "0/package.json", "{\"dependencies\":{\"express\":\"4\"}}");
	tree_write(dir, "Gemfile", "gem 'rails'\n");
	assert_int_equal(analyzer_run(dir, NULL, &few, &first, NULL), 0);
	assert_int_equal(analyzer_run(dir, NULL, &little, &second, NULL), 0);
	assert_int_equal(analyzer_run(dir, NULL, &hurry, &third, NULL), 0);
	tree_remove(dir);
	assert_true(json_get_bool(first, "truncated", false));
	assert_int_equal(json_get_int(first, "filesScanned", 0), 50);
	assert_string_equal(json_get_str(first, "framework"), "unknown");
	assert_true(json_get_bool(second, "truncated", false));
	assert_true(json_get_bool(third, "truncated", false));
}

static void test_analyzer_strange_names(void **state)
{
	char *dir = tree_new();
	_cleanup_json_ json_t *v = NULL;
	_cleanup_free_ char *text = NULL;

	(void)state;
	tree_write(dir, "\xff\xfe/$(touch x)/package.json",
	           "{\"scripts\":{\"start\":\"node a\"},\"dependencies\":{\"express\":\"4\"}}");
	v = tree_analyze(dir);
	tree_remove(dir);
	assert_string_equal(json_get_str(v, "framework"), "express");
	text = json_to_str(v);
	assert_non_null(strstr(text, "$(touch x)' && npm start"));
}

static void test_analyzer_no_folder(void **state)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *v = NULL;

	(void)state;
	assert_int_equal(analyzer_run("/nonexistent/folder", NULL, NULL, &v, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
	assert_null(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_analyzer_symbolic_links),   cmocka_unit_test(test_analyzer_special_files),
		cmocka_unit_test(test_analyzer_broken_manifests), cmocka_unit_test(test_analyzer_binary_source),
		cmocka_unit_test(test_analyzer_huge_file),        cmocka_unit_test(test_analyzer_slow_patterns),
		cmocka_unit_test(test_analyzer_deep_nesting),     cmocka_unit_test(test_analyzer_wide_folder),
		cmocka_unit_test(test_analyzer_limits),           cmocka_unit_test(test_analyzer_strange_names),
		cmocka_unit_test(test_analyzer_no_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
