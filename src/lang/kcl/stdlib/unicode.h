#ifndef LANG_KCL_STDLIB_UNICODE_H
#define LANG_KCL_STDLIB_UNICODE_H
/* Upper, lower and title case of Unicode text: one code point may become several (unicode.org, SpecialCasing.txt). */

#include "value/text.h"

enum kcl_case { KCL_CASE_LOWER, KCL_CASE_UPPER, KCL_CASE_TITLE };

/* Lu and what else counts as upper case; likewise the others. */
bool kcl_is_upper(uint32_t c);
bool kcl_is_lower(uint32_t c);
bool kcl_is_title(uint32_t c);
/* White_Space. */
bool kcl_is_space(uint32_t c);
void kcl_put_cased(struct kcl_text *t, uint32_t c, enum kcl_case to);
/* A whole text; a sigma at the end of a word becomes the final one. */
void kcl_put_all_cased(struct kcl_text *t, const char *s, size_t len, enum kcl_case to);

#endif
