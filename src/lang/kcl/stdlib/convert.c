#include "stdlib/builtins.h"
#include "check/type.h"
#include "value/arithmetic.h"

#include <errno.h>
#include <math.h>

#include "base/str.h"

/* ---- int() ---- */

_Noreturn static void raise_literal(struct kcl_heap *h, const char *function, int64_t base, struct kcl_value v)
{
	kcl_raise(h, "invalid literal for %s() with base %lld: '%s'", function, (long long)base, kcl_to_str(h, v)->s);
}

/* Digits of a base from 2 to 36 with a sign, nothing else. */
static bool parse_digits(const char *s, size_t len, unsigned base, int64_t *ret)
{
	bool negative = len > 0 && *s == '-';
	int64_t value = 0;

	if (len > 0 && (*s == '-' || *s == '+')) {
		s++;
		len--;
	}
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];
		unsigned digit = isdigit(c) ? (unsigned)(c - '0') : isalpha(c) ? (unsigned)(tolower(c) - 'a') + 10 : 99;

		if (digit >= base || __builtin_mul_overflow(value, (int64_t)base, &value) ||
		    __builtin_sub_overflow(value, (int64_t)digit, &value))
			return false;
	}
	if (len == 0 || (!negative && value == INT64_MIN))
		return false;
	*ret = negative ? value : -value;
	return true;
}

/* "10Ki", "5M": a decimal number and a suffix. n, u and m are less than one, which counts for nothing. */
static bool parse_quantity(struct kcl_heap *h, const struct kcl_str *s, int64_t *ret)
{
	static const char suffixes[] = "numkKMGTP";
	static const int exponents[] = { 0, 0, 0, 1, 1, 2, 3, 4, 5 };
	size_t len = s->len;
	bool binary = len >= 2 && s->s[len - 1] == 'i' && strchr(suffixes, s->s[len - 2]);
	const char *suffix = len == 0 ? NULL : strchr(suffixes, s->s[len - (binary ? 2 : 1)]);

	if (suffix && s->s[len - 1] != '\0')
		len -= binary ? 2 : 1;
	if (len == 0)
		kcl_raise(h, "number can't be empty");
	if (!parse_digits(s->s, len, 10, ret))
		return false;
	if (!suffix)
		return true;
	if (suffix - suffixes < 3)
		*ret = 0;
	for (int i = exponents[suffix - suffixes]; i > 0; i--)
		if (__builtin_mul_overflow(*ret, binary ? 1024 : 1000, ret))
			return false;
	return true;
}

/* Of another base than 10: with or without its prefix. */
static bool parse_based(const struct kcl_str *s, int64_t base, int64_t *ret)
{
	const char *p = s->s;
	size_t len = s->len;
	bool negative = len > 0 && *p == '-';

	if (negative) {
		p++;
		len--;
	}
	if (len >= 2 && p[0] == '0' && strchr("xXoObB", p[1])) {
		p += 2;
		len -= 2;
	}
	if (base < 2 || base > 36 || (len > 0 && *p == '-') || !parse_digits(p, len, (unsigned)base, ret))
		return false;
	*ret = negative ? -*ret : *ret;
	return true;
}

static int64_t str_to_int(struct kcl_vm *vm, struct kcl_value v, const struct kcl_args *args)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value base_given;
	int64_t base = kcl_arg(args, 1, "base", &base_given) ? kcl_as_int(base_given) : 10, result;

	if (!(base == 10 ? parse_quantity(h, v.str, &result) : parse_based(v.str, base, &result)))
		raise_literal(h, "int", base, v);
	return result;
}

/* In debug mode a unit's value must fit; else it ends at the range's ends. */
static int64_t unit_to_int(struct kcl_vm *vm, const struct kcl_unit_value *u)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	bool divides = u->unit == KCL_UNIT_n || u->unit == KCL_UNIT_u || u->unit == KCL_UNIT_m;
	__int128 factor = divides ? 1 : (__int128)kcl_unit_scale(1, u->unit), value = factor * u->raw;

	if (kcl_vm_options(vm)->debug && h->strict_range && value != (int32_t)value)
		kcl_raise_int_overflow(h, value, 32);
	if (kcl_vm_options(vm)->debug && value != (int64_t)value)
		kcl_raise_int_overflow(h, value, 64);
	return kcl_as_int(kcl_float(u->value));
}

KCL_BUILTIN(kcl_builtin_int)
{
	struct kcl_value v = kcl_arg_need(vm, args, 0, "number", "int() takes exactly one argument (0 given)");

	(void)self;
	switch ((enum kcl_kind)v.kind) {
	case KCL_INT:
	case KCL_FLOAT:
		return kcl_int(kcl_as_int(v));
	case KCL_UNIT:
		return kcl_int(unit_to_int(vm, v.unit));
	case KCL_BOOL:
		return kcl_int(v.b);
	case KCL_STR:
		return kcl_int(str_to_int(vm, v, args));
	default:
		kcl_raise(kcl_vm_heap(vm), "int() argument must be a string or a number, not '%s'",
		          kcl_type_name(kcl_vm_heap(vm), v));
	}
}

/* ---- float() ---- */

static double checked_float(struct kcl_heap *h, double f)
{
	if (h->strict_range && isinf((double)(float)f))
		kcl_raise(h, "inf: A 32-bit floating point number overflow");
	if (isinf(f))
		kcl_raise(h, "inf: A 64-bit floating point number overflow");
	return f;
}

/* A decimal number, "inf", "infinity" or "nan"; strtod() would take more: white space, hexadecimal digits. */
static bool parse_float(const struct kcl_str *s, double *ret)
{
	static const char *const names[] = { "inf", "infinity", "nan", NULL };
	const char *p = s->s + (s->len > 0 && strchr("+-", s->s[0]) ? 1 : 0);
	bool named = false;
	char *end;

	for (size_t i = 0; names[i]; i++)
		named = named || strcasecmp(p, names[i]) == 0;
	if (!named && (*p == '\0' || p[strspn(p, "0123456789.eE+-")] != '\0' || strchr("eE+-", *p)))
		return false;
	*ret = strtod(s->s, &end);
	return end == s->s + s->len;
}

double kcl_convert_float(struct kcl_vm *vm, struct kcl_value v)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	double f;

	switch ((enum kcl_kind)v.kind) {
	case KCL_INT:
		return (double)v.i;
	case KCL_FLOAT:
		return checked_float(h, v.f);
	case KCL_UNIT:
		return v.unit->value;
	case KCL_BOOL:
		return v.b;
	case KCL_STR:
		if (parse_float(v.str, &f))
			return checked_float(h, f);
		break;
	default:
		break;
	}
	raise_literal(h, "float", 10, v);
}

KCL_BUILTIN(kcl_builtin_float)
{
	(void)self;
	return kcl_float(
		kcl_convert_float(vm, kcl_arg_need(vm, args, 0, "number", "float() takes exactly one argument (0 given)")));
}

/* ---- bool(), str(), list(), dict() ---- */

KCL_BUILTIN(kcl_builtin_bool)
{
	(void)self;
	return kcl_bool(kcl_truth(kcl_arg_need(vm, args, 0, "x", "bool() takes exactly one argument (0 given)")));
}

KCL_BUILTIN(kcl_builtin_str)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value v;

	(void)self;
	return kcl_arg(args, 0, "x", &v) ? kcl_str_value(kcl_to_str(h, v)) : kcl_str(h, "", 0);
}

KCL_BUILTIN(kcl_builtin_list)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value result = kcl_list(h, 0), item;

	(void)self;
	if (args->len == 0)
		return result;

	struct kcl_iteration it = kcl_iterate(vm, args->items[0]);

	while (kcl_iterate_next(vm, &it, &item))
		kcl_list_push(h, result.list, item);
	return result;
}

/* Pairs of a list: each an iterable of a key and a value. */
static void insert_pairs(struct kcl_vm *vm, struct kcl_dict *d, struct kcl_value pairs)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_iteration it = kcl_iterate(vm, pairs);
	struct kcl_value pair, parts[3];

	for (uint32_t i = 0; kcl_iterate_next(vm, &it, &pair); i++) {
		struct kcl_iteration inner = kcl_iterate(vm, pair);
		uint32_t n = 0;

		while (n < ARRAY_SIZE(parts) && kcl_iterate_next(vm, &inner, &parts[n]))
			n++;
		if (n != 2)
			kcl_raise(h, "dictionary update sequence element #%u has length %lld; 2 is required", i,
			          (long long)kcl_length(h, pair));
		kcl_dict_set(h, d, kcl_to_str(h, parts[0]), parts[1]);
	}
}

static void insert_dict(struct kcl_heap *h, struct kcl_dict *d, const struct kcl_dict *more)
{
	kcl_steps(h, more->len);
	for (uint32_t i = 0; i < more->len; i++)
		kcl_dict_set(h, d, more->pairs[i].key, more->pairs[i].value);
}

KCL_BUILTIN(kcl_builtin_dict)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value result = kcl_dict(h, 0);

	(void)self;
	if (args->len > 0 && kcl_as_dict(args->items[0]))
		insert_dict(h, result.dict, kcl_as_dict(args->items[0]));
	else if (args->len > 0)
		insert_pairs(vm, result.dict, args->items[0]);
	if (args->keywords)
		insert_dict(h, result.dict, args->keywords);
	return result;
}

/* ---- typeof() ---- */

KCL_BUILTIN(kcl_builtin_typeof)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value v = kcl_arg_need(vm, args, 0, "x", "typeof() missing 1 required positional argument: 'x'");

	(void)self;
	if (v.kind == KCL_NONE)
		return kcl_strz(h, "None");
	if (v.kind == KCL_SCHEMA && v.schema->type && kcl_arg_bool(args, 1, "full_name", false)) {
		const struct kcl_schema_type *type = v.schema->type->schema;

		if (type->package && strcmp(type->package, "__main__") != 0)
			return kcl_strz(h, kcl_printf(h, "%s.%s", type->package, type->name));
	}
	return kcl_strz(h, kcl_type_name(h, v));
}

/* ---- option() ---- */

_Noreturn static void raise_option(struct kcl_heap *h, struct kcl_value v, const char *type)
{
	kcl_raise(h, "cannot use '%s' as type '%s'", kcl_to_str(h, v)->s, type);
}

static struct kcl_value option_bool(struct kcl_value v)
{
	switch ((enum kcl_kind)v.kind) {
	case KCL_BOOL:
		return v;
	case KCL_INT:
	case KCL_FLOAT:
		return kcl_bool(kcl_truth(v));
	case KCL_STR:
		return kcl_bool(strcmp(v.str->s, "True") == 0 || strcmp(v.str->s, "true") == 0);
	default:
		return kcl_undefined();
	}
}

static struct kcl_value option_int(struct kcl_heap *h, struct kcl_value v)
{
	int64_t i;

	if (v.kind == KCL_BOOL)
		return kcl_int(v.b);
	if (v.kind == KCL_INT || v.kind == KCL_FLOAT)
		return kcl_int(kcl_as_int(v));
	if (v.kind != KCL_STR || !parse_digits(v.str->s, v.str->len, 10, &i))
		raise_option(h, v, "int");
	return kcl_int(i);
}

static struct kcl_value option_float(struct kcl_heap *h, struct kcl_value v)
{
	double f;

	if (v.kind == KCL_BOOL)
		return kcl_float(v.b);
	if (v.kind == KCL_INT || v.kind == KCL_FLOAT)
		return kcl_float(v.kind == KCL_INT ? (double)v.i : v.f);
	if (v.kind != KCL_STR)
		raise_option(h, v, "float");
	return kcl_float(parse_float(v.str, &f) ? f : 0);
}

/* As documents write the value, not as str() does: true, 1. */
static struct kcl_value option_str(struct kcl_heap *h, struct kcl_value v)
{
	if (v.kind == KCL_BOOL)
		return kcl_strz(h, v.b ? "true" : "false");
	if (v.kind == KCL_FLOAT) {
		char text[KCL_FLOAT_TEXT_SIZE];

		kcl_float_text(v.f, text);
		return kcl_str(h, text, strlen(text) - (str_ends_with(text, ".0") ? 2 : 0));
	}
	if (v.kind != KCL_INT && v.kind != KCL_STR)
		raise_option(h, v, "str");
	return kcl_str_value(kcl_to_str(h, v));
}

static struct kcl_value option_typed(struct kcl_heap *h, struct kcl_value v, const char *type)
{
	if (*type == '\0')
		return v;
	if (strcmp(type, "bool") == 0)
		return option_bool(v);
	if (strcmp(type, "int") == 0)
		return option_int(h, v);
	if (strcmp(type, "float") == 0)
		return option_float(h, v);
	if (strcmp(type, "str") == 0)
		return option_str(h, v);
	if (strcmp(type, "list") != 0 && strcmp(type, "dict") != 0)
		kcl_raise(h, "unknown type '%s'", type);
	if (v.kind != (*type == 'l' ? KCL_LIST : KCL_DICT))
		raise_option(h, v, type);
	return v;
}

KCL_BUILTIN(kcl_builtin_option)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	const struct kcl_str *key = kcl_arg_str(vm, args, 0, "key"), *type = kcl_arg_str(vm, args, 1, "type");
	struct kcl_value v = key ? kcl_vm_option(vm, key->s) : kcl_undefined();

	(void)self;
	if (v.kind != KCL_UNDEFINED || (key && kcl_arg(args, 3, "default", &v)))
		return type ? option_typed(h, v, type->s) : v;
	if (kcl_arg_bool(args, 2, "required", false))
		kcl_raise(h, "option('%s') must be initialized, try '-D %s=?' argument", key ? key->s : "?",
		          key ? key->s : "?");
	return kcl_none();
}
