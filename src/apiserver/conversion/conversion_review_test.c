#include "conversion_review.h"

#include "base/str.h"
#include "codec/yaml.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static json_t *yaml(const char *text)
{
	json_t *v = yaml_parse(text, strlen(text), NULL, NULL);

	assert_non_null(v);
	return v;
}

static const char SENT[] =
	"{apiVersion: g.h/v1, kind: K, metadata: {name: a, namespace: n, uid: u, labels: {x: b}}, spec: {s: 1}}";

/* The answer to SENT given twice or once; *ret is the first object afterwards. */
static int take(const char *review, const char *answer, size_t len, json_t **ret, struct err *err)
{
	json_t *objs[2] = { yaml(SENT), yaml(SENT) }, **places[2] = { &objs[0], &objs[1] };
	const struct conversion_batch batch = { .objs = places, .len = len };
	_cleanup_json_ json_t *v = yaml(answer);
	int r = conversion_review_take(review, "id", v, "g.h/v2", &batch, err);

	*ret = objs[0];
	json_decref(objs[1]);
	return r;
}

static void test_conversion_review_asks(void **state)
{
	(void)state;
	_cleanup_json_ json_t *a = yaml(SENT);
	json_t **places[1] = { &a };
	const struct conversion_batch batch = { .objs = places, .len = 1 };
	_cleanup_json_ json_t *review = conversion_review_new("v1beta1", "id", "g.h/v2", &batch);
	_cleanup_json_ json_t *wanted = yaml(
		"{kind: ConversionReview, apiVersion: apiextensions.k8s.io/v1beta1, request: {uid: id, "
		"desiredAPIVersion: g.h/v2}}");

	json_array_append(json_ensure_array(json_object_get(wanted, "request"), "objects"), a);
	assert_true(json_same(review, wanted));
}

#define HEAD                                                                                                        \
	"{apiVersion: apiextensions.k8s.io/v1, kind: ConversionReview, response: {uid: id, result: {status: Success}, " \
	"convertedObjects: ["
#define TAIL "]}}"
#define GOOD "{apiVersion: g.h/v2, kind: K, metadata: {name: a, namespace: n, uid: u}, spec: {t: 1}}"
#define META(meta) HEAD "{apiVersion: g.h/v2, kind: K, metadata: " meta "}" TAIL

static void test_conversion_review_takes_what_holds(void **state)
{
	(void)state;
	_cleanup_json_ json_t *one = NULL, *two = NULL;
	_cleanup_json_ json_t *wanted = yaml(
		"{apiVersion: g.h/v2, kind: K, metadata: {name: a, namespace: n, uid: u, annotations: {k: "
		"v}}, spec: {t: 1}}");
	_cleanup_err_ struct err err = { 0 };

	assert_int_equal(take("v1", HEAD GOOD ", " GOOD TAIL, 2, &one, &err), 0);
	assert_null(json_at(one, "metadata", "labels", NULL)); /* they are the webhook's, and it gave none */
	assert_int_equal(
		take("v1",
	         HEAD "{apiVersion: g.h/v2, kind: K, metadata: {name: a, namespace: n, uid: u, annotations: {k: v}, "
	              "finalizers: [x/y], generation: 5}, spec: {t: 1}}" TAIL,
	         1, &two, &err),
		0);
	assert_true(json_same(two, wanted));
}

static void test_conversion_review_refuses_what_does_not(void **state)
{
	(void)state;
	static const struct {
		const char *review, *answer;
		size_t len;
		const char *words, *why;
	} CASES[] = {
		{ "v1", "{}", 1,
		  "failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got /, Kind=",
		  "nothing" },
		{ "v1", "[]", 1,
		  "failed: expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got /, Kind=",
		  "a list" },
		{ "v1beta1", "{}", 1, "failed: no response provided", "v1beta1 does not look at the kind" },
		{ "v1beta1", "{response: {}}", 1, "failed: response.result.status was '', not 'Success'", "no result" },
		{ "v1", HEAD TAIL, 1, "returned 0 objects, expected 1", "too few" },
		{ "v1", HEAD GOOD ", " GOOD TAIL, 1, "returned 2 objects, expected 1", "too many" },
		{ "v1", HEAD "null" TAIL, 1, "returned invalid converted object at index 0: Object 'Kind' is missing",
		  "no object" },
		{ "v1", HEAD GOOD ", {apiVersion: g.h/v1, kind: K}" TAIL, 2,
		  "returned invalid converted object at index 1: invalid groupVersion (expected g.h/v2, received g.h/v1)",
		  "one of two was not converted" },
		{ "v1", META("{name: b, namespace: n, uid: u}"), 1, "returned invalid object: must have the same name: a != b",
		  "another name" },
		{ "v1", META("{name: a, namespace: n, uid: 7}"), 1,
		  "returned invalid object: must have the same UID: u != ", "a uid that is no text" },
		{ "v1", HEAD "{apiVersion: g.h/v2, kind: K}" TAIL, 1,
		  "returned invalid object: must have the same name: a != ", "no metadata" },
		{ "v1", META("{name: a, namespace: n, uid: u, annotations: []}"), 1,
		  "returned invalid metadata: invalid metadata.annotations of type []interface {} in converted object",
		  "a list of annotations" },
		{ "v1", META("{name: a, namespace: n, uid: u, labels: {k: null}}"), 1,
		  "returned invalid metadata: metadata.labels[k] must be a string, but is <nil> in converted object",
		  "a null label" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_err_ struct err err = { 0 };
		_cleanup_json_ json_t *obj = NULL, *before = yaml(SENT);
		print_message("%s\n", CASES[i].why);
		assert_int_equal(take(CASES[i].review, CASES[i].answer, CASES[i].len, &obj, &err), -1);
		assert_string_equal(err_message(&err), CASES[i].words);
		assert_true(json_same(obj, before)); /* all or nothing */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversion_review_asks),
		cmocka_unit_test(test_conversion_review_takes_what_holds),
		cmocka_unit_test(test_conversion_review_refuses_what_does_not),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
