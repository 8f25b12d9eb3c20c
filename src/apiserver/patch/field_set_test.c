#include "field_set_internal.h"

#include "base/buf.h"
#include "codec/yaml.h"

#include <string.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static json_t *yaml(const char *text)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *v = yaml_parse(text, strlen(text), NULL, &err);

	if (!v)
		fail_msg("%s: %s", err_message(&err), text);
	return v;
}

/* Lists of every kind, atomic and granular maps, a field without schema below it. */
static struct schema *kinds(void)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = yaml("type: object\n"
	                                "properties:\n"
	                                "  spec:\n"
	                                "    type: object\n"
	                                "    properties:\n"
	                                "      name: {type: string}\n"
	                                "      ports: {type: array, x-kubernetes-list-type: map, "
	                                "x-kubernetes-list-map-keys: [port, protocol], items: {type: "
	                                "object, required: [port], properties: {port: {type: integer}, protocol: {type: "
	                                "string, default: TCP}, label: {type: "
	                                "string}}}}\n"
	                                "      tags: {type: array, x-kubernetes-list-type: set, items: {type: string}}\n"
	                                "      args: {type: array, items: {type: string}}\n"
	                                "      atom: {type: object, x-kubernetes-map-type: atomic, properties: {x: {type: "
	                                "string}, w: {type: string}}}\n"
	                                "      map: {type: object, additionalProperties: {type: string}}\n"
	                                "      free: {type: object, x-kubernetes-preserve-unknown-fields: true}\n"
	                                "  status: {type: object, properties: {phase: {type: string}}}\n");
	struct schema *s = schema_compile(v, "s", &err);

	if (!s)
		fail_msg("%s", err_message(&err));
	return s;
}

static struct field_set *set_of(const char *v1)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = yaml(v1);
	struct field_set *s = field_set_from_v1(v, &err);

	if (!s)
		fail_msg("%s", err_message(&err));
	return s;
}

/* As sorted JSON with ' for ", so that tables read well. */
static void assert_set(const struct field_set *s, const char *wanted, const char *why)
{
	_cleanup_json_ json_t *v = field_set_to_v1(s), *w = yaml(wanted);

	if (json_same(v, w))
		return;
	_cleanup_free_ char *found = json_to_str(v);
	fail_msg("%s: found %s instead of %s", why, found, wanted);
}

static void collect(void *self, const char *path)
{
	buf_printf(self, "%s\n", path);
}

static void assert_paths(const struct field_set *s, const char *wanted)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1 << 20);

	field_set_each(s, collect, &out);
	assert_string_equal(buf_str(&out), wanted);
}

static void test_field_set_of_object(void **state)
{
	(void)state;
	static const struct {
		const char *object, *set, *why;
	} CASES[] = {
		{ "{apiVersion: v1, kind: K, metadata: {name: x, namespace: z, uid: u, resourceVersion: '1'}}", "{}",
		  "identity" },
		{ "{metadata: {labels: {a: b}, finalizers: [f]}}",
		  "{'f:metadata': {'f:labels': {'f:a': {}}, 'f:finalizers': {'v:\"f\"': {}}}}", "metadata is known" },
		{ "{spec: {name: x}}", "{'f:spec': {'f:name': {}}}", "a field; what is declared around it is not counted" },
		{ "{spec: {}}", "{'f:spec': {}}", "an empty object is a field itself" },
		{ "{spec: {name: null}}", "{'f:spec': {'f:name': {}}}", "null is a value" },
		{ "{spec: {args: [x, z]}}", "{'f:spec': {'f:args': {}}}", "an atomic list is one field" },
		{ "{spec: {atom: {x: a}}}", "{'f:spec': {'f:atom': {}}}", "an atomic map too" },
		{ "{spec: {tags: [x, z]}}", "{'f:spec': {'f:tags': {'v:\"x\"': {}, 'v:\"z\"': {}}}}", "a set has values" },
		{ "{spec: {ports: [{port: 80, label: l}]}}",
		  "{'f:spec': {'f:ports': {'k:{\"port\":80,\"protocol\":\"TCP\"}': {'.': {}, 'f:port': {}, 'f:label': {}}}}}",
		  "items by key, with the default of a key that is missing" },
		{ "{spec: {map: {k: v}}}", "{'f:spec': {'f:map': {'f:k': {}}}}", "members of a map" },
		{ "{spec: {free: {a: {b: 1}, l: [1]}}}", "{'f:spec': {'f:free': {'f:a': {'.': {}, 'f:b': {}}, 'f:l': {}}}}",
		  "without schema: granular maps that are fields themselves, atomic lists" },
		{ "{spec: {tags: [x, x]}}", "{'f:spec': {'f:tags': {'v:\"x\"': {}}}}", "repeated items count once" },
	};
	_cleanup_(schema_unrefp) struct schema *s = kinds();

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_json_ json_t *v = yaml(CASES[i].object);
		_cleanup_(field_set_freep) struct field_set *set = field_set_of(s, v);
		assert_set(set, CASES[i].set, CASES[i].why);
	}
}

static void test_field_set_is_read_and_written(void **state)
{
	(void)state;
	static const char *const SETS[] = {
		"{}",
		"{'f:a': {}}",
		"{'f:a': {'.': {}, 'f:b': {}}}",
		"{'f:a': {'f:b': {'i:0': {}, 'i:10': {}}}}",
		"{'f:a': {'k:{\"b\":1,\"c\":\"x\"}': {'.': {}, 'f:d': {}}, 'v:1': {}, 'v:\"1\"': {}, 'v:true': {}}}",
		"{'f:with.dot/and:colon': {}}",
	};
	for (size_t i = 0; i < ARRAY_SIZE(SETS); i++) {
		_cleanup_(field_set_freep) struct field_set *s = set_of(SETS[i]);
		assert_set(s, SETS[i], "round trip");
	}
	_cleanup_(field_set_freep) struct field_set *later = set_of("{'f:a': {}, 'q:later': {}}");
	assert_set(later, "{'f:a': {}}", "kinds of elements that are not known are dropped");
	_cleanup_(field_set_freep) struct field_set *keys = set_of("{'k:{\"b\":1,\"a\":2}': {}}");
	assert_set(keys, "{'k:{\"a\":2,\"b\":1}': {}}", "keys are sorted");
}

static void test_field_set_refuses_malformed(void **state)
{
	(void)state;
	static const char *const SETS[] = { "[]",          "{a: {}}",     "{'f:a': 1}",  "{'k:1': {}}",
		                                "{'k:{': {}}", "{'v:x': {}}", "{'i:x': {}}", "{f: {}}" };

	for (size_t i = 0; i < ARRAY_SIZE(SETS); i++) {
		_cleanup_err_ struct err err = { 0 };
		_cleanup_json_ json_t *v = yaml(SETS[i]);
		assert_null(field_set_from_v1(v, &err));
		assert_int_equal(err.kind, ERR_BAD_REQUEST);
	}
}

static void test_field_set_algebra(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b, *sum, *both, *rest, *why;
	} CASES[] = {
		{ "{'f:a': {}}", "{'f:b': {}}", "{'f:a': {}, 'f:b': {}}", "{}", "{'f:a': {}}", "disjoint" },
		{ "{'f:a': {}}", "{'f:a': {}}", "{'f:a': {}}", "{'f:a': {}}", "{}", "equal" },
		{ "{'f:a': {'f:b': {}}}", "{'f:a': {'f:c': {}}}", "{'f:a': {'f:b': {}, 'f:c': {}}}", "{}",
		  "{'f:a': {'f:b': {}}}", "siblings" },
		{ "{'f:a': {'.': {}, 'f:b': {}}}", "{'f:a': {}}", "{'f:a': {'.': {}, 'f:b': {}}}", "{'f:a': {}}",
		  "{'f:a': {'f:b': {}}}", "a field and what is below it are told apart" },
		{ "{'f:a': {}}", "{'f:a': {'f:b': {}}}", "{'f:a': {'.': {}, 'f:b': {}}}", "{}", "{'f:a': {}}", "below a leaf" },
		{ "{'v:1': {}}", "{'v:1.0': {}}", "{'v:1': {}}", "{'v:1': {}}", "{}", "equal numbers" },
		{ "{}", "{'f:a': {}}", "{'f:a': {}}", "{}", "{}", "empty" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_(field_set_freep) struct field_set *a = set_of(CASES[i].a), *b = set_of(CASES[i].b);
		_cleanup_(field_set_freep) struct field_set *sum = field_set_union(a, b), *both = field_set_intersection(a, b);
		_cleanup_(field_set_freep) struct field_set *rest = field_set_difference(a, b), *wanted = set_of(CASES[i].sum);
		assert_set(sum, CASES[i].sum, CASES[i].why);
		assert_set(both, CASES[i].both, CASES[i].why);
		assert_set(rest, CASES[i].rest, CASES[i].why);
		assert_true(field_set_equal(sum, wanted));
		assert_int_equal(field_set_is_empty(rest), strcmp(CASES[i].rest, "{}") == 0);
	}
	_cleanup_(field_set_freep) struct field_set *a = set_of("{'f:a': {'f:b': {'f:c': {}}}, 'f:d': {}}"),
												*b = set_of("{'f:a': {'f:b': {}}}");
	_cleanup_(field_set_freep) struct field_set *rest = field_set_recursive_difference(a, b);
	assert_set(rest, "{'f:d': {}}", "recursive difference takes what is below");
	assert_false(field_set_equal(a, b));
}

static void test_field_set_changed(void **state)
{
	(void)state;
	static const struct {
		const char *a, *b, *set, *why;
	} CASES[] = {
		{ "{spec: {name: x}}", "{spec: {name: x}}", "{}", "nothing" },
		{ "{spec: {name: x}}", "{spec: {name: z}}", "{'f:spec': {'f:name': {}}}", "modified" },
		{ "{spec: {name: x}}", "{spec: {}}", "{'f:spec': {'f:name': {}}}", "removed" },
		{ "{}", "{spec: {name: x}}", "{'f:spec': {'.': {}, 'f:name': {}}}", "added together with what it is in" },
		{ "{metadata: {resourceVersion: '1', generation: 1}}", "{metadata: {resourceVersion: '2', generation: 2}}",
		  "{}", "what the system sets" },
		{ "{spec: {args: [x]}}", "{spec: {args: [x, z]}}", "{'f:spec': {'f:args': {}}}", "an atomic list as a whole" },
		{ "{spec: {tags: [x, z]}}", "{spec: {tags: [z, w]}}", "{'f:spec': {'f:tags': {'v:\"w\"': {}, 'v:\"x\"': {}}}}",
		  "a set by value" },
		{ "{spec: {tags: [x, z]}}", "{spec: {tags: [z, x]}}", "{}", "the order of a set does not count" },
		{ "{spec: {ports: [{port: 1}, {port: 2, label: x}]}}", "{spec: {ports: [{port: 2, label: z}, {port: 1}]}}",
		  "{'f:spec': {'f:ports': {'k:{\"port\":2,\"protocol\":\"TCP\"}': {'f:label': {}}}}}",
		  "items are matched by key" },
		{ "{spec: {atom: {x: a, w: b}}}", "{spec: {atom: {x: a}}}", "{'f:spec': {'f:atom': {}}}", "an atomic map" },
		{ "{spec: {free: {a: 1}}}", "{spec: {free: {a: {b: 1}}}}",
		  "{'f:spec': {'f:free': {'f:a': {'.': {}, 'f:b': {}}}}}", "a leaf becomes a map" },
		{ "{spec: {free: {a: {b: 1}}}}", "{spec: {free: {a: 1}}}",
		  "{'f:spec': {'f:free': {'f:a': {'.': {}, 'f:b': {}}}}}", "a map becomes a leaf" },
		{ "{spec: {name: 1}}", "{spec: {name: 1.0}}", "{}", "equal numbers" },
		{ "{spec: {map: null}}", "{spec: {map: {}}}", "{'f:spec': {'f:map': {}}}", "null and empty differ" },
		{ "{spec: {tags: [x]}}", "{spec: {tags: [x, x]}}", "{'f:spec': {'f:tags': {'v:\"x\"': {}}}}",
		  "an item is repeated" },
		{ "{spec: {tags: [x, x]}}", "{spec: {tags: [x]}}", "{'f:spec': {'f:tags': {'v:\"x\"': {}}}}", "and no longer" },
		{ "{spec: {tags: [x, x]}}", "{spec: {tags: [x, x]}}", "{}", "repeated as before" },
	};
	_cleanup_(schema_unrefp) struct schema *s = kinds();

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_json_ json_t *a = yaml(CASES[i].a), *b = yaml(CASES[i].b);
		_cleanup_(field_set_freep) struct field_set *set = field_set_changed(s, a, b);
		assert_set(set, CASES[i].set, CASES[i].why);
	}
}

static void test_field_set_prints_paths_like_kubernetes(void **state)
{
	(void)state;
	_cleanup_(field_set_freep) struct field_set *s = set_of(
		"{'f:spec': {'f:ports': {'k:{\"port\":80,\"protocol\":\"TCP\"}': {'.': {}, 'f:label': {}}}, 'f:tags': "
		"{'v:\"x\"': {}}, "
		"'f:list': {'i:3': {}}, 'f:name': {}}, 'f:data': {'f:a.b': {}}}");

	assert_paths(s, ".data.a.b\n.spec.name\n.spec.list[3]\n.spec.ports[port=80,protocol=\"TCP\"]\n"
	                ".spec.ports[port=80,protocol=\"TCP\"].label\n.spec.tags[=\"x\"]\n");
}

static void test_field_merge(void **state)
{
	(void)state;
	static const struct {
		const char *live, *config, *merged, *why;
	} CASES[] = {
		{ "{spec: {name: x, args: [a]}}", "{spec: {name: z}}", "{spec: {name: z, args: [a]}}", "fields" },
		{ "{spec: {args: [a]}}", "{spec: {args: [b]}}", "{spec: {args: [b]}}", "an atomic list is replaced" },
		{ "{spec: {atom: {x: a}}}", "{spec: {atom: {w: b}}}", "{spec: {atom: {w: b}}}", "an atomic map is replaced" },
		{ "{spec: {tags: [a, b, c]}}", "{spec: {tags: [c, d, a]}}", "{spec: {tags: [b, c, d, a]}}",
		  "the applied order wins; others stay where they were" },
		{ "{spec: {tags: [a, b]}}", "{spec: {tags: [c]}}", "{spec: {tags: [a, b, c]}}", "new ones come last" },
		{ "{spec: {ports: [{port: 1, label: x}, {port: 2}]}}", "{spec: {ports: [{port: 2, label: z}]}}",
		  "{spec: {ports: [{port: 1, label: x}, {port: 2, label: z}]}}", "items by key" },
		{ "{spec: {map: {a: x}}}", "{spec: {map: null}}", "{spec: {map: {a: x}}}", "null takes no map away" },
		{ "{spec: {name: x}}", "{spec: {name: null}}", "{spec: {name: null}}", "null is a value of a leaf" },
		{ "{spec: {free: {a: 1}}}", "{spec: {free: {a: {b: 1}}}}", "{spec: {free: {a: {b: 1}}}}", "another type" },
		{ "{spec: {tags: [a, a, b]}}", "{spec: {tags: [b, c]}}", "{spec: {tags: [a, a, b, c]}}",
		  "repeated items of others stay" },
		{ "{spec: {tags: [a, a]}}", "{spec: {tags: [a]}}", "{spec: {tags: [a]}}",
		  "repeated items that are applied become one" },
	};
	_cleanup_(schema_unrefp) struct schema *s = kinds();

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_json_ json_t *live = yaml(CASES[i].live), *config = yaml(CASES[i].config),
							  *wanted = yaml(CASES[i].merged);
		_cleanup_json_ json_t *merged = field_merge(s, live, config);
		_cleanup_free_ char *found = json_to_str(merged);
		if (!json_same(merged, wanted))
			fail_msg("%s: found %s instead of %s", CASES[i].why, found, CASES[i].merged);
	}
}

static void test_field_remove(void **state)
{
	(void)state;
	static const struct {
		const char *object, *set, *rest, *why;
	} CASES[] = {
		{ "{spec: {name: x, args: [a]}}", "{'f:spec': {'f:name': {}}}", "{spec: {args: [a]}}", "a field" },
		{ "{spec: {tags: [a, b]}}", "{'f:spec': {'f:tags': {'v:\"a\"': {}}}}", "{spec: {tags: [b]}}", "a value" },
		{ "{spec: {ports: [{port: 1}, {port: 2, label: x}]}}",
		  "{'f:spec': {'f:ports': {'k:{\"port\":1,\"protocol\":\"TCP\"}': {}, 'k:{\"port\":2,\"protocol\":\"TCP\"}': "
		  "{'f:label': {}}}}}",
		  "{spec: {ports: [{port: 2}]}}", "an item and a part of one" },
		{ "{spec: {name: x}, status: {phase: z}}", "{'f:spec': {'f:name': {}}}", "{spec: null, status: {phase: z}}",
		  "of what is empty null stays" },
		{ "{spec: {args: [a]}}", "{'f:spec': {'f:other': {}}}", "{spec: {args: [a]}}", "what is not there" },
	};
	_cleanup_(schema_unrefp) struct schema *s = kinds();

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_json_ json_t *v = yaml(CASES[i].object), *wanted = yaml(CASES[i].rest);
		_cleanup_(field_set_freep) struct field_set *set = set_of(CASES[i].set);
		_cleanup_json_ json_t *rest = field_remove(s, v, set);
		_cleanup_free_ char *found = json_to_str(rest);
		if (!json_same(rest, wanted))
			fail_msg("%s: found %s instead of %s", CASES[i].why, found, CASES[i].rest);
	}
}

static void test_field_set_follows_the_schema(void **state)
{
	(void)state;
	_cleanup_(schema_unrefp) struct schema *s = kinds();
	_cleanup_(field_set_freep) struct field_set *granular = set_of(
		"{'f:spec': {'f:args': {'v:\"a\"': {}}, 'f:atom': {'f:x': {}}, 'f:map': {'f:k': {}}}}");

	field_set_reconcile(granular, s);
	assert_set(granular, "{'f:spec': {'f:args': {}, 'f:atom': {}, 'f:map': {'f:k': {}}}}",
	           "what became atomic is owned as a whole");
	_cleanup_(field_set_freep) struct field_set *named = field_set_with_named(granular, s);
	assert_set(named, "{'f:spec': {'.': {}, 'f:args': {}, 'f:atom': {}, 'f:map': {'.': {}, 'f:k': {}}}}",
	           "declared fields count");
}

static void test_field_set_of_many_fields_is_quick(void **state)
{
	(void)state;
	_cleanup_json_ json_t *v = json_object();
	json_t *data = json_ensure_object(v, "data");

	for (int i = 0; i < 20000; i++) {
		_cleanup_free_ char *key = xasprintf("key-%d", (i * 7919) % 20000);
		json_put_int(data, key, i);
	}
	_cleanup_(field_set_freep) struct field_set *s = field_set_changed(NULL, NULL, v);
	_cleanup_json_ json_t *v1 = field_set_to_v1(s);
	_cleanup_(field_set_freep) struct field_set *again = field_set_from_v1(v1, NULL);
	assert_int_equal(json_object_size(json_object_get(v1, "f:data")), 20001);
	assert_true(field_set_equal(s, again));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_field_set_of_object),
		cmocka_unit_test(test_field_set_is_read_and_written),
		cmocka_unit_test(test_field_set_refuses_malformed),
		cmocka_unit_test(test_field_set_algebra),
		cmocka_unit_test(test_field_set_changed),
		cmocka_unit_test(test_field_set_prints_paths_like_kubernetes),
		cmocka_unit_test(test_field_merge),
		cmocka_unit_test(test_field_remove),
		cmocka_unit_test(test_field_set_follows_the_schema),
		cmocka_unit_test(test_field_set_of_many_fields_is_quick),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
