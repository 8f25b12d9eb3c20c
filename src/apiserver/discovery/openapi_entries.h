#ifndef APISERVER_OPENAPI_ENTRIES_H
#define APISERVER_OPENAPI_ENTRIES_H
/* The pieces that OpenAPI documents are put together from, and the place where they are kept. */

#include "base/map.h"
#include "openapi_pieces.h"

/* The paths and schemas of a type in a version, or of all built-in types of a document; compressed. Immutable. */
struct openapi_entries {
	atomic_size_t refs;
	struct api_type *type; /* NULL: built-in ones, which do not change */
	struct gzip_piece paths, schemas;
	char **names; /* of the schemas; NULL: none */
};
struct openapi_entries *openapi_entries_ref(struct openapi_entries *e);
void openapi_entries_unref(struct openapi_entries *e);

/* What a thread makes them with. */
struct openapi_writer {
	const struct openapi_form *form;
	struct gzip_packer *packer; /* once something is compressed; openapi_writer_packer() */
};
struct gzip_packer *openapi_writer_packer(struct openapi_writer *w);

/* Takes the values. skip (may be NULL): names of schemas that are in the document already. NULL when they are too long.
 */
struct openapi_entries *openapi_entries_new(struct openapi_writer *w, json_t *paths, json_t *schemas,
                                            const struct map *skip);
struct openapi_entries *openapi_entries_of_type(struct openapi_writer *w, struct api_type *t,
                                                const struct api_version *v, const struct map *skip);

/* What is kept of a type (NULL: of built-in ones) under a key, a reference; NULL: nothing. */
struct openapi_entries *openapi_pieces_find(struct openapi_pieces *p, const char *key, const struct api_type *type);
/* Takes a reference of its own, unless too much is kept already. */
void openapi_pieces_keep(struct openapi_pieces *p, const char *key, struct openapi_entries *e);
/* Forgets types that are gone or have changed. */
void openapi_pieces_drop_old(struct openapi_pieces *p, struct registry *r);

#endif
