#ifndef LANG_KCL_EVAL_LOAD_H
#define LANG_KCL_EVAL_LOAD_H
/* From the sources of a program to the trees of all its packages. */

#include "check/check.h"
#include "value/heap.h"

/* Parses the main package and everything that it imports, near and far; the paths of import statements become the full
 * names of the packages. What is wrong goes to the diagnostics. The modules are the caller's to free. What was loaded
 * when it was stopped is of no use but to be freed. */
void kcl_load(const struct kcl_compile_options *o, struct kcl_stop *stop, struct kcl_heap *h, struct kcl_packages *ret,
              struct kcl_diagnostics *diagnostics);

/* In the main package, `x: S {…}` after `x = S {…}` is one declaration, where the last of them stands (merge.c). */
void kcl_merge_declarations(struct kcl_heap *h, struct kcl_package *main);

/* Changes the trees of the main package as the caller asks (-O; override.c). */
void kcl_apply_overrides(struct kcl_heap *h, struct kcl_package *main, const char *const *specs,
                         struct kcl_diagnostics *diagnostics);

#endif
