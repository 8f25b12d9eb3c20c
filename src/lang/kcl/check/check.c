#include "check/check.h"

#include "base/str.h"
#include "check/checker.h"
#include "diagnostic.h"

/* Bytes of a type in a message. */
#define SHOWN_MAX 8192

/* ---- reporting ---- */

struct kcl_diagnostic *check_error(struct checker *c, const char *code, const struct kcl_span *span, const char *fmt,
                                   ...)
{
	va_list ap;
	const char *file = c->module ? c->module->module->file : NULL;

	if (c->muted > 0 || kcl_stopped(c->types->stop))
		return NULL;
	va_start(ap, fmt);
	_cleanup_free_ char *message = xvasprintf(fmt, ap);
	va_end(ap);
	for (size_t i = 0; i < c->diagnostics->len; i++) {
		const struct kcl_diagnostic *d = &c->diagnostics->items[i];

		/* Those with related places are compared when all of these are known. */
		if (!d->related_len && d->line == span->line && d->column == span->column && str_eq(d->file, file) &&
		    str_eq(d->message, message))
			return NULL;
	}
	return kcl_diagnostic_add(c->diagnostics, KCL_ERROR, code, file, span, "%s", message);
}

void check_note_immutable(struct kcl_diagnostic *d, const struct kcl_object *declared, const char *how)
{
	if (!d || !declared)
		return;
	kcl_diagnostic_relate(d, declared->file, declared->span.line, declared->span.column, "The variable '%s' is %s",
	                      declared->name, how);
	d->note = xasprintf("change the variable name to '_%s' to make it mutable", declared->name);
}

void check_circle(struct checker *c, struct kcl_graph *graph, const char *from, const char *what)
{
	uint32_t n;
	const struct kcl_graph_node **nodes = kcl_graph_circle(graph, from, &n);
	struct kcl_checked_module *here = c->module;

	if (!nodes)
		return;

	_cleanup_buf_ struct buf names = BUF_INIT(1000);

	for (uint32_t i = 0; i < n; i++)
		buf_printf(&names, "%s%s", i > 0 ? ", " : "", nodes[i]->name);
	for (uint32_t i = 0; i < n; i++) {
		struct kcl_module place = { .file = nodes[i]->file };
		struct kcl_checked_module module = { .module = &place };

		if (!nodes[i]->file)
			continue;
		c->module = &module;
		check_error(c, "CompileError", &nodes[i]->span, "There is a circular reference between %s %s", what,
		            buf_str(&names));
	}
	c->module = here;
	free(nodes);
}

bool check_is_told(const struct checker *c)
{
	return c->muted == 0 && c->diagnostics->len < KCL_DIAGNOSTICS_MAX;
}

const char *check_shown(struct checker *c, const struct kcl_type *t)
{
	if (!check_is_told(c))
		return "";

	_cleanup_(arena_freep) struct arena *scratch = arena_new();

	return arena_strndup(c->arena, kcl_type_shown(t, scratch), SHOWN_MAX);
}

/* ---- scopes ---- */

void check_enter(struct checker *c)
{
	c->scope = kcl_scope_new(c->arena, c->scope);
	c->level++;
}

void check_leave(struct checker *c)
{
	c->loop_vars_len = 0;
	c->scope = c->scope->parent;
	c->level--;
}

void check_declare(struct checker *c, const char *name, const struct kcl_type *type, enum kcl_object_kind kind,
                   const struct kcl_span *span)
{
	struct kcl_object o = { .name = name, .type = type, .kind = kind, .file = c->module->module->file, .span = *span };

	kcl_scope_put(c->scope, c->arena, &o);
}

void check_add_loop_var(struct checker *c, const char *name)
{
	if (c->loop_vars_len == c->loop_vars_cap) {
		c->loop_vars_cap = c->loop_vars_cap ? c->loop_vars_cap * 2 : 8;
		c->loop_vars = xreallocarray(c->loop_vars, c->loop_vars_cap, sizeof(*c->loop_vars));
	}
	c->loop_vars[c->loop_vars_len++] = name;
}

bool check_is_loop_var(const struct checker *c, const char *name)
{
	for (uint32_t i = 0; i < c->loop_vars_len; i++)
		if (strcmp(c->loop_vars[i], name) == 0)
			return true;
	return false;
}

/* ---- packages ---- */

struct kcl_checked_package *check_find_package(struct kcl_checked *out, const char *path)
{
	const struct kcl_object *o = kcl_scope_find(out->package_index, path);

	return o ? &out->packages[o->span.line] : NULL;
}

static void add_package(struct kcl_checked *out, const struct kcl_package *source)
{
	struct kcl_object o = { .name = source->path, .span = { .line = out->packages_len } };
	struct kcl_checked_package *package = &out->packages[out->packages_len++];

	kcl_scope_put(out->package_index, out->arena, &o);
	package->source = source;
	package->modules = arena_alloc(out->arena, (source->modules_len + 1) * sizeof(*package->modules));
	package->scope = kcl_scope_new(out->arena, out->builtins);
	package->declared = kcl_scope_new(out->arena, NULL);
	package->lambdas = kcl_scope_new(out->arena, NULL);
	package->definitions = kcl_scope_new(out->arena, NULL);
	for (uint32_t i = 0; i < source->modules_len; i++) {
		package->modules[i].module = source->modules[i];
		package->modules[i].imports = kcl_scope_new(out->arena, NULL);
	}
}

struct kcl_checked *kcl_check(const struct kcl_packages *packages, struct kcl_stop *stop,
                              struct kcl_diagnostics *diagnostics)
{
	struct kcl_checked *out = new0(struct kcl_checked);
	struct checker c = { .out = out, .types = &out->types, .diagnostics = diagnostics };

	out->arena = c.arena = arena_new();
	kcl_types_init(&out->types, out->arena);
	out->types.stop = stop;
	out->package_index = kcl_scope_new(out->arena, NULL);
	out->packages = arena_alloc(out->arena, (packages->len + 1) * sizeof(*out->packages));
	out->builtins = check_builtin_scope(&c);
	for (uint32_t i = 0; i < packages->len; i++)
		add_package(out, &packages->items[i]);
	for (uint32_t i = 0; i < out->packages_len; i++)
		if (!out->packages[i].is_started)
			check_package(&c, &out->packages[i]);
	out->types.stop = NULL;
	kcl_graph_done(&c.imports);
	kcl_graph_done(&c.inheritance);
	free(c.loop_vars);
	free(c.expected);
	kcl_diagnostics_unique(diagnostics);
	return out;
}

struct kcl_checked *kcl_checked_free(struct kcl_checked *c)
{
	if (!c)
		return NULL;
	kcl_types_done(&c->types);
	arena_free(c->arena);
	free(c);
	return NULL;
}

size_t kcl_checked_size(const struct kcl_checked *c)
{
	return sizeof(*c) + arena_size(c->arena);
}

/* ---- questions of the evaluator ---- */

const struct kcl_type *kcl_checked_type(const struct kcl_checked *c, const char *package, const char *name)
{
	const struct kcl_checked_package *p = check_find_package((struct kcl_checked *)c, package);
	const struct kcl_object *o = p ? kcl_scope_find(p->scope, name) : NULL;

	return o && (o->kind == KCL_OBJ_DEFINITION || o->kind == KCL_OBJ_ALIAS) ? o->type : NULL;
}

static struct kcl_checked_module *find_module(const struct kcl_checked *c, const struct kcl_module *m,
                                              struct kcl_checked_package **ret_package)
{
	for (uint32_t i = 0; i < c->packages_len; i++) {
		struct kcl_checked_package *p = &c->packages[i];

		for (uint32_t j = 0; j < p->source->modules_len; j++) {
			if (p->modules[j].module == m) {
				*ret_package = p;
				return &p->modules[j];
			}
		}
	}
	return NULL;
}

const struct kcl_type *kcl_checked_written(const struct kcl_checked *c, const struct kcl_module *m,
                                           const struct kcl_type_expr *t)
{
	struct kcl_checked_package *package;
	struct kcl_checked_module *module = find_module(c, m, &package);
	struct kcl_checked *out = (struct kcl_checked *)c; /* types are made as they are asked for */
	struct kcl_diagnostics none = { 0 };

	if (!t || !module)
		return check_any();

	struct checker checker = { .out = out,
		                       .types = &out->types,
		                       .arena = out->arena,
		                       .diagnostics = &none,
		                       .package = package,
		                       .module = module,
		                       .scope = package->scope,
		                       .muted = 1 };
	const struct kcl_type *type = check_type_expr(&checker, t, &t->span);

	if (!type->text) /* written types have a text */
		((struct kcl_type *)type)->text = kcl_type_annotation(type, out->arena);
	return type;
}

const char *kcl_checked_import(const struct kcl_checked *c, const struct kcl_module *m, const char *name)
{
	struct kcl_checked_package *package;
	struct kcl_checked_module *module = find_module(c, m, &package);
	const struct kcl_object *o = module ? kcl_scope_find(module->imports, name) : NULL;

	return o ? o->type->module.package : NULL;
}
