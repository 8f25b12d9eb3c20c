/* scia render: a composition's pipeline, run here. */

#include "commands.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "codec/json_indent.h"
#include "codec/yaml.h"
#include "function/render.h"

#include <dirent.h>

#define FILE_MAX ((size_t)64 * 1024 * 1024)
#define FILES_MAX 10000

struct render_options {
	const char *observed, *extra, *required, *credentials, *output, *form;
	char **context_files, **context_values, **roots, **layouts, **variables, **file_roots;
	bool full_xr, results, context;
	int64_t timeout_ns;
};

struct render_files {
	json_t *xr, *composition, *functions, *observed, *required, *credentials, *context;
};

static void files_clear(struct render_files *f)
{
	json_t *const all[] = { f->xr, f->composition, f->functions, f->observed, f->required, f->credentials, f->context };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		json_decref(all[i]);
}

/* ---- loading ---- */

static int load_file(const char *path, json_t *into, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;

	if (fs_read_file(path, FILE_MAX, &text, &len, err) < 0)
		return -1;
	_cleanup_json_ json_t *documents = yaml_parse_all(text, len, path, err);
	return documents ? json_array_extend(into, documents) : -1;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The .yaml and .yml files of a folder, sorted; strv_free(). */
static char **yaml_files(const char *dir)
{
	DIR *d = opendir(dir);
	char **names = NULL;
	size_t n = 0;

	for (const struct dirent *entry; d && (entry = readdir(d)) != NULL && n < FILES_MAX;) {
		_cleanup_free_ char *path = fs_join(dir, entry->d_name);

		if ((str_ends_with(entry->d_name, ".yaml") || str_ends_with(entry->d_name, ".yml")) && !fs_is_dir(path)) {
			strv_push(&names, path);
			n++;
		}
	}
	if (d)
		closedir(d);
	if (names)
		qsort(names, n, sizeof(*names), by_text);
	return names;
}

/* All documents of a file, or of the files of a folder, added to *list (made when it is NULL). */
static int load_stream(const char *path, json_t **list, struct err *err)
{
	if (!*list)
		*list = json_array();
	if (!fs_is_dir(path))
		return load_file(path, *list, err);
	_cleanup_strv_ char **names = yaml_files(path);
	if (!names)
		return err_set(err, ERR_NOT_FOUND, "no YAML files found in \"%s\" (.yaml or .yml)", path);
	for (char *const *name = names; *name; name++)
		if (load_file(*name, *list, err) < 0)
			return -1;
	return 0;
}

static int load_optional(const char *path, json_t **list, const char *what, struct err *err)
{
	if (!path || load_stream(path, list, err) == 0)
		return 0;
	return err_wrap(err, "cannot load %s from \"%s\"", what, path);
}

/* The first document; a new reference. */
static int load_one(const char *path, const char *what, json_t **ret, struct err *err)
{
	_cleanup_json_ json_t *list = json_array();

	if (load_file(path, list, err) < 0)
		return err_wrap(err, "cannot load %s from \"%s\"", what, path);
	*ret = json_incref(json_array_get(list, 0));
	return *ret ? 0 : err_set(err, ERR_INVALID, "cannot load %s from \"%s\": it is empty", what, path);
}

static int load_functions(const char *path, json_t **list, struct err *err)
{
	json_t *function;
	size_t i;

	if (load_optional(path, list, "functions", err) < 0)
		return -1;
	json_array_foreach (*list, i, function)
		if (!str_eq(json_get_str(function, "kind"), "Function"))
			return err_set(err, ERR_INVALID, "cannot load functions from \"%s\": not a function: %s/%s", path,
			               json_get_str(function, "kind"), json_str_at(function, "metadata", "name", NULL));
	return 0;
}

/* "key=TEXT" or, with files, "key=FILE"; JSON or YAML. */
static int load_context(char *const *pairs, bool from_files, json_t *context, struct err *err)
{
	for (; pairs && *pairs; pairs++) {
		const char *equals = strchr(*pairs, '=');
		_cleanup_free_ char *key = equals ? xstrndup(*pairs, (size_t)(equals - *pairs)) : NULL, *text = NULL;
		size_t len;

		if (!equals)
			return err_set(err, ERR_INVALID, "\"%s\" is no context: KEY=VALUE is wanted", *pairs);
		if (!from_files)
			text = xstrdup(equals + 1);
		else if (fs_read_file(equals + 1, FILE_MAX, &text, NULL, err) < 0)
			return err_wrap(err, "cannot read context value for key \"%s\"", key);
		len = strlen(text);
		json_t *value = yaml_parse(text, len, NULL, err);
		if (!value)
			return err_wrap(err, "cannot unmarshal YAML/JSON for context key \"%s\"", key);
		json_object_set_new(context, key, value);
	}
	return 0;
}

static int load_all(char *const *args, const struct render_options *o, struct render_files *f, struct err *err)
{
	f->context = json_object();
	if (load_one(args[0], "composite resource", &f->xr, err) < 0 ||
	    load_one(args[1], "Composition", &f->composition, err) < 0 || load_functions(args[2], &f->functions, err) < 0)
		return -1;
	if (load_optional(o->observed, &f->observed, "observed composed resources", err) < 0 ||
	    load_optional(o->extra, &f->required, "extra resources", err) < 0 ||
	    load_optional(o->required, &f->required, "required resources", err) < 0 ||
	    load_optional(o->credentials, &f->credentials, "secrets", err) < 0)
		return -1;
	if (load_context(o->context_files, true, f->context, err) < 0)
		return -1;
	return load_context(o->context_values, false, f->context, err);
}

/* ---- printing ---- */

static int print_yaml(const json_t *documents, struct err *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(FILE_MAX);
	json_t *document;
	size_t i;

	json_array_foreach (documents, i, document)
		if (buf_puts(&out, "---\n") < 0 || yaml_write(document, &out) < 0)
			return err_set(err, ERR_TOO_LARGE, "the output is larger than %zu bytes", FILE_MAX);
	fwrite(buf_str(&out), 1, out.len, stdout);
	return 0;
}

static int print_json(const json_t *documents, struct err *err)
{
	json_t *document;
	size_t i;

	json_array_foreach (documents, i, document) {
		_cleanup_buf_ struct buf out = BUF_INIT(FILE_MAX);

		if (json_write_pretty(document, &out) < 0)
			return err_set(err, ERR_TOO_LARGE, "the output is larger than %zu bytes", FILE_MAX);
		puts(buf_str(&out));
	}
	return 0;
}

static int render(char *const *args, const struct render_options *o, enum render_form form, struct err *err)
{
	_cleanup_(files_clear) struct render_files f = { 0 };
	const struct functions_config config = { .workers = 1,
		                                     .roots = (const char *const *)o->roots,
		                                     .oci_layouts = (const char *const *)o->layouts,
		                                     .environment = (const char *const *)o->variables,
		                                     .file_roots = (const char *const *)o->file_roots };
	_cleanup_(functions_freep) struct functions *functions = functions_new(&config);
	_cleanup_json_ json_t *documents = NULL;

	if (load_all(args, o, &f, err) < 0)
		return -1;
	const struct render_input in = { .xr = f.xr,
		                             .composition = f.composition,
		                             .functions = f.functions,
		                             .observed = f.observed,
		                             .required = f.required,
		                             .credentials = f.credentials,
		                             .context = f.context,
		                             .form = form,
		                             .include_full_xr = o->full_xr,
		                             .include_results = o->results,
		                             .include_context = o->context,
		                             .deadline_ns = clock_mono_ns() + o->timeout_ns };
	if (render_run(functions, &in, &documents, err) < 0)
		return -1;
	return str_eq(o->output, "json") ? print_json(documents, err) : print_yaml(documents, err);
}

int command_render(int argc, char **argv)
{
	struct render_options o = { .form = "v2", .timeout_ns = 60 * NS_PER_S };
	_cleanup_err_ struct err err = { 0 };
	char **args;
	const struct cli_option options[] = {
		{ "observed-resources", 0, CLI_STRING, &o.observed, "PATH", "composed resources that exist: a file or folder" },
		{ "extra-resources", 0, CLI_STRING, &o.extra, "PATH", "what functions may ask for: a file or folder" },
		{ "required-resources", 'e', CLI_STRING, &o.required, "PATH", "the same, by its name in Crossplane 2" },
		{ "context-files", 0, CLI_STRINGS, &o.context_files, "KEY=FILE",
		  "begins the context with JSON or YAML of a file" },
		{ "context-values", 0, CLI_STRINGS, &o.context_values, "KEY=VALUE", "begins the context with JSON or YAML" },
		{ "function-credentials", 0, CLI_STRING, &o.credentials, "PATH", "Secrets: a file or folder" },
		{ "include-full-xr", 'x', CLI_FLAG, &o.full_xr, NULL, "with spec and metadata of the composite" },
		{ "include-function-results", 'r', CLI_FLAG, &o.results, NULL, "with what functions had to say" },
		{ "include-context", 'c', CLI_FLAG, &o.context, NULL, "with the context after the last step" },
		{ "crossplane", 0, CLI_STRING, &o.form, "VERSION", "whose output: v1 (1.20) or v2 (v2)" },
		{ "root", 0, CLI_STRINGS, &o.roots, "DIR", "where KCL programs and packages may be loaded from (nowhere)" },
		{ "oci-layout", 0, CLI_STRINGS, &o.layouts, "DIR", "OCI image layouts with KCL programs and packages (none)" },
		{ "env", 0, CLI_STRINGS, &o.variables, "NAME",
		  "a variable that KCL's option(\"env\") shows; * for all (none)" },
		{ "file-root", 0, CLI_STRINGS, &o.file_roots, "DIR", "what KCL's file module may read and write (nothing)" },
		{ "timeout", 0, CLI_DURATION, &o.timeout_ns, "DURATION", "how long it may take (1m)" },
		{ "output", 'o', CLI_STRING, &o.output, "FORMAT", "yaml or json (yaml)" },
		{ 0 },
	};
	int r = cli_parse(&COMMAND_RENDER, options, argc, argv, &args);

	if (r == 0 && (!args[0] || !args[1] || !args[2] || args[3]))
		r = cli_usage(&COMMAND_RENDER, "files of a composite, a Composition and its Functions are wanted");
	/* `crossplane render -o PATH` gives what is observed. */
	if (r == 0 && o.output && !o.observed && fs_exists(o.output)) {
		o.observed = o.output;
		o.output = NULL;
	}
	if (r == 0 && o.output && !str_eq(o.output, "yaml") && !str_eq(o.output, "json"))
		r = cli_usage(&COMMAND_RENDER, "the output is yaml or json");
	bool is_v1 = str_eq(o.form, "v1") || str_starts_with(o.form, "v1.") || str_starts_with(o.form, "1.");
	if (r == 0)
		r = render(args, &o, is_v1 ? RENDER_V1 : RENDER_V2, &err) < 0 ? cli_fail(&err) : CLI_OK;
	else if (r == 1)
		r = CLI_OK;
	strv_free(o.context_files);
	strv_free(o.context_values);
	strv_free(o.roots);
	strv_free(o.layouts);
	strv_free(o.variables);
	strv_free(o.file_roots);
	return r;
}
