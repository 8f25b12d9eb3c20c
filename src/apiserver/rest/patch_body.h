#ifndef APISERVER_PATCH_BODY_H
#define APISERVER_PATCH_BODY_H
/* The body of a PATCH: which form it has, and what it makes of an object. */

#include "request.h"

enum patch_form { PATCH_UNSUPPORTED, PATCH_JSON, PATCH_MERGE, PATCH_STRATEGIC, PATCH_APPLY };

/* By the Content-Type, without its parameters; ERR_UNSUPPORTED_MEDIA names what the type accepts. strategic: whether
 * the type is built in. */
int patch_form_of(const struct api_request *req, bool strategic, enum patch_form *ret, struct err *err);
/* Reads it. ERR_BAD_REQUEST for what is no JSON (YAML for apply). */
json_t *patch_body_read(struct api_request *req, enum patch_form form, struct err *err);
/* What patch makes of doc (unchanged), a new reference; not for apply. Errors are in the words of a kube-apiserver:
 * ERR_BAD_REQUEST, ERR_TOO_LARGE, ERR_INVALID (which says little, and is about no field), ERR_UNKNOWN. */
json_t *patch_body_apply(enum patch_form form, const struct schema *schema, const json_t *doc, const json_t *patch,
                         struct err *err);
/* What fieldValidation says of the patch and of the fields of the result that were dropped: warnings, or ERR_INVALID
 * with the cause `patch`. result: the patched object with all its fields. */
int patch_body_report(struct api_request *req, enum patch_form form, const json_t *patch, const json_t *result,
                      const json_t *dropped, struct err *err);
/* The patched object is of no use: ERR_INVALID, cause `patch`, with the object's text (for a strategic merge patch:
 * with the patch) as the value. */
int patch_body_invalid(enum patch_form form, const json_t *patch, const json_t *result, const char *why,
                       struct err *err);

#endif
