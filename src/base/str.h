#ifndef BASE_STR_H
#define BASE_STR_H
/* Small helpers for strings and NULL-terminated string vectors (`char **`, "strv"). */

#include "base/mem.h"

#include <string.h>

/* NULL-safe: two NULLs are equal. */
bool str_eq(const char *a, const char *b);
/* Treats NULL as "". */
bool str_empty(const char *s);
bool str_starts_with(const char *s, const char *prefix);
bool str_ends_with(const char *s, const char *suffix);
/* After the prefix, or NULL when s does not begin with it. */
const char *str_after(const char *s, const char *prefix);
bool str_contains(const char *s, const char *part);
bool str_in(const char *s, const char *const *strv);
/* ASCII only, in place. */
void str_lower(char *s);
/* Without white space at both ends, in place; returns the new start. */
char *str_strip(char *s);

/* A whole decimal number within [min, max]; false (and *ret untouched) for anything else: signs without digits,
 * trailing characters, overflow. */
bool str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret);
/* Finite and decimal, no white space. */
bool str_to_double(const char *s, double *ret);

/* The code point at s, of which n bytes are left, into *ret; its length, or 0 when it is not well-formed UTF-8. */
size_t utf8_next(const char *s, size_t n, uint32_t *ret);
/* Whether it is well-formed UTF-8 without NUL. */
bool utf8_is_text(const char *s, size_t n);

/* Splits at any of the separator characters, dropping empty parts. Free with strv_free(). */
char **str_split(const char *s, const char *separators);
size_t strv_len(char *const *v);
/* Appends a copy; *v may be NULL. Counts the vector each time: for short ones. */
void strv_push(char ***v, const char *s);
char **strv_copy(char *const *v);
/* In the order of bytes. */
void strv_sort(char **v);
/* The same for an array of borrowed texts; list may be NULL when there are none. */
void str_sort(const char **list, size_t len);
/* Joined with the separator; free(). */
char *strv_join(char *const *v, const char *separator);
char **strv_free(char **v);
DEFINE_CLEANUP(char **, strv_free)
#define _cleanup_strv_ _cleanup_(strv_freep)

#endif
