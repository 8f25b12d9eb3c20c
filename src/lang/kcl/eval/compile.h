#ifndef LANG_KCL_EVAL_COMPILE_H
#define LANG_KCL_EVAL_COMPILE_H
/* From checked trees to code: names become slots, captures, cells and constants. Only compile*.c sees this. */

#include "eval/code.h"

#include <stddef.h>

/* Appends to an array with a length, in the heap of the program. Capacities are powers of two. The item may be made of
 * the length before. */
#define PUSH(h, items, len, item)                                                                   \
	do {                                                                                            \
		if (((len) & ((len)-1)) == 0)                                                               \
			(items) = kcl_grow((h), (items), (len), (len) ? (size_t)(len)*2 : 1, sizeof(*(items))); \
		(items)[len] = (item);                                                                      \
		(len)++;                                                                                    \
	} while (0)

/* A global name of a package. */
struct kcl_symbol {
	enum { KCL_SYMBOL_CELL, KCL_SYMBOL_SCHEMA } kind;
	uint32_t cell;
	struct kcl_global_code *global;
	struct kcl_schema_code *schema;
	const struct kcl_stmt *stmt; /* of a schema or rule */
	const struct kcl_module *module;
};

struct kcl_package_symbols {
	const struct kcl_package *package;
	struct kcl_dict *by_name; /* -> index */
	struct kcl_symbol *symbols;
	uint32_t symbols_len;
	struct kcl_dict *imports; /* name -> path, of the file being compiled (of all files in the main package) */
};

struct kcl_variable {
	const struct kcl_str *name;
	uint32_t slot;
	bool may_be_unset;
	bool is_key;  /* an entry of a config block */
	bool is_loop; /* of a comprehension */
};

struct kcl_scope {
	struct kcl_scope *outer;
	struct kcl_unit_state *unit;
	struct kcl_variable *items;
	uint32_t len, saved;
	struct kcl_dict *places; /* name -> its place among the items, once there are many; NULL */
};

struct kcl_unit_state {
	struct kcl_unit_state *outer;
	struct kcl_unit_code *unit;
	uint32_t next;                  /* free local */
	struct kcl_lambda_code *lambda; /* NULL: a file's or a schema's statements */
};

struct kcl_compiler {
	struct kcl_program *program;
	struct kcl_stop *stop;
	struct kcl_heap *h;
	struct kcl_dict *strings; /* interned */
	struct kcl_package_symbols *packages;
	uint32_t packages_len;
	/* where it is */
	struct kcl_package_symbols *package;
	const struct kcl_module *module;
	struct kcl_schema_code *schema; /* NULL outside */
	struct kcl_unit_state *unit;
	struct kcl_scope *scope;
	/* `if`s around the statement, and what they assign */
	struct kcl_guard *guards;
	uint32_t guards_len;
	struct kcl_codes *leaves; /* NULL outside of an `if` */
	bool in_branch;           /* of a lambda's `if` */
};

/* compile.c */
const struct kcl_str *kcl_intern(struct kcl_compiler *c, const char *s);
/* The same for a text of the tree, where NUL is KCL_TREE_NUL. */
const struct kcl_str *kcl_literal(struct kcl_compiler *c, const char *s);
struct kcl_code *kcl_code_new(struct kcl_compiler *c, const struct kcl_span *span, kcl_run_fn run);
/* With room for one member only, for the kinds that most of the nodes are: they take half of the memory. */
#define KCL_CODE_NEW(c, span, run, member) \
	kcl_code_sized(c, span, run, offsetof(struct kcl_code, member) + sizeof(((struct kcl_code *)NULL)->member))
struct kcl_code *kcl_code_sized(struct kcl_compiler *c, const struct kcl_span *span, kcl_run_fn run, size_t size);
struct kcl_code *kcl_code_constant(struct kcl_compiler *c, const struct kcl_span *span, struct kcl_value v);
struct kcl_package_symbols *kcl_symbols_of(struct kcl_compiler *c, const char *path);
struct kcl_symbol *kcl_symbol_find(struct kcl_package_symbols *p, const struct kcl_str *name);
/* The schema that a name stands for; NULL. */
struct kcl_schema_code *kcl_schema_named(struct kcl_compiler *c, const struct kcl_names *names);

/* compile_scope.c */
void kcl_scope_enter(struct kcl_compiler *c, struct kcl_scope *s);
void kcl_scope_leave(struct kcl_compiler *c);
struct kcl_variable *kcl_scope_declare(struct kcl_compiler *c, const struct kcl_str *name);
/* In the innermost scope only. */
struct kcl_variable *kcl_scope_own(struct kcl_compiler *c, const struct kcl_str *name);
bool kcl_scope_is_loop(const struct kcl_compiler *c, const struct kcl_str *name);
bool kcl_schema_declares(const struct kcl_schema_code *s, const struct kcl_str *name);
/* The index of a name in the table of the schema being compiled. */
uint32_t kcl_schema_name(struct kcl_compiler *c, const struct kcl_str *name);
/* What a dotted name stands for. */
struct kcl_code *kcl_compile_name(struct kcl_compiler *c, const struct kcl_names *names, const struct kcl_span *span);

/* compile_expr.c */
struct kcl_code *kcl_compile_expr(struct kcl_compiler *c, const struct kcl_expr *e);
struct kcl_args_code kcl_compile_args(struct kcl_compiler *c, const struct kcl_arguments *a);
const struct kcl_type *kcl_compile_type(struct kcl_compiler *c, const struct kcl_type_expr *t);

/* compile_config.c */
struct kcl_code *kcl_compile_config(struct kcl_compiler *c, const struct kcl_expr *e);
struct kcl_entry_code *kcl_compile_comp_entry(struct kcl_compiler *c, const struct kcl_config_entry *entry);

/* compile_stmt.c */
void kcl_compile_body(struct kcl_compiler *c, const struct kcl_stmt *body, struct kcl_codes *ret);
void kcl_compile_params(struct kcl_compiler *c, const struct kcl_params *params, struct kcl_unit_code *ret);
struct kcl_code *kcl_compile_lambda(struct kcl_compiler *c, const struct kcl_expr *e);
struct kcl_code *kcl_compile_decorators(struct kcl_compiler *c, const struct kcl_decorators *d, const char *attr);

/* compile_schema.c */
void kcl_declare_schema(struct kcl_compiler *c, struct kcl_symbol *symbol);
/* Raises when it has too many bases. */
void kcl_check_bases(struct kcl_compiler *c, const struct kcl_schema_code *s);
void kcl_compile_schema(struct kcl_compiler *c, struct kcl_symbol *symbol);
/* compile_layout.c */
void kcl_make_layout(struct kcl_compiler *c, struct kcl_schema_code *s);

/* Compiles all packages of the program into it. Raises when it is stopped. */
void kcl_compile_program(struct kcl_program *p, struct kcl_stop *stop);
/* Raises when it is to stop. */
static inline void kcl_compile_check(struct kcl_heap *h, struct kcl_stop *stop)
{
	if (kcl_stopped(stop))
		kcl_raise(h, "%s", stop->reason);
}

#endif
