#ifndef CODEC_JSON_INDENT_H
#define CODEC_JSON_INDENT_H
/* JSON text put on lines, without taking it apart. */

#include "base/bytes.h"

/* The text, which must be valid JSON without white space between its tokens, with two spaces a level, as Go's
 * json.MarshalIndent() writes it. A new reference. */
struct bytes *json_indent_text(const char *text, size_t len);

#endif
