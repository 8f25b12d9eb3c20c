#ifndef LANG_KCL_STDLIB_PATTERN_SYNTAX_H
#define LANG_KCL_STDLIB_PATTERN_SYNTAX_H

#include <stddef.h>

/* A pattern of Rust's regex as PCRE has it: [a-z&&[^d]], [\w--[0-9]], \u{1F600}, \h, a{,3}, plain braces, (?u). It is
 * one that kcl_pattern_fault() finds nothing in. A set that has no end, or is too large or deep, gives a pattern that
 * has no end either. free(). */
char *kcl_pattern_syntax(const char *text, size_t len, size_t *ret_len);

#endif
