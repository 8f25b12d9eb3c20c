#include "strategic_list.h"

#include "base/map.h"
#include "base/str.h"
#include "codec/go_format.h"

#include <string.h>

#define DIRECTIVE "$patch"
#define NOWHERE SIZE_MAX

int strategic_unknown_directive(const json_t *patch, struct err *err)
{
	_cleanup_free_ char *directive = go_format_value(json_object_get(patch, DIRECTIVE)),
						*shown = go_format_value(patch);

	return err_set(err, ERR_UNKNOWN, "unknown patch type: %s in map: %s", directive, shown);
}

/* What elements are told apart by: the text of their merge key, or of themselves. */
static char *identity(const struct schema *s, const json_t *item, struct err *err)
{
	const char *key = schema_patch_merge_key(s);

	if (!json_is_object(item))
		return json_canonical(item);
	if (!key) {
		err_set(err, ERR_UNKNOWN, "cannot merge lists without merge key");
		return NULL;
	}
	if (!json_object_get(item, key)) {
		_cleanup_free_ char *shown = go_format_value(item);
		err_set(err, ERR_UNKNOWN, "map: %s does not contain declared merge key: %s", shown, key);
		return NULL;
	}
	return json_canonical(json_object_get(item, key));
}

/* Identities of a list and where each comes first. */
static struct map *index_of(const struct schema *s, const json_t *list, struct err *err)
{
	_cleanup_(map_freep) struct map *m = map_new(NULL);
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item) {
		_cleanup_free_ char *id = identity(s, item, err);
		if (!id)
			return NULL;
		if (!map_has(m, id))
			map_set(m, id, (void *)(uintptr_t)(i + 1));
	}
	return TAKE_PTR(m);
}

static size_t find(const struct map *m, const char *id)
{
	uintptr_t at = (uintptr_t)map_get(m, id);

	return at ? at - 1 : NOWHERE;
}

static int different_elements(const json_t *a, const json_t *b, struct err *err)
{
	_cleanup_free_ char *first = go_format_value(a), *second = go_format_value(b);

	return err_set(err, ERR_UNKNOWN, "list element types are not identical: [%s %s]", first, second);
}

/* All elements are objects, or none is; none is a list. */
static int check_elements(const json_t *a, const json_t *b, bool *ret_objects, struct err *err)
{
	const json_t *lists[] = { a, b };
	int objects = -1;

	for (size_t n = 0; n < ARRAY_SIZE(lists); n++) {
		size_t i;
		json_t *item;
		json_array_foreach (lists[n], i, item) {
			if (json_is_array(item))
				return err_set(err, ERR_INVALID, "lists of lists are not supported");
			if (objects >= 0 && objects != json_is_object(item))
				return different_elements(a, b, err);
			objects = json_is_object(item);
		}
	}
	*ret_objects = objects == 1;
	return 0;
}

static json_t *delete_scalars(const json_t *old, const json_t *gone, struct err *err)
{
	_cleanup_(map_freep) struct map *m = index_of(NULL, gone, err);
	json_t *rest = json_array(), *item;
	size_t i;

	json_array_foreach (old, i, item) {
		_cleanup_free_ char *id = json_canonical(item);
		if (!m || !map_has(m, id))
			json_array_append(rest, item);
	}
	return rest;
}

static json_t *union_of_scalars(const json_t *old, const json_t *patch)
{
	_cleanup_(map_freep) struct map *seen = map_new(NULL);
	const json_t *lists[] = { old, patch };
	json_t *merged = json_array();

	for (size_t n = 0; n < ARRAY_SIZE(lists); n++) {
		size_t i;
		json_t *item;
		json_array_foreach (lists[n], i, item) {
			_cleanup_free_ char *id = json_canonical(item);
			if (map_has(seen, id))
				continue;
			map_set(seen, id, seen);
			json_array_append(merged, item);
		}
	}
	return merged;
}

/* What the elements with a directive ask for. *ret_base: the old list as they leave it; *ret_changes: the other
 * elements. */
static int follow_directives(const struct schema *s, const json_t *old, const json_t *patch, json_t **ret_base,
                             json_t **ret_changes, struct err *err)
{
	_cleanup_json_ json_t *changes = json_array(), *gone = json_array(), *base = json_array();
	bool replace = false;
	size_t i;
	json_t *item;

	json_array_foreach (patch, i, item) {
		const char *directive = json_get_str(item, DIRECTIVE);
		if (!json_object_get(item, DIRECTIVE))
			json_array_append(changes, item);
		else if (str_eq(directive, "replace"))
			replace = true;
		else if (str_eq(directive, "delete"))
			json_array_append(gone, item);
		else if (str_eq(directive, "merge"))
			return err_set(err, ERR_UNKNOWN, "merging lists cannot yet be specified in the patch");
		else
			return strategic_unknown_directive(item, err);
	}
	_cleanup_(map_freep) struct map *deleted = index_of(s, gone, err);
	if (!deleted)
		return -1;
	if (replace) {
		*ret_base = TAKE_PTR(changes);
		*ret_changes = json_array();
		return 0;
	}
	json_array_foreach (old, i, item) {
		_cleanup_free_ char *id = identity(s, item, err);
		if (!id)
			return -1;
		if (!map_has(deleted, id))
			json_array_append(base, item);
	}
	*ret_base = TAKE_PTR(base);
	*ret_changes = TAKE_PTR(changes);
	return 0;
}

/* Merges elements that are there already, appends the others. */
static json_t *merge_objects(const struct schema *s, const json_t *base, const json_t *changes, struct err *err)
{
	_cleanup_(map_freep) struct map *where = index_of(s, base, err);
	_cleanup_json_ json_t *merged = json_copy(json_unconst(base));
	size_t i;
	json_t *item;

	if (!where)
		return NULL;
	json_array_foreach (changes, i, item) {
		_cleanup_free_ char *id = identity(s, item, err);
		json_t *result;
		if (!id)
			return NULL;
		size_t at = find(where, id);
		if (at == NOWHERE) {
			map_set(where, id, (void *)(uintptr_t)(json_array_size(merged) + 1));
			json_array_append(merged, item);
			continue;
		}
		if (strategic_map_merge(schema_items(s), json_array_get(merged, at), item, &result, err) < 0)
			return NULL;
		json_array_set_new(merged, at, result);
	}
	return TAKE_PTR(merged);
}

json_t *strategic_list_merge(const struct schema *s, const json_t *old, const json_t *patch, bool delete,
                             struct err *err)
{
	_cleanup_json_ json_t *base = NULL, *changes = NULL, *merged = NULL;
	bool objects = false;

	if (json_array_size(old) + json_array_size(patch) == 0)
		return json_clone(old);
	if (check_elements(old, patch, &objects, err) < 0)
		return NULL;
	if (!objects) {
		if (delete)
			return delete_scalars(old, patch, err);
		merged = union_of_scalars(old, patch);
		return strategic_list_order(s, merged, patch, old, err);
	}
	if (delete) {
		err_set(err, ERR_BAD_REQUEST, "invalid patch format of primitive list");
		return NULL;
	}
	if (!schema_patch_merge_key(s)) {
		err_set(err, ERR_UNKNOWN, "cannot merge lists without merge key");
		return NULL;
	}
	if (follow_directives(s, old, patch, &base, &changes, err) < 0)
		return NULL;
	merged = merge_objects(s, base, changes, err);
	return merged ? strategic_list_order(s, merged, changes, base, err) : NULL;
}

static int wrong_order(const json_t *patch, const json_t *order, struct err *err)
{
	_cleanup_free_ char *list = go_format_value(patch), *wanted = go_format_value(order);

	return err_set(err, ERR_UNKNOWN, "The order in patch list:\n%s\n doesn't match $setElementOrder list:\n%s\n", list,
	               wanted);
}

int strategic_list_check_order(const struct schema *s, const json_t *patch, const json_t *order, struct err *err)
{
	size_t i, at = 0;
	json_t *item;

	if (json_array_size(patch) == 0 || json_array_size(order) == 0)
		return 0;
	json_array_foreach (patch, i, item) {
		if (json_object_get(item, DIRECTIVE))
			continue;
		_cleanup_free_ char *id = identity(s, item, err);
		bool found = false;
		while (id && !found && at < json_array_size(order)) {
			_cleanup_free_ char *wanted = identity(s, json_array_get(order, at++), err);
			if (!wanted)
				return -1;
			found = strcmp(wanted, id) == 0;
		}
		if (!id)
			return -1;
		if (!found)
			return wrong_order(patch, order, err);
	}
	return 0;
}

/* An element and its place in the order that applies to it. */
struct placed {
	json_t *item;     /* borrowed */
	size_t wanted;    /* in the wanted order; NOWHERE: only the server has it */
	size_t on_server; /* NOWHERE: new */
	size_t at;
};

static int by_wanted(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->wanted != y->wanted)
		return x->wanted < y->wanted ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

static int by_server(const void *a, const void *b)
{
	const struct placed *x = a, *y = b;

	if (x->on_server != y->on_server)
		return x->on_server < y->on_server ? -1 : 1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/* Both orders are kept; between them the server's decides. */
static json_t *interleave(const struct placed *server_only, size_t left, const struct placed *wanted, size_t right)
{
	json_t *out = json_array();
	size_t i = 0, k = 0;

	while (i < left || k < right) {
		bool take_left = i < left &&
		                 (k == right || (wanted[k].on_server != NOWHERE && server_only[i].on_server != NOWHERE &&
		                                 server_only[i].on_server < wanted[k].on_server));
		json_array_append(out, take_left ? server_only[i++].item : wanted[k++].item);
	}
	return out;
}

json_t *strategic_list_order(const struct schema *s, const json_t *merged, const json_t *order, const json_t *old,
                             struct err *err)
{
	_cleanup_(map_freep) struct map *wanted = index_of(s, order, err);
	_cleanup_(map_freep) struct map *on_server = wanted ? index_of(s, old, err) : NULL;
	size_t i, left = 0, right = 0;
	json_t *item, *out = NULL;
	_cleanup_json_ json_t *shared = NULL;

	if (!wanted || !on_server)
		return NULL;
	struct placed *server_only = xcalloc(json_array_size(merged), sizeof(*server_only));
	struct placed *listed = xcalloc(json_array_size(merged), sizeof(*listed));
	json_array_foreach (merged, i, item) {
		_cleanup_free_ char *id = identity(s, item, err);
		if (!id)
			goto done;
		struct placed p = { .item = item, .wanted = find(wanted, id), .on_server = find(on_server, id), .at = i };
		if (p.wanted == NOWHERE)
			server_only[left++] = p;
		else
			listed[right++] = p;
	}
	qsort(listed, right, sizeof(*listed), by_wanted);
	qsort(server_only, left, sizeof(*server_only), by_server);
	shared = interleave(server_only, left, listed, right);
	out = json_clone(shared);
done:
	free(server_only);
	free(listed);
	return out;
}
