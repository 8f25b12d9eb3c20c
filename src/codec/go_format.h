#ifndef CODEC_GO_FORMAT_H
#define CODEC_GO_FORMAT_H
/* JSON values as Go's fmt prints them: many of Kubernetes' messages show values that way. Texts are cut at 64 KiB. */

#include "codec/json.h"

/* %v: text, 12, 1.5, true, <nil>, [1 2], map[a:1 b:2] (ordered by key). free(). */
char *go_format_value(const json_t *v);
/* %#v: "text", 12, map[string]interface {}{"a":1}, []interface {}{1, 2}. free(). */
char *go_format_syntax(const json_t *v);
/* %v of a float64: 1.5, 1e+06, 9.223372036854776e+18. Its length. */
size_t go_format_real(double v, char ret[static 40]);
/* %T: string, int64, float64, bool, map[string]interface {}, []interface {}, <nil>. */
const char *go_type_name(const json_t *v);
/* unicode.IsPrint(), nearly: no control characters, no spaces but the common one, nothing invisible. */
bool go_is_printable(uint32_t c);
/* %q: quoted as strconv.Quote() does; at most max bytes of s, then "...". */
void go_quote(const char *s, size_t len, size_t max, struct buf *out);

#endif
