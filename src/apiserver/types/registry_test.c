#include "registry.h"

#include "base/clock.h"
#include "base/str.h"
#include "builtin.h"
#include "discovery/openapi.h"
#include "rest/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const char SPEC[] =
	"{\"group\":\"example.org\",\"scope\":\"Namespaced\",\"names\":{\"plural\":\"things\",\"singular\":\"thing\","
	"\"kind\":\"Thing\","
	"\"shortNames\":[\"th\"]},\"versions\":[{\"name\":\"v1beta1\",\"served\":true,\"storage\":false,\"schema\":{"
	"\"openAPIV3Schema\":"
	"{\"type\":\"object\"}}},{\"name\":\"v1\",\"served\":true,\"storage\":true,\"subresources\":{\"status\":{}},"
	"\"additionalPrinterColumns\":[{\"name\":\"Size\",\"type\":\"integer\",\"jsonPath\":\".spec.size\"},"
	"{\"name\":\"Since\",\"type\":\"date\",\"jsonPath\":\".spec.since\"},{\"name\":\"Names\",\"type\":\"string\","
	"\"jsonPath\":"
	"\".spec.names\"},{\"name\":\"On\",\"type\":\"boolean\",\"jsonPath\":\".spec.on\"}],"
	"\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{\"spec\":{\"type\":\"object\","
	"\"x-kubernetes-preserve-unknown-fields\":true}}}}}]}";

static struct api_type *things(void)
{
	_cleanup_json_ json_t *spec = json_parse(SPEC, sizeof(SPEC) - 1, 0, NULL);
	struct api_type *t = registry_type_from_spec(spec, false, NULL);

	assert_non_null(t);
	return t;
}

static void test_registry_version_order(void **state _unused_)
{
	static const char *const ordered[] = { "v10",     "v2",        "v1",        "v11beta2", "v10beta3",
		                                   "v3beta1", "v12alpha1", "v11alpha2", "bar",      "foo10" };

	for (size_t i = 0; i < ARRAY_SIZE(ordered); i++)
		for (size_t k = 0; k < ARRAY_SIZE(ordered); k++) {
			int order = api_version_compare(ordered[i], ordered[k]);
			assert_int_equal((order > 0) - (order < 0), (i > k) - (i < k));
		}
}

static void test_registry_find(void **state _unused_)
{
	_cleanup_(registry_types_freep) struct api_type **types = NULL;
	struct registry *r = registry_new();
	uint64_t before = registry_generation(r);

	registry_put(r, things());
	assert_true(registry_generation(r) > before);
	_cleanup_(api_type_unrefp) struct api_type *t = registry_find(r, "example.org", "v1", "things");
	assert_non_null(t);
	assert_string_equal(t->resource, "example.org/things");
	assert_string_equal(t->versions[0].name, "v1"); /* the preferred one first */
	assert_string_equal(t->versions[t->storage].name, "v1");
	assert_true(api_type_has_subresource(t, api_type_version(t, "v1"), "status"));
	assert_false(api_type_has_subresource(t, api_type_version(t, "v1beta1"), "status"));
	assert_null(registry_find(r, "example.org", "v2", "things"));
	assert_null(registry_find(r, "", "v1", "things"));
	_cleanup_(api_type_unrefp) struct api_type *by_kind = registry_find_kind(r, "example.org", NULL, "Thing");
	assert_ptr_equal(by_kind, t);
	types = registry_types(r);
	assert_ptr_equal(types[0], t);
	assert_null(types[1]);
	registry_remove(r, "example.org", "things");
	assert_null(registry_find(r, "example.org", "v1", "things"));
	registry_free(r); /* t stays usable */
	assert_string_equal(t->kind, "Thing");
}

static void test_registry_refuses_what_cannot_be_served(void **state _unused_)
{
	static const char *const specs[] = {
		"{}",
		"{\"group\":\"g.h\",\"names\":{\"plural\":\"p\",\"kind\":\"K\"},\"versions\":[{\"name\":\"v1\",\"served\":true}"
		"]}",
		"{\"group\":\"g.h\",\"names\":{\"plural\":\"p\",\"kind\":\"K\"},\"versions\":[{\"storage\":true}]}",
		"{\"group\":\"g.h\",\"names\":{\"plural\":\"p\",\"kind\":\"K\"},\"versions\":[{\"name\":\"v1\",\"storage\":"
		"true,"
		"\"schema\":{\"openAPIV3Schema\":{\"type\":\"object\",\"properties\":{\"spec\":{}}}}}]}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		_cleanup_json_ json_t *spec = json_parse(specs[i], strlen(specs[i]), 0, NULL);
		_cleanup_err_ struct err err = { 0 };
		assert_null(registry_type_from_spec(spec, false, &err));
		assert_true(err_is_set(&err));
	}
}

static void test_registry_shows_no_columns_that_make_no_sense(void **state _unused_)
{
	static const char text[] =
		"{\"group\":\"g.h\",\"names\":{\"plural\":\"p\",\"kind\":\"K\"},\"versions\":[{\"name\":\"v1\",\"storage\":"
		"true,"
		"\"additionalPrinterColumns\":[{\"name\":\"A\",\"jsonPath\":\".a\"},{\"name\":\"X\",\"jsonPath\":\".a[\"}]}]}";
	_cleanup_json_ json_t *spec = json_parse(text, strlen(text), 0, NULL);
	_cleanup_(api_type_unrefp) struct api_type *t = registry_type_from_spec(spec, false, NULL);

	assert_non_null(t);
	assert_int_equal(t->versions[0].columns_len, 0);
}

static void test_registry_builtin_types(void **state _unused_)
{
	struct registry *r = registry_new();
	_cleanup_err_ struct err err = { 0 };

	if (builtin_register(r, &err) < 0)
		fail_msg("%s", err.message);
	_cleanup_(api_type_unrefp) struct api_type *events = registry_find(r, "events.k8s.io", "v1", "events");
	assert_string_equal(events->resource, "/events"); /* one store for both groups */
	_cleanup_(api_type_unrefp) struct api_type *review = registry_find(r, "authorization.k8s.io", "v1",
	                                                                   "selfsubjectaccessreviews");
	assert_int_equal(review->verbs, VERB_CREATE);
	assert_non_null(review->strategy->review);
	registry_free(r);
}

static void test_table_cells(void **state _unused_)
{
	_cleanup_(api_type_unrefp) struct api_type *t = things();
	const struct api_version *v = api_type_version(t, "v1");
	char since[RFC3339_SIZE];
	rfc3339_format(clock_wall_ns() - 7200 * NS_PER_S, since);
	_cleanup_json_ json_t *obj = json_pack("{s:{s:s},s:{s:i,s:s,s:[s,s],s:b}}", "metadata", "name", "a", "spec", "size",
	                                       3, "since", since, "names", "x", "y", "on", 1);
	_cleanup_json_ json_t *row = table_row(v, false, obj, NULL), *cells = json_incref(json_object_get(row, "cells"));
	_cleanup_free_ char *text = json_to_str(cells);
	assert_string_equal(text, "[\"a\",3,\"120m\",\"[\\\"x\\\",\\\"y\\\"]\",true]");

	/* What is missing or of another type prints nothing. */
	_cleanup_json_ json_t *bare = json_pack("{s:{s:s},s:{s:s}}", "metadata", "name", "b", "spec", "size", "large");
	_cleanup_json_ json_t *bare_row = table_row(v, false, bare, "None");
	_cleanup_free_ char *bare_text = json_to_str(json_object_get(bare_row, "cells"));
	assert_string_equal(bare_text, "[\"b\",null,null,null,null]");
	assert_true(json_is_null(json_object_get(bare_row, "object")));
}

static void test_openapi_names(void **state _unused_)
{
	_cleanup_(api_type_unrefp) struct api_type *t = things();
	_cleanup_free_ char *name = openapi_schema_name(t, api_type_version(t, "v1"));

	assert_string_equal(name, "org.example.v1.Thing");
}

/* Walks length-delimited fields to the value at a path of field numbers; the first of each. */
static const char *proto_at(const char *data, size_t len, const unsigned *path, size_t *ret_len)
{
	const unsigned char *p = (const unsigned char *)data, *end = p + len;

	while (p < end) {
		uint64_t tag = 0, n = 0;
		unsigned shift = 0;
		do
			tag |= (uint64_t)(*p & 0x7f) << shift, shift += 7;
		while (*p++ & 0x80);
		assert_int_equal(tag & 7, 2);
		shift = 0;
		do
			n |= (uint64_t)(*p & 0x7f) << shift, shift += 7;
		while (*p++ & 0x80);
		if (tag >> 3 == path[0] && path[1] == 0) {
			*ret_len = n;
			return (const char *)p;
		}
		if (tag >> 3 == path[0])
			return proto_at((const char *)p, n, path + 1, ret_len);
		p += n;
	}
	return NULL;
}

static void test_openapi_protobuf(void **state _unused_)
{
	_cleanup_json_ json_t *path = json_pack("{s:{s:s,s:{s:s}}}", "patch", "operationId", "op",
	                                        "x-kubernetes-group-version-kind", "kind", "K");
	_cleanup_json_ json_t *definition = json_pack("{s:s,s:s}", "type", "object", "description", "D");
	_cleanup_buf_ struct buf paths = BUF_INIT(4096), definitions = BUF_INIT(4096), all = BUF_INIT(4096);

	OPENAPI_PROTOBUF.add_path(&paths, "/p", path);
	OPENAPI_PROTOBUF.add_schema(&definitions, "N", definition);
	OPENAPI_PROTOBUF.put_head(&all, paths.len);
	buf_append(&all, paths.data, paths.len);
	OPENAPI_PROTOBUF.put_middle(&all, definitions.len);
	buf_append(&all, definitions.data, definitions.len);
	OPENAPI_PROTOBUF.put_tail(&all);
	static const struct {
		unsigned path[10];
		const char *expected;
	} cases[] = {
		{ { 1 }, "2.0" },            /* Document.swagger */
		{ { 2, 1 }, "Kubernetes" },  /* info.title */
		{ { 8, 2, 1 }, "/p" },       /* paths.path[0].name */
		{ { 8, 2, 2, 8, 5 }, "op" }, /* .value.patch.operation_id */
		{ { 8, 2, 2, 8, 13, 1 }, "x-kubernetes-group-version-kind" },
		{ { 8, 2, 2, 8, 13, 2, 2 }, "{\"kind\":\"K\"}" }, /* the extension's value as YAML */
		{ { 9, 1, 1 }, "N" },                             /* definitions.additional_properties[0].name */
		{ { 9, 1, 2, 4 }, "D" },                          /* .value.description */
		{ { 9, 1, 2, 22, 1 }, "object" },                 /* .value.type.value[0] */
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t len = 0;
		const char *value = proto_at(all.data, all.len, cases[i].path, &len);
		assert_non_null(value);
		assert_int_equal(len, strlen(cases[i].expected));
		assert_memory_equal(value, cases[i].expected, len);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registry_version_order),
		cmocka_unit_test(test_registry_find),
		cmocka_unit_test(test_registry_refuses_what_cannot_be_served),
		cmocka_unit_test(test_registry_shows_no_columns_that_make_no_sense),
		cmocka_unit_test(test_registry_builtin_types),
		cmocka_unit_test(test_table_cells),
		cmocka_unit_test(test_openapi_names),
		cmocka_unit_test(test_openapi_protobuf),
	};
	return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
