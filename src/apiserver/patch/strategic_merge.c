/* Strategic merge patch, as k8s.io/apimachinery's strategicpatch applies it. Maps are merged here; lists in
 * strategic_list.c. */
#include "strategic_merge.h"

#include "base/str.h"
#include "strategic_list.h"

#include <string.h>

#define DIRECTIVE "$patch"
#define RETAIN_KEYS "$retainKeys"
#define SET_ORDER "$setElementOrder/"
#define DELETE_PRIMITIVES "$deleteFromPrimitiveList/"

static void discard_nulls(json_t *v)
{
	const char *key;
	json_t *item;
	void *next;
	size_t i;

	json_object_foreach_safe (v, next, key, item) {
		if (json_is_null(item))
			json_object_del(v, key);
		else
			discard_nulls(item);
	}
	json_array_foreach (v, i, item)
		discard_nulls(item);
}

/* False: the value is a directive itself and does not stay. */
static bool remove_directives(json_t *v)
{
	const char *key;
	json_t *item;
	void *next;

	if (json_object_get(v, DIRECTIVE))
		return false;
	json_object_foreach_safe (v, next, key, item)
		if (!remove_directives(item))
			json_object_del(v, key);
	for (size_t i = json_array_size(v); i-- > 0;)
		if (!remove_directives(json_array_get(v, i)))
			json_array_remove(v, i);
	return true;
}

/* A value that takes the place of what was there. */
static void put_plain(json_t *obj, const char *key, const json_t *patch)
{
	json_t *v = json_clone(patch);

	discard_nulls(v);
	if (remove_directives(v)) {
		json_put(obj, key, v);
	} else {
		json_decref(v);
		json_object_del(obj, key);
	}
}

static bool is_directive_key(const char *key)
{
	return str_starts_with(key, SET_ORDER) || str_starts_with(key, DELETE_PRIMITIVES);
}

/* Everything that is not named goes; whatever the patch sets must be named. */
static int retain_keys(json_t *obj, json_t *patch, struct err *err)
{
	_cleanup_json_ json_t *keep = json_incref(json_object_get(patch, RETAIN_KEYS));
	const char *key;
	json_t *v;
	void *next;

	if (!keep)
		return 0;
	json_object_del(patch, RETAIN_KEYS);
	if (!json_is_array(keep))
		return err_set(err, ERR_BAD_REQUEST, "invalid patch format of retainKeys");
	json_object_foreach (patch, key, v)
		if (!json_is_null(v) && !is_directive_key(key) && !json_has_str(keep, key))
			return err_set(err, ERR_UNKNOWN, "patch content doesn't match retainKeys list");
	json_object_foreach_safe (obj, next, key, v)
		if (!json_has_str(keep, key))
			json_object_del(obj, key);
	return 0;
}

/* One list with a wanted order of its elements; takes the list out of the patch. */
static int set_order(const struct schema *s, json_t *obj, json_t *patch, const char *key, const json_t *order,
                     struct err *err)
{
	const struct schema *field = schema_property(s, key);
	const json_t *old = json_object_get(obj, key), *change = json_object_get(patch, key);
	json_t *merged = NULL;

	if (!json_is_array(order) || (change && !json_is_array(change)) || (old && !json_is_array(old)))
		return err_set(err, ERR_BAD_REQUEST, "invalid patch format of setElementOrder list");
	if (strategic_list_check_order(field, change, order, err) < 0)
		return -1;
	if (!old && !change)
		return 0;
	if (!change) {
		merged = json_clone(old);
	} else if (!old) {
		merged = json_clone(change);
		remove_directives(merged);
	} else {
		merged = strategic_list_merge(field, old, change, false, err);
	}
	json_t *ordered = merged ? strategic_list_order(field, merged, order, old, err) : NULL;
	json_decref(merged);
	if (!ordered)
		return -1;
	json_put(obj, key, ordered);
	json_object_del(patch, key);
	return 0;
}

static int set_orders(const struct schema *s, json_t *obj, json_t *patch, struct err *err)
{
	const char *key;
	json_t *v;
	void *next;
	_cleanup_json_ json_t *orders = json_object();

	json_object_foreach_safe (patch, next, key, v)
		if (str_starts_with(key, SET_ORDER)) {
			json_object_set(orders, key, v);
			json_object_del(patch, key);
		}
	json_object_foreach (orders, key, v)
		if (set_order(s, obj, patch, str_after(key, SET_ORDER), v, err) < 0)
			return -1;
	return 0;
}

static int delete_primitives(json_t *obj, const char *key, const json_t *patch, struct err *err)
{
	const json_t *old = json_object_get(obj, key);

	if (!json_is_array(patch))
		return err_set(err, ERR_BAD_REQUEST, "invalid patch format of primitive list");
	if (!json_is_array(old))
		return 0;
	json_t *rest = strategic_list_merge(NULL, old, patch, true, err);
	if (!rest)
		return -1;
	json_put(obj, key, rest);
	return 0;
}

static int merge_field(const struct schema *s, json_t *obj, const char *key, const json_t *patch, struct err *err)
{
	const struct schema *field = schema_property(s, key);
	const json_t *old = json_object_get(obj, key);
	json_t *merged = NULL;

	if (json_is_null(patch)) {
		json_object_del(obj, key);
		return 0;
	}
	if (json_is_object(old) && json_is_object(patch)) {
		if (schema_patch_strategy_has(field, "replace"))
			merged = json_clone(patch);
		else if (strategic_map_merge(field, old, patch, &merged, err) < 0)
			return -1;
	} else if (json_is_array(old) && json_is_array(patch)) {
		merged = schema_patch_strategy_has(field, "merge") ? strategic_list_merge(field, old, patch, false, err)
		                                                   : json_clone(patch);
		if (!merged)
			return -1;
	} else {
		put_plain(obj, key, patch);
		return 0;
	}
	json_put(obj, key, merged);
	return 0;
}

/* $patch in a map: its content replaces the old one, or nothing is left. */
static int follow_directive(const json_t *patch, json_t **ret, struct err *err)
{
	const char *directive = json_get_str(patch, DIRECTIVE);

	if (str_eq(directive, "replace")) {
		*ret = json_clone(patch);
		json_object_del(*ret, DIRECTIVE);
		return 0;
	}
	if (!str_eq(directive, "delete"))
		return strategic_unknown_directive(patch, err);
	*ret = json_object();
	return 0;
}

int strategic_map_merge(const struct schema *s, const json_t *old, const json_t *patch, json_t **ret, struct err *err)
{
	const char *key;
	json_t *v;

	if (json_object_get(patch, DIRECTIVE))
		return follow_directive(patch, ret, err);
	_cleanup_json_ json_t *obj = json_clone(old), *rest = json_copy(json_unconst(patch));
	if (retain_keys(obj, rest, err) < 0 || set_orders(s, obj, rest, err) < 0)
		return -1;
	json_object_foreach (rest, key, v) {
		const char *list = str_after(key, DELETE_PRIMITIVES);
		if ((list ? delete_primitives(obj, list, v, err) : merge_field(s, obj, key, v, err)) < 0)
			return -1;
	}
	*ret = json_incref(obj);
	return 0;
}

int strategic_merge_apply(const struct schema *schema, const json_t *doc, const json_t *patch, json_t **ret,
                          struct err *err)
{
	if (!json_is_object(doc) || !json_is_object(patch))
		return err_set(err, ERR_BAD_REQUEST, "strategic merge patch: an object is needed");
	return strategic_map_merge(schema, doc, patch, ret, err);
}
