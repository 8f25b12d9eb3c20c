#include "kube/leader.h"

#include "fake_api.h"

struct candidate {
	struct kube_leader *l;
	struct kube_client *client;
	atomic_int started, stopped;
};

/* How many lead at this moment, by what they were told: never more than one. */
static atomic_int leading_now, most_at_once;

static void on_started(void *self)
{
	atomic_fetch_add(&((struct candidate *)self)->started, 1);
	int now = atomic_fetch_add(&leading_now, 1) + 1, most = atomic_load(&most_at_once);
	while (now > most && !atomic_compare_exchange_weak(&most_at_once, &most, now))
		;
}

static void on_stopped(void *self)
{
	atomic_fetch_add(&((struct candidate *)self)->stopped, 1);
	atomic_fetch_sub(&leading_now, 1);
}

/* Long against what a busy machine may keep a thread waiting. */
#define LEASE_S 3

static void start_via(struct candidate *c, struct fake_api *f, const char *identity)
{
	_cleanup_err_ struct err e = { 0 };
	*c = (struct candidate){ 0 };
	struct kube_client_config client = { .server = f->url };
	assert_int_equal(kube_client_new(&client, &c->client, &e), 0);
	struct kube_leader_config config = {
		.client = c->client,
		.ns = "a",
		.name = "scia",
		.identity = identity,
		.on_started = on_started,
		.on_stopped = on_stopped,
		.self = c,
		.lease_ns = LEASE_S * NS_PER_S,
		.renew_ns = LEASE_S * NS_PER_S / 2,
		.retry_ns = 20 * NS_PER_MS,
	};
	if (kube_leader_start(&config, &c->l, &e) < 0)
		fail_msg("%s", err_message(&e));
}

static void stop(struct candidate *c)
{
	kube_leader_stop(c->l);
	kube_client_unref(c->client);
	*c = (struct candidate){ 0 };
}

static char *holder(struct fake_api *f)
{
	_cleanup_json_ json_t *lease = fake_get(f, &KUBE_LEASE, "a", "scia");
	const char *s = json_str_at(lease, "spec", "holderIdentity", NULL);
	return xstrdup(s ? s : "-");
}

static void expect_holder(struct fake_api *f, const char *expected)
{
	_cleanup_free_ char *now = holder(f);
	assert_string_equal(now, expected);
}

static void test_leader_one_of_two_and_hand_over(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	struct candidate one, two;
	atomic_store(&most_at_once, 0);
	start_via(&one, f, "one");
	eventually(kube_leader_is_leading(one.l));
	expect_holder(f, "one");
	start_via(&two, f, "two");
	int before = atomic_load(&f->puts);
	eventually(atomic_load(&f->puts) > before + 3); /* it renews */
	assert_false(kube_leader_is_leading(two.l));
	stop(&one); /* gives it back: the other needs not wait for the lease to end */
	eventually(kube_leader_is_leading(two.l));
	assert_int_equal(atomic_load(&two.started), 1);
	expect_holder(f, "two");
	_cleanup_json_ json_t *lease = fake_get(f, &KUBE_LEASE, "a", "scia");
	/* Only taking it from another counts. */
	assert_int_equal(json_int(json_at(lease, "spec", "leaseTransitions", NULL), -1), 1);
	assert_int_equal(json_int(json_at(lease, "spec", "leaseDurationSeconds", NULL), -1), LEASE_S);
	stop(&two);
	expect_holder(f, "");
	assert_int_equal(atomic_load(&most_at_once), 1);
	fake_api_free(f);
}

static void test_leader_takes_over_a_dead_ones_lease(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	_cleanup_json_ json_t *lease = kube_object_new(&KUBE_LEASE, "a", "scia");
	json_put_str(json_ensure_object(lease, "spec"), "holderIdentity", "dead");
	json_put_int(json_ensure_object(lease, "spec"), "leaseDurationSeconds", 1);
	/* Its clock is far ahead of ours: that must not matter. */
	json_put_str(json_ensure_object(lease, "spec"), "renewTime", "2100-01-01T00:00:00.000000Z");
	assert_int_equal(kube_create(f->client, &KUBE_LEASE, lease, NULL, NULL), 0);
	struct candidate one;
	int64_t begin = clock_mono_ns();
	start_via(&one, f, "one");
	eventually(kube_leader_is_leading(one.l));
	assert_true(clock_mono_ns() - begin >= 900 * NS_PER_MS); /* not before it was seen unchanged for its time */
	stop(&one);
	fake_api_free(f);
}

static void test_leader_stops_when_the_server_is_away(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	struct candidate one;
	start_via(&one, f, "one");
	eventually(kube_leader_is_leading(one.l));
	int64_t begin = clock_mono_ns();
	pthread_mutex_lock(&f->lock);
	f->fail_times = 1000000;
	f->fail_status = 503;
	pthread_mutex_unlock(&f->lock);
	eventually(atomic_load(&one.stopped) == 1);
	assert_false(kube_leader_is_leading(one.l));
	assert_true(clock_mono_ns() - begin < LEASE_S * NS_PER_S); /* before others may think that the lease ended */
	pthread_mutex_lock(&f->lock);
	f->fail_times = 0;
	pthread_mutex_unlock(&f->lock);
	eventually(atomic_load(&one.started) == 2); /* it stays a candidate */
	stop(&one);
	fake_api_free(f);
}

static void test_leader_yields_to_who_took_the_lease(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	struct candidate one;
	start_via(&one, f, "one");
	eventually(kube_leader_is_leading(one.l));
	/* Someone takes it by force; updates race with the renewal until one goes through. */
	for (bool taken = false; !taken;) {
		_cleanup_json_ json_t *lease = fake_get(f, &KUBE_LEASE, "a", "scia");
		json_put_str(json_ensure_object(lease, "spec"), "holderIdentity", "thief");
		taken = kube_update(f->client, &KUBE_LEASE, lease, NULL, NULL) == 0;
	}
	eventually(atomic_load(&one.stopped) == 1);
	expect_holder(f, "thief");
	stop(&one);
	expect_holder(f, "thief"); /* not ours to give back */
	fake_api_free(f);
}

static void test_leader_refuses_times_that_cannot_work(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	struct kube_leader *l = NULL;
	struct kube_leader_config config = {
		.client = f->client, .ns = "a", .name = "scia", .identity = "x", .lease_ns = NS_PER_S, .renew_ns = 2 * NS_PER_S
	};
	_cleanup_err_ struct err e = { 0 };
	assert_int_equal(kube_leader_start(&config, &l, &e), -1);
	assert_int_equal(e.kind, ERR_INVALID);
	fake_api_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_leader_one_of_two_and_hand_over),
		cmocka_unit_test(test_leader_takes_over_a_dead_ones_lease),
		cmocka_unit_test(test_leader_stops_when_the_server_is_away),
		cmocka_unit_test(test_leader_yields_to_who_took_the_lease),
		cmocka_unit_test(test_leader_refuses_times_that_cannot_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
