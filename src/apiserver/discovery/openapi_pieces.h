#ifndef APISERVER_OPENAPI_PIECES_H
#define APISERVER_OPENAPI_PIECES_H
/* OpenAPI documents put together from pieces. The paths and schemas of a type in a version are written and compressed
 * once and kept until the type changes, a tenth of their text; so a new CRD costs its own piece, not that of two
 * thousand others, and a document is kept as nothing but its pieces. Thread-safe. */

#include "openapi.h"
#include "rest/document.h"

struct openapi_pieces;
struct openapi_pieces *openapi_pieces_new(void);
struct openapi_pieces *openapi_pieces_free(struct openapi_pieces *p);

/* The document of all types in all their versions (group and version NULL), or that of one group and version. NULL: it
 * would be empty, or longer than OPENAPI_MAX. */
struct document *openapi_pieces_document(struct openapi_pieces *p, struct registry *r, const struct openapi_form *form,
                                         const char *group, const char *version);

#endif
