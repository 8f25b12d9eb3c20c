#include "proto.h"

#include "base/buf.h"
#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

/* A field of wire type 2. */
static void put(struct buf *out, unsigned field, const void *data, size_t len)
{
	buf_putc(out, (char)(field << 3 | 2));
	assert_true(len < 128);
	buf_putc(out, (char)len);
	buf_append(out, data, len);
}

static void put_text(struct buf *out, unsigned field, const char *text)
{
	put(out, field, text, strlen(text));
}

static void put_int(struct buf *out, unsigned field, unsigned char n)
{
	buf_putc(out, (char)(field << 3));
	buf_putc(out, (char)n);
}

/* "k8s\0" and runtime.Unknown around a message. */
static struct buf envelope(const char *api_version, const char *kind, const struct buf *raw)
{
	struct buf out = BUF_INIT(4096);
	_cleanup_buf_ struct buf type = BUF_INIT(256);

	put_text(&type, 1, api_version);
	put_text(&type, 2, kind);
	buf_append(&out, "k8s\0", 4);
	put(&out, 1, buf_str(&type), type.len);
	put(&out, 2, buf_str(raw), raw->len);
	put_text(&out, 4, "");
	return out;
}

static char *decode(const struct buf *bytes)
{
	_cleanup_json_ json_t *v = proto_decode(buf_str(bytes), bytes->len, NULL);

	return v ? json_canonical(v) : xstrdup("error");
}

static void test_proto_config_map(void **state _unused_)
{
	_cleanup_buf_ struct buf meta = BUF_INIT(256), entry = BUF_INIT(256), label = BUF_INIT(64), time = BUF_INIT(16),
							 raw = BUF_INIT(512);

	put_text(&label, 1, "app");
	put_text(&label, 2, "shop");
	buf_append(&time, "\x08\x80\x9a\x9e\x8a\x06", 6); /* seconds = 1632079104 */
	put_text(&meta, 1, "c");
	put_text(&meta, 3, "ns");
	put_text(&meta, 6, "");
	put_int(&meta, 7, 3);
	put(&meta, 8, buf_str(&time), time.len);
	put(&meta, 11, buf_str(&label), label.len);
	put_text(&meta, 14, "one");
	put_text(&meta, 14, "two");
	put_text(&meta, 15, "a field of the future");
	put_text(&entry, 1, "key");
	put_text(&entry, 2, "value");
	put(&raw, 1, buf_str(&meta), meta.len);
	put(&raw, 2, buf_str(&entry), entry.len);
	put_int(&raw, 4, 1);
	_cleanup_buf_ struct buf bytes = envelope("v1", "ConfigMap", &raw);
	_cleanup_free_ char *text = decode(&bytes);
	assert_string_equal(text,
	                    "{\"apiVersion\":\"v1\",\"data\":{\"key\":\"value\"},\"immutable\":true,\"kind\":\"ConfigMap\","
	                    "\"metadata\":{\"creationTimestamp\":\"2021-09-19T19:18:24Z\",\"finalizers\":[\"one\",\"two\"],"
	                    "\"generation\":3,"
	                    "\"labels\":{\"app\":\"shop\"},\"name\":\"c\",\"namespace\":\"ns\"}}");
}

static void test_proto_secret_data_is_base64(void **state _unused_)
{
	_cleanup_buf_ struct buf entry = BUF_INIT(64), raw = BUF_INIT(128);

	put_text(&entry, 1, "k");
	put(&entry, 2, "\0\xff", 2);
	put(&raw, 2, buf_str(&entry), entry.len);
	_cleanup_buf_ struct buf bytes = envelope("v1", "Secret", &raw);
	_cleanup_free_ char *text = decode(&bytes);
	assert_string_equal(text, "{\"apiVersion\":\"v1\",\"data\":{\"k\":\"AP8=\"},\"kind\":\"Secret\"}");
}

static void test_proto_unknown_kinds_are_unsupported(void **state _unused_)
{
	_cleanup_buf_ struct buf raw = BUF_INIT(16);
	_cleanup_buf_ struct buf bytes = envelope("v1", "Teapot", &raw);
	_cleanup_err_ struct err err = { 0 };

	assert_null(proto_decode(buf_str(&bytes), bytes.len, &err));
	assert_int_equal(err.kind, ERR_UNSUPPORTED_MEDIA);
}

static void test_proto_malformed_bytes_are_refused(void **state _unused_)
{
	_cleanup_buf_ struct buf meta = BUF_INIT(64), raw = BUF_INIT(64);

	put_text(&meta, 1, "name");
	put(&raw, 1, buf_str(&meta), meta.len);
	_cleanup_buf_ struct buf whole = envelope("v1", "ConfigMap", &raw);
	/* Cut anywhere it is an error, or an object that lost its end; never a crash. */
	for (size_t len = 0; len < whole.len; len++) {
		_cleanup_err_ struct err err = { 0 };
		_cleanup_json_ json_t *v = proto_decode(buf_str(&whole), len, &err);
		assert_true(v || err_is_set(&err));
		if (len < 4)
			assert_null(v);
	}
	static const char *const bad[] = { ("\x0a\x05"
		                                "abc"),
		                               "\x0b", "\x00\x00", "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_buf_ struct buf message = BUF_INIT(64);
		buf_append(&message, bad[i], i == 2 ? 2 : strlen(bad[i]));
		_cleanup_buf_ struct buf bytes = envelope("v1", "ConfigMap", &message);
		_cleanup_free_ char *text = decode(&bytes);
		assert_string_equal(text, "error");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proto_config_map),
		cmocka_unit_test(test_proto_secret_data_is_base64),
		cmocka_unit_test(test_proto_unknown_kinds_are_unsupported),
		cmocka_unit_test(test_proto_malformed_bytes_are_refused),
	};
	return cmocka_run_group_tests_name("proto", tests, NULL, NULL);
}
