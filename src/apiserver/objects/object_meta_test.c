#include "object_meta.h"

#include "base/clock.h"
#include "base/str.h"
#include "invalid.h"
#include "kube/object.h"
#include "object_view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct api_type *thing(bool namespaced)
{
	struct api_type *t = api_type_new("example.org", "things", "thing", "Thing");

	t->namespaced = namespaced;
	t->custom = true;
	api_type_add_version(t, "v1")->has_status = true;
	return t;
}

static json_t *parse(const char *text)
{
	json_t *v = json_parse(text, strlen(text), 0, NULL);

	assert_non_null(v);
	return v;
}

/* The message of an error of object_meta_decode(), or the decoded object. */
static char *decode(const char *text, json_t *dropped)
{
	_cleanup_(api_type_unrefp) struct api_type *t = thing(true);
	_cleanup_json_ json_t *obj = parse(text);
	_cleanup_err_ struct err err = { 0 };

	if (object_meta_decode(t, &t->versions[0], obj, dropped, &err) < 0)
		return xstrdup(err.message);
	return json_canonical(obj);
}

static void test_object_meta_decode(void **state _unused_)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "{}", "{\"apiVersion\":\"example.org/v1\",\"kind\":\"Thing\",\"metadata\":{}}" },
		{ "{\"metadata\":{\"name\":\"a\",\"creationTimestamp\":null,\"labels\":{},\"annotations\":null,\"finalizers\":["
		  "]}}",
		  "{\"apiVersion\":\"example.org/v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"a\"}}" },
		{ "{\"metadata\":{\"labels\":{\"a\":null}}}",
		  "{\"apiVersion\":\"example.org/v1\",\"kind\":\"Thing\",\"metadata\":{\"labels\":{\"a\":\"\"}}}" },
		{ "{\"metadata\":{\"creationTimestamp\":\"2026-01-01T02:00:00.5+02:00\"}}",
		  "{\"apiVersion\":\"example.org/v1\",\"kind\":\"Thing\",\"metadata\":{\"creationTimestamp\":"
		  "\"2026-01-01T00:00:00Z\"}}" },
		{ "[]", "the body of the request must be one object of kind Thing" },
		{ "{\"apiVersion\":\"v2\"}",
		  "the API version in the data (v2) does not match the expected API version (example.org/v1)" },
		{ "{\"metadata\":{\"name\":5}}",
		  "Thing in version \"v1\" cannot be handled as a Thing: json: cannot unmarshal number into Go struct field "
		  "ObjectMeta.name of type string" },
		{ "{\"metadata\":{\"finalizers\":[1]}}",
		  "Thing in version \"v1\" cannot be handled as a Thing: json: cannot unmarshal number into Go struct field "
		  "ObjectMeta.finalizers of type string" },
		{ "{\"metadata\":{\"finalizers\":{}}}",
		  "Thing in version \"v1\" cannot be handled as a Thing: json: cannot unmarshal object into Go struct field "
		  "ObjectMeta.finalizers of type []string" },
		{ "{\"metadata\":[]}",
		  "Thing in version \"v1\" cannot be handled as a Thing: json: cannot unmarshal array into Go value of type "
		  "v1.ObjectMeta" },
		{ "{\"metadata\":{\"creationTimestamp\":\"yesterday\"}}",
		  "Thing in version \"v1\" cannot be handled as a Thing: parsing time \"yesterday\" as "
		  "\"2006-01-02T15:04:05Z07:00\": cannot "
		  "parse \"yesterday\" as \"2006\"" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *got = decode(cases[i].text, NULL);
		assert_string_equal(got, cases[i].expected);
	}
	_cleanup_json_ json_t *dropped = json_array();
	free(decode("{\"metadata\":{\"nmae\":\"a\",\"name\":\"b\"}}", dropped));
	assert_int_equal(json_array_size(dropped), 1);
	assert_string_equal(json_string_value(json_array_get(dropped, 0)), "metadata.nmae");
}

static void test_object_meta_create(void **state _unused_)
{
	_cleanup_(api_type_unrefp) struct api_type *t = thing(true);
	_cleanup_json_ json_t *obj = parse(
		"{\"metadata\":{\"generateName\":\"a-\",\"uid\":\"mine\",\"resourceVersion\":\"7\",\"selfLink\":\"x\","
		"\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"}}");

	object_meta_create(t, obj, INT64_C(1767225600) * NS_PER_S);
	assert_true(str_starts_with(kube_name(obj), "a-") && strlen(kube_name(obj)) == 7);
	assert_int_equal(strlen(kube_uid(obj)), 36);
	assert_int_equal(kube_uid(obj)[14], '4'); /* a random UUID */
	assert_string_equal(json_get_str(kube_meta(obj), "creationTimestamp"), "2026-01-01T00:00:00Z");
	assert_int_equal(kube_generation(obj), 1);
	assert_false(kube_is_deleting(obj));
	assert_string_equal(kube_resource_version(obj), "");
	assert_null(json_object_get(kube_meta(obj), "selfLink"));

	/* A base that is too long is cut, so that names stay within 63 characters. */
	_cleanup_json_ json_t *longer = json_pack("{s:{s:s}}", "metadata", "generateName",
	                                          "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcdefghij");
	object_meta_create(t, longer, 0);
	assert_int_equal(strlen(kube_name(longer)), 63);
}

static void test_object_meta_update(void **state _unused_)
{
	_cleanup_(api_type_unrefp) struct api_type *t = thing(true);
	_cleanup_json_ json_t *old = parse(
		"{\"metadata\":{\"name\":\"a\",\"uid\":\"u\",\"generation\":4,\"resourceVersion\":\"9\","
		"\"creationTimestamp\":\"2026-01-01T00:00:00Z\"},\"spec\":{\"x\":1},\"status\":{\"y\":1}}");
	static const struct {
		const char *text;
		int64_t generation;
	} cases[] = {
		{ "{\"metadata\":{\"name\":\"a\",\"generation\":77},\"spec\":{\"x\":1},\"status\":{\"y\":1}}",
		  4 }, /* clients do not count */
		{ "{\"metadata\":{\"name\":\"a\",\"labels\":{\"l\":\"m\"}},\"spec\":{\"x\":1},\"status\":{\"y\":1}}", 4 },
		{ "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"x\":1},\"status\":{\"y\":2}}", 4 },
		{ "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"x\":2},\"status\":{\"y\":1}}", 5 },
		{ "{\"metadata\":{\"name\":\"a\"},\"spec\":{\"x\":1},\"other\":true}", 5 }, /* everything outside counts */
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *obj = parse(cases[i].text);
		object_meta_update(t, &t->versions[0], obj, old);
		assert_int_equal(kube_generation(obj), cases[i].generation);
		assert_string_equal(kube_uid(obj), "u");
		assert_string_equal(json_get_str(kube_meta(obj), "creationTimestamp"), "2026-01-01T00:00:00Z");
		assert_string_equal(kube_resource_version(obj), "");
	}
}

static void test_object_meta_address(void **state _unused_)
{
	_cleanup_(api_type_unrefp) struct api_type *t = thing(true), *cluster = thing(false);
	static const struct {
		const char *text;
		bool ok;
	} cases[] = {
		{ "{\"metadata\":{}}", true },
		{ "{\"metadata\":{\"name\":\"a\",\"namespace\":\"n\"}}", true },
		{ "{\"metadata\":{\"name\":\"b\",\"namespace\":\"n\"}}", false },
		{ "{\"metadata\":{\"name\":\"a\",\"namespace\":\"m\"}}", false },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *obj = parse(cases[i].text);
		_cleanup_err_ struct err err = { 0 };
		assert_int_equal(object_meta_address(t, obj, "n", "a", &err) == 0, cases[i].ok);
		if (cases[i].ok)
			assert_string_equal(kube_namespace(obj), "n");
		else
			assert_int_equal(err.kind, ERR_BAD_REQUEST);
	}
	_cleanup_json_ json_t *obj = parse("{\"metadata\":{\"name\":\"a\",\"namespace\":\"n\"}}");
	assert_int_equal(object_meta_address(cluster, obj, "", "a", NULL), 0);
	assert_string_equal(kube_namespace(obj), ""); /* cluster-scoped objects lie in none */
}

static void test_object_meta_validate(void **state _unused_)
{
	_cleanup_(api_type_unrefp) struct api_type *t = thing(true);
	static const struct {
		const char *meta, *old, *fault; /* NULL: none */
	} cases[] = {
		{ "{\"name\":\"a.b-c\"}", NULL, NULL },
		{ "{}", NULL, "metadata.name: Required value: name or generateName is required" },
		{ "{\"name\":\"a\",\"generateName\":\"b-\"}", NULL, NULL },
		{ "{\"name\":\"a\",\"generateName\":\"B-\"}", NULL,
		  "metadata.generateName: Invalid value: \"B-\": a lowercase RFC 1123 subdomain must consist of" },
		{ "{\"name\":\"a\",\"ownerReferences\":[{\"apiVersion\":\"/a/"
		  "b\",\"kind\":\"K\",\"name\":\"n\",\"uid\":\"u\"}]}",
		  NULL, "metadata.ownerReferences.apiVersion: Invalid value: \"/a/b\": version must not be empty" },
		{ "{\"name\":\"a\",\"ownerReferences\":[{\"apiVersion\":\"v1\",\"kind\":\"Event\",\"name\":\"n\",\"uid\":\"u\"}"
		  "]}",
		  NULL, "Kind=Event is disallowed from being an owner" },
		{ "{\"name\":\"A\"}", NULL,
		  "metadata.name: Invalid value: \"A\": a lowercase RFC 1123 subdomain must consist of" },
		{ "{\"name\":\"a\",\"labels\":{\"x/y/z\":\"\"}}", NULL,
		  "metadata.labels: Invalid value: \"x/y/z\": a qualified name must" },
		{ "{\"name\":\"a\",\"labels\":{\"/y\":\"\"}}", NULL,
		  "metadata.labels: Invalid value: \"/y\": prefix part must be non-empty" },
		{ "{\"name\":\"a\",\"labels\":{\"y\":\"-\"}}", NULL,
		  "metadata.labels: Invalid value: \"-\": a valid label must be" },
		{ "{\"name\":\"a\",\"annotations\":{\"Upper/Case\":\"anything at all\"}}", NULL, NULL },
		{ "{\"name\":\"a\",\"annotations\":{\"with space\":\"\"}}", NULL,
		  "metadata.annotations: Invalid value: \"with space\"" },
		{ "{\"name\":\"a\",\"ownerReferences\":[{\"kind\":\"K\",\"name\":\"n\",\"uid\":\"u\"}]}", NULL,
		  "metadata.ownerReferences.apiVersion: Invalid value: \"\": version must not be empty" },
		{ "{\"name\":\"a\",\"finalizers\":[\"orphan\",\"foregroundDeletion\"]}", NULL, "cannot be both set" },
		{ "{\"name\":\"a\",\"uid\":\"u\"}", "{\"name\":\"a\",\"uid\":\"v\"}",
		  "metadata.uid: Invalid value: \"u\": field is immutable" },
		{ "{\"name\":\"a\",\"finalizers\":[\"x.y/new\"]}",
		  "{\"name\":\"a\",\"deletionTimestamp\":\"2026-01-01T00:00:00Z\"}",
		  "no new finalizers can be added if the object is being deleted, found new finalizers []string{\"x.y/new\"}" },
		{ "{\"name\":\"NOT checked again\"}", "{\"name\":\"NOT checked again\"}", NULL },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *obj = json_pack("{s:o}", "metadata", parse(cases[i].meta));
		_cleanup_json_ json_t *old = cases[i].old ? json_pack("{s:o}", "metadata", parse(cases[i].old)) : NULL;
		_cleanup_err_ struct err err = { 0 };
		object_meta_validate(t, obj, old, &err);
		assert_int_equal(invalid_finish(&err, "Thing", "example.org", "a"), cases[i].fault ? -1 : 0);
		if (cases[i].fault)
			assert_non_null(strstr(err.message, cases[i].fault));
	}
}

static void test_object_text_for_store_finds_its_version(void **state _unused_)
{
	/* The same member elsewhere, also before metadata and within strings, must not be taken for it. */
	_cleanup_json_ json_t *obj = parse(
		"{\"aaa\":{\"resourceVersion\":\"\"},\"metadata\":{\"annotations\":{\"resourceVersion\":\"\","
		"\"x\":\"\\\"resourceVersion\\\":\\\"\\\"\"},\"name\":\"n\\\"resourceVersion\\\":\\\"\"},"
		"\"kind\":\"K\",\"apiVersion\":\"v1\"}");
	size_t offset;
	_cleanup_(bytes_unrefp) struct bytes *text = object_text_for_store(obj, &offset);
	_cleanup_free_ char *head = xstrndup(text->data, offset);

	assert_string_equal(head, "{\"apiVersion\":\"v1\",\"kind\":\"K\",\"metadata\":{\"name\":\"n\\\"resourceVersion\\\":"
	                          "\\\"\",\"resourceVersion\":\"");
	_cleanup_json_ json_t *back = json_parse(text->data, text->len, 0, NULL);
	json_object_del(kube_meta(back), "resourceVersion");
	assert_true(json_equal(back, obj));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_object_meta_decode),   cmocka_unit_test(test_object_meta_create),
		cmocka_unit_test(test_object_meta_update),   cmocka_unit_test(test_object_meta_address),
		cmocka_unit_test(test_object_meta_validate), cmocka_unit_test(test_object_text_for_store_finds_its_version),
	};
	return cmocka_run_group_tests_name("object_meta", tests, NULL, NULL);
}
