/* The program: compiled once for each text, run for each call. */

#include "kcl/kcl_function.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/sha256.h"
#include "functions.h"
#include "lang/kcl_modules/file_access.h"

#define KEY_MAX ((size_t)16 * 1024 * 1024)
#define MESSAGE_MAX ((size_t)64 * 1024)
#define DEFAULT_MEMORY ((size_t)256 * 1024 * 1024)
#define INLINE_NAME "prog.k"

/* ---- compiling ---- */

struct compilation {
	const struct kcl_run *run;
	struct kcl_modules *modules;
	char *folder; /* of a source that is not inline; NULL */
	struct kcl_limits limits;
	struct kcl_diagnostics *diagnostics;
	struct err *err;
};

/* The files of the program, as sources; each text is owned by *ret_texts. */
static int read_folder(const struct compilation *c, struct kcl_source **ret, struct bytes ***ret_texts,
                       char ***ret_names, size_t *ret_len)
{
	const struct kcl_loader *loader = kcl_modules_loader(c->modules);
	char **names = kcl_modules_entries(c->modules, c->folder, c->err);
	size_t len = strv_len(names);

	*ret = xcalloc(len + 1, sizeof(**ret));
	*ret_texts = xcalloc(len + 1, sizeof(**ret_texts));
	*ret_names = names;
	*ret_len = len;
	for (size_t i = 0; i < len; i++) {
		struct bytes *text = loader->read(loader->self, names[i], c->err);

		if (!text)
			return -1;
		(*ret_texts)[i] = text;
		(*ret)[i] = (struct kcl_source){ names[i], text->data, text->len };
	}
	return names ? 0 : -1;
}

static struct kcl_program *compile_sources(const struct compilation *c, const struct kcl_source *sources, size_t len)
{
	_cleanup_free_ char *root = c->folder ? kcl_modules_set_main(c->modules, c->folder) : NULL;
	const struct kcl_compile_options options = {
		.sources = sources,
		.sources_len = len,
		.root = root,
		.loader = kcl_modules_loader(c->modules),
		.overrides = (const char *const *)c->run->settings.overrides,
		.limits = c->limits,
		.keep_indent = true,
	};
	return kcl_compile(&options, c->diagnostics);
}

static struct kcl_program *compile(void *self)
{
	struct compilation *c = self;
	const struct kcl_source inline_source = { INLINE_NAME, c->run->source, strlen(c->run->source) };
	struct kcl_source *sources = NULL;
	struct bytes **texts = NULL;
	struct kcl_program *program = NULL;
	char **names = NULL;
	size_t len = 0;

	if (!c->folder)
		return compile_sources(c, &inline_source, 1);
	if (read_folder(c, &sources, &texts, &names, &len) == 0)
		program = compile_sources(c, sources, len);
	for (size_t i = 0; i < len; i++)
		bytes_unref(texts[i]);
	free(texts);
	free(sources);
	strv_free(names);
	return program;
}

/* Everything that a compilation depends on; false: it is too much. */
static bool make_key(const struct compilation *c, const char *dependencies, char ret[static 65])
{
	_cleanup_buf_ struct buf text = BUF_INIT(KEY_MAX);

	buf_printf(&text, "%zu\n", strlen(c->run->source));
	buf_puts(&text, c->run->source);
	buf_printf(&text, "\n%zu\n%s\n", strlen(dependencies), dependencies);
	for (char *const *override = c->run->settings.overrides; override && *override; override++)
		buf_printf(&text, "%zu\n%s\n", strlen(*override), *override);
	for (char *const *pair = c->run->settings.packages; pair && *pair; pair++)
		buf_printf(&text, "%zu\n%s\n", strlen(*pair), *pair);
	/* What may be imported may change too. */
	if (c->folder || dependencies[0] != '\0' || c->run->settings.packages)
		kcl_modules_stamp(c->modules, c->folder, &text);
	sha256_hex(buf_str(&text), text.len, ret);
	return !text.failed;
}

/* ---- what went wrong ---- */

static const char *inline_text(void *self, const char *file)
{
	const struct kcl_run *run = self;

	return str_eq(file, INLINE_NAME) ? run->source : NULL;
}

static const char *first_error(const struct kcl_diagnostics *d)
{
	for (size_t i = 0; i < d->len; i++) {
		if (d->items[i].severity == KCL_ERROR)
			return d->items[i].message;
	}
	return NULL;
}

static void fail(struct kcl_run *run, const struct kcl_diagnostics *d, const struct err *err)
{
	_cleanup_buf_ struct buf text = BUF_INIT(MESSAGE_MAX);
	const char *plain = run->call->functions->config.plain_messages ? first_error(d) : NULL;

	if (plain && !err_is_set(err)) {
		call_fatal(run->call, "%s", plain);
		return;
	}
	if (err_is_set(err))
		buf_puts(&text, err_message(err));
	else
		kcl_diagnostics_write(d, inline_text, run, &text);
	while (text.len > 0 && (text.data[text.len - 1] == '\n' || text.data[text.len - 1] == ' '))
		text.data[--text.len] = '\0';
	call_fatal(run->call, "failed to run kcl function pipelines: %s", buf_str(&text));
}

/* ---- the result ---- */

/* What Crossplane's functions are given of a resource: annotations that are there and empty are dropped. */
static void add_item(json_t *data, json_t *item)
{
	json_t *metadata = json_object_get(item, "metadata"), *annotations = json_object_get(metadata, "annotations");

	if (json_is_object(annotations) && json_object_size(annotations) == 0)
		json_object_del(metadata, "annotations");
	json_array_append(data, item);
}

static int collect(json_t *data, json_t *value)
{
	json_t *items = json_object_get(value, "items"), *item;
	size_t i;

	if (json_is_null(value))
		return 0;
	/* Several documents, or a list. */
	if (json_is_array(value)) {
		json_array_foreach (value, i, item)
			if (collect(data, item) < 0)
				return -1;
		return 0;
	}
	if (!json_is_object(value))
		return -1;
	if (!items) {
		add_item(data, value);
		return 0;
	}
	if (!json_is_array(items))
		return json_is_null(items) ? 0 : -1;
	json_array_foreach (items, i, item) {
		if (json_is_null(item))
			continue;
		if (!json_is_object(item))
			return -1;
		add_item(data, item);
	}
	return 0;
}

/* ---- running ---- */

static struct kcl_context *context_of(struct function_call *call)
{
	struct kcl_context **slot = &call->functions->contexts[call->worker];

	if (!*slot)
		*slot = kcl_context_new();
	return *slot;
}

static struct kcl_limits limits_of(const struct function_call *call)
{
	const struct functions_config *config = &call->functions->config;

	return (struct kcl_limits){ .steps = config->steps_max,
		                        .memory = config->memory_max > 0 ? config->memory_max : DEFAULT_MEMORY,
		                        .deadline_ns = call->deadline_ns,
		                        .cancelled = call->cancelled };
}

static int evaluate(struct kcl_run *run, const struct kcl_program *program, struct kcl_diagnostics *d, struct err *err)
{
	const struct functions *f = run->call->functions;
	const struct kcl_settings *settings = &run->settings;
	const struct kcl_files_options access = { .roots = (const char *const *)f->file_roots,
		                                      .variables = (const char *const *)f->variables };
	_cleanup_(kcl_files_freep) struct kcl_files *files = f->file_roots ? kcl_files_new(&access) : NULL;
	_cleanup_(kcl_arguments_freep) struct kcl_arguments *arguments = kcl_arguments_new(run);
	struct kcl_result *result;
	json_t *value = NULL;
	int r;

	struct kcl_eval_options options = {
		.strict_range_check = settings->strict_range_check,
		.disable_none = settings->disable_none,
		.debug = settings->debug,
		.show_hidden = settings->show_hidden,
		.sort_keys = settings->sort_keys,
		.include_schema_type_path = settings->include_schema_type_path,
		.path_selector = (const char *const *)settings->selectors,
		.files = files ? kcl_files_access(files) : NULL,
		.only = "items",
		.now_ns = clock_wall_ns(),
		.limits = limits_of(run->call),
	};
	options.options = kcl_arguments_options(arguments, &options.options_len);
	result = kcl_evaluate(program, context_of(run->call), &options, d);
	if (!result)
		return -1;
	value = kcl_result_to_json(result, err);
	if (kcl_result_log(result)[0] != '\0')
		log_debug(run->call->functions->config.log, "kcl: %s", kcl_result_log(result));
	kcl_result_free(result);
	r = value ? 0 : -1;
	if (r == 0 && collect(run->data, value) < 0)
		r = err_set(err, ERR_INVALID, "the program's result is no list of resources: an item is no object");
	json_decref(value);
	return r;
}

/* ---- the input's settings ---- */

static void strings_of(const json_t *list, char ***ret)
{
	json_t *item;
	size_t i;

	json_array_foreach (list, i, item)
		if (json_is_string(item))
			strv_push(ret, json_string_value(item));
}

/* Files of spec.config.settings, then what spec.config itself says. */
static int read_settings(struct kcl_run *run, struct kcl_modules *m, struct err *err)
{
	const json_t *config = json_object_get(run->spec, "config");
	struct kcl_settings *s = &run->settings;
	_cleanup_strv_ char **paths = NULL;

	strings_of(json_object_get(config, "settings"), &paths);
	for (char *const *path = paths; path && *path; path++) {
		_cleanup_(bytes_unrefp) struct bytes *text = kcl_modules_read_text(m, *path, err);

		if (!text || kcl_settings_add(s, text->data, text->len, *path, err) < 0)
			return -1;
	}
	s->strict_range_check |= json_get_bool(config, "strictRangeCheck", false);
	s->disable_none |= json_get_bool(config, "disableNone", false);
	s->debug |= json_get_bool(config, "debug", false);
	s->show_hidden |= json_get_bool(config, "showHidden", false);
	s->sort_keys |= json_get_bool(config, "sortKeys", false);
	strings_of(json_object_get(config, "overrides"), &s->overrides);
	strings_of(json_object_get(config, "pathSelectors"), &s->selectors);
	for (char *const *pair = s->packages; pair && *pair; pair++)
		kcl_modules_add_external(m, *pair);
	return 0;
}

/* ---- all of it ---- */

/* The dependencies of all inputs, then those of this one; free(). */
static char *all_dependencies(const struct kcl_run *run)
{
	const char *own = json_get_str(run->spec, "dependencies"), *base = run->call->functions->dependencies;

	return xasprintf("%s%s%s", base ? base : "", base ? "\n" : "", own ? own : "");
}

int kcl_run_program(struct kcl_run *run)
{
	_cleanup_free_ char *dependencies = all_dependencies(run);
	struct kcl_diagnostics d = { 0 };
	_cleanup_err_ struct err err = { 0 };
	static const char *const nowhere[] = { NULL };
	char *const *roots = run->call->functions->roots;
	const struct kcl_modules_options where = { .roots = roots ? (const char *const *)roots : nowhere,
		                                       .layouts = run->call->functions->layouts,
		                                       .watch = run->call->functions->watch,
		                                       .dependencies = dependencies };
	struct compilation c = {
		.run = run,
		.modules = kcl_modules_new(&where, &err),
		.limits = limits_of(run->call),
		.diagnostics = &d,
		.err = &err,
	};
	struct kcl_program *program = NULL;
	char key[65];
	int r = -1;

	if (c.modules && read_settings(run, c.modules, &err) == 0 && !kcl_source_is_inline(run->source))
		c.folder = kcl_source_folder(c.modules, run->source, &err);
	if (!err_is_set(&err) && make_key(&c, dependencies, key))
		program = kcl_cache_get(run->call->functions->cache, key, &c.limits, compile, &c);
	if (program)
		r = evaluate(run, program, &d, &err);
	if (r < 0)
		fail(run, &d, &err);
	kcl_program_unref(program);
	kcl_diagnostics_clear(&d);
	kcl_modules_free(c.modules);
	free(c.folder);
	return r;
}
