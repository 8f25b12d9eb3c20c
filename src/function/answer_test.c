/* A request has one answer, whether its Structs stay bytes (function_answer()) or become JSON before anything else. */

#include "function.h"

#include "base/str.h"

#include <pthread.h>
#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#define ANSWER_MAX ((size_t)16 << 20)
#define THREADS 4

static struct functions *functions;

static int set_up(void **state _unused_)
{
	static const struct functions_config config = { .workers = THREADS };

	functions = functions_new(&config);
	return 0;
}

static int tear_down(void **state _unused_)
{
	functions = functions_free(functions);
	return 0;
}

/* By way of JSON. */
static int answer_by_json(enum function_kind kind, const struct buf *request, struct buf *answer, struct err *err)
{
	_cleanup_json_ json_t *decoded = pb_decode(FUNCTION_REQUEST, request->data, request->len, err), *response = NULL;

	if (!decoded)
		return -1;
	response = function_run(functions, 0, kind, decoded, NULL);
	return pb_encode(FUNCTION_RESPONSE, response, answer, err);
}

/* Whether it has a fatal result. */
static bool assert_one_answer(const char *what, enum function_kind kind, const struct buf *request)
{
	_cleanup_buf_ struct buf a = BUF_INIT(ANSWER_MAX), b = BUF_INIT(ANSWER_MAX);
	_cleanup_err_ struct err err = { 0 }, other_err = { 0 };
	int r = function_answer(functions, 0, kind, request->data, request->len, NULL, &a, &err);

	if (answer_by_json(kind, request, &b, &other_err) != r)
		fail_msg("%s: %s / %s", what, err_message(&err), err_message(&other_err));
	if (r < 0) {
		assert_string_equal(err_message(&err), err_message(&other_err));
		return true;
	}

	_cleanup_json_ json_t *x = pb_decode(FUNCTION_RESPONSE, buf_str(&a), a.len, NULL);
	const json_t *result = json_array_get(json_object_get(x, "results"), 0);

	if (a.len != b.len || memcmp(buf_str(&a), buf_str(&b), a.len) != 0) {
		_cleanup_json_ json_t *y = pb_decode(FUNCTION_RESPONSE, buf_str(&b), b.len, NULL);
		_cleanup_free_ char *left = json_to_str(x), *right = json_to_str(y);

		fail_msg("%s:\n%s\n%s", what, left, right);
	}
	return json_get_int(result, "severity", 0) == FUNCTION_FATAL;
}

/* ---- resources of every kind ---- */

/* Lists and objects in turns; the innermost is a number. */
static json_t *nested(unsigned depth)
{
	json_t *v = json_integer(1);

	for (unsigned i = 0; i < depth; i++)
		v = i % 2 ? json_pack("[o]", v) : json_pack("{so}", "in", v);
	return v;
}

static json_t *many_members(unsigned n)
{
	json_t *object = json_object();

	for (unsigned i = n; i-- > 0;) {
		_cleanup_free_ char *key = xasprintf("key-%u", i * 7919 % 1009);

		json_object_set_new(object, key, json_integer(i));
	}
	return object;
}

static json_t *odd_resource(void)
{
	static const char text[] =
		"{\"apiVersion\":\"example.org/v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"odd\",\"labels\":{},"
		"\"annotations\":{\"krm.kcl.dev/ready\":\"True\",\"a.b/c\":\"\"}},\"spec\":{\"null\":null,\"yes\":true,"
		"\"no\":false,\"zero\":0,\"minus\":-1,\"half\":0.5,\"big\":9007199254740993,\"huge\":1e300,"
		"\"tiny\":5e-324,\"large\":9223372036854775807,\"beyond\":1e19,\"empty\":\"\",\"list\":[],"
		"\"lists\":[[],[[1,[2]],{}],null,\"\",{\"b\":1,\"a\":[{}]}],\"text\":\"\\u00e9\\u20ac\\ud83d\\ude00\\n\","
		"\"Z\":1,\"z\":2,\"aaaaaaaab\":1,\"aaaaaaaaa\":2,\"aaaaaaaa\":3,\"\":4,\"minusZero\":-0.0}}";
	json_t *v = json_parse(text, strlen(text), 0, NULL);

	assert_non_null(v);
	json_object_set_new(v, "deep", nested(100));
	json_object_set_new(v, "wide", many_members(70));
	json_object_set_new(
		v, "status",
		json_pack("{s[{ss,ss}],so}", "conditions", "type", "Ready", "status", "True", "more", many_members(13)));
	return v;
}

static json_t *request_with(const json_t *input)
{
	_cleanup_json_ json_t *odd = odd_resource();
	json_t *resources = json_pack("{s{sO,s{ss}},s{sO,si},s{s{ss,ss,s{sI}}},s{},s{s{}}}", "odd", "resource", odd,
	                              "connection_details", "key", "AAEC", "ready", "resource", odd, "ready", 1, "plain",
	                              "resource", "apiVersion", "v1", "kind", "ConfigMap", "data", "n", (json_int_t)1 << 53,
	                              "nothing", "empty", "resource");
	json_t *state = json_pack("{s{sO,s{ss}},so}", "composite", "resource", odd, "connection_details", "user",
	                          "cm9vdA==", "resources", resources);
	json_t *request = json_pack("{s{ss},sO,sO,s{sO,s{ss}},s{s{s[{sO},{}]},s{}}}", "meta", "tag", "t", "observed", state,
	                            "desired", state, "context", "odd", odd, "e", "k", "v", "required_resources", "found",
	                            "items", "resource", odd, "none");

	json_decref(state);
	json_object_set(request, "extra_resources", json_object_get(request, "required_resources"));
	if (input)
		json_object_set(request, "input", json_unconst(input));
	return request;
}

static void encode(const json_t *request, struct buf *out)
{
	_cleanup_err_ struct err err = { 0 };

	if (pb_encode(FUNCTION_REQUEST, request, out, &err) < 0)
		fail_msg("%s", err_message(&err));
}

/* And whether they fail: with the same message, then. */
static const struct {
	const char *program;
	bool fails;
} PROGRAMS[] = {
	{ "items = []", false },
	{ "items = [{apiVersion = \"v1\", kind = \"A\", metadata.name = \"a\", whole = option(\"params\")}]", false },
	{ "items = [{apiVersion = \"v1\", kind = \"A\", metadata.name = \"a\", whole = option(\"resource_list\")}]",
	  false },
	{ "p = option(\"params\")\nitems = [{**v.Resource, metadata = {name = n}} for n, v in p.ocds if v.Resource]",
	  false },
	{ "p = option(\"params\")\nitems = [p.oxr | {metadata.name = \"x\", spec.more = len(p.oxr.wide), spec.no = True}]",
	  false },
	{ "p = option(\"params\")\nitems = [p.dxr | {status.n = [len(str(v)) for k, v in p.dcds], status.o = p.ctx.odd}]",
	  false },
	{ "p = option(\"params\")\nimport json\nitems = [{apiVersion = \"v1\", kind = \"B\", metadata.name = \"odd\", "
	  "s = json.encode(p.extraResources), d = \"${p.requiredResources}\", same = p.oxr == p.ctx.odd, "
	  "has = \"deep\" in p.oxr, t = typeof(p.oxr.spec), zero = p.oxr.spec.minusZero}]",
	  false },
	{ "schema S:\n    spec: {str:}\n    wide: {str:int}\n    [...str]: any\np = option(\"params\")\n"
	  "items = [S {**p.oxr}, S {spec = p.oxr.spec, wide = p.oxr.wide, metadata.name = \"second\"}]",
	  false },
	{ "p = option(\"params\")\nimport manifests\nmanifests.yaml_stream([p.oxr | {metadata.name = \"q\"}])", false },
	{ "p = option(\"params\")\noxr = p.oxr", false },
	{ "p = option(\"params\")\nitems = [{apiVersion = \"meta.krm.kcl.dev/v1alpha1\", kind = \"Context\", data = "
	  "{odd.spec = p.oxr.spec.lists, new = p.oxr.deep}}]",
	  false },
	{ "p = option(\"params\")\nassert p.oxr.spec.half == 1, \"half is ${p.oxr.spec.half}\"", true },
	{ "p = option(\"params\")\nitems = p.oxr.spec.nothing.at.all", true },
	{ "p = option(\"params\")\nx: {str:str} = p.oxr.wide\nitems = []", true },
	{ "p = option(\"params\")\nitems = [{apiVersion = \"v1\", kind = \"P\", metadata.name = k, spec = {inner = "
	  "v.Resource?.deep}} "
	  "for k, v in p.ocds]",
	  false },
};

static void test_kcl(void **state _unused_)
{
	static const char *const targets[] = { "Default", "Resources", "PatchDesired", "PatchResources", "XR" };

	for (size_t i = 0; i < ARRAY_SIZE(PROGRAMS); i++)
		for (size_t j = 0; j < ARRAY_SIZE(targets); j++) {
			_cleanup_json_ json_t *input = json_pack(
				"{ss,ss,s{ss,ss,s{s{si},ss},s[{ss,s{ss,ss,s{ss}}}]}}", "apiVersion", "krm.kcl.dev/v1alpha1", "kind",
				"KCLInput", "spec", "source", PROGRAMS[i].program, "target", targets[j], "params", "given", "a", 1,
				"oxr", "hidden", "resources", "name", "odd", "base", "apiVersion", "v1", "kind", "Base", "metadata",
				"name", "base");
			_cleanup_json_ json_t *request = request_with(input);
			_cleanup_buf_ struct buf wire = BUF_INIT(ANSWER_MAX);

			encode(request, &wire);
			bool failed = assert_one_answer(PROGRAMS[i].program, FUNCTION_KCL, &wire);

			assert_one_answer(PROGRAMS[i].program, FUNCTION_ANY, &wire);
			if (j == 0 && failed != PROGRAMS[i].fails)
				fail_msg("%s: it fails as it should not, or the other way round", PROGRAMS[i].program);
		}
}

static void test_other_functions(void **state _unused_)
{
	static const char *const inputs[] = {
		"null",
		"{\"apiVersion\":\"autoready.fn.crossplane.io/v1beta1\",\"kind\":\"Input\",\"ttl\":\"1m\"}",
		"{\"apiVersion\":\"nobody.example.org/v1\"}",
		"{\"apiVersion\":\"pt.fn.crossplane.io/v1beta1\",\"kind\":\"Resources\",\"resources\":[{\"name\":\"odd\","
		"\"base\":{\"apiVersion\":\"v1\",\"kind\":\"X\"},\"patches\":[{\"type\":\"FromCompositeFieldPath\","
		"\"fromFieldPath\":\"spec.half\",\"toFieldPath\":\"spec.half\"}]}]}",
	};

	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
		_cleanup_json_ json_t *input = json_parse(inputs[i], strlen(inputs[i]), 0, NULL);
		_cleanup_json_ json_t *request = request_with(json_is_null(input) ? NULL : input);
		_cleanup_buf_ struct buf wire = BUF_INIT(ANSWER_MAX);

		encode(request, &wire);
		assert_one_answer(inputs[i], FUNCTION_ANY, &wire);
		assert_one_answer(inputs[i], FUNCTION_AUTO_READY, &wire);
	}
}

/* Each byte in turn is another: what is refused is refused alike, what is not is answered alike. */
static void test_damaged_requests(void **state _unused_)
{
	_cleanup_json_ json_t *request = json_pack(
		"{s{s{s{sn,sf,ss,sb,s[i,s],s{}}}},s{s{s{s{ss}}}},s{ss,s{ss}}}", "observed", "composite", "resource", "a", "b",
		1.5, "c", "text", "d", 1, "e", 1, "x", "f", "desired", "resources", "r", "resource", "kind", "K", "input",
		"apiVersion", "krm.kcl.dev/v1alpha1", "spec", "source",
		"items = [{apiVersion = \"v1\", metadata.name = \"n\", o = option(\"params\")}]");
	_cleanup_buf_ struct buf wire = BUF_INIT(ANSWER_MAX);
	static const uint8_t others[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };

	encode(request, &wire);
	for (size_t i = 0; i < wire.len; i++) {
		uint8_t was = (uint8_t)wire.data[i];

		for (size_t j = 0; j < ARRAY_SIZE(others); j++) {
			wire.data[i] = (char)others[j];
			assert_one_answer("damaged", FUNCTION_KCL, &wire);
			wire.data[i] = (char)(was ^ others[j]);
			assert_one_answer("damaged", FUNCTION_KCL, &wire);
		}
		wire.data[i] = (char)was;
	}
}

/* ---- what only the wire can say ---- */

/* Field `field` with these bytes, fewer than 128. */
static struct buf *put(struct buf *out, unsigned field, const void *data, size_t len)
{
	const char head[] = { (char)(field << 3 | 2), (char)len };

	assert_true(len < 128);
	buf_append(out, head, 2);
	buf_append(out, data, len);
	return out;
}

static void put_entry(struct buf *out, const char *key, const char *value, size_t len)
{
	_cleanup_buf_ struct buf entry = BUF_INIT(256);

	put(put(&entry, 1, key, strlen(key)), 2, value, len);
	put(out, 1, entry.data, entry.len);
}

/* A request with this Struct as a desired resource. */
static void put_request(struct buf *out, const struct buf *resource)
{
	_cleanup_buf_ struct buf inner = BUF_INIT(256), entry = BUF_INIT(256), state = BUF_INIT(256);

	put(&inner, 1, buf_str(resource), resource->len);
	put(put(&entry, 1, "r", 1), 2, inner.data, inner.len);
	put(&state, 2, entry.data, entry.len);
	put(out, 3, state.data, state.len);
}

/* Keys out of order, one of them twice, a Value of two kinds, one of none, and fields that nobody knows. */
static void test_odd_order(void **state _unused_)
{
	_cleanup_buf_ struct buf resource = BUF_INIT(256), wire = BUF_INIT(256), answer = BUF_INIT(256);
	_cleanup_err_ struct err err = { 0 };

	put_entry(&resource, "z", "\x1a\x01q", 3);
	put_entry(&resource, "z", "\x1a\x01w", 3);
	put_entry(&resource, "b", "\x20\x01\x1a\x01k", 5);
	put_entry(&resource, "n", "", 0);
	buf_append(&resource, "\x78\x01", 2);
	put_entry(&resource, "m", "\x11\0\0\0\0\0\0\0\x80\x78\x01", 11);
	put_request(&wire, &resource);
	assert_one_answer("odd order", FUNCTION_AUTO_READY, &wire);
	assert_int_equal(function_answer(functions, 0, FUNCTION_AUTO_READY, wire.data, wire.len, NULL, &answer, &err), 0);

	_cleanup_json_ json_t *decoded = pb_decode(FUNCTION_RESPONSE, answer.data, answer.len, &err);
	_cleanup_free_ char *text = json_to_str(json_at(decoded, "desired", "resources", "r", "resource", NULL));

	assert_string_equal(text, "{\"b\":\"k\",\"m\":0,\"n\":null,\"z\":\"w\"}");
}

static void test_malformed_parts(void **state _unused_)
{
	static const struct {
		const char *value;
		size_t len;
		const char *why;
	} cases[] = {
		{ "\x1a\x01\xff", 3, "no UTF-8" },
		{ "\x1a\x01\0", 3, "a NUL" },
		{ "\x1a\x09", 2, "a text passes the end" },
		{ "\x11\0\0\0\0\0\0\xf0\x7f", 9, "infinite" },
		{ "\x11\0\0\0\0\0\0\xf8\x7f", 9, "not a number" },
		{ "\x2a\x02\x0a\x05", 4, "an entry within a Struct passes the end" },
		{ "\x32\x02\x0a\x05", 4, "an item of a list passes the end" },
		{ "\x2a\x05\x0a\x03\x0a\x01\xff", 7, "a key within a Struct is no UTF-8" },
		{ "\x0b", 1, "a group" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_buf_ struct buf resource = BUF_INIT(256), wire = BUF_INIT(256), answer = BUF_INIT(256);
		_cleanup_err_ struct err err = { 0 };

		put_entry(&resource, "key", cases[i].value, cases[i].len);
		put_request(&wire, &resource);
		assert_one_answer(cases[i].why, FUNCTION_KCL, &wire);
		if (function_answer(functions, 0, FUNCTION_KCL, wire.data, wire.len, NULL, &answer, &err) == 0)
			fail_msg("accepted: %s", cases[i].why);
		assert_int_equal(err.kind, ERR_BAD_REQUEST);
	}
}

/* As deep as allowed, and one level more. */
static void test_depth(void **state _unused_)
{
	static const unsigned depths[] = {
		100, 240, JSON_DEPTH_MAX - 4, JSON_DEPTH_MAX - 3, JSON_DEPTH_MAX - 2, JSON_DEPTH_MAX - 1
	};

	for (size_t i = 0; i < ARRAY_SIZE(depths); i++) {
		_cleanup_json_ json_t *request = json_pack(
			"{s{s{s{s{so}}}},s{ss,s{ss}}}", "desired", "resources", "r", "resource", "deep", nested(depths[i]), "input",
			"apiVersion", "krm.kcl.dev/v1alpha1", "spec", "source",
			"items = [{apiVersion = \"v1\", metadata.name = \"n\", o = option(\"params\").dcds}]");
		_cleanup_buf_ struct buf wire = BUF_INIT(ANSWER_MAX);

		if (pb_encode(FUNCTION_REQUEST, request, &wire, NULL) == 0)
			assert_one_answer("deep", FUNCTION_KCL, &wire);
	}
}

/* ---- threads ---- */

#define CALLS 50

struct caller {
	unsigned worker;
	const struct buf *request;
	struct buf answer;
	bool same; /* all answers */
};

static void *call_often(void *self)
{
	struct caller *c = self;

	c->same = true;
	for (unsigned i = 0; i < CALLS; i++) {
		_cleanup_buf_ struct buf answer = BUF_INIT(ANSWER_MAX);
		struct buf *into = i == 0 ? &c->answer : &answer;

		if (function_answer(functions, c->worker, FUNCTION_KCL, c->request->data, c->request->len, NULL, into, NULL) <
		    0)
			c->same = false;
		if (i > 0 && (answer.len != c->answer.len || memcmp(buf_str(&answer), buf_str(&c->answer), answer.len) != 0))
			c->same = false;
	}
	return NULL;
}

/* One program, whose constants they share; each has values of its own. */
static void test_threads_share_a_program(void **state _unused_)
{
	_cleanup_json_ json_t *input = json_pack("{ss,s{ss}}", "apiVersion", "krm.kcl.dev/v1alpha1", "spec", "source",
	                                         "p = option(\"params\")\nitems = [{**v.Resource, metadata = {name = n}} "
	                                         "for n, v in p.ocds if v.Resource]");
	_cleanup_json_ json_t *request = request_with(input);
	_cleanup_buf_ struct buf wire = BUF_INIT(ANSWER_MAX);
	struct caller callers[THREADS];
	pthread_t threads[THREADS];

	encode(request, &wire);
	for (unsigned i = 0; i < THREADS; i++) {
		callers[i] = (struct caller){ .worker = i, .request = &wire, .answer = BUF_INIT(ANSWER_MAX) };
		assert_int_equal(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_true(callers[i].same);
		assert_int_equal(callers[i].answer.len, callers[0].answer.len);
		assert_memory_equal(callers[i].answer.data, callers[0].answer.data, callers[0].answer.len);
	}
	for (unsigned i = 0; i < THREADS; i++)
		buf_clear(&callers[i].answer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kcl),
		cmocka_unit_test(test_other_functions),
		cmocka_unit_test(test_damaged_requests),
		cmocka_unit_test(test_odd_order),
		cmocka_unit_test(test_malformed_parts),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_threads_share_a_program),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
