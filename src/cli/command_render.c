/* scia render: a composition's pipeline, run here. */

#include "commands.h"
#include "render_files.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "codec/json_indent.h"
#include "codec/yaml.h"
#include "function/render.h"

#define OUTPUT_MAX ((size_t)64 * 1024 * 1024)

struct render_options {
	struct render_paths paths;
	const char *output, *version;
	char **roots, **layouts, **variables, **file_roots;
	bool full_xr, results, context;
	int64_t timeout_ns;
};

static int print_yaml(const json_t *documents, struct err *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(OUTPUT_MAX);
	json_t *document;
	size_t i;

	json_array_foreach (documents, i, document)
		if (buf_puts(&out, "---\n") < 0 || yaml_write(document, &out) < 0)
			return err_set(err, ERR_TOO_LARGE, "the output is larger than %zu bytes", OUTPUT_MAX);
	fwrite(buf_str(&out), 1, out.len, stdout);
	return 0;
}

static int print_json(const json_t *documents, struct err *err)
{
	json_t *document;
	size_t i;

	json_array_foreach (documents, i, document) {
		_cleanup_buf_ struct buf out = BUF_INIT(OUTPUT_MAX);

		if (json_write_pretty(document, &out) < 0)
			return err_set(err, ERR_TOO_LARGE, "the output is larger than %zu bytes", OUTPUT_MAX);
		puts(buf_str(&out));
	}
	return 0;
}

static int render(const struct render_options *o, enum render_form form, struct err *err)
{
	_cleanup_(render_files_clear) struct render_files f = { 0 };
	const struct functions_config config = { .workers = 1,
		                                     .roots = (const char *const *)o->roots,
		                                     .oci_layouts = (const char *const *)o->layouts,
		                                     .environment = (const char *const *)o->variables,
		                                     .file_roots = (const char *const *)o->file_roots };
	_cleanup_(functions_freep) struct functions *functions = functions_new(&config);
	_cleanup_json_ json_t *documents = NULL;

	if (render_files_load(&o->paths, &f, err) < 0)
		return -1;
	const struct render_input in = { .xr = f.xr,
		                             .composition = f.composition,
		                             .functions = f.functions,
		                             .observed = f.observed,
		                             .required = f.required,
		                             .extra = f.extra,
		                             .schemas = f.schemas,
		                             .xrd = f.xrd,
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

/* What is left to check once options are read. */
static int check_options(char *const *args, struct render_options *o, enum render_form *ret_form)
{
	if (!args[0] || !args[1] || !args[2] || args[3])
		return cli_usage(&COMMAND_RENDER, "files of a composite, a Composition and its Functions are wanted");
	o->paths.xr = args[0];
	o->paths.composition = args[1];
	o->paths.functions = args[2];
	/* `crossplane render -o PATH` gives what is observed. */
	if (o->output && !o->paths.observed && fs_exists(o->output)) {
		o->paths.observed = o->output;
		o->output = NULL;
	}
	if (o->output && !str_eq(o->output, "yaml") && !str_eq(o->output, "json"))
		return cli_usage(&COMMAND_RENDER, "the output is yaml or json");
	if (!render_form_parse(o->version, ret_form))
		return cli_usage(&COMMAND_RENDER, "a version of Crossplane is wanted: v1, v2, v2.3");
	return 0;
}

int command_render(int argc, char **argv)
{
	struct render_options o = { .version = "v2", .timeout_ns = 60 * NS_PER_S };
	struct render_paths *p = &o.paths;
	_cleanup_err_ struct err err = { 0 };
	enum render_form form;
	char **args;
	const struct cli_option options[] = {
		{ "observed-resources", 0, CLI_STRING, &p->observed, "PATH",
		  "composed resources that exist: a file or folder" },
		{ "required-resources", 'e', CLI_STRINGS, &p->required, "PATH",
		  "what functions may ask for: a file or folder" },
		{ "extra-resources", 0, CLI_STRINGS, &p->extra, "PATH", "the same, by its name in Crossplane 1" },
		{ "required-schemas", 's', CLI_STRING, &p->schemas, "DIR", "OpenAPI v3 documents that functions may ask for" },
		{ "context-files", 0, CLI_STRINGS, &p->context_files, "KEY=FILE",
		  "begins the context with JSON or YAML of a file" },
		{ "context-values", 0, CLI_STRINGS, &p->context_values, "KEY=VALUE", "begins the context with JSON or YAML" },
		{ "function-credentials", 0, CLI_STRING, &p->credentials, "PATH", "Secrets: a file or folder" },
		{ "function-annotations", 'a', CLI_STRINGS, &p->annotations, "KEY=VALUE",
		  "sets an annotation of all functions" },
		{ "xrd", 0, CLI_STRING, &p->xrd, "FILE", "the composite's definition, for its defaults" },
		{ "include-full-xr", 'x', CLI_FLAG, &o.full_xr, NULL, "with spec and metadata of the composite" },
		{ "include-function-results", 'r', CLI_FLAG, &o.results, NULL, "with what functions had to say" },
		{ "include-context", 'c', CLI_FLAG, &o.context, NULL, "with the context after the last step" },
		{ "crossplane", 0, CLI_STRING, &o.version, "VERSION", "whose output: v1, v2 (2.0 to 2.2) or v2.3 (v2)" },
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

	if (r == 0)
		r = check_options(args, &o, &form);
	if (r == 0)
		r = render(&o, form, &err) < 0 ? cli_fail(&err) : CLI_OK;
	else if (r == 1)
		r = CLI_OK;
	char **const lists[] = { p->required, p->extra,  p->context_files, p->context_values, p->annotations,
		                     o.roots,     o.layouts, o.variables,      o.file_roots };
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++)
		strv_free(lists[i]);
	return r;
}
