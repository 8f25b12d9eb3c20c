/* XML: any text gives a tree or an error, and a tree is complete. */

#include "codec/xml.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static size_t check_tree(const struct xml_node *node)
{
	size_t n = 0;
	for (; node; node = node->next, n++) {
		require(node->name && node->text && node->line >= 1 && node->attributes);
		for (char **a = node->attributes; *a; a += 2)
			require(a[1] != NULL && xml_attribute(node, *a) != NULL);
		if (node->first_child)
			require(xml_child(node, node->first_child->name) == node->first_child);
		n += check_tree(node->first_child);
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_(xml_freep) struct xml_node *root = xml_parse((const char *)data, size, "in", &err);
	require((root != NULL) == !err_is_set(&err));
	require(check_tree(root) <= 200000);
	return 0;
}
