/* Pipelines. */

#include "compose/compose.h"

#include "testing/testing.h"

static json_t *parse(const char *text)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *v = json_parse(text, strlen(text), 0, &err);
	if (!v)
		fail_msg("%s", err_message(&err));
	return v;
}

/* A function that merges a fixed response's resources into what is desired so far; self is the response's text. */
static int add_resources(void *self, const json_t *request, json_t **ret, struct err *err _unused_)
{
	_cleanup_json_ json_t *said = parse(self);
	json_t *desired = json_deep_copy(json_object_get(request, "desired"));
	json_object_update(json_ensure_object(desired, "resources"), json_at(said, "resources", NULL));
	json_object_del(said, "resources");
	json_put(said, "desired", desired);
	*ret = json_incref(said);
	return 0;
}

/* Says what it saw, in the context. */
static int echo_request(void *self _unused_, const json_t *request, json_t **ret, struct err *err _unused_)
{
	*ret = json_pack("{s:{s:o}}", "context", "saw", json_deep_copy(request));
	return 0;
}

static int fail_with(void *self, const json_t *request _unused_, json_t **ret _unused_, struct err *err)
{
	return err_set(err, *(enum err_kind *)self, "the machine is on fire");
}

static int run(const struct compose_function *functions, size_t len, json_t **ret_desired, json_t **ret_results,
               struct err *err)
{
	struct compose_composition composition = { "test", functions, len };
	_cleanup_json_ json_t *composite = parse("{\"metadata\": {\"name\": \"x\", \"uid\": \"u1\"}, \"spec\": {}}");
	_cleanup_json_ json_t *observed = parse("{\"old\": {\"resource\": {\"kind\": \"Old\"}}}");
	return compose_run(&composition, composite, observed, ret_desired, ret_results, err);
}

static void test_compose_run_hands_desired_state_on(void **state _unused_)
{
	char first[] = "{\"resources\": {\"a\": {\"resource\": {\"n\": 1}}, \"b\": {\"resource\": {\"n\": 2}}}}";
	char second[] = "{\"resources\": {\"b\": {\"resource\": {\"n\": 3}}}}";
	struct compose_function functions[] = { { "first", add_resources, first }, { "second", add_resources, second } };
	_cleanup_json_ json_t *desired = NULL, *results = NULL;
	_cleanup_err_ struct err err = { 0 };
	assert_ok(run(functions, 2, &desired, &results, &err), &err);
	_cleanup_json_ json_t *expected = parse("{\"a\": {\"resource\": {\"n\": 1}}, \"b\": {\"resource\": {\"n\": 3}}}");
	assert_true(json_equal(json_object_get(desired, "resources"), expected));
	assert_int_equal(json_array_size(results), 0);
}

static void test_compose_run_gives_functions_what_is_observed(void **state _unused_)
{
	struct compose_function functions[] = { { .name = "echo", .run = echo_request } };
	_cleanup_json_ json_t *desired = NULL, *results = NULL;
	_cleanup_err_ struct err err = { 0 };
	assert_ok(run(functions, 1, &desired, &results, &err), &err);
	assert_true(json_is_object(json_object_get(desired, "resources"))); /* a function may desire nothing */
	assert_int_equal(json_object_size(json_object_get(desired, "resources")), 0);
}

static int expect_context(void *self, const json_t *request, json_t **ret, struct err *err _unused_)
{
	const json_t *saw = json_at(request, "context", "saw", NULL);
	*(bool *)self = str_eq(json_str_at(saw, "observed", "composite", "resource", "metadata", "name", NULL), "x") &&
	                str_eq(json_str_at(saw, "observed", "resources", "old", "resource", "kind", NULL), "Old") &&
	                str_eq(json_str_at(saw, "meta", "tag", NULL), "u1");
	*ret = json_object();
	return 0;
}

static void test_compose_run_hands_context_on(void **state _unused_)
{
	bool saw = false;
	struct compose_function functions[] = { { .name = "echo", .run = echo_request },
		                                    { "expect", expect_context, &saw } };
	_cleanup_json_ json_t *desired = NULL, *results = NULL;
	_cleanup_err_ struct err err = { 0 };
	assert_ok(run(functions, 2, &desired, &results, &err), &err);
	assert_true(saw);
}

static void test_compose_run_collects_results(void **state _unused_)
{
	char warns[] = "{\"results\": [{\"severity\": 2, \"message\": \"old\"}]}";
	char says[] = "{\"results\": [{\"severity\": 3, \"message\": \"fine\"}]}";
	struct compose_function functions[] = { { "warns", add_resources, warns }, { "says", add_resources, says } };
	_cleanup_json_ json_t *desired = NULL, *results = NULL;
	_cleanup_err_ struct err err = { 0 };
	assert_ok(run(functions, 2, &desired, &results, &err), &err);
	assert_int_equal(json_array_size(results), 2);
}

static void test_compose_run_ends_at_a_fatal_result(void **state _unused_)
{
	char fatal[] = "{\"results\": [{\"severity\": 3, \"message\": \"a\"},"
				   "{\"severity\": 1, \"message\": \"no such size\"}]}";
	bool reached = false;
	struct compose_function functions[] = { { "picky", add_resources, fatal }, { "next", expect_context, &reached } };
	_cleanup_json_ json_t *desired = NULL, *results = NULL;
	_cleanup_err_ struct err err = { 0 };
	assert_true(run(functions, 2, &desired, &results, &err) < 0);
	assert_int_equal(err.kind, ERR_INVALID);
	assert_true(err.terminal);
	assert_string_equal(err_message(&err), "composition test: composition function picky: no such size");
	assert_null(desired);
	assert_false(reached);
}

static void test_compose_run_fatal_without_a_message_still_says_who(void **state _unused_)
{
	char fatal[] = "{\"results\": [{\"severity\": 1}]}";
	struct compose_function functions[] = { { "mute", add_resources, fatal } };
	_cleanup_json_ json_t *desired = NULL, *results = NULL;
	_cleanup_err_ struct err err = { 0 };
	assert_true(run(functions, 1, &desired, &results, &err) < 0);
	assert_non_null(strstr(err_message(&err), "mute"));
}

static void test_compose_run_failures_keep_their_kind(void **state _unused_)
{
	static const struct {
		enum err_kind kind;
		bool terminal;
		const char *reason;
	} cases[] = {
		{ ERR_UNAVAILABLE, false, "a function that cannot be reached now may be later" },
		{ ERR_INVALID, true, "the same input gives the same error" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum err_kind kind = cases[i].kind;
		struct compose_function functions[] = { { "burns", fail_with, &kind } };
		_cleanup_json_ json_t *desired = NULL, *results = NULL;
		_cleanup_err_ struct err err = { 0 };
		assert_true(run(functions, 1, &desired, &results, &err) < 0);
		assert_int_equal(err.kind, cases[i].kind);
		if (err.terminal != cases[i].terminal)
			fail_msg("%s", cases[i].reason);
		assert_string_equal(err_message(&err), "composition test: composition function burns: the machine is on fire");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compose_run_hands_desired_state_on),
		cmocka_unit_test(test_compose_run_gives_functions_what_is_observed),
		cmocka_unit_test(test_compose_run_hands_context_on),
		cmocka_unit_test(test_compose_run_collects_results),
		cmocka_unit_test(test_compose_run_ends_at_a_fatal_result),
		cmocka_unit_test(test_compose_run_fatal_without_a_message_still_says_who),
		cmocka_unit_test(test_compose_run_failures_keep_their_kind),
	};
	return cmocka_run_group_tests_name("compose", tests, NULL, NULL);
}
