#ifndef LANG_KCL_SYNTAX_PARSE_H
#define LANG_KCL_SYNTAX_PARSE_H
/* Text to tree. The parser goes on after an error where it can (at the next statement, entry or bracket), so that one
 * run names several mistakes. */

#include "kcl.h"
#include "syntax/ast.h"

/* Always gives a tree, of what could be read; it is of use to run only when no error was added to diagnostics. file and
 * text are copied. Nesting is bounded. */
struct kcl_module *kcl_parse(const char *file, const char *text, size_t len, struct kcl_diagnostics *diagnostics);
/* The same for programs of before 0.12.4, whose strings of several lines keep their indentation. */
struct kcl_module *kcl_parse_indented(const char *file, const char *text, size_t len,
                                      struct kcl_diagnostics *diagnostics);

/* Appends the tree as `kcl fmt` lays it out: stable, idempotent, comments kept. */
void kcl_format(const struct kcl_module *m, struct buf *out);

#endif
