#ifndef CODEC_POINTER_H
#define CODEC_POINTER_H
/* JSON pointers (RFC 6901). */

#include "codec/json.h"

/* The value, borrowed; NULL when there is none or the pointer is malformed. */
json_t *json_pointer_get(const json_t *doc, const char *pointer);
/* Escapes one reference token (~ → ~0, / → ~1) onto out. */
void json_pointer_escape(struct buf *out, const char *token);

#endif
