#include "stdlib/str.h"

#include "base/str.h"

/* "{}", "{0}", "{name}", "{a.b[0][key]}", each with an optional ":spec"; doubled braces stand for themselves. */

struct format {
	struct kcl_heap *h;
	const struct kcl_args *args;
	uint32_t automatic; /* arguments that {} took */
	struct kcl_text out;
};

/* Digits only: a position; else a name. */
static bool parse_index(const char *s, size_t len, uint32_t *ret)
{
	uint32_t value = 0;

	for (size_t i = 0; i < len; i++)
		if (!isdigit((unsigned char)s[i]) || __builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (uint32_t)(s[i] - '0'), &value))
			return false;
	*ret = value;
	return len > 0;
}

static struct kcl_value positional(struct format *f, uint32_t i)
{
	if (i >= f->args->len)
		kcl_raise(f->h, "argument tuple index out of range");
	return f->args->items[i];
}

static struct kcl_value argument(struct format *f, const char *name, size_t len)
{
	uint32_t i;

	if (len == 0)
		return positional(f, f->automatic++);
	if (parse_index(name, len, &i)) {
		if (f->automatic)
			kcl_raise(f->h, "cannot switch from automatic field numbering to manual field specification");
		return positional(f, i);
	}

	const struct kcl_pair *pair = f->args->keywords ? kcl_dict_find(f->args->keywords, kcl_str(f->h, name, len).str)
	                                                : NULL;

	if (!pair)
		kcl_raise(f->h, "keyword argument '%.*s' not found", (int)len, name);
	return pair->value;
}

static struct kcl_value member(struct format *f, struct kcl_value v, const char *name, size_t len, bool bracket)
{
	const struct kcl_dict *d = kcl_as_dict(v);
	uint32_t i;

	if (len == 0)
		kcl_raise(f->h, "format error");
	if (bracket && v.kind == KCL_LIST && parse_index(name, len, &i))
		return kcl_subscript(f->h, v, kcl_int(i), false);

	const struct kcl_pair *pair = d ? kcl_dict_find(d, kcl_str(f->h, name, len).str) : NULL;

	if (!pair)
		kcl_raise(f->h, "format error: there is no '%.*s' in a value of type '%s'", (int)len, name,
		          kcl_type_name(f->h, v));
	return pair->value;
}

static struct kcl_value field_value(struct format *f, const char *p, const char *end)
{
	const char *stop = p;

	while (stop < end && *stop != '.' && *stop != '[')
		stop++;

	struct kcl_value v = argument(f, p, (size_t)(stop - p));

	while (stop < end) {
		bool bracket = *stop == '[';

		if (!bracket && *stop != '.')
			kcl_raise(f->h, "format error");
		p = ++stop;
		while (stop < end && (bracket ? *stop != ']' : *stop != '.' && *stop != '['))
			stop++;
		if (bracket && stop == end)
			kcl_raise(f->h, "format error");
		v = member(f, v, p, (size_t)(stop - p), bracket);
		stop += bracket;
	}
	return v;
}

/* Between the braces; gives what is behind them. One pair may stand inside of the specification. */
static const char *put_field(struct format *f, const char *p, const char *end)
{
	const char *start = p;
	bool nested = false;

	for (; p < end; p++) {
		if (*p == '{' && nested)
			kcl_raise(f->h, "format error");
		if (*p == '}' && !nested)
			break;
		nested = *p == '{' || (nested && *p != '}');
	}
	if (p == end)
		kcl_raise(f->h, "format error");

	const char *colon = memchr(start, ':', (size_t)(p - start)), *spec = colon ? colon + 1 : p;
	const char *name_end = colon ? colon : p, *bang = memchr(start, '!', (size_t)(name_end - start));

	kcl_text_put_formatted(&f->out, field_value(f, start, bang ? bang : name_end), spec, (size_t)(p - spec));
	return p + 1;
}

KCL_BUILTIN(kcl_str_format)
{
	struct format f = { .h = kcl_vm_heap(vm), .args = args, .out = { .h = kcl_vm_heap(vm) } };

	for (const char *p = self.str->s, *end = p + self.str->len; p < end;) {
		size_t plain = strcspn(p, "{}");

		kcl_text_put(&f.out, p, plain);
		p += plain;
		if (p == end)
			break;
		if (p + 1 < end && p[1] == *p) {
			kcl_text_putc(&f.out, *p);
			p += 2;
		} else if (*p == '}') {
			kcl_raise(f.h, "format error");
		} else {
			p = put_field(&f, p + 1, end);
		}
	}
	return kcl_text_str(&f.out);
}
