/* scia kcl fmt, vet, test and doc. */

#include "command_kcl.h"
#include "commands.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "kcl_sources.h"
#include "lang/kcl/kcl_tools.h"
#include "options.h"

#define OUTPUT_MAX ((size_t)64 * 1024 * 1024)

static int parse(const struct cli_option *options, int argc, char **argv, char ***ret_args, int *ret_code)
{
	int parsed = cli_parse(&COMMAND_KCL, options, argc, argv, ret_args);

	*ret_code = parsed == 1 ? CLI_OK : parsed;
	return parsed;
}

/* The folder that a file lies in, or the folder itself; free(). */
static char *folder_of(const char *path)
{
	char *absolute = kcl_real_path(path);

	if (absolute && !fs_is_dir(absolute))
		*strrchr(absolute, '/') = '\0';
	return absolute ? absolute : xstrdup("/");
}

/* ---- fmt ---- */

struct fmt {
	bool check;
	unsigned changed, failed;
};

static int format_file(struct fmt *f, struct kcl_sources *all, const struct kcl_source *s, bool to_stdout,
                       struct err *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(OUTPUT_MAX);
	struct kcl_diagnostics d = { 0 };

	if (kcl_fmt(s, &out, &d) < 0) {
		kcl_sources_print(all, &d);
		kcl_diagnostics_clear(&d);
		f->failed++;
		return 0;
	}
	kcl_diagnostics_clear(&d);
	if (to_stdout) {
		fwrite(buf_str(&out), 1, out.len, stdout);
		return 0;
	}
	if (out.len == s->len && memcmp(buf_str(&out), s->text, s->len) == 0)
		return 0;
	f->changed++;
	printf("%s\n", s->name);
	return f->check ? 0 : fs_replace(s->name, buf_str(&out), out.len, 0644, err);
}

static int collect(const char *argument, bool with_tests, struct kcl_sources *sources, struct err *err)
{
	_cleanup_strv_ char **folders = NULL;

	if (strcmp(argument, "-") == 0)
		return kcl_sources_read_stdin(sources, ".", err);
	if (kcl_sources_folders(argument, &folders, err) < 0)
		return -1;
	for (size_t i = 0; folders[i]; i++)
		if (kcl_sources_add(sources, folders[i], with_tests, err) < 0)
			return -1;
	return 0;
}

int kcl_fmt_command(int argc, char **argv)
{
	_cleanup_(kcl_sources_done) struct kcl_sources sources = { 0 };
	_cleanup_err_ struct err err = { 0 };
	struct fmt f = { 0 };
	static char dot[] = ".";
	char **args, *here[] = { dot, NULL };
	int code, failed = 0;
	const struct cli_option options[] = {
		{ "check", 0, CLI_FLAG, &f.check, NULL, "fmt: only name the files that would change, and fail then" },
		{ 0 },
	};

	if (parse(options, argc, argv, &args, &code) != 0)
		return code;
	bool to_stdout = args[0] && strcmp(args[0], "-") == 0;

	for (char **a = args[0] ? args : here; failed == 0 && *a; a++)
		failed = collect(*a, true, &sources, &err);
	for (size_t i = 0; failed == 0 && i < sources.len; i++)
		failed = format_file(&f, &sources, &sources.items[i], to_stdout, &err);
	if (failed < 0)
		cli_fail(&err);
	return failed < 0 || f.failed || (f.check && f.changed) ? CLI_FAILED : CLI_OK;
}

/* ---- vet ---- */

static int vet(struct kcl_vet_options *o, char **args, struct err *err)
{
	_cleanup_(kcl_sources_done) struct kcl_sources sources = { 0 };
	_cleanup_(kcl_modules_freep) struct kcl_modules *modules = kcl_modules_of_user(NULL, NULL, false, err);
	_cleanup_free_ char *folder = folder_of(args[1]), *root = modules ? kcl_modules_set_main(modules, folder) : NULL;
	struct kcl_diagnostics d = { 0 };

	if (!modules || kcl_sources_read(&sources, args[0], err) < 0)
		return -1;
	sources.loader = kcl_modules_loader(modules);
	for (size_t i = 1; args[i]; i++)
		if (kcl_sources_add(&sources, args[i], false, err) < 0)
			return -1;
	o->data = sources.items[0];
	o->program = (struct kcl_compile_options){
		.sources = sources.items + 1, .sources_len = sources.len - 1, .root = root, .loader = sources.loader
	};

	int invalid = kcl_vet(o, &d) < 0;

	kcl_sources_print(&sources, &d);
	kcl_diagnostics_clear(&d);
	if (!invalid)
		printf("Validate success!\n");
	return invalid;
}

int kcl_vet_command(int argc, char **argv)
{
	_cleanup_err_ struct err err = { 0 };
	struct kcl_vet_options o = { 0 };
	const char *format = "json";
	char **args;
	int code;
	const struct cli_option options[] = {
		{ "schema", 's', CLI_STRING, &o.schema, "NAME", "vet: the schema (the first one of the file)" },
		{ "attribute-name", 'a', CLI_STRING, &o.attribute, "NAME", "vet: what checks call the data (value)" },
		{ "format", 0, CLI_STRING, &format, "FORMAT", "vet: of the data, json or yaml; either is read" },
		{ 0 },
	};

	if (parse(options, argc, argv, &args, &code) != 0)
		return code;
	if (!args[0] || !args[1])
		return cli_usage(&COMMAND_KCL, "say what to validate by what: scia kcl vet data.yaml schema.k");
	if (!str_eq(format, "json") && !str_eq(format, "yaml"))
		return cli_usage(&COMMAND_KCL, "--format is json or yaml");

	int failed = vet(&o, args, &err);

	if (failed < 0)
		cli_fail(&err);
	return failed ? CLI_FAILED : CLI_OK;
}

/* ---- test ---- */

struct test {
	struct kcl_test_options o;
	struct kcl_sources sources; /* of the folder at work */
	struct kcl_test_summary total;
};

static void report(void *self, const struct kcl_test_result *r)
{
	struct test *t = self;

	printf("%s: %s (%lldms)\n", r->name, r->passed ? "PASS" : "FAIL", (long long)(r->duration_ns / NS_PER_MS));
	fputs(r->log, stdout);
	fflush(stdout);
	if (!r->passed)
		kcl_sources_print(&t->sources, r->diagnostics);
}

static int test_folder(struct test *t, const char *folder, struct err *err)
{
	_cleanup_(kcl_modules_freep) struct kcl_modules *modules = kcl_modules_of_user(NULL, NULL, false, err);
	_cleanup_free_ char *absolute = folder_of(folder), *root = modules ? kcl_modules_set_main(modules, absolute) : NULL;
	const struct kcl_files_options access = { .module_path = root };
	_cleanup_(kcl_files_freep) struct kcl_files *files = kcl_files_new(&access);
	struct kcl_test_summary summary;
	struct kcl_diagnostics d = { 0 };

	kcl_sources_done(&t->sources);
	if (!modules || kcl_sources_add(&t->sources, folder, true, err) < 0)
		return -1;
	t->sources.loader = kcl_modules_loader(modules);
	t->o.program = (struct kcl_compile_options){
		.sources = t->sources.items, .sources_len = t->sources.len, .root = root, .loader = t->sources.loader
	};
	t->o.eval = (struct kcl_eval_options){ .files = kcl_files_access(files), .now_ns = clock_wall_ns() };

	int broken = kcl_test(&t->o, &summary, &d) < 0;

	t->total.passed += summary.passed;
	t->total.failed += summary.failed;
	kcl_sources_print(&t->sources, &d);
	kcl_diagnostics_clear(&d);
	t->sources.loader = NULL;
	return broken;
}

static void print_total(const struct kcl_test_summary *t)
{
	unsigned all = t->passed + t->failed;

	if (all == 0) {
		printf("no test files\n");
		return;
	}
	printf("%.*s\n", 80, "--------------------------------------------------------------------------------");
	if (t->failed)
		printf("FAIL: %u/%u\n", t->failed, all);
	else
		printf("PASS: %u/%u\n", t->passed, all);
}

int kcl_test_command(int argc, char **argv)
{
	_cleanup_strv_ char **folders = NULL;
	_cleanup_err_ struct err err = { 0 };
	struct test t = { .o = { .report = report, .self = &t } };
	static char dot[] = ".";
	char **args, *here[] = { dot, NULL };
	int code, failed = 0, broken = 0;
	const struct cli_option options[] = {
		{ "run", 0, CLI_STRING, &t.o.pattern, "REGEX", "test: only functions whose name matches" },
		{ "fail-fast", 0, CLI_FLAG, &t.o.fail_fast, NULL, "test: end at the first failure" },
		{ 0 },
	};

	if (parse(options, argc, argv, &args, &code) != 0)
		return code;
	for (char **a = args[0] ? args : here; failed == 0 && *a; a++)
		failed = kcl_sources_folders(*a, &folders, &err);
	for (size_t i = 0; failed == 0 && folders[i]; i++) {
		int result = t.o.fail_fast && t.total.failed ? 0 : test_folder(&t, folders[i], &err);

		failed = result < 0 ? -1 : 0;
		broken |= result > 0;
	}
	kcl_sources_done(&t.sources);
	if (failed < 0)
		cli_fail(&err);
	else
		print_total(&t.total);
	return failed < 0 || broken || t.total.failed ? CLI_FAILED : CLI_OK;
}

/* ---- doc ---- */

static int document(const char *path, const char *target, struct err *err)
{
	_cleanup_(kcl_sources_done) struct kcl_sources sources = { 0 };
	_cleanup_buf_ struct buf out = BUF_INIT(OUTPUT_MAX);
	_cleanup_free_ char *absolute = kcl_real_path(path);
	struct kcl_diagnostics d = { 0 };

	if (kcl_sources_add(&sources, path, false, err) < 0)
		return -1;

	const char *slash = absolute ? strrchr(absolute, '/') : NULL, *title = slash && slash[1] ? slash + 1 : "main";
	int failed = kcl_doc(title, sources.items, sources.len, &out, &d) < 0;

	kcl_sources_print(&sources, &d);
	kcl_diagnostics_clear(&d);
	if (failed)
		return 1;
	if (!target) {
		fwrite(buf_str(&out), 1, out.len, stdout);
		return 0;
	}
	_cleanup_free_ char *folder = fs_join(target, "docs"), *name = xasprintf("%s.md", title);
	_cleanup_free_ char *file = fs_join(folder, name);

	return fs_mkdir_p(folder, 0755, err) < 0 || fs_replace(file, buf_str(&out), out.len, 0644, err) < 0 ? -1 : 0;
}

/* `kcl doc generate`, as upstream has it, is the same. */
int kcl_doc_command(int argc, char **argv)
{
	_cleanup_err_ struct err err = { 0 };
	const char *target = NULL, *path = NULL;
	char **args;
	int code;
	const struct cli_option options[] = {
		{ "target", 0, CLI_STRING, &target, "DIR", "doc: write DIR/docs/PACKAGE.md instead of standard output" },
		{ "file-path", 0, CLI_STRING, &path, "DIR", "doc: the package (this folder)" },
		{ 0 },
	};

	if (parse(options, argc, argv, &args, &code) != 0)
		return code;
	if (args[0] && strcmp(args[0], "generate") == 0)
		args++;

	int failed = document(args[0] ? args[0] : path ? path : ".", target, &err);

	if (failed < 0)
		cli_fail(&err);
	return failed ? CLI_FAILED : CLI_OK;
}
