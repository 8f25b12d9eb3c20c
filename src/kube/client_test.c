#include "kube/client.h"

#include "base/fs.h"
#include "fake_api.h"
#include "net/tls.h"

static json_t *deployment(const char *name)
{
	json_t *obj = kube_object_new(&SCIA_DEPLOYMENT, "a", name);
	json_put_str(json_ensure_object(obj, "spec"), "value", "1");
	return obj;
}

static void test_client_create_get_update_delete(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	_cleanup_err_ struct err e = { 0 };
	_cleanup_json_ json_t *obj = deployment("x"), *created = NULL, *got = NULL, *updated = NULL;
	assert_int_equal(kube_create(f->client, &SCIA_DEPLOYMENT, obj, &created, &e), 0);
	assert_true(str_contains(f->last_query, "fieldManager=scia"));
	assert_true(*kube_uid(created));
	assert_int_equal(kube_create(f->client, &SCIA_DEPLOYMENT, obj, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_ALREADY_EXISTS);
	err_clear(&e);
	assert_int_equal(kube_get(f->client, &SCIA_DEPLOYMENT, "a", "x", &got, &e), 0);
	assert_true(json_equal(got, created));
	json_put_str(kube_spec(got), "value", "2");
	assert_int_equal(kube_update(f->client, &SCIA_DEPLOYMENT, got, &updated, &e), 0);
	assert_int_equal(kube_update(f->client, &SCIA_DEPLOYMENT, got, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_CONFLICT);
	err_clear(&e);
	assert_int_equal(kube_update(f->client, &SCIA_DEPLOYMENT, obj, NULL, &e), -1); /* without a version */
	assert_int_equal(e.kind, ERR_BAD_REQUEST);
	err_clear(&e);
	assert_int_equal(kube_delete(f->client, &SCIA_DEPLOYMENT, "a", "x", "another-uid", KUBE_BACKGROUND, &e), 0);
	assert_int_equal(kube_get(f->client, &SCIA_DEPLOYMENT, "a", "x", NULL, &e), 0); /* that one is not it */
	assert_int_equal(kube_delete(f->client, &SCIA_DEPLOYMENT, "a", "x", kube_uid(created), KUBE_BACKGROUND, &e), 0);
	assert_int_equal(kube_delete(f->client, &SCIA_DEPLOYMENT, "a", "x", NULL, KUBE_BACKGROUND, &e), 0);
	assert_int_equal(kube_get(f->client, &SCIA_DEPLOYMENT, "a", "x", NULL, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	fake_api_free(f);
}

static void test_client_patch_says_its_kind(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	fake_put(f, &SCIA_DEPLOYMENT, "a", "x", "1");
	_cleanup_json_ json_t *patch = json_object(), *got = NULL;
	json_put_str(patch, "note", "n");
	assert_int_equal(kube_patch(f->client, &SCIA_DEPLOYMENT, "a", "x", KUBE_PATCH_MERGE, patch, NULL, &got, NULL), 0);
	assert_string_equal(json_get_str(got, "note"), "n");
	assert_string_equal(f->last_content_type, "application/merge-patch+json");
	struct kube_patch_options options = { .field_manager = "me", .force = true };
	assert_int_equal(kube_patch(f->client, &SCIA_DEPLOYMENT, "a", "x", KUBE_PATCH_APPLY, patch, &options, NULL, NULL),
	                 0);
	assert_string_equal(f->last_content_type, "application/apply-patch+yaml");
	assert_string_equal(f->last_query, "fieldManager=me&force=true");
	fake_api_free(f);
}

static void test_client_refuses_names_that_leave_their_path(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	static const char *const bad[] = { "", ".", "..", "a/b", "%2e%2e" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_err_ struct err e = { 0 };
		assert_int_equal(kube_get(f->client, &SCIA_DEPLOYMENT, "a", bad[i], NULL, &e), -1);
		assert_int_equal(e.kind, ERR_BAD_REQUEST);
		err_clear(&e);
		assert_int_equal(kube_delete(f->client, &SCIA_DEPLOYMENT, bad[i], "x", NULL, KUBE_BACKGROUND, &e), -1);
		assert_int_equal(e.kind, ERR_BAD_REQUEST);
	}
	assert_int_equal(atomic_load(&f->reads) + atomic_load(&f->deletes), 0);
	fake_api_free(f);
}

static void test_client_retries_when_asked_to_wait(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	fake_put(f, &SCIA_DEPLOYMENT, "a", "x", "1");
	f->fail_times = 2;
	f->fail_status = 429;
	f->fail_retry_after = "0";
	assert_int_equal(kube_get(f->client, &SCIA_DEPLOYMENT, "a", "x", NULL, NULL), 0);
	assert_int_equal(f->fail_times, 0);
	_cleanup_json_ json_t *obj = deployment("y");
	f->fail_times = 1;
	f->fail_status = 500;
	_cleanup_err_ struct err e = { 0 };
	assert_int_equal(kube_create(f->client, &SCIA_DEPLOYMENT, obj, NULL, &e), -1); /* may have happened: not repeated */
	assert_int_equal(e.kind, ERR_INTERNAL);
	fake_api_free(f);
}

static void fill(struct fake_api *f, int n)
{
	for (int i = 0; i < n; i++) {
		_cleanup_free_ char *name = xasprintf("d%02d", i);
		fake_put(f, &SCIA_DEPLOYMENT, i % 2 ? "a" : "b", name, "1");
	}
}

static void test_client_list_collects_pages(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	fill(f, 25);
	f->bare_items = true;
	struct kube_list_options options = { .limit = 10, .labels = "a=b,c in (d)" };
	_cleanup_json_ json_t *items = NULL, *of_a = NULL;
	_cleanup_free_ char *version = NULL;
	assert_int_equal(kube_list(f->client, &SCIA_DEPLOYMENT, NULL, &options, &items, &version, NULL), 0);
	assert_int_equal(json_array_size(items), 25);
	assert_int_equal(atomic_load(&f->lists), 3);
	assert_true(str_contains(f->last_query, "labelSelector=a%3Db%2Cc%20in%20%28d%29"));
	assert_string_equal(version, "26");
	assert_string_equal(json_get_str(json_array_get(items, 0), "kind"), "Deployment");
	assert_string_equal(json_get_str(json_array_get(items, 24), "apiVersion"), "scia.io/v1alpha1");
	assert_int_equal(kube_list(f->client, &SCIA_DEPLOYMENT, "a", NULL, &of_a, NULL, NULL), 0);
	assert_int_equal(json_array_size(of_a), 12);
	fake_api_free(f);
}

/* The token of a second page expires: everything again without pages, nothing twice. */
static void test_client_list_begins_anew_when_its_token_expires(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	fill(f, 25);
	f->fail_times = 1;
	f->fail_path = "continue=";
	f->fail_status = 410;
	f->fail_body = FAKE_EXPIRED;
	struct kube_list_options options = { .limit = 10 };
	_cleanup_json_ json_t *items = NULL;
	assert_int_equal(kube_list(f->client, &SCIA_DEPLOYMENT, NULL, &options, &items, NULL, NULL), 0);
	assert_int_equal(json_array_size(items), 25);
	assert_false(str_contains(f->last_query ? f->last_query : "", "limit"));
	fake_api_free(f);
}

static void test_client_list_of_a_version_is_not_paged(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	struct kube_list_options options = { .limit = 10, .resource_version = "7" };
	_cleanup_json_ json_t *items = NULL;
	assert_int_equal(kube_list(f->client, &SCIA_DEPLOYMENT, NULL, &options, &items, NULL, NULL), 0);
	assert_string_equal(f->last_query, "resourceVersion=7");
	fake_api_free(f);
}

static void test_client_list_reports_broken_answers(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	static const char *const bodies[] = { "{\"items\":[{\"a\":}]}", "{\"items\":[{}", "[]", "hello" };
	for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
		f->fail_times = 1;
		f->fail_status = 200;
		f->fail_body = bodies[i];
		_cleanup_json_ json_t *items = NULL;
		_cleanup_err_ struct err e = { 0 };
		assert_int_equal(kube_list(f->client, &SCIA_DEPLOYMENT, NULL, NULL, &items, NULL, &e), -1);
		assert_true(str_starts_with(err_message(&e), "listing deployments: "));
	}
	fake_api_free(f);
}

static bool push_event(void *self, const char *type, json_t *obj)
{
	_cleanup_free_ char *text = xasprintf("%s:%s", type, kube_name(obj));
	strv_push(self, text);
	return !str_eq(kube_name(obj), "last");
}

static void test_client_watch_until_told_to_stop(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	fake_put(f, &SCIA_DEPLOYMENT, "a", "x", "1");
	fake_put(f, &SCIA_DEPLOYMENT, "a", "y", "1");
	fake_delete(f, &SCIA_DEPLOYMENT, "a", "x");
	fake_put(f, &SCIA_DEPLOYMENT, "a", "last", "1");
	_cleanup_strv_ char **events = NULL;
	struct kube_list_options options = { .resource_version = "2" };
	assert_int_equal(kube_watch(f->client, &SCIA_DEPLOYMENT, "a", &options, NULL, push_event, &events, NULL), 0);
	_cleanup_free_ char *all = strv_join(events, " ");
	assert_string_equal(all, "ADDED:y DELETED:x ADDED:last");
	assert_true(str_contains(f->last_query, "allowWatchBookmarks=true"));
	int64_t seconds = fake_number(f->last_query, "timeoutSeconds");
	assert_true(seconds >= 300 && seconds < 600);
	fake_api_free(f);
}

static void test_client_watch_expired(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	f->oldest = 10;
	for (int inside = 0; inside < 2; inside++) {
		f->expire_inside = inside;
		struct kube_list_options options = { .resource_version = "2" };
		_cleanup_err_ struct err e = { 0 };
		_cleanup_strv_ char **events = NULL;
		assert_int_equal(kube_watch(f->client, &SCIA_DEPLOYMENT, "a", &options, NULL, push_event, &events, &e), -1);
		assert_int_equal(e.kind, ERR_EXPIRED);
		assert_null(events);
	}
	fake_api_free(f);
}

struct background {
	struct fake_api *f;
	atomic_bool cancel;
	int result;
	struct err err;
};

static void *watch_in_background(void *arg)
{
	struct background *b = arg;
	char **events = NULL;
	b->result = kube_watch(b->f->client, &SCIA_DEPLOYMENT, "a", NULL, &b->cancel, push_event, &events, &b->err);
	strv_free(events);
	return NULL;
}

static void test_client_watch_is_cancelled(void **state)
{
	(void)state;
	for (int by_client = 0; by_client < 2; by_client++) {
		struct fake_api *f = fake_api_new();
		struct background b = { .f = f };
		pthread_t thread;
		assert_int_equal(thread_start(&thread, "watch", watch_in_background, &b, NULL), 0);
		eventually(fake_open_watches(f) == 1);
		if (by_client)
			kube_client_cancel(f->client);
		else
			atomic_store(&b.cancel, true);
		pthread_join(thread, NULL);
		assert_int_equal(b.result, by_client ? -1 : 0);
		assert_int_equal(b.err.kind, by_client ? ERR_TIMEOUT : ERR_NONE);
		err_clear(&b.err);
		fake_api_free(f);
	}
}

static bool append_data(void *self, const char *data, size_t len)
{
	buf_append(self, data, len);
	return true;
}

static void test_client_raw_call(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	fake_put(f, &SCIA_DEPLOYMENT, "a", "x", "1");
	_cleanup_free_ char *body = NULL;
	size_t len;
	struct kube_raw call = { .path = "/apis/scia.io/v1alpha1/namespaces/a/deployments/x?pretty=1" };
	assert_int_equal(kube_raw_call(f->client, &call, &body, &len, NULL), 0);
	assert_int_equal(strlen(body), len);
	_cleanup_buf_ struct buf streamed = BUF_INIT(100000);
	call.on_data = append_data;
	call.self = &streamed;
	assert_int_equal(kube_raw_call(f->client, &call, NULL, NULL, NULL), 0);
	assert_string_equal(buf_str(&streamed), body);
	_cleanup_err_ struct err e = { 0 };
	struct kube_raw bad = { .path = "elsewhere" };
	assert_int_equal(kube_raw_call(f->client, &bad, NULL, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_BAD_REQUEST);
	fake_api_free(f);
}

/* ---- credentials ---- */

static struct kube_client *client_with(struct fake_api *f, struct kube_client_config config)
{
	struct kube_client *c;
	_cleanup_err_ struct err e = { 0 };
	config.server = f->url;
	if (kube_client_new(&config, &c, &e) < 0)
		fail_msg("%s", err_message(&e));
	return c;
}

static void expect_authorization(struct fake_api *f, struct kube_client *c, const char *expected)
{
	fake_put(f, &SCIA_DEPLOYMENT, "a", "x", "1");
	_cleanup_err_ struct err e = { 0 };
	if (kube_get(c, &SCIA_DEPLOYMENT, "a", "x", NULL, &e) < 0)
		fail_msg("%s", err_message(&e));
	assert_string_equal(f->last_authorization, expected);
}

static void test_client_static_credentials(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	char *headers[] = { (char[]){ "Impersonate-User: jane" }, NULL };
	struct kube_client *c = client_with(f, (struct kube_client_config){ .token = (char[]){ "t" }, .headers = headers });
	expect_authorization(f, c, "Bearer t");
	assert_string_equal(f->last_headers, "jane");
	kube_client_unref(c);
	c = client_with(f, (struct kube_client_config){ .username = (char[]){ "u" }, .password = (char[]){ "p" } });
	expect_authorization(f, c, "Basic dTpw");
	kube_client_unref(c);
	c = client_with(f, (struct kube_client_config){ .token = (char[]){ "a\nX: b" } });
	_cleanup_err_ struct err e = { 0 };
	assert_int_equal(kube_get(c, &SCIA_DEPLOYMENT, "a", "x", NULL, &e), -1);
	assert_int_equal(e.kind, ERR_UNAUTHORIZED);
	kube_client_unref(c);
	fake_api_free(f);
}

static void write_text(const char *path, const char *text, mode_t mode)
{
	_cleanup_err_ struct err e = { 0 };
	if (fs_write_atomic(path, text, strlen(text), mode, &e) < 0)
		fail_msg("%s", err_message(&e));
}

static char *make_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/client-test-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	return dir;
}

static void test_client_token_file_is_read_again(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	_cleanup_free_ char *dir = make_dir(), *path = fs_join(dir, "token");
	write_text(path, "one\n", 0600);
	struct kube_client *c = client_with(f, (struct kube_client_config){ .token_file = path });
	expect_authorization(f, c, "Bearer one");
	write_text(path, "two\n", 0600);
	expect_authorization(f, c, "Bearer two");
	unlink(path);
	expect_authorization(f, c, "Bearer two"); /* rotation may be under way */
	kube_client_unref(c);
	fs_remove_tree(dir, NULL);
	fake_api_free(f);
}

/* A plugin that counts its runs, gives "tN", and whose credentials are good for ever or never. */
static struct kube_client *client_with_plugin(struct fake_api *f, const char *dir, const char *expires)
{
	_cleanup_free_ char *path = fs_join(dir, "plugin");
	_cleanup_free_ char *script = xasprintf(
		"#!/bin/sh\ncd '%s'\necho >> runs\nn=$(wc -l < runs)\n"
		"echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\","
		"\"status\":{\"token\":\"t'$n'\",\"expirationTimestamp\":\"%s\"}}'\n",
		dir, expires);
	write_text(path, script, 0700);
	char *argv[] = { path, NULL };
	return client_with(f, (struct kube_client_config){
							  .exec_argv = argv, .exec_api_version = (char[]){ "client.authentication.k8s.io/v1" } });
}

static void test_client_plugin_runs_again_when_needed(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	_cleanup_free_ char *dir = make_dir(), *runs = fs_join(dir, "runs");
	struct kube_client *c = client_with_plugin(f, dir, "2999-01-01T00:00:00Z");
	expect_authorization(f, c, "Bearer t1");
	expect_authorization(f, c, "Bearer t1"); /* kept */
	f->require_authorization = "Bearer t2";
	expect_authorization(f, c, "Bearer t2"); /* refused: another one, once */
	f->require_authorization = "Bearer never";
	_cleanup_err_ struct err e = { 0 };
	assert_int_equal(kube_get(c, &SCIA_DEPLOYMENT, "a", "x", NULL, &e), -1);
	assert_int_equal(e.kind, ERR_UNAUTHORIZED);
	f->require_authorization = NULL;
	kube_client_unref(c);
	unlink(runs);
	c = client_with_plugin(f, dir, "2001-01-01T00:00:00Z");
	expect_authorization(f, c, "Bearer t1");
	expect_authorization(f, c, "Bearer t2"); /* expired */
	kube_client_unref(c);
	fs_remove_tree(dir, NULL);
	fake_api_free(f);
}

static void answer_with_peer(void *self, struct http_request *req)
{
	(void)self;
	const char *name = http_request_peer_name(req);
	_cleanup_json_ json_t *obj = kube_object_new(&SCIA_DEPLOYMENT, "a", name ? name : "nobody");
	fake_respond(req, 200, obj);
}

/* A kubeconfig's CA and client certificate, against a server that is known under another name. */
static void test_client_speaks_tls_with_a_certificate(void **state)
{
	(void)state;
	_cleanup_err_ struct err e = { 0 };
	_cleanup_tls_pair_ struct tls_pair ca = { 0 }, server = { 0 }, client = { 0 };
	const char *const names[] = { "kubernetes.default.svc", NULL };
	struct tls_cert_spec server_spec = { .common_name = "server", .names = names, .days = 1, .server = true };
	struct tls_cert_spec client_spec = { .common_name = "jane", .days = 1, .client = true };
	assert_int_equal(tls_ca_new("test", 1, &ca, &e), 0);
	assert_int_equal(tls_cert_issue(&ca, &server_spec, &server, &e), 0);
	assert_int_equal(tls_cert_issue(&ca, &client_spec, &client, &e), 0);
	struct tls_server_config tls = { .cert_pem = server.cert_pem,
		                             .key_pem = server.key_pem,
		                             .client_ca_pem = ca.cert_pem };
	struct http_server_config config = { .threads = 1, .tls = &tls, .handler = answer_with_peer };
	struct http_server *s;
	assert_int_equal(http_server_start(&config, &s, &e), 0);
	_cleanup_free_ char *url = xasprintf("https://127.0.0.1:%d", http_server_port(s));
	struct fake_api elsewhere = { .url = url };
	struct kube_client_config settings = { .ca_pem = ca.cert_pem,
		                                   .cert_pem = client.cert_pem,
		                                   .key_pem = client.key_pem,
		                                   .tls_server_name = (char[]){ "kubernetes.default.svc" } };
	struct kube_client *c = client_with(&elsewhere, settings);
	_cleanup_json_ json_t *obj = NULL;
	if (kube_get(c, &SCIA_DEPLOYMENT, "a", "x", &obj, &e) < 0)
		fail_msg("%s", err_message(&e));
	assert_string_equal(kube_name(obj), "jane");
	kube_client_unref(c);
	settings.tls_server_name = NULL; /* the certificate does not name the address */
	c = client_with(&elsewhere, settings);
	assert_int_equal(kube_get(c, &SCIA_DEPLOYMENT, "a", "x", NULL, &e), -1);
	assert_int_equal(e.kind, ERR_UNAVAILABLE);
	kube_client_unref(c);
	http_server_stop(s, 0);
}

static void test_client_refuses_servers(void **state)
{
	(void)state;
	static const char *const bad[] = { "", "ftp://x", "https://", "https://x?y=1", "not a url" };
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_free_ char *server = xstrdup(bad[i]);
		struct kube_client_config config = { .server = server };
		struct kube_client *c = NULL;
		_cleanup_err_ struct err e = { 0 };
		if (kube_client_new(&config, &c, &e) == 0)
			fail_msg("'%s' was accepted", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_create_get_update_delete),
		cmocka_unit_test(test_client_patch_says_its_kind),
		cmocka_unit_test(test_client_refuses_names_that_leave_their_path),
		cmocka_unit_test(test_client_retries_when_asked_to_wait),
		cmocka_unit_test(test_client_list_collects_pages),
		cmocka_unit_test(test_client_list_begins_anew_when_its_token_expires),
		cmocka_unit_test(test_client_list_of_a_version_is_not_paged),
		cmocka_unit_test(test_client_list_reports_broken_answers),
		cmocka_unit_test(test_client_watch_until_told_to_stop),
		cmocka_unit_test(test_client_watch_expired),
		cmocka_unit_test(test_client_watch_is_cancelled),
		cmocka_unit_test(test_client_raw_call),
		cmocka_unit_test(test_client_static_credentials),
		cmocka_unit_test(test_client_token_file_is_read_again),
		cmocka_unit_test(test_client_plugin_runs_again_when_needed),
		cmocka_unit_test(test_client_speaks_tls_with_a_certificate),
		cmocka_unit_test(test_client_refuses_servers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
