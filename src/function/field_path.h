#ifndef FUNCTION_FIELD_PATH_H
#define FUNCTION_FIELD_PATH_H
/* Field paths, as Crossplane writes them: spec.items[0].name, metadata.annotations[example.org/name], spec.items[*].id.
 * Errors are worded as Crossplane words them; what is not there is ERR_NOT_FOUND. */

#include "codec/json.h"

#define FIELD_PATH_SEGMENTS_MAX 256
#define FIELD_PATH_INDEX_MAX 1024

/* The value, borrowed; NULL: err says why. */
json_t *field_path_get(const json_t *object, const char *path, struct err *err);
/* Sets it to value (a reference of its own), making objects and arrays on the way there. */
int field_path_set(json_t *object, const char *path, json_t *value, struct err *err);

struct field_path_merge {
	bool keep;   /* values that are there stay */
	bool append; /* arrays are appended to, except what they hold already */
};
/* The same, but merges with what is there; options NULL: replaces it. */
int field_path_merge(json_t *object, const char *path, json_t *value, const struct field_path_merge *options,
                     struct err *err);
/* The paths that one with wildcards stands for, in order; NULL: err. strv_free(); empty: { NULL }. */
char **field_path_expand(const json_t *object, const char *path, struct err *err);

/* Merges src's members into dst, recursively: a member that dst has stays (keep) or is replaced; arrays are replaced,
 * kept or appended to. */
void json_merge_members(json_t *dst, const json_t *src, const struct field_path_merge *options);

#endif
