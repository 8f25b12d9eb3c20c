#ifndef APISERVER_DOCUMENTS_H
#define APISERVER_DOCUMENTS_H
/* Discovery and OpenAPI documents. Each is made when first asked for and kept until a type changes. */

#include "rest/document.h"
#include "rest/request.h"

struct documents;
struct documents *documents_new(void);
struct documents *documents_free(struct documents *d);

/* The kept document, or the one build() makes now, on one thread at a time for a key; a reference. NULL when build()
 * gives NULL (not kept). */
typedef struct document *(*documents_build)(struct documents *d, struct registry *r, const char *key);
struct document *documents_get(struct documents *d, struct registry *r, const char *key, documents_build build);
/* Of which OpenAPI documents are put together. */
struct openapi_pieces *documents_pieces(struct documents *d);

/* Handlers; on a worker. They answer 404 for groups and versions there are not. */
void handle_discovery(struct api_request *req);
void handle_openapi_v2(struct api_request *req);
void handle_openapi_v3(struct api_request *req);
void handle_version(struct api_request *req);

#endif
