#include "base/str.h"
#include "diagnostic.h"
#include "eval/compile.h"
#include "eval/load.h"
#include "syntax/parse.h"

/* Overrides change the trees of the main package before they are checked: `a.b.c=VALUE` (also `:VALUE` and `+=VALUE`)
 * writes an entry into the config block that the global a is assigned, `a.b.c-` takes it out. A value is an expression
 * of KCL; a single name, or what is no expression, is a string. */

struct override {
	char **path;
	enum kcl_entry_op op;
	bool is_removal;
	struct kcl_expr *value;
	struct arena *arena; /* of the module that holds the value */
};

/* ---- reading one ---- */

/* Where the operator begins, outside of brackets and quotes; NULL: there is none. */
static const char *find_op_at(const char *spec)
{
	unsigned nesting = 0;
	char quote = 0;
	for (const char *p = spec; *p; p++) {
		if (quote) {
			quote = *p == quote ? 0 : quote;
		} else if (*p == '"' || *p == '\'') {
			quote = *p;
		} else if (strchr("[{(", *p)) {
			nesting++;
		} else if (strchr("]})", *p)) {
			nesting -= nesting > 0;
		} else if (!nesting && (*p == '=' || *p == ':' || (*p == '+' && p[1] == '='))) {
			return p;
		}
	}
	return NULL;
}

static struct kcl_expr *string_expr(struct arena *arena, const char *text)
{
	struct kcl_expr *e = arena_alloc(arena, sizeof(*e));
	e->kind = KCL_EXPR_STRING;
	e->span = (struct kcl_span){ 1, 1, 1, 1 };
	e->string.s = e->string.raw = arena_strdup(arena, text);
	return e;
}

/* The module that holds the value is one more file of the main package, without statements. */
static void read_value(struct kcl_heap *h, struct kcl_package *main, const char *text, struct override *o)
{
	struct kcl_diagnostics ignored = { 0 };
	const char *statement = kcl_printf(h, "value = %s\n", text);
	struct kcl_module *m = kcl_parse("override", statement, strlen(statement), &ignored);
	struct kcl_stmt *s = m->body;
	m->package = main->path;
	m->body = NULL;
	o->arena = m->arena;
	bool is_expr = !ignored.errors && s && !s->next && s->kind == KCL_STMT_ASSIGN && s->assign.len == 1;
	o->value = is_expr ? s->assign.value : NULL;
	if (!o->value || (o->value->kind == KCL_EXPR_NAME && o->value->name.len == 1))
		o->value = string_expr(o->arena, text);
	kcl_diagnostics_clear(&ignored);
	PUSH(h, main->modules, main->modules_len, m);
}

static bool read_override(struct kcl_heap *h, struct kcl_package *main, const char *spec, struct override *ret)
{
	spec += *spec == ':'; /* an older form names a package before it */
	const char *op_at = find_op_at(spec);
	size_t len = op_at ? (size_t)(op_at - spec) : strlen(spec);
	if (!op_at) {
		if (len < 2 || spec[len - 1] != '-')
			return false;
		ret->is_removal = true;
		len--;
	}
	_cleanup_free_ char *path = xstrndup(spec, len);
	ret->path = str_split(str_strip(path), ".");
	if (!ret->path || !ret->path[0])
		return false;
	if (!op_at)
		return true;
	ret->op = *op_at == '=' ? KCL_ENTRY_OVERRIDE : *op_at == ':' ? KCL_ENTRY_UNION : KCL_ENTRY_INSERT;
	const char *value = op_at + (*op_at == '+' ? 2 : 1);
	value += strspn(value, " ");
	if (!*value)
		return false;
	read_value(h, main, value, ret);
	return true;
}

/* ---- applying one ---- */

static const char *key_at(const struct kcl_config_entry *e, uint32_t i)
{
	if (e->kind != KCL_ENTRY_PAIR || !e->key)
		return NULL;
	if (e->key->kind == KCL_EXPR_STRING)
		return i == 0 ? e->key->string.s : NULL;
	return e->key->kind == KCL_EXPR_NAME && i < e->key->name.len ? e->key->name.items[i].s : NULL;
}

/* How many steps of the path the entry's key is: 0 when it is another one. */
static uint32_t matches(const struct kcl_config_entry *e, char *const *path)
{
	uint32_t i = 0;
	while (key_at(e, i)) {
		if (!path[i] || strcmp(key_at(e, i), path[i]) != 0)
			return 0;
		i++;
	}
	return i;
}

static struct kcl_expr *config_of(struct kcl_expr *e)
{
	if (e && e->kind == KCL_EXPR_SCHEMA)
		e = e->schema.config;
	return e && e->kind == KCL_EXPR_CONFIG ? e : NULL;
}

static struct kcl_expr *path_key(struct arena *arena, char *const *path)
{
	struct kcl_expr *key = arena_alloc(arena, sizeof(*key));
	key->kind = KCL_EXPR_NAME;
	key->span = (struct kcl_span){ 1, 1, 1, 1 };
	key->name.len = (uint32_t)strv_len(path);
	key->name.items = arena_alloc(arena, key->name.len * sizeof(*key->name.items));
	for (uint32_t i = 0; i < key->name.len; i++)
		key->name.items[i] = (struct kcl_name){ .s = arena_strdup(arena, path[i]), .span = key->span };
	return key;
}

static struct kcl_config_entry *new_entry(const struct override *o, char *const *path)
{
	struct kcl_config_entry *e = arena_alloc(o->arena, sizeof(*e));
	e->kind = KCL_ENTRY_PAIR;
	e->op = o->op;
	e->span = (struct kcl_span){ 1, 1, 1, 1 };
	e->key = path_key(o->arena, path);
	e->value = o->value;
	return e;
}

static void apply_to_config(const struct override *o, struct kcl_expr *config, char *const *path)
{
	struct kcl_config_entry **link = &config->config.entries;
	while (*link) {
		uint32_t n = matches(*link, path);
		if (n && !path[n] && o->is_removal) {
			*link = (*link)->next;
			continue;
		}
		if (n && !path[n]) {
			(*link)->value = o->value;
			(*link)->op = o->op;
			return;
		}
		struct kcl_expr *inner = n ? config_of((*link)->value) : NULL;
		if (inner) {
			apply_to_config(o, inner, path + n);
			return;
		}
		link = &(*link)->next;
	}
	if (!o->is_removal)
		*link = new_entry(o, path);
}

static struct kcl_expr **assigned(struct kcl_stmt *s, const char *name)
{
	if (s->kind == KCL_STMT_UNIFICATION && strcmp(s->unification.name.s, name) == 0)
		return &s->unification.value;
	if (s->kind != KCL_STMT_ASSIGN || s->assign.len != 1 || s->assign.targets[0].steps_len ||
	    strcmp(s->assign.targets[0].name.s, name) != 0)
		return NULL;
	return &s->assign.value;
}

/* name = VALUE, or name = {rest = VALUE}, at the end of the first file. */
static void add_statement(const struct override *o, struct kcl_module *m)
{
	struct kcl_stmt *s = arena_alloc(o->arena, sizeof(*s)), **last = &m->body;
	struct kcl_expr *value = o->value;
	if (o->path[1]) {
		value = arena_alloc(o->arena, sizeof(*value));
		value->kind = KCL_EXPR_CONFIG;
		value->span = (struct kcl_span){ 1, 1, 1, 1 };
		value->config.entries = new_entry(o, o->path + 1);
	}
	s->kind = KCL_STMT_ASSIGN;
	s->span = (struct kcl_span){ 1, 1, 1, 1 };
	s->assign.len = 1;
	s->assign.targets = arena_alloc(o->arena, sizeof(*s->assign.targets));
	s->assign.targets[0].name = (struct kcl_name){ .s = arena_strdup(o->arena, o->path[0]), .span = s->span };
	s->assign.targets[0].span = s->span;
	s->assign.value = value;
	while (*last)
		last = &(*last)->next;
	*last = s;
}

static void apply(const struct override *o, struct kcl_package *main)
{
	bool found = false;
	for (uint32_t i = 0; i < main->modules_len; i++) {
		for (struct kcl_stmt **link = &main->modules[i]->body; *link;) {
			struct kcl_expr **value = assigned(*link, o->path[0]);
			struct kcl_expr *config = value ? config_of(*value) : NULL;
			found = found || value;
			if (value && !o->path[1] && o->is_removal) {
				*link = (*link)->next;
				continue;
			}
			if (value && !o->path[1] && (*link)->kind == KCL_STMT_ASSIGN)
				*value = o->value;
			else if (config && o->path[1])
				apply_to_config(o, config, o->path + 1);
			link = &(*link)->next;
		}
	}
	if (!found && !o->is_removal && main->modules_len)
		add_statement(o, main->modules[0]);
}

void kcl_apply_overrides(struct kcl_heap *h, struct kcl_package *main, const char *const *specs,
                         struct kcl_diagnostics *diagnostics)
{
	for (size_t i = 0; specs && specs[i]; i++) {
		struct override o = { 0 };
		if (read_override(h, main, specs[i], &o))
			apply(&o, main);
		else
			kcl_diagnostic_add(diagnostics, KCL_ERROR, "CompileError", NULL, NULL,
			                   "Invalid spec format '%s', expected <field_path>=<field_value> or <field_path>-",
			                   specs[i]);
		strv_free(o.path);
	}
}
