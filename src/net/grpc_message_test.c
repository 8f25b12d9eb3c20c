#include "grpc_internal.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/gzip.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static void test_timeouts(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t ns;
	} cases[] = {
		{ "1S", NS_PER_S },
		{ "250m", 250 * NS_PER_MS },
		{ "2H", 7200 * NS_PER_S },
		{ "3M", 180 * NS_PER_S },
		{ "7u", 7000 },
		{ "9n", 9 },
		{ "0m", 0 },
		{ "99999999H", INT64_MAX },
		{ "100000000S", -1 },
		{ "S", -1 },
		{ "", -1 },
		{ "-1S", -1 },
		{ "1s", -1 },
		{ "1.5S", -1 },
		{ "1", -1 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (grpc_timeout_parse(cases[i].text, strlen(cases[i].text)) != cases[i].ns)
			fail_msg("%s: %lld", cases[i].text, (long long)grpc_timeout_parse(cases[i].text, strlen(cases[i].text)));
}

static void test_messages_are_percent_encoded(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "plain text: ok", "plain text: ok" },
		{ "100 % of it", "100 %25 of it" },
		{ "two\nlines\x7f", "two%0Alines%7F" },
		{ "caf\xc3\xa9", "caf%C3%A9" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *encoded = grpc_message_encode(cases[i][0]);
		_cleanup_free_ char *decoded = grpc_message_decode(encoded, strlen(encoded));

		assert_string_equal(encoded, cases[i][1]);
		assert_string_equal(decoded, cases[i][0]);
	}
	_cleanup_free_ char *odd = grpc_message_decode("a%zz%4", 6);
	assert_string_equal(odd, "a%zz%4");
}

/* Two messages, the second empty, in pieces of every size. */
static void test_messages_are_cut(void **state)
{
	(void)state;
	static const uint8_t wire[] = { 0, 0, 0, 0, 3, 'a', 'b', 'c', 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 'd' };

	for (size_t piece = 1; piece <= sizeof(wire); piece++) {
		struct grpc_framing f = { .max = 3 };
		_cleanup_buf_ struct buf seen = BUF_INIT(100);

		for (size_t at = 0; at < sizeof(wire); at += piece) {
			const uint8_t *data = wire + at;
			size_t left = sizeof(wire) - at < piece ? sizeof(wire) - at : piece;

			while (left > 0) {
				enum grpc_status status = GRPC_OK;
				char *why = NULL;
				size_t used = 0;
				int r = grpc_framing_feed(&f, data, left, &used, &status, &why);

				assert_true(r >= 0);
				data += used;
				left -= used;
				if (r == 1) {
					buf_printf(&seen, "[%s]", buf_str(&f.message));
					grpc_framing_next(&f);
				}
			}
		}
		assert_string_equal(buf_str(&seen), "[abc][][d]");
		buf_clear(&f.message);
	}
}

static void test_bad_messages_are_refused(void **state)
{
	(void)state;
	static const struct {
		uint8_t prefix[GRPC_PREFIX_SIZE];
		enum grpc_status status;
	} cases[] = {
		{ { 1, 0, 0, 0, 1 }, GRPC_INTERNAL }, /* the call named no encoding */
		{ { 2, 0, 0, 0, 1 }, GRPC_INTERNAL },
		{ { 0, 0, 0, 0, 101 }, GRPC_RESOURCE_EXHAUSTED },
		{ { 0, 255, 255, 255, 255 }, GRPC_RESOURCE_EXHAUSTED },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct grpc_framing f = { .max = 100 };
		enum grpc_status status = GRPC_OK;
		_cleanup_free_ char *why = NULL;
		size_t used = 0;

		assert_int_equal(grpc_framing_feed(&f, cases[i].prefix, GRPC_PREFIX_SIZE, &used, &status, &why), -1);
		assert_int_equal(status, cases[i].status);
		assert_non_null(why);
	}
}

static void test_messages_are_expanded(void **state)
{
	(void)state;
	static const char text[] = "said again and again and again and again";
	_cleanup_(bytes_unrefp) struct bytes *packed = gzip_compress(text, sizeof(text), 6);
	const struct {
		size_t max, len;
		bool compressed;
		int r;
		enum grpc_status status;
	} cases[] = {
		{ 100, packed->len, true, 0, GRPC_OK },
		{ sizeof(text), packed->len, true, 0, GRPC_OK },
		{ sizeof(text) - 1, packed->len, true, -1, GRPC_RESOURCE_EXHAUSTED },
		{ 100, packed->len - 1, true, -1, GRPC_INTERNAL },
		{ 100, 0, true, -1, GRPC_INTERNAL },
		{ 1, packed->len, false, 0, GRPC_OK }, /* it is what it is */
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct grpc_framing f = { .max = 100, .has_gzip = true, .message = BUF_INIT(100) };
		uint8_t prefix[GRPC_PREFIX_SIZE] = { cases[i].compressed, 0, 0, 0, (uint8_t)cases[i].len };
		_cleanup_(bytes_unrefp) struct bytes *expanded = NULL;
		enum grpc_status status = GRPC_OK;
		_cleanup_free_ char *why = NULL;
		size_t used = 0;

		assert_true(grpc_framing_feed(&f, prefix, sizeof(prefix), &used, &status, &why) >= 0);
		grpc_framing_feed(&f, (const uint8_t *)packed->data, cases[i].len, &used, &status, &why);
		assert_int_equal(grpc_framing_expand(&f, cases[i].max, &expanded, &status, &why), cases[i].r);
		assert_int_equal(status, cases[i].status);
		assert_int_equal(expanded != NULL, cases[i].compressed && cases[i].r == 0);
		if (expanded)
			assert_memory_equal(expanded->data, text, sizeof(text));
		buf_clear(&f.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_messages_are_percent_encoded),
		cmocka_unit_test(test_messages_are_cut),
		cmocka_unit_test(test_bad_messages_are_refused),
		cmocka_unit_test(test_messages_are_expanded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
