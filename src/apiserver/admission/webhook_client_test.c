/* Against a real HTTPS server with a certificate of its own authority. */
#include "webhook_client.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "codec/base64.h"
#include "net/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

struct fixture {
	char *dir;
	struct store *store;
	struct http_server *server;
	struct tls_pair ca;
	const char *answer;
	int status;
	char last_host[128], last_query[64];
};

static void answer(void *self, struct http_request *req)
{
	struct fixture *f = self;
	const char *query = http_request_query(req), *host = http_request_header(req, "Host");

	snprintf(f->last_query, sizeof(f->last_query), "%s", query ? query : "");
	snprintf(f->last_host, sizeof(f->last_host), "%s", host ? host : "");
	http_respond_text(req, f->status, "application/json", f->answer);
}

static int set_up(void **state)
{
	struct fixture *f = new0(struct fixture);
	const char *tmp = getenv("TMPDIR");
	const struct tls_cert_spec spec = { .common_name = "hook",
		                                .names = (const char *const[]){ "localhost", "hook.team.svc", NULL },
		                                .days = 1,
		                                .server = true };
	struct tls_pair pair;

	f->dir = xasprintf("%s/webhook-test-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(f->dir));
	_cleanup_free_ char *path = fs_join(f->dir, "store.db");
	assert_int_equal(store_open(&(struct store_config){ .path = path }, &f->store, NULL), 0);
	assert_int_equal(tls_ca_new("test-ca", 1, &f->ca, NULL), 0);
	assert_int_equal(tls_cert_issue(&f->ca, &spec, &pair, NULL), 0);
	const struct tls_server_config tls = { .cert_pem = pair.cert_pem, .key_pem = pair.key_pem };
	const struct http_server_config config = { .tls = &tls, .handler = answer, .self = f };
	assert_int_equal(http_server_start(&config, &f->server, NULL), 0);
	tls_pair_clear(&pair);
	f->status = 200;
	f->answer = "{\"ok\":true}";
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	http_server_stop(f->server, 0);
	store_close(f->store);
	tls_pair_clear(&f->ca);
	fs_remove_tree(f->dir, NULL);
	free(f->dir);
	free(f);
	return 0;
}

/* With the fixture's authority, or with another's. */
static json_t *client_config(const struct fixture *f, bool trusted)
{
	struct tls_pair other = { 0 };

	if (!trusted)
		assert_int_equal(tls_ca_new("other-ca", 1, &other, NULL), 0);
	const char *pem = trusted ? f->ca.cert_pem : other.cert_pem;
	_cleanup_free_ char *bundle = base64_encode(pem, strlen(pem));
	tls_pair_clear(&other);
	return json_pack("{s:s}", "caBundle", bundle);
}

static json_t *by_url(const struct fixture *f, const char *host, bool trusted)
{
	json_t *config = client_config(f, trusted);

	json_put(config, "url", json_strf("https://%s:%d/check", host, http_server_port(f->server)));
	return config;
}

/* The answer, or NULL with the error's text. */
static json_t *call(struct fixture *f, const json_t *config, int64_t timeout_ns, struct err *err)
{
	_cleanup_(webhook_client_unrefp) struct webhook_client *c = NULL;
	_cleanup_json_ json_t *body = json_pack("{s:s}", "kind", "AdmissionReview");
	json_t *v = NULL;

	if (webhook_client_new(config, &c, err) < 0)
		return NULL;
	const struct webhook_call request = { .store = f->store,
		                                  .body = body,
		                                  .deadline_ns = clock_mono_ns() + timeout_ns };
	webhook_client_call(c, &request, &v, err);
	return v;
}

static void test_webhook_client_posts_and_reads_the_answer(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *config = by_url(f, "localhost", true);
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = call(f, config, 10 * NS_PER_S, &err);

	assert_non_null(v);
	assert_true(json_get_bool(v, "ok", false));
	assert_string_equal(f->last_query, "timeout=10s");
}

static void expect_failure(struct fixture *f, const json_t *config, const char *words)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = call(f, config, 5 * NS_PER_S, &err);

	assert_null(v);
	if (!str_contains(err_message(&err), words))
		fail_msg("%s: does not say %s", err_message(&err), words);
}

static void test_webhook_client_says_what_go_would_say(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *good = by_url(f, "localhost", true), *untrusted = by_url(f, "localhost", false);
	_cleanup_json_ json_t *other_name = by_url(f, "127.0.0.1", true), *refused = client_config(f, true);

	json_put_str(refused, "url", "https://127.0.0.1:1/check");
	expect_failure(f, untrusted,
	               "?timeout=5s\": tls: failed to verify certificate: x509: certificate signed by unknown authority");
	expect_failure(f, other_name, "x509: certificate is not valid for any names, but wanted to match 127.0.0.1");
	expect_failure(f, refused,
	               "Post \"https://127.0.0.1:1/check?timeout=5s\": dial tcp 127.0.0.1:1: connect: connection refused");
	f->status = 500;
	f->answer = "boom";
	expect_failure(f, good, "an error on the server (\"unknown\") has prevented the request from succeeding");
	f->status = 404;
	expect_failure(f, good, "the server could not find the requested resource");
	f->status = 200;
	f->answer = "{\"deep";
	expect_failure(f, good, "json parse error");
}

static void test_webhook_client_gives_up_at_its_deadline(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *config = by_url(f, "localhost", true);
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = call(f, config, -1, &err);

	assert_null(v);
	assert_int_equal(err.kind, ERR_TIMEOUT);
	assert_true(str_ends_with(err_message(&err), "context deadline exceeded"));
}

/* Stores an object given with single quotes. */
static void put(struct fixture *f, const char *resource, const char *name, const char *quoted)
{
	_cleanup_free_ char *text = xasprintf("{'v':'',%s", quoted + 1);

	for (char *c = text; *c; c++)
		if (*c == '\'')
			*c = '"';
	const struct store_write w = { .resource = resource,
		                           .ns = "team",
		                           .name = name,
		                           .op = STORE_CREATE,
		                           .text = bytes_new(text, strlen(text)),
		                           .text_version_offset = 6,
		                           .uid = xstrdup("u"),
		                           .labels = xmemdup("kubernetes.io/service-name\0hook\0", 33) };
	assert_int_equal(store_commit(f->store, &w, NULL, NULL), 0);
}

static void test_webhook_client_finds_services_by_their_endpoints(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *config = client_config(f, true);
	_cleanup_free_ char *endpoints = xasprintf(
		"{'subsets':[{'addresses':[{'ip':'127.0.0.1'}],'ports':[{'name':'web','port':%d}]}]}",
		http_server_port(f->server));

	json_put(config, "service", json_pack("{s:s,s:s,s:s}", "namespace", "team", "name", "hook", "path", "/check"));
	expect_failure(f, config, "Post \"https://hook.team.svc:443/check?timeout=5s\": service \"hook\" not found");
	put(f, "/services", "hook", "{'spec':{'ports':[{'name':'web','port':443}]}}");
	expect_failure(f, config, "no endpoints available for service \"hook\"");
	put(f, "/endpoints", "hook", endpoints);
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = call(f, config, 5 * NS_PER_S, &err);
	assert_non_null(v);
	assert_string_equal(f->last_host, "hook.team.svc:443");
}

static void test_webhook_client_finds_services_by_their_slices(void **state)
{
	struct fixture *f = *state;
	struct webhook_address to;

	put(f, "/services", "hook", "{'spec':{'ports':[{'port':8443}]}}");
	put(f, "discovery.k8s.io/endpointslices", "hook-1",
	    "{'endpoints':[{'addresses':['10.0.0.1'],'conditions':{'ready':false}},{'addresses':['10.0.0.2']}],'ports':[{'"
	    "port':9443}]}");
	assert_int_equal(webhook_service_resolve(f->store, "team", "hook", 8443, &to, NULL), 0);
	assert_string_equal(to.host, "10.0.0.2");
	assert_int_equal(to.port, 9443);
	free(to.host);
	_cleanup_err_ struct err err = { 0 };
	assert_int_equal(webhook_service_resolve(f->store, "team", "hook", 1, &to, &err), -1);
	assert_string_equal(err_message(&err), "no service port 1 found for service \"hook\"");
}

static void test_webhook_client_goes_to_external_names(void **state)
{
	struct fixture *f = *state;
	struct webhook_address to;

	put(f, "/services", "hook", "{'spec':{'type':'ExternalName','externalName':'hooks.example.org'}}");
	assert_int_equal(webhook_service_resolve(f->store, "team", "hook", 443, &to, NULL), 0);
	assert_string_equal(to.host, "hooks.example.org");
	free(to.host);
}

static void test_webhook_client_refuses_what_is_no_https(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *plain = json_pack("{s:s}", "url", "http://localhost/x"), *none = json_object();
	_cleanup_json_ json_t *bad_ca = json_pack("{s:s,s:s}", "url", "https://localhost/x", "caBundle", "bm9uZQ==");

	expect_failure(f, plain, "https://");
	expect_failure(f, none, "must have either service or URL");
	expect_failure(f, bad_ca, "certificate authority");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_webhook_client_posts_and_reads_the_answer),
		TEST(test_webhook_client_says_what_go_would_say),
		TEST(test_webhook_client_gives_up_at_its_deadline),
		TEST(test_webhook_client_finds_services_by_their_endpoints),
		TEST(test_webhook_client_finds_services_by_their_slices),
		TEST(test_webhook_client_goes_to_external_names),
		TEST(test_webhook_client_refuses_what_is_no_https),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
