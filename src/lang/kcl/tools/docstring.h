#ifndef LANG_KCL_TOOLS_DOCSTRING_H
#define LANG_KCL_TOOLS_DOCSTRING_H
/* Private to tools/: the sections of a schema's docstring (reStructuredText as NumPy writes it). */

#include "base/arena.h"

struct kcl_docstring {
	const char *summary;  /* in front of the first section; "" */
	const char *examples; /* NULL */
	struct kcl_doc_attr {
		const char *name, *text;
		struct kcl_doc_attr *next;
	} * attrs;
};

/* doc may be NULL. */
struct kcl_docstring kcl_docstring_parse(const char *doc, struct arena *arena);
/* NULL when it is not described. */
const char *kcl_docstring_attr(const struct kcl_docstring *d, const char *name);

#endif
