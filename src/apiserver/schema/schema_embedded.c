/* Resources within resources (x-kubernetes-embedded-resource): apiVersion and kind are required, and their metadata has
 * the form of every object's. */
#include "base/str.h"
#include "kube/object.h"
#include "schema_internal.h"

#include <string.h>

#define KIND_WORDS                                                                                                     \
	"may have mixed case, but should otherwise match: a DNS-1035 label must consist of lower case alphanumeric "       \
	"characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  " \
	"or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"

/* ---- walking ---- */

/* Calls each() for every embedded resource in v, outer ones first. */
struct walk {
	void (*each)(struct walk *w, json_t *resource, const struct schema_step *at);
	struct schema_errors *e;
	void (*check_meta)(const json_t *resource, struct err *err);
	json_t *dropped;
	char *(*meta_fault)(const json_t *meta);
	char *fault;
};

static void walk(struct walk *w, const struct schema *s, json_t *v, const struct schema_step *at)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_object(v)) {
		if (s->flags & SCHEMA_EMBEDDED)
			w->each(w, v, at);
		if (!s->fields && !s->additional)
			return;
		json_object_foreach (v, key, value) {
			const struct schema *field = schema_find_field(s, key);
			const struct schema_step step = { .up = at, .key = key, .bracket = !field };
			if (field || s->additional)
				walk(w, field ? field : s->additional, value, &step);
		}
	} else if (json_is_array(v) && s->items) {
		json_array_foreach (v, i, value) {
			const struct schema_step step = { .up = at, .index = i };
			walk(w, s->items, value, &step);
		}
	}
}

/* ---- checking ---- */

static bool has_group_version_form(const char *s)
{
	const char *slash = strchr(s, '/');

	return !slash || !strchr(slash + 1, '/');
}

static char *fault_of_word(const char *name, const char *value)
{
	if (!*value)
		return xstrdup("must not be empty");
	if (strcmp(name, "apiVersion") == 0)
		return has_group_version_form(value) ? NULL : xasprintf("unexpected GroupVersion string: %s", value);
	_cleanup_free_ char *lower = xstrdup(value);
	str_lower(lower);
	return kube_is_dns_label(lower) && (*lower < '0' || *lower > '9') ? NULL : xstrdup(KIND_WORDS);
}

static void check_word(struct schema_errors *e, const json_t *v, const char *name, const struct schema_step *at)
{
	const json_t *value = json_object_get(v, name);
	const struct schema_step step = { .up = at, .key = name };
	char *fault = NULL;

	if (value)
		fault = json_is_string(value) ? fault_of_word(name, json_string_value(value)) : xstrdup("must be a string");
	else
		schema_required(e, schema_step_text(&step), "must not be empty");
	if (fault)
		schema_invalid(e, schema_step_text(&step), value, fault);
}

static void check_resource(struct walk *w, json_t *v, const struct schema_step *at)
{
	const json_t *meta = json_object_get(v, "metadata");
	const struct schema_step step = { .up = at, .key = "metadata" };
	_cleanup_err_ struct err err = { 0 };
	struct schema_errors found = { 0 };
	size_t before = w->e->len;

	check_word(w->e, v, "apiVersion", at);
	check_word(w->e, v, "kind", at);
	if (!meta)
		return;
	before = w->e->len;
	schema_validate_node(w->e, &SCHEMA_OBJECT_META, &step, meta, NULL);
	if (w->e->len > before || !w->check_meta)
		return;
	w->check_meta(v, &err);
	schema_errors_take(&found, &err);
	_cleanup_free_ char *path = schema_step_text(at);
	if (*path)
		schema_errors_below(&found, path);
	schema_errors_append(w->e, &found);
}

void schema_validate_embedded(struct schema_errors *e, const struct schema *s, const struct schema_step *at,
                              const json_t *v, void (*check_meta)(const json_t *resource, struct err *err))
{
	struct walk w = { .each = check_resource, .e = e, .check_meta = check_meta };

	walk(&w, s, json_unconst(v), at);
}

/* ---- decoding ---- */

static void note_fault(struct walk *w, const struct schema_step *at, const char *key, const json_t *v, const char *why)
{
	const struct schema_step step = { .up = at, .key = key };
	_cleanup_free_ char *path = schema_step_text(&step), *shown = schema_show(v);

	w->fault = xasprintf("%s: Invalid value: %s: %s", path, shown, why);
}

static void decode_resource(struct walk *w, json_t *v, const struct schema_step *at)
{
	static const char *const WORDS[] = { "apiVersion", "kind" };
	const json_t *meta = json_object_get(v, "metadata");

	for (size_t i = 0; i < ARRAY_SIZE(WORDS) && !w->fault; i++) {
		const json_t *word = json_object_get(v, WORDS[i]);
		if (word && !json_is_string(word))
			note_fault(w, at, WORDS[i], word, "must be a string");
	}
	_cleanup_free_ char *why = w->fault || !meta || json_is_null(meta) ? NULL : w->meta_fault(meta);
	if (why)
		note_fault(w, at, "metadata", meta, why);
}

char *schema_decode_fault(const struct schema *s, const json_t *obj, char *(*meta_fault)(const json_t *meta))
{
	struct walk w = { .each = decode_resource, .meta_fault = meta_fault };

	s = schema_resolve(s);
	if (s && (s->flags & SCHEMA_SOME_EMBEDDED))
		walk(&w, s, json_unconst(obj), NULL);
	return w.fault;
}

/* ---- form ---- */

/* Go leaves out what is empty. */
static bool is_empty(const json_t *v)
{
	return json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) ||
	       (json_is_object(v) && json_object_size(v) == 0) || (json_is_array(v) && json_array_size(v) == 0);
}

static void form_resource(struct walk *w, json_t *v, const struct schema_step *at)
{
	json_t *meta = json_object_get(v, "metadata"), *value;
	const struct schema_step here = { .up = at, .key = "metadata" };
	const char *key;
	void *next;

	if (!json_is_object(meta))
		return;
	json_object_foreach_safe (meta, next, key, value) {
		const struct schema_step step = { .up = &here, .key = key };
		if (!schema_find_field(&SCHEMA_OBJECT_META, key) && w->dropped) {
			_cleanup_free_ char *path = schema_step_text(&step);
			json_push_str(w->dropped, path);
		}
		if (!schema_find_field(&SCHEMA_OBJECT_META, key) || is_empty(value))
			json_object_del(meta, key);
	}
}

void schema_prune_embedded(const struct schema *s, json_t *v, const struct schema_step *at, json_t *dropped)
{
	struct walk w = { .each = form_resource, .dropped = dropped };

	walk(&w, s, v, at);
}
