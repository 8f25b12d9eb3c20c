#ifndef LANG_KCL_EVAL_VM_H
#define LANG_KCL_EVAL_VM_H
/* One run of a program. */

#include "eval/run.h"

#define KCL_DEPTH_DEFAULT 1000

/* Raises when memory runs out, like the two below. */
void kcl_vm_init(struct kcl_vm *vm, struct kcl_heap *h, const struct kcl_program *p, const struct kcl_eval_options *o,
                 struct kcl_diagnostics *diagnostics);
void kcl_vm_run(struct kcl_vm *vm);
/* Everything that the main package gives, before it is planned. */
struct kcl_value kcl_vm_exported(struct kcl_vm *vm);
/* Adds a failure to the diagnostics, with its place. */
void kcl_vm_report(struct kcl_vm *vm, const struct kcl_failure *f);

#endif
