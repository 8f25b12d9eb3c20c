/* The composition controller against a real API server; the composed resources are NopResources, and the test itself
 * plays their provider. */

#include "compose/compose.h"

#include "base/thread.h"
#include "composed.h"
#include "testing/testing.h"

#define NS "default"

/* Desires a NopResource for each word of the composite's parameter "path", with the parameter "revision". */
static int desire_words(void *self _unused_, const json_t *request, json_t **ret, struct err *err)
{
	const json_t *parameters = json_at(request, "observed", "composite", "resource", "spec", "parameters", NULL);
	_cleanup_strv_ char **words = str_split(json_get_str(parameters, "path"), " ");
	json_t *resources = json_object();
	for (size_t i = 0; i < strv_len(words); i++) {
		if (str_eq(words[i], "fatal")) {
			json_decref(resources);
			return err_set(err, ERR_INVALID, "no such word");
		}
		json_put(resources, words[i],
		         json_pack("{s:{s:s, s:s, s:{s:s, s:{s:I, s:[i, i]}}}}", "resource", "apiVersion",
		                   "nop.scia.io/v1alpha1", "kind", str_eq(words[i], "alien") ? "Alien" : "NopResource", "spec",
		                   "deletionPolicy", "Delete", "forProvider", "revision",
		                   (json_int_t)json_get_int(parameters, "revision", 0), "ports", 1, 2));
	}
	*ret = json_pack("{s:{s:o}}", "desired", "resources", resources);
	return 0;
}

static const struct compose_function FUNCTIONS[] = { { .name = "words", .run = desire_words } };
static const struct compose_composition COMPOSITIONS[] = { { "words", FUNCTIONS, 1 } };

struct fixture {
	struct testing_api *api;
	struct kube_informer *composites, *nops;
	struct kube_recorder *recorder;
	struct compose_controller *controller;
};

static void start(struct fixture *f)
{
	_cleanup_err_ struct err err = { 0 };
	static const struct kube_type *const types[] = { &SCIA_NOP };
	int64_t deadline = clock_mono_ns() + TESTING_PATIENCE_NS;
	f->composites = kube_informer_new(
		&(struct kube_informer_config){ .client = f->api->client, .type = &SCIA_INFRASTRUCTURE });
	f->nops = kube_informer_new(&(struct kube_informer_config){ .client = f->api->client, .type = &SCIA_NOP });
	kube_informer_add_index(f->nops, "owner", kube_index_by_owner);
	f->controller = compose_controller_new(&(struct compose_controller_config){
		.client = f->api->client,
		.composites = f->composites,
		.managed = &f->nops,
		.managed_types = types,
		.managed_len = 1,
		.compositions = COMPOSITIONS,
		.compositions_len = 1,
		.recorder = f->recorder,
	});
	assert_ok(kube_informer_start(f->composites, &err), &err);
	assert_ok(kube_informer_start(f->nops, &err), &err);
	assert_true(kube_informer_wait_synced(f->composites, deadline) && kube_informer_wait_synced(f->nops, deadline));
	assert_ok(kube_controller_start(compose_controller_get(f->controller), &err), &err);
}

static void stop(struct fixture *f)
{
	f->controller = compose_controller_free(f->controller);
	f->composites = kube_informer_stop(f->composites);
	f->nops = kube_informer_stop(f->nops);
}

static int setup(void **state)
{
	struct fixture *f = new0(struct fixture);
	_cleanup_err_ struct err err = { 0 };
	f->api = testing_api_start();
	f->recorder = kube_recorder_new(f->api->client, "test", NULL, &err);
	start(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	stop(f);
	kube_recorder_free(f->recorder);
	testing_api_stop(f->api);
	free(f);
	return 0;
}

static json_t *create(struct fixture *f, const char *words)
{
	_cleanup_free_ char *yaml = xasprintf(
		"metadata: {name: shop, namespace: default, labels: {scia.io/deployment: shop, scia.io/deployment-uid: u}}\n"
		"spec:\n"
		"  parameters: {strategy: vm, providerType: none, providerName: none, revision: 1, path: '%s'}\n"
		"  crossplane: {compositionRef: {name: words}}\n",
		words);
	return testing_create(f->api, &SCIA_INFRASTRUCTURE, yaml);
}

static void desire(struct fixture *f, const char *words)
{
	_cleanup_free_ char *yaml = xasprintf("spec: {parameters: {path: '%s'}}", words);
	testing_patch(f->api, &SCIA_INFRASTRUCTURE, NS, "shop", yaml);
}

static json_t *nop(struct fixture *f, const char *name)
{
	return testing_get(f->api, &SCIA_NOP, NS, name);
}

static bool nop_is_there(struct fixture *f, const char *name)
{
	return testing_exists(f->api, &SCIA_NOP, NS, name);
}

static bool is(struct fixture *f, const char *condition, const char *status)
{
	return testing_condition_is(f->api, &SCIA_INFRASTRUCTURE, NS, "shop", condition, status);
}

static int events(struct fixture *f, const char *name, const char *reason)
{
	return testing_events(f->api, NS, name, reason, NULL);
}

/* What a provider would say about the NopResource. */
static void report(struct fixture *f, const char *name, bool ready, const char *more)
{
	_cleanup_json_ json_t *now = nop(f, name);
	_cleanup_free_ char *yaml = xasprintf(
		"status: {observedGeneration: %d%s, conditions: [{type: Ready, status: '%s', reason: %s, message: '%s', "
		"lastTransitionTime: '2026-01-01T00:00:00Z'}]}",
		(int)kube_generation(now), more, ready ? "True" : "False", ready ? "Available" : "Starting",
		ready ? "" : "it starts");
	testing_patch_status(f->api, &SCIA_NOP, NS, name, yaml);
}

static bool revision_is(struct fixture *f, const char *name, int64_t revision)
{
	_cleanup_json_ json_t *now = nop(f, name);
	return json_int(json_at(now, "spec", "forProvider", "revision", NULL), -1) == revision;
}

static void test_controller_makes_what_is_desired(void **state)
{
	struct fixture *f = *state;
	_cleanup_json_ json_t *composite = create(f, "app db");
	eventually(nop_is_there(f, "shop-app") && nop_is_there(f, "shop-db"));
	_cleanup_json_ json_t *app = nop(f, "shop-app");
	assert_true(kube_is_controlled_by(app, composite));
	eventually(is(f, "Synced", "True"));
	_cleanup_json_ json_t *now = testing_get(f->api, &SCIA_INFRASTRUCTURE, NS, "shop");
	assert_true(kube_has_finalizer(now, "scia.io/composite"));
	assert_int_equal(json_array_size(json_at(now, "spec", "crossplane", "resourceRefs", NULL)), 2);
	assert_int_equal(json_array_size(json_at(now, "status", "resources", NULL)), 2);
	assert_true(is(f, "Ready", "False"));
}

static void test_controller_is_ready_when_all_are(void **state)
{
	struct fixture *f = *state;
	json_decref(create(f, "app db"));
	eventually(nop_is_there(f, "shop-app") && nop_is_there(f, "shop-db"));
	report(f, "shop-app", true, ", revision: 1");
	report(f, "shop-db", false, "");
	eventually(is(f, "Ready", "False"));
	eventually(is(f, "Synced", "True"));
	report(f, "shop-db", true, "");
	eventually(is(f, "Ready", "True"));
	_cleanup_json_ json_t *now = testing_get(f->api, &SCIA_INFRASTRUCTURE, NS, "shop");
	assert_int_equal(json_int(json_at(now, "status", "revision", NULL), 0), 1);
	/* What was said about an older spec is no answer for the new one. */
	testing_patch(f->api, &SCIA_INFRASTRUCTURE, NS, "shop", "spec: {parameters: {revision: 2}}");
	eventually(is(f, "Ready", "False"));
}

static void test_controller_names_the_one_that_is_not_ready(void **state)
{
	struct fixture *f = *state;
	json_decref(create(f, "app"));
	eventually(nop_is_there(f, "shop-app"));
	report(f, "shop-app", false, "");
	_cleanup_json_ json_t *now = NULL;
	const char *message = NULL;
	eventually((json_decref(now), now = testing_get(f->api, &SCIA_INFRASTRUCTURE, NS, "shop"),
	            message = json_get_str(kube_condition(now, "Ready"), "message"), !str_empty(message)) &&
	           str_contains(message, "it starts"));
	assert_string_equal(message, "NopResource shop-app: it starts");
	assert_string_equal(json_get_str(kube_condition(now, "Ready"), "reason"), "Starting");
}

static void test_controller_updates_without_calling_it_drift(void **state)
{
	struct fixture *f = *state;
	json_decref(create(f, "app"));
	eventually(nop_is_there(f, "shop-app"));
	testing_patch(f->api, &SCIA_INFRASTRUCTURE, NS, "shop", "spec: {parameters: {revision: 2}}");
	eventually(revision_is(f, "shop-app", 2));
	clock_sleep_ns(100 * NS_PER_MS);
	assert_int_equal(events(f, "shop-app", "DriftDetected"), 0);
}

static void test_controller_writes_nothing_when_nothing_changed(void **state)
{
	struct fixture *f = *state;
	json_decref(create(f, "app db"));
	eventually(nop_is_there(f, "shop-app") && nop_is_there(f, "shop-db"));
	report(f, "shop-app", true, "");
	report(f, "shop-db", true, "");
	eventually(is(f, "Ready", "True"));
	for (int i = 0; i < 5; i++)
		kube_controller_enqueue(compose_controller_get(f->controller), NS, "shop");
	assert_no_writes(f->api, 100);
}

static void test_controller_puts_drift_back(void **state)
{
	struct fixture *f = *state;
	json_decref(create(f, "app"));
	eventually(nop_is_there(f, "shop-app"));
	eventually(is(f, "Synced", "True"));
	testing_patch(f->api, &SCIA_NOP, NS, "shop-app", "spec: {forProvider: {revision: 99, ports: [1]}}");
	eventually(revision_is(f, "shop-app", 1));
	eventually(events(f, "shop-app", "DriftDetected") == 1 && events(f, "shop-app", "DriftHealed") == 1);
	/* On the Deployment too, where people look; naming field, values and who did it. */
	eventually(events(f, "shop", "DriftDetected") == 1 && events(f, "shop", "DriftHealed") == 1);
	_cleanup_free_ char *message = NULL;
	testing_events(f->api, NS, "shop-app", "DriftDetected", &message);
	assert_non_null(strstr(message, "spec.forProvider.revision is 99, should be 1"));
	assert_non_null(strstr(message, "kubectl-edit"));
}

static void test_controller_leaves_foreign_fields_alone(void **state)
{
	struct fixture *f = *state;
	json_decref(create(f, "app"));
	eventually(nop_is_there(f, "shop-app"));
	eventually(is(f, "Synced", "True"));
	testing_patch(f->api, &SCIA_NOP, NS, "shop-app", "spec: {forProvider: {note: 'mine'}}");
	clock_sleep_ns(150 * NS_PER_MS);
	_cleanup_json_ json_t *now = nop(f, "shop-app");
	assert_string_equal(json_str_at(now, "spec", "forProvider", "note", NULL), "mine");
	assert_int_equal(events(f, "shop-app", "DriftDetected"), 0);
}

static void test_controller_makes_what_was_deleted_again(void **state)
{
	struct fixture *f = *state;
	json_decref(create(f, "app"));
	eventually(nop_is_there(f, "shop-app"));
	eventually(is(f, "Synced", "True"));
	_cleanup_json_ json_t *before = nop(f, "shop-app");
	testing_delete(f->api, &SCIA_NOP, NS, "shop-app");
	eventually(events(f, "shop-app", "DriftHealed") == 1);
	_cleanup_json_ json_t *after = nop(f, "shop-app");
	assert_non_null(after);
	assert_string_not_equal(kube_uid(before), kube_uid(after));
}

static void test_controller_deletes_what_is_no_longer_desired(void **state)
{
	struct fixture *f = *state;
	json_decref(create(f, "app db"));
	eventually(nop_is_there(f, "shop-app") && nop_is_there(f, "shop-db"));
	desire(f, "app");
	eventually(!nop_is_there(f, "shop-db"));
	assert_true(nop_is_there(f, "shop-app"));
	clock_sleep_ns(50 * NS_PER_MS);
	assert_int_equal(events(f, "shop-db", "DriftDetected"), 0);
}

static void test_controller_composed_resources_go_before_the_composite(void **state)
{
	struct fixture *f = *state;
	json_decref(create(f, "app"));
	eventually(nop_is_there(f, "shop-app"));
	eventually(is(f, "Synced", "True"));
	/* Its provider is not done with it yet. */
	testing_patch(f->api, &SCIA_NOP, NS, "shop-app", "metadata: {finalizers: [test/provider]}");
	testing_delete(f->api, &SCIA_INFRASTRUCTURE, NS, "shop");
	_cleanup_json_ json_t *now = NULL;
	eventually((json_decref(now), now = nop(f, "shop-app"), kube_is_deleting(now)));
	for_a_while(100, testing_exists(f->api, &SCIA_INFRASTRUCTURE, NS, "shop"));
	testing_patch(f->api, &SCIA_NOP, NS, "shop-app", "metadata: {finalizers: null}");
	eventually(!testing_exists(f->api, &SCIA_INFRASTRUCTURE, NS, "shop"));
	assert_false(nop_is_there(f, "shop-app"));
}

/* The process died between recording what it would create and creating it, or right after creating it. */
static void test_controller_creates_once_after_a_crash(void **state)
{
	struct fixture *f = *state;
	stop(f);
	_cleanup_json_ json_t *composite = create(f, "app db");
	testing_patch(f->api, &SCIA_INFRASTRUCTURE, NS, "shop",
	              "spec: {crossplane: {resourceRefs: [{apiVersion: nop.scia.io/v1alpha1, kind: NopResource, name: "
	              "shop-app}, {apiVersion: nop.scia.io/v1alpha1, kind: NopResource, name: shop-db}]}}");
	_cleanup_json_ json_t *resource = json_pack("{s:s, s:s, s:{s:s, s:{s:i, s:[i, i]}}}", "apiVersion",
	                                            "nop.scia.io/v1alpha1", "kind", "NopResource", "spec", "deletionPolicy",
	                                            "Delete", "forProvider", "revision", 1, "ports", 1, 2);
	_cleanup_json_ json_t *rendered = composed_render(composite, "app", resource), *created = NULL;
	_cleanup_err_ struct err err = { 0 };
	assert_ok(kube_create(f->api->client, &SCIA_NOP, rendered, &created, &err), &err);
	start(f);
	eventually(nop_is_there(f, "shop-db") && is(f, "Synced", "True"));
	_cleanup_json_ json_t *app = nop(f, "shop-app"), *all = NULL;
	assert_string_equal(kube_uid(app), kube_uid(created));
	assert_ok(kube_list(f->api->client, &SCIA_NOP, NS, &(struct kube_list_options){ 0 }, &all, NULL, &err), &err);
	assert_int_equal(json_array_size(all), 2);
}

static void test_controller_takes_over_nobody_elses_object(void **state)
{
	struct fixture *f = *state;
	json_decref(testing_create(f->api, &SCIA_NOP,
	                           "metadata: {name: shop-app, namespace: default}\nspec: {forProvider: {revision: 5}}"));
	json_decref(create(f, "app"));
	eventually(is(f, "Synced", "False"));
	_cleanup_json_ json_t *now = testing_get(f->api, &SCIA_INFRASTRUCTURE, NS, "shop"), *theirs = nop(f, "shop-app");
	assert_non_null(strstr(json_get_str(kube_condition(now, "Synced"), "message"), "was not made for this"));
	assert_null(kube_controller_of(theirs));
	assert_true(revision_is(f, "shop-app", 5));
	testing_delete(f->api, &SCIA_NOP, NS, "shop-app");
	eventually(is(f, "Synced", "True"));
}

static void test_controller_says_what_it_cannot_compose(void **state)
{
	static const struct {
		const char *patch, *message;
	} cases[] = {
		{ "spec: {parameters: {path: fatal}}", "no such word" },
		{ "spec: {parameters: {path: alien}}", "does not manage that kind" },
		{ "spec: {crossplane: {compositionRef: {name: elsewhere}}}", "there is no composition named \"elsewhere\"" },
	};
	struct fixture *f = *state;
	json_decref(create(f, "app"));
	eventually(is(f, "Synced", "True"));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		testing_patch(f->api, &SCIA_INFRASTRUCTURE, NS, "shop", cases[i].patch);
		_cleanup_json_ json_t *now = NULL;
		const char *message = NULL;
		eventually((json_decref(now), now = testing_get(f->api, &SCIA_INFRASTRUCTURE, NS, "shop"),
		            message = json_get_str(kube_condition(now, "Synced"), "message"),
		            message && strstr(message, cases[i].message)));
		/* What is there stays: an error is no reason to take anything down. */
		assert_true(nop_is_there(f, "shop-app"));
	}
}

static void test_controller_paused_holds_all_but_deletion(void **state)
{
	struct fixture *f = *state;
	json_decref(create(f, "app"));
	eventually(is(f, "Synced", "True"));
	testing_patch(f->api, &SCIA_INFRASTRUCTURE, NS, "shop",
	              "metadata: {annotations: {scia.io/paused: 'true'}}\nspec: {parameters: {revision: 2}}");
	for_a_while(100, revision_is(f, "shop-app", 1));
	testing_delete(f->api, &SCIA_INFRASTRUCTURE, NS, "shop");
	eventually(!testing_exists(f->api, &SCIA_INFRASTRUCTURE, NS, "shop"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_controller_##name, setup, teardown)
		T(makes_what_is_desired),
		T(is_ready_when_all_are),
		T(names_the_one_that_is_not_ready),
		T(updates_without_calling_it_drift),
		T(writes_nothing_when_nothing_changed),
		T(puts_drift_back),
		T(leaves_foreign_fields_alone),
		T(makes_what_was_deleted_again),
		T(deletes_what_is_no_longer_desired),
		T(composed_resources_go_before_the_composite),
		T(creates_once_after_a_crash),
		T(takes_over_nobody_elses_object),
		T(says_what_it_cannot_compose),
		T(paused_holds_all_but_deletion),
	};
	return cmocka_run_group_tests_name("compose controller", tests, NULL, NULL);
}
