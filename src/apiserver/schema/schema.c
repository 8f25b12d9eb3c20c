/* The compiled schema seen from outside: walking it. */
#include "base/str.h"
#include "schema_internal.h"

const struct schema *schema_find_field(const struct schema *s, const char *name)
{
	size_t lo = 0, hi = s->fields_len;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp(name, s->fields[mid].name);
		if (order == 0)
			return s->fields[mid].schema;
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

const struct schema *schema_property(const struct schema *s, const char *name)
{
	s = schema_resolve(s);
	if (!s)
		return NULL;
	if (s->flags & (SCHEMA_RESOURCE | SCHEMA_EMBEDDED)) {
		if (strcmp(name, "metadata") == 0)
			return &SCHEMA_OBJECT_META;
		if (strcmp(name, "apiVersion") == 0 || strcmp(name, "kind") == 0)
			return &SCHEMA_PLAIN_STRING;
	}
	const struct schema *field = schema_find_field(s, name);
	return field ? field : s->additional;
}

const struct schema *schema_items(const struct schema *s)
{
	s = schema_resolve(s);
	return s ? s->items : NULL;
}

enum schema_list_type schema_list_type(const struct schema *s)
{
	s = schema_resolve(s);
	return s ? (enum schema_list_type)s->list_type : SCHEMA_LIST_ATOMIC;
}

char *const *schema_list_map_keys(const struct schema *s)
{
	static char *const none[] = { NULL };

	s = schema_resolve(s);
	return s && s->list_map_keys ? s->list_map_keys : none;
}

bool schema_map_is_atomic(const struct schema *s)
{
	s = schema_resolve(s);
	return s && (s->flags & SCHEMA_MAP_ATOMIC);
}

const json_t *schema_default_value(const struct schema *s)
{
	s = schema_resolve(s);
	return s ? s->default_value : NULL;
}

bool schema_patch_strategy_has(const struct schema *s, const char *word)
{
	size_t len = strlen(word);

	s = schema_resolve(s);
	for (const char *p = s ? s->patch_strategy : NULL; p; p = strchr(p, ',')) {
		p += *p == ',';
		if (strncmp(p, word, len) == 0 && (p[len] == ',' || !p[len]))
			return true;
	}
	return false;
}

const char *schema_patch_merge_key(const struct schema *s)
{
	s = schema_resolve(s);
	return s ? s->patch_merge_key : NULL;
}

bool schema_preserves_unknown(const struct schema *s)
{
	s = schema_resolve(s);
	return s && (s->flags & SCHEMA_PRESERVE);
}
