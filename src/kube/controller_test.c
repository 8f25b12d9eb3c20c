#include "kube/controller.h"

#include "fake_api.h"
#include "informer_internal.h"

/* A reconciler that does what the test says, by key, and counts. */
struct bench {
	struct fake_api *f;
	struct kube_informer *deployments, *infrastructures;
	struct kube_controller *c;
	struct metrics *metrics;
	pthread_mutex_t lock;
	char **passes; /* "key" or "key#failures" of each pass */
	atomic_int count;

	atomic_int fail_times; /* the next so many passes fail */
	bool terminal;
	int64_t requeue_after_ns; /* of the first pass only */
	atomic_bool block;        /* passes wait until they are cancelled */
	atomic_int blocked, cancelled;
	int64_t time_left_ns;
};

static int reconcile(void *self, struct kube_pass *pass, const struct kube_key *key, struct kube_result *result)
{
	struct bench *b = self;
	_cleanup_free_ char *text = kube_key_str(key->ns, key->name);
	_cleanup_free_ char *word = pass->failures ? xasprintf("%s#%d", text, pass->failures) : xstrdup(text);
	pthread_mutex_lock(&b->lock);
	strv_push(&b->passes, word);
	b->time_left_ns = pass->deadline_ns - clock_mono_ns();
	pthread_mutex_unlock(&b->lock);
	assert_non_null(arena_strdup(pass->arena, "x"));
	if (atomic_load(&b->block)) {
		atomic_fetch_add(&b->blocked, 1);
		while (!atomic_load(pass->cancelled))
			clock_sleep_ns(NS_PER_MS);
		atomic_fetch_add(&b->cancelled, 1);
	}
	if (atomic_fetch_add(&b->count, 1) == 0)
		result->requeue_after_ns = b->requeue_after_ns;
	if (atomic_fetch_sub(&b->fail_times, 1) > 0) {
		err_set(pass->err, ERR_UNAVAILABLE, "not now");
		return b->terminal ? err_set_terminal(pass->err) : -1;
	}
	return 0;
}

static struct kube_informer *informer(struct bench *b, const struct kube_type *type)
{
	struct kube_informer_config config = { .client = b->f->client, .type = type };
	return kube_informer_new(&config);
}

static void setup(struct bench *b, int workers)
{
	*b = (struct bench){ .f = fake_api_new(), .metrics = metrics_new() };
	pthread_mutex_init(&b->lock, NULL);
	b->deployments = informer(b, &SCIA_DEPLOYMENT);
	b->infrastructures = informer(b, &SCIA_INFRASTRUCTURE);
	struct kube_controller_config config = {
		.name = "shop", .workers = workers, .reconcile = reconcile, .self = b, .metrics = b->metrics
	};
	b->c = kube_controller_new(&config);
}

static void start(struct bench *b)
{
	_cleanup_err_ struct err e = { 0 };
	if (kube_informer_start(b->deployments, &e) < 0 || kube_informer_start(b->infrastructures, &e) < 0)
		fail_msg("%s", err_message(&e));
	assert_true(kube_informer_wait_synced(b->deployments, clock_mono_ns() + PATIENCE_NS));
	assert_true(kube_informer_wait_synced(b->infrastructures, clock_mono_ns() + PATIENCE_NS));
	if (kube_controller_start(b->c, &e) < 0)
		fail_msg("%s", err_message(&e));
}

static void teardown(struct bench *b)
{
	kube_controller_stop(b->c);
	kube_informer_stop(b->deployments);
	kube_informer_stop(b->infrastructures);
	fake_api_free(b->f);
	metrics_free(b->metrics);
	strv_free(b->passes);
	pthread_mutex_destroy(&b->lock);
}

static void expect_passes_or(struct bench *b, const char *expected, const char *or_else)
{
	char *all = NULL;
	for (int64_t until = clock_mono_ns() + PATIENCE_NS;
	     !str_eq(all, expected) && !str_eq(all, or_else) && clock_mono_ns() < until;) {
		clock_sleep_ns(NS_PER_MS);
		free(all);
		MUTEX_GUARD(&b->lock);
		all = b->passes ? strv_join(b->passes, " ") : xstrdup("");
	}
	_cleanup_free_ char *last = all;
	if (!str_eq(last, or_else))
		assert_string_equal(last, expected);
}

static void expect_passes(struct bench *b, const char *expected)
{
	expect_passes_or(b, expected, expected);
}

static void expect_metric(struct bench *b, const char *line)
{
	_cleanup_buf_ struct buf out = BUF_INIT(1024 * 1024);
	for (int64_t until = clock_mono_ns() + PATIENCE_NS; clock_mono_ns() < until; clock_sleep_ns(NS_PER_MS)) {
		buf_reset(&out);
		metrics_write(b->metrics, &out);
		if (str_contains(buf_str(&out), line))
			return;
	}
	fail_msg("no '%s' in\n%s", line, buf_str(&out));
}

static void test_controller_reconciles_what_it_watches(void **state)
{
	(void)state;
	struct bench b;
	setup(&b, 1);
	kube_controller_watch(b.c, b.deployments);
	fake_put(b.f, &SCIA_DEPLOYMENT, "a", "x", "1");
	start(&b);
	expect_passes(&b, "a/x");
	fake_put(b.f, &SCIA_DEPLOYMENT, "a", "x", "2");
	expect_passes(&b, "a/x a/x");
	fake_delete(b.f, &SCIA_DEPLOYMENT, "a", "x");
	expect_passes(&b, "a/x a/x a/x");
	expect_metric(&b, "controller_runtime_reconcile_total{controller=\"shop\",result=\"success\"} 3\n");
	expect_metric(&b, "controller_runtime_reconcile_time_seconds_count{controller=\"shop\"} 3\n");
	expect_metric(&b, "controller_runtime_active_workers{controller=\"shop\"} 0\n");
	assert_true(b.time_left_ns > 500 * NS_PER_S);
	teardown(&b);
}

static void test_controller_retries_with_back_off(void **state)
{
	(void)state;
	struct bench b;
	setup(&b, 1);
	atomic_store(&b.fail_times, 3);
	start(&b);
	int64_t begin = clock_mono_ns();
	kube_controller_enqueue(b.c, "a", "x");
	expect_passes(&b, "a/x a/x#1 a/x#2 a/x#3");
	assert_true(clock_mono_ns() - begin >= (5 + 10 + 20) * NS_PER_MS);
	kube_controller_enqueue(b.c, "a", "x");
	expect_passes(&b, "a/x a/x#1 a/x#2 a/x#3 a/x"); /* success forgets */
	expect_metric(&b, "controller_runtime_reconcile_total{controller=\"shop\",result=\"error\"} 3\n");
	expect_metric(&b, "controller_runtime_reconcile_errors_total{controller=\"shop\"} 3\n");
	teardown(&b);
}

static void test_controller_does_not_retry_a_terminal_error(void **state)
{
	(void)state;
	struct bench b;
	setup(&b, 1);
	b.terminal = true;
	atomic_store(&b.fail_times, 1);
	start(&b);
	kube_controller_enqueue(b.c, "a", "x");
	expect_metric(&b, "controller_runtime_terminal_reconcile_errors_total{controller=\"shop\"} 1\n");
	clock_sleep_ns(50 * NS_PER_MS);
	expect_passes(&b, "a/x");
	kube_controller_enqueue(b.c, "a", "x"); /* a change does bring it back */
	expect_passes(&b, "a/x a/x");
	teardown(&b);
}

static void test_controller_requeues_after(void **state)
{
	(void)state;
	struct bench b;
	setup(&b, 1);
	b.requeue_after_ns = 30 * NS_PER_MS;
	start(&b);
	int64_t begin = clock_mono_ns();
	kube_controller_enqueue(b.c, "a", "x");
	expect_passes(&b, "a/x a/x");
	assert_true(clock_mono_ns() - begin >= 30 * NS_PER_MS);
	expect_metric(&b, "controller_runtime_reconcile_total{controller=\"shop\",result=\"requeue_after\"} 1\n");
	kube_controller_enqueue_after(b.c, "", "cluster-scoped", 10 * NS_PER_MS);
	expect_passes(&b, "a/x a/x cluster-scoped");
	teardown(&b);
}

static void put_owned(struct bench *b, const char *name, const char *api_version, const char *kind, const char *owner)
{
	_cleanup_json_ json_t *obj = kube_object_new(&SCIA_INFRASTRUCTURE, "a", name);
	_cleanup_json_ json_t *by = kube_object_new(&SCIA_DEPLOYMENT, "a", owner);
	json_put_str(by, "apiVersion", api_version);
	json_put_str(by, "kind", kind);
	json_put_str(kube_meta(by), "uid", owner);
	kube_set_controller(obj, by);
	assert_int_equal(kube_create(b->f->client, &SCIA_INFRASTRUCTURE, obj, NULL, NULL), 0);
}

static void test_controller_reconciles_owners(void **state)
{
	(void)state;
	struct bench b;
	setup(&b, 1);
	kube_controller_watch_owned(b.c, b.infrastructures, &SCIA_DEPLOYMENT);
	start(&b);
	put_owned(&b, "i1", "apps/v1", "Deployment", "other-group");
	put_owned(&b, "i2", "scia.io/v1alpha1", "CloudProvider", "other-kind");
	fake_put(b.f, &SCIA_INFRASTRUCTURE, "a", "orphan", "1");
	put_owned(&b, "i3", "scia.io/v1beta7", "Deployment", "x"); /* another version of the same type */
	expect_passes(&b, "a/x");
	/* It changes hands: both owners have to know. */
	_cleanup_json_ json_t *obj = fake_get(b.f, &SCIA_INFRASTRUCTURE, "a", "i3");
	_cleanup_json_ json_t *owner = kube_object_new(&SCIA_DEPLOYMENT, "a", "y");
	json_put_str(kube_meta(owner), "uid", "y");
	kube_set_controller(obj, owner);
	assert_int_equal(kube_update(b.f->client, &SCIA_INFRASTRUCTURE, obj, NULL, NULL), 0);
	/* x waits for its own pass when that is still being ended. */
	expect_passes_or(&b, "a/x a/x a/y", "a/x a/y a/x");
	teardown(&b);
}

static void map_to_value(void *self, const json_t *obj, char ***keys)
{
	assert_string_equal(self, "me");
	_cleanup_free_ char *key = xasprintf("a/%s", json_get_str(kube_spec(obj), "value"));
	strv_push(keys, key);
}

static void test_controller_reconciles_mapped_keys(void **state)
{
	(void)state;
	struct bench b;
	char me[] = "me";
	setup(&b, 1);
	kube_controller_watch_mapped(b.c, b.infrastructures, map_to_value, me);
	fake_put(b.f, &SCIA_INFRASTRUCTURE, "a", "i", "x");
	start(&b);
	expect_passes(&b, "a/x");
	fake_put(b.f, &SCIA_INFRASTRUCTURE, "a", "i", "y");
	/* x waits for its own pass when that is still being ended. */
	expect_passes_or(&b, "a/x a/x a/y", "a/x a/y a/x");
	teardown(&b);
}

static void test_controller_stop_cancels_passes_and_waits_for_them(void **state)
{
	(void)state;
	struct bench b;
	setup(&b, 3);
	kube_controller_watch(b.c, b.deployments);
	atomic_store(&b.block, true);
	start(&b);
	for (int i = 0; i < 5; i++) {
		_cleanup_free_ char *name = xasprintf("x%d", i);
		kube_controller_enqueue(b.c, "a", name);
	}
	eventually(atomic_load(&b.blocked) == 3); /* workers work side by side */
	b.c = kube_controller_stop(b.c);
	assert_int_equal(atomic_load(&b.cancelled), 3);
	assert_int_equal(atomic_load(&b.count), 3); /* what waited is not begun any more */
	/* The informers are still there and may tell of changes without harm. */
	fake_put(b.f, &SCIA_DEPLOYMENT, "a", "late", "1");
	eventually(kube_informer_count(b.deployments) == 1);
	teardown(&b);
}

static void test_controller_drops_a_key_that_is_none(void **state)
{
	(void)state;
	struct bench b;
	setup(&b, 1);
	start(&b);
	kube_controller_enqueue(b.c, "a", "");
	kube_controller_enqueue(b.c, "a", "b/c");
	kube_controller_enqueue(b.c, "a", "x");
	expect_passes(&b, "a/x");
	teardown(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_controller_reconciles_what_it_watches),
		cmocka_unit_test(test_controller_retries_with_back_off),
		cmocka_unit_test(test_controller_does_not_retry_a_terminal_error),
		cmocka_unit_test(test_controller_requeues_after),
		cmocka_unit_test(test_controller_reconciles_owners),
		cmocka_unit_test(test_controller_reconciles_mapped_keys),
		cmocka_unit_test(test_controller_stop_cancels_passes_and_waits_for_them),
		cmocka_unit_test(test_controller_drops_a_key_that_is_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
