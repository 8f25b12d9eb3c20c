/* The compositions that come with the program: what they make of parameters. */

#include "compose/compose.h"

#include "base/thread.h"
#include "testing/testing.h"

static json_t *parse(const char *text)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *v = json_parse(text, strlen(text), 0, &err);
	if (!v)
		fail_msg("%s", err_message(&err));
	return v;
}

static int setup(void **state)
{
	_cleanup_err_ struct err err = { 0 };
	*state = compose_library_new(2, &err);
	if (!*state)
		fail_msg("%s", err_message(&err));
	return 0;
}

static int teardown(void **state)
{
	compose_library_free(*state);
	return 0;
}

static int compose(const struct compose_library *l, const char *name, const char *parameters, json_t **ret_desired,
                   struct err *err)
{
	_cleanup_json_ json_t *composite = json_pack(
		"{s:s, s:s, s:{s:s, s:s, s:s}, s:{s:o}}", "apiVersion", "scia.io/v1alpha1", "kind", "Infrastructure",
		"metadata", "name", "x", "namespace", "team-a", "uid", "u", "spec", "parameters", parse(parameters));
	_cleanup_json_ json_t *observed = json_object(), *results = NULL;
	size_t len;
	const struct compose_composition *all = compose_library_all(l, &len);
	for (size_t i = 0; i < len; i++) {
		if (str_eq(all[i].name, name))
			return compose_run(&all[i], composite, observed, ret_desired, &results, err);
	}
	fail_msg("there is no composition %s", name);
	return -1;
}

static void test_compose_library_has_what_it_names(void **state)
{
	static const char *const strategies[] = { "vm", "kubernetes", "serverless" };
	size_t len, found = 0;
	const struct compose_composition *all = compose_library_all(*state, &len);
	for (size_t i = 0; i < ARRAY_SIZE(strategies); i++) {
		for (size_t j = 0; j < len; j++)
			found += str_eq(all[j].name, compose_name(strategies[i], "local"));
	}
	assert_int_equal(found, 3);
	assert_int_equal(len, 4);
	assert_string_equal(compose_name("vm", "none"), "infrastructure-none");
	assert_null(compose_name("vm", "aws"));
	assert_null(compose_name(NULL, "local"));
	assert_null(compose_name("vm", NULL));
}

static void test_compose_local_makes_a_process(void **state)
{
	_cleanup_json_ json_t *desired = NULL;
	_cleanup_err_ struct err err = { 0 };
	assert_ok(
		compose(*state, "infrastructure-kubernetes-local",
	            "{\"strategy\": \"kubernetes\", \"replicas\": 3, \"startCommand\": \"node .\", \"installCommand\": "
	            "\"npm ci\", \"appPort\": 3000, \"repositoryUrl\": \"https://example.com/r\", \"commit\": \"c\", "
	            "\"ref\": \"main\", \"path\": \"web\", \"secretName\": \"key\", \"revision\": 4, \"memory\": "
	            "\"256Mi\", \"cpu\": \"500m\", \"framework\": \"express\", \"env\": [{\"name\": \"A\", \"value\": "
	            "\"1\"}], \"healthCheck\": {\"path\": \"/\"}, \"deletionPolicy\": \"Orphan\"}",
	            &desired, &err),
		&err);
	_cleanup_json_ json_t *expected = parse(
		"{\"apiVersion\": \"local.scia.io/v1alpha1\", \"kind\": \"Process\", \"metadata\": {\"annotations\": {}, "
		"\"finalizers\": "
		"[\"scia.io/managed\"]}, \"spec\": {\"deletionPolicy\": \"Orphan\", \"forProvider\": {\"source\": {\"url\": "
		"\"https://example.com/r\", \"commit\": \"c\", \"ref\": \"main\", "
		"\"path\": \"web\", \"secretRef\": {\"name\": \"key\"}}, \"mode\": \"kubernetes\", \"installCommand\": \"npm "
		"ci\", \"startCommand\": \"node .\", \"port\": 3000, \"replicas\": 3, \"revision\": 4, \"env\": [{\"name\": "
		"\"A\", \"value\": \"1\"}], \"healthCheck\": {\"path\": \"/\"}, \"resources\": {\"cpu\": \"500m\", \"memory\": "
		"\"256Mi\"}}}}");
	_cleanup_free_ char *got = json_canonical(json_at(desired, "resources", "app", "resource", NULL));
	_cleanup_free_ char *want = json_canonical(expected);
	assert_string_equal(got, want);
}

static void test_compose_local_needs_a_start_command(void **state)
{
	_cleanup_json_ json_t *desired = NULL;
	_cleanup_err_ struct err err = { 0 };
	assert_true(compose(*state, "infrastructure-vm-local", "{\"strategy\": \"vm\"}", &desired, &err) < 0);
	assert_true(err.terminal);
	assert_non_null(strstr(err_message(&err), "spec.overrides.startCommand"));
	assert_null(strchr(err_message(&err), '\n')); /* it becomes the root cause of a Deployment */
}

static void test_compose_none_makes_a_nop(void **state)
{
	_cleanup_json_ json_t *desired = NULL;
	_cleanup_err_ struct err err = { 0 };
	assert_ok(compose(*state, "infrastructure-none", "{\"revision\": 2}", &desired, &err), &err);
	const json_t *resource = json_at(desired, "resources", "nop", "resource", NULL);
	assert_string_equal(json_get_str(resource, "kind"), "NopResource");
	assert_int_equal(json_int(json_at(resource, "spec", "forProvider", "revision", NULL), 0), 2);
	assert_string_equal(json_str_at(resource, "spec", "deletionPolicy", NULL), "Delete");
}

/* ---- side by side ---- */

#define ROUNDS 50

static void *compose_many(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		_cleanup_json_ json_t *desired = NULL;
		_cleanup_err_ struct err err = { 0 };
		_cleanup_free_ char *parameters = xasprintf(
			"{\"strategy\": \"serverless\", \"startCommand\": \"run\", \"revision\": %d}", i);
		assert_ok(compose(arg, "infrastructure-serverless-local", parameters, &desired, &err), &err);
		assert_int_equal(
			json_int(json_at(desired, "resources", "app", "resource", "spec", "forProvider", "revision", NULL), -1), i);
	}
	return NULL;
}

static void test_compose_library_serves_more_threads_than_workers(void **state)
{
	pthread_t threads[5];
	_cleanup_err_ struct err err = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_ok(thread_start(&threads[i], "composing", compose_many, *state, &err), &err);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compose_library_has_what_it_names),
		cmocka_unit_test(test_compose_local_makes_a_process),
		cmocka_unit_test(test_compose_local_needs_a_start_command),
		cmocka_unit_test(test_compose_none_makes_a_nop),
		cmocka_unit_test(test_compose_library_serves_more_threads_than_workers),
	};
	return cmocka_run_group_tests_name("composition library", tests, setup, teardown);
}
