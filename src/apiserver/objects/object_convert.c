#include "object_convert.h"

#include "base/str.h"
#include "conversion/conversion.h"
#include "object_view.h"

bool object_needs_conversion(const struct api_type *t, const struct api_version *v, const struct store_object *o)
{
	return t->conversion && o && !object_text_is_version(o->text, v->api_version);
}

/* The new state has the form that the version's schema gives. */
static struct store_object *with_value(const struct api_version *v, const struct store_object *o, json_t *obj)
{
	if (v->schema) {
		schema_prune(v->schema, obj, NULL);
		schema_default(v->schema, obj);
	}
	return store_object_with_text(o, object_text_ordered(obj));
}

#define CALL_BYTES_MAX ((size_t)4 << 20)

static int convert_some(struct store *s, const struct api_type *t, const struct api_version *v,
                        struct store_object ***places, size_t len, struct err *err)
{
	json_t **objs = xcalloc(len, sizeof(*objs));

	for (size_t i = 0; i < len; i++)
		objs[i] = object_stored_value(t, *places[i]);
	int r = conversion_run(t->conversion, s, v->api_version, objs, len, err);
	for (size_t i = 0; i < len; i++) {
		if (r == 0) {
			struct store_object *converted = with_value(v, *places[i], objs[i]);
			store_object_unref(*places[i]);
			*places[i] = converted;
		}
		json_decref(objs[i]);
	}
	free(objs);
	return r;
}

int object_convert(struct store *s, const struct api_type *t, const struct api_version *v, struct store_object **items,
                   size_t len, struct err *err)
{
	struct store_object ***places = NULL;
	size_t count = 0, bytes = 0;
	int r = 0;

	for (size_t i = 0; t->conversion && i < len && r == 0; i++) {
		if (!object_needs_conversion(t, v, items[i]))
			continue;
		places = places ? places : xcalloc(len, sizeof(*places));
		if (count > 0 && bytes + items[i]->text->len > CALL_BYTES_MAX) {
			r = convert_some(s, t, v, places, count, err);
			count = bytes = 0;
		}
		places[count++] = &items[i];
		bytes += items[i]->text->len;
	}
	if (r == 0 && count > 0)
		r = convert_some(s, t, v, places, count, err);
	free(places);
	return r;
}

int object_convert_to_storage(struct store *s, const struct api_type *t, const struct api_version *v, json_t **obj,
                              struct err *err)
{
	const struct api_version *stored = &t->versions[t->storage];

	if (!t->conversion) {
		object_store_form(t, v, *obj);
		return 0;
	}
	if (strcmp(stored->api_version, v->api_version) == 0)
		return 0;
	if (conversion_run(t->conversion, s, stored->api_version, obj, 1, err) < 0)
		return -1;
	if (stored->schema)
		schema_prune(stored->schema, *obj, NULL);
	return 0;
}
