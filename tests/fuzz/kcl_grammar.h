#ifndef TESTS_FUZZ_KCL_GRAMMAR_H
#define TESTS_FUZZ_KCL_GRAMMAR_H
/* KCL programs made at random that are well formed and mostly well typed, so that they get past the parser and the
 * checker. */

#include "base/buf.h"

#include <stdint.h>

/* Appends a program, a statement, or an expression. All of them use the same names (i0 and i1 are integers, S0 and S1
 * schemas, …), so that pieces of one program mean something in another. The same seed gives the same text. */
void kcl_grammar_program(uint32_t seed, struct buf *out);
void kcl_grammar_statement(uint32_t seed, struct buf *out);
void kcl_grammar_expression(uint32_t seed, struct buf *out);

#endif
