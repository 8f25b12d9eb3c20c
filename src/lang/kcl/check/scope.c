#include "check/scope.h"

#include <string.h>

#define LINEAR_MAX 8 /* names that are looked through one by one */

struct kcl_scope *kcl_scope_new(struct arena *arena, struct kcl_scope *parent)
{
	struct kcl_scope *s = arena_alloc(arena, sizeof(*s));

	s->parent = parent;
	return s;
}

static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 16777619u;
	return h ^ h >> 15;
}

struct kcl_object *kcl_scope_find(const struct kcl_scope *s, const char *name)
{
	if (!s->index) {
		for (uint32_t i = 0; i < s->len; i++)
			if (strcmp(s->items[i]->name, name) == 0)
				return s->items[i];
		return NULL;
	}
	for (uint32_t at = hash(name) & s->mask; s->index[at]; at = (at + 1) & s->mask)
		if (strcmp(s->items[s->index[at] - 1]->name, name) == 0)
			return s->items[s->index[at] - 1];
	return NULL;
}

struct kcl_object *kcl_scope_lookup(const struct kcl_scope *s, const char *name)
{
	for (; s; s = s->parent) {
		struct kcl_object *o = kcl_scope_find(s, name);

		if (o)
			return o;
	}
	return NULL;
}

static void index_add(struct kcl_scope *s, uint32_t i)
{
	uint32_t at = hash(s->items[i]->name) & s->mask;

	while (s->index[at])
		at = (at + 1) & s->mask;
	s->index[at] = i + 1;
}

static void grow(struct kcl_scope *s, struct arena *arena)
{
	uint32_t cap = s->cap ? s->cap * 2 : 4;
	struct kcl_object **items = arena_alloc(arena, cap * sizeof(*items));

	if (s->len > 0)
		memcpy(items, s->items, s->len * sizeof(*items));
	s->items = items;
	s->cap = cap;
	if (cap <= LINEAR_MAX)
		return;
	s->mask = cap * 2 - 1;
	s->index = arena_alloc(arena, (s->mask + 1) * sizeof(*s->index));
	for (uint32_t i = 0; i < s->len; i++)
		index_add(s, i);
}

struct kcl_object *kcl_scope_put(struct kcl_scope *s, struct arena *arena, const struct kcl_object *object)
{
	struct kcl_object *o = kcl_scope_find(s, object->name);

	if (!o) {
		if (s->len == s->cap)
			grow(s, arena);
		o = s->items[s->len++] = arena_alloc(arena, sizeof(*o));
		o->name = object->name;
		if (s->index)
			index_add(s, s->len - 1);
	}
	*o = *object;
	return o;
}
