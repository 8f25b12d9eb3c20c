#include "schema_internal.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct {
	const char *format, *value;
	bool good;
	const char *why;
} CHECKS[] = {
	{ "date-time", "2026-01-02T03:04:05Z", true, "UTC" },
	{ "date-time", "2026-01-02t03:04:05.123456+02:00", true, "small t, fraction, offset" },
	{ "date-time", "2026-01-02T03:04:05", false, "no zone" },
	{ "date-time", "2026-02-30T03:04:05Z", false, "no such day" },
	{ "date-time", "2026-01-02T24:04:05Z", false, "no such hour" },
	{ "date-time", "2026-01-02T03:04:60Z", false, "leap seconds are not accepted" },
	{ "date-time", "2026-01-02 03:04:05Z", false, "a space" },
	{ "date-time", "2026-01-02T03:04:05.Z", false, "an empty fraction" },
	{ "date", "2024-02-29", true, "leap day" },
	{ "date", "2026-02-29", false, "no leap year" },
	{ "date", "2100-02-29", false, "a century is none" },
	{ "date", "2026-1-2", false, "short" },
	{ "duration", "1h30m", true, "Go" },
	{ "duration", "-1.5s", true, "negative, fraction" },
	{ "duration", "0", true, "zero" },
	{ "duration", "2 days", true, "words" },
	{ "duration", "3 min", true, "min" },
	{ "duration", "5", false, "no unit" },
	{ "duration", "", false, "empty" },
	{ "duration", "soon", false, "no number" },
	{ "ipv4", "127.0.0.1", true, "IPv4" },
	{ "ipv4", "010.0.0.1", true, "leading zeros are tolerated" },
	{ "ipv4", "256.0.0.1", false, "too large" },
	{ "ipv4", "1.2.3", false, "three parts" },
	{ "ipv4", "1.2.3.4.", false, "a dot too many" },
	{ "ipv4", "::1", false, "IPv6" },
	{ "ipv6", "::1", true, "IPv6" },
	{ "ipv6", "fe80::1%eth0", false, "a zone" },
	{ "ipv6", "127.0.0.1", false, "IPv4" },
	{ "cidr", "10.0.0.0/8", true, "IPv4 range" },
	{ "cidr", "fd00::/64", true, "IPv6 range" },
	{ "cidr", "10.0.0.0/33", false, "too long" },
	{ "cidr", "10.0.0.0", false, "no length" },
	{ "cidr", "10.0.0.0/+8", false, "sign" },
	{ "mac", "01:23:45:67:89:ab", true, "six bytes" },
	{ "mac", "0123.4567.89ab", true, "with dots" },
	{ "mac", "01:23:45:67:89", false, "five bytes" },
	{ "mac", "01:23-45:67:89:ab", false, "mixed" },
	{ "uri", "https://example.com/x?y=1", true, "URL" },
	{ "uri", "/path", true, "path" },
	{ "uri", "http://[::1]:80/", true, "IPv6 host" },
	{ "uri", "http://host:port/", false, "port is no number" },
	{ "uri", "example.com", false, "no scheme" },
	{ "uri", "http://a b/", false, "space in the host" },
	{ "uri", "/%zz", false, "bad escape" },
	{ "uri", "", false, "empty" },
	{ "uuid", "123e4567-e89b-12d3-a456-426614174000", true, "any version" },
	{ "uuid", "123E4567E89B12D3A456426614174000", true, "without dashes, in capitals" },
	{ "uuid", "123e4567-e89b-12d3-a456-42661417400", false, "short" },
	{ "uuid3", "123e4567-e89b-32d3-a456-426614174000", true, "version 3" },
	{ "uuid3", "123e4567-e89b-42d3-a456-426614174000", false, "version 4" },
	{ "uuid4", "123e4567-e89b-42d3-a456-426614174000", true, "version 4" },
	{ "uuid4", "123e4567-e89b-42d3-c456-426614174000", false, "another variant" },
	{ "uuid5", "123e4567-e89b-52d3-8456-426614174000", true, "version 5" },
	{ "email", "a.b@example.com", true, "address" },
	{ "email", "Ada <ada@example.com>", true, "with a name" },
	{ "email", "ada@", false, "no host" },
	{ "email", "ada.example.com", false, "no @" },
	{ "email", "a..b@example.com", false, "two dots" },
	{ "email", "a b@example.com", false, "space" },
	{ "hostname", "example.com", true, "two labels" },
	{ "hostname", "localhost", true, "one label" },
	{ "hostname", "-x.com", false, "dash in front" },
	{ "hostname", "x.1", false, "top level is a number" },
	{ "hostname", "x..com", false, "empty label" },
	{ "hostname", "x_y.com", false, "underscore" },
	{ "byte", "aGVsbG8=", true, "base64" },
	{ "byte", "", true, "nothing" },
	{ "byte", "aGVsbG8", false, "padding is missing" },
	{ "byte", "aGVs*G8=", false, "not of the alphabet" },
	{ "password", "anything", true, "password" },
	{ "bsonobjectid", "507f1f77bcf86cd799439011", true, "object id" },
	{ "isbn", "978-0-321-75104-1", true, "ISBN 13" },
	{ "isbn10", "0321751043", true, "ISBN 10" },
	{ "isbn10", "0321751044", false, "check digit" },
	{ "isbn13", "9780321751042", false, "check digit" },
	{ "creditcard", "4111 1111 1111 1111", true, "card" },
	{ "creditcard", "4111 1111 1111 1112", false, "check digit" },
	{ "ssn", "111-22-3333", true, "ssn" },
	{ "hexcolor", "#FFF", true, "colour" },
	{ "hexcolor", "#FFFF", false, "four digits" },
	{ "rgbcolor", "rgb(255, 0, 1)", true, "colour" },
	{ "rgbcolor", "rgb(256,0,1)", false, "too large" },
	{ "k8s-short-name", "a-b", true, "label" },
	{ "k8s-short-name", "A", false, "capital" },
	{ "k8s-long-name", "a.b-c", true, "subdomain" },
	{ "k8s-long-name", "a..b", false, "empty part" },
};

static void test_schema_format_checks(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(CHECKS); i++) {
		uint8_t format = schema_format_find(CHECKS[i].format, SCHEMA_STRING);
		assert_true(format > 0);
		if (schema_format_check(format, CHECKS[i].value, strlen(CHECKS[i].value)) != CHECKS[i].good)
			fail_msg("%s \"%s\": %s", CHECKS[i].format, CHECKS[i].value, CHECKS[i].why);
	}
}

static void test_schema_format_belongs_to_a_type(void **state)
{
	(void)state;
	assert_int_equal(schema_format_find("int32", SCHEMA_INTEGER), 0); /* formats of numbers mean nothing */
	assert_int_equal(schema_format_find("int32", SCHEMA_STRING), 0);
	assert_int_equal(schema_format_find("date", SCHEMA_INTEGER), 0);
	assert_true(schema_format_find("date", SCHEMA_ANY) > 0);
	assert_int_equal(schema_format_find("uint8", SCHEMA_INTEGER), 0);
	assert_true(schema_format_is_secret(schema_format_find("password", SCHEMA_STRING)));
	assert_false(schema_format_is_secret(schema_format_find("date", SCHEMA_STRING)));
}

static void test_schema_pattern_matches_like_re2(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *text;
		bool good;
		const char *why;
	} CASES[] = {
		{ "^[a-z]([-a-z0-9]*[a-z0-9])?$", "my-name", true, "DNS label" },
		{ "^[a-z]([-a-z0-9]*[a-z0-9])?$", "my-", false, "ends with a dash" },
		{ "a.c", "a\nc", false, "a dot is no line feed" },
		{ "(?s)a.c", "a\nc", true, "unless told so" },
		{ "^x$", "y\nx", false, "lines do not count" },
		{ "(?m)^x$", "y\nx", true, "unless told so" },
		{ "^\\s$", "\v", false, "a vertical tab is no space" },
		{ "^\\v$", "\v", true, "\\v is the vertical tab" },
		{ "^\\v$", "\n", false, "and nothing else" },
		{ "^[\\v]$", "\n", false, "in a class too" },
		{ "^\\d$", "\u0663", false, "digits are ASCII" },
		{ "^\\p{Greek}+$", "αβγ", true, "scripts" },
		{ "^\\pL$", "é", true, "one-letter property" },
		{ "^.$", "é", true, "characters, not bytes" },
		{ "^x{,2}$", "x{,2}", true, "not a repetition" },
		{ "^x{2}$", "xx", true, "a repetition" },
		{ "^\\Qa.b\\E$", "a.b", true, "quoted text" },
		{ "^\\Qa.b\\E$", "axb", false, "means itself" },
		{ "^(?P<n>a)(?<m>b)$", "ab", true, "names" },
		{ "^[[:alpha:]]+$", "abc", true, "named class" },
		{ "^[]a]$", "]", true, "a bracket first" },
		{ "^[a[]$", "[", true, "a bracket inside" },
		{ "^\\x41\\x{42}\\103$", "ABC", true, "numbers" },
		{ "(?i)^abc$", "ABC", true, "case" },
		{ "^a*?b$", "aab", true, "lazy" },
		{ "a|b", "xb", true, "alternatives" },
		{ "^\\/\\-\\_$", "/-_", true, "escaped punctuation" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		char *why = NULL;
		struct schema_pattern *p = schema_pattern_new(CASES[i].pattern, &why);
		if (!p)
			fail_msg("%s: %s", CASES[i].pattern, why);
		assert_string_equal(schema_pattern_text(p), CASES[i].pattern);
		if (schema_pattern_matches(p, CASES[i].text, strlen(CASES[i].text)) != CASES[i].good)
			fail_msg("%s: %s", CASES[i].pattern, CASES[i].why);
		schema_pattern_free(p);
	}
}

static void test_schema_pattern_refuses_what_re2_does_not_know(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *why;
	} CASES[] = {
		{ "(?=a)", "look-ahead" },
		{ "(?!a)", "negative look-ahead" },
		{ "(?<=a)b", "look-behind" },
		{ "(a)\\1", "back reference" },
		{ "(?>a)", "atomic group" },
		{ "a*+", "possessive" },
		{ "a**", "repeated star" },
		{ "(?P=x)", "named reference" },
		{ "(?#x)", "comment" },
		{ "\\Z", "\\Z" },
		{ "\\G", "\\G" },
		{ "\\K", "\\K" },
		{ "\\R", "\\R" },
		{ "\\e", "\\e" },
		{ "[a", "no closing bracket" },
		{ "(a", "no closing bracket" },
		{ "a)", "no opening bracket" },
		{ "*", "nothing to repeat" },
		{ "x{1001}", "too often" },
		{ "(*ACCEPT)", "verb" },
		{ "\\", "nothing escaped" },
		{ "(?x)a", "flag x" },
		{ "\\x{110000000}", "code point" },
		{ "[z-a]", "wrong way round" },
		{ "\\pX{", "property" },
		{ "\\C", "a byte" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		char *why = NULL;
		struct schema_pattern *p = schema_pattern_new(CASES[i].pattern, &why);
		if (p)
			fail_msg("%s is accepted: %s", CASES[i].pattern, CASES[i].why);
		assert_non_null(why);
		free(why);
	}
}

static void test_schema_pattern_is_bounded(void **state)
{
	(void)state;
	char *why = NULL;
	_cleanup_free_ char *text = xcalloc(1, 100001), *pattern = xcalloc(1, SCHEMA_PATTERN_MAX + 2);
	struct schema_pattern *p = schema_pattern_new("^(a+)+$", &why);

	memset(text, 'a', 100000);
	text[50] = 'b';
	assert_false(schema_pattern_matches(p, text, 51));
	schema_pattern_free(p);
	memset(pattern, 'a', SCHEMA_PATTERN_MAX + 1);
	assert_null(schema_pattern_new(pattern, &why));
	free(why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_schema_format_checks),
		cmocka_unit_test(test_schema_format_belongs_to_a_type),
		cmocka_unit_test(test_schema_pattern_matches_like_re2),
		cmocka_unit_test(test_schema_pattern_refuses_what_re2_does_not_know),
		cmocka_unit_test(test_schema_pattern_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
