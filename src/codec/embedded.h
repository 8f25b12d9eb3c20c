#ifndef CODEC_EMBEDDED_H
#define CODEC_EMBEDDED_H
/* Files of the project that are part of the program (tools/embed-file makes them): CRDs, rules, built-in schemas.
 * Those that are read at each start were made JSON when the program was built. */

#include <stddef.h>

struct embedded_file {
	const char *name; /* without folder, as in the sources; NULL ends an array */
	const char *text; /* NUL-terminated */
	size_t len;
};

#endif
