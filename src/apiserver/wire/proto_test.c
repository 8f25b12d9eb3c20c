#include "proto.h"

#include "base/buf.h"
#include "base/str.h"
#include "kinds/kinds.h"

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

/* ---- every kind: encoded by the tables, decoded again ---- */

static void put_tag(struct buf *out, unsigned number, unsigned wire)
{
	unsigned tag = number << 3 | wire;

	if (tag >= 128)
		buf_putc(out, (char)(tag | 128));
	buf_putc(out, (char)(tag >= 128 ? tag >> 7 : tag));
}

static void put_long(struct buf *out, unsigned number, const struct buf *message)
{
	size_t len = message->len;

	put_tag(out, number, 2);
	for (; len >= 128; len >>= 7)
		buf_putc(out, (char)(len | 128));
	buf_putc(out, (char)len);
	buf_append(out, buf_str(message), message->len);
}

static void put_string(struct buf *out, unsigned number, const char *text)
{
	_cleanup_buf_ struct buf bytes = BUF_INIT(4096);

	buf_puts(&bytes, text);
	put_long(out, number, &bytes);
}

static json_t *sample(const struct kinds_message *m, struct buf *out, int depth);

/* Appends a value of the field's type, under this number; what it should become. */
static json_t *sample_value(const struct kinds_field *f, unsigned number, struct buf *out, int depth)
{
	_cleanup_buf_ struct buf inner = BUF_INIT(16 * 1024 * 1024);
	json_t *v = NULL;

	switch ((enum kinds_type)f->type) {
	case KINDS_STRING:
		put_string(out, number, "text");
		return json_string("text");
	case KINDS_BYTES:
		put_string(out, number, "abc");
		return json_string("YWJj");
	case KINDS_BOOL:
	case KINDS_INT32:
	case KINDS_INT64:
		put_tag(out, number, 0);
		buf_putc(out, 1);
		return f->type == KINDS_BOOL ? json_true() : json_integer(1);
	case KINDS_DOUBLE:
		put_tag(out, number, 1);
		buf_append(out, "\0\0\0\0\0\0\xf8\x3f", 8);
		return json_real(1.5);
	case KINDS_TIME:
	case KINDS_MICRO_TIME:
		buf_append(&inner, "\x08\x01", 2);
		v = json_string(f->type == KINDS_TIME ? "1970-01-01T00:00:01Z" : "1970-01-01T00:00:01.000000Z");
		break;
	case KINDS_DURATION:
		buf_append(&inner, "\x08\x80\x94\xeb\xdc\x03", 6); /* 10^9 nanoseconds */
		v = json_string("1s");
		break;
	case KINDS_QUANTITY:
		put_string(&inner, 1, "1Gi");
		v = json_string("1Gi");
		break;
	case KINDS_INT_OR_STRING:
		buf_append(&inner, "\x08\x01\x10\x00", 4);
		put_string(&inner, 3, "25%");
		v = json_string("25%");
		break;
	case KINDS_RAW:
	case KINDS_JSON:
	case KINDS_FIELDS_V1:
		put_string(&inner, 1, "{\"a\":1}");
		v = json_pack("{s:i}", "a", 1);
		break;
	case KINDS_MESSAGE:
		v = sample(kinds_message_of(f), &inner, depth + 1);
		break;
	}
	put_long(out, number, &inner);
	return v;
}

static json_t *sample_map(const struct kinds_field *f, struct buf *out, int depth)
{
	_cleanup_buf_ struct buf entry = BUF_INIT(16 * 1024 * 1024), items = BUF_INIT(64);
	json_t *v;

	put_string(&entry, 1, "key");
	if (f->shape == KINDS_MAP_OF_LISTS) {
		put_string(&items, 1, "text");
		put_long(&entry, 2, &items);
		v = json_pack("[s]", "text");
	} else {
		v = sample_value(f, 2, &entry, depth);
	}
	put_long(out, f->number, &entry);
	return json_pack("{s:o}", "key", v);
}

static void sample_into(const struct kinds_message *m, json_t *obj, struct buf *out, int depth)
{
	for (size_t i = 0; i < m->len; i++) {
		const struct kinds_field *f = &kinds_fields(m)[i];
		if (f->type == KINDS_MESSAGE && depth > 12)
			continue;
		if (f->flags & KINDS_INLINE) {
			_cleanup_buf_ struct buf inner = BUF_INIT(16 * 1024 * 1024);
			sample_into(kinds_message_of(f), obj, &inner, depth + 1);
			put_long(out, f->number, &inner);
		} else if (f->shape == KINDS_MAP || f->shape == KINDS_MAP_OF_LISTS) {
			json_put(obj, kinds_text(f->name), sample_map(f, out, depth));
		} else if (f->shape == KINDS_LIST) {
			json_t *list = json_array();
			json_array_append_new(list, sample_value(f, f->number, out, depth));
			json_array_append_new(list, sample_value(f, f->number, out, depth));
			json_put(obj, kinds_text(f->name), list);
		} else {
			json_put(obj, kinds_text(f->name), sample_value(f, f->number, out, depth));
		}
	}
}

static json_t *sample(const struct kinds_message *m, struct buf *out, int depth)
{
	json_t *obj = json_object();

	sample_into(m, obj, out, depth);
	return obj;
}

static void test_proto_every_kind(void **state _unused_)
{
	for (size_t i = 0; i < KINDS_LEN; i++) {
		const char *group = kinds_text(KINDS[i].group), *version = kinds_text(KINDS[i].version),
				   *kind = kinds_text(KINDS[i].kind);
		_cleanup_free_ char *api_version = xasprintf("%s%s%s", group, *group ? "/" : "", version);
		_cleanup_buf_ struct buf raw = BUF_INIT(64 * 1024 * 1024), type = BUF_INIT(256),
								 unknown = BUF_INIT(64 * 1024 * 1024);
		_cleanup_err_ struct err err = { 0 };
		_cleanup_json_ json_t *wanted = sample(&KINDS_MESSAGES[KINDS[i].message], &raw, 0);
		buf_append(&unknown, "k8s\0", 4);
		put_string(&type, 1, api_version);
		put_string(&type, 2, kind);
		put_long(&unknown, 1, &type);
		put_long(&unknown, 2, &raw);
		_cleanup_json_ json_t *v = proto_decode(buf_str(&unknown), unknown.len, &err);
		if (!v)
			fail_msg("%s: %s", kind, err_message(&err));
		json_put_str(wanted, "apiVersion", api_version);
		json_put_str(wanted, "kind", kind);
		_cleanup_free_ char *a = json_canonical(v), *b = json_canonical(wanted);
		assert_string_equal(a, b);
	}
}

/* A Deployment as client-go sends it, put together by hand from apps/v1 and core/v1 generated.proto. */
static void test_proto_deployment_by_hand(void **state _unused_)
{
	_cleanup_buf_ struct buf meta = BUF_INIT(256), port = BUF_INIT(64), container = BUF_INIT(256), pod = BUF_INIT(512),
							 template = BUF_INIT(512), label = BUF_INIT(64), selector = BUF_INIT(64),
							 spec = BUF_INIT(1024), surge = BUF_INIT(64), rolling = BUF_INIT(64),
							 strategy = BUF_INIT(64), labels = BUF_INIT(64), raw = BUF_INIT(2048), cpu = BUF_INIT(16),
							 limit = BUF_INIT(32), resources = BUF_INIT(64);

	put_text(&meta, 1, "shop");
	put_text(&meta, 2, "");
	put_int(&meta, 7, 0);
	put(&meta, 8, "", 0);
	put_text(&label, 1, "app");
	put_text(&label, 2, "shop");
	put(&selector, 1, buf_str(&label), label.len);
	put(&labels, 11, buf_str(&label), label.len);
	put_text(&port, 1, "");
	put_int(&port, 2, 0);
	put_int(&port, 3, 80);
	put_text(&port, 4, "");
	put_text(&cpu, 1, "0.5");
	put_text(&limit, 1, "cpu");
	put(&limit, 2, buf_str(&cpu), cpu.len);
	put(&resources, 1, buf_str(&limit), limit.len);
	put_text(&container, 1, "web");
	put_text(&container, 2, "nginx");
	put(&container, 6, buf_str(&port), port.len);
	put(&container, 8, buf_str(&resources), resources.len);
	put_tag(&container, 16, 0); /* stdin, which is no pointer: false is nothing */
	buf_putc(&container, 0);
	put(&pod, 2, buf_str(&container), container.len);
	put(&template, 1, buf_str(&labels), labels.len);
	put(&template, 2, buf_str(&pod), pod.len);
	put_int(&surge, 1, 1);
	put_int(&surge, 2, 0);
	put_text(&surge, 3, "10%");
	put(&rolling, 2, buf_str(&surge), surge.len);
	put_text(&strategy, 1, "RollingUpdate");
	put(&strategy, 2, buf_str(&rolling), rolling.len);
	put_int(&spec, 1, 0); /* replicas is a pointer: 0 is not nothing */
	put(&spec, 2, buf_str(&selector), selector.len);
	put(&spec, 3, buf_str(&template), template.len);
	put(&spec, 4, buf_str(&strategy), strategy.len);
	put_int(&spec, 5, 0);
	put(&raw, 1, buf_str(&meta), meta.len);
	put_long(&raw, 2, &spec);
	_cleanup_buf_ struct buf type = BUF_INIT(64), bytes = BUF_INIT(4096);
	put_text(&type, 1, "apps/v1");
	put_text(&type, 2, "Deployment");
	buf_append(&bytes, "k8s\0", 4);
	put(&bytes, 1, buf_str(&type), type.len);
	put_long(&bytes, 2, &raw);
	_cleanup_json_ json_t *v = proto_decode(buf_str(&bytes), bytes.len, NULL);
	_cleanup_json_ json_t *first = json_incref(
		json_array_get(json_at(v, "spec", "template", "spec", "containers", NULL), 0));
	_cleanup_free_ char *text = json_canonical(first), *name = json_canonical(json_object_get(v, "metadata"));
	assert_string_equal(
		text, "{\"image\":\"nginx\",\"name\":\"web\",\"ports\":[{\"containerPort\":80,\"protocol\":\"TCP\"}],"
			  "\"resources\":{\"limits\":{\"cpu\":\"500m\"}},\"terminationMessagePath\":\"/dev/termination-log\","
			  "\"terminationMessagePolicy\":\"File\"}");
	assert_string_equal(name, "{\"name\":\"shop\"}");
	assert_true(json_is_integer(json_at(v, "spec", "replicas", NULL)));
	assert_int_equal(json_int(json_at(v, "spec", "replicas", NULL), 7), 0);
	assert_string_equal(json_str_at(v, "spec", "strategy", "rollingUpdate", "maxSurge", NULL), "10%");
	assert_string_equal(json_str_at(v, "spec", "template", "metadata", "labels", "app", NULL), "shop");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proto_config_map),
		cmocka_unit_test(test_proto_secret_data_is_base64),
		cmocka_unit_test(test_proto_unknown_kinds_are_unsupported),
		cmocka_unit_test(test_proto_malformed_bytes_are_refused),
		cmocka_unit_test(test_proto_every_kind),
		cmocka_unit_test(test_proto_deployment_by_hand),
	};
	return cmocka_run_group_tests_name("proto", tests, NULL, NULL);
}
