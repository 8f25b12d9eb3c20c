#include "reference.h"

#include "base/str.h"

#include <ctype.h>

#define REFERENCE_MAX 1024

void kcl_reference_clear(struct kcl_reference *r)
{
	free(r->repository);
	free(r->tag);
	free(r->digest);
	*r = (struct kcl_reference){ 0 };
}

/* Names of the OCI distribution specification, and the port of a host. */
static bool is_plain(const char *s, const char *others)
{
	if (!*s)
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr(others, *s))
			return false;
	return true;
}

/* Cuts text at c; what is behind it, or NULL. */
static char *cut(char *text, char c)
{
	char *at = text ? strchr(text, c) : NULL;

	if (!at)
		return NULL;
	*at = '\0';
	return at + 1;
}

static char *tag_of_query(char *query)
{
	for (char *pair = query, *next; pair; pair = next) {
		next = cut(pair, '&');
		if (str_starts_with(pair, "tag="))
			return pair + 4;
	}
	return NULL;
}

int kcl_reference_parse(const char *text, struct kcl_reference *ret, struct err *err)
{
	const char *plain = str_after(text, "oci://");
	_cleanup_free_ char *repository = xstrdup(plain ? plain : text);
	char *tag = tag_of_query(cut(repository, '?')), *digest = cut(repository, '@'), *slash = strrchr(repository, '/');
	char *behind = cut(slash ? slash : repository, ':');
	size_t len = strlen(repository);

	while (len > 0 && repository[len - 1] == '/')
		repository[--len] = '\0';
	if (behind && !tag)
		tag = behind;
	if (len > REFERENCE_MAX || !is_plain(repository, "._-/:") || str_contains(repository, "//") ||
	    str_contains(repository, "..") || repository[0] == '/' || (tag && !is_plain(tag, "._-+")) ||
	    (digest && !is_plain(digest, ":")))
		return err_set(err, ERR_INVALID, "%s is no reference to an OCI artifact: oci://HOST/REPOSITORY:TAG is wanted",
		               text);
	*ret = (struct kcl_reference){ .repository = TAKE_PTR(repository),
		                           .tag = xstrdup_or_null(tag),
		                           .digest = xstrdup_or_null(digest) };
	return 0;
}

const char *kcl_reference_name(const struct kcl_reference *r)
{
	const char *slash = strrchr(r->repository, '/');

	return slash ? slash + 1 : r->repository;
}

static bool is_end_of(const char *end, const char *whole)
{
	size_t a = strlen(end), b = strlen(whole);

	return a > 0 && a < b && whole[b - a - 1] == '/' && strcmp(whole + (b - a), end) == 0;
}

int kcl_repository_match(const char *wanted, const char *found)
{
	if (strcmp(wanted, found) == 0)
		return 2;
	return is_end_of(found, wanted) || is_end_of(wanted, found);
}

bool kcl_module_name_same(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if ((*a == '-' ? '_' : *a) != (*b == '-' ? '_' : *b))
			return false;
	return *a == *b;
}

/* ---- versions ---- */

struct version {
	int64_t numbers[3];
	const char *prerelease; /* "" */
};

static bool parse_version(const char *s, struct version *ret)
{
	*ret = (struct version){ .prerelease = "" };
	s += *s == 'v';
	if (!isdigit((unsigned char)*s))
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(ret->numbers); i++) {
		size_t digits = strspn(s, "0123456789");
		_cleanup_free_ char *number = xstrndup(s, digits);

		if (!str_to_i64(number, 0, INT64_MAX, &ret->numbers[i]))
			return false;
		s += digits;
		if (*s != '.')
			break;
		s++;
	}
	if (*s == '-')
		ret->prerelease = s + 1;
	return *s == '\0' || *s == '-' || *s == '+';
}

/* One identifier of a prerelease: numbers by value and before words. */
static int compare_identifiers(const char *a, size_t a_len, const char *b, size_t b_len)
{
	bool a_number = strspn(a, "0123456789") == a_len, b_number = strspn(b, "0123456789") == b_len;
	size_t n = a_len < b_len ? a_len : b_len;

	if (a_number != b_number)
		return a_number ? -1 : 1;
	if (a_number && a_len != b_len)
		return a_len < b_len ? -1 : 1;
	int r = memcmp(a, b, n);
	return r ? r : (a_len > b_len) - (a_len < b_len);
}

static int compare_prereleases(const char *a, const char *b)
{
	if (!*a || !*b)
		return (*a == '\0') - (*b == '\0');
	while (*a && *a != '+' && *b && *b != '+') {
		size_t a_len = strcspn(a, ".+"), b_len = strcspn(b, ".+");
		int r = compare_identifiers(a, a_len, b, b_len);

		if (r)
			return r;
		a += a_len + (a[a_len] == '.');
		b += b_len + (b[b_len] == '.');
	}
	return (*a && *a != '+') - (*b && *b != '+');
}

int kcl_version_compare(const char *a, const char *b)
{
	struct version x, y;
	bool a_is = parse_version(a, &x), b_is = parse_version(b, &y);

	if (!a_is || !b_is)
		return a_is != b_is ? a_is - b_is : strcmp(a, b);
	for (size_t i = 0; i < ARRAY_SIZE(x.numbers); i++)
		if (x.numbers[i] != y.numbers[i])
			return x.numbers[i] < y.numbers[i] ? -1 : 1;
	return compare_prereleases(x.prerelease, y.prerelease);
}
