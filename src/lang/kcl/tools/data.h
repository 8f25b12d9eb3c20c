#ifndef LANG_KCL_TOOLS_DATA_H
#define LANG_KCL_TOOLS_DATA_H
/* Private to tools/: data as the text of a KCL expression, one entry a line, so that a line leads back to what it
 * shows.
 */

#include "value/text.h"

struct kcl_data_text {
	struct kcl_text text;
	unsigned line;         /* at work, from 1 */
	const char **pointers; /* by line: the JSON pointer of what begins there */
	unsigned pointers_cap;
};

/* Appends `attribute = Schema {…}`, or of a list a list of them. The first line is 1. */
void kcl_put_data(struct kcl_data_text *d, const char *attribute, const char *schema, struct kcl_value v);
/* Of a line; "" when there is none. */
const char *kcl_data_pointer(const struct kcl_data_text *d, unsigned line);

#endif
