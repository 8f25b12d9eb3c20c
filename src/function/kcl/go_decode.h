#ifndef FUNCTION_KCL_GO_DECODE_H
#define FUNCTION_KCL_GO_DECODE_H
/* Whether Go's encoding/json would decode a value into a type, and the words in which it refuses: upstream decodes the
 * special items of a program's result into structs, and its messages reach the user. */

#include "base/err.h"
#include "codec/json.h"

struct go_type {
	const char *name; /* as Go shows it: "resource.Condition" */
	enum { GO_STRING, GO_BOOL, GO_STRUCT, GO_MAP, GO_LIST, GO_ANY } kind;
	const struct go_type *element; /* of a map or a list */
	const struct go_member {
		const char *key; /* as in JSON; NULL ends them */
		const struct go_type *type;
	} * members; /* of a struct; other keys are ignored */
};

extern const struct go_type GO_EXTRA_REQUIREMENTS, GO_REQUIRED_REQUIREMENTS, GO_CONDITIONS, GO_EVENTS, GO_OBJECT;

/* -1: "json: cannot unmarshal number into Go struct field Condition.condition.status of type v1.ConditionStatus"; of
 * several faults the first in the order of the keys. */
int go_decodes(const json_t *value, const struct go_type *type, struct err *err);

#endif
