#ifndef CODEC_POINTER_H
#define CODEC_POINTER_H
/* JSON pointers (RFC 6901). */

#include "codec/json.h"

/* The value, borrowed; NULL when there is none or the pointer is malformed. */
json_t *json_pointer_get(const json_t *doc, const char *pointer);
/* Its reference tokens, unescaped and NULL-terminated; strv_free(). NULL when it is malformed (neither empty nor
 * beginning with '/', or with a '~' not followed by 0 or 1) or has more than JSON_POINTER_TOKENS_MAX tokens. */
char **json_pointer_split(const char *pointer);
#define JSON_POINTER_TOKENS_MAX 1024
/* A token as an index into an array of that size: digits without a leading zero; false when it is none or not below
 * size. */
bool json_pointer_index(const char *token, size_t size, size_t *ret);
/* Escapes one reference token (~ → ~0, / → ~1) onto out. */
void json_pointer_escape(struct buf *out, const char *token);

#endif
