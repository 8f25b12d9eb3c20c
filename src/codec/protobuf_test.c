#include "codec/protobuf.h"

#include "base/str.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static const struct pb_field inner[] = {
	{ 1, "name", PB_STRING, PB_SINGLE, NULL },
	{ 2, "body", PB_STRUCT, PB_OPTIONAL, NULL },
	{ 0 },
};
static const struct pb_field outer[] = {
	{ 1, "text", PB_STRING, PB_SINGLE, NULL },
	{ 2, "maybe", PB_STRING, PB_OPTIONAL, NULL },
	{ 3, "kind", PB_ENUM, PB_SINGLE, NULL },
	{ 4, "kinds", PB_ENUM, PB_REPEATED, NULL },
	{ 5, "one", PB_MESSAGE, PB_OPTIONAL, inner },
	{ 6, "many", PB_MESSAGE, PB_REPEATED, inner },
	{ 7, "byName", PB_MESSAGE, PB_MAP, inner },
	{ 8, "labels", PB_STRING, PB_MAP, NULL },
	{ 9, "data", PB_BYTES, PB_MAP, NULL },
	{ 20, "far", PB_STRUCT, PB_OPTIONAL, NULL },
	{ 21, "kept", PB_STRUCT_KEPT, PB_OPTIONAL, NULL },
	{ 0 },
};

static json_t *json(const char *text)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *v = json_parse(text, strlen(text), 0, &err);

	if (!v)
		fail_msg("%s: %s", text, err_message(&err));
	return v;
}

static void test_what_is_written_reads_back(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"{}",
		"{\"text\":\"a\",\"maybe\":\"\",\"kind\":3,\"kinds\":[1,2,300]}",
		"{\"one\":{}}",
		"{\"one\":{\"name\":\"x\",\"body\":{}}}",
		"{\"many\":[{\"name\":\"1\"},{\"name\":\"2\"},{}]}",
		"{\"byName\":{\"a\":{\"name\":\"A\"},\"b\":{}},\"labels\":{\"\":\"empty\",\"k\":\"v\"}}",
		"{\"data\":{\"key\":\"AAEC/w==\",\"none\":\"\"}}",
		("{\"far\":{\"a\":null,\"b\":true,\"c\":false,\"d\":1.5,\"e\":-3,\"f\":\"text\",\"g\":[],\"h\":{},"
		 "\"i\":[1,[2,[\"three\",{\"x\":null}]]],\"j\":1e300,\"k\":\"\"}}"),
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		_cleanup_buf_ struct buf wire = BUF_INIT(1 << 20);
		_cleanup_json_ json_t *value = json(cases[i]);
		assert_int_equal(pb_encode(outer, value, &wire, &err), 0);
		_cleanup_json_ json_t *back = pb_decode(outer, buf_str(&wire), wire.len, &err);
		_cleanup_free_ char *text = back ? json_canonical(back) : xstrdup(err_message(&err));
		_cleanup_free_ char *wanted = json_canonical(value);
		assert_string_equal(text, wanted);
	}
}

static void test_bytes_are_those_of_the_format(void **state)
{
	(void)state;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_buf_ struct buf wire = BUF_INIT(1 << 20);
	_cleanup_json_ json_t *value = json("{\"text\":\"testing\",\"kind\":150,\"far\":{\"n\":1}}");

	assert_int_equal(pb_encode(outer, value, &wire, &err), 0);
	static const uint8_t wanted[] = { 0x0a, 7,    't',  'e', 's',  't', 'i',  'n',  'g', 0x18, 0x96,
		                              0x01, 0xa2, 0x01, 16,  0x0a, 14,  0x0a, 1,    'n', 0x12, 9,
		                              0x11, 0,    0,    0,   0,    0,   0,    0xf0, 0x3f };
	assert_int_equal(wire.len, sizeof(wanted));
	assert_memory_equal(wire.data, wanted, sizeof(wanted));
}

static void test_malformed_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		const char *why;
	} cases[] = {
		{ "\x0a", 1, "a length is missing" },
		{ "\x0a\x05"
		  "ab",
		  4, "a length passes the end" },
		{ "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "a length of 2^64-1" },
		{ "\x00\x01", 2, "field 0" },
		{ "\x0b", 1, "a group" },
		{ "\x0a\x01\xff", 3, "not UTF-8" },
		{ "\x0a\x01\x00", 3, "a NUL" },
		{ "\x08\x01", 2, "a varint for a string" },
		{ "\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, "a varint of eleven bytes" },
		{ "\xa2\x01\x05\x0a\x03\x12\x02\x11\x01", 9, "a number of one byte" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		json_t *value = pb_decode(outer, cases[i].bytes, cases[i].len, &err);

		if (value)
			fail_msg("accepted: %s", cases[i].why);
		assert_int_equal(err.kind, ERR_BAD_REQUEST);
	}
}

static void test_unknown_fields_are_skipped(void **state)
{
	(void)state;
	static const char wire[] = "\x0a\x01"
							   "a"
							   "\xfa\x07\x02"
							   "xx"
							   "\xf8\x07\x01"
							   "\xfd\x07\x01\x02\x03\x04";
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *value = pb_decode(outer, wire, sizeof(wire) - 1, &err);
	_cleanup_free_ char *text = json_canonical(value);

	assert_string_equal(text, "{\"text\":\"a\"}");
}

static void test_keys_are_sorted(void **state)
{
	(void)state;
	static const char wire[] = "\x42\x03\x0a\x01"
							   "b"
							   "\x42\x03\x0a\x01"
							   "a";
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *value = pb_decode(outer, wire, sizeof(wire) - 1, &err);
	_cleanup_free_ char *text = json_to_str(value);

	assert_string_equal(text, "{\"labels\":{\"a\":\"\",\"b\":\"\"}}");
}

/* Lists within lists: value (6) of list (1) of value … */
static void test_depth_is_bounded(void **state)
{
	(void)state;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_buf_ struct buf wire = BUF_INIT(1 << 20);
	json_t *list = json_array();

	for (int i = 0; i < JSON_DEPTH_MAX + 10; i++)
		list = json_pack("[o]", list);
	_cleanup_json_ json_t *value = json_pack("{s{so}}", "far", "a", list);
	assert_int_equal(pb_encode(outer, value, &wire, &err), -1);
	assert_non_null(strstr(err_message(&err), "nested too deeply"));
}

static void test_wrong_types_are_named(void **state)
{
	(void)state;
	static const char *const cases[] = { "{\"text\":1}", "{\"kind\":\"x\"}", "{\"one\":\"x\"}", "{\"labels\":[]}",
		                                 "{\"data\":{\"a\":\"!\"}}" };
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		_cleanup_buf_ struct buf wire = BUF_INIT(1 << 20);
		_cleanup_json_ json_t *value = json(cases[i]);
		assert_int_equal(pb_encode(outer, value, &wire, &err), -1);
		assert_int_equal(err.kind, ERR_INVALID);
	}
}

/* ---- Structs as bytes ---- */

static const char *const structs[] = {
	"{}",
	"{\"a\":null,\"b\":true,\"c\":false,\"d\":1.5,\"e\":-3,\"f\":\"text\",\"g\":[],\"h\":{},\"\":\"\"}",
	"{\"i\":[1,[2,[\"three\",{\"x\":null}]]],\"j\":1e300,\"k\":\"\",\"l\":9007199254740993,\"m\":-2e-300}",
	"{\"zz\":{\"y\":{\"x\":[{\"b\":1,\"a\":2},{}]}},\"aaaaaaaaaa\":1,\"aaaaaaaaab\":2,\"aaaaaaaaa\":3}",
	("{\"\\u00e9\":\"\\u20ac\",\"long\":\"0123456789012345678901234567890123456789012345678901234567890123456789"
	 "0123456789012345678901234567890123456789012345678901234567890123456789\"}"),
};

/* An object of so many members, whose keys are in no order. */
static json_t *wide(unsigned n)
{
	json_t *object = json_object();

	for (unsigned i = 0; i < n; i++) {
		_cleanup_free_ char *key = xasprintf("key-%u", i * 7919 % 1009);

		json_object_set_new(object, key, json_integer(i));
	}
	return object;
}

static void assert_kept_is_the_same(json_t *value)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_buf_ struct buf wire = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20), written = BUF_INIT(1 << 20);
	_cleanup_json_ json_t *message = json_pack("{sO}", "kept", value);

	assert_int_equal(pb_encode(outer, message, &wire, &err), 0);
	_cleanup_json_ json_t *decoded = pb_decode(outer, wire.data, wire.len, &err);
	_cleanup_json_ json_t *kept = pb_decode_kept(outer, wire.data, wire.len, &err);
	const json_t *bytes = json_object_get(kept, "kept");

	assert_true(json_is_string(bytes));
	assert_int_equal(pb_struct_check(json_string_value(bytes), json_string_length(bytes), &err), 0);
	_cleanup_json_ json_t *object = pb_struct_to_json(json_string_value(bytes), json_string_length(bytes));
	_cleanup_free_ char *got = json_to_str(object), *wanted = json_to_str(json_object_get(decoded, "kept"));

	assert_string_equal(got, wanted);
	assert_int_equal(pb_encode(outer, decoded, &again, &err), 0);
	assert_int_equal(pb_encode_kept(outer, kept, &written, &err), 0);
	assert_int_equal(written.len, again.len);
	assert_memory_equal(written.data, again.data, again.len);
	assert_int_equal(pb_encode(outer, kept, &written, &err), -1);
}

static void test_a_kept_struct_is_the_same(void **state)
{
	(void)state;
	static const unsigned sizes[] = { 1, 7, 24, 25, 48, 49, 300 };

	for (size_t i = 0; i < ARRAY_SIZE(structs); i++) {
		_cleanup_json_ json_t *value = json(structs[i]);

		assert_kept_is_the_same(value);
	}
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		_cleanup_json_ json_t *value = wide(sizes[i]);

		assert_kept_is_the_same(value);
	}
}

static void test_members_are_found(void **state)
{
	(void)state;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_buf_ struct buf wire = BUF_INIT(1 << 20);
	_cleanup_json_ json_t *message = json("{\"kept\":{\"a\":\"A\",\"b\":{\"c\":2},\"d\":null}}");

	assert_int_equal(pb_encode(outer, message, &wire, &err), 0);
	_cleanup_json_ json_t *kept = pb_decode_kept(outer, wire.data, wire.len, &err);
	const char *data = json_string_value(json_object_get(kept, "kept"));
	size_t len = json_string_length(json_object_get(kept, "kept"));
	struct pb_value value;

	assert_true(pb_struct_find(data, len, "a", &value));
	assert_int_equal(value.kind, PB_TEXT);
	assert_memory_equal(value.data, "A", value.len);
	assert_true(pb_struct_find(data, len, "d", &value) && value.kind == PB_NULL);
	assert_true(pb_struct_find(data, len, "b", &value) && value.kind == PB_OBJECT);
	assert_true(pb_struct_find(value.data, value.len, "c", &value));
	assert_true(value.kind == PB_NUMBER && value.number == 2);
	assert_false(pb_struct_find(data, len, "c", &value));
}

/* Cut anywhere, and with any byte another: the same is refused whether kept or not. */
static void test_kept_is_as_strict(void **state)
{
	(void)state;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_buf_ struct buf wire = BUF_INIT(1 << 20);
	_cleanup_json_ json_t *value = json(structs[1]), *message = json_pack("{sO}", "kept", value);
	unsigned refused = 0;

	assert_int_equal(pb_encode(outer, message, &wire, &err), 0);
	for (size_t i = 0; i < wire.len; i++)
		for (unsigned byte = 0; byte < 256; byte++) {
			_cleanup_err_ struct err a = { 0 }, b = { 0 };
			char was = wire.data[i];

			wire.data[i] = (char)byte;
			_cleanup_json_ json_t *decoded = pb_decode(outer, wire.data, wire.len, &a);
			_cleanup_json_ json_t *kept = pb_decode_kept(outer, wire.data, wire.len, &b);
			wire.data[i] = was;
			assert_true(!decoded == !kept);
			refused += !kept;
			if (!kept)
				assert_string_equal(err_message(&a), err_message(&b));
		}
	assert_true(refused > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_written_reads_back),
		cmocka_unit_test(test_bytes_are_those_of_the_format),
		cmocka_unit_test(test_malformed_is_refused),
		cmocka_unit_test(test_unknown_fields_are_skipped),
		cmocka_unit_test(test_keys_are_sorted),
		cmocka_unit_test(test_depth_is_bounded),
		cmocka_unit_test(test_wrong_types_are_named),
		cmocka_unit_test(test_a_kept_struct_is_the_same),
		cmocka_unit_test(test_members_are_found),
		cmocka_unit_test(test_kept_is_as_strict),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
