/* Filling in defaults, and dropping what a schema does not know. */
#include "base/str.h"
#include "schema_internal.h"

#include <string.h>

static const json_t *null_default(const struct schema *s)
{
	return s && !(s->flags & SCHEMA_NULLABLE) ? s->default_value : NULL;
}

static void fill_in(const struct schema *s, json_t *obj);

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
	json_object_foreach_safe (obj, next, key, v) {
		const struct schema *field = schema_property(s, key);
		if (!field)
			continue;
		if (json_is_null(v) && null_default(field)) {
			json_put(obj, key, json_clone(null_default(field)));
			v = json_object_get(obj, key);
		}
		fill_in(field, v);
	}
}

static void fill_in(const struct schema *s, json_t *obj)
{
	size_t i;
	json_t *item;

	if (json_is_object(obj)) {
		default_fields(s, obj);
	} else if (json_is_array(obj) && s->items) {
		json_array_foreach (obj, i, item) {
			if (json_is_null(item) && null_default(s->items)) {
				json_array_set_new(obj, i, json_clone(null_default(s->items)));
				item = json_array_get(obj, i);
			}
			fill_in(s->items, item);
		}
	}
}

static void drop_nulls(const struct schema *s, json_t *v)
{
	const char *key;
	json_t *value;
	void *next;
	size_t i;

	json_object_foreach_safe (v, next, key, value) {
		const struct schema *field = schema_find_field(s, key);
		field = field ? field : s->additional;
		if (field && json_is_null(value) && !(field->flags & SCHEMA_NULLABLE) && !field->default_value)
			json_object_del(v, key);
		else if (field)
			drop_nulls(field, value);
	}
	if (s->items)
		json_array_foreach (v, i, value)
			drop_nulls(s->items, value);
}

void schema_fill_in(const struct schema *s, json_t *obj)
{
	s = schema_resolve(s);
	if (s)
		fill_in(s, obj);
}

void schema_default(const struct schema *s, json_t *obj)
{
	s = schema_resolve(s);
	if (!s)
		return;
	drop_nulls(s, obj);
	fill_in(s, obj);
}

void schema_conform(const struct schema *s, json_t *obj)
{
	s = schema_resolve(s);
	if (!s)
		return;
	schema_prune(s, obj, NULL);
	drop_nulls(s, obj);
}

static void prune(const struct schema *s, json_t *v, const struct schema_step *at, json_t *dropped);

static bool is_implied(const struct schema *s, const char *key)
{
	return s && (s->flags & (SCHEMA_EMBEDDED | SCHEMA_RESOURCE)) &&
	       (strcmp(key, "apiVersion") == 0 || strcmp(key, "kind") == 0 || strcmp(key, "metadata") == 0);
}

/* Where unknown fields are kept, what is described is pruned all the same. */
static void prune_kept(const struct schema *s, json_t *v, const struct schema_step *at, json_t *dropped)
{
	const char *key;
	json_t *value;
	size_t i;

	if (!s || (s->fields_len == 0 && !s->additional && !s->items))
		return;
	if (json_is_object(v)) {
		json_object_foreach (v, key, value) {
			const struct schema_step step = { .up = at, .key = key };
			const struct schema *field = is_implied(s, key) ? NULL : schema_find_field(s, key);
			if (!field && !is_implied(s, key))
				field = s->additional;
			if (field)
				prune(field, value, &step, dropped);
		}
	} else if (json_is_array(v)) {
		json_array_foreach (v, i, value) {
			const struct schema_step step = { .up = at, .index = i };
			prune_kept(s->items, value, &step, dropped);
		}
	}
}

static void prune_fields(const struct schema *s, json_t *obj, const struct schema_step *at, json_t *dropped)
{
	const char *key;
	json_t *v;
	void *next;

	json_object_foreach_safe (obj, next, key, v) {
		const struct schema_step step = { .up = at, .key = key };
		if (is_implied(s, key))
			continue;
		const struct schema *field = s ? schema_find_field(s, key) : NULL;
		if (s && !field)
			field = s->additional;
		if (field) {
			prune(field, v, &step, dropped);
		} else if (!s || !(s->flags & SCHEMA_NO_ADDITIONAL)) {
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

	if (s && (s->flags & SCHEMA_PRESERVE)) {
		prune_kept(s, v, at, dropped);
	} else if (json_is_object(v)) {
		prune_fields(s, v, at, dropped);
	} else if (json_is_array(v)) {
		json_array_foreach (v, i, item) {
			const struct schema_step step = { .up = at, .index = i };
			prune(s ? s->items : NULL, item, &step, dropped);
		}
	}
}

/* Appends the paths of from to dropped: of custom resources in order; Go's typed objects are told of as they are
 * read. */
static void append_paths(const struct schema *s, json_t *dropped, json_t *from)
{
	size_t i, len = json_array_size(from);
	json_t *path;

	if (len == 0)
		return;
	if (s->flags & SCHEMA_TYPED) {
		json_array_extend(dropped, from);
		return;
	}
	const char **paths = xcalloc(len, sizeof(*paths));
	json_array_foreach (from, i, path)
		paths[i] = json_string_value(path);
	str_sort(paths, len);
	for (i = 0; i < len; i++)
		json_push_str(dropped, paths[i]);
	free(paths);
}

void schema_prune(const struct schema *s, json_t *obj, json_t *dropped)
{
	static const struct schema_step META = { .key = "metadata" };
	_cleanup_json_ json_t *meta = dropped ? json_array() : NULL, *fields = dropped ? json_array() : NULL;
	_cleanup_json_ json_t *embedded = dropped ? json_array() : NULL;

	s = schema_resolve(s);
	if (!s)
		return;
	if ((s->flags & SCHEMA_RESOURCE) && json_is_object(obj))
		prune(&SCHEMA_OBJECT_META, json_object_get(obj, "metadata"), &META, meta);
	prune(s, obj, NULL, fields);
	if (s->flags & SCHEMA_SOME_EMBEDDED)
		schema_prune_embedded(s, obj, NULL, embedded);
	if (!dropped)
		return;
	append_paths(s, dropped, meta);
	append_paths(s, dropped, fields);
	append_paths(s, dropped, embedded);
}
