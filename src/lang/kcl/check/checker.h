#ifndef LANG_KCL_CHECK_CHECKER_H
#define LANG_KCL_CHECK_CHECKER_H
/* Inside of the checker: one walk over the statements of each package, imported ones first, after the schemas and the
 * names of its variables are known. What is found, in which order and where, is as upstream's resolver has it. */

#include "check/check.h"
#include "check/graph.h"
#include "check/scope.h"
#include "check/types.h"

/* A file and the names that its imports stand for. */
struct kcl_checked_module {
	const struct kcl_module *module;
	struct kcl_scope *imports; /* name -> module type */
};

struct kcl_checked_package {
	const struct kcl_package *source;
	struct kcl_checked_module *modules;
	struct kcl_scope *scope;       /* its global names */
	struct kcl_scope *declared;    /* those that the walk has come to */
	struct kcl_scope *lambdas;     /* name -> type of a lambda's parameters, for calls before it is declared */
	struct kcl_scope *definitions; /* name -> struct schema_pair's definition */
	bool is_started;
};

struct kcl_checked {
	struct arena *arena;
	struct kcl_types types;
	struct kcl_checked_package *packages;
	uint32_t packages_len;
	struct kcl_scope *package_index; /* path -> its position, in the object's span.line */
	struct kcl_scope *builtins;
};

/* A schema's type as a definition and as what its instances have; both hold the same. */
struct schema_pair {
	struct kcl_type definition, instance;
	struct kcl_schema_type of_definition, of_instance;
};

/* The schema whose body is walked. */
struct schema_context {
	const struct kcl_schema_type *type;
	struct kcl_scope *inferred; /* attributes that have got a type on the way */
};

/* What is to stand somewhere. */
struct expectation {
	const struct kcl_type *type; /* NULL where none is known */
	const char *file;            /* that says so; NULL: none */
	struct kcl_span span;
};

struct checker {
	struct kcl_checked *out;
	struct kcl_types *types;
	struct arena *arena;
	struct kcl_diagnostics *diagnostics;
	struct kcl_checked_package *package;
	struct kcl_checked_module *module;
	struct kcl_scope *scope;
	unsigned level;                /* of scopes within the package's */
	unsigned muted;                /* nothing is reported */
	size_t suggested;              /* work done for suggestions */
	struct schema_context *schema; /* NULL outside */
	bool is_store;                 /* names are on the left side of an assignment */
	struct kcl_span here;          /* the statement or name that is looked at */
	const char **loop_vars;
	uint32_t loop_vars_len, loop_vars_cap;
	struct expectation *expected; /* of the configs around */
	uint32_t expected_len, expected_cap;
	struct kcl_graph imports, inheritance;
};

/* ---- reporting (check.c) ---- */

/* Once for a place and message: NULL when it has been reported before, or nothing is. */
struct kcl_diagnostic *check_error(struct checker *c, const char *code, const struct kcl_span *span, const char *fmt,
                                   ...) _printf_(4, 5);
/* Adds to an error, or to none, where a variable was declared, and how to make it one that can be changed. */
void check_note_immutable(struct kcl_diagnostic *d, const struct kcl_object *declared, const char *how);
/* At every place of a circle that `from` is in, if it is in one; what: "schemas", "modules", … */
void check_circle(struct checker *c, struct kcl_graph *graph, const char *from, const char *what);
/* Whether an error would be kept: what only a message needs is not to be made for the thousandth of them. */
bool check_is_told(const struct checker *c);
/* A type as messages name it; "" when no message is kept. */
const char *check_shown(struct checker *c, const struct kcl_type *t);

static inline const struct kcl_type *check_any(void)
{
	return kcl_type_basic(KCL_T_ANY);
}

/* ---- scopes ---- */

void check_enter(struct checker *c);
void check_leave(struct checker *c);
void check_declare(struct checker *c, const char *name, const struct kcl_type *type, enum kcl_object_kind kind,
                   const struct kcl_span *span);
void check_add_loop_var(struct checker *c, const char *name);
bool check_is_loop_var(const struct checker *c, const char *name);

/* ---- names (resolve.c) ---- */

/* The type of a.b.c, with errors at span. */
const struct kcl_type *check_names(struct checker *c, const struct kcl_names *names, const char *package,
                                   const struct kcl_span *span);
const struct kcl_type *check_name(struct checker *c, const char *name, const char *package,
                                  const struct kcl_span *span);
const struct kcl_type *check_lookup(struct checker *c, const char *name, const struct kcl_span *span);
struct kcl_span check_names_span(const struct kcl_names *names);
/* The package that the first of several names stands for, or NULL. */
const char *check_package_of(struct checker *c, const struct kcl_names *names);
const struct kcl_type *check_target(struct checker *c, const struct kcl_target *target);
const struct kcl_type *check_type_expr(struct checker *c, const struct kcl_type_expr *t, const struct kcl_span *span);
/* Of the schema around; NULL when it has none of that name. */
const struct kcl_type *check_own_attr(const struct checker *c, const char *name);
void check_set_own_attr(struct checker *c, const char *name, const struct kcl_type *type);
/* Gives an object of this scope the type of its first value. */
void check_infer(struct checker *c, const char *name, const struct kcl_type *type, const struct kcl_span *span);
void check_unique(struct checker *c, const char *name, const struct kcl_span *span);
struct kcl_checked_package *check_find_package(struct kcl_checked *out, const char *path);

/* ---- packages and what they define (globals.c, define.c) ---- */

void check_package(struct checker *c, struct kcl_checked_package *package);
void check_define_globals(struct checker *c);
void check_define_schemas(struct checker *c);
const struct kcl_type *check_instance(const struct kcl_type *t);
/* Functions of parameters as declared. */
const struct kcl_type *check_function_type(struct checker *c, const struct kcl_params *params,
                                           const struct kcl_type *result, bool instances);

/* ---- statements and expressions ---- */

const struct kcl_type *check_stmt(struct checker *c, const struct kcl_stmt *s);
/* Of the last one; ANY for none. */
const struct kcl_type *check_stmts(struct checker *c, const struct kcl_stmt *s);
void check_schema(struct checker *c, const struct kcl_stmt *s);
void check_rule(struct checker *c, const struct kcl_stmt *s);
void check_params(struct checker *c, const struct kcl_params *params);
void check_decorators(struct checker *c, const struct kcl_decorators *decorators);

const struct kcl_type *check_expr(struct checker *c, const struct kcl_expr *e);
/* As upstream's: a name's error is then at c->here, and not at the name. NULL gives ANY. */
const struct kcl_type *check_optional_expr(struct checker *c, const struct kcl_expr *e);
/* With what is expected of a config in it. */
const struct kcl_type *check_expecting(struct checker *c, const struct kcl_expr *e, const struct kcl_type *expected);
/* Then whether it may stand there, too. */
const struct kcl_type *check_expr_as(struct checker *c, const struct kcl_expr *e, const struct kcl_type *expected,
                                     const struct kcl_span *span);
void check_must_be(struct checker *c, const struct kcl_expr *e, const struct kcl_type *expected);
const struct kcl_type *check_comprehension(struct checker *c, const struct kcl_expr *e);
const struct kcl_type *check_quantifier(struct checker *c, const struct kcl_expr *e);
const struct kcl_type *check_lambda(struct checker *c, const struct kcl_expr *e);
const struct kcl_type *check_call(struct checker *c, const struct kcl_expr *e);
const struct kcl_type *check_schema_expr(struct checker *c, const struct kcl_expr *e);
void check_arguments(struct checker *c, const struct kcl_expr *callee, const struct kcl_arguments *args,
                     const struct kcl_type *function, const struct kcl_span *span);

/* ---- configs (config.c) ---- */

void check_expect(struct checker *c, const struct kcl_type *type); /* NULL: nothing */
void check_expect_at(struct checker *c, const struct kcl_type *type, const char *file, const struct kcl_span *span);
void check_expect_end(struct checker *c, uint32_t n);
const struct kcl_type *check_expected(const struct checker *c);
/* Expects what the config's type has for the key; pushes one. */
void check_expect_key(struct checker *c, const char *key);
const struct kcl_type *check_entries(struct checker *c, const struct kcl_config_entry *entries);
void check_config_attr(struct checker *c, const char *attr, const struct kcl_type *type, const struct kcl_span *span);
void check_key_type(struct checker *c, const struct kcl_type *type, const struct kcl_span *span);
/* Of what `**` unpacks, or NULL, reported. */
const struct kcl_type *check_unpacked_key(struct checker *c, const struct kcl_type *type, const struct kcl_span *span);
const struct kcl_type *check_schema_value(const struct kcl_schema_type *s);

/* ---- relations and operators (assign.c, operators.c, attr.c) ---- */

bool check_fits(struct checker *c, const struct kcl_type *type, const struct kcl_type *expected,
                const struct kcl_span *span);
/* Reports when it does not fit. */
void check_assignable(struct checker *c, const struct kcl_type *type, const struct kcl_type *expected,
                      const struct kcl_span *span);
const struct kcl_type *check_binary(struct checker *c, enum kcl_binary_op op, const struct kcl_type *a,
                                    const struct kcl_type *b, const struct kcl_span *span);
const struct kcl_type *check_logic(struct checker *c, bool is_or, const struct kcl_type *a, const struct kcl_type *b);
const struct kcl_type *check_as(struct checker *c, const struct kcl_type *from, const struct kcl_type *to,
                                const struct kcl_span *span);
const struct kcl_type *check_unary(struct checker *c, enum kcl_unary_op op, const struct kcl_type *t,
                                   const struct kcl_span *span);
void check_compare(struct checker *c, enum kcl_compare_op op, const struct kcl_type *a, const struct kcl_type *b,
                   const struct kcl_span *span);
const struct kcl_type *check_attr(struct checker *c, const struct kcl_type *t, const char *attr,
                                  const struct kcl_span *span);
const struct kcl_type *check_index(struct checker *c, const struct kcl_type *t, const struct kcl_expr *index,
                                   const struct kcl_span *span);
const struct kcl_type *check_subscript(struct checker *c, const struct kcl_expr *e);

/* ---- built-in names (builtin_types.c) ---- */

struct kcl_scope *check_builtin_scope(struct checker *c);
const struct kcl_type *check_str_method(struct checker *c, const char *name);
/* NULL when the module has none of that name. */
const struct kcl_type *check_module_member(struct checker *c, const char *module, const char *name);
bool check_is_system_module(const char *name);
/* NULL when there is no such decorator. */
const struct kcl_type *check_decorator_type(struct checker *c, const char *name);
const struct kcl_type *check_any_function(struct checker *c);

#endif
