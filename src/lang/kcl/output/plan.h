#ifndef LANG_KCL_OUTPUT_PLAN_H
#define LANG_KCL_OUTPUT_PLAN_H
/* From what a program computed to what is emitted. */

#include "value/text.h"

/* The documents of a program: one value of any kind, or several of a stream. */
struct kcl_planned {
	struct kcl_value value; /* a list of the documents when it is a stream */
	bool is_stream;
};

/* A value without private (unless shown), undefined and (disable_none) None attributes, functions and types; only the
 * parts that path selectors name (raises when there is none); keys sorted when asked for; schema types added when asked
 * for. A list of dicts is a stream of documents, as are several selected ones. Units stay; the writers give them as
 * numbers. */
struct kcl_planned kcl_plan(struct kcl_heap *h, struct kcl_value value, const struct kcl_eval_options *o);

struct kcl_write_options {
	int indent; /* JSON: 0 is compact with ", " and ": " as upstream's json.encode */
	bool sort_keys, ignore_private, ignore_none;
	const char *separator; /* YAML: the line between documents; NULL: --- */
};

/* Appended to a text: raise past its bounds. YAML is as serde_yaml in upstream's version writes it (quoting, block
 * literals, list indentation included), ends with a newline and begins with no separator. */
void kcl_put_yaml(struct kcl_text *t, struct kcl_value v, const struct kcl_write_options *o);
void kcl_put_json(struct kcl_text *t, struct kcl_value v, const struct kcl_write_options *o);

/* All documents, separated, with a newline at the end; nothing for a stream of none. -1 and an error past the buffer's
 * or the heap's bounds. */
int kcl_write_yaml(struct kcl_heap *h, const struct kcl_planned *p, const struct kcl_write_options *o, struct buf *out,
                   struct err *err);
int kcl_write_json(struct kcl_heap *h, const struct kcl_planned *p, const struct kcl_write_options *o, struct buf *out,
                   struct err *err);
/* A new reference: what the JSON writer would show with no option. NULL when it is nested too deeply or too large. */
json_t *kcl_to_json(struct kcl_value v, struct err *err);

#endif
