#include "composed.h"

#include "testing/testing.h"

static json_t *composite_named(const char *name)
{
	json_t *composite = kube_object_new(&SCIA_INFRASTRUCTURE, "team-a", name);
	json_put_str(kube_meta(composite), "uid", "uid-1");
	kube_set_label(composite, "scia.io/deployment", "shop");
	kube_set_label(composite, "scia.io/deployment-uid", "uid-0");
	kube_set_label(composite, "other", "stays-behind");
	return composite;
}

static json_t *render(const char *composite_name, const char *resource_name, const char *spec_value)
{
	_cleanup_json_ json_t *composite = composite_named(composite_name);
	_cleanup_json_ json_t *resource = json_pack("{s:s, s:s, s:{s:{s:s}}}", "apiVersion", "nop.scia.io/v1alpha1", "kind",
	                                            "NopResource", "spec", "forProvider", "value", spec_value);
	return composed_render(composite, resource_name, resource);
}

static void test_composed_render_says_whose_it_is(void **state _unused_)
{
	_cleanup_json_ json_t *object = render("shop", "app", "1"), *composite = composite_named("shop");
	assert_string_equal(kube_name(object), "shop-app");
	assert_string_equal(kube_namespace(object), "team-a");
	assert_string_equal(kube_label(object, "scia.io/deployment"), "shop");
	assert_string_equal(kube_label(object, "scia.io/deployment-uid"), "uid-0");
	assert_string_equal(kube_label(object, COMPOSED_OWNER_LABEL), "shop");
	assert_null(kube_label(object, "other"));
	assert_string_equal(kube_annotation(object, COMPOSED_NAME_ANNOTATION), "app");
	assert_true(kube_is_controlled_by(object, composite));
	assert_string_equal(json_str_at(object, "spec", "forProvider", "value", NULL), "1");
}

static void test_composed_render_hash_is_about_the_spec_alone(void **state _unused_)
{
	_cleanup_json_ json_t *a = render("shop", "app", "1"), *same = render("other", "db", "1");
	_cleanup_json_ json_t *changed = render("shop", "app", "2");
	assert_string_equal(kube_annotation(a, COMPOSED_HASH_ANNOTATION), kube_annotation(same, COMPOSED_HASH_ANNOTATION));
	assert_string_not_equal(kube_annotation(a, COMPOSED_HASH_ANNOTATION),
	                        kube_annotation(changed, COMPOSED_HASH_ANNOTATION));
}

/* NAME-RESOURCE may be longer than a name can be: it is cut, and stays unique and the same each time. */
static void test_composed_render_shortens_names(void **state _unused_)
{
	char name[251] = { 0 };
	memset(name, 'a', 250);
	for (size_t i = 50; i < 250; i += 50)
		name[i] = '.';
	_cleanup_json_ json_t *app = render(name, "app", "1"), *again = render(name, "app", "1");
	_cleanup_json_ json_t *database = render(name, "database", "1");
	assert_true(kube_is_dns_subdomain(kube_name(app)));
	assert_true(strlen(kube_name(app)) <= 253);
	assert_string_equal(kube_name(app), kube_name(again));
	assert_string_not_equal(kube_name(app), kube_name(database));
	/* A label value has 63 characters at most: better none than one the server refuses. */
	assert_null(kube_label(app, COMPOSED_OWNER_LABEL));
}

static void test_composed_render_cuts_no_name_at_a_dot(void **state _unused_)
{
	for (size_t dot = 235; dot < 250; dot++) {
		char name[251] = { 0 };
		memset(name, 'a', 250);
		for (size_t i = 50; i < 250; i += 50)
			name[i] = '.';
		name[dot] = '.';
		if (!kube_is_dns_subdomain(name))
			continue;
		_cleanup_json_ json_t *object = render(name, "app", "1");
		assert_true(kube_is_dns_subdomain(kube_name(object)));
	}
}

static void test_composed_render_leaves_its_input_alone(void **state _unused_)
{
	_cleanup_json_ json_t *composite = composite_named("shop");
	_cleanup_json_ json_t *resource = json_pack("{s:s, s:{}}", "kind", "NopResource", "spec");
	json_decref(composed_render(composite, "app", resource));
	assert_null(kube_meta(resource));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_composed_render_says_whose_it_is),
		cmocka_unit_test(test_composed_render_hash_is_about_the_spec_alone),
		cmocka_unit_test(test_composed_render_shortens_names),
		cmocka_unit_test(test_composed_render_cuts_no_name_at_a_dot),
		cmocka_unit_test(test_composed_render_leaves_its_input_alone),
	};
	return cmocka_run_group_tests_name("composed", tests, NULL, NULL);
}
