#ifndef LANG_KCL_EVAL_RUN_H
#define LANG_KCL_EVAL_RUN_H
/* Running code. Only eval/ sees this. */

#include "eval/code.h"
#include "stdlib/stdlib.h"

struct kcl_frame {
	struct kcl_value *locals;
	const struct kcl_value *captured;
	struct kcl_instance *instance; /* whose attributes names are; NULL */
	const struct kcl_owner *owner; /* the schema of the instance whose code this is */
};

/* A schema while it is evaluated. */
struct kcl_instance {
	const struct kcl_layout *layout;
	struct kcl_cell *cells; /* one for a slot of the layout */
	const struct kcl_dict *config;
	struct kcl_dict *extra;    /* attributes of the configuration that no slot has; NULL */
	struct kcl_value **params; /* arguments, by owner */
	struct kcl_list args;
	struct kcl_dict *kwargs;
	struct kcl_value key; /* of the index signature, while its checks run */
	const struct kcl_place *place;
};

/* Made by a lambda expression; kcl_function.closure. */
struct kcl_closure {
	struct kcl_instance *instance;
	const struct kcl_owner *owner;
	struct kcl_value captured[];
};

/* A cell whose setter runs; outermost last. */
struct kcl_resolving {
	struct kcl_resolving *outer;
	struct kcl_cell *cell;
	uint32_t hidden; /* before */
};

/* A call, for the backtrace of -d. */
struct kcl_call_record {
	const char *caller;        /* the function that called */
	const struct kcl_code *at; /* where it did */
};

struct kcl_vm {
	struct kcl_heap *h;
	const struct kcl_program *program;
	const struct kcl_eval_options *options;
	struct kcl_diagnostics *diagnostics; /* for warnings */
	const struct kcl_code *at;           /* what was begun last: where an error is */
	const struct kcl_place *error_place; /* NULL: at */
	const struct kcl_place *check_place; /* of the instance that a check rejected; NULL */
	struct kcl_cell *cells;
	struct kcl_resolving *resolving;
	const char *function;          /* the one that runs, with -d */
	struct kcl_call_record *calls; /* outermost first, with -d */
	uint32_t calls_len, calls_cap;
	unsigned depth, depth_max;
	unsigned schemas, schema_exprs; /* nested ones */
	struct kcl_list **instances;    /* by number of the schema; NULL */
	struct kcl_dict *given;         /* options converted so far */
	char *log;
	size_t log_len, log_cap;
	struct kcl_list scalars; /* values of expression statements */
	int64_t schema_scalar;   /* the one of a schema expression; -1 */
	bool has_stream;
	struct kcl_value stream, stream_options;
};

/* run_expr.c */
struct kcl_value kcl_run_local(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_unset(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_local_or(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_captured(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_captured_or(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_global(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_attr(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_constant(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_index_key(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_select(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_unary(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_binary(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_union(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_augmented(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_and(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_or(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_compare(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_as(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_ternary(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_subscript(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_slice(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_joined(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_load_attr(struct kcl_vm *vm, struct kcl_value v, const struct kcl_str *name);

/* run_collection.c */
struct kcl_value kcl_run_list(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_list_if(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_starred(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_list_comp(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_dict_comp(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_quantifier(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_config(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);

/* run_call.c */
struct kcl_value kcl_run_call(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_lambda(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_schema(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_call(struct kcl_vm *vm, struct kcl_value callee, const struct kcl_args *args);
/* Arguments into the first locals, with defaults and types. */
void kcl_bind_params(struct kcl_vm *vm, const struct kcl_unit_code *unit, const struct kcl_args *args, bool check_types,
                     struct kcl_frame *f);
void kcl_eval_args(struct kcl_vm *vm, const struct kcl_args_code *code, struct kcl_frame *f, struct kcl_args *ret);

/* run_stmt.c */
struct kcl_value kcl_run_exprs(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_assign_local(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f); /* assign.c */
struct kcl_value kcl_run_assign_cell(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);  /* vm.c */
/* A function begins and ends, when a backtrace is wanted. */
void kcl_record_call(struct kcl_vm *vm, const char *function);
void kcl_record_return(struct kcl_vm *vm);

/* cells.c */
struct kcl_value kcl_run_assert(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_if(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_decorator(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);
struct kcl_value kcl_run_body(struct kcl_vm *vm, const struct kcl_codes *body, struct kcl_frame *f);

/* cells.c */
struct kcl_value kcl_read_global(struct kcl_vm *vm, uint32_t cell);
struct kcl_value kcl_read_attr(struct kcl_vm *vm, struct kcl_instance *inst, uint32_t slot);
/* Restores what was being resolved when a handler of failures was set. */
void kcl_unwind_cells(struct kcl_vm *vm, struct kcl_resolving *until);

/* assign.c */
/* The value that a cell has once one of its setters has run; f's frame is that of the setter's statement. */
struct kcl_value kcl_apply_setter(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_cell *cell,
                                  const struct kcl_slot_code *slot, struct kcl_frame *f);

/* schema.c */
/* A new instance, checked. config may be changed by nobody afterwards. */
struct kcl_value kcl_instantiate(struct kcl_vm *vm, const struct kcl_schema_code *s, const struct kcl_dict *config,
                                 const struct kcl_args *args, const struct kcl_place *place);
const struct kcl_place *kcl_place_here(struct kcl_vm *vm);
/* Whether a file, as code names it, is of the main package. */
bool kcl_is_main_file(const struct kcl_program *p, const char *file);

/* convert.c */
/* The value as one of the type: dicts become instances of schemas. Raises when it is none; strict: an instance must be
 * of that very schema. */
struct kcl_value kcl_convert(struct kcl_vm *vm, struct kcl_value v, const struct kcl_type *t, bool strict);

/* Where locals of a unit live: on the C stack while they are few. */
#define LOCALS_ON_STACK 64
#define LOCALS_NEW(vm, n)                                                            \
	((n) <= LOCALS_ON_STACK ? __builtin_alloca(((n) + 1) * sizeof(struct kcl_value)) \
	                        : kcl_alloc_raw((vm)->h, ((n) + 1) * sizeof(struct kcl_value)))

static inline void kcl_unset_locals(struct kcl_value *locals, uint32_t from, uint32_t n)
{
	for (uint32_t i = from; i < n; i++)
		locals[i] = (struct kcl_value){ .kind = KCL_UNSET };
}

#endif
