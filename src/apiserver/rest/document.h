#ifndef APISERVER_DOCUMENT_H
#define APISERVER_DOCUMENT_H
/* A text that many clients ask for and that changes seldom (discovery, OpenAPI), up to a hundred megabytes long. Its
 * tag is computed once, its compressed form when first asked for. Shared between threads. */

#include "base/bytes.h"

struct document;
/* Takes a reference of its own to the text. */
struct document *document_new(struct bytes *text);
struct document *document_ref(struct document *d);
/* Accepts NULL; returns NULL. */
struct document *document_unref(struct document *d);
DEFINE_CLEANUP(struct document *, document_unref)

/* Borrowed. */
struct bytes *document_text(const struct document *d);
/* The ETag, in its quotes; borrowed. */
const char *document_tag(const struct document *d);
/* The text as gzip; borrowed. The first call compresses: on a worker. */
struct bytes *document_packed(struct document *d, int level);

#endif
