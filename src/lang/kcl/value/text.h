#ifndef LANG_KCL_VALUE_TEXT_H
#define LANG_KCL_VALUE_TEXT_H
/* Texts that grow in a heap, and the texts of numbers: for conversions, formatting and the writers of documents. */

#include "value/value.h"

/* What is appended counts towards the heap's limit; past max (bytes, 0: none but the heap's) it raises. */
struct kcl_text {
	struct kcl_heap *h;
	char *data;
	size_t len, cap, max;
};

/* Room for n more bytes at the end; never NULL. */
char *kcl_text_room(struct kcl_text *t, size_t n);

static inline void kcl_text_put(struct kcl_text *t, const char *s, size_t n)
{
	if (n == 0) /* there may be no data yet */
		return;
	memcpy(n <= t->cap - t->len ? t->data + t->len : kcl_text_room(t, n), s, n);
	t->len += n;
}
static inline void kcl_text_puts(struct kcl_text *t, const char *s)
{
	kcl_text_put(t, s, strlen(s));
}
static inline void kcl_text_putc(struct kcl_text *t, char c)
{
	char *p = t->cap > t->len ? t->data + t->len : kcl_text_room(t, 1);
	*p = c;
	t->len++;
}
static inline void kcl_text_put_str(struct kcl_text *t, const struct kcl_str *s)
{
	kcl_text_put(t, s->s, s->len);
}
/* n times the same character. */
void kcl_text_fill(struct kcl_text *t, char c, size_t n);
/* A code point in UTF-8. */
void kcl_text_put_char(struct kcl_text *t, uint32_t c);
void kcl_text_printf(struct kcl_text *t, const char *fmt, ...) _printf_(2, 3);
/* What was appended, as a new string. */
struct kcl_value kcl_text_str(const struct kcl_text *t);

/* Appends str(v). */
void kcl_text_put_value(struct kcl_text *t, struct kcl_value v);

/* ---- doubles ---- */

/* The shortest decimal digits that read back as the same finite number that is not 0: 0.DIGITS times 10 to the point.
 */
struct kcl_digits {
	char digits[20];
	int len, point;
	bool negative;
};
struct kcl_digits kcl_float_digits(double f);

/* As documents show a finite number: 1.0, 0.001, 1e16, 1.5e-9. Returns its length. */
size_t kcl_float_document(double f, char ret[static KCL_FLOAT_TEXT_SIZE]);
/* As str.format() shows it without a type: 1.0, 0.1, 1e+16. */
size_t kcl_float_python(double f, char ret[static KCL_FLOAT_TEXT_SIZE]);

/* The suffix as it is written: "Ki". */
const char *kcl_unit_suffix(enum kcl_unit unit);

/* str.format(): one value by a format specification of Python's ("<10", "+.2f", ",d"); what is no number is str(v).
 * Raises for one that does not suit it. */
void kcl_text_put_formatted(struct kcl_text *t, struct kcl_value v, const char *spec, size_t len);

#endif
