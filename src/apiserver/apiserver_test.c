/* The whole server, through HTTPS. What the API answers in detail is in tests/conformance. */
#include "apiserver.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/thread.h"
#include "codec/yaml.h"
#include "controllers/controllers.h"
#include "net/http_client.h"
#include "net/tls.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

static const char CRD[] =
	"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: things.example.org}\n"
	"spec:\n  group: example.org\n  names: {plural: things, kind: Thing}\n  scope: Namespaced\n  versions:\n"
	"  - name: v1\n    served: true\n    storage: true\n    schema:\n      openAPIV3Schema:\n        type: object\n"
	"        properties: {spec: {type: object, properties: {size: {type: integer}}}}\n";

struct fixture {
	char *dir;
	struct apiserver *server;
	struct http_client *client;
};

/* An administrator's. */
#define TOKEN "apiserver-test-token"

static const char *const CRDS[] = { CRD, NULL };

static void start(struct fixture *f)
{
	static const char tokens[] = TOKEN ",test,,system:masters\n";
	_cleanup_free_ char *data = fs_join(f->dir, "data"), *file = fs_join(f->dir, "tokens.csv");
	const struct apiserver_config config = { .data_dir = data, .crds = CRDS, .token_auth_file = file };
	_cleanup_err_ struct err err = { 0 };

	assert_int_equal(fs_replace(file, tokens, sizeof(tokens) - 1, 0600, &err), 0);
	if (apiserver_start(&config, &f->server, &err) < 0)
		fail_msg("%s", err.message);
	const struct http_client_config client = { .ca_pem = apiserver_ca_pem(f->server) };
	f->client = http_client_new(&client, NULL);
}

static void stop(struct fixture *f)
{
	http_client_unref(f->client);
	f->server = apiserver_stop(f->server);
}

static int set_up(void **state)
{
	struct fixture *f = new0(struct fixture);
	const char *tmp = getenv("TMPDIR");

	f->dir = xasprintf("%s/apiserver-test-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	start(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	stop(f);
	fs_remove_tree(f->dir, NULL);
	free(f->dir);
	free(f);
	return 0;
}

/* The status; the body goes to *ret_body (free()) unless NULL. */
static int call_with(const struct fixture *f, struct http_client *client, const char *token, const char *method,
                     const char *path, const char *body, char **ret_body)
{
	_cleanup_free_ char *url = xasprintf("%s%s", apiserver_url(f->server), path);
	_cleanup_http_response_ struct http_response response = { 0 };
	struct http_headers headers = { 0 };
	struct http_call call = {
		.method = method, .url = url, .headers = &headers, .body = body, .body_len = body ? strlen(body) : 0
	};
	_cleanup_err_ struct err err = { 0 };

	http_headers_add(&headers, "Content-Type", "application/json");
	if (token) {
		_cleanup_free_ char *value = xasprintf("Bearer %s", token);
		http_headers_add(&headers, "Authorization", value);
	}
	if (http_client_call(client, &call, &response, &err) < 0)
		fail_msg("%s", err.message);
	http_headers_clear(&headers);
	if (ret_body)
		*ret_body = xstrdup(buf_str(&response.body));
	return response.status;
}

static int call(const struct fixture *f, const char *method, const char *path, const char *body, char **ret_body)
{
	return call_with(f, f->client, TOKEN, method, path, body, ret_body);
}

#define THINGS "/apis/example.org/v1/namespaces/default/things"
#define A_THING "{\"apiVersion\":\"example.org/v1\",\"kind\":\"Thing\","

static void test_apiserver_serves_its_own_crds(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *body = NULL, *refused = NULL;

	assert_int_equal(call(f, "POST", THINGS, A_THING "\"metadata\":{\"name\":\"a\"},\"spec\":{\"size\":1}}", NULL),
	                 201);
	assert_int_equal(call(f, "GET", THINGS "/a", NULL, &body), 200);
	assert_non_null(strstr(body, "\"spec\":{\"size\":1}"));
	assert_int_equal(
		call(f, "POST", THINGS, A_THING "\"metadata\":{\"name\":\"b\"},\"spec\":{\"size\":\"big\"}}", &refused), 422);
	assert_non_null(strstr(refused, "Thing.example.org \\\"b\\\" is invalid: spec.size: Invalid value"));
}

static void test_apiserver_keeps_everything_over_a_restart(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *before = NULL, *after = NULL, *url = xstrdup(apiserver_url(f->server));
	_cleanup_free_ char *list_before = NULL, *list_after = NULL;

	call(f, "POST", THINGS, A_THING "\"metadata\":{\"name\":\"a\"}}", NULL);
	call(f, "GET", THINGS "/a", NULL, &before);
	/* Controllers may still be at it; the list says the newest version of all. */
	for (bool settled = false; !settled;) {
		_cleanup_free_ char *earlier = TAKE_PTR(list_before);
		clock_sleep_ns(200 * NS_PER_MS);
		call(f, "GET", "/api/v1/namespaces?limit=1", NULL, &list_before);
		settled = earlier && strcmp(earlier, list_before) == 0;
	}
	stop(f);
	start(f);
	assert_string_equal(apiserver_url(f->server), url); /* kubeconfigs that were copied stay valid */
	assert_int_equal(call(f, "GET", THINGS "/a", NULL, &after), 200);
	assert_string_equal(before, after);
	/* Nothing is written when nothing changed: not even the version. */
	call(f, "GET", "/api/v1/namespaces?limit=1", NULL, &list_after);
	assert_string_equal(list_before, list_after);
}

static void test_apiserver_refuses_a_second_one_on_its_folder(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *data = fs_join(f->dir, "data");
	const struct apiserver_config config = { .data_dir = data };
	struct apiserver *second = NULL;
	_cleanup_err_ struct err err = { 0 };

	assert_int_equal(apiserver_start(&config, &second, &err), -1);
	assert_int_equal(err.kind, ERR_ALREADY_EXISTS);
	assert_int_equal(call(f, "GET", "/api/v1/namespaces", NULL, NULL), 200); /* the first does not suffer */
}

static void test_apiserver_says_what_is_wrong_with_a_crd(void **state)
{
	static const char *const bad[] = { "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\n"
		                               "metadata: {name: bad.example.org}\nspec: {group: example.org}\n",
		                               NULL };
	struct fixture *f = *state;
	_cleanup_free_ char *data = fs_join(f->dir, "other");
	struct apiserver_config config = { .data_dir = data, .crds = bad };
	struct apiserver *s = NULL;
	_cleanup_err_ struct err err = { 0 };

	assert_int_equal(apiserver_start(&config, &s, &err), -1);
	assert_non_null(strstr(err.message, "CustomResourceDefinition"));
	assert_non_null(strstr(err.message, "bad.example.org"));
	config.crds = NULL; /* the folder was given back */
	assert_int_equal(apiserver_start(&config, &s, NULL), 0);
	apiserver_stop(s);
}

static void test_apiserver_forgets_old_events(void **state)
{
	static const char event[] = "{\"metadata\":{\"name\":\"e\"},\"involvedObject\":{\"namespace\":\"default\"}}";
	struct fixture *f = *state;
	struct event_expiry *expiry = NULL;
	int status = 200;

	assert_int_equal(call(f, "POST", "/api/v1/namespaces/default/events", event, NULL), 201);
	assert_int_equal(event_expiry_start(f->server, NS_PER_MS, &expiry, NULL), 0);
	for (int i = 0; i < 500 && status == 200; i++) {
		clock_sleep_ns(10 * NS_PER_MS);
		status = call(f, "GET", "/api/v1/namespaces/default/events/e", NULL, NULL);
	}
	event_expiry_stop(expiry);
	assert_int_equal(status, 404);
}

static void test_apiserver_tokens(void **state)
{
	struct fixture *f = *state;
	static const char review[] = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
	_cleanup_free_ char *body = NULL, *operator_ = apiserver_component_token(f->server, "operator");

	assert_int_equal(call_with(f, f->client, operator_, "POST", review, "{}", &body), 201);
	assert_non_null(strstr(body, "\"username\":\"system:scia:operator\""));
	assert_int_equal(call_with(f, f->client, operator_, "GET", "/api/v1/namespaces", NULL, NULL), 200);
	assert_int_equal(call_with(f, f->client, operator_, "DELETE", "/api/v1/namespaces/default", NULL, NULL), 403);
	assert_int_equal(call_with(f, f->client, NULL, "GET", "/api/v1/namespaces", NULL, NULL), 401);
	assert_int_equal(call_with(f, f->client, "guess", "GET", "/api/v1/namespaces", NULL, NULL), 401);
	stop(f);
	start(f);
	assert_int_equal(call_with(f, f->client, operator_, "GET", "/api/v1/namespaces", NULL, NULL),
	                 401); /* tokens end with the process */
}

/* A certificate of the server's CA for somebody who is no master. */
static void test_apiserver_forbids_what_is_not_allowed(void **state)
{
	static const char *const orgs[] = { "developers", NULL };
	const struct tls_cert_spec spec = { .common_name = "bob", .organizations = orgs, .days = 1, .client = true };
	struct fixture *f = *state;
	_cleanup_free_ char *cert_path = xasprintf("%s/data/pki/ca.crt", f->dir),
						*key_path = xasprintf("%s/data/pki/ca.key", f->dir);
	_cleanup_tls_pair_ struct tls_pair ca = { 0 }, bob = { 0 };
	_cleanup_free_ char *body = NULL, *me = NULL, *all = NULL;

	assert_int_equal(fs_read_file(cert_path, 100000, &ca.cert_pem, NULL, NULL), 0);
	assert_int_equal(fs_read_file(key_path, 100000, &ca.key_pem, NULL, NULL), 0);
	assert_int_equal(tls_cert_issue(&ca, &spec, &bob, NULL), 0);
	const struct http_client_config config = { .ca_pem = ca.cert_pem,
		                                       .cert_pem = bob.cert_pem,
		                                       .key_pem = bob.key_pem };
	_cleanup_(http_client_unrefp) struct http_client *client = http_client_new(&config, NULL);

	assert_int_equal(call_with(f, client, NULL, "GET", "/api/v1/namespaces/default/secrets/x", NULL, &body), 403);
	assert_non_null(strstr(
		body,
		"secrets \\\"x\\\" is forbidden: User \\\"bob\\\" cannot get resource \\\"secrets\\\" in API group \\\"\\\" "
		"in the namespace \\\"default\\\""));
	assert_int_equal(call_with(f, client, NULL, "GET", "/api/v1/nodes", NULL, &all),
	                 403); /* not told whether it exists */
	assert_non_null(strstr(all, "cannot list resource \\\"nodes\\\" in API group \\\"\\\" at the cluster scope"));
	assert_int_equal(call_with(f, client, NULL, "GET", "/metrics", NULL, NULL), 403);
	assert_int_equal(call_with(f, client, NULL, "GET", "/apis", NULL, NULL), 200);
	assert_int_equal(call_with(f, client, NULL, "POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", "{}", &me),
	                 201);
	assert_non_null(strstr(me, "\"groups\":[\"developers\",\"system:authenticated\"]"));
}

static void test_apiserver_files(void **state)
{
	static const struct {
		const char *name;
		mode_t mode;
	} files[] = { { "data", 0700 },
		          { "data/store.db", 0600 },
		          { "data/kubeconfig", 0600 },
		          { "data/pki/ca.key", 0600 },
		          { "data/pki/serving.key", 0600 },
		          { "data/pki/admin.key", 0600 } };
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		_cleanup_free_ char *path = fs_join(f->dir, files[i].name);
		struct stat st;
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, files[i].mode);
	}
	_cleanup_free_ char *text = NULL;
	assert_int_equal(fs_read_file(apiserver_kubeconfig_path(f->server), 100000, &text, NULL, NULL), 0);
	_cleanup_json_ json_t *config = yaml_parse(text, strlen(text), NULL, NULL);
	const json_t *cluster = json_array_get(json_object_get(config, "clusters"), 0);
	assert_string_equal(json_str_at(cluster, "cluster", "server", NULL), apiserver_url(f->server));
}

static void serve_log(void *self, const char *ns, const char *name, struct http_request *req)
{
	_cleanup_free_ char *text = xasprintf("%s/%s of %s", ns, name, (const char *)self);

	http_respond_text(req, 200, "text/plain", text);
}

static void test_apiserver_mounts(void **state)
{
	struct fixture *f = *state;
	_cleanup_free_ char *body = NULL;
	char self[] = "me";

	apiserver_mount(f->server, "example.org", "things", "log", serve_log, self);
	call(f, "POST", THINGS, A_THING "\"metadata\":{\"name\":\"a\"}}", NULL);
	assert_int_equal(call(f, "GET", THINGS "/a/log", NULL, &body), 200);
	assert_string_equal(body, "default/a of me");
	assert_int_equal(call(f, "GET", THINGS "/nope/log", NULL, NULL), 404);
	assert_int_equal(call(f, "GET", THINGS "/a/other", NULL, NULL), 404);
	assert_int_equal(call_with(f, f->client, NULL, "GET", THINGS "/a/log", NULL, NULL), 401);
}

static int not_ready(void *self, struct err *err)
{
	return *(atomic_bool *)self ? 0 : err_set(err, ERR_UNAVAILABLE, "warming up");
}

static void test_apiserver_ready_checks(void **state)
{
	struct fixture *f = *state;
	atomic_bool ready = false;
	_cleanup_free_ char *body = NULL;

	apiserver_add_ready_check(f->server, "operator", not_ready, &ready);
	assert_int_equal(call(f, "GET", "/readyz", NULL, &body), 500);
	assert_string_equal(body, "[+]ping ok\n[-]operator failed: reason withheld\n[+]store ok\nreadyz check failed\n");
	assert_int_equal(call(f, "GET", "/livez", NULL, NULL), 200); /* alive, though not ready */
	atomic_store(&ready, true);
	assert_int_equal(call(f, "GET", "/readyz/operator", NULL, NULL), 200);
}

struct watching {
	struct fixture *fixture;
	atomic_bool cancel;
	atomic_int events;
};

static bool on_data(void *self, const char *data, size_t len)
{
	struct watching *w = self;

	for (size_t i = 0; i < len; i++)
		if (data[i] == '\n')
			atomic_fetch_add(&w->events, 1);
	return true;
}

static void *watch_main(void *arg)
{
	struct watching *w = arg;
	_cleanup_free_ char *url = xasprintf("%s" THINGS "?watch=true&resourceVersion=0",
	                                     apiserver_url(w->fixture->server));
	_cleanup_free_ char *value = xasprintf("Bearer %s", TOKEN);
	_cleanup_http_response_ struct http_response response = { 0 };
	struct http_headers headers = { 0 };

	http_headers_add(&headers, "Authorization", value);
	const struct http_call watch = {
		.url = url, .headers = &headers, .timeout_ns = -1, .cancel = &w->cancel, .on_data = on_data, .self = w
	};
	http_client_call(w->fixture->client, &watch, &response, NULL);
	http_headers_clear(&headers);
	return NULL;
}

static void wait_for(const atomic_int *value, int wanted)
{
	for (int i = 0; i < 500 && atomic_load(value) < wanted; i++)
		clock_sleep_ns(10 * NS_PER_MS);
	assert_int_equal(atomic_load(value), wanted);
}

/* Watches that are open, that left, and that the server's end cuts off. */
static void test_apiserver_ends_with_watches_open(void **state)
{
	struct fixture *f = *state;
	struct watching watches[3] = { { .fixture = f }, { .fixture = f }, { .fixture = f } };
	pthread_t threads[3];

	call(f, "POST", THINGS, A_THING "\"metadata\":{\"name\":\"a\"}}", NULL);
	for (int i = 0; i < 3; i++)
		assert_int_equal(thread_start(&threads[i], "watch", watch_main, &watches[i], NULL), 0);
	for (int i = 0; i < 3; i++)
		wait_for(&watches[i].events, 1);
	atomic_store(&watches[0].cancel, true);
	pthread_join(threads[0], NULL);
	call(f, "DELETE", THINGS "/a", NULL, NULL);
	wait_for(&watches[1].events, 2);
	wait_for(&watches[2].events, 2);
	f->server = apiserver_stop(f->server);
	pthread_join(threads[1], NULL);
	pthread_join(threads[2], NULL);
	http_client_unref(f->client);
	start(f);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_apiserver_serves_its_own_crds),
		TEST(test_apiserver_keeps_everything_over_a_restart),
		TEST(test_apiserver_refuses_a_second_one_on_its_folder),
		TEST(test_apiserver_says_what_is_wrong_with_a_crd),
		TEST(test_apiserver_forgets_old_events),
		TEST(test_apiserver_tokens),
		TEST(test_apiserver_forbids_what_is_not_allowed),
		TEST(test_apiserver_files),
		TEST(test_apiserver_mounts),
		TEST(test_apiserver_ready_checks),
		TEST(test_apiserver_ends_with_watches_open),
	};
	return cmocka_run_group_tests_name("apiserver", tests, NULL, NULL);
}
