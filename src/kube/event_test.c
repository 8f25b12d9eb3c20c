#include "kube/event.h"

#include "fake_api.h"

static struct kube_recorder *recorder(struct fake_api *f)
{
	_cleanup_err_ struct err e = { 0 };
	struct kube_recorder *r = kube_recorder_new(f->client, "scia-operator", NULL, &e);
	if (!r)
		fail_msg("%s", err_message(&e));
	return r;
}

static json_t *events(struct fake_api *f)
{
	json_t *items = NULL;
	assert_int_equal(kube_list(f->client, &KUBE_EVENT, NULL, NULL, &items, NULL, NULL), 0);
	return items;
}

static json_t *regarding(void)
{
	json_t *obj = kube_object_new(&SCIA_DEPLOYMENT, "a", "shop");
	json_put_str(kube_meta(obj), "uid", "u1");
	json_put_str(kube_meta(obj), "resourceVersion", "7");
	return obj;
}

static void test_event_is_recorded(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	struct kube_recorder *r = recorder(f);
	_cleanup_json_ json_t *obj = regarding();
	kube_event(r, obj, KUBE_EVENT_WARNING, "BuildFailed", "line %d", 7);
	kube_recorder_free(r); /* sends what is queued */
	_cleanup_json_ json_t *all = events(f);
	assert_int_equal(json_array_size(all), 1);
	const json_t *e = json_array_get(all, 0);
	assert_string_equal(kube_namespace(e), "a");
	assert_true(str_starts_with(kube_name(e), "shop."));
	assert_true(kube_is_dns_subdomain(kube_name(e)));
	assert_string_equal(json_get_str(e, "reason"), "BuildFailed");
	assert_string_equal(json_get_str(e, "message"), "line 7");
	assert_string_equal(json_get_str(e, "type"), "Warning");
	assert_int_equal(json_get_int(e, "count", 0), 1);
	assert_string_equal(json_str_at(e, "involvedObject", "kind", NULL), "Deployment");
	assert_string_equal(json_str_at(e, "involvedObject", "apiVersion", NULL), "scia.io/v1alpha1");
	assert_string_equal(json_str_at(e, "involvedObject", "uid", NULL), "u1");
	assert_string_equal(json_str_at(e, "source", "component", NULL), "scia-operator");
	assert_string_equal(json_get_str(e, "reportingComponent"), "scia-operator");
	assert_non_null(json_get_str(e, "firstTimestamp"));
	fake_api_free(f);
}

static void test_event_equal_ones_are_counted(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	struct kube_recorder *r = recorder(f);
	_cleanup_json_ json_t *obj = regarding();
	for (int i = 0; i < 5; i++)
		kube_event(r, obj, KUBE_EVENT_NORMAL, "Waiting", "for the port");
	kube_event(r, obj, KUBE_EVENT_NORMAL, "Ready", "it answers");
	kube_recorder_free(r);
	_cleanup_json_ json_t *all = events(f);
	assert_int_equal(json_array_size(all), 2);
	assert_int_equal(json_get_int(json_array_get(all, 0), "count", 0), 5);
	assert_int_equal(atomic_load(&f->posts), 2);
	assert_int_equal(atomic_load(&f->patches), 4);
	fake_api_free(f);
}

static void test_event_flood_of_one_object_is_bounded(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	struct kube_recorder *r = recorder(f);
	_cleanup_json_ json_t *obj = regarding();
	for (int i = 0; i < 100; i++)
		kube_event(r, obj, KUBE_EVENT_NORMAL, "Step", "number %d", i);
	kube_recorder_free(r);
	assert_int_equal(atomic_load(&f->posts) + atomic_load(&f->patches), 25);
	_cleanup_json_ json_t *all = events(f);
	assert_int_equal(json_array_size(all), 11); /* ten, and one that combines the others */
	fake_api_free(f);
}

static void test_event_is_created_anew_when_it_expired(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	struct kube_recorder *r = recorder(f);
	_cleanup_json_ json_t *obj = regarding();
	kube_event(r, obj, KUBE_EVENT_NORMAL, "Waiting", "for the port");
	eventually(atomic_load(&f->posts) == 1);
	eventually(fake_version(f) == 2);
	_cleanup_json_ json_t *all = events(f);
	fake_delete(f, &KUBE_EVENT, "a", kube_name(json_array_get(all, 0)));
	kube_event(r, obj, KUBE_EVENT_NORMAL, "Waiting", "for the port");
	kube_recorder_free(r);
	_cleanup_json_ json_t *now = events(f);
	assert_int_equal(json_array_size(now), 1);
	assert_int_equal(json_get_int(json_array_get(now, 0), "count", 0), 2);
	fake_api_free(f);
}

static void test_event_is_sent_again_when_the_server_is_away(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	f->fail_times = 1;
	f->fail_status = 503;
	struct kube_recorder *r = recorder(f);
	_cleanup_json_ json_t *obj = regarding();
	kube_event(r, obj, KUBE_EVENT_NORMAL, "Waiting", "for the port");
	kube_recorder_free(r);
	assert_int_equal(atomic_load(&f->posts), 1);
	fake_api_free(f);
}

static void test_event_recorder_ends_in_time_without_a_server(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	struct kube_recorder *r = recorder(f);
	fake_stop_server(f);
	_cleanup_json_ json_t *obj = regarding();
	for (int i = 0; i < 2000; i++) /* more than the queue holds: never blocks */
		kube_event(r, obj, KUBE_EVENT_NORMAL, "Step", "number %d", i);
	int64_t begin = clock_mono_ns();
	kube_recorder_free(r);
	assert_true(clock_mono_ns() - begin < 4 * NS_PER_S);
	kube_event(NULL, obj, KUBE_EVENT_NORMAL, "Step", "without a recorder");
	fake_api_free(f);
}

static void test_event_message_and_name_are_cut(void **state)
{
	(void)state;
	struct fake_api *f = fake_api_new();
	struct kube_recorder *r = recorder(f);
	char name[254], message[4000];
	memset(name, 'n', 253);
	name[253] = '\0';
	for (size_t i = 0; i < sizeof(message) - 2; i += 2)
		memcpy(message + i, "\xc3\xa4", 2);
	message[sizeof(message) - 2] = '\0';
	message[0] = 'x';
	message[1] = 'x';
	_cleanup_json_ json_t *obj = kube_object_new(&SCIA_DEPLOYMENT, "a", name);
	kube_event(r, obj, KUBE_EVENT_NORMAL, "Long", "%s.", message);
	kube_event(r, obj, KUBE_EVENT_NORMAL, "Long", "x%s", message);
	kube_recorder_free(r);
	_cleanup_json_ json_t *all = events(f);
	assert_int_equal(json_array_size(all), 2);
	assert_int_equal(strlen(kube_name(json_array_get(all, 0))), 253);
	assert_int_equal(strlen(json_get_str(json_array_get(all, 0), "message")), 1024);
	assert_int_equal(strlen(json_get_str(json_array_get(all, 1), "message")), 1023);
	fake_api_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_is_recorded),
		cmocka_unit_test(test_event_equal_ones_are_counted),
		cmocka_unit_test(test_event_flood_of_one_object_is_bounded),
		cmocka_unit_test(test_event_is_created_anew_when_it_expired),
		cmocka_unit_test(test_event_is_sent_again_when_the_server_is_away),
		cmocka_unit_test(test_event_recorder_ends_in_time_without_a_server),
		cmocka_unit_test(test_event_message_and_name_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
