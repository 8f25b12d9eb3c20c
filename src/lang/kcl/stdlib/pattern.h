#ifndef LANG_KCL_STDLIB_PATTERN_H
#define LANG_KCL_STDLIB_PATTERN_H
/* Regular expressions, by PCRE2 with the options that come nearest to upstream's (Rust's regex and fancy-regex: Unicode
 * classes, `$` only at the very end). Compiled patterns are kept with the heap over evaluations, a bounded number of
 * them. Matching is bounded in steps and memory and raises past that. */

#include "stdlib/stdlib.h"

struct kcl_pattern;

/* Raises when it is no pattern; NULL with is_valid_only. */
struct kcl_pattern *kcl_pattern(struct kcl_heap *h, const struct kcl_str *text, bool is_valid_only);
/* The groups of the first match at or behind the offset: pairs of start and end, SIZE_MAX for a group that took no
 * part; the 0th is the whole. 0: no match, else the number of groups. Good until the next match. */
uint32_t kcl_pattern_match(struct kcl_heap *h, struct kcl_pattern *p, const struct kcl_str *s, size_t offset,
                           const size_t **ret_groups);
/* The number of the group of that name, -1: none. */
int kcl_pattern_group(const struct kcl_pattern *p, const char *name);
/* Whether the pattern, a constant of ours, matches. */
bool kcl_pattern_test(struct kcl_heap *h, const char *pattern, const struct kcl_str *s);

#endif
