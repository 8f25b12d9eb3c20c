#ifndef LANG_KCL_STDLIB_TEMPLATE_H
#define LANG_KCL_STDLIB_TEMPLATE_H
/* Private to stdlib/: Handlebars templates (handlebarsjs.com/guide): expressions, block helpers, white space control,
 * comments. No partials and no decorators. */

#include "stdlib/library.h"

/* A tag: {{name …}}, {{{name}}}, {{#name …}}, {{/name}}, {{else}}, {{! comment}}. */
struct kcl_tag {
	enum { KCL_TAG_VALUE, KCL_TAG_OPEN, KCL_TAG_CLOSE, KCL_TAG_ELSE, KCL_TAG_COMMENT } kind;
	bool unescaped, inverted; /* {{{…}}} or {{&…}}; {{^…}} */
	const char *body, *body_end;
	const char *text_end; /* the text before it, without what it takes away */
	const char *next;     /* what follows, likewise */
};

/* The next tag at or behind p; false when there is none. Raises for one with no end. */
bool kcl_tag_next(struct kcl_heap *h, const char *start, const char *p, struct kcl_tag *ret);

/* What a name in a template stands for. */
struct kcl_template_scope {
	struct kcl_value self;
	struct kcl_value index, key; /* @index, @key; UNDEFINED outside of each */
	bool first, last;
	const struct kcl_template_scope *outer; /* ../ */
};

/* An expression ("a.b", "eq a 1", "(len xs)"): its value, UNDEFINED when there is none. */
struct kcl_value kcl_template_expression(struct kcl_heap *h, const struct kcl_template_scope *scope, const char *s,
                                         const char *end);
bool kcl_template_truth(struct kcl_value v);
/* & < > " ' ` = */
void kcl_put_html_escaped(struct kcl_text *t, const char *s, size_t len);

#endif
