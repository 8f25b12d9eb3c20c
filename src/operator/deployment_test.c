/* The operator against a real API server and a real repository; the test plays composition and provider by writing the
 * Infrastructure's status. */

#include "operator/operator.h"

#include "testing/testing.h"

#define NS "default"

struct fixture {
	struct testing_api *api;
	struct kube_recorder *recorder;
	struct operator_ *operator;
	char *dir, *repo;
};

static int setup(void **state)
{
	struct fixture *f = new0(struct fixture);
	_cleanup_err_ struct err err = { 0 };
	f->api = testing_api_start();
	f->dir = testing_dir();
	f->repo = fs_join(f->dir, "repo");
	testing_write(f->repo, "index.html", "<h1>hello</h1>", 0644);
	free(testing_commit(f->repo));
	f->recorder = kube_recorder_new(f->api->client, "test", NULL, &err);
	json_decref(
		testing_create(f->api, &SCIA_PROVIDER, "metadata: {name: none, namespace: default}\nspec: {type: none}"));
	_cleanup_free_ char *data = fs_join(f->dir, "data");
	struct operator_config config = {
		.client = f->api->client,
		.recorder = f->recorder,
		.data_dir = data,
		.allow_local_repositories = true,
		.make_local_providers = true,
		.poll_ns = 3600 * NS_PER_S,
	};
	assert_ok(operator_start(&config, &f->operator, & err), &err);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	operator_stop(f->operator);
	kube_recorder_free(f->recorder);
	testing_api_stop(f->api);
	testing_remove(f->dir);
	free(f->repo);
	free(f);
	return 0;
}

static void deploy(struct fixture *f, const char *more)
{
	_cleanup_free_ char *yaml = xasprintf("metadata: {name: shop, namespace: default}\n"
	                                      "spec: {repository: {url: '%s'}, cloudProvider: none, strategy: vm%s}",
	                                      f->repo, more);
	json_decref(testing_create(f->api, &SCIA_DEPLOYMENT, yaml));
}

static json_t *deployment(struct fixture *f)
{
	return testing_get(f->api, &SCIA_DEPLOYMENT, NS, "shop");
}

static json_t *infrastructure(struct fixture *f)
{
	return testing_get(f->api, &SCIA_INFRASTRUCTURE, NS, "shop");
}

static bool phase_is(struct fixture *f, const char *phase)
{
	_cleanup_json_ json_t *now = deployment(f);
	return str_eq(json_str_at(now, "status", "phase", NULL), phase);
}

/* The revision that the Infrastructure is to be; 0: there is none. */
static int64_t target(struct fixture *f)
{
	_cleanup_json_ json_t *now = infrastructure(f);
	return json_int(json_at(now, "spec", "parameters", "revision", NULL), 0);
}

static bool outcome_is(struct fixture *f, int64_t revision, const char *outcome)
{
	_cleanup_json_ json_t *now = deployment(f);
	size_t i;
	json_t *entry;
	json_array_foreach (json_at(now, "status", "history", NULL), i, entry) {
		if (json_get_int(entry, "revision", 0) == revision)
			return str_eq(json_get_str(entry, "outcome"), outcome);
	}
	return false;
}

/* What composition and provider would say; failed 0: nothing did. */
static void report(struct fixture *f, int64_t serving, int64_t failed, bool ready, const char *reason,
                   const char *message)
{
	_cleanup_json_ json_t *now = infrastructure(f);
	_cleanup_free_ char *failure = failed ? xasprintf("%lld", (long long)failed) : xstrdup("null");
	_cleanup_free_ char *yaml = xasprintf(
		"status: {observedGeneration: %lld, revision: %lld, failedRevision: %s, endpoints: [{name: application, url: "
		"'http://127.0.0.1:1/'}], resources: [{apiVersion: local.scia.io/v1alpha1, kind: Process, name: shop-app, "
		"ready: %s, "
		"synced: true, reason: %s, message: '%s'}], conditions: [{type: Ready, status: '%s', reason: %s, message: "
		"'%s', "
		"lastTransitionTime: '2026-01-01T00:00:00Z'}, {type: Synced, status: 'True', reason: ReconcileSuccess, "
		"message: '', "
		"lastTransitionTime: '2026-01-01T00:00:00Z'}]}",
		(long long)kube_generation(now), (long long)serving, failure, ready ? "true" : "false", reason, message,
		ready ? "True" : "False", reason, message);
	testing_patch_status(f->api, &SCIA_INFRASTRUCTURE, NS, "shop", yaml);
}

static void run_first(struct fixture *f)
{
	deploy(f, "");
	eventually(target(f) == 1);
	report(f, 1, 0, true, "Available", "");
	eventually(phase_is(f, "Running"));
}

/* Revision 2 is decided, and fails while 1 goes on serving. */
static void fail_second(struct fixture *f)
{
	run_first(f);
	testing_patch(f->api, &SCIA_DEPLOYMENT, NS, "shop", "spec: {env: [{name: A, value: '1'}]}");
	eventually(target(f) == 2);
	report(f, 1, 2, true, "Exited", "exited with 1: Error: boom");
	eventually(target(f) == 1);
}

static int events(struct fixture *f, const char *reason)
{
	return testing_events(f->api, NS, "shop", reason, NULL);
}

/* ---- the way to Running ---- */

static void test_deployment_becomes_a_revision_and_an_infrastructure(void **state)
{
	struct fixture *f = *state;
	deploy(f, ", env: [{name: A, value: '1'}]");
	eventually(target(f) == 1);
	_cleanup_json_ json_t *now = deployment(f), *infra = infrastructure(f);
	_cleanup_json_ json_t *revision = testing_get(f->api, &SCIA_REVISION, NS, "shop-r1");
	assert_true(kube_has_finalizer(now, "scia.io/infrastructure"));
	assert_true(kube_is_controlled_by(infra, now) && kube_is_controlled_by(revision, now));
	assert_string_equal(json_str_at(infra, "spec", "crossplane", "compositionRef", "name", NULL),
	                    "infrastructure-none");
	assert_string_equal(kube_label(infra, "scia.io/deployment-uid"), kube_uid(now));
	_cleanup_json_ json_t *frozen = json_deep_copy(json_at(revision, "spec", "parameters", NULL));
	_cleanup_json_ json_t *applied = json_deep_copy(json_at(infra, "spec", "parameters", NULL));
	json_object_del(applied, "deletionPolicy");
	assert_true(json_same(frozen, applied));
	assert_string_equal(json_str_at(frozen, "strategy", NULL), "vm");
	assert_int_equal(json_array_size(json_object_get(frozen, "env")), 1);
	eventually(testing_condition_is(f->api, &SCIA_DEPLOYMENT, NS, "shop", "Decided", "True"));
	eventually(events(f, "DecisionMade") == 1 && events(f, "InfrastructureCreated") == 1);
}

static void test_deployment_runs_when_its_infrastructure_does(void **state)
{
	struct fixture *f = *state;
	run_first(f);
	_cleanup_json_ json_t *now = deployment(f);
	assert_true(kube_condition_is(now, "Ready", "True") && kube_condition_is(now, "Healthy", "True"));
	assert_int_equal(json_int(json_at(now, "status", "currentRevision", NULL), 0), 1);
	assert_true(outcome_is(f, 1, "Success"));
	assert_null(json_at(now, "status", "rootCause", NULL));
	assert_string_equal(json_str_at(json_array_get(json_at(now, "status", "endpoints", NULL), 0), "url", NULL),
	                    "http://127.0.0.1:1/");
	eventually(events(f, "DeploymentReady") == 1);
}

static void test_deployment_writes_nothing_when_nothing_changed(void **state)
{
	struct fixture *f = *state;
	run_first(f);
	eventually(events(f, "DeploymentReady") == 1);
	clock_sleep_ns(100 * NS_PER_MS);
	int64_t version = testing_api_version(f->api);
	/* A change that means nothing wakes it, and is the only write there is. */
	testing_patch(f->api, &SCIA_DEPLOYMENT, NS, "shop", "metadata: {annotations: {note: x}}");
	clock_sleep_ns(150 * NS_PER_MS);
	assert_int_equal(testing_api_version(f->api), version + 1);
	assert_int_equal(target(f), 1);
}

static void test_deployment_same_inputs_are_one_revision(void **state)
{
	struct fixture *f = *state;
	run_first(f);
	/* Neither is part of what is decided on. */
	testing_patch(f->api, &SCIA_DEPLOYMENT, NS, "shop", "spec: {revisionHistoryLimit: 5, deletionPolicy: Orphan}");
	eventually(({
		_cleanup_json_ json_t *infra = infrastructure(f);
		str_eq(json_str_at(infra, "spec", "parameters", "deletionPolicy", NULL), "Orphan");
	}));
	assert_false(testing_exists(f->api, &SCIA_REVISION, NS, "shop-r2"));
	assert_int_equal(events(f, "DriftDetected"), 0);
}

static void test_deployment_new_commit_is_a_new_revision(void **state)
{
	struct fixture *f = *state;
	run_first(f);
	testing_write(f->repo, "index.html", "<h1>again</h1>", 0644);
	_cleanup_free_ char *commit = testing_commit(f->repo);
	/* A change of the spec asks the repository at once. */
	testing_patch(f->api, &SCIA_DEPLOYMENT, NS, "shop", "spec: {revisionHistoryLimit: 5}");
	eventually(target(f) == 2);
	_cleanup_json_ json_t *infra = infrastructure(f);
	assert_string_equal(json_str_at(infra, "spec", "parameters", "commit", NULL), commit);
	report(f, 2, 0, true, "Available", "");
	eventually(outcome_is(f, 2, "Success") && outcome_is(f, 1, "Superseded"));
}

/* ---- what goes wrong ---- */

static void test_deployment_root_cause_of_a_resource(void **state)
{
	struct fixture *f = *state;
	deploy(f, "");
	eventually(target(f) == 1);
	report(f, 0, 0, false, "Building", "installing");
	eventually(phase_is(f, "Provisioning"));
	report(f, 0, 1, false, "BuildFailed", "make exited with 2");
	eventually(phase_is(f, "Failed"));
	_cleanup_json_ json_t *now = deployment(f);
	assert_string_equal(json_str_at(now, "status", "rootCause", "resource", NULL), "Process/shop-app");
	assert_string_equal(json_str_at(now, "status", "rootCause", "reason", NULL), "BuildFailed");
	assert_string_equal(json_str_at(now, "status", "rootCause", "message", NULL), "make exited with 2");
	report(f, 1, 0, true, "Available", "");
	eventually(phase_is(f, "Running"));
}

static void test_deployment_goes_back_to_the_last_healthy_revision(void **state)
{
	struct fixture *f = *state;
	fail_second(f);
	report(f, 1, 2, true, "Available", "");
	eventually(phase_is(f, "Degraded"));
	_cleanup_json_ json_t *now = deployment(f);
	assert_true(outcome_is(f, 2, "Failed") && outcome_is(f, 1, "Success"));
	assert_string_equal(json_str_at(now, "status", "rootCause", "reason", NULL), "RevisionFailed");
	assert_non_null(strstr(json_str_at(now, "status", "rootCause", "message", NULL), "Error: boom"));
	assert_true(kube_condition_is(now, "Healthy", "True") && kube_condition_is(now, "Ready", "False"));
	eventually(events(f, "RolledBack") == 1);
	for_a_while(100, target(f) == 1); /* it stays so: the same inputs give the same failure */
}

/* A pin to the revision that failed gives it another chance, though the old verdict is still in the status. */
static void test_deployment_asks_for_a_failed_revision_again(void **state)
{
	struct fixture *f = *state;
	fail_second(f);
	report(f, 1, 2, true, "Available", "");
	eventually(phase_is(f, "Degraded"));
	testing_patch(f->api, &SCIA_DEPLOYMENT, NS, "shop", "spec: {rollbackTo: {revision: 2}}");
	eventually(target(f) == 2);
	for_a_while(150, target(f) == 2);
	report(f, 2, 0, true, "Available", "");
	eventually(phase_is(f, "Running"));
	assert_true(outcome_is(f, 2, "Success"));
}

static void test_deployment_pin_holds_until_the_spec_changes(void **state)
{
	struct fixture *f = *state;
	run_first(f);
	testing_patch(f->api, &SCIA_DEPLOYMENT, NS, "shop", "spec: {env: [{name: A, value: '1'}]}");
	eventually(target(f) == 2);
	report(f, 2, 0, true, "Available", "");
	eventually(outcome_is(f, 2, "Success"));
	testing_patch(f->api, &SCIA_DEPLOYMENT, NS, "shop", "spec: {rollbackTo: {revision: 1}}");
	eventually(target(f) == 1);
	report(f, 1, 0, true, "Available", "");
	eventually(phase_is(f, "Running"));
	testing_patch(f->api, &SCIA_DEPLOYMENT, NS, "shop", "spec: {env: [{name: A, value: '2'}]}");
	eventually(target(f) == 3);
	_cleanup_json_ json_t *now = deployment(f);
	assert_null(json_at(now, "spec", "rollbackTo", NULL));
}

static const struct {
	const char *more, *condition, *message;
} REFUSED[] = {
	{ ", cloudProvider: nowhere", "Decided", "there is no CloudProvider \"nowhere\"" },
	{ ", rollbackTo: {revision: 7}", "Decided", "there is no revision 7" },
	{ ", repository: {url: 'https://127.0.0.1:1/x', secretRef: {name: nowhere}}", "Analyzed",
	  "reading Secret default/nowhere" },
	{ ", repository: {url: 'ext::sh -c id'}", "Analyzed", "ext" },
};

static void test_deployment_says_what_it_cannot_do(void **state)
{
	struct fixture *f = *state;
	for (size_t i = 0; i < ARRAY_SIZE(REFUSED); i++) {
		_cleanup_free_ char *name = xasprintf("bad%zu", i);
		/* Paused, so that it is seen first with what is wrong. */
		_cleanup_free_ char *yaml = xasprintf(
			"metadata: {name: %s, namespace: default, annotations: {scia.io/paused: 'true'}}\nspec: {repository: {url: "
			"'%s'}, cloudProvider: none}",
			name, f->repo);
		_cleanup_free_ char *patch = xasprintf("spec: {%s}", REFUSED[i].more + 2);
		json_decref(testing_create(f->api, &SCIA_DEPLOYMENT, yaml));
		testing_patch(f->api, &SCIA_DEPLOYMENT, NS, name, patch);
		testing_patch(f->api, &SCIA_DEPLOYMENT, NS, name, "metadata: {annotations: {scia.io/paused: null}}");
		_cleanup_json_ json_t *now = NULL;
		eventually((json_decref(now), now = testing_get(f->api, &SCIA_DEPLOYMENT, NS, name),
		            kube_condition_is(now, REFUSED[i].condition, "False")));
		const char *message = json_get_str(kube_condition(now, REFUSED[i].condition), "message");
		if (!strstr(message, REFUSED[i].message))
			fail_msg("%s", message);
		assert_string_equal(json_str_at(now, "status", "phase", NULL), "Failed");
		assert_non_null(json_at(now, "status", "rootCause", NULL));
	}
}

/* ---- approval and pause ---- */

static void test_deployment_waits_for_approval(void **state)
{
	struct fixture *f = *state;
	deploy(f, ", approval: Manual");
	eventually(phase_is(f, "AwaitingApproval"));
	for_a_while(100, target(f) == 0);
	_cleanup_json_ json_t *now = deployment(f);
	testing_patch(f->api, &SCIA_DEPLOYMENT, NS, "shop", "metadata: {annotations: {scia.io/approved-plan: other}}");
	for_a_while(100, target(f) == 0);
	_cleanup_free_ char *yaml = xasprintf("metadata: {annotations: {scia.io/approved-plan: '%s'}}",
	                                      json_str_at(now, "status", "plan", "hash", NULL));
	testing_patch(f->api, &SCIA_DEPLOYMENT, NS, "shop", yaml);
	eventually(target(f) == 1);
}

static void test_deployment_paused_holds_all_but_deletion(void **state)
{
	struct fixture *f = *state;
	run_first(f);
	testing_patch(f->api, &SCIA_DEPLOYMENT, NS, "shop",
	              "metadata: {annotations: {scia.io/paused: 'true'}}\nspec: {env: [{name: A, value: '1'}]}");
	for_a_while(150, target(f) == 1);
	testing_delete(f->api, &SCIA_DEPLOYMENT, NS, "shop");
	eventually(!testing_exists(f->api, &SCIA_DEPLOYMENT, NS, "shop"));
}

/* ---- drift ---- */

static void test_deployment_puts_its_infrastructure_back(void **state)
{
	struct fixture *f = *state;
	run_first(f);
	testing_patch(f->api, &SCIA_INFRASTRUCTURE, NS, "shop", "spec: {parameters: {commit: '0'}}");
	eventually(events(f, "DriftHealed") == 1);
	_cleanup_json_ json_t *infra = infrastructure(f);
	assert_int_equal(strlen(json_str_at(infra, "spec", "parameters", "commit", NULL)), 40);
	_cleanup_free_ char *message = NULL;
	testing_events(f->api, NS, "shop", "DriftDetected", &message);
	assert_non_null(strstr(message, "spec.parameters.commit is \"0\""));
	assert_non_null(strstr(message, "kubectl-edit"));
	testing_delete(f->api, &SCIA_INFRASTRUCTURE, NS, "shop");
	eventually(events(f, "DriftHealed") == 2 && target(f) == 1);
}

/* ---- the end ---- */

static void test_deployment_goes_after_its_infrastructure(void **state)
{
	struct fixture *f = *state;
	run_first(f);
	testing_patch(f->api, &SCIA_INFRASTRUCTURE, NS, "shop", "metadata: {finalizers: [test/composition]}");
	testing_delete(f->api, &SCIA_DEPLOYMENT, NS, "shop");
	eventually(phase_is(f, "Deleting"));
	eventually(({
		_cleanup_json_ json_t *infra = infrastructure(f);
		kube_is_deleting(infra);
	}));
	for_a_while(100, testing_exists(f->api, &SCIA_DEPLOYMENT, NS, "shop"));
	testing_patch(f->api, &SCIA_INFRASTRUCTURE, NS, "shop", "metadata: {finalizers: null}");
	eventually(!testing_exists(f->api, &SCIA_DEPLOYMENT, NS, "shop"));
	assert_false(testing_exists(f->api, &SCIA_INFRASTRUCTURE, NS, "shop"));
	eventually(!testing_exists(f->api, &SCIA_REVISION, NS, "shop-r1"));
}

static void test_deployment_old_revisions_go(void **state)
{
	struct fixture *f = *state;
	deploy(f, ", revisionHistoryLimit: 2");
	for (int64_t n = 1; n <= 4; n++) {
		eventually(target(f) == n);
		report(f, n, 0, true, "Available", "");
		eventually(outcome_is(f, n, "Success"));
		_cleanup_free_ char *yaml = xasprintf("spec: {env: [{name: A, value: '%d'}]}", (int)n);
		if (n < 4)
			testing_patch(f->api, &SCIA_DEPLOYMENT, NS, "shop", yaml);
	}
	eventually(!testing_exists(f->api, &SCIA_REVISION, NS, "shop-r1") &&
	           !testing_exists(f->api, &SCIA_REVISION, NS, "shop-r2"));
	assert_true(testing_exists(f->api, &SCIA_REVISION, NS, "shop-r3"));
	assert_true(testing_exists(f->api, &SCIA_REVISION, NS, "shop-r4"));
}

/* ---- CloudProviders ---- */

static void test_cloud_provider_local_is_made_for_tenants(void **state)
{
	struct fixture *f = *state;
	eventually(testing_exists(f->api, &SCIA_PROVIDER, NS, "local"));
	json_decref(testing_create(f->api, &KUBE_NAMESPACE, "metadata: {name: team-a, labels: {scia.io/tenant: 'true'}}"));
	json_decref(testing_create(f->api, &KUBE_NAMESPACE, "metadata: {name: other}"));
	eventually(testing_condition_is(f->api, &SCIA_PROVIDER, "team-a", "local", "Ready", "True"));
	testing_delete(f->api, &SCIA_PROVIDER, "team-a", "local");
	eventually(testing_exists(f->api, &SCIA_PROVIDER, "team-a", "local"));
	assert_false(testing_exists(f->api, &SCIA_PROVIDER, "other", "local"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)
		T(deployment_becomes_a_revision_and_an_infrastructure),
		T(deployment_runs_when_its_infrastructure_does),
		T(deployment_writes_nothing_when_nothing_changed),
		T(deployment_same_inputs_are_one_revision),
		T(deployment_new_commit_is_a_new_revision),
		T(deployment_root_cause_of_a_resource),
		T(deployment_goes_back_to_the_last_healthy_revision),
		T(deployment_asks_for_a_failed_revision_again),
		T(deployment_pin_holds_until_the_spec_changes),
		T(deployment_says_what_it_cannot_do),
		T(deployment_waits_for_approval),
		T(deployment_paused_holds_all_but_deletion),
		T(deployment_puts_its_infrastructure_back),
		T(deployment_goes_after_its_infrastructure),
		T(deployment_old_revisions_go),
		T(cloud_provider_local_is_made_for_tenants),
	};
	return cmocka_run_group_tests_name("operator", tests, NULL, NULL);
}
