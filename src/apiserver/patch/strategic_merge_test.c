#include "strategic_merge.h"

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

static struct schema *garden(void)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = yaml(
		"type: object\n"
		"properties:\n"
		"  beds: {type: array, x-kubernetes-patch-strategy: merge, x-kubernetes-patch-merge-key: name, items: {type: "
		"object, "
		"properties: {name: {type: string}, plant: {type: string}, tools: {type: array, x-kubernetes-patch-strategy: "
		"merge, items: "
		"{type: string}}}}}\n"
		"  tools: {type: array, x-kubernetes-patch-strategy: merge, items: {type: string}}\n"
		"  rows: {type: array, items: {type: string}}\n"
		"  water: {type: object, x-kubernetes-patch-strategy: 'merge,retainKeys', properties: {rain: {type: object, "
		"x-kubernetes-preserve-unknown-fields: true}, hose: {type: string}}}\n"
		"  fence: {type: object, x-kubernetes-patch-strategy: replace, properties: {wood: {type: string}, wire: {type: "
		"string}}}\n");
	struct schema *s = schema_compile(v, "s", &err);

	if (!s)
		fail_msg("%s", err_message(&err));
	return s;
}

static void assert_merged(const struct schema *s, const char *doc, const char *patch, const char *wanted,
                          const char *why)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *d = yaml(doc), *before = json_clone(d), *p = yaml(patch), *p_before = json_clone(p),
						  *w = yaml(wanted);
	json_t *merged = NULL;

	if (strategic_merge_apply(s, d, p, &merged, &err) < 0)
		fail_msg("%s: %s", why, err_message(&err));
	_cleanup_free_ char *found = json_to_str(merged);
	if (!json_same(merged, w))
		fail_msg("%s: found %s instead of %s", why, found, wanted);
	json_decref(merged);
	assert_true(json_same(d, before));
	assert_true(json_same(p, p_before));
}

static void test_strategic_merge_maps(void **state)
{
	(void)state;
	static const struct {
		const char *doc, *patch, *merged, *why;
	} CASES[] = {
		{ "{a: 1, b: 2}", "{b: 3, c: 4}", "{a: 1, b: 3, c: 4}", "as a merge patch" },
		{ "{a: 1}", "{a: null}", "{}", "null removes" },
		{ "{a: {b: 1, c: 2}}", "{a: {b: null}}", "{a: {c: 2}}", "below" },
		{ "{}", "{a: {b: null, c: [{d: null, e: 1}]}}", "{a: {c: [{e: 1}]}}", "nulls in what is new are dropped" },
		{ "{a: 1}", "{a: {b: 2}}", "{a: {b: 2}}", "another type" },
		{ "{rows: [a, b]}", "{rows: [c]}", "{rows: [c]}", "a list without strategy is replaced" },
		{ "{fence: {wood: a}}", "{fence: {wire: b}}", "{fence: {wire: b}}", "strategy replace" },
		{ "{water: {hose: long}}", "{water: {$patch: replace, rain: {cm: 1}}}", "{water: {rain: {cm: 1}}}",
		  "$patch: replace" },
		{ "{water: {hose: long}, a: 1}", "{water: {$patch: delete}}", "{water: {}, a: 1}", "$patch: delete" },
		{ "{a: 1}", "{water: {$patch: delete}}", "{a: 1}", "$patch: delete of what is not there" },
		{ "{water: {hose: long}}", "{water: {$retainKeys: [rain], rain: {cm: 2}}}", "{water: {rain: {cm: 2}}}",
		  "$retainKeys clears the others of a union" },
		{ "{water: {hose: long, rain: {cm: 1}}}", "{water: {$retainKeys: [rain]}}", "{water: {rain: {cm: 1}}}",
		  "and keeps what was" },
	};
	_cleanup_(schema_unrefp) struct schema *s = garden();

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++)
		assert_merged(s, CASES[i].doc, CASES[i].patch, CASES[i].merged, CASES[i].why);
}

static void test_strategic_merge_lists_of_maps(void **state)
{
	(void)state;
	static const char *const DOC =
		"{beds: [{name: east, plant: leek, tools: [fork]}, {name: west, plant: kale}, {name: south}]}";
	static const struct {
		const char *patch, *beds, *why;
	} CASES[] = {
		{ "{beds: [{name: west, plant: chard}]}",
		  "[{name: east, plant: leek, tools: [fork]}, {name: west, plant: chard}, {name: south}]", "merged by name" },
		{ "{beds: [{name: south, plant: pea}, {name: attic}]}",
		  "[{name: east, plant: leek, tools: [fork]}, {name: west, plant: kale}, {name: south, plant: pea}, {name: "
		  "attic}]",
		  "a new one follows the patch's order" },
		{ "{beds: [{name: east, tools: [rake]}]}",
		  "[{name: east, plant: leek, tools: [rake, fork]}, {name: west, plant: kale}, {name: south}]",
		  "a set inside" },
		{ "{beds: [{$patch: delete, name: west}]}", "[{name: east, plant: leek, tools: [fork]}, {name: south}]",
		  "deleted" },
		{ "{beds: [{$patch: delete, name: none}]}",
		  "[{name: east, plant: leek, tools: [fork]}, {name: west, plant: kale}, {name: south}]",
		  "deleting what is not there" },
		{ "{beds: [{$patch: replace}, {name: west, plant: oak}]}", "[{name: west, plant: oak}]",
		  "the whole list replaced" },
		{ "{beds: [{$patch: replace, name: any}]}", "[]", "replaced by nothing" },
		{ "{beds: [{name: east, plant: null}]}",
		  "[{name: east, tools: [fork]}, {name: west, plant: kale}, {name: south}]", "null in an element" },
		{ "{$setElementOrder/beds: [{name: south}, {name: east}, {name: west}]}",
		  "[{name: south}, {name: east, plant: leek, tools: [fork]}, {name: west, plant: kale}]", "order alone" },
		{ "{$setElementOrder/beds: [{name: new}, {name: east}], beds: [{name: new}, {name: east, plant: fig}]}",
		  "[{name: new}, {name: east, plant: fig, tools: [fork]}, {name: west, plant: kale}, {name: south}]",
		  "those only the server has stay behind what they followed" },
		{ "{$setElementOrder/beds: [{name: south}], beds: [{$patch: delete, name: east}]}",
		  "[{name: west, plant: kale}, {name: south}]", "deletions need no place in the order" },
	};
	_cleanup_(schema_unrefp) struct schema *s = garden();

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_free_ char *wanted = xasprintf("{beds: %s}", CASES[i].beds);
		assert_merged(s, DOC, CASES[i].patch, wanted, CASES[i].why);
	}
	assert_merged(s, "{}", "{beds: [{name: a}, {$patch: delete, name: b}]}", "{beds: [{name: a}]}",
	              "a new list without directives");
}

static void test_strategic_merge_lists_of_scalars(void **state)
{
	(void)state;
	static const struct {
		const char *doc, *patch, *tools, *why;
	} CASES[] = {
		{ "{tools: [fork, rake]}", "{tools: [hoe]}", "[hoe, fork, rake]",
		  "added; what the server has keeps its order" },
		{ "{tools: [fork, rake]}", "{tools: [rake, hoe]}", "[fork, rake, hoe]", "what is there is not added again" },
		{ "{tools: [fork, rake]}", "{$deleteFromPrimitiveList/tools: [fork]}", "[rake]", "taken out" },
		{ "{tools: [fork, rake]}", "{$deleteFromPrimitiveList/tools: [none]}", "[fork, rake]", "not there" },
		{ "{tools: [fork, rake, hoe]}", "{$setElementOrder/tools: [hoe, fork]}", "[rake, hoe, fork]",
		  "put into order" },
		{ "{tools: [fork, rake]}",
		  "{$setElementOrder/tools: [hoe, rake], tools: [hoe], $deleteFromPrimitiveList/tools: [fork]}", "[hoe, rake]",
		  "all at once" },
		{ "{tools: [fork, fork]}", "{tools: [hoe]}", "[hoe, fork]", "repetitions go" },
	};
	_cleanup_(schema_unrefp) struct schema *s = garden();

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_free_ char *wanted = xasprintf("{tools: %s}", CASES[i].tools);
		assert_merged(s, CASES[i].doc, CASES[i].patch, wanted, CASES[i].why);
	}
}

static void test_strategic_merge_without_schema(void **state)
{
	(void)state;
	assert_merged(NULL, "{a: [{name: x}], b: {c: 1}}", "{a: [{name: z}], b: {d: 2}}",
	              "{a: [{name: z}], b: {c: 1, d: 2}}", "as a merge patch");
}

static void test_strategic_merge_refuses(void **state)
{
	(void)state;
	static const struct {
		const char *patch, *message, *why;
	} CASES[] = {
		{ "{beds: [{plant: oak}]}", "map: map[plant:oak] does not contain declared merge key: name", "no key" },
		{ "{beds: [1]}", "list element types are not identical: [[map[name:east] map[name:west]] [1]]",
		  "scalars among maps" },
		{ "{beds: [[1]]}", "lists of lists are not supported", "lists in lists" },
		{ "{water: {$patch: burn}}", "unknown patch type: burn in map: map[$patch:burn]", "unknown directive" },
		{ "{beds: [{$patch: burn, name: east}]}", "unknown patch type: burn in map: map[$patch:burn name:east]",
		  "in a list" },
		{ "{beds: [{$patch: merge, name: east}]}", "merging lists cannot yet be specified in the patch",
		  "merge in a list" },
		{ "{water: {$retainKeys: [rain], hose: x}}", "patch content doesn't match retainKeys list",
		  "set and not retained" },
		{ "{water: {$retainKeys: rain}}", "invalid patch format of retainKeys", "no list" },
		{ "{$setElementOrder/beds: [{name: east}], beds: [{name: west}]}",
		  "The order in patch list:\n[map[name:west]]\n doesn't match $setElementOrder list:\n[map[name:east]]\n",
		  "an element without place" },
		{ "{$setElementOrder/beds: x}", "invalid patch format of setElementOrder list", "order is no list" },
		{ "{$deleteFromPrimitiveList/tools: x}", "invalid patch format of primitive list", "deletion is no list" },
		{ "[]", "strategic merge patch: an object is needed", "no object" },
	};
	_cleanup_(schema_unrefp) struct schema *s = garden();
	_cleanup_json_ json_t *doc = yaml("{beds: [{name: east}, {name: west}], water: {hose: long}, tools: [fork]}");

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_err_ struct err err = { 0 };
		_cleanup_json_ json_t *patch = yaml(CASES[i].patch);
		json_t *merged = NULL;
		print_message("%s\n", CASES[i].why);
		assert_int_equal(strategic_merge_apply(s, doc, patch, &merged, &err), -1);
		assert_null(merged);
		assert_string_equal(err_message(&err), CASES[i].message);
	}
}

static void test_strategic_merge_of_long_lists_is_quick(void **state)
{
	(void)state;
	_cleanup_(schema_unrefp) struct schema *s = garden();
	_cleanup_json_ json_t *doc = json_object(), *patch = json_object();
	json_t *merged = NULL, *old = json_ensure_array(doc, "beds"), *new = json_ensure_array(patch, "beds");

	for (int i = 0; i < 10000; i++) {
		json_t *a = json_object(), *b = json_object();
		json_put(a, "name", json_strf("bed-%d", i));
		json_put(b, "name", json_strf("bed-%d", i + 5000));
		json_array_append_new(old, a);
		json_array_append_new(new, b);
	}
	assert_int_equal(strategic_merge_apply(s, doc, patch, &merged, NULL), 0);
	assert_int_equal(json_array_size(json_object_get(merged, "beds")), 15000);
	json_decref(merged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strategic_merge_maps),
		cmocka_unit_test(test_strategic_merge_lists_of_maps),
		cmocka_unit_test(test_strategic_merge_lists_of_scalars),
		cmocka_unit_test(test_strategic_merge_without_schema),
		cmocka_unit_test(test_strategic_merge_refuses),
		cmocka_unit_test(test_strategic_merge_of_long_lists_is_quick),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
