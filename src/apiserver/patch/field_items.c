/* Members of maps and items of lists in the order of field sets, so that sets are built from front to back: a list or
 * map of any order costs n log n. */
#include "field_set_internal.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

const char **field_names_of(const json_t *a, const json_t *b, size_t *ret_len)
{
	const char **names = xcalloc(json_object_size(a) + json_object_size(b) + 1, sizeof(*names));
	bool ordered = true;
	size_t len = 0;
	const char *key;
	json_t *v;

	json_object_foreach (json_unconst(a), key, v)
		names[len++] = key;
	json_object_foreach (json_unconst(b), key, v)
		if (!json_object_get(a, key))
			names[len++] = key;
	for (size_t i = 1; i < len && ordered; i++)
		ordered = strcmp(names[i - 1], names[i]) < 0;
	if (!ordered)
		str_sort(names, len);
	*ret_len = len;
	return names;
}

static int item_order(const void *a, const void *b)
{
	const struct field_item *x = a, *y = b;
	int order = field_element_compare(&x->element, &y->element);

	return order ? order : (x->at > y->at) - (x->at < y->at);
}

struct field_item *field_items_of(const struct schema *list, const json_t *array, size_t *ret_len)
{
	struct field_item *items = xcalloc(json_array_size(array) + 1, sizeof(*items));
	size_t i, len = 0;
	json_t *v;

	json_array_foreach (array, i, v)
		if (field_element_of_item(list, v, &items[len].element)) {
			items[len].value = v;
			items[len++].at = i;
		}
	qsort(items, len, sizeof(*items), item_order);
	*ret_len = len;
	return items;
}

void field_items_free(struct field_item *items, size_t len)
{
	for (size_t i = 0; i < len; i++)
		field_element_clear(&items[i].element);
	free(items);
}
