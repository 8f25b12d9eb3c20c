#include "service_addresses.h"

#include "store/store_testing.h"

static json_t *service(const char *uid, const char *spec)
{
	_cleanup_free_ char *text = xasprintf("{\"metadata\":{\"uid\":\"%s\"},\"spec\":%s}", uid, spec);
	json_t *v = json_parse(text, strlen(text), 0, NULL);

	if (!v)
		fail_msg("not JSON: %s", text);
	return v;
}

static struct service_addresses *started(struct fixture *f)
{
	struct service_addresses *a = NULL;

	assert_int_equal(service_addresses_start(f->store, &a, NULL), 0);
	return a;
}

/* A service of the store that has the address. */
static void store_service(struct fixture *f, char op, const char *name, const char *address)
{
	static const char HEAD[] = "{\"v\":\"";
	struct store_write w = { .resource = "/services", .ns = "a", .name = name };

	w.op = op == 'c' ? STORE_CREATE : STORE_DELETE;
	if (op == 'c') {
		w.text = bytes_new("{\"v\":\"\"}", 8);
		w.text_version_offset = strlen(HEAD);
		w.labels = xmemdup("\0", 1);
		struct buf fields = BUF_INIT(256);
		buf_append(&fields, "spec.clusterIP", 15);
		buf_append(&fields, address, strlen(address) + 1);
		w.fields = buf_steal(&fields);
		w.uid = xstrdup(name);
	}
	assert_int_equal(store_commit(f->store, &w, NULL, NULL), 0);
}

static const char *address_of(const json_t *v)
{
	return json_str_at(v, "spec", "clusterIP", NULL);
}

static void test_services_get_what_they_lack(void **state)
{
	static const struct {
		const char *spec, *policy, *families;
		bool address;
	} CASES[] = {
		{ "{\"type\":\"ClusterIP\"}", "SingleStack", "[\"IPv4\"]", true },
		{ "{\"type\":\"NodePort\"}", "SingleStack", "[\"IPv4\"]", true },
		{ "{\"clusterIP\":\"None\",\"clusterIPs\":[\"None\"],\"selector\":{\"a\":\"b\"}}", "SingleStack", "[\"IPv4\"]",
		  false },
		{ "{\"clusterIP\":\"None\",\"clusterIPs\":[\"None\"]}", "RequireDualStack", "[\"IPv4\",\"IPv6\"]", false },
		{ "{\"clusterIP\":\"fd00::1\",\"clusterIPs\":[\"fd00::1\"]}", "SingleStack", "[\"IPv6\"]", false },
		{ "{\"type\":\"ExternalName\"}", NULL, NULL, false },
	};
	struct service_addresses *a = started(*state);

	for (size_t i = 0; i < ARRAY_SIZE(CASES); i++) {
		_cleanup_json_ json_t *v = service("u", CASES[i].spec), *before = json_deep_copy(v);
		service_addresses_give(a, v);
		json_t *families = json_at(v, "spec", "ipFamilies", NULL);
		_cleanup_free_ char *text = families ? json_to_str(families) : NULL;
		const char *policy = json_str_at(v, "spec", "ipFamilyPolicy", NULL);
		if (!str_eq(text, CASES[i].families) || !str_eq(policy, CASES[i].policy))
			fail_msg("%s: %s %s", CASES[i].spec, policy ? policy : "-", text ? text : "-");
		bool given = !str_eq(address_of(v), address_of(before));
		if (given != CASES[i].address || (given && strncmp(address_of(v), "10.96.", 6) != 0))
			fail_msg("%s: %s", CASES[i].spec, address_of(v) ? address_of(v) : "-");
	}
	service_addresses_stop(a);
}

static void test_no_two_services_get_the_same(void **state)
{
	struct service_addresses *a = started(*state);
	_cleanup_json_ json_t *seen = json_object();

	/* The same uid: the search begins at the same place each time. */
	for (int i = 0; i < 200; i++) {
		_cleanup_json_ json_t *v = service("same", "{}");
		service_addresses_give(a, v);
		if (!address_of(v) || json_object_get(seen, address_of(v)))
			fail_msg("%d: %s", i, address_of(v) ? address_of(v) : "none");
		json_object_set_new(seen, address_of(v), json_true());
	}
	service_addresses_stop(a);
}

static void test_addresses_of_the_store_are_taken(void **state)
{
	struct fixture *f = *state;
	struct service_addresses *a = started(f);
	_cleanup_json_ json_t *first = service("x", "{}");

	service_addresses_give(a, first);
	service_addresses_stop(a);
	/* Another one knows nothing of what was given: it would give the same. */
	store_service(f, 'c', "s", address_of(first));
	a = started(f);
	_cleanup_json_ json_t *second = service("x", "{}");
	service_addresses_give(a, second);
	assert_string_not_equal(address_of(second), address_of(first));
	service_addresses_stop(a);

	a = started(f);
	store_service(f, 'd', "s", NULL); /* while it follows */
	_cleanup_json_ json_t *third = service("x", "{}");
	for (int i = 0; i < 100 && !str_eq(address_of(third), address_of(first)); i++) {
		service_addresses_stop(a); /* what was given is forgotten */
		a = started(f);
		json_decref(third);
		third = service("x", "{}");
		service_addresses_give(a, third);
	}
	assert_string_equal(address_of(third), address_of(first));
	service_addresses_stop(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_services_get_what_they_lack, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_two_services_get_the_same, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_addresses_of_the_store_are_taken, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
