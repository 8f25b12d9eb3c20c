#include "eval/compile.h"

#include "base/str.h"
#include "eval/run.h"
#include "value/text.h"

/* ---- nodes and strings ---- */

/* Threads share constants: what is computed late for a string is computed now. */
static const struct kcl_str *make_constant(struct kcl_compiler *c, struct kcl_value v)
{
	kcl_str_hash(v.str);
	kcl_length(c->h, v);
	return v.str;
}

const struct kcl_str *kcl_intern(struct kcl_compiler *c, const char *s)
{
	struct kcl_pair *pair = kcl_dict_findz(c->strings, s);
	if (pair)
		return pair->key;
	return kcl_dict_append(c->h, c->strings, make_constant(c, kcl_strz(c->h, s)), kcl_none())->key;
}

const struct kcl_str *kcl_literal(struct kcl_compiler *c, const char *s)
{
	const char *nul = strstr(s, KCL_TREE_NUL);
	struct kcl_text t = { .h = c->h };
	if (!nul)
		return kcl_intern(c, s);
	for (; nul; nul = strstr(s, KCL_TREE_NUL)) {
		kcl_text_put(&t, s, (size_t)(nul - s));
		kcl_text_putc(&t, '\0');
		s = nul + strlen(KCL_TREE_NUL);
	}
	kcl_text_puts(&t, s);
	return make_constant(c, kcl_text_str(&t));
}

struct kcl_code *kcl_code_sized(struct kcl_compiler *c, const struct kcl_span *span, kcl_run_fn run, size_t size)
{
	kcl_compile_check(c->h, c->stop);
	struct kcl_code *code = kcl_alloc(c->h, size);
	code->run = run;
	code->file = c->module->file;
	code->line = span->line;
	code->column = span->column;
	return code;
}

struct kcl_code *kcl_code_new(struct kcl_compiler *c, const struct kcl_span *span, kcl_run_fn run)
{
	return kcl_code_sized(c, span, run, sizeof(struct kcl_code));
}

struct kcl_code *kcl_code_constant(struct kcl_compiler *c, const struct kcl_span *span, struct kcl_value v)
{
	struct kcl_code *code = KCL_CODE_NEW(c, span, kcl_run_constant, constant);
	code->constant = v;
	return code;
}

/* ---- packages ---- */

struct kcl_package_symbols *kcl_symbols_of(struct kcl_compiler *c, const char *path)
{
	for (uint32_t i = 0; path && i < c->packages_len; i++) {
		if (strcmp(c->packages[i].package->path, path) == 0)
			return &c->packages[i];
	}
	return NULL;
}

struct kcl_symbol *kcl_symbol_find(struct kcl_package_symbols *p, const struct kcl_str *name)
{
	struct kcl_pair *pair = p ? kcl_dict_find(p->by_name, name) : NULL;
	return pair ? &p->symbols[pair->value.i] : NULL;
}

struct kcl_schema_code *kcl_schema_named(struct kcl_compiler *c, const struct kcl_names *names)
{
	struct kcl_package_symbols *p = c->package;
	const struct kcl_str *name = NULL;
	if (!names->len)
		return NULL;
	if (names->len == 1) {
		name = kcl_intern(c, names->items[0].s);
	} else {
		struct kcl_value path = kcl_dict_get(c->package->imports, names->items[0].s);
		p = path.kind == KCL_STR ? kcl_symbols_of(c, path.str->s) : NULL;
		name = kcl_intern(c, names->items[names->len - 1].s);
	}
	struct kcl_symbol *symbol = kcl_symbol_find(p, name);
	return symbol && symbol->kind == KCL_SYMBOL_SCHEMA ? symbol->schema : NULL;
}

static struct kcl_symbol *add_symbol(struct kcl_compiler *c, const char *name)
{
	struct kcl_package_symbols *p = c->package;
	const struct kcl_str *key = kcl_intern(c, name);
	struct kcl_pair *pair = kcl_dict_find(p->by_name, key);
	if (pair)
		return &p->symbols[pair->value.i];
	kcl_dict_append(c->h, p->by_name, key, kcl_int(p->symbols_len));
	PUSH(c->h, p->symbols, p->symbols_len, ((struct kcl_symbol){ .module = c->module }));
	return &p->symbols[p->symbols_len - 1];
}

static void declare_cell(struct kcl_compiler *c, const char *name)
{
	struct kcl_symbol *symbol = add_symbol(c, name);
	if (symbol->global || symbol->schema)
		return;
	struct kcl_program *p = c->program;
	struct kcl_package_code *code = &p->code[c->package - c->packages];
	struct kcl_global_code *global = kcl_alloc(c->h, sizeof(*global));
	global->name = kcl_intern(c, name);
	symbol->global = global;
	symbol->cell = p->cells;
	PUSH(c->h, p->globals, p->cells, global);
	PUSH(c->h, code->globals, code->globals_len, global);
}

static void declare_cells(struct kcl_compiler *c, const struct kcl_stmt *body)
{
	for (const struct kcl_stmt *s = body; s; s = s->next) {
		if (s->kind == KCL_STMT_UNIFICATION) {
			declare_cell(c, s->unification.name.s);
		} else if (s->kind == KCL_STMT_ASSIGN) {
			for (uint32_t i = 0; i < s->assign.len; i++)
				declare_cell(c, s->assign.targets[i].name.s);
		} else if (s->kind == KCL_STMT_AUG_ASSIGN) {
			declare_cell(c, s->aug_assign.target.name.s);
		} else if (s->kind == KCL_STMT_IF) {
			declare_cells(c, s->if_stmt.body);
			declare_cells(c, s->if_stmt.orelse);
		}
	}
}

static void declare_schemas(struct kcl_compiler *c, const struct kcl_stmt *body)
{
	for (const struct kcl_stmt *s = body; s; s = s->next) {
		if (s->kind != KCL_STMT_SCHEMA && s->kind != KCL_STMT_RULE)
			continue;
		struct kcl_symbol *symbol = add_symbol(c, s->kind == KCL_STMT_SCHEMA ? s->schema.name.s : s->rule.name.s);
		if (symbol->schema || symbol->global)
			continue;
		symbol->kind = KCL_SYMBOL_SCHEMA;
		symbol->stmt = s;
		symbol->schema = kcl_alloc(c->h, sizeof(*symbol->schema));
		symbol->schema->number = c->program->schemas++;
	}
}

static void read_imports(struct kcl_compiler *c, const struct kcl_module *m)
{
	for (const struct kcl_stmt *s = m->body; s; s = s->next) {
		if (s->kind == KCL_STMT_IMPORT)
			kcl_dict_set(c->h, c->package->imports, kcl_intern(c, s->import.name), kcl_strz(c->h, s->import.path));
	}
}

/* The files of the main package share their imports, as they are one program in several files. */
static void enter_module(struct kcl_compiler *c, const struct kcl_module *m)
{
	c->module = m;
	if (strcmp(c->package->package->path, "__main__") == 0)
		return;
	c->package->imports = kcl_dict(c->h, 0).dict;
	read_imports(c, m);
}

static void compile_module(struct kcl_compiler *c, uint32_t i)
{
	struct kcl_package_code *code = &c->program->code[c->package - c->packages];
	struct kcl_unit_state unit = { .unit = &code->units[i] };
	struct kcl_scope scope = { 0 };
	enter_module(c, c->package->package->modules[i]);
	c->unit = &unit;
	kcl_scope_enter(c, &scope);
	kcl_compile_body(c, c->module->body, &code->bodies[i]);
	kcl_scope_leave(c);
	c->unit = NULL;
}

static void compile_package(struct kcl_compiler *c)
{
	struct kcl_package_symbols *p = c->package;
	const struct kcl_package *package = p->package;
	struct kcl_package_code *code = &c->program->code[p - c->packages];
	code->path = package->path;
	code->modules_len = package->modules_len;
	code->first_cell = c->program->cells;
	code->units = kcl_alloc(c->h, package->modules_len * sizeof(*code->units));
	code->bodies = kcl_alloc(c->h, package->modules_len * sizeof(*code->bodies));
	for (uint32_t i = 0; i < package->modules_len; i++)
		read_imports(c, package->modules[i]);
	for (uint32_t i = 0; i < package->modules_len; i++) {
		c->module = package->modules[i];
		declare_cells(c, c->module->body);
		declare_schemas(c, c->module->body);
	}
	for (uint32_t i = 0; i < p->symbols_len; i++) {
		if (p->symbols[i].kind != KCL_SYMBOL_SCHEMA)
			continue;
		enter_module(c, p->symbols[i].module);
		kcl_declare_schema(c, &p->symbols[i]);
	}
	for (uint32_t i = 0; i < p->symbols_len; i++) {
		if (p->symbols[i].kind != KCL_SYMBOL_SCHEMA)
			continue;
		enter_module(c, p->symbols[i].module);
		kcl_check_bases(c, p->symbols[i].schema);
		kcl_compile_schema(c, &p->symbols[i]);
	}
	for (uint32_t i = 0; i < package->modules_len; i++)
		compile_module(c, i);
	for (uint32_t i = 0; i < p->symbols_len; i++) {
		if (p->symbols[i].kind == KCL_SYMBOL_SCHEMA)
			kcl_make_layout(c, p->symbols[i].schema);
	}
}

/* ---- the order of packages ---- */

static void visit(const struct kcl_packages *packages, uint32_t i, uint8_t *seen, uint32_t *order, uint32_t *len)
{
	seen[i] = 1;
	const struct kcl_package *p = &packages->items[i];
	for (uint32_t m = 0; m < p->modules_len; m++) {
		for (const struct kcl_stmt *s = p->modules[m]->body; s; s = s->next) {
			if (s->kind != KCL_STMT_IMPORT)
				continue;
			for (uint32_t j = 0; j < packages->len; j++) {
				if (!seen[j] && strcmp(packages->items[j].path, s->import.path) == 0)
					visit(packages, j, seen, order, len);
			}
		}
	}
	order[(*len)++] = i;
}

static uint32_t count_schemas(const struct kcl_packages *packages)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < packages->len; i++) {
		for (uint32_t m = 0; m < packages->items[i].modules_len; m++) {
			for (const struct kcl_stmt *s = packages->items[i].modules[m]->body; s; s = s->next)
				n += s->kind == KCL_STMT_SCHEMA || s->kind == KCL_STMT_RULE;
		}
	}
	return n;
}

void kcl_compile_program(struct kcl_program *p, struct kcl_stop *stop)
{
	uint32_t n = p->packages.len, len = 0;
	struct kcl_compiler c = { .program = p, .stop = stop, .h = p->heap, .packages_len = n };
	c.strings = kcl_dict(c.h, 0).dict;
	c.packages = kcl_alloc(c.h, n * sizeof(*c.packages));
	p->code = kcl_alloc(c.h, n * sizeof(*p->code));
	p->code_len = n;
	uint8_t *seen = kcl_alloc(c.h, n);
	uint32_t *order = kcl_alloc(c.h, n * sizeof(*order));
	visit(&p->packages, 0, seen, order, &len);
	for (uint32_t i = 1; i < n; i++) {
		if (!seen[i])
			visit(&p->packages, i, seen, order, &len);
	}
	kcl_schema_table_init(c.h, &p->schema_table, count_schemas(&p->packages));
	/* What main does not reach does not run. */
	p->code_len = 0;
	for (uint32_t i = 0; i < n; i++) {
		struct kcl_package_symbols *s = &c.packages[i];
		s->package = &p->packages.items[order[i]];
		s->by_name = kcl_dict(c.h, 0).dict;
		s->imports = kcl_dict(c.h, 0).dict;
	}
	for (uint32_t i = 0; i < n; i++) {
		c.package = &c.packages[i];
		compile_package(&c);
		p->code_len = i + 1;
		if (order[i] == 0)
			break;
	}
}
