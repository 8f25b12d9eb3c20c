#include "file_access.h"

#include "base/fs.h"
#include "base/str.h"
#include "glob.h"
#include "settings.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- patterns ---- */

static void test_glob_match(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} cases[] = {
		{ "*.k", "a.k", true },
		{ "*.k", ".k", true },
		{ "*.k", "a.kk", false },
		{ "a?c", "abc", true },
		{ "a?c", "ac", false },
		{ "?", "é", true },
		{ "[a-c]x", "bx", true },
		{ "[a-c]x", "dx", false },
		{ "[!a-c]x", "dx", true },
		{ "[]]", "]", true },
		{ "[é]", "é", true },
		{ "a*b*c", "axxbyyc", true },
		{ "a*b*c", "axxbyy", false },
		{ "*a*a*a*b", "aaaa", false },
		{ "", "", true },
		{ "*", "", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (kcl_glob_match(cases[i].pattern, strlen(cases[i].pattern), cases[i].name) != cases[i].matches)
			fail_msg("%s of %s", cases[i].pattern, cases[i].name);
}

static void test_glob_syntax(void **state)
{
	static const char *const good[] = { "", "*", "**", "a/**/b", "**/*.k", "[*]", "[]]", "a[!b]" };
	static const char *const bad[] = { "***", "a**", "**a", "a/b**/c", "[", "a[]", "[!]" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(kcl_glob_check(good[i], NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_err_ struct err err = { 0 };

		if (kcl_glob_check(bad[i], &err) == 0 || !str_starts_with(err_message(&err), "Pattern syntax error near"))
			fail_msg("%s: %s", bad[i], err_message(&err));
	}
}

/* ---- files ---- */

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/scia-file-XXXXXX", tmp ? tmp : "/tmp");

	*state = dir;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	int r = fs_remove_tree(*state, NULL);

	free(*state);
	return r;
}

/* A program's text after it ran with access to root (and nothing else), or its first error. */
static char *run(const char *root, const char *program)
{
	const char *const roots[] = { root, NULL }, *const variables[] = { "SCIA_TEST_SHOWN", NULL };
	const struct kcl_files_options access = { .roots = roots, .variables = variables, .module_path = "/module" };
	_cleanup_(kcl_files_freep) struct kcl_files *files = kcl_files_new(&access);
	const struct kcl_source source = { "prog.k", program, strlen(program) };
	const struct kcl_compile_options options = { .sources = &source, .sources_len = 1 };
	struct kcl_diagnostics d = { 0 };
	_cleanup_(kcl_program_unrefp) struct kcl_program *compiled = kcl_compile(&options, &d);
	_cleanup_(kcl_context_freep) struct kcl_context *context = kcl_context_new();
	const struct kcl_eval_options eval = { .files = kcl_files_access(files) };
	struct kcl_result *result = compiled ? kcl_evaluate(compiled, context, &eval, &d) : NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(65536);

	if (result)
		kcl_result_json(result, &out, NULL);
	else
		buf_puts(&out, d.len ? d.items[0].message : "");
	kcl_result_free(result);
	kcl_diagnostics_clear(&d);
	return xstrdup(buf_str(&out));
}

static void expect(const char *root, const char *program, const char *wanted)
{
	_cleanup_free_ char *full = xasprintf("import file\nimport json\nimport yaml\nimport crypto\n%s\n", program);
	_cleanup_free_ char *got = run(root, full);

	if (!str_contains(got, wanted))
		fail_msg("%s: got \"%s\", wanted \"%s\"", program, got, wanted);
}

/* inside/ is what programs may touch; outside/secret is what they must not. */
static char *make_folders(const char *folder)
{
	_cleanup_free_ char *outside = fs_join(folder, "outside"), *secret = fs_join(outside, "secret");
	char *inside = fs_join(folder, "inside");
	_cleanup_free_ char *file = fs_join(inside, "a.txt"), *deep = fs_join(inside, "deep/er"),
						*more = fs_join(deep, "b.txt");

	assert_int_equal(fs_mkdir_p(outside, 0755, NULL), 0);
	assert_int_equal(fs_mkdir_p(deep, 0755, NULL), 0);
	assert_int_equal(fs_write_atomic(secret, "secret", 6, 0644, NULL), 0);
	assert_int_equal(fs_write_atomic(file, "a\n", 2, 0644, NULL), 0);
	assert_int_equal(fs_write_atomic(more, "bb", 2, 0644, NULL), 0);
	_cleanup_close_ int dir = open(inside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(symlinkat("../outside", dir, "out"), 0);
	assert_int_equal(symlinkat("../outside/secret", dir, "link"), 0);
	assert_int_equal(symlinkat("a.txt", dir, "fine"), 0);
	return inside;
}

static void test_files_are_read(void **state)
{
	_cleanup_free_ char *inside = make_folders(*state), *absolute = NULL;

	absolute = xasprintf("a = file.abs(\"deep/../fine\") == \"%s/a.txt\"", inside);
	expect(inside, "a = file.read(\"a.txt\")", "\"a\": \"a\\n\"");
	expect(inside, "a = file.read(\"./deep/../fine\")", "\"a\": \"a\\n\"");
	expect(inside, "a = file.size(\"deep/er/b.txt\")", "\"a\": 2");
	expect(inside,
	       "a = [file.exists(p) for p in [\"a.txt\", \"deep\", \"none\", \"link\", \"out/secret\", \"../outside\"]]",
	       "true,\n        true,\n        false,\n        false,\n        false,\n        false");
	expect(inside, absolute, "true");
	expect(inside, "a = file.glob(\"**/*.txt\")", "\"a.txt\",\n        \"deep/er/b.txt\"");
	expect(inside, "a = file.glob(\"./de*/er/../er/?.txt\")", "\"deep/er/../er/b.txt\"");
	expect(inside, "a = file.glob(\"out/*\")", "\"a\": []");
	expect(inside, "a = file.glob(\"../*/*\")", "\"a\": []");
	expect(inside, "a = file.glob(\"a**\")", "Failed to read glob pattern: Pattern syntax error near position 1");
	expect(inside, "a = crypto.filesha256(\"a.txt\")",
	       "87428fc522803d31065e7bce3cf03fe475096631e5e07bbd7a0fde60c4cf25c7");
	expect(inside, "a = file.read(\"none\")",
	       "failed to access the file 'none': No such file or directory (os error 2)");
	expect(inside, "a = file.read(\"deep\")", "Is a directory (os error 21)");
}

static void test_files_are_changed(void **state)
{
	_cleanup_free_ char *inside = make_folders(*state);

	expect(inside, "file.write(\"new\", \"x\")\nfile.append(\"new\", \"y\")\na = file.read(\"new\")", "\"xy\"");
	expect(inside, "file.write(\"new\", \"x\")\na = file.read(\"new\")", "\"a\": \"x\"");
	expect(inside, "file.append(\"made\", \"y\")\na = file.read(\"made\")", "\"y\"");
	expect(inside, "file.mkdir(\"p/q/r\")\nfile.mkdir(\"p\")\na = file.exists(\"p/q/r\")", "true");
	expect(inside, "file.mkdir(\"a.txt\")", "Failed to create directory 'a.txt': File exists (os error 17)");
	expect(inside, "file.mkdir(\"a.txt\", exists=True)\na = 1", "\"a\": 1");
	expect(inside, "file.cp(\"deep\", \"copy\")\na = file.read(\"copy/er/b.txt\")", "\"bb\"");
	expect(inside, "file.mv(\"copy\", \"p/moved\")\na = file.exists(\"copy\")", "false");
	expect(inside, "file.delete(\"p/moved/er/b.txt\")\nfile.delete(\"p/moved/er\")\na = file.exists(\"p/moved/er\")",
	       "false");
	expect(inside, "file.delete(\"p\")", "failed to delete 'p': Directory not empty (os error 39)");
	expect(inside, "file.delete(\"none\")", "failed to delete 'none': No such file or directory (os error 2)");
	expect(inside,
	       "json.dump_to_file({a = 1}, \"o.json\")\nyaml.dump_to_file({a = 1}, \"o.yaml\")\n"
	       "a = file.read(\"o.json\") + file.read(\"o.yaml\")",
	       "{\\\"a\\\": 1}a: 1\\n");
}

static void test_files_outside_stay_as_they_are(void **state)
{
	static const char *const programs[] = {
		"a = file.read(\"../outside/secret\")",
		"a = file.read(\"out/secret\")",
		"a = file.read(\"link\")",
		"file.write(\"link\", \"x\")",
		"file.write(\"out/new\", \"x\")",
		"file.append(\"../outside/secret\", \"x\")",
		"file.mkdir(\"out/folder\")",
		"file.delete(\"out/secret\")",
		"file.delete(\"../outside/secret\")",
		"file.cp(\"link\", \"mine\")",
		"file.cp(\"a.txt\", \"out/mine\")",
		"file.mv(\"out/secret\", \"mine\")",
		"file.mv(\"a.txt\", \"../a.txt\")",
		"a = file.abs(\"out/secret\")",
		"a = file.read(\"/etc/passwd\")",
		"a = file.size(\"link\")",
		"a = crypto.filesha256(\"link\")",
		"json.dump_to_file({}, \"out/x\")",
		"a = file.read(\"a.txt\\u0000b\")",
	};
	_cleanup_free_ char *inside = make_folders(*state), *secret = fs_join(*state, "outside/secret");
	_cleanup_free_ char *left = NULL, *others = fs_join(*state, "outside/x");

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		_cleanup_free_ char *full = xasprintf("import file\nimport json\nimport crypto\n%s\n", programs[i]);
		_cleanup_free_ char *got = run(inside, full);

		if (*got == '{')
			fail_msg("%s: %s", programs[i], got);
	}
	assert_int_equal(fs_read_file(secret, 100, &left, NULL, NULL), 0);
	assert_string_equal(left, "secret");
	assert_false(fs_exists(others));
}

/* Nobody is at the other end of the FIFO: who waited for it would wait for ever. */
static void test_files_that_wait_are_not_waited_for(void **state)
{
	_cleanup_free_ char *fifo = fs_join(*state, "fifo");

	assert_int_equal(mkfifo(fifo, 0600), 0);
	expect(*state, "a = file.read(\"fifo\")", "\"a\": \"\"");
	expect(*state, "a = file.write(\"fifo\", \"x\")", "No such device or address (os error 6)");
	expect(*state, "a = file.cp(\"fifo\", \"copy\")\nb = file.size(\"copy\")", "\"b\": 0");
}

static void test_environment_and_folders(void **state)
{
	_cleanup_free_ char *inside = make_folders(*state), *wanted = xasprintf("\"%s\"", inside);

	setenv("SCIA_TEST_SHOWN", "seen", 1);
	setenv("SCIA_TEST_HIDDEN", "hidden", 1);
	expect(inside, "a = file.read_env(\"SCIA_TEST_SHOWN\")\nb = file.read_env(\"SCIA_TEST_HIDDEN\") or \"none\"",
	       "\"a\": \"seen\",\n    \"b\": \"none\"");
	expect(inside, "a = file.workdir()", wanted);
	expect(inside, "a = file.modpath() + file.current()", "\"/moduleprog.k\"");
}

/* ---- settings ---- */

static int add_settings(struct kcl_settings *s, const char *text, struct err *err)
{
	return kcl_settings_add(s, text, strlen(text), "conf/kcl.yaml", err);
}

static void test_settings(void **state)
{
	static const char *const bad[] = { "- a\n",
		                               "kcl_cli_configs: 1\n",
		                               "kcl_cli_configs: {debug: maybe}\n",
		                               "kcl_cli_configs: {files: [1]}\n",
		                               "kcl_cli_configs: {overrides: {a: b}}\n",
		                               "kcl_options: [{key: a}]\n",
		                               "kcl_options: {a: b}\n",
		                               "a: [\n" };
	struct kcl_settings s = { 0 };
	_cleanup_err_ struct err none = { 0 };

	(void)state;
	assert_int_equal(add_settings(&s,
	                              "kcl_cli_configs:\n  files: [a.k, /b.k, '${KCL_MOD}/c.k']\n  overrides: [a=1]\n"
	                              "  path_selector: [x]\n  debug: true\n  package_maps: {k8s: vendor/k8s}\n"
	                              "kcl_options:\n- key: n\n  value: {a: [1]}\n",
	                              &none),
	                 0);
	assert_int_equal(
		add_settings(&s, "kcl_cli_configs: {overrides: [b=2], debug: false, sort_keys: true, file: d.k}\n", &none), 0);
	assert_string_equal(err_message(&none), "");
	assert_int_equal(kcl_settings_define(&s, "n=2", NULL), 0);
	kcl_settings_finish(&s);
	const char *const files[] = { "conf/a.k", "/b.k", "${KCL_MOD}/c.k", "conf/d.k" };
	assert_int_equal(strv_len(s.files), ARRAY_SIZE(files));
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		assert_string_equal(s.files[i], files[i]);
	assert_true(strv_len(s.overrides) == 2 && strv_len(s.selectors) == 1 && s.debug && s.sort_keys && !s.show_hidden);
	assert_string_equal(s.packages[0], "k8s=vendor/k8s");
	assert_true(s.options_len == 1 && json_integer_value(s.options[0].value) == 2);
	kcl_settings_done(&s);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_err_ struct err err = { 0 };

		if (add_settings(&s, bad[i], &err) == 0 || !str_contains(err_message(&err), "'conf/kcl.yaml', invalid setting"))
			fail_msg("%s: %s", bad[i], err_message(&err));
		kcl_settings_done(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_glob_match),
		cmocka_unit_test(test_glob_syntax),
		cmocka_unit_test_setup_teardown(test_files_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files_are_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files_outside_stay_as_they_are, setup, teardown),
		cmocka_unit_test_setup_teardown(test_files_that_wait_are_not_waited_for, setup, teardown),
		cmocka_unit_test_setup_teardown(test_environment_and_folders, setup, teardown),
		cmocka_unit_test(test_settings),
	};
	return cmocka_run_group_tests_name("kcl_files", tests, NULL, NULL);
}
