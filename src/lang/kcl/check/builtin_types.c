/* The types of built-in functions, string methods and system modules' members, read from the signatures that stdlib/
 * keeps: "(value: str, encoding?: str) -> str", "(*args: any) -> any", and plain types for constants. */

#include "base/str.h"
#include "check/checker.h"
#include "stdlib/stdlib.h"

/* ---- signatures ---- */

/* Behind the bracket that closes the one at p. */
static const char *close_of(const char *p)
{
	int depth = 0;

	for (; *p; p++) {
		if (strchr("([{", *p))
			depth++;
		else if (strchr(")]}", *p) && --depth == 0)
			return p + 1;
	}
	return p;
}

/* The comma or closing bracket that ends the parameter at p. */
static const char *param_end(const char *p)
{
	while (*p && *p != ',' && *p != ')')
		p = strchr("([{", *p) ? close_of(p) : p + 1;
	return p;
}

static const struct kcl_type *read_signature(struct checker *c, const char *text);

static const struct kcl_type *named_type(const char *s, size_t len)
{
	static const struct {
		const char *name;
		enum kcl_type_tag tag;
	} basic[] = {
		{ "any", KCL_T_ANY },
		{ "int", KCL_T_INT },
		{ "float", KCL_T_FLOAT },
		{ "bool", KCL_T_BOOL },
		{ "str", KCL_T_STR },
		{ "NoneType", KCL_T_NONE },
		{ "units.NumberMultiplier", KCL_T_UNIT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(basic); i++)
		if (strlen(basic[i].name) == len && memcmp(basic[i].name, s, len) == 0)
			return kcl_type_basic(basic[i].tag);
	return check_any();
}

static const struct kcl_type *read_type(struct checker *c, const char **p);

/* [T], {K:V}, a function's type, or a name. */
static const struct kcl_type *read_operand(struct checker *c, const char **p)
{
	const char *from = *p;

	if (*from == '(') {
		*p = from + strlen(from); /* its result goes to the end */
		return read_signature(c, from);
	}
	if (*from != '[' && *from != '{') {
		*p += strcspn(from, " ,|:)]}");
		return named_type(from, (size_t)(*p - from));
	}
	++*p;
	const struct kcl_type *first = read_type(c, p), *second = NULL;

	if (*from == '{' && **p == ':') {
		++*p;
		second = read_type(c, p);
	}
	*p += **p != '\0'; /* the closing bracket */
	return *from == '[' ? kcl_type_list(c->types, first) : kcl_type_dict(c->types, first, second);
}

static const struct kcl_type *read_type(struct checker *c, const char **p)
{
	const struct kcl_type *items[4];
	uint32_t n = 0;

	items[n++] = read_operand(c, p);
	while (n < ARRAY_SIZE(items) && strncmp(*p, " | ", 3) == 0) {
		*p += 3;
		items[n++] = read_operand(c, p);
	}
	return n == 1 ? items[0] : kcl_type_union(c->types, items, n);
}

static const struct kcl_type *type_of_text(struct checker *c, const char *s)
{
	return read_type(c, &s);
}

static void read_param(struct checker *c, const char *p, const char *end, struct kcl_type *f)
{
	const char *colon = memchr(p, ':', (size_t)(end - p));
	uint32_t i = f->function.len;

	if (*p == '*') {
		f->function.is_variadic = true;
		return;
	}
	if (!colon || !(*p == '_' || (*p >= 'a' && *p <= 'z'))) { /* only a type */
		f->function.names[i] = "";
		f->function.params[i] = type_of_text(c, p);
	} else {
		f->function.has_default[i] = colon[-1] == '?';
		f->function.names[i] = arena_strndup(c->arena, p, (size_t)(colon - p) - f->function.has_default[i]);
		colon += strspn(colon, ": ");
		f->function.params[i] = type_of_text(c, colon);
	}
	f->function.len++;
}

static const struct kcl_type *read_signature(struct checker *c, const char *text)
{
	struct kcl_type *f = arena_alloc(c->arena, sizeof(*f));
	const char *p = text + 1, *arrow = close_of(text);
	uint32_t n = 1;

	if (*text != '(')
		return type_of_text(c, text);
	for (const char *q = text; q < arrow; q++)
		n += *q == ',';
	f->tag = KCL_T_FUNCTION;
	f->function.params = arena_alloc(c->arena, n * sizeof(*f->function.params));
	f->function.names = arena_alloc(c->arena, n * sizeof(*f->function.names));
	f->function.has_default = arena_alloc(c->arena, n);
	while (*p && *p != ')') {
		const char *end = param_end(p);

		read_param(c, p, end, f);
		p = end + strspn(end, ", ");
	}
	arrow += strspn(arrow, " ->");
	f->function.result = *arrow ? type_of_text(c, arrow) : check_any();
	return f;
}

/* ---- what is looked up ---- */

struct kcl_scope *check_builtin_scope(struct checker *c)
{
	struct kcl_scope *s = kcl_scope_new(c->arena, NULL);

	for (const struct kcl_builtin *b = kcl_builtins(); b && b->name; b++) {
		struct kcl_object o = { .name = b->name, .type = read_signature(c, b->type), .kind = KCL_OBJ_DEFINITION };

		kcl_scope_put(s, c->arena, &o);
	}
	return s;
}

const struct kcl_type *check_str_method(struct checker *c, const char *name)
{
	const struct kcl_builtin *b = kcl_str_method(name);

	return b ? read_signature(c, b->type) : NULL;
}

const struct kcl_type *check_module_member(struct checker *c, const char *module, const char *name)
{
	const struct kcl_builtin *b = kcl_module_member(module, name);

	return b ? read_signature(c, b->type) : NULL;
}

bool check_is_system_module(const char *name)
{
	return kcl_is_system_module(name);
}

const struct kcl_type *check_any_function(struct checker *c)
{
	static const struct kcl_type any_function = { .tag = KCL_T_FUNCTION, .function = { .is_variadic = true } };
	struct kcl_type *f = arena_alloc(c->arena, sizeof(*f));

	*f = any_function;
	f->function.result = check_any();
	return f;
}

const struct kcl_type *check_decorator_type(struct checker *c, const char *name)
{
	if (str_eq(name, "info"))
		return check_any_function(c);
	if (str_eq(name, "deprecated"))
		return read_signature(c, "(version?: str, reason?: str, strict?: bool) -> any");
	return NULL;
}
