#include "modules.h"

#include "base/fs.h"
#include "base/str.h"
#include "reference.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* ---- references and versions ---- */

static void test_references(void **state)
{
	static const struct {
		const char *text, *repository, *tag, *digest;
	} good[] = {
		{ "oci://ghcr.io/kcl-lang/konfig:0.4.0", "ghcr.io/kcl-lang/konfig", "0.4.0", NULL },
		{ "oci://ghcr.io/kcl-lang/konfig?tag=0.4.0", "ghcr.io/kcl-lang/konfig", "0.4.0", NULL },
		{ "oci://ghcr.io/a/b?x=1&tag=2", "ghcr.io/a/b", "2", NULL },
		{ "oci://localhost:5000/a/b/", "localhost:5000/a/b", NULL, NULL },
		{ "localhost:5000/a:1", "localhost:5000/a", "1", NULL },
		{ "konfig", "konfig", NULL, NULL },
		{ "konfig:1+meta", "konfig", "1+meta", NULL },
		{ "a/b@sha256:00", "a/b", NULL, "sha256:00" },
		{ "a/b:1@sha256:00", "a/b", "1", "sha256:00" },
	};
	static const char *const bad[] = { "",    "oci://", "oci:///a", "a//b", "a/../b",
		                               "a b", "a:",     "a?tag=",   "a@",   "a:1/2\n" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct kcl_reference r = { 0 };

		assert_int_equal(kcl_reference_parse(good[i].text, &r, NULL), 0);
		assert_string_equal(r.repository, good[i].repository);
		assert_true(str_eq(r.tag, good[i].tag) && str_eq(r.digest, good[i].digest));
		kcl_reference_clear(&r);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct kcl_reference r = { 0 };
		_cleanup_err_ struct err err = { 0 };

		if (kcl_reference_parse(bad[i], &r, &err) == 0)
			fail_msg("\"%s\" is no reference", bad[i]);
	}
}

static void test_repositories(void **state)
{
	(void)state;
	assert_int_equal(kcl_repository_match("ghcr.io/a/b", "ghcr.io/a/b"), 2);
	assert_int_equal(kcl_repository_match("ghcr.io/a/b", "a/b"), 1);
	assert_int_equal(kcl_repository_match("b", "ghcr.io/a/b"), 1);
	assert_int_equal(kcl_repository_match("ghcr.io/a/b", "other.io/a/b"), 0);
	assert_int_equal(kcl_repository_match("ghcr.io/a/bb", "b"), 0);
	assert_true(kcl_module_name_same("a-b_c", "a_b-c") && !kcl_module_name_same("a", "ab"));
}

static void test_versions(void **state)
{
	/* Each less than the next one. */
	static const char *const order[] = { "latest",           "0.9",          "1.0.0-alpha",   "1.0.0-alpha.1",
		                                 "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0",
		                                 "v1.0.1",           "1.2",          "1.10.0",        "2" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(order); i++)
		for (size_t j = 0; j < ARRAY_SIZE(order); j++) {
			int r = kcl_version_compare(order[i], order[j]);

			if ((r > 0) - (r < 0) != (i > j) - (i < j))
				fail_msg("%s and %s: %d", order[i], order[j], r);
		}
	assert_int_equal(kcl_version_compare("1.0", "1.0.0+build"), 0);
}

/* ---- modules ---- */

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/scia-kcl-XXXXXX", tmp ? tmp : "/tmp");

	*state = dir;
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	int r = fs_remove_tree(*state, NULL);

	free(*state);
	return r;
}

static void put(const char *folder, const char *name, const char *text)
{
	_cleanup_free_ char *path = fs_join(folder, name), *parent = xstrdup(path);

	*strrchr(parent, '/') = '\0';
	assert_int_equal(fs_mkdir_p(parent, 0755, NULL), 0);
	assert_int_equal(fs_write_atomic(path, text, strlen(text), 0644, NULL), 0);
}

static char *run(const char *folder)
{
	const char *const roots[] = { folder, NULL };
	const struct kcl_modules_options o = { .roots = roots };
	_cleanup_(kcl_modules_freep) struct kcl_modules *m = kcl_modules_new(&o, NULL);
	_cleanup_free_ char *found = kcl_modules_find(m, "main", NULL), *root = kcl_modules_set_main(m, found);
	_cleanup_strv_ char **names = kcl_modules_entries(m, found, NULL);
	const struct kcl_loader *loader = kcl_modules_loader(m);
	_cleanup_(bytes_unrefp) struct bytes *text = loader->read(loader->self, names[0], NULL);
	const struct kcl_source source = { names[0], text->data, text->len };
	const struct kcl_compile_options options = { .sources = &source, .sources_len = 1, .root = root, .loader = loader };
	struct kcl_diagnostics d = { 0 };
	_cleanup_(kcl_program_unrefp) struct kcl_program *program = kcl_compile(&options, &d);
	_cleanup_(kcl_context_freep) struct kcl_context *context = kcl_context_new();
	const struct kcl_eval_options eval = { 0 };
	struct kcl_result *result = program ? kcl_evaluate(program, context, &eval, &d) : NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(65536);

	if (result)
		kcl_result_yaml(result, &out, NULL);
	else
		kcl_diagnostics_write(&d, NULL, NULL, &out);
	kcl_result_free(result);
	kcl_diagnostics_clear(&d);
	return xstrdup(buf_str(&out));
}

static void expect(const char *folder, const char *wanted)
{
	_cleanup_free_ char *got = run(folder);

	if (!str_contains(got, wanted))
		fail_msg("got \"%s\", wanted \"%s\"", got, wanted);
}

/* A module with one of everything: aliases, dashes, sub-packages, imports that are relative, two versions. */
static void test_vendored_modules(void **state)
{
	const char *f = *state;

	put(f, "main/kcl.mod",
	    "[package]\nname = \"app\"\n[dependencies]\nmy-lib = \"1.0.0\"\nshort = { package = \"long-name\", version = "
	    "\"2\" }\n"
	    "near = { path = \"../near\" }\n");
	put(f, "main/main.k",
	    "import my_lib\nimport my_lib.sub.deep\nimport short\nimport near\nimport near.inner as i\n"
	    "a = my_lib.x + deep.y + short.z + near.n + i.m\n");
	put(f, "main/vendor/my-lib_1.0.0/kcl.mod", "[package]\nname = \"my-lib\"\n[dependencies]\nshared = \"1.0.0\"\n");
	put(f, "main/vendor/my-lib_1.0.0/main.k", "import shared\nimport .sub.deep as d\nx = \"lib\" + shared.v + d.y\n");
	put(f, "main/vendor/my-lib_1.0.0/sub/deep.k", "import ..top\ny = \"deep\" + top.t\n");
	put(f, "main/vendor/my-lib_1.0.0/top.k", "t = \"top\"\n");
	put(f, "main/vendor/long_name_2/main.k", "z = \"alias\"\n");
	put(f, "main/vendor/shared_1.0.0/v.k", "v = \"one\"\n");
	put(f, "main/vendor/shared_1.2.0/v.k", "v = \"two\"\n");
	put(f, "near/kcl.mod", "[package]\nname = \"near\"\n[dependencies]\nshared = \"1.2.0\"\n");
	put(f, "near/near.k", "import shared\nn = \"near\" + shared.v\n");
	put(f, "near/inner/m.k", "m = \"inner\"\n");
	expect(f, "a: libtwodeeptopdeeptopaliasneartwoinner\n");
	put(f, "main/vendor/long_name_2/main.k", "import my_lib\nz = my_lib.x\n");
	put(f, "main/vendor/my-lib_1.0.0/main.k", "import short\nx = short.z\n");
	expect(f, "There is a circular reference between modules");
}

static void test_missing_modules(void **state)
{
	const char *f = *state;

	put(f, "main/kcl.mod", "[dependencies]\nlib = \"1.0.0\"\ngone = { path = \"../gone\" }\n");
	put(f, "main/main.k", "import lib\n");
	expect(f, "lib 1.0.0 is nowhere on this disk, and nothing is fetched from a network: put it into vendor/lib_1.0.0");
	put(f, "main/main.k", "import gone\n");
	expect(f, "gone is said to lie at");
	put(f, "main/main.k", "import other\n");
	expect(f, "add the package to the dependencies in kcl.mod");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_repositories),
		cmocka_unit_test(test_versions),
		cmocka_unit_test_setup_teardown(test_vendored_modules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_missing_modules, setup, teardown),
	};
	return cmocka_run_group_tests_name("kcl_modules", tests, NULL, NULL);
}
