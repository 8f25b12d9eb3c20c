#include "kube/client.h"

#include "fake_api.h"

struct page {
	const char *path, *body;
};

static const struct page pages[] = {
	{ "/api/v1", "{\"resources\":["
	             "{\"name\":\"secrets\",\"singularName\":\"secret\",\"namespaced\":true,\"kind\":\"Secret\"},"
	             "{\"name\":\"namespaces\",\"singularName\":\"\",\"namespaced\":false,\"kind\":\"Namespace\","
	             "\"shortNames\":[\"ns\"]},"
	             "{\"name\":\"namespaces/status\",\"namespaced\":false,\"kind\":\"Namespace\"}]}" },
	{ "/apis",
	  "{\"groups\":["
	  "{\"name\":\"apps\",\"versions\":[{\"version\":\"v1\"}],\"preferredVersion\":{\"version\":\"v1\"}},"
	  "{\"name\":\"away.example\",\"versions\":[{\"version\":\"v1\"}],\"preferredVersion\":{\"version\":\"v1\"}},"
	  "{\"name\":\"scia.io\",\"versions\":[{\"version\":\"v1beta1\"},{\"version\":\"v1alpha1\"}],\"preferredVersion\":{"
	  "\"version\":\"v1alpha1\"}}]}" },
	{ "/apis/apps/v1", "{\"resources\":[{\"name\":\"deployments\",\"singularName\":\"deployment\",\"namespaced\":true,"
	                   "\"kind\":\"Deployment\",\"shortNames\":[\"deploy\"]}]}" },
	{ "/apis/scia.io/v1beta1", "{\"resources\":[{\"name\":\"deployments\",\"singularName\":\"deployment\","
	                           "\"namespaced\":true,\"kind\":\"Deployment\"}]}" },
	{ "/apis/scia.io/v1alpha1",
	  "{\"resources\":[{\"name\":\"deployments\",\"singularName\":\"deployment\",\"namespaced\":true,\"kind\":"
	  "\"Deployment\",\"shortNames\":[\"sd\",\"sciadeploy\"]}]}" },
};

static atomic_int requests;

static void handle(void *self, struct http_request *req)
{
	(void)self;
	atomic_fetch_add(&requests, 1);
	for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
		if (str_eq(http_request_path(req), pages[i].path)) {
			http_respond_text(req, 200, "application/json", pages[i].body);
			return;
		}
	}
	http_respond_text(req, str_contains(http_request_path(req), "away") ? 500 : 404, "text/plain", "no");
}

struct served {
	struct http_server *server;
	struct kube_client *client;
};

static void setup(struct served *s)
{
	_cleanup_err_ struct err e = { 0 };
	struct http_server_config config = { .threads = 1, .handler = handle };
	if (http_server_start(&config, &s->server, &e) < 0)
		fail_msg("%s", err_message(&e));
	_cleanup_free_ char *url = xasprintf("http://127.0.0.1:%d", http_server_port(s->server));
	struct kube_client_config client = { .server = url };
	assert_int_equal(kube_client_new(&client, &s->client, &e), 0);
	atomic_store(&requests, 0);
}

static void teardown(struct served *s)
{
	kube_client_unref(s->client);
	http_server_stop(s->server, 0);
}

static void test_discovery_finds_types_by_any_name(void **state)
{
	(void)state;
	static const struct {
		const char *name, *group, *version, *plural, *why;
	} cases[] = {
		{ "secrets", "", "v1", "secrets", "plural" },
		{ "secret", "", "v1", "secrets", "singular" },
		{ "Secret", "", "v1", "secrets", "kind" },
		{ "secrets.v1", "", "v1", "secrets", "version of the core group" },
		{ "ns", "", "v1", "namespaces", "short name" },
		{ "namespace", "", "v1", "namespaces", "a kind where the singular is empty" },
		{ "deployments", "apps", "v1", "deployments", "the server's first" },
		{ "deployments.scia.io", "scia.io", "v1alpha1", "deployments", "group, in its preferred version" },
		{ "Deployment.scia.io", "scia.io", "v1alpha1", "deployments", "kind and group" },
		{ "deployments.v1beta1.scia.io", "scia.io", "v1beta1", "deployments", "version and group" },
		{ "sd", "scia.io", "v1alpha1", "deployments", "short name of a group" },
	};
	struct served s;
	setup(&s);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct kube_type *type;
		_cleanup_err_ struct err e = { 0 };
		if (kube_discover(s.client, cases[i].name, &type, &e) < 0)
			fail_msg("%s: %s", cases[i].why, err_message(&e));
		if (!str_eq(type->group, cases[i].group) || !str_eq(type->version, cases[i].version) ||
		    !str_eq(type->plural, cases[i].plural))
			fail_msg("%s: %s gave %s.%s.%s", cases[i].why, cases[i].name, type->plural, type->version, type->group);
	}
	const struct kube_type *ns, *secret;
	assert_int_equal(kube_discover(s.client, "ns", &ns, NULL) + kube_discover(s.client, "secrets", &secret, NULL), 0);
	assert_false(ns->namespaced);
	assert_true(secret->namespaced);
	assert_int_equal(atomic_load(&requests) < 20, 1); /* cached (a group that is away is tried a few times) */
	teardown(&s);
}

static void test_discovery_suggests_what_was_meant(void **state)
{
	(void)state;
	static const struct {
		const char *name, *message;
	} cases[] = {
		{ "secretes", "the server has no type 'secretes'; did you mean secrets?" },
		{ "deploymnts", "the server has no type 'deploymnts'; did you mean deployments.apps, deployments.scia.io?" },
		{ "deployments.other.io",
		  "the server has no type 'deployments.other.io'; did you mean deployments.apps, deployments.scia.io?" },
		{ "unheard-of", "the server has no type 'unheard-of'" },
		{ "", "the server has no type ''" },
	};
	struct served s;
	setup(&s);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct kube_type *type;
		_cleanup_err_ struct err e = { 0 };
		assert_int_equal(kube_discover(s.client, cases[i].name, &type, &e), -1);
		assert_int_equal(e.kind, ERR_NOT_FOUND);
		assert_string_equal(err_message(&e), cases[i].message);
	}
	teardown(&s);
}

static void test_discovery_says_when_the_server_is_away(void **state)
{
	(void)state;
	struct served s;
	setup(&s);
	s.server = http_server_stop(s.server, 0);
	const struct kube_type *type;
	_cleanup_err_ struct err e = { 0 };
	assert_int_equal(kube_discover(s.client, "secrets", &type, &e), -1);
	assert_int_equal(e.kind, ERR_UNAVAILABLE);
	kube_client_unref(s.client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_discovery_finds_types_by_any_name),
		cmocka_unit_test(test_discovery_suggests_what_was_meant),
		cmocka_unit_test(test_discovery_says_when_the_server_is_away),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
