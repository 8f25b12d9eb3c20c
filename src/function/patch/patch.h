#ifndef FUNCTION_PATCH_PATCH_H
#define FUNCTION_PATCH_PATCH_H
/* function-patch-and-transform: resources from templates and patches between the composite, its resources and the
 * environment. validate.c: is the input sound? patch_and_transform.c: the function; apply.c: one patch; transform.c and
 * transform_string.c: what happens to a value on its way; go_sprintf.c: Go's formats; connection.c, readiness.c.
 *
 * Numbers: Crossplane's functions see all numbers of a request as float64, as protobuf's Struct has no others, and
 * those who write formats know it (%d of 3 is "%!d(float64=3)"). So transforms begin with reals, and integers are what
 * transforms made to be integers. */

#include "codec/json.h"

/* Says what is wrong first, with its field, as Kubernetes' field errors do. */
int patch_validate_input(const json_t *input, struct err *err);
int patch_validate_connection_detail(const json_t *detail, struct err *err);
int patch_validate_readiness_check(const json_t *check, struct err *err);

/* FromCompositeFieldPath when it does not say. */
const char *patch_type(const json_t *patch);
bool patch_is_required(const json_t *patch);
/* One patch from object to object. ERR_NOT_FOUND: what it is from is not there. */
int patch_apply_from_field_path(const json_t *patch, const json_t *from, json_t *to, struct err *err);
int patch_apply_combine(const json_t *patch, const json_t *from, json_t *to, struct err *err);

/* A new reference; NULL: err. Transforms in order, from the value (whose numbers become reals). */
json_t *transform_all(const json_t *transforms, const json_t *value, struct err *err);
json_t *transform_string(const json_t *config, const json_t *input, struct err *err);
/* Go's regexp over text: groups as an array of strings (those that took no part are ""); NULL and err clear: no match;
 * NULL and err: the expression does not compile, or takes too long. */
json_t *transform_regexp(const char *expression, const char *text, struct err *err);
bool transform_regexp_is_valid(const char *expression);

/* A new reference: every number a real / every number without a fraction an integer, as after Go's JSON. */
json_t *numbers_as_reals(const json_t *v);
json_t *numbers_as_json(const json_t *v);
/* "int64", "float64", … */
const char *transform_type_name(const json_t *v);

/* fmt.Sprintf; free(). At most 1 MiB. */
char *go_sprintf(const char *format, json_t *const *values, size_t len);
/* fmt.Sprintf("%v"); free(). */
char *go_sprint(const json_t *v);

/* Connection details (key -> base64) of an observed resource by the template's configs; NULL: err. */
json_t *connection_extract(const json_t *object, const json_t *details, const json_t *configs, struct err *err);
/* The Secret that stands for the connection details of a composite that can have none; NULL: err. */
json_t *connection_secret(const json_t *xr, const json_t *details, const json_t *ref, struct err *err);

/* 1, 0; -1: err. */
int readiness_is_ready(const json_t *object, const json_t *checks, struct err *err);

#endif
