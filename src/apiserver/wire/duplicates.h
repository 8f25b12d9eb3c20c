#ifndef APISERVER_DUPLICATES_H
#define APISERVER_DUPLICATES_H
/* Repeated keys of a JSON text, which a parser no longer knows of. */

#include <stddef.h>

/* Paths of the repeated keys ("spec.parts[0].name"), each once, in the order of the text; at most 64; NULL when there
 * are none. The text must be valid JSON. Free with strv_free(). */
char **json_duplicate_fields(const char *text, size_t len);

#endif
