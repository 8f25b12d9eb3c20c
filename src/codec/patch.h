#ifndef CODEC_PATCH_H
#define CODEC_PATCH_H
/* JSON Patch (RFC 6902) and JSON Merge Patch (RFC 7386) as Kubernetes applies them, which is as
 * gopkg.in/evanphx/json-patch.v4 does. Inputs are not changed; results are new references. */

#include "codec/json.h"

#define JSON_PATCH_OPS_MAX 10000

/* A malformed patch is ERR_BAD_REQUEST, one with too many operations ERR_TOO_LARGE, one that does not apply (missing
 * path, failed test) ERR_INVALID, in that library's words. Beyond the RFC: an index may be negative (from the end),
 * "replace" adds a member that is not there, a missing member tests equal to null and copies as null, a missing value
 * is null. Short of it: the whole document ("") can only be replaced by an object or array and tested. The result may
 * not exceed JSON_TEXT_MAX through repeated copies. */
json_t *json_patch_apply(const json_t *doc, const json_t *patch, struct err *err);
/* Never fails: every value is a merge patch. Where an array takes the place of what is no object, null members of
 * objects in it are dropped, which the RFC would keep. */
json_t *json_merge_patch_apply(const json_t *doc, const json_t *patch);
/* The merge patch that turns from into to; an empty object when they are equal objects, to itself unless both are
 * objects. (to must not hold null members: a merge patch cannot say them.) */
json_t *json_merge_patch_diff(const json_t *from, const json_t *to);

#endif
