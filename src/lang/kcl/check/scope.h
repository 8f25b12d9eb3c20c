#ifndef LANG_KCL_CHECK_SCOPE_H
#define LANG_KCL_CHECK_SCOPE_H
/* Names and what they stand for, in nested scopes. All memory is of an arena. */

#include "check/type.h"

enum kcl_object_kind {
	KCL_OBJ_VARIABLE,
	KCL_OBJ_ATTRIBUTE,
	KCL_OBJ_DEFINITION,
	KCL_OBJ_PARAMETER,
	KCL_OBJ_ALIAS,
	KCL_OBJ_MODULE
};

struct kcl_object {
	const char *name;
	const struct kcl_type *type;
	enum kcl_object_kind kind;
	const char *file; /* where it is declared; NULL for built-ins */
	struct kcl_span span;
};

struct kcl_scope {
	struct kcl_scope *parent;
	struct kcl_object **items; /* in the order they came */
	uint32_t len, cap;
	uint32_t *index; /* a hash table of positions + 1, once there are many; NULL */
	uint32_t mask;
};

struct kcl_scope *kcl_scope_new(struct arena *arena, struct kcl_scope *parent);
/* In this scope only; NULL. */
struct kcl_object *kcl_scope_find(const struct kcl_scope *s, const char *name);
/* In this one or one around it; NULL. */
struct kcl_object *kcl_scope_lookup(const struct kcl_scope *s, const char *name);
/* Replaces an object of that name. */
struct kcl_object *kcl_scope_put(struct kcl_scope *s, struct arena *arena, const struct kcl_object *object);

#endif
