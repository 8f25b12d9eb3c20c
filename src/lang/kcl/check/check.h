#ifndef LANG_KCL_CHECK_CHECK_H
#define LANG_KCL_CHECK_CHECK_H
/* Names and static types of a whole program, before it runs. */

#include "check/type.h"
#include "stop.h"

struct kcl_package {
	const char *path; /* "__main__", "a.b", "k8s.api.core.v1" */
	struct kcl_module **modules;
	uint32_t modules_len;
};

/* What was parsed: packages[0] is the main one; every package that an import names is there, or is a system module, or
 * was reported by the loader. */
struct kcl_packages {
	struct kcl_package *items;
	uint32_t len;
};

struct kcl_checked;

/* Resolves names, types and schemas of all packages; errors and warnings go to diagnostics. The result is always given;
 * it (and what it refers to in the packages) is to outlive whoever uses its types. When it is stopped, it leaves
 * unchecked what it has not come to. stop: NULL: never. */
struct kcl_checked *kcl_check(const struct kcl_packages *packages, struct kcl_stop *stop,
                              struct kcl_diagnostics *diagnostics);
struct kcl_checked *kcl_checked_free(struct kcl_checked *c);
DEFINE_CLEANUP(struct kcl_checked *, kcl_checked_free)
/* Bytes that it takes. */
size_t kcl_checked_size(const struct kcl_checked *c);

/* The type that a global name of a package stands for (schema, rule, alias), NULL. */
const struct kcl_type *kcl_checked_type(const struct kcl_checked *c, const char *package, const char *name);
/* The type that was written, resolved in the scope of the package and file; ANY for NULL. */
const struct kcl_type *kcl_checked_written(const struct kcl_checked *c, const struct kcl_module *m,
                                           const struct kcl_type_expr *t);
/* The package that a name imported by this file stands for; NULL. */
const char *kcl_checked_import(const struct kcl_checked *c, const struct kcl_module *m, const char *name);

#endif
