#ifndef CODEC_GO_JSON_H
#define CODEC_GO_JSON_H
/* What Go's encoding/json says of texts and values: Kubernetes' clients know these sentences. */

#include "codec/json.h"

/* NULL when the text is one JSON value; else the message of Go's syntax error, such as "invalid character '}' looking
 * for beginning of value" or "unexpected end of JSON input". Values nested deeper than 10,000 are an error, as in Go.
 * free(). The algorithm is that of encoding/json's scanner: one state, and a stack of what is open. */
char *go_json_fault(const char *text, size_t len);

/* A value's type in its messages: object, array, string, number, bool. */
const char *go_json_type(const json_t *v);

/* printf format for a value (go_json_type()) where Kubernetes looks for a type. */
#define GO_NO_OBJECT                                                              \
	"json: cannot unmarshal %s into Go value of type struct { APIVersion string " \
	"\"json:\\\"apiVersion,omitempty\\\"\"; "                                     \
	"Kind string \"json:\\\"kind,omitempty\\\"\" }"

#endif
