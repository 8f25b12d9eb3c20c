/* Filling in defaults, and dropping what a schema does not know. */
#include "base/str.h"
#include "schema_internal.h"

#include <string.h>

static const json_t *null_default(const struct schema *s)
{
	return s && !(s->flags & SCHEMA_NULLABLE) ? s->default_value : NULL;
}

static void default_fields(const struct schema *s, json_t *obj)
{
	const char *key;
	json_t *v;
	void *next;

	for (size_t i = 0; i < s->fields_len; i++) {
		const json_t *d = s->fields[i].schema->default_value;
		if (d && !json_object_get(obj, s->fields[i].name))
			json_put(obj, s->fields[i].name, json_clone(d));
	}
	json_object_foreach_safe(obj, next, key, v) {
		const struct schema *field = schema_property(s, key);
		if (!field)
			continue;
		if (!json_is_null(v))
			schema_default(field, v);
		else if (null_default(field))
			json_put(obj, key, json_clone(null_default(field)));
		else if (!(field->flags & SCHEMA_NULLABLE))
			json_object_del(obj, key);
	}
}

void schema_default(const struct schema *s, json_t *obj)
{
	size_t i;
	json_t *item;

	if (!s)
		return;
	if (json_is_object(obj)) {
		default_fields(s, obj);
	} else if (json_is_array(obj) && s->items) {
		json_array_foreach(obj, i, item) {
			if (json_is_null(item) && null_default(s->items)) {
				json_array_set_new(obj, i, json_clone(null_default(s->items)));
				item = json_array_get(obj, i);
			}
			schema_default(s->items, item);
		}
	}
}

static void prune(const struct schema *s, json_t *v, const struct schema_step *at, json_t *dropped);

static bool is_meta_field(const char *key)
{
	return strcmp(key, "apiVersion") == 0 || strcmp(key, "kind") == 0 || strcmp(key, "metadata") == 0;
}

static void prune_fields(const struct schema *s, json_t *obj, const struct schema_step *at, json_t *dropped)
{
	bool resource = s && (s->flags & (SCHEMA_EMBEDDED | SCHEMA_RESOURCE));
	const char *key;
	json_t *v;
	void *next;

	json_object_foreach_safe(obj, next, key, v) {
		const struct schema_step step = { .up = at, .key = key };
		const struct schema *field = s ? schema_property(s, key) : NULL;
		if (resource && is_meta_field(key)) {
			if (s->flags & SCHEMA_RESOURCE)
				prune(field, v, &step, dropped);
		} else if (field) {
			prune(field, v, &step, dropped);
		} else if (!s || !(s->flags & (SCHEMA_NO_ADDITIONAL | SCHEMA_PRESERVE))) {
			if (dropped) {
				_cleanup_free_ char *path = schema_step_text(&step);
				json_push_str(dropped, path);
			}
			json_object_del(obj, key);
		}
	}
}

static void prune(const struct schema *s, json_t *v, const struct schema_step *at, json_t *dropped)
{
	size_t i;
	json_t *item;

	if (json_is_object(v)) {
		prune_fields(s, v, at, dropped);
	} else if (json_is_array(v)) {
		/* What preserves unknown fields does so for the items of its lists as well, unless they have a schema. */
		const struct schema *items = s ? s->items : NULL;
		if (!items && s && (s->flags & SCHEMA_PRESERVE))
			return;
		json_array_foreach(v, i, item) {
			const struct schema_step step = { .up = at, .index = i };
			prune(items, item, &step, dropped);
		}
	}
}

void schema_prune(const struct schema *s, json_t *obj, json_t *dropped)
{
	if (s)
		prune(s, obj, NULL, dropped);
}
