#ifndef LANG_KCL_OUTPUT_PLAN_H
#define LANG_KCL_OUTPUT_PLAN_H
/* From what a program computed to what is emitted. */

#include "value/value.h"

/* The globals without private, undefined and (disable_none) None ones, functions and types; path selectors applied;
 * keys sorted when asked for; schema types added when asked for. Units stay; the writers below give them as numbers
 * or, where upstream does, as text. */
struct kcl_value kcl_plan(struct kcl_heap *h, const struct kcl_dict *globals, const struct kcl_eval_options *o);

struct kcl_write_options {
	int indent; /* JSON: 0 is compact with ", " and ": " as upstream's json.encode */
	bool sort_keys, ignore_private, ignore_none;
	const char *separator; /* YAML: between documents */
};
/* As serde_yaml in upstream's version writes it (quoting, block literals, list indentation included). -1: buffer full.
 */
int kcl_write_yaml(struct kcl_heap *h, struct kcl_value v, const struct kcl_write_options *o, struct buf *out);
int kcl_write_json(struct kcl_heap *h, struct kcl_value v, const struct kcl_write_options *o, struct buf *out);
/* A new reference; NULL past depth or size. */
json_t *kcl_to_json(struct kcl_value v);

#endif
