/* What is wanted, and what of it survives a crash. */

#include "app.h"

#include "local_testing.h"

struct fixture {
	struct local_provider provider;
};

static int setup(void **state)
{
	struct fixture *f = new0(struct fixture);
	f->provider.dir = testing_dir();
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	testing_remove(f->provider.dir);
	free(f);
	return 0;
}

static json_t *process(const char *for_provider)
{
	_cleanup_free_ char *text = xasprintf(
		"{\"apiVersion\": \"local.scia.io/v1alpha1\", \"kind\": \"Process\", \"metadata\": {\"namespace\": \"team-a\", "
		"\"name\": \"shop-app\", \"uid\": \"uid-1\", \"labels\": {\"scia.io/deployment\": \"shop\", "
		"\"scia.io/deployment-uid\": \"uid-0\"}}, \"spec\": {\"forProvider\": {%s}}}",
		for_provider);
	_cleanup_err_ struct err err = { 0 };
	json_t *v = json_parse(text, strlen(text), 0, &err);
	if (!v)
		fail_msg("%s", err_message(&err));
	return v;
}

#define BASE "\"source\": {\"url\": \"u\", \"commit\": \"c\", \"ref\": \"main\"}, \"startCommand\": \"s\""

static struct app *app_of(struct fixture *f, const char *for_provider)
{
	struct app *a = app_new(&f->provider, "team-a", "shop-app");
	_cleanup_json_ json_t *managed = process(for_provider);
	char variable[] = "TOKEN=hunter22", secret[] = "hunter22", *env[] = { variable, NULL },
		 *secrets[] = { secret, NULL };
	app_set_spec(a, managed, env, secrets);
	return a;
}

static void test_app_survives(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };
	struct app *a = app_of(f, BASE ", \"replicas\": 2, \"revision\": 7");
	a->port = 4321;
	memcpy(a->serving_hash, a->run_hash, sizeof(a->serving_hash));
	a->serving_revision = 7;
	memcpy(a->failed_hash, "0123456789abcdef", sizeof(a->failed_hash));
	a->failed_revision = 6;
	a->restarts = 3;
	a->has_fixed_port = a->is_orphaned = true;
	assert_ok(app_save(a, &err), &err);
	struct app *b = app_load(&f->provider, "team-a", "shop-app");
	assert_non_null(b);
	assert_true(json_equal(a->spec, b->spec));
	assert_string_equal(a->run_hash, b->run_hash);
	assert_string_equal(a->release_id, b->release_id);
	assert_int_equal(b->port, 4321);
	assert_int_equal(b->revision, 7);
	assert_string_equal(b->serving_hash, a->serving_hash);
	assert_int_equal(b->serving_revision, 7);
	assert_string_equal(b->failed_hash, "0123456789abcdef");
	assert_int_equal(b->failed_revision, 6);
	assert_int_equal(b->restarts, 3);
	assert_true(b->has_fixed_port && b->is_orphaned);
	assert_string_equal(kube_uid(b->about), "uid-1");
	assert_string_equal(kube_name(b->deployment), "shop");
	/* What comes from Secrets is asked for again. */
	assert_false(b->has_env);
	app_free(a);
	app_free(b);
}

static void test_app_secrets_are_not_on_disk(void **state)
{
	struct fixture *f = *state;
	_cleanup_err_ struct err err = { 0 };
	struct app *a = app_of(f, BASE ", \"env\": [{\"name\": \"TOKEN\", \"valueFrom\": {\"secretKeyRef\": {\"name\": "
	                               "\"s\", \"key\": \"k\"}}}]");
	assert_ok(app_save(a, &err), &err);
	app_free(a);
	_cleanup_free_ char *text = testing_read(f->provider.dir, "apps/team-a/shop-app/app.json");
	assert_non_null(strstr(text, "secretKeyRef"));
	assert_null(strstr(text, "hunter22"));
	_cleanup_free_ char *path = fs_join(f->provider.dir, "apps/team-a/shop-app/app.json");
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void test_app_load_of_what_is_not_whole(void **state)
{
	static const char *const texts[] = { "", "{", "[]", "{\"spec\": 1}", "{\"spec\": {}}", "null" };
	struct fixture *f = *state;
	assert_null(app_load(&f->provider, "team-a", "shop-app"));
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		testing_write(f->provider.dir, "apps/team-a/shop-app/app.json", texts[i], 0600);
		struct app *a = app_load(&f->provider, "team-a", "shop-app");
		if (a)
			fail_msg("took \"%s\" for an application", texts[i]);
	}
}

static const struct {
	const char *spec;
	bool same_run, same_release;
	const char *reason;
} CHANGES[] = {
	{ BASE, true, true, "nothing changed" },
	{ BASE ", \"replicas\": 3", true, true, "how many is no matter of what" },
	{ BASE ", \"mode\": \"serverless\"", true, true, "nor is the mode" },
	{ BASE ", \"idleSeconds\": 5", true, true, "nor when it sleeps" },
	{ BASE ", \"revision\": 2", true, true, "nor its number" },
	{ BASE ", \"healthCheck\": {\"path\": \"/\"}", true, true, "nor how it is watched" },
	{ "\"source\": {\"url\": \"u\", \"commit\": \"c\", \"ref\": \"v1\"}, \"startCommand\": \"s\"", true, true,
	  "nor how the commit was named" },
	{ "\"source\": {\"url\": \"u\", \"commit\": \"c\"}, \"startCommand\": \"t\"", false, true, "it starts otherwise" },
	{ BASE ", \"env\": [{\"name\": \"A\", \"value\": \"1\"}]", false, true, "its environment" },
	{ BASE ", \"resources\": {\"memory\": \"1Gi\"}", false, true, "its limits" },
	{ BASE ", \"buildCommand\": \"b\"", false, false, "it is built otherwise" },
	{ "\"source\": {\"url\": \"u\", \"commit\": \"d\"}, \"startCommand\": \"s\"", false, false, "another commit" },
};

static void test_app_what_makes_another_program(void **state)
{
	struct fixture *f = *state;
	struct app *base = app_of(f, BASE);
	for (size_t i = 0; i < ARRAY_SIZE(CHANGES); i++) {
		struct app *a = app_of(f, CHANGES[i].spec);
		if (str_eq(a->run_hash, base->run_hash) != CHANGES[i].same_run ||
		    str_eq(a->release_id, base->release_id) != CHANGES[i].same_release)
			fail_msg("%s", CHANGES[i].reason);
		app_free(a);
	}
	app_free(base);
}

static void test_app_new_wish_forgets_old_failures(void **state)
{
	struct fixture *f = *state;
	struct app *a = app_of(f, BASE);
	_cleanup_json_ json_t *other = process(BASE ", \"buildCommand\": \"b\""), *same = process(BASE ", \"replicas\": 2");
	a->attempts = 5;
	a->backoff_until_ns = INT64_MAX;
	app_set_trouble(a, "Exited", "exited with 1");
	app_set_spec(a, same, NULL, NULL);
	assert_int_equal(a->attempts, 5);
	assert_string_equal(a->trouble_reason, "Exited");
	app_set_spec(a, other, NULL, NULL);
	assert_int_equal(a->attempts, 0);
	assert_int_equal(a->backoff_until_ns, 0);
	assert_null(a->trouble_reason);
	app_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_app_##name, setup, teardown)
		T(survives),
		T(secrets_are_not_on_disk),
		T(load_of_what_is_not_whole),
		T(what_makes_another_program),
		T(new_wish_forgets_old_failures),
	};
	return cmocka_run_group_tests_name("app", tests, NULL, NULL);
}
