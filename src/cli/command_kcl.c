/* scia kcl: programs written in KCL, from files. */

#include "command_kcl.h"
#include "commands.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "kcl_files.h"
#include "kcl_settings.h"
#include "options.h"

#include <libgen.h>
#include <limits.h>

#define OUTPUT_MAX ((size_t)64 * 1024 * 1024)
#define STDIN_NAME "stdin.k"

struct run_options {
	char **definitions, **settings, **selectors, **overrides, **packages;
	const char *output, *format;
	bool strict_range_check, disable_none, debug, sort_keys, show_hidden, include_schema_type_path;
};

/* What one run needs; everything is freed with it. */
struct run {
	struct run_options o;
	struct kcl_settings settings;
	struct kcl_files files;
	char **names; /* of the sources */
	char **texts; /* likewise */
	size_t texts_len;
	struct kcl_source *sources;
	struct kcl_diagnostics diagnostics;
	struct kcl_program *program;
	struct kcl_context *context;
};

static void run_done(struct run *r)
{
	kcl_context_free(r->context);
	kcl_program_unref(r->program);
	kcl_diagnostics_clear(&r->diagnostics);
	for (size_t i = 0; i < r->texts_len; i++)
		free(r->texts[i]);
	free(r->texts);
	free(r->sources);
	strv_free(r->names);
	kcl_files_done(&r->files);
	kcl_settings_done(&r->settings);
	strv_free(r->o.definitions);
	strv_free(r->o.settings);
	strv_free(r->o.selectors);
	strv_free(r->o.overrides);
	strv_free(r->o.packages);
}

/* ---- sources ---- */

static void add_source(struct run *r, const char *name, char *text, size_t len)
{
	r->texts = xreallocarray(r->texts, r->texts_len + 1, sizeof(*r->texts));
	r->sources = xreallocarray(r->sources, r->texts_len + 1, sizeof(*r->sources));
	r->texts[r->texts_len] = text;
	r->sources[r->texts_len] = (struct kcl_source){ .name = name, .text = text, .len = len };
	r->texts_len++;
}

static int read_stdin(struct run *r, const char *folder, struct err *err)
{
	struct buf in = BUF_INIT(KCL_FILE_MAX);
	char chunk[8192];
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), stdin)) > 0;) {
		if (buf_append(&in, chunk, n) < 0) {
			buf_clear(&in);
			return err_set(err, ERR_TOO_LARGE, "the program on standard input is larger than %zu bytes", KCL_FILE_MAX);
		}
	}
	_cleanup_free_ char *name = fs_join(folder, STDIN_NAME);
	strv_push(&r->names, name);
	size_t len = in.len;
	add_source(r, r->names[strv_len(r->names) - 1], buf_steal(&in), len);
	return 0;
}

static int read_sources(struct run *r, struct err *err)
{
	for (size_t i = 0; r->names && r->names[i]; i++) {
		char *text;
		size_t len;
		if (fs_read_file(r->names[i], KCL_FILE_MAX, &text, &len, err) < 0)
			return -1;
		add_source(r, r->names[i], text, len);
	}
	return 0;
}

/* The folder that kcl.mod is looked for from: of the first source. */
static char *first_folder(const char *argument, const char *base)
{
	_cleanup_free_ char *path = *argument == '/' ? xstrdup(argument) : fs_join(base, argument);
	char *absolute = kcl_files_absolute(path);
	if (!absolute || str_starts_with(argument, "${KCL_MOD}")) {
		free(absolute);
		return kcl_files_absolute(base);
	}
	if (!fs_is_dir(absolute))
		*strrchr(absolute, '/') = '\0';
	return absolute;
}

static int collect_sources(struct run *r, char **args, struct err *err)
{
	_cleanup_strv_ char **wanted = NULL;
	const char *base = ".";
	for (size_t i = 0; args[i]; i++)
		strv_push(&wanted, args[i]);
	kcl_settings_strings(&r->settings, "file", &wanted);
	kcl_settings_strings(&r->settings, "files", &wanted);
	if (!wanted)
		strv_push(&wanted, ".");
	if (!args[0] && r->settings.base)
		base = r->settings.base;
	bool is_stdin = strcmp(wanted[0], "-") == 0;
	_cleanup_free_ char *folder = first_folder(is_stdin ? "." : wanted[0], base);
	kcl_files_init(&r->files, folder ? folder : "/", r->o.packages);
	if (is_stdin)
		return read_stdin(r, folder ? folder : "/", err);
	for (size_t i = 0; wanted[i]; i++) {
		if (kcl_files_expand(&r->files, wanted[i], base, &r->names, err) < 0)
			return -1;
	}
	return read_sources(r, err);
}

/* Settings files, then -D. Further arguments that end in .yaml belong to -Y. */
static int read_settings(struct run *r, char **args, struct err *err)
{
	size_t kept = 0;
	for (size_t i = 0; args[i]; i++) {
		bool is_settings = r->o.settings && (str_ends_with(args[i], ".yaml") || str_ends_with(args[i], ".yml"));
		if (is_settings)
			strv_push(&r->o.settings, args[i]);
		else
			args[kept++] = args[i];
	}
	args[kept] = NULL;
	if (!r->o.settings && fs_exists("kcl.yaml"))
		strv_push(&r->o.settings, "kcl.yaml");
	for (size_t i = 0; r->o.settings && r->o.settings[i]; i++) {
		if (kcl_settings_read(&r->settings, r->o.settings[i], err) < 0)
			return -1;
	}
	for (size_t i = 0; r->o.definitions && r->o.definitions[i]; i++) {
		if (kcl_settings_define(&r->settings, r->o.definitions[i], err) < 0)
			return -1;
	}
	kcl_settings_finish(&r->settings);
	kcl_settings_strings(&r->settings, "path_selector", &r->o.selectors);
	kcl_settings_strings(&r->settings, "overrides", &r->o.overrides);
	return 0;
}

/* ---- running ---- */

/* Of imported files the program does not keep the text: it is read again. */
static const char *text_of(void *self, const char *file)
{
	struct run *r = self;
	_cleanup_err_ struct err err = { 0 };
	char *text;
	size_t len;
	for (size_t i = 0; i < r->texts_len; i++) {
		if (str_eq(r->sources[i].name, file))
			return r->sources[i].text;
	}
	if (fs_read_file(file, KCL_FILE_MAX, &text, &len, &err) < 0)
		return NULL;
	add_source(r, file, text, len);
	return text;
}

static void print_diagnostics(struct run *r)
{
	_cleanup_buf_ struct buf out = BUF_INIT(OUTPUT_MAX);
	kcl_diagnostics_write(&r->diagnostics, text_of, r, &out);
	_cleanup_free_ char *text = harmless(buf_str(&out));
	fputs(text, stderr);
}

static struct kcl_eval_options eval_options(const struct run *r)
{
	const struct kcl_settings *s = &r->settings;
	return (struct kcl_eval_options){
		.options = s->options,
		.options_len = s->options_len,
		.strict_range_check = r->o.strict_range_check || kcl_settings_flag(s, "strict_range_check"),
		.disable_none = r->o.disable_none || kcl_settings_flag(s, "disable_none"),
		.debug = r->o.debug || kcl_settings_flag(s, "debug"),
		.sort_keys = r->o.sort_keys || kcl_settings_flag(s, "sort_keys"),
		.show_hidden = r->o.show_hidden || kcl_settings_flag(s, "show_hidden"),
		.include_schema_type_path = r->o.include_schema_type_path || kcl_settings_flag(s, "include_schema_type_path"),
		.path_selector = (const char *const *)r->o.selectors,
		.files = &r->files.loader,
		.now_ns = clock_wall_ns(),
	};
}

static int emit(struct run *r, const struct kcl_result *result, struct err *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(OUTPUT_MAX);
	bool is_json = str_eq(r->o.format, "json");
	int failed = is_json ? kcl_result_json(result, &out, err) : kcl_result_yaml(result, &out, err);
	if (failed < 0)
		return -1;
	fputs(kcl_result_log(result), stdout);
	if (r->o.output)
		return fs_replace(r->o.output, buf_str(&out), out.len, 0644, err);
	fwrite(buf_str(&out), 1, out.len, stdout);
	return 0;
}

static int run_program(struct run *r, struct err *err)
{
	struct kcl_compile_options compile = { .sources = r->sources,
		                                   .sources_len = r->texts_len,
		                                   .root = r->files.root,
		                                   .loader = &r->files.loader,
		                                   .overrides = (const char *const *)r->o.overrides };
	struct kcl_eval_options options = eval_options(r);
	struct kcl_result *result = NULL;
	r->program = kcl_compile(&compile, &r->diagnostics);
	r->context = kcl_context_new();
	if (r->program)
		result = kcl_evaluate(r->program, r->context, &options, &r->diagnostics);
	print_diagnostics(r);
	return result ? emit(r, result, err) : 1;
}

static int kcl_run(int argc, char **argv)
{
	_cleanup_(run_done) struct run r = { .o.format = "yaml" };
	_cleanup_err_ struct err err = { 0 };
	char **args;
	const struct cli_option options[] = {
		{ "argument", 'D', CLI_STRINGS, &r.o.definitions, "KEY=VALUE", "a value for option(KEY); may be repeated" },
		{ "setting", 'Y', CLI_STRINGS, &r.o.settings, "FILE", "a settings file: kcl_cli_configs and kcl_options" },
		{ "path-selector", 'S', CLI_STRINGS, &r.o.selectors, "PATH", "emit only this part; may be repeated" },
		{ "overrides", 'O', CLI_STRINGS, &r.o.overrides, "PATH=VALUE", "change the program: PATH=VALUE, or PATH-" },
		{ "external", 'E', CLI_STRINGS, &r.o.packages, "NAME=DIR", "where an external package lies" },
		{ "strict-range-check", 'r', CLI_FLAG, &r.o.strict_range_check, NULL, "numbers have 32 bits" },
		{ "disable-none", 'n', CLI_FLAG, &r.o.disable_none, NULL, "leave out what is None" },
		{ "debug", 'd', CLI_FLAG, &r.o.debug, NULL, "name the calls that led to an error" },
		{ "sort_keys", 'k', CLI_FLAG, &r.o.sort_keys, NULL, "sort the keys" },
		{ "show_hidden", 'H', CLI_FLAG, &r.o.show_hidden, NULL, "also what begins with _" },
		{ "include_schema_type_path", 0, CLI_FLAG, &r.o.include_schema_type_path, NULL, "add _type to schemas" },
		{ "output", 'o', CLI_STRING, &r.o.output, "FILE", "write to a file" },
		{ "format", 0, CLI_STRING, &r.o.format, "FORMAT", "yaml or json" },
		{ 0 },
	};
	int parsed = cli_parse(&COMMAND_KCL, options, argc, argv, &args);
	if (parsed != 0)
		return parsed == 1 ? CLI_OK : parsed;
	if (!str_eq(r.o.format, "yaml") && !str_eq(r.o.format, "json"))
		return cli_usage(&COMMAND_KCL, "--format is yaml or json");
	int failed = read_settings(&r, args, &err);
	if (failed == 0)
		failed = collect_sources(&r, args, &err);
	if (failed == 0)
		failed = run_program(&r, &err);
	if (failed < 0)
		cli_fail(&err);
	return failed ? CLI_FAILED : CLI_OK;
}

int command_kcl(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(int argc, char **argv);
	} commands[] = {
		{ "run", kcl_run },           { "fmt", kcl_fmt_command }, { "vet", kcl_vet_command },
		{ "test", kcl_test_command }, { "doc", kcl_doc_command },
	};
	for (size_t i = 0; argc > 1 && i < ARRAY_SIZE(commands); i++) {
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	}
	if (argc > 1 && argv[1][0] != '-')
		return cli_usage(&COMMAND_KCL, "there is no kcl %s", argv[1]);
	/* --help, or wrong usage */
	char **args;
	const struct cli_option none[] = { { 0 } };
	int parsed = cli_parse(&COMMAND_KCL, none, argc, argv, &args);
	return parsed == 1 ? CLI_OK : parsed ? parsed : cli_usage(&COMMAND_KCL, "say what to do: scia kcl run");
}
