#ifndef LANG_KCL_OUTPUT_ENTRIES_H
#define LANG_KCL_OUTPUT_ENTRIES_H
/* Private to output/: which parts of a value a document shows. */

#include "output/plan.h"

static inline bool kcl_is_shown(struct kcl_value v, const struct kcl_write_options *o)
{
	return v.kind != KCL_UNDEFINED && v.kind != KCL_FUNCTION && v.kind != KCL_TYPE &&
	       !(v.kind == KCL_NONE && o->ignore_none);
}

static inline bool kcl_is_pair_shown(const struct kcl_pair *p, const struct kcl_write_options *o)
{
	return kcl_is_shown(p->value, o) && !(o->ignore_private && p->key->s[0] == '_');
}

/* The dict itself, or with its keys in order. */
const struct kcl_dict *kcl_in_order(struct kcl_heap *h, const struct kcl_dict *d, bool sort_keys);

#endif
