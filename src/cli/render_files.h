#ifndef CLI_RENDER_FILES_H
#define CLI_RENDER_FILES_H
/* Inside of `scia render`: what it reads, with the mistakes told as `crossplane render` tells them. */

#include "function/render.h"

struct render_paths {
	const char *xr, *composition, *functions;
	const char *observed, *credentials, *schemas, *xrd; /* NULL: none */
	char **required, **extra;                           /* each a file or folder; NULL: none */
	char **context_files, **context_values;             /* "key=FILE", "key=TEXT"; NULL: none */
	char **annotations;                                 /* "key=value", set on each function; NULL: none */
};

struct render_files {
	json_t *xr, *composition, *functions, *observed, *required, *extra, *credentials, *context, *schemas, *xrd;
};

int render_files_load(const struct render_paths *paths, struct render_files *f, struct err *err);
void render_files_clear(struct render_files *f);

#endif
