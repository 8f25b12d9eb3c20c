#include "stdlib/unicode.h"

#include "base/str.h"

#include <locale.h>
#include <pthread.h>
#include <wctype.h>

/* The C library's tables know what one code point becomes; what becomes several is listed here. */

static locale_t unicode_locale;

static void make_locale(void)
{
	unicode_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

/* (locale_t)0 where there is none: then only ASCII has cases. */
static locale_t tables(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_locale);
	return unicode_locale;
}

static bool is_ascii(uint32_t c)
{
	return c < 0x80;
}

bool kcl_is_upper(uint32_t c)
{
	if (is_ascii(c))
		return c >= 'A' && c <= 'Z';
	return tables() && !kcl_is_title(c) && iswupper_l((wint_t)c, tables());
}

bool kcl_is_lower(uint32_t c)
{
	if (is_ascii(c))
		return c >= 'a' && c <= 'z';
	if (c == 0xaa || c == 0xba)
		return true; /* the ordinal indicators are lower case without an upper one */
	return tables() && !kcl_is_title(c) && iswlower_l((wint_t)c, tables());
}

bool kcl_is_title(uint32_t c)
{
	return c == 0x1c5 || c == 0x1c8 || c == 0x1cb || c == 0x1f2 || (c >= 0x1f88 && c <= 0x1f8f) ||
	       (c >= 0x1f98 && c <= 0x1f9f) || (c >= 0x1fa8 && c <= 0x1faf) || c == 0x1fbc || c == 0x1fcc || c == 0x1ffc;
}

bool kcl_is_space(uint32_t c)
{
	return (c >= 9 && c <= 13) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
	       c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static const struct {
	uint32_t c;
	const char *upper, *title;
} several[] = {
	{ 0xdf, "SS", "Ss" },
	{ 0x149, "\u02bcN", "\u02bcN" },
	{ 0x1f0, "J\u030c", "J\u030c" },
	{ 0x390, "\u0399\u0308\u0301", "\u0399\u0308\u0301" },
	{ 0x3b0, "\u03a5\u0308\u0301", "\u03a5\u0308\u0301" },
	{ 0x587, "\u0535\u0552", "\u0535\u0582" },
	{ 0x1e96, "H\u0331", "H\u0331" },
	{ 0x1e97, "T\u0308", "T\u0308" },
	{ 0x1e98, "W\u030a", "W\u030a" },
	{ 0x1e99, "Y\u030a", "Y\u030a" },
	{ 0x1e9a, "A\u02be", "A\u02be" },
	{ 0xfb00, "FF", "Ff" },
	{ 0xfb01, "FI", "Fi" },
	{ 0xfb02, "FL", "Fl" },
	{ 0xfb03, "FFI", "Ffi" },
	{ 0xfb04, "FFL", "Ffl" },
	{ 0xfb05, "ST", "St" },
	{ 0xfb06, "ST", "St" },
	{ 0xfb13, "\u0544\u0546", "\u0544\u0576" },
	{ 0xfb14, "\u0544\u0535", "\u0544\u0565" },
	{ 0xfb15, "\u0544\u053b", "\u0544\u056b" },
	{ 0xfb16, "\u054e\u0546", "\u054e\u0576" },
	{ 0xfb17, "\u0544\u053d", "\u0544\u056d" },
};

/* The digraphs have a title case of their own: dž -> ǅ. */
static uint32_t title_of(uint32_t c)
{
	if (c >= 0x1c4 && c <= 0x1cc)
		return c - (c - 0x1c4) % 3 + 1;
	if (c >= 0x1f1 && c <= 0x1f3)
		return 0x1f2;
	return tables() ? (uint32_t)towupper_l((wint_t)c, tables()) : c;
}

static uint32_t single(uint32_t c, enum kcl_case to)
{
	if (is_ascii(c))
		return to == KCL_CASE_LOWER ? (uint32_t)tolower((int)c) : (uint32_t)toupper((int)c);
	if (!tables())
		return c;
	if (to == KCL_CASE_TITLE)
		return title_of(c);
	return (uint32_t)(to == KCL_CASE_LOWER ? towlower_l((wint_t)c, tables()) : towupper_l((wint_t)c, tables()));
}

void kcl_put_cased(struct kcl_text *t, uint32_t c, enum kcl_case to)
{
	if (c == 0x130 && to == KCL_CASE_LOWER)
		return kcl_text_puts(t, "i\u0307");
	for (size_t i = 0; c >= 0xdf && to != KCL_CASE_LOWER && i < ARRAY_SIZE(several); i++)
		if (several[i].c == c)
			return kcl_text_puts(t, to == KCL_CASE_UPPER ? several[i].upper : several[i].title);
	kcl_text_put_char(t, single(c, to));
}

static bool is_cased(uint32_t c)
{
	return kcl_is_lower(c) || kcl_is_upper(c) || kcl_is_title(c);
}

/* Σ is ς when a letter stands before it and none behind. */
static bool ends_word(const char *s, size_t len, size_t at, uint32_t before)
{
	uint32_t after;
	size_t n = at < len ? utf8_next(s + at, len - at, &after) : 0;

	return is_cased(before) && (n == 0 || !is_cased(after));
}

void kcl_put_all_cased(struct kcl_text *t, const char *s, size_t len, enum kcl_case to)
{
	uint32_t c, before = 0;

	for (size_t at = 0; at < len; before = c) {
		size_t n = utf8_next(s + at, len - at, &c);

		if (n == 0)
			break; /* texts are well-formed */
		at += n;
		if (c == 0x3a3 && to == KCL_CASE_LOWER && ends_word(s, len, at, before))
			kcl_text_put_char(t, 0x3c2);
		else
			kcl_put_cased(t, c, to);
	}
}
