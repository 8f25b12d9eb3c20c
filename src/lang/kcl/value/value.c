#include "value/value.h"

#include <math.h>

/* Below this many pairs a dict is searched from its start. */
#define INDEX_MIN 12

/* ---- strings ---- */

/* FNV-1a by eight bytes at a time would be faster for long keys; keys are short. */
static uint32_t hash_bytes(const char *s, size_t len)
{
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (uint8_t)s[i]) * 16777619u;
	return hash ? hash : 1;
}

uint32_t kcl_str_hash(const struct kcl_str *s)
{
	if (!s->hash)
		((struct kcl_str *)s)->hash = hash_bytes(s->s, s->len);
	return s->hash;
}

bool kcl_str_equal(const struct kcl_str *a, const struct kcl_str *b)
{
	return a == b || (a->len == b->len && memcmp(a->s, b->s, a->len) == 0);
}

struct kcl_str *kcl_str_room(struct kcl_heap *h, size_t len)
{
	if (len > UINT32_MAX - 64)
		kcl_raise(h, "out of memory: a string is too long");
	struct kcl_str *s = kcl_alloc_raw(h, sizeof(*s) + len + 1);
	s->len = (uint32_t)len;
	s->hash = 0;
	s->chars = UINT32_MAX;
	s->s[len] = '\0';
	return s;
}

struct kcl_value kcl_str(struct kcl_heap *h, const char *s, size_t len)
{
	struct kcl_str *str = kcl_str_room(h, len);
	if (len > 0)
		memcpy(str->s, s, len);
	return kcl_str_value(str);
}

struct kcl_value kcl_strz(struct kcl_heap *h, const char *s)
{
	return kcl_str(h, s, strlen(s));
}

/* ---- lists ---- */

struct kcl_value kcl_list(struct kcl_heap *h, uint32_t n)
{
	struct kcl_list *l = kcl_alloc_raw(h, sizeof(*l));
	*l = (struct kcl_list){ .cap = n };
	if (n)
		l->items = kcl_grow(h, NULL, 0, n, sizeof(*l->items));
	return (struct kcl_value){ .kind = KCL_LIST, .list = l };
}

/* The next capacity of an array with cap elements. */
static uint32_t larger(struct kcl_heap *h, uint32_t cap)
{
	if (cap > UINT32_MAX / 4)
		kcl_raise(h, "out of memory: a value has too many parts");
	return cap ? cap * 2 : 4;
}

void kcl_list_push(struct kcl_heap *h, struct kcl_list *l, struct kcl_value v)
{
	if (l->len == l->cap) {
		uint32_t cap = larger(h, l->cap);
		l->items = kcl_grow(h, l->items, l->cap, cap, sizeof(*l->items));
		l->cap = cap;
	}
	l->items[l->len++] = v;
}

void kcl_list_extend(struct kcl_heap *h, struct kcl_list *l, const struct kcl_list *more)
{
	uint32_t n = more->len; /* it may be the same list */
	kcl_steps(h, n);
	for (uint32_t i = 0; i < n; i++)
		kcl_list_push(h, l, more->items[i]);
}

/* ---- dicts ---- */

struct kcl_value kcl_dict(struct kcl_heap *h, uint32_t n)
{
	struct kcl_dict *d = kcl_alloc_raw(h, sizeof(*d));
	*d = (struct kcl_dict){ .cap = n };
	if (n)
		d->pairs = kcl_grow(h, NULL, 0, n, sizeof(*d->pairs));
	return (struct kcl_value){ .kind = KCL_DICT, .dict = d };
}

static void index_add(struct kcl_dict *d, uint32_t at)
{
	uint32_t slot = kcl_str_hash(d->pairs[at].key) & d->index_mask;
	while (d->index[slot])
		slot = (slot + 1) & d->index_mask;
	d->index[slot] = at + 1;
}

static void index_fill(struct kcl_dict *d)
{
	memset(d->index, 0, ((size_t)d->index_mask + 1) * sizeof(*d->index));
	for (uint32_t i = 0; i < d->len; i++)
		index_add(d, i);
}

/* A table at most half full for as many pairs as there is room for. */
static void index_build(struct kcl_heap *h, struct kcl_dict *d)
{
	uint32_t size = 32;
	while (size < d->cap * 2)
		size *= 2;
	d->index = kcl_alloc_raw(h, size * sizeof(*d->index));
	d->index_mask = size - 1;
	index_fill(d);
}

static struct kcl_pair *find_hashed(const struct kcl_dict *d, const char *s, uint32_t len, uint32_t hash)
{
	for (uint32_t slot = hash & d->index_mask; d->index[slot]; slot = (slot + 1) & d->index_mask) {
		struct kcl_pair *pair = &d->pairs[d->index[slot] - 1];
		if (pair->key->hash == hash && pair->key->len == len && memcmp(pair->key->s, s, len) == 0)
			return pair;
	}
	return NULL;
}

static struct kcl_pair *find_linear(const struct kcl_dict *d, const char *s, uint32_t len)
{
	for (uint32_t i = 0; i < d->len; i++) {
		const struct kcl_str *key = d->pairs[i].key;
		if (key->len == len && (key->s == s || memcmp(key->s, s, len) == 0))
			return &d->pairs[i];
	}
	return NULL;
}

struct kcl_pair *kcl_dict_find(const struct kcl_dict *d, const struct kcl_str *key)
{
	if (d->index)
		return find_hashed(d, key->s, key->len, kcl_str_hash(key));
	return find_linear(d, key->s, key->len);
}

struct kcl_pair *kcl_dict_findz(const struct kcl_dict *d, const char *key)
{
	size_t len = strlen(key);
	if (len > UINT32_MAX)
		return NULL;
	if (d->index)
		return find_hashed(d, key, (uint32_t)len, hash_bytes(key, len));
	return find_linear(d, key, (uint32_t)len);
}

struct kcl_value kcl_dict_get(const struct kcl_dict *d, const char *key)
{
	struct kcl_pair *pair = d ? kcl_dict_findz(d, key) : NULL;
	return pair ? pair->value : kcl_undefined();
}

static void make_room(struct kcl_heap *h, struct kcl_dict *d)
{
	if (d->len == d->cap) {
		uint32_t cap = larger(h, d->cap);
		d->pairs = kcl_grow(h, d->pairs, d->cap, cap, sizeof(*d->pairs));
		d->cap = cap;
		d->index = NULL;
	}
	if (!d->index && d->len >= INDEX_MIN)
		index_build(h, d);
}

struct kcl_pair *kcl_dict_append(struct kcl_heap *h, struct kcl_dict *d, const struct kcl_str *key, struct kcl_value v)
{
	make_room(h, d);
	struct kcl_pair *pair = &d->pairs[d->len];
	*pair = (struct kcl_pair){ .key = key, .value = v, .op = KCL_ENTRY_UNION, .insert_index = KCL_NO_INDEX };
	if (d->index)
		index_add(d, d->len);
	d->len++;
	return pair;
}

struct kcl_pair *kcl_dict_set(struct kcl_heap *h, struct kcl_dict *d, const struct kcl_str *key, struct kcl_value v)
{
	struct kcl_pair *pair = kcl_dict_find(d, key);
	if (!pair)
		return kcl_dict_append(h, d, key, v);
	pair->value = v;
	return pair;
}

struct kcl_pair *kcl_dict_setz(struct kcl_heap *h, struct kcl_dict *d, const char *key, struct kcl_value v)
{
	struct kcl_pair *pair = kcl_dict_findz(d, key);
	if (!pair)
		return kcl_dict_append(h, d, kcl_strz(h, key).str, v);
	pair->value = v;
	return pair;
}

bool kcl_dict_remove(struct kcl_dict *d, const struct kcl_str *key)
{
	struct kcl_pair *pair = kcl_dict_find(d, key);
	if (!pair)
		return false;
	size_t after = (size_t)(d->pairs + d->len - (pair + 1));
	memmove(pair, pair + 1, after * sizeof(*pair));
	d->len--;
	if (d->index)
		index_fill(d);
	return true;
}

/* ---- copies and truth ---- */

void kcl_dict_copy(struct kcl_heap *h, const struct kcl_dict *from, uint32_t room, struct kcl_dict *ret)
{
	struct kcl_dict copy = { .len = from->len, .cap = from->len + room };
	kcl_steps(h, from->len);
	if (copy.cap)
		copy.pairs = kcl_grow(h, NULL, 0, copy.cap, sizeof(*copy.pairs));
	if (from->len)
		memcpy(copy.pairs, from->pairs, from->len * sizeof(*copy.pairs));
	if (copy.len >= INDEX_MIN)
		index_build(h, &copy);
	*ret = copy;
}

struct kcl_value kcl_copy(struct kcl_heap *h, struct kcl_value v)
{
	if (v.kind == KCL_LIST) {
		struct kcl_value copy = kcl_list(h, v.list->len);
		kcl_list_extend(h, copy.list, v.list);
		return copy;
	}
	if (v.kind == KCL_DICT) {
		struct kcl_value copy = kcl_dict(h, 0);
		kcl_dict_copy(h, kcl_as_dict(v), 0, copy.dict);
		return copy;
	}
	if (v.kind == KCL_SCHEMA) {
		struct kcl_schema_value *copy = kcl_alloc_raw(h, sizeof(*copy));
		*copy = *v.schema;
		kcl_dict_copy(h, &v.schema->attrs, 0, &copy->attrs);
		return (struct kcl_value){ .kind = KCL_SCHEMA, .schema = copy };
	}
	return v;
}

bool kcl_truth(struct kcl_value v)
{
	switch ((enum kcl_kind)v.kind) {
	case KCL_UNDEFINED:
	case KCL_NONE:
		return false;
	case KCL_BOOL:
		return v.b;
	case KCL_INT:
		return v.i != 0;
	case KCL_FLOAT:
		return v.f != 0;
	case KCL_UNIT:
		return v.unit->value != 0;
	case KCL_STR:
		return v.str->len != 0;
	case KCL_LIST:
		return v.list->len != 0;
	case KCL_DICT:
		return kcl_as_dict(v)->len != 0;
	case KCL_SCHEMA:
		return v.schema->attrs.len != 0;
	case KCL_FUNCTION:
	case KCL_TYPE:
		return true;
	}
	return true;
}

/* ---- units ---- */

double kcl_unit_scale(int64_t raw, enum kcl_unit unit)
{
	static const struct {
		double base;
		int exponent;
	} units[] = {
		[KCL_UNIT_NONE] = { 1, 0 },  [KCL_UNIT_n] = { 1000, -3 }, [KCL_UNIT_u] = { 1000, -2 },
		[KCL_UNIT_m] = { 1000, -1 }, [KCL_UNIT_k] = { 1000, 1 },  [KCL_UNIT_K] = { 1000, 1 },
		[KCL_UNIT_M] = { 1000, 2 },  [KCL_UNIT_G] = { 1000, 3 },  [KCL_UNIT_T] = { 1000, 4 },
		[KCL_UNIT_P] = { 1000, 5 },  [KCL_UNIT_Ki] = { 1024, 1 }, [KCL_UNIT_Mi] = { 1024, 2 },
		[KCL_UNIT_Gi] = { 1024, 3 }, [KCL_UNIT_Ti] = { 1024, 4 }, [KCL_UNIT_Pi] = { 1024, 5 },
		[KCL_UNIT_i] = { 1, 0 },
	};
	return (double)raw * pow(units[unit].base, units[unit].exponent);
}

struct kcl_value kcl_unit_value(struct kcl_heap *h, int64_t raw, enum kcl_unit unit)
{
	struct kcl_unit_value *u = kcl_alloc_raw(h, sizeof(*u));
	*u = (struct kcl_unit_value){ .raw = raw, .value = kcl_unit_scale(raw, unit), .unit = unit };
	return (struct kcl_value){ .kind = KCL_UNIT, .unit = u };
}
