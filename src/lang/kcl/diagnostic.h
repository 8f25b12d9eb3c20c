#ifndef LANG_KCL_DIAGNOSTIC_H
#define LANG_KCL_DIAGNOSTIC_H
/* Adding to a list of diagnostics. */

#include "kcl.h"
#include "syntax/ast.h"

/* Copies what it is given; past KCL_DIAGNOSTICS_MAX only counts. The item added, to set hint and note (xstrdup()ed), or
 * NULL. */
struct kcl_diagnostic *kcl_diagnostic_add(struct kcl_diagnostics *d, enum kcl_severity severity, const char *code,
                                          const char *file, const struct kcl_span *span, const char *fmt, ...)
	_printf_(6, 7);
/* Leaves the first of those that say the same of the same places. */
void kcl_diagnostics_unique(struct kcl_diagnostics *d);
/* Adds a place to one of them; NULL for d or file is allowed and does nothing. */
void kcl_diagnostic_relate(struct kcl_diagnostic *d, const char *file, uint32_t line, uint32_t column, const char *fmt,
                           ...) _printf_(5, 6);

#endif
