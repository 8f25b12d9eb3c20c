#ifndef CODEC_YAML_STRING_H
#define CODEC_YAML_STRING_H
/* Inside of yaml_write.c: how a string is shown. The styles, the escapes and the places where long lines break are
 * those of go-yaml 2, which kubectl and crossplane print with. */

#include "base/buf.h"

/* Whether it may be a key as it is; others take the "? key" form. */
bool yaml_string_is_simple_key(const char *s, size_t len);

/* Appends the string. Its further lines, if any, are indented by indent. A key is never more than one line. */
void yaml_write_string(struct buf *out, const char *s, size_t len, size_t indent, bool is_key);

#endif
