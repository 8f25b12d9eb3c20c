#ifndef LOCAL_ROLLOUT_TESTING_H
#define LOCAL_ROLLOUT_TESTING_H
/* One application and a world of its own: no programs, no proxy, no clock but the test's. What rollout.c, health.c,
 * exits.c and builds.c call to act on the outside is defined here instead, so that they are tested as the plain
 * functions of state and time that they are. */

#include "app.h"

#include "local_testing.h"
#include "log_text.h"

#include <signal.h>

#define BACKENDS_MAX 64
#define EVENTS_MAX 256

/* How a program that is started behaves. */
enum behaviour {
	HEALTHY,
	NEVER_OPENS,  /* it listens nowhere */
	UNHEALTHY,    /* it listens, and answers its health check with an error */
	CRASHES,      /* it ends as soon as it is looked at */
	IGNORES_PORT, /* healthy, on port 3000 whatever it was told */
	DEAF,         /* healthy, and ignores SIGTERM */
};

struct fake_instance {
	struct instance base;
	enum behaviour behaviour;
	bool has_ended, is_gone; /* ended: its shim did; gone: instance_remove() was called (then it is freed) */
	int code, signal;
	bool asked, killed;
};

/* net's type is opaque: this is ours. */
struct proxy {
	struct {
		int port, active;
		bool draining;
	} backends[BACKENDS_MAX];
	int len, active;
	int64_t last_activity_ns;
	int least_serving; /* the fewest backends that took requests at a time, since it was set */
};

struct world {
	char *dir;
	struct local_provider provider;
	struct app *app;
	int64_t now;
	enum behaviour next;
	uint64_t last_id;
	int starts, next_port;
	bool build_holds;                   /* builds do not end by themselves */
	struct release_result build_result; /* how they end */
	int builds, cancels;
	struct release_job *job; /* under way */
	struct probe_request probes[BACKENDS_MAX];
	int probes_len;
	struct {
		char *reason, *message;
	} events[EVENTS_MAX];
	int events_len, changes;
	int swept;
};

/* The world that the functions below act on: they have no other way to it. */
static struct world *WORLD;

static inline void world_end(struct fake_instance *i, int code, int number, const char *log);

/* ---- what is acted on, instead of instance.c ---- */

static inline struct fake_instance *fake(const struct instance *i)
{
	return (struct fake_instance *)(uintptr_t)i;
}

struct instance *instance_start(struct app *a)
{
	struct fake_instance *f = new0(struct fake_instance);
	struct instance *i = &f->base;
	f->behaviour = WORLD->next;
	i->id = ++WORLD->last_id;
	i->dir = xasprintf("%s/i%llu", WORLD->dir, (unsigned long long)i->id);
	i->cgroup = xstrdup("none");
	memcpy(i->run_hash, a->run_hash, sizeof(i->run_hash));
	memcpy(i->release_id, a->release_id, sizeof(i->release_id));
	i->revision = a->revision;
	i->port = ++WORLD->next_port;
	i->pidfd = 1;
	i->started_ns = WORLD->now;
	i->is_listed = true;
	TAILQ_INSERT_TAIL(&a->instances, i, next);
	WORLD->starts++;
	return i;
}

bool instance_find(struct instance *i)
{
	i->child = (pid_t)(100000 + i->id);
	return true;
}

bool instance_has_ended(const struct instance *i)
{
	if (fake(i)->behaviour == CRASHES && !fake(i)->has_ended)
		world_end(fake(i), 1, 0, "Error: boom\n");
	return fake(i)->has_ended;
}

bool instance_read_exit(const struct instance *i, int *ret_code, int *ret_signal)
{
	*ret_code = fake(i)->code;
	*ret_signal = fake(i)->signal;
	return true;
}

void instance_settle(struct app *a _unused_, struct instance *i _unused_)
{
}

void instance_stop(struct instance *i, int64_t now_ns)
{
	if (i->state == INSTANCE_STOPPING)
		return;
	i->state = INSTANCE_STOPPING;
	i->deadline_ns = now_ns + 10 * NS_PER_S;
	fake(i)->asked = true;
	if (fake(i)->behaviour != DEAF) {
		fake(i)->has_ended = true;
		fake(i)->code = 143;
		WORLD->app->due_ns = WORLD->now;
	}
}

void instance_kill(struct instance *i)
{
	fake(i)->killed = fake(i)->has_ended = true;
	fake(i)->signal = SIGKILL;
	WORLD->app->due_ns = WORLD->now;
}

void instance_remove(struct app *a, struct instance *i)
{
	TAILQ_REMOVE(&a->instances, i, next);
	if (i->backend_port)
		proxy_backend_remove(a->proxy, i->backend_port);
	instance_free(i);
}

void instance_free(struct instance *i)
{
	free(i->dir);
	free(i->cgroup);
	free(i->probe_message);
	free(fake(i));
}

/* ---- instead of builder.c, probe.c and sweeper.c ---- */

void builder_submit(struct builder *b _unused_, struct release_job *job)
{
	assert_null(WORLD->job); /* one at a time */
	WORLD->job = job;
	WORLD->builds++;
}

void builder_cancel(struct builder *b _unused_, const char *key _unused_)
{
	WORLD->cancels++;
	if (WORLD->job)
		atomic_store(&WORLD->job->cancelled, true);
}

void prober_submit(struct prober *p _unused_, const struct probe_request *request)
{
	assert_true(WORLD->probes_len < BACKENDS_MAX);
	WORLD->probes[WORLD->probes_len++] = *request;
}

void sweeper_take(struct sweeper *s _unused_, const char *cgroup _unused_, const char *path _unused_)
{
	WORLD->swept++;
}

void kube_event(struct kube_recorder *r _unused_, const json_t *regarding, enum kube_event_type type _unused_,
                const char *reason, const char *fmt, ...)
{
	va_list ap;
	if (!str_eq(json_get_str(regarding, "kind"), "Process"))
		return; /* what is said about the Deployment is the same */
	va_start(ap, fmt);
	assert_true(WORLD->events_len < EVENTS_MAX);
	WORLD->events[WORLD->events_len].reason = xstrdup(reason);
	WORLD->events[WORLD->events_len++].message = xvasprintf(fmt, ap);
	va_end(ap);
}

/* ---- instead of net/reverse_proxy.h ---- */

static void note_serving(struct proxy *p)
{
	int serving = 0;
	for (int i = 0; i < p->len; i++)
		serving += !p->backends[i].draining;
	if (serving < p->least_serving)
		p->least_serving = serving;
}

static int find_backend(struct proxy *p, int port)
{
	for (int i = 0; i < p->len; i++) {
		if (p->backends[i].port == port)
			return i;
	}
	return -1;
}

void proxy_backend_add(struct proxy *p, int port)
{
	assert_true(p->len < BACKENDS_MAX && find_backend(p, port) < 0);
	p->backends[p->len].port = port;
	p->backends[p->len].active = 0;
	p->backends[p->len++].draining = false;
}

void proxy_backend_drain(struct proxy *p, int port)
{
	int i = find_backend(p, port);
	if (i >= 0)
		p->backends[i].draining = true;
	note_serving(p);
}

int proxy_backend_active(struct proxy *p, int port)
{
	int i = find_backend(p, port);
	return i >= 0 ? p->backends[i].active : 0;
}

void proxy_backend_remove(struct proxy *p, int port)
{
	int i = find_backend(p, port);
	if (i >= 0)
		p->backends[i] = p->backends[--p->len];
	note_serving(p);
}

void proxy_get_stats(struct proxy *p, struct proxy_stats *ret)
{
	*ret = (struct proxy_stats){ .active = p->active, .last_activity_ns = p->last_activity_ns };
}

void proxy_close(struct proxy *p, int64_t grace_ns _unused_)
{
	free(p);
}

/* ---- the world ---- */

static void on_change(void *self _unused_, const char *ns _unused_, const char *name _unused_)
{
	WORLD->changes++;
}

static inline void world_new(void)
{
	WORLD = new0(struct world);
	WORLD->dir = testing_dir();
	WORLD->now = 1000 * NS_PER_S;
	WORLD->next_port = 40000;
	WORLD->provider.dir = WORLD->dir;
	WORLD->provider.config.changed = on_change;
	WORLD->provider.config.disk_max = INT64_C(1) << 30;
	WORLD->provider.cgroups = cgroups_open(WORLD->dir, "none");
	WORLD->app = app_new(&WORLD->provider, "default", "app");
	WORLD->app->proxy = new0(struct proxy);
	WORLD->app->port = 8080;
}

static inline void world_free(void)
{
	release_job_free(WORLD->job);
	app_free(WORLD->app);
	cgroups_close(WORLD->provider.cgroups);
	for (int i = 0; i < WORLD->events_len; i++) {
		free(WORLD->events[i].reason);
		free(WORLD->events[i].message);
	}
	testing_remove(WORLD->dir);
	free(WORLD);
	WORLD = NULL;
}

/* A Process of that mode and those further fields (JSON members) is wanted, as revision N of a commit of that letter.
 */
static inline void world_want(const char *mode, int revision, char commit, const char *fields)
{
	_cleanup_free_ char *text = xasprintf(
		"{\"metadata\": {\"namespace\": \"default\", \"name\": \"app\", \"uid\": \"u\", \"labels\": "
		"{\"scia.io/deployment\": \"app\", \"scia.io/deployment-uid\": \"d\"}}, \"spec\": {\"forProvider\": {\"mode\": "
		"\"%s\", \"revision\": %d, \"source\": {\"url\": \"u\", \"commit\": \"%c\"}, \"startCommand\": \"s\"%s%s}}}",
		mode, revision, commit, fields ? ", " : "", fields ? fields : "");
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *managed = json_parse(text, strlen(text), 0, &err);
	if (!managed)
		fail_msg("%s", err_message(&err));
	app_set_spec(WORLD->app, managed, NULL, NULL);
	WORLD->app->due_ns = 0;
}

static void end_build(void)
{
	struct release_job *job = WORLD->job;
	if (!job || (WORLD->build_holds && !atomic_load(&job->cancelled)))
		return;
	WORLD->job = NULL;
	app_build_done(WORLD->app, job, &WORLD->build_result, WORLD->now);
	WORLD->app->due_ns = 0;
	release_job_free(job);
}

static struct fake_instance *find_instance(uint64_t id)
{
	struct instance *i;
	TAILQ_FOREACH (i, &WORLD->app->instances, next) {
		if (i->id == id)
			return fake(i);
	}
	return NULL;
}

static void answer_probe(const struct probe_request *request)
{
	struct fake_instance *f = find_instance(request->id);
	if (!f || f->has_ended)
		return;
	struct probe_result result = { .id = request->id, .port = request->port };
	if (f->behaviour == NEVER_OPENS) {
		result.message = "it listens on no port yet";
	} else {
		result.is_open = true;
		result.port = f->behaviour == IGNORES_PORT ? 3000 : f->base.port;
		result.ok = f->behaviour != UNHEALTHY;
		result.message = result.ok ? NULL : "GET / answered 500 Internal Server Error";
	}
	app_probe_done(WORLD->app, &f->base, &result, WORLD->now);
	WORLD->app->due_ns = 0;
}

static void answer_probes(void)
{
	int len = WORLD->probes_len;
	struct probe_request requests[BACKENDS_MAX];
	memcpy(requests, WORLD->probes, sizeof(requests));
	WORLD->probes_len = 0;
	for (int n = 0; n < len; n++)
		answer_probe(&requests[n]);
}

/* Until nothing is to be done at this moment. */
static inline void world_settle(void)
{
	for (int rounds = 0; rounds < 1000; rounds++) {
		bool is_build_over = WORLD->job && (!WORLD->build_holds || atomic_load(&WORLD->job->cancelled));
		if (WORLD->app->due_ns > WORLD->now && !is_build_over && WORLD->probes_len == 0)
			return;
		if (WORLD->app->due_ns <= WORLD->now && app_step(WORLD->app, WORLD->now))
			return; /* gone */
		end_build();
		answer_probes();
	}
	fail_msg("it never comes to rest");
}

/* Lets time pass, stepping the application whenever it wants to be. */
static inline void world_advance(int64_t ns)
{
	int64_t until = WORLD->now + ns;
	int steps = 0;
	for (;;) {
		world_settle();
		if (WORLD->app->due_ns > until)
			break;
		WORLD->now = WORLD->app->due_ns;
		assert_true(steps++ < 100000); /* it must not spin */
	}
	WORLD->now = until;
	world_settle();
}

static inline struct fake_instance *world_instance(size_t n)
{
	struct instance *i;
	TAILQ_FOREACH (i, &WORLD->app->instances, next) {
		if (n-- == 0)
			return fake(i);
	}
	fail_msg("there are not so many instances");
	return NULL;
}

/* Ends a program by itself. */
static inline void world_end(struct fake_instance *i, int code, int number, const char *log)
{
	i->has_ended = true;
	i->code = code;
	i->signal = number;
	testing_write(i->base.dir, "log", log ? log : "", 0600);
	WORLD->app->due_ns = WORLD->now;
}

static inline int world_events(const char *reason)
{
	int n = 0;
	for (int i = 0; i < WORLD->events_len; i++)
		n += str_eq(WORLD->events[i].reason, reason);
	return n;
}

static inline const char *world_last_message(const char *reason)
{
	for (int i = WORLD->events_len; i-- > 0;) {
		if (str_eq(WORLD->events[i].reason, reason))
			return WORLD->events[i].message;
	}
	return NULL;
}

/* The backends that take requests. */
static inline int world_serving(void)
{
	const struct proxy *p = WORLD->app->proxy;
	int n = 0;
	for (int i = 0; i < p->len; i++)
		n += !p->backends[i].draining;
	return n;
}

static inline size_t world_running(void)
{
	struct instance *i;
	size_t n = 0;
	TAILQ_FOREACH (i, &WORLD->app->instances, next)
		n += !fake(i)->has_ended;
	return n;
}

#endif
