#ifndef APISERVER_STRATEGIC_LIST_H
#define APISERVER_STRATEGIC_LIST_H
/* The lists of a strategic merge patch: merged by key or as sets, and put into order. */

#include "schema/schema.h"

/* A new list, or NULL. s is the list's schema. delete: the patch names scalars to be taken out. */
json_t *strategic_list_merge(const struct schema *s, const json_t *old, const json_t *patch, bool delete,
                             struct err *err);
/* The patch's elements must all be in the wanted order, in that order. patch may be NULL. */
int strategic_list_check_order(const struct schema *s, const json_t *patch, const json_t *order, struct err *err);
/* merged with its elements as `order` says, and those only the server has between them as they were in old (may be
 * NULL). A new list or NULL. */
json_t *strategic_list_order(const struct schema *s, const json_t *merged, const json_t *order, const json_t *old,
                             struct err *err);

/* A $patch that is neither of the known directives; -1. */
int strategic_unknown_directive(const json_t *patch, struct err *err);

/* Maps; in strategic_merge.c. */
int strategic_map_merge(const struct schema *s, const json_t *old, const json_t *patch, json_t **ret, struct err *err);

#endif
