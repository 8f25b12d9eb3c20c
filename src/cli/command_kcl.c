/* scia kcl: programs written in KCL, from files. */

#include "command_kcl.h"
#include "commands.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "kcl_sources.h"
#include "lang/kcl_modules/settings.h"
#include "options.h"

#define OUTPUT_MAX ((size_t)64 * 1024 * 1024)
#define ARCHIVES_MAX ((size_t)256 * 1024 * 1024)
#define SETTINGS_FILE "kcl.yaml"

struct run_options {
	char **definitions, **settings, **selectors, **overrides, **packages, **layouts, **file_roots;
	const char *output, *format, *oci, *tag;
	bool strict_range_check, disable_none, debug, sort_keys, show_hidden, include_schema_type_path;
	bool vendor, quiet, no_style;
};

/* What one run needs; everything is freed with it. */
struct run {
	struct run_options o;
	struct kcl_settings settings;
	struct kcl_layouts *layouts;
	struct kcl_modules *modules;
	struct kcl_files *files;
	struct kcl_sources sources;
	char *root; /* the folder of kcl.mod, or of the first source */
	struct kcl_diagnostics diagnostics;
	struct kcl_program *program;
	struct kcl_context *context;
};

static void run_done(struct run *r)
{
	char **const lists[] = { r->o.definitions, r->o.settings, r->o.selectors, r->o.overrides,
		                     r->o.packages,    r->o.layouts,  r->o.file_roots };

	kcl_context_free(r->context);
	kcl_program_unref(r->program);
	kcl_diagnostics_clear(&r->diagnostics);
	kcl_sources_done(&r->sources);
	kcl_files_free(r->files);
	kcl_modules_free(r->modules);
	kcl_layouts_free(r->layouts);
	kcl_settings_done(&r->settings);
	free(r->root);
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		strv_free(lists[i]);
}

/* ---- where the program is ---- */

static bool is_remote(const char *source)
{
	static const char *const schemes[] = { "git://", "git::", "ssh://", "http://", "https://" };

	for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
		if (str_starts_with(source, schemes[i]))
			return true;
	return false;
}

/* The folder or file that an argument stands for; free(). NULL: err. */
static char *find_source(struct run *r, const char *argument, struct err *err)
{
	_cleanup_free_ char *path = NULL;
	char *real;

	if (str_starts_with(argument, "oci://")) {
		path = r->o.tag ? xasprintf("%s?tag=%s", argument, r->o.tag) : xstrdup(argument);
		return kcl_modules_find(r->modules, path, err);
	}
	if (is_remote(argument)) {
		err_set(err, ERR_INVALID, "%s: programs are not fetched from a network", argument);
		return NULL;
	}
	path = str_starts_with(argument, "${") ? kcl_modules_expand(r->modules, ".", argument, err) : xstrdup(argument);
	real = !path || str_starts_with(path, "oci://") ? TAKE_PTR(path) : kcl_real_path(path);
	if (!real && !(err && err_is_set(err)))
		err_set(err, ERR_NOT_FOUND, "Cannot find the kcl file, please check the file path %s", argument);
	return real;
}

/* Imports and dependencies begin where this source is; standard input, and what is not there, mean this folder. */
static void set_root(struct run *r, const char *argument)
{
	_cleanup_free_ char *found = str_eq(argument, "-") ? NULL : find_source(r, argument, NULL);
	_cleanup_free_ char *here = kcl_real_path(".");

	free(r->root);
	r->root = kcl_modules_set_main(r->modules, found ? found : here ? here : "/");
}

static int open_modules(struct run *r, const char *first, struct err *err)
{
	if (r->o.layouts)
		r->layouts = kcl_layouts_new((const char *const *)r->o.layouts, ARCHIVES_MAX);
	r->modules = kcl_modules_of_user(r->o.packages, r->layouts, r->o.vendor, err);
	if (!r->modules)
		return -1;
	r->sources.loader = kcl_modules_loader(r->modules);
	set_root(r, first ? first : ".");
	return 0;
}

/* ---- settings: kcl.mod, then settings files, then the command line ---- */

static int read_settings_file(struct run *r, const char *path, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (fs_read_file(path, KCL_SOURCE_MAX, &text, &len, err) < 0)
		return err_wrap(err, "Failed to load '%s'", path);
	return kcl_settings_add(&r->settings, text, len, path, err);
}

/* Without -Y: kcl.yaml of the package that is run, or of this folder. */
static void find_settings(struct run *r, const char *first)
{
	_cleanup_free_ char *in_package = first ? fs_join(first, SETTINGS_FILE) : NULL;
	_cleanup_free_ char *mod = first ? fs_join(first, "kcl.mod") : NULL;
	bool is_package = mod && fs_exists(mod);
	const char *path = is_package ? in_package : SETTINGS_FILE;

	if (!r->o.settings && fs_exists(path))
		strv_push(&r->o.settings, path);
}

static void push_all(char ***v, char *const *more)
{
	for (; more && *more; more++)
		strv_push(v, *more);
}

static int read_settings(struct run *r, const char *first, struct err *err)
{
	_cleanup_err_ struct err failed = { 0 };
	_cleanup_json_ json_t *profile = kcl_modules_profile(r->modules, &failed);

	if (err_is_set(&failed)) {
		err_move(err, &failed);
		return -1;
	}
	if (profile && kcl_settings_add_profile(&r->settings, profile, err) < 0)
		return -1;
	find_settings(r, first);
	for (char *const *path = r->o.settings; path && *path; path++)
		if (read_settings_file(r, *path, err) < 0)
			return -1;
	for (char *const *d = r->o.definitions; d && *d; d++)
		if (kcl_settings_define(&r->settings, *d, err) < 0)
			return -1;
	kcl_settings_finish(&r->settings);
	push_all(&r->settings.selectors, r->o.selectors);
	push_all(&r->settings.overrides, r->o.overrides);
	for (char *const *pair = r->settings.packages; pair && *pair; pair++)
		kcl_modules_add_external(r->modules, *pair);
	return 0;
}

/* ---- sources ---- */

static bool has_source(const struct kcl_sources *s, const char *name)
{
	for (size_t i = 0; i < s->len; i++)
		if (str_eq(s->items[i].name, name))
			return true;
	return false;
}

static int add_argument(struct run *r, const char *argument, struct err *err)
{
	_cleanup_free_ char *found = NULL, *here = NULL;
	_cleanup_strv_ char **names = NULL;

	if (str_eq(argument, "-")) {
		here = kcl_real_path(".");
		return kcl_sources_read_stdin(&r->sources, here ? here : "/", err);
	}
	found = find_source(r, argument, err);
	names = found ? kcl_modules_entries(r->modules, found, err) : NULL;
	for (char *const *name = names; name && *name; name++)
		if (!has_source(&r->sources, *name) && kcl_sources_read(&r->sources, *name, err) < 0)
			return -1;
	return names ? 0 : -1;
}

/* Arguments, or else files of the settings, or else this folder. */
static int read_sources(struct run *r, char *const *args, struct err *err)
{
	static char here[] = ".";
	char *const only_here[] = { here, NULL };
	char *const *wanted = args[0] ? args : r->settings.files ? r->settings.files : only_here;

	if (!args[0] && r->settings.files)
		set_root(r, wanted[0]);
	for (; *wanted; wanted++)
		if (add_argument(r, *wanted, err) < 0)
			return -1;
	return 0;
}

/* ---- running ---- */

static struct kcl_eval_options eval_options(const struct run *r)
{
	const struct kcl_settings *s = &r->settings;

	return (struct kcl_eval_options){
		.options = s->options,
		.options_len = s->options_len,
		.strict_range_check = r->o.strict_range_check || s->strict_range_check,
		.disable_none = r->o.disable_none || s->disable_none,
		.debug = r->o.debug || s->debug,
		.sort_keys = r->o.sort_keys || s->sort_keys,
		.show_hidden = r->o.show_hidden || s->show_hidden,
		.include_schema_type_path = r->o.include_schema_type_path || s->include_schema_type_path,
		.path_selector = (const char *const *)s->selectors,
		.files = kcl_files_access(r->files),
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
	_cleanup_free_ char *here = kcl_real_path(".");
	const struct kcl_files_options access = { .roots = (const char *const *)r->o.file_roots,
		                                      .work_dir = here,
		                                      .module_path = r->root };
	struct kcl_compile_options compile = { .sources = r->sources.items,
		                                   .sources_len = r->sources.len,
		                                   .root = r->root,
		                                   .loader = kcl_modules_loader(r->modules),
		                                   .overrides = (const char *const *)r->settings.overrides };
	struct kcl_eval_options options;
	struct kcl_result *result = NULL;

	r->files = kcl_files_new(&access);
	options = eval_options(r);
	r->program = kcl_compile(&compile, &r->diagnostics);
	r->context = kcl_context_new();
	if (r->program)
		result = kcl_evaluate(r->program, r->context, &options, &r->diagnostics);
	kcl_sources_print(&r->sources, &r->diagnostics);
	return result ? emit(r, result, err) : 1;
}

/* Further arguments that end in .yaml belong to -Y; --oci is one more argument. */
static char **take_arguments(struct run *r, char *const *args)
{
	char **kept = xcalloc(1, sizeof(*kept));

	for (size_t i = 0; args[i]; i++) {
		bool is_settings = r->o.settings && (str_ends_with(args[i], ".yaml") || str_ends_with(args[i], ".yml"));

		strv_push(is_settings ? &r->o.settings : &kept, args[i]);
	}
	if (r->o.oci) {
		const char *rest = str_after(r->o.oci, "https://");
		_cleanup_free_ char *source = xasprintf("%s%s", rest ? "oci://" : "", rest ? rest : r->o.oci);

		strv_push(&kept, source);
	}
	return kept;
}

static int run_all(struct run *r, char *const *args, struct err *err)
{
	_cleanup_strv_ char **kept = take_arguments(r, args);

	if (open_modules(r, kept[0], err) < 0 || read_settings(r, kept[0], err) < 0 || read_sources(r, kept, err) < 0)
		return -1;
	return run_program(r, err);
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
		{ "oci-layout", 0, CLI_STRINGS, &r.o.layouts, "DIR", "OCI image layouts with programs and packages" },
		{ "vendor", 'V', CLI_FLAG, &r.o.vendor, NULL, "look for packages in vendor/ alone" },
		{ "file-root", 0, CLI_STRINGS, &r.o.file_roots, "DIR", "the file module may touch this folder alone" },
		{ "strict-range-check", 'r', CLI_FLAG, &r.o.strict_range_check, NULL, "numbers have 32 bits" },
		{ "disable-none", 'n', CLI_FLAG, &r.o.disable_none, NULL, "leave out what is None" },
		{ "debug", 'd', CLI_FLAG, &r.o.debug, NULL, "name the calls that led to an error" },
		{ "sort_keys", 'k', CLI_FLAG, &r.o.sort_keys, NULL, "sort the keys" },
		{ "show_hidden", 'H', CLI_FLAG, &r.o.show_hidden, NULL, "also what begins with _" },
		{ "include_schema_type_path", 0, CLI_FLAG, &r.o.include_schema_type_path, NULL, "add _type to schemas" },
		{ "output", 'o', CLI_STRING, &r.o.output, "FILE", "write to a file" },
		{ "format", 0, CLI_STRING, &r.o.format, "FORMAT", "yaml or json" },
		{ "oci", 0, CLI_STRING, &r.o.oci, "URL", "run a module of an OCI layout" },
		{ "tag", 't', CLI_STRING, &r.o.tag, "TAG", "which of its versions (the latest)" },
		{ "quiet", 'q', CLI_FLAG, &r.o.quiet, NULL, "taken as upstream does: there is nothing to leave out" },
		{ "no_style", 0, CLI_FLAG, &r.o.no_style, NULL, "likewise: nothing is coloured" },
		{ 0 },
	};
	int parsed = cli_parse(&COMMAND_KCL, options, argc, argv, &args);
	if (parsed != 0)
		return parsed == 1 ? CLI_OK : parsed;
	if (!str_eq(r.o.format, "yaml") && !str_eq(r.o.format, "json"))
		return cli_usage(&COMMAND_KCL, "--format is yaml or json");
	int failed = run_all(&r, args, &err);
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
