#include "codec/base64.h"
#include "codec/sha256.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

/* RFC 4648, section 10, and one that shows the alphabets. */
static const struct {
	const char *data, *standard, *url;
} vectors[] = {
	{ "", "", "" },
	{ "f", "Zg==", "Zg" },
	{ "fo", "Zm8=", "Zm8" },
	{ "foo", "Zm9v", "Zm9v" },
	{ "foob", "Zm9vYg==", "Zm9vYg" },
	{ "fooba", "Zm9vYmE=", "Zm9vYmE" },
	{ "foobar", "Zm9vYmFy", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "+//+", "-__-" },
};

static void test_base64_rfc_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
		size_t len = strlen(vectors[i].data), n;
		_cleanup_free_ char *standard = base64_encode(vectors[i].data, len);
		_cleanup_free_ char *url = base64url_encode(vectors[i].data, len);
		assert_string_equal(standard, vectors[i].standard);
		assert_string_equal(url, vectors[i].url);
		_cleanup_free_ char *back = base64_decode(standard, strlen(standard), &n);
		assert_non_null(back);
		assert_int_equal(n, len);
		assert_string_equal(back, vectors[i].data);
		_cleanup_free_ char *url_back = base64url_decode(url, strlen(url), &n);
		assert_non_null(url_back);
		assert_int_equal(n, len);
		assert_string_equal(url_back, vectors[i].data);
	}
}

static void test_base64_every_length_and_byte(void **state)
{
	(void)state;
	uint8_t data[300];
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t len = 0; len <= sizeof(data); len++) {
		size_t n;
		_cleanup_free_ char *text = base64_encode(data, len);
		assert_int_equal(strlen(text), (len + 2) / 3 * 4);
		_cleanup_free_ char *back = base64_decode(text, strlen(text), &n);
		assert_int_equal(n, len);
		assert_memory_equal(back, data, len);
		assert_int_equal(back[n], 0);
	}
}

static void test_base64_decode_refuses(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		bool url_too;
		const char *reason;
	} cases[] = {
		{ "Zg", false, "padding is missing" },
		{ "Zg=", true, "half of the padding is missing" },
		{ "Zg===", true, "too much padding" },
		{ "Zm9v=", true, "padding where none belongs" },
		{ "=Zg=", true, "padding before data" },
		{ "Zg==Zg==", true, "data behind padding" },
		{ "Z", true, "six bits are no byte" },
		{ "Zm9vY", true, "six bits left over" },
		{ "Zm 9v", true, "a space" },
		{ "Zm9v!", true, "no digit" },
		{ "Z\xc3\xa9==", true, "no ASCII" },
		{ "====", true, "padding alone" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t n = 77;
		print_message("%s\n", cases[i].reason);
		assert_null(base64_decode(cases[i].text, strlen(cases[i].text), &n));
		_cleanup_free_ char *url = base64url_decode(cases[i].text, strlen(cases[i].text), &n);
		assert_int_equal(url == NULL, cases[i].url_too);
		if (cases[i].url_too)
			assert_int_equal(n, 77);
	}
}

static void test_base64_decode_is_lenient_where_go_is(void **state)
{
	(void)state;
	size_t n;
	_cleanup_free_ char *wrapped = base64_decode("Zm9v\r\nYmFy\n", 11, &n);
	assert_string_equal(wrapped, "foobar");
	_cleanup_free_ char *mixed = base64_decode("-_/+", 4, &n);
	assert_memory_equal(mixed, "\xfb\xff\xfe", 3);
	_cleanup_free_ char *padded = base64url_decode("Zg==", 4, &n);
	assert_string_equal(padded, "f");
}

static void test_sha256_vectors(void **state)
{
	(void)state;
	/* FIPS 180-4's examples. */
	static const struct {
		const char *data, *hex;
	} cases[] = {
		{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char hex[65];
		sha256_hex(cases[i].data, strlen(cases[i].data), hex);
		assert_string_equal(hex, cases[i].hex);
	}
	uint8_t digest[32];
	sha256("abc", 3, digest);
	assert_int_equal(digest[0], 0xba);
	assert_int_equal(digest[31], 0xad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64_rfc_vectors),    cmocka_unit_test(test_base64_every_length_and_byte),
		cmocka_unit_test(test_base64_decode_refuses), cmocka_unit_test(test_base64_decode_is_lenient_where_go_is),
		cmocka_unit_test(test_sha256_vectors),
	};
	return cmocka_run_group_tests_name("base64", tests, NULL, NULL);
}
