#include "check/type.h"
#include "stdlib/builtins.h"
#include "value/arithmetic.h"

#include <math.h>

/* ---- all, any, unique ---- */

/* Whether an item's truth is the one looked for. */
static bool some_item(struct kcl_value v, bool truth)
{
	const struct kcl_dict *d = kcl_as_dict(v);

	if (v.kind == KCL_LIST)
		for (uint32_t i = 0; i < v.list->len; i++)
			if (kcl_truth(v.list->items[i]) == truth)
				return true;
	for (uint32_t i = 0; d && i < d->len; i++)
		if (kcl_truth(d->pairs[i].value) == truth)
			return true;
	return false;
}

KCL_BUILTIN(kcl_builtin_all_true)
{
	struct kcl_value v = kcl_none();

	(void)vm;
	(void)self;
	kcl_arg(args, 0, "inval", &v);
	return kcl_bool((v.kind == KCL_LIST || kcl_as_dict(v)) && !some_item(v, false));
}

KCL_BUILTIN(kcl_builtin_any_true)
{
	struct kcl_value v = kcl_none();

	(void)vm;
	(void)self;
	kcl_arg(args, 0, "inval", &v);
	return kcl_bool(some_item(v, true));
}

static uint64_t mix(uint64_t hash, uint64_t v)
{
	hash = (hash ^ v) * UINT64_C(0x9e3779b97f4a7c15);
	return hash ^ (hash >> 32);
}

/* Equal values have equal hashes: 1 and 1.0, dicts in any order. */
static uint64_t hash_value(struct kcl_heap *h, struct kcl_value v)
{
	const struct kcl_dict *d = kcl_as_dict(v);
	uint64_t hash = v.kind, bits;
	double f = v.kind == KCL_INT ? (double)v.i : v.kind == KCL_FLOAT && v.f != 0 ? v.f : 0;

	kcl_stack_check(h);
	kcl_steps(h, 1);
	if (v.kind == KCL_STR)
		return mix(KCL_STR, kcl_str_hash(v.str));
	if (v.kind == KCL_INT || v.kind == KCL_FLOAT) {
		memcpy(&bits, &f, sizeof(bits));
		return mix(KCL_INT, bits);
	}
	if (v.kind == KCL_BOOL)
		return mix(KCL_BOOL, v.b);
	for (uint32_t i = 0; v.kind == KCL_LIST && i < v.list->len; i++)
		hash = mix(hash, hash_value(h, v.list->items[i]));
	for (uint32_t i = 0; d && i < d->len; i++)
		hash += mix(kcl_str_hash(d->pairs[i].key), hash_value(h, d->pairs[i].value));
	return hash;
}

KCL_BUILTIN(kcl_builtin_isunique)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value v;
	size_t slots = 16;

	(void)self;
	if (!kcl_arg(args, 0, "inval", &v) || v.kind != KCL_LIST)
		return kcl_bool(false);
	while (slots < (size_t)v.list->len * 2)
		slots *= 2;

	uint32_t *table = kcl_alloc(h, slots * sizeof(*table)); /* index + 1 */

	for (uint32_t i = 0; i < v.list->len; i++) {
		size_t at = hash_value(h, v.list->items[i]) & (slots - 1);

		for (; table[at]; at = (at + 1) & (slots - 1))
			if (kcl_equal(h, v.list->items[i], v.list->items[table[at] - 1]))
				return kcl_bool(false);
		table[at] = i + 1;
	}
	return kcl_bool(true);
}

KCL_BUILTIN(kcl_builtin_len)
{
	struct kcl_value v = kcl_arg_need(vm, args, 0, "inval", "len() takes exactly one argument (0 given)");

	(void)self;
	return kcl_int(v.kind == KCL_STR ? v.str->len : kcl_length(kcl_vm_heap(vm), v));
}

/* ---- order ---- */

/* Only numbers among each other and strings among each other have an order here. */
static int order(struct kcl_heap *h, struct kcl_value a, struct kcl_value b)
{
	bool numbers = (a.kind == KCL_INT || a.kind == KCL_FLOAT) && (b.kind == KCL_INT || b.kind == KCL_FLOAT);
	bool nan = (a.kind == KCL_FLOAT && isnan(a.f)) || (b.kind == KCL_FLOAT && isnan(b.f));

	kcl_steps(h, 1);
	if ((!numbers && (a.kind != KCL_STR || b.kind != KCL_STR)) || nan)
		kcl_raise(h, "cannot compare %s and %s", kcl_type_name(h, a), kcl_type_name(h, b));
	return kcl_compare(h, KCL_CMP_LT, a, b) ? -1 : kcl_compare(h, KCL_CMP_GT, a, b);
}

/* Merges two sorted runs; of equal items the first one's come first. */
static void merge(struct kcl_heap *h, const struct kcl_value *from, struct kcl_value *to, size_t start, size_t middle,
                  size_t end, bool reverse)
{
	size_t left = start, right = middle;

	for (size_t i = start; i < end; i++) {
		bool take_right = right < end;

		if (take_right && left < middle) {
			int o = order(h, from[right], from[left]);

			take_right = reverse ? o > 0 : o < 0;
		}
		to[i] = take_right ? from[right++] : from[left++];
	}
}

/* A merge sort from below: stable, and its memory is the heap's. */
static void sort(struct kcl_heap *h, struct kcl_list *l, bool reverse)
{
	struct kcl_value *from = l->items, *to = kcl_grow(h, NULL, 0, l->len, sizeof(*to));

	for (size_t width = 1; width < l->len; width *= 2) {
		for (size_t start = 0; start < l->len; start += 2 * width) {
			size_t middle = start + width < l->len ? start + width : l->len;
			size_t end = middle + width < l->len ? middle + width : l->len;

			merge(h, from, to, start, middle, end, reverse);
		}

		struct kcl_value *sorted = to;

		to = from;
		from = sorted;
	}
	l->items = from;
}

KCL_BUILTIN(kcl_builtin_sorted)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value v = kcl_arg_need(vm, args, 0, "inval", "sorted() takes exactly one argument (0 given)"), item;
	struct kcl_value result = kcl_list(h, 0);

	(void)self;
	if (v.kind != KCL_STR && v.kind != KCL_LIST && v.kind != KCL_DICT)
		kcl_raise(h, "sorted only for str|list|dict type");

	struct kcl_iteration it = kcl_iterate(vm, v);

	while (kcl_iterate_next(vm, &it, &item))
		kcl_list_push(h, result.list, item);
	result.list->cap = result.list->len; /* what the sort swaps has no room behind */
	sort(h, result.list, kcl_arg_bool(args, 1, "reverse", false));
	return result;
}

/* The one that the others do not precede, the first of equal ones. */
static struct kcl_value extreme(struct kcl_vm *vm, const struct kcl_args *args, enum kcl_compare_op op,
                                const char *name)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_list all = { .items = (struct kcl_value *)args->items, .len = args->len };
	struct kcl_value of = { .kind = KCL_LIST, .list = &all }, best, item;

	if (args->len == 0)
		kcl_raise(h, "%s() takes exactly one argument (0 given)", name);
	if (args->len == 1)
		of = args->items[0];
	if (of.kind != KCL_STR && of.kind != KCL_LIST && !kcl_has_pairs(of))
		kcl_raise(h, "%s object is not iterable", kcl_type_name(h, of));

	struct kcl_iteration it = kcl_iterate(vm, of);

	if (!kcl_iterate_next(vm, &it, &best))
		kcl_raise(h, "arg is an empty %s", of.kind == KCL_STR ? "str" : of.kind == KCL_LIST ? "list" : "dict");
	while (kcl_iterate_next(vm, &it, &item))
		if (kcl_compare(h, op, item, best))
			best = item;
	return best;
}

KCL_BUILTIN(kcl_builtin_max)
{
	(void)self;
	return extreme(vm, args, KCL_CMP_GT, "max");
}

KCL_BUILTIN(kcl_builtin_min)
{
	(void)self;
	return extreme(vm, args, KCL_CMP_LT, "min");
}

/* ---- sum, range, zip, reduce ---- */

KCL_BUILTIN(kcl_builtin_sum)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value v, result = kcl_int(0);

	(void)self;
	if (!kcl_arg(args, 0, "iterable", &v) || v.kind != KCL_LIST)
		return kcl_undefined();
	kcl_arg(args, 1, "start", &result);
	if (result.kind == KCL_STR)
		kcl_raise(h, "sum() can't sum strings");
	kcl_steps(h, v.list->len);
	for (uint32_t i = 0; i < v.list->len; i++)
		result = kcl_binary(h, KCL_OP_ADD, result, v.list->items[i]);
	return result;
}

static struct kcl_value range(struct kcl_heap *h, int64_t start, int64_t stop, int64_t step)
{
	if (step == 0)
		kcl_raise(h, "range() step argument must not be zero");

	__int128 distance = step > 0 ? (__int128)stop - start : (__int128)start - stop;
	__int128 stride = step > 0 ? step : -(__int128)step;
	__int128 len = distance > 0 ? (distance - 1) / stride + 1 : 0;

	if (len > UINT32_MAX)
		kcl_raise(h, "out of memory: range() would give more than %u numbers", UINT32_MAX);
	kcl_steps(h, (uint64_t)len);

	struct kcl_value result = kcl_list(h, (uint32_t)len);

	for (int64_t i = 0; i < (int64_t)len; i++)
		result.list->items[i] = kcl_int(start + i * step);
	result.list->len = (uint32_t)len;
	return result;
}

KCL_BUILTIN(kcl_builtin_range)
{
	struct kcl_value start, stop, step = kcl_int(1);

	(void)self;
	if (!kcl_arg(args, 0, "start", &start))
		return kcl_undefined();
	if (!kcl_arg(args, 1, "stop", &stop)) {
		stop = start;
		start = kcl_int(0);
	} else {
		kcl_arg(args, 2, "step", &step);
	}
	if (start.kind != KCL_INT || stop.kind != KCL_INT || step.kind != KCL_INT)
		return kcl_undefined();
	return range(kcl_vm_heap(vm), start.i, stop.i, step.i);
}

KCL_BUILTIN(kcl_builtin_zip)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value result = kcl_list(h, 0), item;
	struct kcl_iteration *its = kcl_grow(h, NULL, 0, args->len, sizeof(*its));

	(void)self;
	for (uint32_t i = 0; i < args->len; i++)
		its[i] = kcl_iterate(vm, args->items[i]);
	while (args->len > 0) {
		struct kcl_value row = kcl_list(h, args->len);

		for (uint32_t i = 0; i < args->len; i++) {
			if (!kcl_iterate_next(vm, &its[i], &item))
				return result;
			kcl_list_push(h, row.list, item);
		}
		kcl_list_push(h, result.list, row);
	}
	return result;
}

/* Without a first value the result is None, which the type of the accumulator must allow. */
static struct kcl_value reduce_nothing(struct kcl_vm *vm, struct kcl_value reducer)
{
	const struct kcl_type *t = kcl_vm_param_type(reducer, 0);

	if (t && t->tag != KCL_T_ANY && !strstr(t->text, "None"))
		kcl_raise(kcl_vm_heap(vm), "reduce() empty list with no initial value and non-nullable accumulator type '%s'",
		          t->text);
	return kcl_none();
}

KCL_BUILTIN(kcl_builtin_reduce)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value reducer = kcl_arg_need(vm, args, 0, "reducer", "reduce() missing required argument: 'reducer'");
	struct kcl_value list = kcl_arg_need(vm, args, 1, "list", "reduce() missing required argument: 'list'"), result;
	uint32_t i = 0;

	(void)self;
	if (reducer.kind != KCL_FUNCTION)
		kcl_raise(h, "reduce() argument 'reducer' must be a function");
	if (list.kind != KCL_LIST)
		kcl_raise(h, "invalid list value");
	if (!kcl_arg(args, 2, "initial", &result)) {
		if (list.list->len == 0)
			return reduce_nothing(vm, reducer);
		result = list.list->items[i++];
	}
	for (; i < list.list->len; i++) {
		struct kcl_value pair[] = { result, list.list->items[i] };

		result = kcl_vm_call(vm, reducer, &(struct kcl_args){ .items = pair, .len = ARRAY_SIZE(pair) });
	}
	return result;
}
