#ifndef CODEC_JSONPATH_H
#define CODEC_JSONPATH_H
/* Kubernetes' JSONPath dialect (kubernetes.io/docs/reference/kubectl/jsonpath): templates "{.a.b[0]}{\"\\n\"}", filters
 * ?(@.x=="y"), slices, wildcards, recursive descent, unions, range/end. Printer columns use the bare form ".spec.x". */

#include "codec/json.h"

struct jsonpath;

/* A template; outside of braces is literal text. The relaxed forms ".a.b" and "a.b" are accepted as "{.a.b}". */
struct jsonpath *jsonpath_parse(const char *text, struct err *err);
struct jsonpath *jsonpath_free(struct jsonpath *p);
DEFINE_CLEANUP(struct jsonpath *, jsonpath_free)

/* Appends the text kubectl would print; values that are objects or arrays as compact JSON. Missing fields print
 * nothing. Bounded: at most 1,000,000 visited nodes. */
int jsonpath_print(const struct jsonpath *p, const json_t *doc, struct buf *out, struct err *err);
/* A new array of the values the first path of the template selects. */
json_t *jsonpath_select(const struct jsonpath *p, const json_t *doc, struct err *err);

#endif
