#include "kube/status.h"

#include "fake_api.h"

struct bench {
	struct fake_api *f;
	json_t *read; /* what the pass read */
};

static void setup(struct bench *b)
{
	_cleanup_json_ json_t *obj = kube_object_new(&SCIA_DEPLOYMENT, "a", "x");

	*b = (struct bench){ .f = fake_api_new() };
	json_put_int(kube_meta(obj), "generation", 1);
	json_put(obj, "status", json_pack("{s:s}", "phase", "Pending"));
	assert_int_equal(kube_create(b->f->client, &SCIA_DEPLOYMENT, obj, &b->read, NULL), 0);
}

static void teardown(struct bench *b)
{
	json_decref(b->read);
	fake_api_free(b->f);
}

/* Somebody else's write, after the pass has read. */
static void others_put(struct bench *b, const char *field, json_t *value)
{
	_cleanup_json_ json_t *now = NULL;

	assert_int_equal(kube_get(b->f->client, &SCIA_DEPLOYMENT, "a", "x", &now, NULL), 0);
	json_put(str_eq(field, "status") ? now : kube_meta(now), field, value);
	assert_int_equal(kube_update(b->f->client, &SCIA_DEPLOYMENT, now, NULL, NULL), 0);
}

static int write_running(struct bench *b, json_t **ret, struct err *err)
{
	_cleanup_json_ json_t *status = json_pack("{s:s}", "phase", "Running");

	return kube_write_status(b->f->client, &SCIA_DEPLOYMENT, NULL, b->read, status, ret, err);
}

static void test_status_is_written_once(void **state)
{
	struct bench b;
	_cleanup_err_ struct err e = { 0 };
	_cleanup_json_ json_t *written = NULL, *again = NULL;

	(void)state;
	setup(&b);
	assert_int_equal(write_running(&b, &written, &e), 0);
	assert_string_equal(json_get_str(kube_status(written), "phase"), "Running");
	int puts = atomic_load(&b.f->puts);
	assert_int_equal(puts, 1);
	json_decref(b.read);
	b.read = json_incref(written);
	assert_int_equal(write_running(&b, &again, &e), 0);
	assert_ptr_equal(again, written);
	assert_int_equal(atomic_load(&b.f->puts), puts);
	teardown(&b);
}

static void test_status_goes_to_the_newer_version(void **state)
{
	struct bench b;
	_cleanup_err_ struct err e = { 0 };
	_cleanup_json_ json_t *written = NULL;

	(void)state;
	setup(&b);
	for (int i = 0; i < 3; i++)
		others_put(&b, "annotations", json_pack("{s:i}", "n", i));
	if (write_running(&b, &written, &e) < 0)
		fail_msg("%s", err_message(&e));
	assert_false(err_is_set(&e));
	assert_string_equal(json_get_str(kube_status(written), "phase"), "Running");
	assert_int_equal(json_get_int(json_object_get(kube_meta(written), "annotations"), "n", 0), 2);
	teardown(&b);
}

static void test_status_conflicts_with_what_it_depends_on(void **state)
{
	static const char *const fields[] = { "generation", "uid", "status" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		struct bench b;
		_cleanup_err_ struct err e = { 0 };

		setup(&b);
		others_put(&b, fields[i], i == 0 ? json_integer(2) : i == 1 ? json_string("another") : json_object());
		if (write_running(&b, NULL, &e) == 0)
			fail_msg("it was written over another %s", fields[i]);
		assert_int_equal(e.kind, ERR_CONFLICT);
		teardown(&b);
	}
}

static void test_status_of_what_is_gone(void **state)
{
	struct bench b;
	_cleanup_err_ struct err e = { 0 };

	(void)state;
	setup(&b);
	fake_delete(b.f, &SCIA_DEPLOYMENT, "a", "x");
	assert_int_equal(write_running(&b, NULL, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	teardown(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status_is_written_once),
		cmocka_unit_test(test_status_goes_to_the_newer_version),
		cmocka_unit_test(test_status_conflicts_with_what_it_depends_on),
		cmocka_unit_test(test_status_of_what_is_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
