#include "json_mutate.h"

#include <string.h>

#define DEPTH_MAX 64

/* A walk to one of the members and items, in the order in which they come. */
struct place {
	uint32_t left;
	json_t *parent, *value;
	const char *key; /* of an object's member */
	size_t index;    /* of an array's item */
};

static bool find(json_t *v, struct place *p, unsigned depth);

static bool is_here(json_t *parent, const char *key, size_t index, json_t *value, struct place *p, unsigned depth)
{
	if (p->left-- > 0)
		return find(value, p, depth + 1);
	*p = (struct place){ .parent = parent, .value = value, .key = key, .index = index };
	return true;
}

static bool find(json_t *v, struct place *p, unsigned depth)
{
	const char *key;
	json_t *item;
	size_t i;

	if (depth > DEPTH_MAX)
		return false;
	json_object_foreach (v, key, item)
		if (is_here(v, key, 0, item, p, depth))
			return true;
	json_array_foreach (v, i, item)
		if (is_here(v, NULL, i, item, p, depth))
			return true;
	return false;
}

static uint32_t count(const json_t *v, unsigned depth)
{
	uint32_t n = 1;
	const char *key;
	json_t *item;
	size_t i;

	if (depth > DEPTH_MAX)
		return 1;
	json_object_foreach (json_unconst(v), key, item)
		n += count(item, depth + 1);
	json_array_foreach (v, i, item)
		n += count(item, depth + 1);
	return n;
}

/* Values that programs stumble over. */
static json_t *odd_value(uint32_t n)
{
	static const char *const texts[] = {
		"",           "a",     "0",       "-1", "True", "metadata.name",        "spec.list[*].a",
		"a[0].b[-1]", "%s-%d", "${x}",    "\n", "é",    "2026-01-01T00:00:00Z", "10Ki",
		"[",          "a.b.c", "^(a|b)*$"
	};
	static const json_int_t integers[] = { 0, 1, -1, 255, 4294967296, INT64_MAX, INT64_MIN };
	static const double reals[] = { 0.5, -0.0, 1e308, 1e-320, 123456789012345678.0 };
	uint32_t which = n / 8;

	switch (n % 8) {
	case 0:
		return json_null();
	case 1:
		return json_boolean(which % 2);
	case 2:
		return json_integer(integers[which % ARRAY_SIZE(integers)]);
	case 3:
		return json_real(reals[which % ARRAY_SIZE(reals)]);
	case 4:
		return which % 2 ? json_array() : json_object();
	default:
		return json_string(texts[which % ARRAY_SIZE(texts)]);
	}
}

static void put(const struct place *p, json_t *value)
{
	if (p->key)
		json_object_set_new(p->parent, p->key, value);
	else
		json_array_set_new(p->parent, p->index, value);
}

static void take_away(const struct place *p)
{
	if (p->key)
		json_object_del(p->parent, p->key);
	else
		json_array_remove(p->parent, p->index);
}

/* Under a key of its own, or behind the others. */
static void add(const struct place *p, json_t *value, uint32_t n)
{
	if (p->key)
		json_object_set_new(p->parent, n % 2 ? "a" : "name", value);
	else
		json_array_append_new(p->parent, value);
}

void json_mutate(json_t *object, uint32_t seed)
{
	uint32_t n = count(object, 0) - 1, draw = seed * 2654435761U;
	struct place here = { .left = n ? draw % n : 0 }, other = { .left = n ? (draw >> 8) % n : 0 };

	if (!find(object, &here, 0) || !find(object, &other, 0))
		return;
	switch (draw >> 28) {
	case 0:
	case 1:
		take_away(&here);
		break;
	case 2:
	case 3:
	case 4:
		put(&here, json_deep_copy(other.value));
		break;
	case 5:
		add(&here, json_deep_copy(other.value), draw >> 4);
		break;
	case 6:
		put(&here, json_pack("[O]", here.value));
		break;
	default:
		put(&here, odd_value(draw >> 6));
	}
}
