#ifndef FUNCTION_CALL_H
#define FUNCTION_CALL_H
/* Inside of this folder: one call of a function, and what functions do with requests and responses. A function never
 * changes a value of the request: what it returns shares those it does not change. */

#include "function/function.h"

enum { TARGET_COMPOSITE = 1, TARGET_COMPOSITE_AND_CLAIM = 2 };           /* Target */
enum { CONDITION_UNKNOWN = 1, CONDITION_TRUE = 2, CONDITION_FALSE = 3 }; /* Status */

#define FUNCTION_TTL_S 60
#define FUNCTION_ENVIRONMENT_KEY "apiextensions.crossplane.io/environment"

/* Requests come in two forms, which mean the same. In one, everything is JSON. In the other, what protocol.c calls
 * PB_STRUCT_KEPT (resources and the context) are strings with the bytes of a Struct. Only functions that know it get
 * the second: they pass such a string on as it is, or ask for its object. */

struct function_call {
	struct functions *functions;
	unsigned worker;
	const json_t *request;
	bool kept; /* the request is of the second form */
	json_t *response;
	int64_t deadline_ns;
	const _Atomic bool *cancelled;
};

/* Each fills call->response, which begins as call_begin() makes it. */
typedef void (*function_fn)(struct function_call *call);
void auto_ready_run(struct function_call *call);
void environment_configs_run(struct function_call *call);
void patch_and_transform_run(struct function_call *call);
void kcl_function_run(struct function_call *call);

/* The tag, a time to live, and the desired state and context of the request. */
void call_begin(struct function_call *call);
/* Adds a result that targets the composite. */
void call_result(struct function_call *call, int severity, const char *fmt, ...) _printf_(3, 4);
#define call_fatal(call, ...) call_result(call, FUNCTION_FATAL, __VA_ARGS__)
#define call_warning(call, ...) call_result(call, FUNCTION_WARNING, __VA_ARGS__)

/* Of the request; borrowed; NULL where there is none. state: "observed" or "desired". */
const json_t *call_composite(const struct function_call *call, const char *state);
/* name -> { resource, connection_details, ready } */
const json_t *call_resources(const struct function_call *call, const char *state);
const json_t *call_context(const struct function_call *call, const char *key);

/* A resource or context of the request, of either form; NULL: there is none. Is it bytes? */
bool call_is_kept(const struct function_call *call, const json_t *v);
/* As an object: a new reference, which may be to the request's own. */
json_t *call_struct(const struct function_call *call, const json_t *v);
/* The text at one of its keys; free(). "": there is none. */
char *call_struct_text(const struct function_call *call, const json_t *v, const char *key);

/* Makes the response's desired state this function's own (its first two levels), to be changed. Borrowed. */
json_t *call_own_desired(struct function_call *call);
json_t *call_own_resources(struct function_call *call);
/* Likewise for its context; steals value. */
void call_set_context(struct function_call *call, const char *key, json_t *value);

/* ---- objects of Kubernetes ---- */

/* metadata.name, "" when there is none. */
const char *object_name(const json_t *object);
const char *object_namespace(const json_t *object);
const char *object_annotation(const json_t *object, const char *key);
/* The status ("True", …) of the condition of that type; "" when there is none. */
const char *object_condition(const json_t *object, const char *type);
/* A new reference: a copy of v in which objects within the given depth may be changed. */
json_t *json_copy_levels(const json_t *v, unsigned levels);
/* The keys, sorted by their bytes; borrowed, the array is free()d. */
const char **json_keys_in_order(const json_t *object, size_t *ret_len);
/* A new object with the same members, sorted by their keys' bytes, as upstream's maps come out. */
json_t *json_in_order(const json_t *object);

#endif
