#ifndef APISERVER_STRATEGIC_MERGE_H
#define APISERVER_STRATEGIC_MERGE_H
/* Strategic merge patch: lists merged by key, $patch: delete|replace|merge, $deleteFromPrimitiveList,
 * $setElementOrder, $retainKeys (kubernetes community: sig-api-machinery/strategic-merge-patch.md). */

#include "schema/schema.h"

/* doc is unchanged; *ret is a new reference. Without a schema, or where it names no strategy, it acts as a merge patch.
 */
int strategic_merge_apply(const struct schema *schema, const json_t *doc, const json_t *patch, json_t **ret,
                          struct err *err);

#endif
