#include "diagnostic.h"
#include "kcl_tools.h"
#include "stdlib/yaml_read.h"
#include "syntax/parse.h"
#include "tools/data.h"

#include "base/str.h"
#include "codec/yaml.h"

/* The data becomes the text of a configuration of the schema, and that a file more of the package: then the checker and
 * the evaluator say of it what they say of any program, and only the places have to be led back to the data. */

/* As no path of a source is called. */
#define GENERATED "<data>"

struct vet {
	const struct kcl_vet_options *o;
	struct kcl_heap *h;
	struct kcl_data_text data;
	struct kcl_diagnostics *diagnostics;
};

/* ---- the schema ---- */

static const char *first_schema(struct kcl_heap *h, const struct kcl_module *m)
{
	for (const struct kcl_stmt *s = m->body; s; s = s->next)
		if (s->kind == KCL_STMT_SCHEMA && !s->schema.is_mixin && !s->schema.is_protocol)
			return kcl_strndup(h, s->schema.name.s, strlen(s->schema.name.s));
	return NULL;
}

/* NULL with a diagnostic when the sources have none, or do not parse. */
static const char *find_schema(struct vet *v)
{
	const struct kcl_compile_options *p = &v->o->program;
	const char *found = v->o->schema;

	for (size_t i = 0; !found && i < p->sources_len; i++) {
		_cleanup_(kcl_module_freep) struct kcl_module *m = kcl_parse(p->sources[i].name, p->sources[i].text,
		                                                             p->sources[i].len, v->diagnostics);

		if (v->diagnostics->errors)
			return NULL;
		found = first_schema(v->h, m);
	}
	if (!found)
		kcl_diagnostic_add(v->diagnostics, KCL_ERROR, "CompileError", NULL, NULL, "the program has no schema");
	return found;
}

/* ---- places ---- */

/* A place of the generated text becomes one of the data. */
static void lead_back(const struct vet *v, struct kcl_diagnostic *d)
{
	const struct kcl_source *data = &v->o->data;
	int line = 1, column = 1;

	if (!str_eq(d->file, GENERATED))
		return;
	yaml_locate(data->text, data->len, kcl_data_pointer(&v->data, d->line), &line, &column);
	free(d->file);
	d->file = xstrdup(data->name);
	d->line = d->end_line = (uint32_t)line;
	d->column = (uint32_t)column;
	d->end_column = d->column + 1;
}

/* ---- validation ---- */

static void run(struct vet *v, const struct kcl_source *generated)
{
	struct kcl_compile_options options = v->o->program;
	size_t n = options.sources_len;
	struct kcl_source *sources = kcl_grow(v->h, NULL, 0, n + 1, sizeof(*sources));

	memcpy(sources, options.sources, n * sizeof(*sources));
	sources[n] = *generated;
	options.sources = sources;
	options.sources_len = n + 1;

	struct kcl_program *p = kcl_compile(&options, v->diagnostics);
	struct kcl_context *context = kcl_context_new();
	const struct kcl_eval_options eval = { .limits = options.limits };

	if (p)
		kcl_evaluate(p, context, &eval, v->diagnostics);
	kcl_context_free(context);
	kcl_program_unref(p);
	for (size_t i = 0; i < v->diagnostics->len; i++)
		lead_back(v, &v->diagnostics->items[i]);
}

static void vet(struct vet *v)
{
	const struct kcl_source *data = &v->o->data;
	struct kcl_value value = kcl_yaml_read(v->h, kcl_str(v->h, data->text, data->len).str);
	const char *schema = find_schema(v);

	if (!schema)
		return;
	if (value.kind != KCL_LIST && value.kind != KCL_DICT)
		kcl_raise(v->h, "the data is no object and no list of objects");
	v->data.text = (struct kcl_text){ .h = v->h };
	kcl_put_data(&v->data, v->o->attribute ? v->o->attribute : "value", schema, value);
	run(v, &(struct kcl_source){ .name = GENERATED, .text = v->data.text.data, .len = v->data.text.len });
}

int kcl_vet(const struct kcl_vet_options *o, struct kcl_diagnostics *diagnostics)
{
	struct vet v = { .o = o, .h = kcl_heap_new(), .diagnostics = diagnostics };
	struct kcl_failure f;

	kcl_heap_reset(v.h, &o->program.limits);
	f.outer = kcl_failure_push(v.h, &f);
	if (!setjmp(f.jump))
		vet(&v);
	else
		kcl_diagnostic_add(diagnostics, KCL_ERROR, "InvalidData", o->data.name, NULL, "%s", f.message);
	kcl_failure_pop(v.h, &f);
	kcl_heap_free(v.h);
	return diagnostics->errors ? -1 : 0;
}
