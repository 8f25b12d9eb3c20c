#ifndef LANG_KCL_STDLIB_JSON_FAULT_H
#define LANG_KCL_STDLIB_JSON_FAULT_H
/* What is wrong with a text that should be JSON, in the words and at the place of serde_json, which upstream reads it
 * with: programs and tests compare its messages. */

#include <stdbool.h>
#include <stddef.h>

#define KCL_JSON_DEPTH 128 /* of collections in each other, which is one too many */

struct kcl_json_fault {
	const char *what; /* "EOF while parsing an object" */
	size_t line, column;
};

/* False: nothing is wrong. */
bool kcl_json_fault(const char *text, size_t len, struct kcl_json_fault *ret);

#endif
