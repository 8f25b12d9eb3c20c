#include "kube/informer.h"

#include "fake_api.h"
#include "informer_internal.h"

/* What an informer's handler heard, as words "old>new". */
struct heard {
	pthread_mutex_t lock;
	char **words;
};

static const char *value_of(const json_t *obj)
{
	const char *s = json_get_str(kube_spec(obj), "value");
	return s ? s : "";
}

static void hear(void *self, const json_t *old_obj, const json_t *new_obj)
{
	struct heard *h = self;
	_cleanup_free_ char *word = xasprintf("%s:%s>%s", kube_name(new_obj ? new_obj : old_obj), value_of(old_obj),
	                                      value_of(new_obj));
	MUTEX_GUARD(&h->lock);
	strv_push(&h->words, word);
}

/* All that was heard so far, in order; free(). */
static char *all_heard(struct heard *h)
{
	MUTEX_GUARD(&h->lock);
	return h->words ? strv_join(h->words, " ") : xstrdup("");
}

static void expect_heard(struct heard *h, const char *expected)
{
	_cleanup_free_ char *all = all_heard(h);
	for (int64_t until = clock_mono_ns() + PATIENCE_NS; !str_eq(all, expected) && clock_mono_ns() < until;) {
		clock_sleep_ns(NS_PER_MS);
		free(all);
		all = all_heard(h);
	}
	assert_string_equal(all, expected);
}

struct fixture {
	struct fake_api *f;
	struct kube_informer *i;
	struct heard heard;
};

static void setup(struct fixture *x, const char *ns, int64_t resync_ns)
{
	*x = (struct fixture){ .f = fake_api_new() };
	pthread_mutex_init(&x->heard.lock, NULL);
	struct kube_informer_config config = {
		.client = x->f->client, .type = &SCIA_DEPLOYMENT, .ns = ns, .resync_ns = resync_ns
	};
	x->i = kube_informer_new(&config);
	kube_informer_set_backoff(x->i, 5 * NS_PER_MS);
	kube_informer_add_handler(x->i, hear, &x->heard);
}

static void start(struct fixture *x)
{
	_cleanup_err_ struct err e = { 0 };
	if (kube_informer_start(x->i, &e) < 0)
		fail_msg("%s", err_message(&e));
	assert_true(kube_informer_wait_synced(x->i, clock_mono_ns() + PATIENCE_NS));
	eventually(fake_open_watches(x->f) == 1);
}

static void teardown(struct fixture *x)
{
	kube_informer_stop(x->i);
	fake_api_free(x->f);
	strv_free(x->heard.words);
	pthread_mutex_destroy(&x->heard.lock);
}

static void put(struct fixture *x, const char *name, const char *value)
{
	fake_put(x->f, &SCIA_DEPLOYMENT, "a", name, value);
}

static void test_informer_lists_then_watches(void **state)
{
	(void)state;
	struct fixture x;
	setup(&x, NULL, 0);
	put(&x, "x", "1");
	put(&x, "y", "1");
	start(&x);
	assert_int_equal(kube_informer_count(x.i), 2);
	put(&x, "x", "2");
	put(&x, "z", "1");
	fake_delete(x.f, &SCIA_DEPLOYMENT, "a", "y");
	expect_heard(&x.heard, "x:>1 y:>1 x:1>2 z:>1 y:1>");
	_cleanup_json_ json_t *obj = kube_informer_get(x.i, "a", "x"), *none = kube_informer_get(x.i, "a", "y");
	assert_string_equal(value_of(obj), "2");
	assert_null(none);
	teardown(&x);
}

static void test_informer_pages_its_list(void **state)
{
	(void)state;
	struct fixture x;
	setup(&x, NULL, 0);
	x.f->page_max = 3;
	x.f->bare_items = true;
	for (int i = 0; i < 10; i++) {
		_cleanup_free_ char *name = xasprintf("d%d", i);
		put(&x, name, "1");
	}
	start(&x);
	assert_int_equal(kube_informer_count(x.i), 10);
	assert_int_equal(atomic_load(&x.f->lists), 4);
	_cleanup_json_ json_t *obj = kube_informer_get(x.i, "a", "d7");
	assert_string_equal(json_get_str(obj, "kind"), "Deployment");
	teardown(&x);
}

static void test_informer_resumes_where_a_watch_ended(void **state)
{
	(void)state;
	struct fixture x;
	setup(&x, NULL, 0);
	start(&x);
	put(&x, "x", "1");
	expect_heard(&x.heard, "x:>1");
	fake_end_watches(x.f);
	put(&x, "x", "2"); /* while nobody watches */
	expect_heard(&x.heard, "x:>1 x:1>2");
	assert_int_equal(atomic_load(&x.f->lists), 1);
	teardown(&x);
}

static void test_informer_resumes_from_a_bookmark(void **state)
{
	(void)state;
	struct fixture x;
	setup(&x, NULL, 0);
	start(&x);
	put(&x, "x", "1");
	for (int i = 0; i < 20; i++) /* versions that this watch does not see */
		fake_put(x.f, &SCIA_PROVIDER, "a", "p", "1");
	fake_bookmark(x.f);
	expect_heard(&x.heard, "x:>1");
	put(&x, "y", "1");
	expect_heard(&x.heard, "x:>1 y:>1");
	x.f->oldest = 15; /* what came before the bookmark is forgotten */
	fake_end_watches(x.f);
	put(&x, "x", "2");
	expect_heard(&x.heard, "x:>1 y:>1 x:1>2");
	assert_int_equal(atomic_load(&x.f->lists), 1);
	teardown(&x);
}

static void expire(bool inside)
{
	struct fixture x;
	setup(&x, NULL, 0);
	put(&x, "x", "1");
	put(&x, "y", "1");
	put(&x, "z", "1");
	start(&x);
	fake_stop_server(x.f); /* away, and much happens meanwhile */
	put(&x, "x", "2");
	fake_delete(x.f, &SCIA_DEPLOYMENT, "a", "y");
	put(&x, "n", "1");
	x.f->oldest = x.f->version;
	x.f->expire_inside = inside;
	int64_t port;
	assert_true(str_to_i64(strrchr(x.f->url, ':') + 1, 1, 65535, &port));
	fake_start_server(x.f, (int)port);
	expect_heard(&x.heard, "x:>1 y:>1 z:>1 x:1>2 n:>1 y:1>");
	assert_int_equal(atomic_load(&x.f->lists), 2);
	assert_int_equal(kube_informer_count(x.i), 3);
	teardown(&x);
}

static void test_informer_lists_anew_on_410(void **state)
{
	(void)state;
	expire(false);
}

static void test_informer_lists_anew_on_410_inside_the_watch(void **state)
{
	(void)state;
	expire(true);
}

static void test_informer_waits_for_the_server(void **state)
{
	(void)state;
	struct fixture x;
	setup(&x, NULL, 0);
	x.f->fail_times = 3;
	x.f->fail_status = 403;
	put(&x, "x", "1");
	start(&x);
	assert_int_equal(x.f->fail_times, 0);
	expect_heard(&x.heard, "x:>1");
	teardown(&x);
}

static void test_informer_retries_a_refused_watch_without_a_list(void **state)
{
	(void)state;
	struct fixture x;
	setup(&x, NULL, 0);
	x.f->fail_times = 3;
	x.f->fail_status = 429;
	x.f->fail_path = "watch=true";
	start(&x);
	assert_int_equal(x.f->fail_times, 0);
	assert_int_equal(atomic_load(&x.f->lists), 1);
	teardown(&x);
}

static void test_informer_lists_anew_when_the_server_is_behind(void **state)
{
	(void)state;
	struct fixture x;
	setup(&x, NULL, 0);
	x.f->fail_times = 1;
	x.f->fail_status = 504;
	x.f->fail_path = "watch=true";
	x.f->fail_body = "{\"kind\":\"Status\",\"status\":\"Failure\",\"reason\":\"Timeout\",\"code\":504,\"message\":"
					 "\"Too large resource version\","
					 "\"details\":{\"causes\":[{\"reason\":\"ResourceVersionTooLarge\",\"message\":\"Too large "
					 "resource version\"}]}}";
	start(&x);
	assert_int_equal(atomic_load(&x.f->lists), 2);
	teardown(&x);
}

static void test_informer_survives_garbage(void **state)
{
	(void)state;
	static const char *const garbage[] = { "<html>", "{\"type\":\"ADDED\"}\n", "{\"type\":7,\"object\":{}}\n", "{]\n",
		                                   "]" };
	struct fixture x;
	setup(&x, NULL, 0);
	put(&x, "x", "1");
	start(&x);
	for (size_t i = 0; i < ARRAY_SIZE(garbage); i++) {
		int lists = atomic_load(&x.f->lists), watches = atomic_load(&x.f->watches);
		fake_watch_text(x.f, garbage[i]);
		eventually(atomic_load(&x.f->lists) > lists && atomic_load(&x.f->watches) > watches);
	}
	fake_watch_text(x.f, "{\"type\":\"ADDED\",\"object\":{\"meta"); /* cut off in the middle */
	fake_end_watches(x.f);
	put(&x, "x", "2");
	expect_heard(&x.heard, "x:>1 x:1>2");
	teardown(&x);
}

static void test_informer_goes_on_without_an_unreadable_object(void **state)
{
	(void)state;
	struct fixture x;
	setup(&x, NULL, 0);
	x.f->fail_times = 1;
	x.f->fail_status = 200;
	x.f->fail_body = "{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":[{\"metadata\":{\"name\":\"a\\u0000b\"}},"
					 "{\"metadata\":{\"namespace\":\"a\",\"name\":\"good\",\"resourceVersion\":\"1\"}}]}";
	start(&x);
	expect_heard(&x.heard, "good:>");
	teardown(&x);
}

static void test_informer_does_not_spin_on_short_watches(void **state)
{
	(void)state;
	struct fixture x;
	setup(&x, NULL, 0);
	kube_informer_set_backoff(x.i, 50 * NS_PER_MS);
	x.f->end_watches = true;
	_cleanup_err_ struct err e = { 0 };
	assert_int_equal(kube_informer_start(x.i, &e), 0);
	eventually(atomic_load(&x.f->watches) >= 2);
	clock_sleep_ns(100 * NS_PER_MS);
	assert_true(atomic_load(&x.f->watches) <= 4);
	teardown(&x);
}

static void test_informer_reads_own_writes(void **state)
{
	(void)state;
	struct fixture x;
	setup(&x, "a", 0);
	put(&x, "x", "1");
	start(&x);
	_cleanup_json_ json_t *mine = kube_informer_get(x.i, "a", "x"), *now = NULL, *elsewhere = NULL, *other = NULL;
	json_put_str(kube_spec(mine), "value", "2");
	json_put_str(kube_meta(mine), "resourceVersion", "1000");
	kube_informer_observe(x.i, mine);
	now = kube_informer_get(x.i, "a", "x");
	assert_string_equal(value_of(now), "2");
	json_put_str(kube_meta(mine), "namespace", "b"); /* not one of ours */
	kube_informer_observe(x.i, mine);
	elsewhere = kube_informer_get(x.i, "b", "x");
	assert_null(elsewhere);
	json_put_str(kube_meta(mine), "namespace", "a");
	json_put_str(kube_meta(mine), "name", "k");
	json_put_str(mine, "kind", "CloudProvider");
	kube_informer_observe(x.i, mine);
	other = kube_informer_get(x.i, "a", "k");
	assert_null(other);
	teardown(&x);
}

static void test_informer_resyncs(void **state)
{
	(void)state;
	struct fixture x;
	setup(&x, NULL, NS_PER_MS * 300);
	put(&x, "x", "1");
	start(&x);
	eventually(fake_number(x.f->last_query, "timeoutSeconds") == 1); /* the server is asked to end it in time */
	clock_sleep_ns(300 * NS_PER_MS);
	fake_end_watches(x.f);
	expect_heard(&x.heard, "x:>1 x:1>1");
	teardown(&x);
}

static void test_informer_refuses_a_bad_selector(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	struct kube_informer_config config = { .client = f->client, .type = &SCIA_DEPLOYMENT, .labels = "a in" };
	struct kube_informer *i = kube_informer_new(&config);
	_cleanup_err_ struct err e = { 0 };
	assert_int_equal(kube_informer_start(i, &e), -1);
	assert_int_equal(e.kind, ERR_BAD_REQUEST);
	kube_informer_stop(i);
	fake_api_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_informer_lists_then_watches),
		cmocka_unit_test(test_informer_pages_its_list),
		cmocka_unit_test(test_informer_resumes_where_a_watch_ended),
		cmocka_unit_test(test_informer_resumes_from_a_bookmark),
		cmocka_unit_test(test_informer_lists_anew_on_410),
		cmocka_unit_test(test_informer_lists_anew_on_410_inside_the_watch),
		cmocka_unit_test(test_informer_waits_for_the_server),
		cmocka_unit_test(test_informer_retries_a_refused_watch_without_a_list),
		cmocka_unit_test(test_informer_lists_anew_when_the_server_is_behind),
		cmocka_unit_test(test_informer_survives_garbage),
		cmocka_unit_test(test_informer_goes_on_without_an_unreadable_object),
		cmocka_unit_test(test_informer_does_not_spin_on_short_watches),
		cmocka_unit_test(test_informer_reads_own_writes),
		cmocka_unit_test(test_informer_resyncs),
		cmocka_unit_test(test_informer_refuses_a_bad_selector),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
