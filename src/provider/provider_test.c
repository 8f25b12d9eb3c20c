/* The managed reconciler against a real API server, with a driver that only remembers what it was asked. */

#include "provider/provider.h"

#include "base/thread.h"
#include "testing/testing.h"

#define NS "default"

struct fake_driver {
	pthread_mutex_t lock;
	json_t *outside; /* what exists: forProvider; NULL: nothing */
	int creates, updates, deletes, forgets;
	int deletions_left; /* so many calls of del say "going" */
	bool ready;
	const char *message;
	const char *failure; /* observe fails with it */
	enum err_kind failure_kind;
};

static int fake_observe(void *self, struct kube_pass *pass, const json_t *managed, struct provider_observation *ret)
{
	struct fake_driver *d = self;
	MUTEX_GUARD(&d->lock);
	if (d->failure)
		return err_set(pass->err, d->failure_kind, "%s", d->failure);
	*ret = (struct provider_observation){
		.exists = d->outside != NULL,
		.up_to_date = json_equal(d->outside, json_at(managed, "spec", "forProvider", NULL)),
		.ready = d->ready,
		.reason = d->ready ? "Available" : "Creating",
		.message = arena_strdup(pass->arena, d->message ? d->message : ""),
		.status = json_pack("{s:i}", "revision", 7),
	};
	return 0;
}

static int fake_apply(struct fake_driver *d, const json_t *managed, int *count)
{
	MUTEX_GUARD(&d->lock);
	json_decref(d->outside);
	d->outside = json_deep_copy(json_at(managed, "spec", "forProvider", NULL));
	++*count;
	return 0;
}

static int fake_create(void *self, struct kube_pass *pass _unused_, const json_t *managed)
{
	struct fake_driver *d = self;
	return fake_apply(d, managed, &d->creates);
}

static int fake_update(void *self, struct kube_pass *pass _unused_, const json_t *managed)
{
	struct fake_driver *d = self;
	return fake_apply(d, managed, &d->updates);
}

static int fake_del(void *self, struct kube_pass *pass, const json_t *managed _unused_)
{
	struct fake_driver *d = self;
	MUTEX_GUARD(&d->lock);
	if (d->failure)
		return err_set(pass->err, d->failure_kind, "%s", d->failure);
	d->deletes++;
	if (d->deletions_left-- > 0)
		return 1;
	json_decref(d->outside);
	d->outside = NULL;
	return 0;
}

static void fake_forget(void *self, struct kube_pass *pass _unused_, const json_t *managed _unused_)
{
	struct fake_driver *d = self;
	MUTEX_GUARD(&d->lock);
	d->forgets++;
}

static void fake_fail(struct fake_driver *d, enum err_kind kind, const char *failure)
{
	MUTEX_GUARD(&d->lock);
	d->failure = failure;
	d->failure_kind = kind;
}

static int fake_count(struct fake_driver *d, const int *count)
{
	MUTEX_GUARD(&d->lock);
	return *count;
}

struct fixture {
	struct testing_api *api;
	struct kube_informer *informer;
	struct kube_recorder *recorder;
	struct fake_driver driver;
	struct provider_controller *controller;
};

static int setup(void **state)
{
	struct fixture *f = new0(struct fixture);
	_cleanup_err_ struct err err = { 0 };
	pthread_mutex_init(&f->driver.lock, NULL);
	f->driver.ready = true;
	f->api = testing_api_start();
	f->recorder = kube_recorder_new(f->api->client, "test", NULL, &err);
	f->informer = kube_informer_new(&(struct kube_informer_config){ .client = f->api->client, .type = &SCIA_NOP });
	f->controller = provider_controller_new(&(struct provider_controller_config){
		.client = f->api->client,
		.informer = f->informer,
		.recorder = f->recorder,
		.driver = { .type = &SCIA_NOP,
	                .observe = fake_observe,
	                .create = fake_create,
	                .update = fake_update,
	                .del = fake_del,
	                .forget = fake_forget,
	                .self = &f->driver },
	});
	assert_ok(kube_informer_start(f->informer, &err), &err);
	assert_true(kube_informer_wait_synced(f->informer, clock_mono_ns() + TESTING_PATIENCE_NS));
	assert_ok(kube_controller_start(provider_controller_get(f->controller), &err), &err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	provider_controller_free(f->controller);
	kube_informer_stop(f->informer);
	kube_recorder_free(f->recorder);
	testing_api_stop(f->api);
	json_decref(f->driver.outside);
	pthread_mutex_destroy(&f->driver.lock);
	free(f);
	return 0;
}

static void create(struct fixture *f, const char *more)
{
	_cleanup_free_ char *yaml = xasprintf("metadata: {name: x, namespace: default%s}\nspec: {forProvider: {size: 1}}",
	                                      more);
	json_decref(testing_create(f->api, &SCIA_NOP, yaml));
}

static bool is(struct fixture *f, const char *condition, const char *status)
{
	return testing_condition_is(f->api, &SCIA_NOP, NS, "x", condition, status);
}

static void test_provider_creates_what_is_not_there(void **state)
{
	struct fixture *f = *state;
	create(f, "");
	eventually(is(f, "Ready", "True"));
	assert_int_equal(fake_count(&f->driver, &f->driver.creates), 1);
	assert_int_equal(fake_count(&f->driver, &f->driver.updates), 0);
	_cleanup_json_ json_t *now = testing_get(f->api, &SCIA_NOP, NS, "x");
	assert_true(kube_has_finalizer(now, "scia.io/managed"));
	assert_true(kube_condition_is(now, "Synced", "True"));
	assert_int_equal(json_int(json_at(now, "status", "revision", NULL), 0), 7);
	assert_int_equal(json_int(json_at(now, "status", "observedGeneration", NULL), 0), kube_generation(now));
}

static void test_provider_updates_what_differs(void **state)
{
	struct fixture *f = *state;
	create(f, "");
	eventually(is(f, "Ready", "True"));
	testing_patch(f->api, &SCIA_NOP, NS, "x", "spec: {forProvider: {size: 2}}");
	eventually(fake_count(&f->driver, &f->driver.updates) == 1);
	assert_int_equal(fake_count(&f->driver, &f->driver.creates), 1);
}

static void test_provider_writes_nothing_when_nothing_changed(void **state)
{
	struct fixture *f = *state;
	create(f, "");
	eventually(is(f, "Ready", "True"));
	int64_t version = testing_api_version(f->api);
	for (int i = 0; i < 5; i++)
		kube_controller_enqueue(provider_controller_get(f->controller), NS, "x");
	assert_no_writes(f->api, 100);
	assert_int_equal(testing_api_version(f->api), version);
}

static void test_provider_says_what_is_not_ready(void **state)
{
	struct fixture *f = *state;
	f->driver.ready = false;
	f->driver.message = "installing";
	create(f, "");
	eventually(is(f, "Ready", "False"));
	_cleanup_json_ json_t *now = testing_get(f->api, &SCIA_NOP, NS, "x");
	assert_string_equal(json_get_str(kube_condition(now, "Ready"), "reason"), "Creating");
	assert_string_equal(json_get_str(kube_condition(now, "Ready"), "message"), "installing");
}

static void test_provider_reports_failures_once_and_recovers(void **state)
{
	struct fixture *f = *state;
	fake_fail(&f->driver, ERR_NOT_FOUND, "reading Secret default/key: not found");
	create(f, "");
	eventually(is(f, "Synced", "False"));
	_cleanup_json_ json_t *now = testing_get(f->api, &SCIA_NOP, NS, "x");
	assert_string_equal(json_get_str(kube_condition(now, "Synced"), "message"),
	                    "reading Secret default/key: not found");
	assert_string_equal(json_get_str(kube_condition(now, "Synced"), "reason"), "ReconcileError");
	eventually(testing_events(f->api, NS, "x", "ReconcileError", NULL) > 0);
	clock_sleep_ns(100 * NS_PER_MS);
	assert_int_equal(testing_events(f->api, NS, "x", "ReconcileError", NULL), 1);
	fake_fail(&f->driver, ERR_NONE, NULL);
	eventually(is(f, "Synced", "True") && is(f, "Ready", "True"));
}

static void test_provider_deletes_outside_before_the_object_goes(void **state)
{
	struct fixture *f = *state;
	f->driver.deletions_left = 1;
	create(f, "");
	eventually(is(f, "Ready", "True"));
	testing_delete(f->api, &SCIA_NOP, NS, "x");
	eventually(fake_count(&f->driver, &f->driver.deletes) == 1);
	assert_true(testing_exists(f->api, &SCIA_NOP, NS, "x")); /* "going" is not "gone" */
	kube_controller_enqueue(provider_controller_get(f->controller), NS, "x");
	eventually(!testing_exists(f->api, &SCIA_NOP, NS, "x"));
	assert_int_equal(fake_count(&f->driver, &f->driver.deletes), 2);
	assert_null(f->driver.outside);
	assert_int_equal(f->driver.forgets, 0);
}

static void test_provider_keeps_the_object_while_deletion_fails(void **state)
{
	struct fixture *f = *state;
	create(f, "");
	eventually(is(f, "Ready", "True"));
	fake_fail(&f->driver, ERR_UNAVAILABLE, "the machine is away");
	testing_delete(f->api, &SCIA_NOP, NS, "x");
	eventually(is(f, "Synced", "False"));
	fake_fail(&f->driver, ERR_NONE, NULL);
	eventually(!testing_exists(f->api, &SCIA_NOP, NS, "x"));
	assert_int_equal(fake_count(&f->driver, &f->driver.deletes), 1);
}

static void test_provider_leaves_orphans_alone(void **state)
{
	struct fixture *f = *state;
	create(f, "");
	testing_patch(f->api, &SCIA_NOP, NS, "x", "spec: {deletionPolicy: Orphan}");
	eventually(is(f, "Ready", "True"));
	testing_delete(f->api, &SCIA_NOP, NS, "x");
	eventually(!testing_exists(f->api, &SCIA_NOP, NS, "x"));
	assert_int_equal(f->driver.deletes, 0);
	assert_int_equal(f->driver.forgets, 1);
	assert_non_null(f->driver.outside);
}

static void test_provider_paused_holds_all_but_deletion(void **state)
{
	struct fixture *f = *state;
	create(f, "");
	eventually(is(f, "Ready", "True"));
	testing_patch(f->api, &SCIA_NOP, NS, "x",
	              "metadata: {annotations: {scia.io/paused: 'true'}}\nspec: {forProvider: {size: 3}}");
	for_a_while(100, fake_count(&f->driver, &f->driver.updates) == 0);
	testing_delete(f->api, &SCIA_NOP, NS, "x");
	eventually(!testing_exists(f->api, &SCIA_NOP, NS, "x"));
	assert_int_equal(f->driver.deletes, 1);
}

static void test_provider_paused_from_the_start_touches_nothing(void **state)
{
	struct fixture *f = *state;
	create(f, ", annotations: {scia.io/paused: 'true'}");
	for_a_while(100, fake_count(&f->driver, &f->driver.creates) == 0);
	_cleanup_json_ json_t *now = testing_get(f->api, &SCIA_NOP, NS, "x");
	assert_false(kube_has_finalizer(now, "scia.io/managed"));
	testing_patch(f->api, &SCIA_NOP, NS, "x", "metadata: {annotations: {scia.io/paused: null}}");
	eventually(is(f, "Ready", "True"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_provider_##name, setup, teardown)
		T(creates_what_is_not_there),
		T(updates_what_differs),
		T(writes_nothing_when_nothing_changed),
		T(says_what_is_not_ready),
		T(reports_failures_once_and_recovers),
		T(deletes_outside_before_the_object_goes),
		T(keeps_the_object_while_deletion_fails),
		T(leaves_orphans_alone),
		T(paused_holds_all_but_deletion),
		T(paused_from_the_start_touches_nothing),
	};
	return cmocka_run_group_tests_name("provider", tests, NULL, NULL);
}
