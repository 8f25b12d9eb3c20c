#ifndef LANG_KCL_STDLIB_DATETIME_H
#define LANG_KCL_STDLIB_DATETIME_H
/* Private to stdlib/: dates in strftime formats, as upstream's chrono takes them. */

#include <stdbool.h>

/* Whether the text is, in that format, a date, a time or both; days must exist. */
bool kcl_date_matches(const char *text, const char *format);

#endif
