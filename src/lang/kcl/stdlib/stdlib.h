#ifndef LANG_KCL_STDLIB_STDLIB_H
#define LANG_KCL_STDLIB_STDLIB_H
/* Built-in functions, the methods of strings, and the system modules (base64, crypto, …). Each is a row of a table: its
 * name, its type as the checker reads it, and the C function. */

#include "value/value.h"

struct kcl_builtin {
	const char *name;
	/* A function type written in KCL, parameter names included: "(value: str, encoding?: str) -> str"; "?" marks one
	 * that may be left out, "*" before the name takes the rest ("(*args: any) -> NoneType"). Constants of a module have
	 * a plain type ("float"). */
	const char *type;
	kcl_builtin_fn call; /* NULL for a constant */
	struct kcl_value (*constant)(struct kcl_heap *h);
	const char *doc; /* one line */
};

/* NULL when there is none. */
const struct kcl_builtin *kcl_builtin(const char *name);
const struct kcl_builtin *kcl_str_method(const char *name);
bool kcl_is_system_module(const char *name);
const struct kcl_builtin *kcl_module_member(const char *module, const char *name);
/* NULL-named end; for the checker, doc and completion. */
const struct kcl_builtin *kcl_builtins(void);
const struct kcl_builtin *kcl_module_members(const char *module);

/* ---- what the evaluator gives them (eval/vm.c) ---- */

struct kcl_heap *kcl_vm_heap(struct kcl_vm *vm);
const struct kcl_eval_options *kcl_vm_options(const struct kcl_vm *vm);
/* The file that is run at the moment. */
const char *kcl_vm_file(const struct kcl_vm *vm);
/* option(name): UNDEFINED when it was not given. */
struct kcl_value kcl_vm_option(struct kcl_vm *vm, const char *name);
/* Appends to what print() wrote. */
void kcl_vm_print(struct kcl_vm *vm, const char *s, size_t len);
/* manifests.yaml_stream(): replaces the documents that the program gives. */
void kcl_vm_set_stream(struct kcl_vm *vm, struct kcl_value documents, struct kcl_value options);
/* Calls a lambda, a schema or a built-in. */
struct kcl_value kcl_vm_call(struct kcl_vm *vm, struct kcl_value function, const struct kcl_args *args);
/* The type of a lambda's parameter; NULL when it has none. */
const struct kcl_type *kcl_vm_param_type(struct kcl_value function, uint32_t i);
/* Calls it without arguments. The message when it fails (what it did is undone), UNDEFINED when it does not. */
struct kcl_value kcl_vm_catch(struct kcl_vm *vm, struct kcl_value function);
/* Runs a schema's instance again with another config, for union. */
struct kcl_value kcl_vm_reconfigure(struct kcl_vm *vm, const struct kcl_schema_value *s, const struct kcl_dict *config);

#endif
