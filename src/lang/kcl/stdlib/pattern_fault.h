#ifndef LANG_KCL_STDLIB_PATTERN_FAULT_H
#define LANG_KCL_STDLIB_PATTERN_FAULT_H
/* What upstream's regular expressions (fancy-regex 0.7) refuse before they reach an engine. PCRE takes much of it, with
 * meanings of its own: recursion, verbs, \K, \R. */

#include <stddef.h>

#include "value/heap.h"

/* The error's name as Rust shows it: "UnclosedOpenParen", "InvalidEscape(\"\\\\q\")". NULL: nothing is refused. The
 * heap's. */
const char *kcl_pattern_fault(struct kcl_heap *h, const char *text, size_t len);
/* Behind "{2,3}", "{2,}", "{,3}" or "{2}" at p; NULL: what is there is a plain brace. */
const char *kcl_pattern_repeat_end(const char *p, const char *end);

#endif
