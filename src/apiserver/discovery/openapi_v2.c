/* The OpenAPI v2 document, which holds all kinds. */
#include "openapi.h"

#include "base/map.h"

/* ---- as JSON ---- */

static void add_member(struct buf *out, const char *key, const json_t *v)
{
	_cleanup_json_ json_t *name = json_string(key);

	if (out->len > 0)
		buf_putc(out, ',');
	json_write(name, out);
	buf_putc(out, ':');
	json_write(v, out);
}

static struct bytes *finish(const json_t *info, struct buf *paths, struct buf *definitions)
{
	_cleanup_buf_ struct buf out = BUF_INIT(OPENAPI_MAX);
	bool failed = paths->failed || definitions->failed;

	buf_puts(&out, "{\"swagger\":\"2.0\",\"info\":");
	json_write(info, &out);
	buf_puts(&out, ",\"paths\":{");
	buf_append(&out, buf_str(paths), paths->len);
	buf_clear(paths);
	buf_puts(&out, "},\"definitions\":{");
	buf_append(&out, buf_str(definitions), definitions->len);
	buf_clear(definitions);
	buf_puts(&out, "}}");
	return failed || out.failed ? NULL : bytes_new(buf_str(&out), out.len);
}

const struct openapi_form OPENAPI_JSON = { add_member, add_member, finish };

/* ---- all types ---- */

struct writer {
	const struct openapi_form *form;
	struct buf paths, definitions;
	struct map *names; /* of the definitions: one kind can be called as the list of another */
};

/* Steals both. */
static void write_pieces(struct writer *w, json_t *paths, json_t *definitions)
{
	const char *key;
	json_t *v;

	json_object_foreach (paths, key, v)
		w->form->add_path(&w->paths, key, v);
	json_object_foreach (definitions, key, v) {
		if (map_has(w->names, key))
			continue;
		map_set(w->names, key, w);
		w->form->add_definition(&w->definitions, key, v);
	}
	json_decref(paths);
	json_decref(definitions);
}

static void add_type(json_t *paths, json_t *definitions, const struct api_type *t)
{
	for (size_t i = 0; i < t->versions_len; i++) {
		if (!t->versions[i].served)
			continue;
		openapi_add_paths(paths, OPENAPI_V2, t, &t->versions[i]);
		openapi_add_schemas(definitions, OPENAPI_V2, t, &t->versions[i]);
	}
}

struct bytes *openapi_v2_build(struct registry *r, const json_t *info, const struct openapi_form *form)
{
	_cleanup_(registry_types_freep) struct api_type **types = registry_types(r);
	_cleanup_(map_freep) struct map *names = map_new(NULL);
	struct writer w = { form, BUF_INIT(OPENAPI_MAX), BUF_INIT(OPENAPI_MAX), names };
	json_t *paths = json_object(), *definitions = json_object();

	/* The built-in kinds refer to types that they have in common. */
	openapi_add_meta_schemas(definitions, OPENAPI_V2);
	for (size_t i = 0; types[i]; i++)
		if (!types[i]->custom)
			add_type(paths, definitions, types[i]);
	write_pieces(&w, paths, definitions);
	for (size_t i = 0; types[i]; i++) {
		if (!types[i]->custom)
			continue;
		paths = json_object();
		definitions = json_object();
		add_type(paths, definitions, types[i]);
		write_pieces(&w, paths, definitions);
	}
	return form->finish(info, &w.paths, &w.definitions);
}
