#include "check/types.h"

#include "base/str.h"

#define SUP_MAX 128 /* types that are no literals, compared with each other */

void kcl_types_init(struct kcl_types *ts, struct arena *arena)
{
	*ts = (struct kcl_types){ .arena = arena, .mask = 255 };
	ts->slots = xcalloc(ts->mask + 1, sizeof(struct kcl_type *));
}

void kcl_types_done(struct kcl_types *ts)
{
	free(ts->slots);
	*ts = (struct kcl_types){ 0 };
}

/* ---- sharing ---- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	h ^= v;
	h *= UINT64_C(0x9e3779b97f4a7c15);
	return h ^ h >> 29;
}

static uint64_t hash_text(uint64_t h, const char *s)
{
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t hash_literal(uint64_t h, const struct kcl_type *t)
{
	uint64_t bits;

	h = mix(h, t->literal.of);
	switch (t->literal.of) {
	case KCL_T_BOOL:
		return mix(h, t->literal.b);
	case KCL_T_STR:
		return hash_text(h, t->literal.s);
	case KCL_T_FLOAT:
		memcpy(&bits, &t->literal.number.f, sizeof(bits));
		return mix(h, bits);
	default:
		return mix(mix(h, (uint64_t)t->literal.number.i), t->literal.number.unit);
	}
}

static uint64_t hash(const struct kcl_type *t)
{
	uint64_t h = mix(0, t->tag);

	switch (t->tag) {
	case KCL_T_LITERAL:
		return hash_literal(h, t);
	case KCL_T_LIST:
		return mix(h, (uintptr_t)t->element);
	case KCL_T_DICT:
		return mix(mix(h, (uintptr_t)t->dict.key), (uintptr_t)t->dict.value);
	case KCL_T_MODULE:
		return hash_text(h, t->module.package);
	case KCL_T_UNION:
		for (uint32_t i = 0; i < t->of_union.len; i++)
			h = mix(h, (uintptr_t)t->of_union.items[i]);
		return h;
	default:
		return h;
	}
}

static bool same_literal(const struct kcl_type *a, const struct kcl_type *b)
{
	if (a->literal.of != b->literal.of)
		return false;
	switch (a->literal.of) {
	case KCL_T_BOOL:
		return a->literal.b == b->literal.b;
	case KCL_T_STR:
		return strcmp(a->literal.s, b->literal.s) == 0;
	case KCL_T_FLOAT:
		return kcl_same_double(a->literal.number.f, b->literal.number.f);
	default:
		return a->literal.number.i == b->literal.number.i && a->literal.number.unit == b->literal.number.unit;
	}
}

/* Of types whose parts are shared. */
static bool same_parts(const struct kcl_type *a, const struct kcl_type *b)
{
	if (a->tag != b->tag)
		return false;
	switch (a->tag) {
	case KCL_T_LITERAL:
		return same_literal(a, b);
	case KCL_T_LIST:
		return a->element == b->element;
	case KCL_T_DICT:
		return a->dict.key == b->dict.key && a->dict.value == b->dict.value;
	case KCL_T_MODULE:
		return strcmp(a->module.package, b->module.package) == 0;
	case KCL_T_UNION:
		return a->of_union.len == b->of_union.len &&
		       memcmp(a->of_union.items, b->of_union.items, a->of_union.len * sizeof(*a->of_union.items)) == 0;
	default:
		return false;
	}
}

static void grow(struct kcl_types *ts)
{
	uint32_t mask = ts->mask * 2 + 1;
	struct kcl_type **slots = xcalloc(mask + 1, sizeof(struct kcl_type *));

	for (uint32_t i = 0; i <= ts->mask; i++) {
		if (!ts->slots[i])
			continue;

		uint32_t at = (uint32_t)hash(ts->slots[i]) & mask;

		while (slots[at])
			at = (at + 1) & mask;
		slots[at] = ts->slots[i];
	}
	free(ts->slots);
	ts->slots = slots;
	ts->mask = mask;
}

static uint32_t weight(const struct kcl_type *t)
{
	return t->weight ? t->weight : 1;
}

/* Whether it stays itself in kcl_type_infer(). */
static bool is_inferred(const struct kcl_type *t)
{
	switch (t->tag) {
	case KCL_T_LITERAL:
	case KCL_T_LIST:
	case KCL_T_DICT:
	case KCL_T_UNION:
		return t->is_inferred;
	default:
		return t->tag != KCL_T_NONE;
	}
}

/* By what it is made of. */
static void weigh(struct kcl_type *t)
{
	uint64_t sum = 1;

	switch (t->tag) {
	case KCL_T_LITERAL: /* a number with a unit keeps its value */
		t->is_inferred = t->literal.of == KCL_T_UNIT;
		break;
	case KCL_T_LIST:
		sum += weight(t->element);
		t->is_inferred = is_inferred(t->element);
		break;
	case KCL_T_DICT:
		sum += (uint64_t)weight(t->dict.key) + weight(t->dict.value);
		t->is_inferred = is_inferred(t->dict.key) && is_inferred(t->dict.value);
		break;
	case KCL_T_UNION:
		for (uint32_t i = 0; i < t->of_union.len; i++)
			sum += weight(t->of_union.items[i]);
		t->is_inferred = false; /* one may hold another; see kcl_type_sup() */
		break;
	default:
		break;
	}
	t->weight = sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

static const struct kcl_type *bounded(const struct kcl_type *t)
{
	return t->weight <= KCL_TYPE_WEIGHT_MAX ? t : kcl_type_basic(KCL_T_ANY);
}

/* The shared type that is the same as t, which is copied when it is the first one. */
static struct kcl_type *share(struct kcl_types *ts, const struct kcl_type *t)
{
	uint32_t at = (uint32_t)hash(t) & ts->mask;

	for (; ts->slots[at]; at = (at + 1) & ts->mask)
		if (same_parts(ts->slots[at], t))
			return ts->slots[at];

	struct kcl_type *copy = arena_alloc(ts->arena, sizeof(*copy));

	*copy = *t;
	weigh(copy);
	if (t->tag == KCL_T_UNION) {
		size_t size = t->of_union.len * sizeof(*t->of_union.items);

		copy->of_union.items = arena_alloc(ts->arena, size + sizeof(void *));
		memcpy(copy->of_union.items, t->of_union.items, size);
	}
	ts->slots[at] = copy;
	if (++ts->len > ts->mask / 2)
		grow(ts);
	return copy;
}

/* ---- making ---- */

const struct kcl_type *kcl_type_basic(enum kcl_type_tag tag)
{
	static const struct kcl_type types[] = {
		[KCL_T_ANY] = { .tag = KCL_T_ANY, .text = "any" },
		[KCL_T_NONE] = { .tag = KCL_T_NONE, .text = "None" },
		[KCL_T_BOOL] = { .tag = KCL_T_BOOL, .text = "bool" },
		[KCL_T_INT] = { .tag = KCL_T_INT, .text = "int" },
		[KCL_T_FLOAT] = { .tag = KCL_T_FLOAT, .text = "float" },
		[KCL_T_STR] = { .tag = KCL_T_STR, .text = "str" },
		[KCL_T_UNIT] = { .tag = KCL_T_UNIT, .text = "units.NumberMultiplier" },
		[KCL_T_VOID] = { .tag = KCL_T_VOID, .text = "void" },
	};

	return &types[tag];
}

const struct kcl_type *kcl_type_bool(struct kcl_types *ts, bool b)
{
	struct kcl_type t = { .tag = KCL_T_LITERAL, .literal = { .of = KCL_T_BOOL, .b = b } };

	return share(ts, &t);
}

const struct kcl_type *kcl_type_number(struct kcl_types *ts, const struct kcl_number *number)
{
	struct kcl_type t = { .tag = KCL_T_LITERAL, .literal = { .number = *number } };

	t.literal.of = number->is_float ? KCL_T_FLOAT : number->unit != KCL_UNIT_NONE ? KCL_T_UNIT : KCL_T_INT;
	return share(ts, &t);
}

const struct kcl_type *kcl_type_str(struct kcl_types *ts, const char *s)
{
	struct kcl_type t = { .tag = KCL_T_LITERAL, .literal = { .of = KCL_T_STR, .s = s } };

	return share(ts, &t);
}

const struct kcl_type *kcl_type_list(struct kcl_types *ts, const struct kcl_type *element)
{
	struct kcl_type t = { .tag = KCL_T_LIST, .element = element };

	return bounded(share(ts, &t));
}

const struct kcl_type *kcl_type_dict(struct kcl_types *ts, const struct kcl_type *key, const struct kcl_type *value)
{
	struct kcl_type t = { .tag = KCL_T_DICT, .dict = { .key = key, .value = value } };

	return bounded(share(ts, &t));
}

const struct kcl_type *kcl_type_dict_of(struct kcl_types *ts, const struct kcl_type *key, const struct kcl_type *value,
                                        const struct kcl_attr_type *attrs, uint32_t len)
{
	if (len == 0)
		return kcl_type_dict(ts, key, value);

	struct kcl_type *t = arena_alloc(ts->arena, sizeof(*t));

	*t = (struct kcl_type){ .tag = KCL_T_DICT, .dict = { key, value, attrs, len } };
	weigh(t);
	return bounded(t);
}

const struct kcl_type *kcl_type_union(struct kcl_types *ts, const struct kcl_type *const *items, uint32_t len)
{
	struct kcl_type t = { .tag = KCL_T_UNION, .of_union = { .items = (const struct kcl_type **)items, .len = len } };

	return len == 1 ? items[0] : bounded(share(ts, &t));
}

const struct kcl_type *kcl_type_module(struct kcl_types *ts, const char *package)
{
	struct kcl_type t = { .tag = KCL_T_MODULE, .module = { .package = package } };

	return share(ts, &t);
}

/* ---- the smallest common type ---- */

struct type_set {
	const struct kcl_type **items;
	size_t len, cap;
	const struct kcl_type **slots; /* by address, once there are many */
	size_t mask;
	bool has_any;
};

static bool slot_add(struct type_set *set, const struct kcl_type *t)
{
	size_t at = (size_t)mix(0, (uintptr_t)t) & set->mask;

	for (; set->slots[at]; at = (at + 1) & set->mask)
		if (set->slots[at] == t)
			return false;
	set->slots[at] = t;
	return true;
}

static void rehash(struct type_set *set)
{
	free(set->slots);
	set->mask = set->cap * 2 - 1;
	set->slots = xcalloc(set->mask + 1, sizeof(*set->slots));
	for (size_t i = 0; i < set->len; i++)
		slot_add(set, set->items[i]);
}

static void set_add(struct type_set *set, const struct kcl_type *t)
{
	if (t->tag == KCL_T_UNION) {
		for (uint32_t i = 0; i < t->of_union.len; i++)
			set_add(set, t->of_union.items[i]);
		return;
	}
	set->has_any |= t->tag == KCL_T_ANY;
	if (t->tag == KCL_T_VOID)
		return;
	if (set->len == set->cap) {
		set->cap = set->cap ? set->cap * 2 : 16;
		set->items = xreallocarray(set->items, set->cap, sizeof(*set->items));
		if (set->cap > 16)
			rehash(set);
	}
	if (set->slots) {
		if (slot_add(set, t))
			set->items[set->len++] = t;
		return;
	}
	for (size_t i = 0; i < set->len; i++)
		if (set->items[i] == t)
			return;
	set->items[set->len++] = t;
}

/* Drops from the set what another type of it holds. Two literals hold each other only as an int does a float. */
static bool remove_held(struct kcl_types *ts, struct type_set *set)
{
	size_t others[SUP_MAX], n = 0;

	for (size_t i = 0; i < set->len; i++) {
		if (set->items[i]->tag == KCL_T_LITERAL && set->items[i]->literal.of != KCL_T_FLOAT)
			continue;
		if (n == SUP_MAX)
			return false;
		others[n++] = i;
	}
	for (size_t i = 0; i < set->len; i++) {
		const struct kcl_type *t = set->items[i];

		for (size_t j = 0; t && j < n; j++) {
			const struct kcl_type *other = set->items[others[j]];

			if (other && others[j] != i && kcl_type_subsumes(ts, t, other, false))
				t = set->items[i] = NULL;
		}
	}
	return true;
}

/* The union of types none of which holds another: of inferred ones it is one, too. */
static const struct kcl_type *union_of_set(struct kcl_types *ts, const struct type_set *set)
{
	struct kcl_type t = { .tag = KCL_T_UNION, .of_union = { .items = set->items, .len = (uint32_t)set->len } };
	bool inferred = true;

	if (set->len == 1)
		return set->items[0];

	struct kcl_type *shared = share(ts, &t);

	for (size_t i = 0; i < set->len; i++)
		inferred = inferred && is_inferred(set->items[i]);
	shared->is_inferred = inferred;
	return bounded(shared);
}

const struct kcl_type *kcl_type_sup(struct kcl_types *ts, const struct kcl_type *const *items, size_t len)
{
	struct type_set set = { 0 };
	const struct kcl_type *result = kcl_type_basic(KCL_T_ANY);
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		set_add(&set, items[i]);
	if (set.len == 1) {
		result = set.items[0];
	} else if (set.len > 1 && !set.has_any && remove_held(ts, &set)) {
		for (size_t i = 0; i < set.len; i++)
			if (set.items[i])
				set.items[n++] = set.items[i];
		set.len = n;
		result = union_of_set(ts, &set);
	}
	free(set.items);
	free(set.slots);
	return result;
}

const struct kcl_type *kcl_type_sup2(struct kcl_types *ts, const struct kcl_type *a, const struct kcl_type *b)
{
	const struct kcl_type *items[] = { a, b };

	return a == b && a->tag != KCL_T_VOID ? a : kcl_type_sup(ts, items, 2);
}

static const struct kcl_type *infer_union(struct kcl_types *ts, const struct kcl_type *t)
{
	const struct kcl_type **items = xcalloc(t->of_union.len, sizeof(*items));

	for (uint32_t i = 0; i < t->of_union.len; i++)
		items[i] = kcl_type_infer(ts, t->of_union.items[i]);

	const struct kcl_type *result = kcl_type_sup(ts, items, t->of_union.len);

	free(items);
	return result;
}

const struct kcl_type *kcl_type_infer(struct kcl_types *ts, const struct kcl_type *t)
{
	if (is_inferred(t))
		return t;
	if (!kcl_types_count(ts))
		return kcl_type_basic(KCL_T_ANY);
	switch (t->tag) {
	case KCL_T_NONE:
		return kcl_type_basic(KCL_T_ANY);
	case KCL_T_LITERAL: /* a number with a unit keeps its value */
		return t->literal.of == KCL_T_UNIT ? t : kcl_type_basic(t->literal.of);
	case KCL_T_LIST:
		return kcl_type_list(ts, kcl_type_infer(ts, t->element));
	case KCL_T_DICT:
		return kcl_type_dict_of(ts, kcl_type_infer(ts, t->dict.key), kcl_type_infer(ts, t->dict.value), t->dict.attrs,
		                        t->dict.attrs_len);
	case KCL_T_UNION:
		return infer_union(ts, t);
	default:
		return t;
	}
}
