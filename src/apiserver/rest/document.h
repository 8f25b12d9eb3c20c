#ifndef APISERVER_DOCUMENT_H
#define APISERVER_DOCUMENT_H
/* A text that many clients ask for and that changes seldom (discovery, OpenAPI), up to a hundred megabytes long. Its
 * tag is computed once. It is kept either as it is, with its compressed form once somebody asked for that, or only as
 * pieces that are compressed already. Shared between threads. */

#include "codec/gzip_piece.h"

struct document;
/* Takes a reference of its own to the text. */
struct document *document_new(struct bytes *text);
/* Of pieces behind one another; takes the references and the array over. */
struct document *document_of_pieces(struct gzip_piece *pieces, size_t len);
struct document *document_ref(struct document *d);
/* Accepts NULL; returns NULL. */
struct document *document_unref(struct document *d);
DEFINE_CLEANUP(struct document *, document_unref)

/* The length of the text. */
size_t document_len(const struct document *d);
/* A reference to the text; when it is kept in pieces, it is made now, and only for the caller. */
struct bytes *document_text(const struct document *d);
/* The text when it is kept, borrowed; NULL when only its pieces are. */
struct bytes *document_kept_text(const struct document *d);
/* The ETag, in its quotes; borrowed. */
const char *document_tag(const struct document *d);
/* The text as gzip, as an array of *ret_len references (from malloc()) that belong behind one another. The first call
 * may compress: on a worker. */
struct bytes **document_packed(struct document *d, int level, size_t *ret_len);

#endif
