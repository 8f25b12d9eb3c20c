/* How libFuzzer changes KCL programs: half of the time by bytes, otherwise by pieces of the grammar, which leave a
 * well-formed program well formed. */

#include "kcl_grammar.h"

#include "base/str.h"

#include <stddef.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

/* The beginning of a line that is not indented, or the end of the text. */
static size_t statement_near(const char *text, size_t len, size_t at)
{
	for (; at < len; at++)
		if ((at == 0 || text[at - 1] == '\n') && text[at] > ' ' && !strchr("]})", text[at]))
			return at;
	return len;
}

/* Where the operand that begins at `at` ends: a word, a bracket with what is in it, or a string. */
static size_t operand_end(const char *text, size_t len, size_t at)
{
	int depth = 0;

	for (; at < len; at++) {
		char c = text[at];
		if (strchr("([{", c))
			depth++;
		else if (strchr(")]}", c) && --depth <= 0)
			return depth < 0 ? at : at + 1;
		else if (depth == 0 && (strchr(",\n =:", c)))
			return at;
	}
	return len;
}

/* Where a value may stand: behind `= `, `(`, `[`, `, `, `: `. */
static size_t operand_near(const char *text, size_t len, size_t at)
{
	for (at = at > 1 ? at : 2; at < len; at++)
		if (strchr("([", text[at - 1]) || (text[at - 1] == ' ' && strchr("=,:+", text[at - 2])))
			return at;
	return len;
}

static void splice(const char *text, size_t len, size_t from, size_t to, const struct buf *piece, struct buf *out)
{
	buf_append(out, text, from);
	buf_append(out, buf_str(piece), piece->len);
	buf_append(out, text + to, len - to);
}

static void mutate(const char *text, size_t len, unsigned seed, struct buf *out)
{
	_cleanup_buf_ struct buf piece = BUF_INIT(out->max);
	size_t place = len ? (seed >> 8) % len : 0, from, to;

	switch (seed % 8) {
	case 0:
		kcl_grammar_program(seed, out);
		return;
	case 1:
	case 2: /* one statement more */
		from = to = statement_near(text, len, place);
		if (from > 0 && text[from - 1] != '\n')
			buf_putc(&piece, '\n');
		kcl_grammar_statement(seed, &piece);
		break;
	case 3: /* one less */
		from = statement_near(text, len, place);
		to = from < len ? statement_near(text, len, from + 1) : len;
		break;
	case 4: /* one again at the end */
		from = statement_near(text, len, place);
		to = from < len ? statement_near(text, len, from + 1) : len;
		buf_append(&piece, text + from, to - from);
		from = to = len;
		break;
	default: /* another operand */
		from = operand_near(text, len, place);
		to = operand_end(text, len, from);
		kcl_grammar_expression(seed, &piece);
	}
	splice(text, len, from, to, &piece, out);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	_cleanup_buf_ struct buf out = BUF_INIT(max);

	if (seed % 2 == 0)
		return LLVMFuzzerMutate(data, size, max);
	mutate((const char *)data, size, seed / 2, &out);
	if (out.failed || out.len == 0)
		return LLVMFuzzerMutate(data, size, max);
	memcpy(data, out.data, out.len);
	return out.len;
}
