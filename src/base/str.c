#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>

bool str_eq(const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return strcmp(a, b) == 0;
}

bool str_empty(const char *s)
{
	return !s || !*s;
}

const char *str_after(const char *s, const char *prefix)
{
	size_t n = strlen(prefix);
	return s && strncmp(s, prefix, n) == 0 ? s + n : NULL;
}

bool str_starts_with(const char *s, const char *prefix)
{
	return str_after(s, prefix) != NULL;
}

bool str_ends_with(const char *s, const char *suffix)
{
	if (!s)
		return false;
	size_t n = strlen(s), m = strlen(suffix);
	return m <= n && memcmp(s + n - m, suffix, m) == 0;
}

bool str_contains(const char *s, const char *part)
{
	return s && strstr(s, part);
}

bool str_in(const char *s, const char *const *strv)
{
	for (size_t i = 0; s && strv && strv[i]; i++)
		if (strcmp(s, strv[i]) == 0)
			return true;
	return false;
}

void str_lower(char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

char *str_strip(char *s)
{
	while (is_space(*s))
		s++;
	char *end = s + strlen(s);
	while (end > s && is_space(end[-1]))
		end--;
	*end = '\0';
	return s;
}

bool str_to_i64(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	if (str_empty(s))
		return false;
	bool negative = *s == '-';
	if (*s == '-' || *s == '+')
		s++;
	if (!*s)
		return false;
	int64_t n = 0;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return false;
		int digit = *s - '0';
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, negative ? -digit : digit, &n))
			return false;
	}
	if (n < min || n > max)
		return false;
	*ret = n;
	return true;
}

bool str_to_double(const char *s, double *ret)
{
	/* strtod() alone would also take white space, hexadecimal, "inf" and "nan". */
	if (str_empty(s) || s[strspn(s, "0123456789+-.eE")])
		return false;
	char *end;
	errno = 0;
	double d = strtod(s, &end);
	if (end == s || *end || !isfinite(d))
		return false;
	*ret = d;
	return true;
}

size_t utf8_next(const char *s, size_t n, uint32_t *ret)
{
	if (!n)
		return 0;
	const unsigned char *u = (const unsigned char *)s;
	uint32_t c = u[0];
	if (c < 0x80) {
		*ret = c;
		return 1;
	}
	size_t len = c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
	if (!len || len > n)
		return 0;
	c &= 0x7fU >> len;
	for (size_t i = 1; i < len; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return len;
}

static inline uint64_t load(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* Eight bytes of which none is above 0x7f or 0 (then 1 is borrowed from the next). */
static inline bool are_plain(uint64_t word)
{
	static const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);

	return (((word - ones) | word) & highs) == 0;
}

bool utf8_is_text(const char *s, size_t n)
{
	const char *p = s, *end = s + n;

	while (p < end) {
		while (end - p >= 8 && are_plain(load(p)))
			p += 8;
		/* The last few, with some that were looked at already. */
		if (p == end || (end - p < 8 && n >= 8 && are_plain(load(end - 8))))
			break;

		uint32_t c = 0;
		size_t len = utf8_next(p, (size_t)(end - p), &c);

		if (len == 0 || c == 0)
			return false;
		p += len;
	}
	return true;
}

/* Takes the string. n: how many there are. */
static void strv_put(char ***v, size_t n, char *s)
{
	/* Room is made in powers of two: full exactly when n + 1 (with the NULL) is one. */
	if (!*v || ((n + 1) & n) == 0)
		*v = xreallocarray(*v, (n + 1) * 2, sizeof(char *));
	(*v)[n] = s;
	(*v)[n + 1] = NULL;
}

char **str_split(const char *s, const char *separators)
{
	char **v = xcalloc(2, sizeof(char *));
	size_t n = 0;
	while (*(s += strspn(s, separators))) {
		size_t len = strcspn(s, separators);
		strv_put(&v, n++, xstrndup(s, len));
		s += len;
	}
	return v;
}

size_t strv_len(char *const *v)
{
	size_t n = 0;
	while (v && v[n])
		n++;
	return n;
}

void strv_push(char ***v, const char *s)
{
	/* Not strv_put()'s doubling: a vector from elsewhere may have no room beyond its NULL. */
	size_t n = strv_len(*v);
	*v = xreallocarray(*v, n + 2, sizeof(char *));
	(*v)[n] = xstrdup(s);
	(*v)[n + 1] = NULL;
}

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void str_sort(const char **list, size_t len)
{
	if (len > 1)
		qsort(list, len, sizeof(*list), by_bytes);
}

void strv_sort(char **v)
{
	str_sort((const char **)v, strv_len(v));
}

char **strv_copy(char *const *v)
{
	size_t n = strv_len(v);
	char **copy = xcalloc(n + 1, sizeof(char *));
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(v[i]);
	return copy;
}

char *strv_join(char *const *v, const char *separator)
{
	size_t sep_len = strlen(separator), size = 1;
	for (size_t i = 0; v && v[i]; i++)
		size += strlen(v[i]) + (i ? sep_len : 0);
	char *joined = xmalloc(size), *p = joined;
	for (size_t i = 0; v && v[i]; i++) {
		if (i)
			p = mempcpy(p, separator, sep_len);
		p = mempcpy(p, v[i], strlen(v[i]));
	}
	*p = '\0';
	return joined;
}

char **strv_free(char **v)
{
	for (size_t i = 0; v && v[i]; i++)
		free(v[i]);
	free(v);
	return NULL;
}
