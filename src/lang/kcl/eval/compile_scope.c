#include "eval/compile.h"
#include "eval/run.h"

/* Names of a scope are compared one by one up to so many. */
#define LINEAR_MAX 16

/* ---- scopes ---- */

void kcl_scope_enter(struct kcl_compiler *c, struct kcl_scope *s)
{
	*s = (struct kcl_scope){ .outer = c->scope, .unit = c->unit, .saved = c->unit->next };
	c->scope = s;
}

void kcl_scope_leave(struct kcl_compiler *c)
{
	c->unit->next = c->scope->saved;
	c->scope = c->scope->outer;
}

/* The last one of that name. */
static struct kcl_variable *find_in(const struct kcl_scope *s, const struct kcl_str *name)
{
	if (s->places) {
		const struct kcl_pair *place = kcl_dict_find(s->places, name);
		return place ? &s->items[place->value.i] : NULL;
	}
	for (uint32_t i = s->len; i-- > 0;) {
		if (s->items[i].name == name)
			return &s->items[i];
	}
	return NULL;
}

static void remember_place(struct kcl_compiler *c, struct kcl_scope *s, uint32_t i)
{
	kcl_dict_set(c->h, s->places, s->items[i].name, kcl_int(i));
}

struct kcl_variable *kcl_scope_own(struct kcl_compiler *c, const struct kcl_str *name)
{
	return find_in(c->scope, name);
}

struct kcl_variable *kcl_scope_declare(struct kcl_compiler *c, const struct kcl_str *name)
{
	struct kcl_scope *s = c->scope;
	struct kcl_variable variable = { .name = name, .slot = c->unit->next++ };
	if (c->unit->next > c->unit->unit->locals)
		c->unit->unit->locals = c->unit->next;
	PUSH(c->h, s->items, s->len, variable);
	if (s->places) {
		remember_place(c, s, s->len - 1);
	} else if (s->len > LINEAR_MAX) {
		s->places = kcl_dict(c->h, s->len * 2).dict;
		for (uint32_t i = 0; i < s->len; i++)
			remember_place(c, s, i);
	}
	return &s->items[s->len - 1];
}

static struct kcl_variable *find(const struct kcl_compiler *c, const struct kcl_str *name, struct kcl_scope **ret_scope)
{
	for (struct kcl_scope *s = c->scope; s; s = s->outer) {
		struct kcl_variable *v = find_in(s, name);
		if (v) {
			*ret_scope = s;
			return v;
		}
	}
	return NULL;
}

bool kcl_scope_is_loop(const struct kcl_compiler *c, const struct kcl_str *name)
{
	struct kcl_scope *scope;
	const struct kcl_variable *v = find(c, name, &scope);
	return v && v->is_loop && scope->unit == c->unit;
}

/* Where a unit finds a local of a unit around it: each unit between them hands it on. */
static uint32_t capture(struct kcl_compiler *c, struct kcl_unit_state *unit, const struct kcl_unit_state *home,
                        uint32_t slot)
{
	struct kcl_capture wanted = { .from_local = unit->outer == home, .slot = slot };
	if (!wanted.from_local)
		wanted.slot = capture(c, unit->outer, home, slot);
	struct kcl_lambda_code *lambda = unit->lambda;
	for (uint32_t i = 0; i < lambda->captures_len; i++) {
		if (lambda->captures[i].from_local == wanted.from_local && lambda->captures[i].slot == wanted.slot)
			return i;
	}
	PUSH(c->h, lambda->captures, lambda->captures_len, wanted);
	return lambda->captures_len - 1;
}

/* ---- names ---- */

bool kcl_schema_declares(const struct kcl_schema_code *s, const struct kcl_str *name)
{
	for (; s; s = s->parent) {
		if (s->declared && kcl_dict_find(s->declared, name))
			return true;
		for (uint32_t i = 0; i < s->mixins_len; i++) {
			if (kcl_schema_declares(s->mixins[i], name))
				return true;
		}
		if (s->host && kcl_schema_declares(s->host, name))
			return true;
	}
	return false;
}

uint32_t kcl_schema_name(struct kcl_compiler *c, const struct kcl_str *name)
{
	struct kcl_schema_code *s = c->schema;
	for (uint32_t i = 0; i < s->names_len; i++) {
		if (s->names[i] == name)
			return i;
	}
	PUSH(c->h, s->names, s->names_len, name);
	return s->names_len - 1;
}

static struct kcl_code *compile_local(struct kcl_compiler *c, const struct kcl_variable *v,
                                      const struct kcl_scope *scope, const struct kcl_span *span,
                                      struct kcl_code *otherwise)
{
	bool is_own = scope->unit == c->unit;
	struct kcl_code *code = KCL_CODE_NEW(c, span, is_own ? kcl_run_local : kcl_run_captured, local);
	code->local.slot = is_own ? v->slot : capture(c, c->unit, scope->unit, v->slot);
	if (otherwise) {
		code->run = is_own ? kcl_run_local_or : kcl_run_captured_or;
		code->local.otherwise = otherwise;
	}
	return code;
}

static struct kcl_code *compile_symbol(struct kcl_compiler *c, const struct kcl_symbol *symbol,
                                       const struct kcl_span *span)
{
	if (symbol->kind == KCL_SYMBOL_SCHEMA)
		return kcl_code_constant(c, span, symbol->schema->constructor);
	struct kcl_code *code = KCL_CODE_NEW(c, span, kcl_run_global, cell);
	code->cell = symbol->cell;
	return code;
}

static struct kcl_code *compile_builtin(struct kcl_compiler *c, const struct kcl_builtin *b,
                                        const struct kcl_span *span)
{
	if (!b->call) {
		struct kcl_value v = b->constant(c->h);
		return kcl_code_constant(c, span, v);
	}
	c->program->is_observed |= strcmp(b->name, "print") == 0;
	struct kcl_function *fn = kcl_alloc(c->h, sizeof(*fn));
	*fn = (struct kcl_function){ .kind = KCL_FN_BUILTIN, .name = b->name, .call = b->call };
	return kcl_code_constant(c, span, (struct kcl_value){ .kind = KCL_FUNCTION, .function = fn });
}

/* Past locals and attributes: a global of the package, a built-in function, UNDEFINED. */
static struct kcl_code *compile_outer(struct kcl_compiler *c, const struct kcl_str *name, const struct kcl_span *span)
{
	const struct kcl_symbol *symbol = kcl_symbol_find(c->package, name);
	if (symbol)
		return compile_symbol(c, symbol, span);
	const struct kcl_builtin *b = kcl_builtin(name->s);
	return b ? compile_builtin(c, b, span) : kcl_code_constant(c, span, kcl_undefined());
}

static struct kcl_code *compile_attr(struct kcl_compiler *c, const struct kcl_str *name, const struct kcl_span *span)
{
	struct kcl_code *code = KCL_CODE_NEW(c, span, kcl_run_attr, attr);
	code->attr.name = kcl_schema_name(c, name);
	code->attr.otherwise = compile_outer(c, name, span);
	return code;
}

static bool is_index_key(const struct kcl_compiler *c, const struct kcl_str *name)
{
	for (const struct kcl_schema_code *s = c->schema; s; s = s->parent) {
		if (s->index && s->index->key_name == name)
			return true;
	}
	return false;
}

static struct kcl_code *compile_first(struct kcl_compiler *c, const struct kcl_str *name, const struct kcl_span *span)
{
	struct kcl_scope *scope;
	const struct kcl_variable *v = find(c, name, &scope);
	bool is_attr = c->schema && kcl_schema_declares(c->schema, name);
	/* In the statements of a schema its attributes come before the keys of a config block around the name. */
	if (v && !(v->is_key && is_attr && !scope->unit->lambda)) {
		struct kcl_code *otherwise = NULL;
		if (v->may_be_unset)
			otherwise = is_attr ? compile_attr(c, name, span) : compile_outer(c, name, span);
		return compile_local(c, v, scope, span, otherwise);
	}
	if (c->schema && is_index_key(c, name))
		return kcl_code_new(c, span, kcl_run_index_key);
	if (is_attr)
		return compile_attr(c, name, span);
	if (!c->schema || kcl_symbol_find(c->package, name) || kcl_builtin(name->s))
		return compile_outer(c, name, span);
	/* An attribute that only who uses this mixin or rule has. */
	return compile_attr(c, name, span);
}

/* The package that a first name stands for: not when a local or a global has that name. */
static const char *imported(const struct kcl_compiler *c, const struct kcl_str *name)
{
	struct kcl_scope *scope;
	if (find(c, name, &scope) || kcl_symbol_find(c->package, name))
		return NULL;
	struct kcl_value path = kcl_dict_get(c->package->imports, name->s);
	return path.kind == KCL_STR ? path.str->s : NULL;
}

static struct kcl_code *compile_member(struct kcl_compiler *c, const char *package, const struct kcl_name *name,
                                       const struct kcl_span *span)
{
	if (kcl_is_system_module(package)) {
		const struct kcl_builtin *b = kcl_module_member(package, name->s);
		return b ? compile_builtin(c, b, span) : kcl_code_constant(c, span, kcl_undefined());
	}
	const struct kcl_symbol *symbol = kcl_symbol_find(kcl_symbols_of(c, package), kcl_intern(c, name->s));
	return symbol ? compile_symbol(c, symbol, span) : kcl_code_constant(c, span, kcl_undefined());
}

struct kcl_code *kcl_compile_name(struct kcl_compiler *c, const struct kcl_names *names, const struct kcl_span *span)
{
	const struct kcl_str *first = kcl_intern(c, names->items[0].s);
	const char *package = names->len > 1 ? imported(c, first) : NULL;
	uint32_t used = package ? 2 : 1;
	struct kcl_code *code = package ? compile_member(c, package, &names->items[1], span)
	                                : compile_first(c, first, span);
	for (uint32_t i = used; i < names->len; i++) {
		struct kcl_code *select = KCL_CODE_NEW(c, span, kcl_run_select, select);
		select->select.object = code;
		select->select.name = kcl_intern(c, names->items[i].s);
		c->program->is_observed |= strcmp(names->items[i].s, "instances") == 0;
		code = select;
	}
	return code;
}
