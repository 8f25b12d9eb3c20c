/* From what is to what is wanted, one step at a time. A step never waits: it looks, acts, and says when to look again.
 *
 * A new release is started beside the one that serves. Only when an instance of it passes its health check does it get
 * requests, and only then does an old one go: its kept connections end between requests (drain), then it is asked to
 * stop. When what is new does not get healthy, it is given up and the old goes on serving. */

#include "app.h"

#include "base/clock.h"
#include "base/str.h"

#define DRAIN_LOOK_NS (50 * NS_PER_MS)
#define DRAIN_TIMEOUT_NS (30 * NS_PER_S)
#define KILL_LOOK_NS (1 * NS_PER_S)
#define IDLE_SECONDS 60
#define IDLE_LOOK_NS (1 * NS_PER_S)
#define DEMAND_NS (2 * NS_PER_S)
#define FAR_NS (3600 * NS_PER_S)

/* ---- how many ---- */

/* Has nobody asked for anything for a while? Else look again when that may be so. */
static bool is_idle(struct app *a, int64_t now)
{
	struct proxy_stats stats;
	int64_t idle_ns = json_get_int(a->spec, "idleSeconds", IDLE_SECONDS) * NS_PER_S;
	proxy_get_stats(a->proxy, &stats);
	int64_t last = stats.last_activity_ns > a->verified_ns ? stats.last_activity_ns : a->verified_ns;
	if (stats.active == 0 && now - last >= idle_ns)
		return true;
	app_look_again(a, stats.active || last + idle_ns < now + IDLE_LOOK_NS ? now + IDLE_LOOK_NS : last + idle_ns);
	return false;
}

/* How many instances of what is wanted there should be now. */
static int wanted_now(struct app *a, int64_t now)
{
	if (!str_eq(app_mode(a), "serverless"))
		return app_wanted_replicas(a);
	/* Every new release is started once, to know that it works. */
	if (!str_eq(a->serving_hash, a->run_hash))
		return 1;
	if (a->last_demand_ns && now - a->last_demand_ns < DEMAND_NS) {
		app_look_again(a, a->last_demand_ns + DEMAND_NS);
		return 1;
	}
	return app_count(a, a->run_hash, false) > 0 && !is_idle(a, now) ? 1 : 0;
}

/* ---- starting and stopping ---- */

static void drain(struct app *a, struct instance *i, int64_t now)
{
	if (i->state >= INSTANCE_DRAINING)
		return;
	if (i->state == INSTANCE_STARTING) {
		instance_stop(i, now);
		return;
	}
	proxy_backend_drain(a->proxy, i->backend_port);
	i->state = INSTANCE_DRAINING;
	i->deadline_ns = now + DRAIN_TIMEOUT_NS;
}

static void watch_end(struct app *a, struct instance *i, int64_t now)
{
	if (i->state == INSTANCE_DRAINING) {
		if (proxy_backend_active(a->proxy, i->backend_port) == 0 || now >= i->deadline_ns)
			instance_stop(i, now);
		else
			app_look_again(a, now + DRAIN_LOOK_NS);
	}
	if (i->state != INSTANCE_STOPPING)
		return;
	if (now >= i->deadline_ns)
		instance_kill(i);
	app_look_again(a, now >= i->deadline_ns ? now + KILL_LOOK_NS : i->deadline_ns);
}

static void start_missing(struct app *a, int wanted, int64_t now)
{
	int running = (int)app_count(a, a->run_hash, false), ready = (int)app_count(a, a->run_hash, true);
	bool others = app_has_other_serving(a);
	if (running >= wanted)
		return;
	if (now < a->backoff_until_ns) {
		app_look_again(a, a->backoff_until_ns);
		return;
	}
	/* Beside what serves one comes up at a time; when nothing serves, all do. */
	while (running < wanted && (!others || running == ready)) {
		if (a->has_fixed_port && TAILQ_FIRST(&a->instances))
			return; /* two of them cannot listen at a time */
		instance_start(a);
		running++;
	}
}

/* Which surplus instance goes: one that does not serve yet rather than one that does, then the newest. NULL: none is
 * there. */
static struct instance *find_surplus(const struct app *a, bool is_wanted)
{
	struct instance *i, *found = NULL;
	TAILQ_FOREACH (i, &a->instances, next) {
		if (i->state >= INSTANCE_DRAINING || app_is_wanted(a, i) != is_wanted)
			continue;
		if (!found || i->state <= found->state)
			found = i;
	}
	return found;
}

static void keep_only(struct app *a, bool is_wanted, int count, int64_t now)
{
	int there = (int)app_count(a, a->run_hash, false);
	if (!is_wanted)
		there = (int)app_count(a, NULL, false) - there;
	for (; there > count; there--)
		drain(a, find_surplus(a, is_wanted), now);
}

/* Old instances go as new ones take over; surplus ones go too. */
static void stop_surplus(struct app *a, int wanted, int64_t now)
{
	int ready = (int)app_count(a, a->run_hash, true), running = (int)app_count(a, a->run_hash, false);
	bool is_built = a->build == BUILD_DONE && str_eq(a->build_id, a->release_id);
	/* What was given up goes, and what serves in its place stays. */
	if (app_was_given_up(a)) {
		keep_only(a, true, 0, now);
		return;
	}
	keep_only(a, true, wanted, now);
	/* A program that insists on its port cannot come up beside another one. */
	bool make_room = a->has_fixed_port && is_built && running == 0 && wanted > 0;
	keep_only(a, false, make_room || ready >= wanted ? 0 : wanted - ready, now);
}

/* ---- the verdict ---- */

static void note_completion(struct app *a, int wanted, int64_t now)
{
	bool serves_this = str_eq(a->serving_hash, a->run_hash);
	bool is_done = (int)app_count(a, a->run_hash, true) >= wanted && (wanted > 0 || app_wanted_replicas(a) == 0);
	bool is_asleep = serves_this && wanted == 0;
	if (!is_done && !is_asleep)
		return;
	if (is_done)
		app_set_trouble(a, NULL, NULL);
	/* What failed stays on record while the one before serves in its place, but not once it serves itself. */
	bool has_recovered = is_done && str_eq(a->failed_hash, a->run_hash);
	if (serves_this && a->serving_revision == a->revision && !has_recovered)
		return;
	a->failed_hash[0] = '\0';
	a->failed_revision = 0;
	memcpy(a->serving_hash, a->run_hash, sizeof(a->serving_hash));
	a->serving_revision = a->revision;
	app_save_or_warn(a);
	app_remove_old_releases(a);
	app_look_again(a, now); /* other rules hold from now on */
}

/* ---- the step ---- */

static bool step_deletion(struct app *a, int64_t now)
{
	struct instance *i;
	TAILQ_FOREACH (i, &a->instances, next)
		instance_stop(i, now);
	TAILQ_FOREACH (i, &a->instances, next)
		watch_end(a, i, now);
	if (a->build == BUILD_RUNNING)
		builder_cancel(a->provider->builder, a->key);
	if (!TAILQ_FIRST(&a->instances) && a->build != BUILD_RUNNING)
		return true;
	app_report_changes(a);
	return false;
}

/* The same program under another revision number: it need not start again. */
static void relabel(struct app *a)
{
	struct instance *i;
	TAILQ_FOREACH (i, &a->instances, next) {
		if (app_is_wanted(a, i))
			i->revision = a->revision;
	}
}

bool app_step(struct app *a, int64_t now)
{
	struct instance *i;
	a->due_ns = now + FAR_NS;
	app_collect_ended(a, now);
	if (a->is_deleting)
		return step_deletion(a, now);
	relabel(a);
	int wanted = wanted_now(a, now);
	if (app_ensure_release(a, now) && a->has_env && !app_was_given_up(a))
		start_missing(a, wanted, now);
	TAILQ_FOREACH (i, &a->instances, next)
		app_check_health(a, i, now);
	stop_surplus(a, wanted, now);
	TAILQ_FOREACH (i, &a->instances, next)
		watch_end(a, i, now);
	note_completion(a, wanted, now);
	app_report_changes(a);
	return false;
}

void app_demand(struct app *a, int64_t now)
{
	a->last_demand_ns = now;
	a->due_ns = now;
}
