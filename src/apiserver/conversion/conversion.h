#ifndef APISERVER_CONVERSION_H
#define APISERVER_CONVERSION_H
/* Conversion of custom resources between versions by the webhook of their CRD (docs/internals/conversion.md). */

#include "codec/json.h"
#include "store/store.h"

struct conversion;

/* webhook: spec.conversion.webhook of the CRD, valid. ERR_INVALID when its client cannot be made. A reference. */
int conversion_new(const json_t *webhook, struct conversion **ret, struct err *err);
struct conversion *conversion_ref(struct conversion *c);
struct conversion *conversion_unref(struct conversion *c);
DEFINE_CLEANUP(struct conversion *, conversion_unref)

/* Puts objects of this version in the place of those that have another one: a reference each, the old ones are dropped.
 * One call of the webhook, none when all have it; on failure nothing is replaced, and err is ERR_INTERNAL in the words
 * of a kube-apiserver. Blocks, up to 30 seconds: only on threads that may wait. */
int conversion_run(struct conversion *c, struct store *store, const char *api_version, json_t **objs, size_t len,
                   struct err *err);

#endif
