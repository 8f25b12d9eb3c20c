#ifndef LANG_KCL_SYNTAX_PARSE_H
#define LANG_KCL_SYNTAX_PARSE_H
/* Text to tree. The parser goes on after an error where it can (at the next statement, entry or bracket), so that one
 * run names several mistakes. */

#include "stop.h"
#include "syntax/ast.h"

/* Always gives a tree, of what could be read; it is of use to run only when no error was added to diagnostics. file and
 * text are copied. Nesting is bounded. */
struct kcl_module *kcl_parse(const char *file, const char *text, size_t len, struct kcl_diagnostics *diagnostics);

struct kcl_parse_options {
	bool keep_indent;      /* as in struct kcl_compile_options */
	struct kcl_stop *stop; /* then the rest of the text is skipped, which nothing but the reason tells; NULL */
};
struct kcl_module *kcl_parse_with(const char *file, const char *text, size_t len, const struct kcl_parse_options *o,
                                  struct kcl_diagnostics *diagnostics);

/* Appends the tree as `kcl fmt` lays it out: stable, idempotent, comments kept. */
void kcl_format(const struct kcl_module *m, struct buf *out);

#endif
