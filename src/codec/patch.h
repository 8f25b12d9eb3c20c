#ifndef CODEC_PATCH_H
#define CODEC_PATCH_H
/* JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7386). Inputs are not changed; results are new references. */

#include "codec/json.h"

#define JSON_PATCH_OPS_MAX 10000

/* A malformed patch is ERR_BAD_REQUEST, one that does not apply (missing path, failed test) ERR_INVALID; both name the
 * operation by its index and path. The result may not exceed JSON_TEXT_MAX through repeated copies. */
json_t *json_patch_apply(const json_t *doc, const json_t *patch, struct err *err);
/* Never fails: every value is a merge patch. */
json_t *json_merge_patch_apply(const json_t *doc, const json_t *patch);
/* The merge patch that turns from into to; an empty object when they are equal objects, to itself unless both are
 * objects. (to must not hold null members: a merge patch cannot say them.) */
json_t *json_merge_patch_diff(const json_t *from, const json_t *to);

#endif
