/* The rules by which applications are rolled out, healed and ended, as a state machine. */

#include "rollout_testing.h"

static int setup(void **state _unused_)
{
	world_new();
	return 0;
}

static int teardown(void **state _unused_)
{
	world_free();
	return 0;
}

static json_t *status(bool *ret_ready)
{
	const char *reason;
	_cleanup_free_ char *message = NULL;
	bool ready;
	json_t *v = app_status(WORLD->app, &ready, &reason, &message);
	if (ret_ready)
		*ret_ready = ready;
	return v;
}

static void assert_state(const char *expected, bool expected_ready)
{
	bool ready;
	_cleanup_json_ json_t *v = status(&ready);
	if (!str_eq(json_get_str(v, "state"), expected) || ready != expected_ready)
		fail_msg("state is %s%s, not %s%s (%s)", json_get_str(v, "state"), ready ? ", ready" : "", expected,
		         expected_ready ? ", ready" : "", json_get_str(v, "message") ? json_get_str(v, "message") : "");
}

static void assert_message(const char *part)
{
	_cleanup_json_ json_t *v = status(NULL);
	const char *message = json_get_str(v, "message");
	if (!message || !strstr(message, part))
		fail_msg("message is \"%s\", without \"%s\"", message ? message : "", part);
}

static int64_t revision_in_status(const char *field)
{
	_cleanup_json_ json_t *v = status(NULL);
	return json_get_int(v, field, 0);
}

/* Revision 1 of commit a serves. */
static void serve_first(const char *mode, const char *fields)
{
	world_want(mode, 1, 'a', fields);
	world_settle();
	assert_state("Running", true);
	assert_int_equal(revision_in_status("revision"), 1);
}

/* ---- the first rollout ---- */

static void test_rollout_vm_builds_starts_and_serves(void **state _unused_)
{
	WORLD->build_holds = true;
	world_want("vm", 1, 'a', NULL);
	world_settle();
	assert_state("Building", false);
	assert_int_equal(WORLD->starts, 0);
	WORLD->build_holds = false;
	world_settle();
	assert_state("Running", true);
	assert_int_equal(WORLD->starts, 1);
	assert_int_equal(world_serving(), 1);
	assert_int_equal(revision_in_status("revision"), 1);
	assert_int_equal(revision_in_status("failedRevision"), 0);
	world_advance(600 * NS_PER_S);
	assert_int_equal(WORLD->starts, 1);
	assert_int_equal(WORLD->builds, 1);
	assert_int_equal(WORLD->events_len, 0);
}

static void test_rollout_kubernetes_starts_all_replicas_at_once(void **state _unused_)
{
	WORLD->next = NEVER_OPENS;
	world_want("kubernetes", 1, 'a', "\"replicas\": 3");
	world_settle();
	assert_int_equal(WORLD->starts, 3);
	assert_state("Starting", false);
	for (size_t i = 0; i < 3; i++)
		world_instance(i)->behaviour = HEALTHY;
	world_advance(5 * NS_PER_S);
	assert_int_equal(world_serving(), 3);
	assert_state("Running", true);
}

static void test_rollout_one_of_several_serves_already(void **state _unused_)
{
	WORLD->next = NEVER_OPENS;
	world_want("kubernetes", 1, 'a', "\"replicas\": 3");
	world_settle();
	world_instance(1)->behaviour = HEALTHY;
	world_advance(5 * NS_PER_S);
	assert_int_equal(world_serving(), 1);
	assert_int_equal(revision_in_status("revision"), 0); /* the rollout is not complete */
}

static void test_rollout_zero_replicas(void **state _unused_)
{
	world_want("kubernetes", 1, 'a', "\"replicas\": 0");
	world_settle();
	assert_int_equal(WORLD->starts, 0);
	assert_state("Idle", true);
	assert_int_equal(revision_in_status("revision"), 1);
	world_want("kubernetes", 1, 'a', "\"replicas\": 2");
	world_settle();
	assert_int_equal(world_serving(), 2);
	world_want("kubernetes", 1, 'a', "\"replicas\": 0");
	world_settle();
	assert_int_equal(world_running(), 0);
	assert_state("Idle", true);
}

/* ---- builds ---- */

static void test_rollout_failed_build_is_tried_again_later(void **state _unused_)
{
	WORLD->build_result = (struct release_result){ .reason = "BuildFailed",
		                                           .message = (char[]){ "`make` exited with 2" } };
	world_want("vm", 1, 'a', NULL);
	world_settle();
	assert_state("Failed", false);
	assert_message("`make` exited with 2");
	assert_int_equal(world_events("BuildFailed"), 1);
	assert_int_equal(revision_in_status("failedRevision"), 1);
	assert_int_equal(WORLD->starts, 0);
	world_advance(14 * NS_PER_S);
	assert_int_equal(WORLD->builds, 1);
	world_advance(2 * NS_PER_S);
	assert_int_equal(WORLD->builds, 2);
	world_advance(28 * NS_PER_S);
	assert_int_equal(WORLD->builds, 2); /* each time twice as long, */
	world_advance(2 * NS_PER_S);
	assert_int_equal(WORLD->builds, 3);
	world_advance(3600 * NS_PER_S);
	assert_in_range(WORLD->builds, 8, 14); /* but not for ever */
	WORLD->build_result = (struct release_result){ 0 };
	world_advance(700 * NS_PER_S);
	assert_state("Running", true);
	assert_int_equal(revision_in_status("failedRevision"), 0);
}

static void test_rollout_network_away_for_a_moment(void **state _unused_)
{
	serve_first("vm", NULL);
	WORLD->build_result = (struct release_result){ .reason = "CloneFailed",
		                                           .message = (char[]){ "host not found" },
		                                           .is_transient = true };
	world_want("vm", 2, 'b', NULL);
	world_settle();
	assert_int_equal(revision_in_status("failedRevision"), 0);
	assert_state("Running", true); /* the old one */
	WORLD->build_result = (struct release_result){ 0 };
	world_advance(20 * NS_PER_S);
	assert_int_equal(revision_in_status("revision"), 2);
}

static void test_rollout_failed_build_leaves_the_old_one_alone(void **state _unused_)
{
	serve_first("vm", NULL);
	WORLD->build_result = (struct release_result){ .reason = "BuildFailed", .message = (char[]){ "no" } };
	world_want("vm", 2, 'b', NULL);
	world_advance(3600 * NS_PER_S);
	assert_int_equal(WORLD->builds, 2); /* the verdict is given, and trying again is for its user to say */
	assert_int_equal(WORLD->starts, 1);
	assert_int_equal(world_serving(), 1);
	assert_int_equal(revision_in_status("revision"), 1);
	assert_int_equal(revision_in_status("failedRevision"), 2);
}

static void test_rollout_build_nobody_wants_any_more_is_ended(void **state _unused_)
{
	WORLD->build_holds = true;
	world_want("vm", 1, 'a', NULL);
	world_settle();
	world_want("vm", 2, 'b', NULL);
	world_settle();
	assert_int_equal(WORLD->cancels, 1);
	assert_int_equal(WORLD->builds, 2);
	assert_int_equal(world_events("BuildFailed"), 0);
	WORLD->build_holds = false;
	world_settle();
	assert_int_equal(revision_in_status("revision"), 2);
}

/* ---- updates ---- */

static void test_rollout_update_starts_the_new_beside_the_old(void **state _unused_)
{
	serve_first("vm", NULL);
	WORLD->next = NEVER_OPENS;
	world_want("vm", 2, 'b', NULL);
	world_advance(2 * NS_PER_S);
	assert_int_equal(world_running(), 2);
	assert_int_equal(world_serving(), 1);
	assert_state("Updating", true);
	assert_int_equal(revision_in_status("revision"), 1);
	world_instance(1)->behaviour = HEALTHY;
	world_advance(2 * NS_PER_S);
	assert_int_equal(world_running(), 1);
	assert_int_equal(world_instance(0)->base.revision, 2);
	assert_int_equal(revision_in_status("revision"), 2);
	assert_state("Running", true);
}

static void test_rollout_update_waits_for_requests_under_way(void **state _unused_)
{
	serve_first("vm", NULL);
	WORLD->app->proxy->backends[0].active = 1;
	world_want("vm", 2, 'b', NULL);
	world_advance(5 * NS_PER_S);
	assert_int_equal(world_running(), 2);
	assert_false(world_instance(0)->asked);
	assert_int_equal(world_instance(0)->base.state, INSTANCE_DRAINING);
	WORLD->app->proxy->backends[0].active = 0;
	world_advance(1 * NS_PER_S);
	assert_int_equal(world_running(), 1);
}

static void test_rollout_update_does_not_wait_for_ever(void **state _unused_)
{
	serve_first("vm", NULL);
	WORLD->app->proxy->backends[0].active = 1;
	world_want("vm", 2, 'b', NULL);
	world_advance(31 * NS_PER_S);
	assert_int_equal(world_running(), 1);
}

/* At no time are fewer than all replicas there to take requests, or more than one too many programs. */
static void test_rollout_rolling_update_keeps_all_replicas(void **state _unused_)
{
	serve_first("kubernetes", "\"replicas\": 4");
	WORLD->app->proxy->least_serving = 4;
	WORLD->next = NEVER_OPENS;
	world_want("kubernetes", 2, 'b', "\"replicas\": 4");
	for (int i = 0; i < 200 && revision_in_status("revision") != 2; i++) {
		world_advance(500 * NS_PER_MS);
		assert_in_range(world_running(), 4, 5);
		for (size_t n = 0; n < world_running(); n++) {
			if (world_instance(n)->behaviour == NEVER_OPENS)
				world_instance(n)->behaviour = HEALTHY;
		}
	}
	assert_int_equal(revision_in_status("revision"), 2);
	assert_int_equal(WORLD->app->proxy->least_serving, 4);
	assert_int_equal(world_running(), 4);
	for (size_t n = 0; n < 4; n++)
		assert_int_equal(world_instance(n)->base.revision, 2);
}

static void test_rollout_failing_update_keeps_the_old_one(void **state _unused_)
{
	serve_first("kubernetes", "\"replicas\": 2");
	WORLD->app->proxy->least_serving = 2;
	WORLD->next = CRASHES;
	world_want("kubernetes", 2, 'b', "\"replicas\": 2");
	world_advance(600 * NS_PER_S);
	assert_int_equal(revision_in_status("failedRevision"), 2);
	assert_int_equal(revision_in_status("revision"), 1);
	assert_int_equal(WORLD->starts, 2 + 3); /* three attempts, then it is given up */
	assert_int_equal(WORLD->app->proxy->least_serving, 2);
	assert_state("Running", true);
	assert_message("exited with 1");
	assert_message("Error: boom");
}

static void test_rollout_update_that_never_opens_a_port(void **state _unused_)
{
	serve_first("vm", NULL);
	WORLD->next = NEVER_OPENS;
	world_want("vm", 2, 'b', NULL);
	world_advance(59 * NS_PER_S);
	assert_int_equal(world_running(), 2);
	world_advance(2 * NS_PER_S);
	assert_int_equal(world_events("PortNeverOpened"), 1);
	assert_message("never opened a port: it was told PORT=400");
	world_advance(600 * NS_PER_S);
	assert_int_equal(revision_in_status("failedRevision"), 2);
	assert_int_equal(world_running(), 1);
	assert_int_equal(revision_in_status("revision"), 1);
}

static void test_rollout_unhealthy_first_revision_says_so(void **state _unused_)
{
	WORLD->next = UNHEALTHY;
	world_want("vm", 1, 'a', "\"healthCheck\": {\"path\": \"/\", \"periodSeconds\": 1, \"failureThreshold\": 3}");
	world_advance(10 * NS_PER_S);
	assert_true(world_events("HealthCheckFailed") >= 1);
	assert_message("health check: GET / answered 500 Internal Server Error, 3 times in a row");
	assert_state("BackOff", false);
	world_advance(60 * NS_PER_S);
	assert_int_equal(revision_in_status("failedRevision"), 1);
}

/* The operator goes back to the revision before: nothing is started again, and the verdict stays on record. */
static void test_rollout_fallback_to_the_one_that_serves(void **state _unused_)
{
	serve_first("vm", NULL);
	WORLD->next = CRASHES;
	world_want("vm", 2, 'b', NULL);
	world_advance(60 * NS_PER_S);
	int starts = WORLD->starts;
	world_want("vm", 1, 'a', NULL);
	world_advance(600 * NS_PER_S);
	assert_int_equal(WORLD->starts, starts);
	assert_state("Running", true);
	assert_int_equal(revision_in_status("revision"), 1);
	assert_int_equal(revision_in_status("failedRevision"), 2);
	_cleanup_json_ json_t *v = status(NULL);
	assert_null(json_get_str(v, "message")); /* nothing is wrong with what is wanted now */
	/* Asked for again, it gets another chance. */
	WORLD->next = HEALTHY;
	world_want("vm", 2, 'b', NULL);
	assert_int_equal(revision_in_status("failedRevision"), 0);
	world_settle();
	assert_int_equal(revision_in_status("revision"), 2);
}

static void test_rollout_third_revision_while_the_second_comes_up(void **state _unused_)
{
	serve_first("vm", NULL);
	WORLD->next = NEVER_OPENS;
	world_want("vm", 2, 'b', NULL);
	world_advance(1 * NS_PER_S);
	WORLD->next = HEALTHY;
	world_want("vm", 3, 'c', NULL);
	world_settle();
	assert_int_equal(world_running(), 1);
	assert_int_equal(world_instance(0)->base.revision, 3);
	assert_int_equal(revision_in_status("revision"), 3);
}

static void test_rollout_same_program_under_another_number(void **state _unused_)
{
	serve_first("kubernetes", "\"replicas\": 2");
	world_want("kubernetes", 2, 'a', "\"replicas\": 2, \"healthCheck\": {\"periodSeconds\": 5}");
	world_settle();
	assert_int_equal(WORLD->starts, 2);
	assert_int_equal(revision_in_status("revision"), 2);
}

static void test_rollout_scales(void **state _unused_)
{
	serve_first("kubernetes", "\"replicas\": 2");
	world_want("kubernetes", 1, 'a', "\"replicas\": 5");
	world_settle();
	assert_int_equal(world_serving(), 5);
	uint64_t first = world_instance(0)->base.id;
	world_want("kubernetes", 1, 'a', "\"replicas\": 1");
	world_settle();
	assert_int_equal(world_serving(), 1);
	assert_int_equal(world_instance(0)->base.id, first); /* the one that served longest stays */
	assert_int_equal(WORLD->starts, 5);
}

static void test_rollout_removes_old_releases(void **state _unused_)
{
	serve_first("vm", NULL);
	_cleanup_free_ char *old = xasprintf("app/releases/%s/src/x", WORLD->app->release_id);
	_cleanup_free_ char *path = xasprintf("apps/default/%s", old);
	testing_write(WORLD->dir, path, "", 0600);
	world_want("vm", 2, 'b', NULL);
	world_settle();
	/* The old instance was still there when the new one took over: the next completion takes its release away. */
	world_want("vm", 3, 'c', NULL);
	world_settle();
	assert_int_equal(WORLD->swept, 1);
}

/* ---- healing ---- */

static void test_rollout_heals_a_program_that_ended(void **state _unused_)
{
	serve_first("vm", NULL);
	world_advance(120 * NS_PER_S);
	world_end(world_instance(0), -1, SIGSEGV, "");
	world_settle();
	assert_int_equal(WORLD->starts, 2); /* at once */
	assert_int_equal(world_serving(), 1);
	assert_int_equal(world_events("DriftDetected"), 1);
	assert_int_equal(world_events("DriftHealed"), 1);
	assert_non_null(strstr(world_last_message("DriftDetected"), "was ended by signal 11 after 120.0 s"));
	_cleanup_json_ json_t *v = status(NULL);
	assert_int_equal(json_get_int(v, "restarts", 0), 1);
	assert_int_equal(json_int(json_at(v, "lastExit", "signal", NULL), 0), SIGSEGV);
	assert_state("Running", true);
}

static void test_rollout_other_replicas_go_on(void **state _unused_)
{
	serve_first("kubernetes", "\"replicas\": 3");
	world_advance(120 * NS_PER_S);
	WORLD->app->proxy->least_serving = 3;
	world_end(world_instance(1), 1, 0, "");
	world_settle();
	assert_int_equal(world_serving(), 3);
	assert_int_equal(WORLD->app->proxy->least_serving, 2);
}

/* At once, then after 1, 2, 4, … 60 s. */
static void test_rollout_backs_off(void **state _unused_)
{
	serve_first("vm", NULL);
	world_advance(1 * NS_PER_S);
	WORLD->next = CRASHES;
	world_end(world_instance(0), 1, 0, "");
	int64_t begun = WORLD->now;
	world_settle();
	int64_t expected[] = { 0, 1, 3, 7, 15, 31, 63, 123, 183 };
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		if (WORLD->starts < (int)i + 2)
			world_advance(begun + expected[i] * NS_PER_S - WORLD->now);
		if (WORLD->starts != (int)i + 2)
			fail_msg("after %d s there were %d starts", (int)expected[i], WORLD->starts);
		if (expected[i] > 0)
			world_advance(NS_PER_S / 2);
		if (WORLD->starts != (int)i + 2)
			fail_msg("after %d.5 s there were %d starts", (int)expected[i], WORLD->starts);
	}
	assert_state("BackOff", false);
	assert_message("exited with 1");
	/* It is given up by name, but there is nothing else to run: so it is tried for ever. */
	WORLD->next = HEALTHY;
	world_advance(120 * NS_PER_S);
	assert_state("Running", true);
	assert_int_equal(revision_in_status("failedRevision"), 0);
}

static void test_rollout_forgets_failures_after_a_long_life(void **state _unused_)
{
	serve_first("vm", NULL);
	for (int i = 0; i < 5; i++) {
		world_advance(120 * NS_PER_S);
		world_end(world_instance(0), 1, 0, "");
		world_settle();
		assert_int_equal(WORLD->starts, 2 + i);
	}
}

static void test_rollout_restarts_what_is_no_longer_healthy(void **state _unused_)
{
	serve_first("vm", "\"healthCheck\": {\"path\": \"/\", \"periodSeconds\": 2, \"failureThreshold\": 3}");
	world_advance(120 * NS_PER_S);
	world_instance(0)->behaviour = UNHEALTHY;
	uint64_t sick = world_instance(0)->base.id;
	world_advance(4500 * NS_PER_MS);
	assert_int_equal(world_serving(), 1); /* twice may be chance */
	world_advance(4 * NS_PER_S);
	assert_int_equal(world_events("HealthCheckFailed"), 1);
	assert_int_not_equal(world_instance(0)->base.id, sick);
	assert_int_equal(world_serving(), 1);
}

static void test_rollout_says_out_of_port(void **state _unused_)
{
	WORLD->next = NEVER_OPENS;
	world_want("vm", 1, 'a', "\"port\": 3000");
	world_settle();
	world_end(world_instance(0), 1, 0, "Error: listen EADDRINUSE: address already in use :::3000\n");
	world_settle();
	assert_message("port 3000 is used by another program on this machine");
	_cleanup_json_ json_t *v = status(NULL);
	assert_string_equal(json_get_str(v, "reason"), "PortConflict");
}

static void test_rollout_says_out_of_port_of_a_program_that_names_none(void **state _unused_)
{
	WORLD->next = NEVER_OPENS;
	world_want("vm", 1, 'a', "\"port\": 5000");
	world_settle();
	world_end(world_instance(0), 1, 0, "OSError: [Errno 98] Address already in use\n");
	world_settle();
	assert_message("port 5000 is used by another program on this machine");
}

/* Somebody took the port we had found before the program did: another is found, and nobody is blamed. */
static void test_rollout_lost_race_for_a_port_is_no_failure(void **state _unused_)
{
	WORLD->next = NEVER_OPENS;
	world_want("vm", 1, 'a', NULL);
	world_settle();
	_cleanup_free_ char *log = xasprintf("Error: listen EADDRINUSE: address already in use 127.0.0.1:%d\n",
	                                     world_instance(0)->base.port);
	WORLD->next = HEALTHY;
	world_end(world_instance(0), 1, 0, log);
	world_settle();
	assert_state("Running", true);
	assert_int_equal(WORLD->app->attempts, 0);
}

static void test_rollout_start_that_fails(void **state _unused_)
{
	WORLD->next = NEVER_OPENS;
	world_want("vm", 1, 'a', NULL);
	world_settle();
	_cleanup_err_ struct err err = { 0 };
	err_set(&err, ERR_INTERNAL, "starting scia-shim: too many open files");
	WORLD->next = HEALTHY;
	app_launch_failed(WORLD->app, &world_instance(0)->base, &err, WORLD->now);
	world_settle();
	assert_state("BackOff", false);
	assert_message("too many open files");
	world_advance(2 * NS_PER_S);
	assert_state("Running", true);
}

/* ---- programs that insist on their port ---- */

static void test_rollout_fixed_port_limits_replicas(void **state _unused_)
{
	WORLD->next = IGNORES_PORT;
	world_want("kubernetes", 1, 'a', "\"replicas\": 1");
	world_settle();
	assert_int_equal(world_serving(), 1);
	assert_int_equal(WORLD->app->proxy->backends[0].port, 3000);
	world_want("kubernetes", 1, 'a', "\"replicas\": 3");
	world_advance(10 * NS_PER_S);
	assert_int_equal(WORLD->starts, 1);
	assert_state("Running", true);
	assert_message("1 of 3 replicas runs");
}

static void test_rollout_fixed_port_found_out_by_three_at_once(void **state _unused_)
{
	WORLD->next = NEVER_OPENS;
	world_want("kubernetes", 1, 'a', "\"replicas\": 3");
	world_settle();
	assert_int_equal(WORLD->starts, 3);
	world_instance(1)->behaviour = IGNORES_PORT;
	world_end(world_instance(0), 1, 0, "Error: listen EADDRINUSE: address already in use :::3000\n");
	world_end(world_instance(2), 1, 0, "Error: listen EADDRINUSE: address already in use :::3000\n");
	world_advance(5 * NS_PER_S);
	assert_int_equal(world_serving(), 1);
	assert_int_equal(world_running(), 1);
	assert_int_equal(revision_in_status("failedRevision"), 0);
	assert_int_equal(revision_in_status("revision"), 1);
}

/* Two cannot listen at a time: the old one goes first. */
static void test_rollout_fixed_port_update_makes_room(void **state _unused_)
{
	WORLD->next = IGNORES_PORT;
	serve_first("vm", NULL);
	world_want("vm", 2, 'b', NULL);
	world_settle();
	assert_int_equal(WORLD->app->proxy->least_serving, 0);
	assert_int_equal(world_running(), 1);
	assert_int_equal(world_serving(), 1);
	assert_int_equal(revision_in_status("revision"), 2);
}

/* … but not while the new one is built. */
static void test_rollout_fixed_port_update_waits_for_its_build(void **state _unused_)
{
	WORLD->next = IGNORES_PORT;
	serve_first("vm", NULL);
	WORLD->build_holds = true;
	world_want("vm", 2, 'b', NULL);
	world_advance(60 * NS_PER_S);
	assert_int_equal(world_serving(), 1);
}

static void test_rollout_fixed_port_was_mended(void **state _unused_)
{
	WORLD->next = IGNORES_PORT;
	serve_first("kubernetes", "\"replicas\": 1");
	WORLD->next = HEALTHY;
	world_want("kubernetes", 2, 'b', "\"replicas\": 2");
	world_advance(5 * NS_PER_S);
	assert_int_equal(world_serving(), 2);
}

/* ---- serverless ---- */

static void test_rollout_serverless_sleeps_and_wakes(void **state _unused_)
{
	serve_first("serverless", "\"idleSeconds\": 30");
	assert_int_equal(WORLD->starts, 1); /* once, to know that it works */
	world_advance(29 * NS_PER_S);
	assert_int_equal(world_running(), 1);
	world_advance(3 * NS_PER_S);
	assert_int_equal(world_running(), 0);
	assert_state("Idle", true);
	assert_int_equal(revision_in_status("revision"), 1);
	world_advance(3600 * NS_PER_S);
	assert_int_equal(WORLD->starts, 1);

	app_demand(WORLD->app, WORLD->now);
	world_settle();
	assert_int_equal(world_serving(), 1);
	WORLD->app->proxy->last_activity_ns = WORLD->now;
	world_advance(29 * NS_PER_S);
	assert_int_equal(world_running(), 1);
	WORLD->app->proxy->last_activity_ns = WORLD->now;
	WORLD->app->proxy->active = 1; /* a request that takes long */
	world_advance(300 * NS_PER_S);
	assert_int_equal(world_running(), 1);
	WORLD->app->proxy->active = 0;
	WORLD->app->proxy->last_activity_ns = WORLD->now;
	world_advance(32 * NS_PER_S);
	assert_int_equal(world_running(), 0);
	assert_int_equal(world_events("DriftDetected"), 0);
}

static void test_rollout_serverless_idle_costs_nothing(void **state _unused_)
{
	serve_first("serverless", "\"idleSeconds\": 1");
	world_advance(5 * NS_PER_S);
	assert_int_equal(world_running(), 0);
	assert_true(WORLD->app->due_ns - WORLD->now > 1000 * NS_PER_S); /* nobody looks at it until somebody asks */
}

static void test_rollout_serverless_that_cannot_wake_says_so(void **state _unused_)
{
	serve_first("serverless", "\"idleSeconds\": 1");
	world_advance(5 * NS_PER_S);
	WORLD->next = CRASHES;
	app_demand(WORLD->app, WORLD->now);
	world_settle();
	assert_state("BackOff", false);
	WORLD->next = HEALTHY;
	world_advance(1 * NS_PER_S);
	app_demand(WORLD->app, WORLD->now);
	world_advance(1 * NS_PER_S);
	assert_int_equal(world_serving(), 1);
}

static void test_rollout_serverless_update_while_asleep(void **state _unused_)
{
	serve_first("serverless", "\"idleSeconds\": 1");
	world_advance(5 * NS_PER_S);
	world_want("serverless", 2, 'b', "\"idleSeconds\": 1");
	world_settle();
	assert_int_equal(revision_in_status("revision"), 2);
	world_advance(5 * NS_PER_S);
	assert_int_equal(world_running(), 0);
	assert_state("Idle", true);
}

static void test_rollout_mode_may_change(void **state _unused_)
{
	serve_first("serverless", "\"idleSeconds\": 1");
	world_advance(5 * NS_PER_S);
	world_want("vm", 2, 'a', NULL);
	world_settle();
	assert_int_equal(world_serving(), 1);
	world_want("kubernetes", 3, 'a', "\"replicas\": 3");
	world_settle();
	assert_int_equal(world_serving(), 3);
	world_want("vm", 4, 'a', NULL);
	world_settle();
	assert_int_equal(world_serving(), 1);
	world_want("serverless", 5, 'a', "\"idleSeconds\": 1");
	world_advance(5 * NS_PER_S);
	assert_int_equal(world_running(), 0);
	assert_state("Idle", true);
	assert_int_equal(revision_in_status("revision"), 5);
	assert_int_equal(WORLD->builds, 1); /* the same program all the time */
}

/* ---- the disk ---- */

static void test_rollout_over_quota_begins_anew(void **state _unused_)
{
	serve_first("kubernetes", "\"replicas\": 2");
	world_advance(120 * NS_PER_S);
	app_over_quota(WORLD->app, WORLD->app->release_id, INT64_C(1) << 30, WORLD->now);
	assert_int_equal(world_serving(), 0);
	assert_int_equal(world_events("DiskQuotaExceeded"), 1);
	assert_non_null(strstr(world_last_message("DiskQuotaExceeded"), "wrote more than 1024 MiB below /app"));
	app_over_quota(WORLD->app, WORLD->app->release_id, INT64_C(1) << 30, WORLD->now);
	assert_int_equal(world_events("DiskQuotaExceeded"), 1);
	world_advance(5 * NS_PER_S);
	assert_int_equal(WORLD->builds, 2);
	assert_int_equal(world_serving(), 2);
	assert_state("Running", true);
}

/* ---- the end ---- */

static void test_rollout_deletion_asks_then_kills(void **state _unused_)
{
	serve_first("kubernetes", "\"replicas\": 2");
	world_instance(0)->behaviour = DEAF;
	WORLD->app->is_deleting = true;
	WORLD->app->due_ns = 0;
	assert_false(app_step(WORLD->app, WORLD->now));
	assert_true(world_instance(0)->asked);
	assert_state("Stopping", false);
	WORLD->now += 9 * NS_PER_S;
	assert_false(app_step(WORLD->app, WORLD->now));
	assert_false(world_instance(0)->killed);
	WORLD->now += 2 * NS_PER_S;
	assert_false(app_step(WORLD->app, WORLD->now));
	assert_true(world_instance(0)->killed);
	assert_true(app_step(WORLD->app, WORLD->now)); /* nothing is left */
	assert_int_equal(world_events("DriftDetected"), 0);
}

static void test_rollout_deletion_ends_a_build(void **state _unused_)
{
	WORLD->build_holds = true;
	world_want("vm", 1, 'a', NULL);
	world_settle();
	WORLD->app->is_deleting = true;
	assert_false(app_step(WORLD->app, WORLD->now));
	assert_int_equal(WORLD->cancels, 1);
	world_settle();
	assert_true(app_step(WORLD->app, WORLD->now));
	assert_int_equal(WORLD->starts, 0);
}

/* An application found on disk whose Process has not been seen yet is watched, but nothing is started without the
 * secrets of its environment. */
static void test_rollout_starts_nothing_without_an_environment(void **state _unused_)
{
	serve_first("vm", NULL);
	WORLD->app->has_env = false;
	world_end(world_instance(0), 1, 0, "");
	world_advance(60 * NS_PER_S);
	assert_int_equal(WORLD->starts, 1);
	world_want("vm", 1, 'a', NULL);
	world_settle();
	assert_int_equal(WORLD->starts, 2);
}

/* ---- what is told ---- */

static void test_rollout_tells_changes_only(void **state _unused_)
{
	serve_first("vm", NULL);
	int changes = WORLD->changes;
	assert_true(changes > 0);
	world_advance(600 * NS_PER_S);
	assert_int_equal(WORLD->changes, changes);
	world_end(world_instance(0), 1, 0, "");
	world_settle();
	assert_true(WORLD->changes > changes);
}

static void test_rollout_status_shows_no_secret(void **state _unused_)
{
	WORLD->next = NEVER_OPENS;
	world_want("vm", 1, 'a', NULL);
	strv_push(&WORLD->app->secrets, "hunter22");
	world_settle();
	world_end(world_instance(0), 1, 0, "connecting with hunter22\nError: hunter22 is refused\n");
	world_settle();
	_cleanup_json_ json_t *v = status(NULL);
	_cleanup_free_ char *text = json_to_str(v);
	assert_null(strstr(text, "hunter22"));
	assert_non_null(strstr(text, "Error: ******** is refused"));
}

static void test_rollout_status_of_processes(void **state _unused_)
{
	serve_first("kubernetes", "\"replicas\": 2");
	_cleanup_json_ json_t *v = status(NULL);
	const json_t *processes = json_object_get(v, "processes"), *first = json_array_get(processes, 0);
	assert_int_equal(json_array_size(processes), 2);
	assert_int_equal(json_get_int(first, "revision", 0), 1);
	assert_true(json_get_bool(first, "ready", false));
	assert_int_equal(json_get_int(first, "port", 0), 40001);
	assert_non_null(json_object_get(first, "replica"));
	assert_string_equal(json_get_str(v, "url"), "http://127.0.0.1:8080/");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_rollout_##name, setup, teardown)
		T(vm_builds_starts_and_serves),
		T(kubernetes_starts_all_replicas_at_once),
		T(one_of_several_serves_already),
		T(zero_replicas),
		T(failed_build_is_tried_again_later),
		T(network_away_for_a_moment),
		T(failed_build_leaves_the_old_one_alone),
		T(build_nobody_wants_any_more_is_ended),
		T(update_starts_the_new_beside_the_old),
		T(update_waits_for_requests_under_way),
		T(update_does_not_wait_for_ever),
		T(rolling_update_keeps_all_replicas),
		T(failing_update_keeps_the_old_one),
		T(update_that_never_opens_a_port),
		T(unhealthy_first_revision_says_so),
		T(fallback_to_the_one_that_serves),
		T(third_revision_while_the_second_comes_up),
		T(same_program_under_another_number),
		T(scales),
		T(removes_old_releases),
		T(heals_a_program_that_ended),
		T(other_replicas_go_on),
		T(backs_off),
		T(forgets_failures_after_a_long_life),
		T(restarts_what_is_no_longer_healthy),
		T(says_out_of_port),
		T(says_out_of_port_of_a_program_that_names_none),
		T(lost_race_for_a_port_is_no_failure),
		T(start_that_fails),
		T(fixed_port_limits_replicas),
		T(fixed_port_found_out_by_three_at_once),
		T(fixed_port_update_makes_room),
		T(fixed_port_update_waits_for_its_build),
		T(fixed_port_was_mended),
		T(serverless_sleeps_and_wakes),
		T(serverless_idle_costs_nothing),
		T(serverless_that_cannot_wake_says_so),
		T(serverless_update_while_asleep),
		T(mode_may_change),
		T(over_quota_begins_anew),
		T(deletion_asks_then_kills),
		T(deletion_ends_a_build),
		T(starts_nothing_without_an_environment),
		T(tells_changes_only),
		T(status_shows_no_secret),
		T(status_of_processes),
	};
	return cmocka_run_group_tests_name("rollout", tests, NULL, NULL);
}
