#include "net/http.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_http_headers_ignore_case_and_keep_order(void **state)
{
	struct http_headers h = { 0 };

	(void)state;
	http_headers_add(&h, "Accept", "a");
	http_headers_add(&h, "accept", "b");
	http_headers_add(&h, "Host", "x");
	assert_string_equal(http_headers_get(&h, "ACCEPT"), "a");
	assert_int_equal(h.len, 3);

	http_headers_set(&h, "aCCept", "c");
	assert_int_equal(h.len, 2);
	assert_string_equal(http_headers_get(&h, "accept"), "c");
	assert_string_equal(h.list[0].name, "Host");
	assert_null(http_headers_get(&h, "Acc"));

	/* a value may come from the list itself */
	http_headers_set(&h, "Host", http_headers_get(&h, "Host"));
	assert_string_equal(http_headers_get(&h, "host"), "x");
	http_headers_clear(&h);
	assert_int_equal(h.len, 0);
	http_headers_add(&h, "again", "usable");
	http_headers_clear(&h);
}

static void test_http_url_parses(void **state)
{
	static const struct {
		const char *text, *scheme, *user, *host;
		int port;
		const char *path, *query, *reason;
	} cases[] = {
		{ "http://example.org", "http", NULL, "example.org", 80, "/", NULL, "an empty path is /" },
		{ "HTTPS://Example.ORG/Path", "https", NULL, "example.org", 443, "/Path", NULL, "only scheme and host fold" },
		{ "https://h:6443/a?b=c&d", "https", NULL, "h", 6443, "/a", "b=c&d", "port and query" },
		{ "https://h?x", "https", NULL, "h", 443, "/", "x", "query without path" },
		{ "https://h/?", "https", NULL, "h", 443, "/", "", "an empty query is not none" },
		{ "https://h/a#frag?no", "https", NULL, "h", 443, "/a", NULL, "a fragment is the client's business" },
		{ "http://[::1]:8080/", "http", NULL, "::1", 8080, "/", NULL, "IPv6" },
		{ "http://[FE80::1]", "http", NULL, "fe80::1", 80, "/", NULL, "IPv6 without port" },
		{ "http://h:/x", "http", NULL, "h", 80, "/x", NULL, "an empty port is the default" },
		{ "ssh://git@host.example/r.git", "ssh", "git", "host.example", 22, "/r.git", NULL, "a user alone is fine" },
		{ "http://a%40b@h/", "http", "a@b", "h", 80, "/", NULL, "the user is decoded" },
		{ "file:///tmp/x", "file", NULL, "", 0, "/tmp/x", NULL, "file needs no host" },
		{ "http://127.0.0.1:1/%41", "http", NULL, "127.0.0.1", 1, "/%41", NULL, "the path stays as it is" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct http_url u = { 0 };
		struct err e = { 0 };

		print_message("%s\n", cases[i].reason);
		assert_int_equal(http_url_parse(cases[i].text, &u, &e), 0);
		assert_string_equal(u.scheme, cases[i].scheme);
		assert_true(str_eq(u.user, cases[i].user));
		assert_string_equal(u.host, cases[i].host);
		assert_int_equal(u.port, cases[i].port);
		assert_string_equal(u.path, cases[i].path);
		assert_true(str_eq(u.query, cases[i].query));
		http_url_clear(&u);
	}
}

static void test_http_url_refuses(void **state)
{
	static const struct {
		const char *text, *reason;
	} cases[] = {
		{ "", "nothing" },
		{ "example.org/x", "no scheme" },
		{ "://h", "empty scheme" },
		{ "1http://h", "a scheme begins with a letter" },
		{ "http:/h", "one slash" },
		{ "http://", "no host" },
		{ "http:///x", "no host, but a path" },
		{ "http://:80/", "no host, but a port" },
		{ "http://h:0/", "port 0" },
		{ "http://h:65536/", "port too large" },
		{ "http://h:+80/", "a sign is no digit" },
		{ "http://h:8x/", "letters in the port" },
		{ "http://h a/", "space" },
		{ "http://h/\r\nX: y", "header injection" },
		{ "http://h/\x7f", "DEL" },
		{ "http://h\\@evil/", "backslash, which some read as a slash" },
		{ "http://-oProxyCommand/", "a host that looks like an option" },
		{ "http://[::1", "unclosed IPv6" },
		{ "http://[::1]x/", "junk behind IPv6" },
		{ "http://[g::1]/", "not hexadecimal" },
		{ "http://[]/", "empty IPv6" },
		{ "http://a@b@h/", "two at signs" },
		{ "http://a%00@h/", "NUL in the user" },
		{ "http://h%41/", "percent coding in the host" },
		{ "http://h\xc3\xa9/", "not ASCII in the host" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct http_url u = { 0 };
		struct err e = { 0 };

		print_message("%s\n", cases[i].reason);
		assert_int_equal(http_url_parse(cases[i].text, &u, &e), -1);
		assert_int_equal(e.kind, ERR_BAD_REQUEST);
		assert_null(u.scheme);
		err_clear(&e);
	}
}

static void test_http_url_never_repeats_a_password(void **state)
{
	struct http_url u = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(http_url_parse("https://me:hunter2@h/", &u, &e), -1);
	assert_non_null(strstr(e.message, "Secret"));
	assert_null(strstr(e.message, "hunter2"));
	err_clear(&e);
	assert_int_equal(http_url_parse("https://me:hunter2@h:99999/", &u, &e), -1);
	assert_null(strstr(e.message, "hunter2"));
	err_clear(&e);
}

static void test_http_url_is_bounded(void **state)
{
	size_t len = 100000;
	char *text = xmalloc(len + 1);
	struct http_url u = { 0 };
	struct err e = { 0 };

	(void)state;
	memset(text, 'a', len);
	memcpy(text, "http://h/", 9);
	text[len] = '\0';
	assert_int_equal(http_url_parse(text, &u, &e), -1);
	assert_int_equal(e.kind, ERR_BAD_REQUEST);
	err_clear(&e);
	free(text);
}

static void test_http_escape_keeps_only_unreserved(void **state)
{
	struct buf b = BUF_INIT(100);

	(void)state;
	http_escape(&b, "aZ09-._~ /?&=+%\xc3\xa9");
	assert_string_equal(buf_str(&b), "aZ09-._~%20%2F%3F%26%3D%2B%25%C3%A9");
	buf_clear(&b);
	b.max = 4;
	http_escape(&b, "a/b/c");
	assert_true(b.failed);
	buf_clear(&b);
}

static void test_http_unescape(void **state)
{
	static const struct {
		const char *in;
		bool plus;
		const char *out; /* NULL: malformed */
		const char *reason;
	} cases[] = {
		{ "abc", false, "abc", "nothing to do" },
		{ "a%20b", false, "a b", "a space" },
		{ "%c3%A9", false, "\xc3\xa9", "both cases of digits" },
		{ "a+b", false, "a+b", "plus is plus in paths" },
		{ "a+b%2B", true, "a b+", "plus is a space in forms" },
		{ "%", false, NULL, "cut off" },
		{ "%4", false, NULL, "cut off in the middle" },
		{ "%zz", false, NULL, "no digits" },
		{ "%+1", false, NULL, "a sign is no digit" },
		{ "a%00b", false, NULL, "NUL" },
		{ "%2541", false, "%41", "decoded once only" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *s = xstrdup(cases[i].in);

		print_message("%s\n", cases[i].reason);
		assert_int_equal(http_unescape(s, cases[i].plus), cases[i].out != NULL);
		if (cases[i].out)
			assert_string_equal(s, cases[i].out);
		free(s);
	}
}

static void test_http_query_get(void **state)
{
	static const struct {
		const char *query, *name, *value, *reason;
	} cases[] = {
		{ NULL, "a", NULL, "no query" },
		{ "", "a", NULL, "empty query" },
		{ "a=1&b=2", "b", "2", "the second" },
		{ "a=1&a=2", "a", "1", "the first of two" },
		{ "aa=1&a=2", "a", "2", "not a name's beginning" },
		{ "a=1&aa=2", "aa", "2", "not a name's end" },
		{ "watch", "watch", "", "no value" },
		{ "watch=&x", "watch", "", "empty value" },
		{ "labelSelector=app%3Dx%2Cy+z", "labelSelector", "app=x,y z", "decoded" },
		{ "a=b=c", "a", "b=c", "only the first = separates" },
		{ "%61=1", "a", "1", "the name is decoded too" },
		{ "%6=1&a=2", "a", "2", "a malformed name is not a match" },
		{ "a=%zz", "a", NULL, "a malformed value" },
		{ "a=%00", "a", NULL, "NUL in a value" },
		{ "&&a=1&", "a", "1", "empty pairs" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char *value = http_query_get(cases[i].query, cases[i].name);

		print_message("%s\n", cases[i].reason);
		assert_true(str_eq(value, cases[i].value));
		free(value);
	}
}

static void test_http_escape_and_query_round_trip(void **state)
{
	char all[256];
	struct buf b = BUF_INIT(1000);

	(void)state;
	for (int i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = '\0';
	buf_puts(&b, "x=1&v=");
	http_escape(&b, all);

	char *value = http_query_get(buf_str(&b), "v");

	assert_string_equal(value, all);
	free(value);
	buf_clear(&b);
}

static void test_http_status_text(void **state)
{
	(void)state;
	assert_string_equal(http_status_text(404), "Not Found");
	assert_string_equal(http_status_text(799), "Unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_headers_ignore_case_and_keep_order),
		cmocka_unit_test(test_http_url_parses),
		cmocka_unit_test(test_http_url_refuses),
		cmocka_unit_test(test_http_url_never_repeats_a_password),
		cmocka_unit_test(test_http_url_is_bounded),
		cmocka_unit_test(test_http_escape_keeps_only_unreserved),
		cmocka_unit_test(test_http_unescape),
		cmocka_unit_test(test_http_query_get),
		cmocka_unit_test(test_http_escape_and_query_round_trip),
		cmocka_unit_test(test_http_status_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
