/* Special items of a program's result: what they answer, and how those of another shape are refused. */

#include "function/function.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static struct functions *functions;

static int set_up(void **state _unused_)
{
	static const struct functions_config config = { .workers = 1 };

	functions = functions_new(&config);
	return 0;
}

static int tear_down(void **state _unused_)
{
	functions = functions_free(functions);
	return 0;
}

/* A new reference. */
static json_t *answer(const char *kind, const char *body)
{
	_cleanup_free_ char *source = xasprintf("items = [{\n    apiVersion = \"%s\"\n    kind = \"%s\"\n    %s\n}]\n",
	                                        str_eq(kind, "XR") ? "example.org/v1" : "meta.krm.kcl.dev/v1alpha1", kind,
	                                        body);
	_cleanup_json_ json_t *request = json_pack("{s{s{s{ss,ss}}},s{ss,ss,s{ss}}}", "observed", "composite", "resource",
	                                           "apiVersion", "example.org/v1", "kind", "XR", "input", "apiVersion",
	                                           "krm.kcl.dev/v1alpha1", "kind", "KCLInput", "spec", "source", source);

	assert_non_null(request);
	return function_run(functions, 0, FUNCTION_KCL, request, NULL);
}

#define PROCESSING "cannot process xr and state with the pipeline output in *v1.RunFunctionResponse: "
#define DECODING "cannot unmarshal value from JSON: json: cannot unmarshal "

static void test_items_of_another_shape(void **state)
{
	static const struct {
		const char *kind, *body, *message;
	} cases[] = {
		{ "Conditions", "conditions = {}",
		  PROCESSING "cannot get condition resources: " DECODING
		             "object into Go value of type resource.ConditionResources" },
		{ "Conditions", "conditions = [1]",
		  PROCESSING "cannot get condition resources: " DECODING
		             "number into Go value of type resource.ConditionResource" },
		{ "Conditions", "conditions = [{condition = {type = \"A\", status = True}}]",
		  PROCESSING "cannot get condition resources: " DECODING
		             "bool into Go struct field Condition.condition.status of type v1.ConditionStatus" },
		{ "Conditions", "conditions = [{force = \"yes\", condition = []}]",
		  PROCESSING "cannot get condition resources: " DECODING
		             "array into Go struct field ConditionResource.condition of type resource.Condition" },
		{ "Events", "events = [{target = 1}]",
		  PROCESSING "cannot get event resources: " DECODING
		             "number into Go struct field CreateEvent.target of type resource.BindingTarget" },
		{ "ExtraResources", "requirements = {a = {matchLabels = {b = 1}}}",
		  PROCESSING "cannot get extra resources requirements: " DECODING
		             "number into Go struct field ExtraResourcesRequirement.matchLabels of type string" },
		{ "RequiredResources", "requirements = []",
		  PROCESSING "cannot get required resources requirements: " DECODING
		             "array into Go value of type resource.RequiredResourcesRequirements" },
		{ "Context", "data = \"x\"",
		  PROCESSING "cannot get context resource: " DECODING "string into Go value of type map[string]interface {}" },
		{ "XR", "status = 1",
		  PROCESSING "cannot get templated composite status: " DECODING
		             "number into Go value of type map[string]interface {}" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *response = answer(cases[i].kind, cases[i].body);
		const json_t *result = json_array_get(json_object_get(response, "results"), 0);

		print_message("%s: %s\n", cases[i].kind, cases[i].body);
		assert_int_equal(json_get_int(result, "severity", 0), FUNCTION_FATAL);
		assert_string_equal(json_get_str(result, "message"), cases[i].message);
	}
}

/* null is what a field is without it; keys that nobody knows are ignored. */
static void test_items_of_loose_shape(void **state)
{
	_cleanup_json_ json_t *conditions = answer(
		"Conditions", "conditions = [{target = None, more = 1, condition = {type = \"A\", status = \"True\"}}]");
	_cleanup_json_ json_t *details = answer("CompositeConnectionDetails", "data = {a = \"aGk=\", b = 1}");

	(void)state;
	assert_null(json_object_get(conditions, "results"));
	assert_int_equal(json_array_size(json_object_get(conditions, "conditions")), 1);
	/* details of which one is no text are none */
	assert_null(json_object_get(details, "results"));
	assert_int_equal(json_object_size(json_at(details, "desired", "composite", "connection_details", NULL)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_items_of_another_shape),
		cmocka_unit_test(test_items_of_loose_shape),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
