#include "kube/leader.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "client_internal.h"

#define LEASE_NS (15 * NS_PER_S)
#define RENEW_NS (10 * NS_PER_S)
#define RETRY_NS (2 * NS_PER_S)
#define JITTER 1.2

struct kube_leader {
	struct kube_client *client;
	char *ns, *name, *identity;
	int64_t lease_ns, renew_ns, retry_ns;
	void (*on_started)(void *self);
	void (*on_stopped)(void *self);
	void *self;
	struct logger *log;
	pthread_t thread;
	atomic_bool stop, leading;
	pthread_mutex_t lock; /* to wait for stop */
	pthread_cond_t changed;

	/* The election thread's own: the record as last seen, and when it last changed by this machine's clock. */
	json_t *seen;
	int64_t seen_ns;
};

bool kube_leader_is_leading(const struct kube_leader *l)
{
	return atomic_load(&l->leading);
}

static bool stopping(const struct kube_leader *l)
{
	return atomic_load(&l->stop);
}

static void wait_until(struct kube_leader *l, int64_t deadline_ns)
{
	MUTEX_GUARD(&l->lock);
	while (!stopping(l) && cond_wait_until(&l->changed, &l->lock, deadline_ns))
		;
}

/* ---- the record ---- */

static const json_t *lease_spec(const json_t *lease)
{
	return json_object_get(lease, "spec");
}

static const char *holder(const json_t *lease)
{
	const char *s = json_get_str(lease_spec(lease), "holderIdentity");
	return s ? s : "";
}

/* Takes note of the record; the time counts anew only if something about it changed. */
static void note(struct kube_leader *l, json_t *lease)
{
	if (!l->seen || !json_same(lease_spec(l->seen), lease_spec(lease)))
		l->seen_ns = clock_mono_ns();
	json_incref(lease);
	json_decref(l->seen);
	l->seen = lease;
}

static bool expired(const struct kube_leader *l)
{
	int64_t seconds = json_get_int(lease_spec(l->seen), "leaseDurationSeconds", 0);
	int64_t lease_ns = seconds > 0 && seconds < 86400 ? seconds * NS_PER_S : l->lease_ns;
	return clock_mono_ns() >= l->seen_ns + lease_ns;
}

/* The record that says "we lead" (release: "nobody leads"), made from the one seen last. */
static json_t *record(const struct kube_leader *l, bool release)
{
	json_t *lease = l->seen ? json_deep_copy(l->seen) : kube_object_new(&KUBE_LEASE, l->ns, l->name);
	json_t *spec = json_ensure_object(lease, "spec");
	char now[RFC3339_SIZE];
	rfc3339_format_micro(clock_wall_ns(), now);
	bool ours = str_eq(json_get_str(spec, "holderIdentity"), l->identity);
	if (!ours) {
		int64_t transitions = json_get_int(spec, "leaseTransitions", 0);
		json_put_int(spec, "leaseTransitions", l->seen ? transitions + 1 : 0);
		json_put_str(spec, "acquireTime", now);
	}
	/* A released lease is one of a second without a holder, as client-go leaves it. */
	int64_t seconds = release ? 1 : (l->lease_ns + NS_PER_S - 1) / NS_PER_S;
	json_put_str(spec, "holderIdentity", release ? "" : l->identity);
	json_put_int(spec, "leaseDurationSeconds", seconds);
	json_put_str(spec, "renewTime", now);
	return lease;
}

/* ---- calls, each bounded in time ---- */

static int call(struct kube_leader *l, const char *method, const json_t *body, int64_t timeout_ns,
                const atomic_bool *cancel, json_t **ret, struct err *err)
{
	_cleanup_free_ char *path = NULL, *text = body ? json_to_str(body) : NULL;
	bool create = str_eq(method, "POST");
	if (kube_path(&KUBE_LEASE, l->ns, create ? NULL : l->name, NULL, &path, err) < 0)
		return -1;
	struct kube_request req = {
		.method = method,
		.path = path,
		.body = text,
		.body_len = text ? strlen(text) : 0,
		.timeout_ns = timeout_ns,
		.attempts = 1,
		.cancel = cancel,
	};
	return kube_request_json(l->client, &req, ret, err);
}

static int write_record(struct kube_leader *l, bool release, int64_t timeout_ns, struct err *err)
{
	_cleanup_json_ json_t *wanted = record(l, release), *written = NULL;
	/* Giving back is what is still done when stopping. */
	if (call(l, l->seen ? "PUT" : "POST", wanted, timeout_ns, release ? NULL : &l->stop, &written, err) < 0)
		return -1;
	note(l, written);
	return 0;
}

static void forget(struct kube_leader *l)
{
	json_decref(l->seen);
	l->seen = NULL;
}

/* One try to get or keep the lease. 0: it is ours. 1: someone else's. Negative: no answer. */
static int try_lease(struct kube_leader *l, int64_t timeout_ns, struct err *err)
{
	int64_t deadline = clock_mono_ns() + timeout_ns;
	/* While we lead the record is known: an update without a read, which fails with a conflict if someone took it. */
	if (atomic_load(&l->leading) && l->seen && write_record(l, false, timeout_ns, NULL) == 0)
		return 0;
	_cleanup_json_ json_t *now = NULL;
	_cleanup_err_ struct err e = { 0 };
	int64_t left = deadline - clock_mono_ns();
	if (left <= 0)
		return err_set(err, ERR_TIMEOUT, "renewing the lease %s/%s: no answer in time", l->ns, l->name);
	if (call(l, "GET", NULL, left, &l->stop, &now, &e) < 0) {
		if (e.kind != ERR_NOT_FOUND) {
			if (err)
				err_move(err, &e);
			return err_wrap(err, "reading the lease %s/%s", l->ns, l->name);
		}
		forget(l);
	} else {
		note(l, now);
		if (*holder(now) && !str_eq(holder(now), l->identity) && !expired(l))
			return 1;
	}
	left = deadline - clock_mono_ns();
	if (left <= 0)
		return err_set(err, ERR_TIMEOUT, "renewing the lease %s/%s: no answer in time", l->ns, l->name);
	err_clear(&e);
	if (write_record(l, false, left, &e) == 0)
		return 0;
	if (e.kind == ERR_CONFLICT || e.kind == ERR_ALREADY_EXISTS)
		return 1; /* someone was faster */
	if (err)
		err_move(err, &e);
	return err_wrap(err, "writing the lease %s/%s", l->ns, l->name);
}

/* ---- the election ---- */

static void acquire(struct kube_leader *l)
{
	bool failing = false;
	while (!stopping(l)) {
		_cleanup_err_ struct err e = { 0 };
		int r = try_lease(l, l->renew_ns, &e);
		if (r == 0)
			return;
		if (r < 0 && !stopping(l)) {
			log_at(l->log, failing ? LOG_DEBUG : LOG_WARN, "leader election: %s; trying again", err_message(&e));
			failing = true;
		}
		wait_until(l, clock_mono_ns() + (int64_t)((double)l->retry_ns * (1 + JITTER * kube_random())));
	}
}

/* Renews until it fails for the renew time, someone else holds the lease, or the election stops. */
static void keep(struct kube_leader *l)
{
	int64_t renewed = clock_mono_ns();
	while (!stopping(l)) {
		wait_until(l, clock_mono_ns() + l->retry_ns);
		if (stopping(l))
			return;
		_cleanup_err_ struct err e = { 0 };
		int64_t begin = clock_mono_ns(), left = renewed + l->renew_ns - begin;
		int r = left > 0 ? try_lease(l, left, &e) : err_set(&e, ERR_TIMEOUT, "not renewed in time");
		if (r == 0) {
			renewed = begin; /* from when it was asked: the others count from when it was written, which is later */
			continue;
		}
		if (r > 0 && !str_eq(holder(l->seen), l->identity)) {
			log_warn(l->log, "leader election: the lease %s/%s is now held by '%s'", l->ns, l->name, holder(l->seen));
			return;
		}
		if (clock_mono_ns() >= renewed + l->renew_ns) {
			log_warn(l->log, "leader election: leadership is lost: %s",
			         err_is_set(&e) ? err_message(&e) : "not renewed in time");
			return;
		}
	}
}

static void release(struct kube_leader *l)
{
	_cleanup_err_ struct err e = { 0 };
	if (!l->seen || !str_eq(holder(l->seen), l->identity))
		return;
	if (write_record(l, true, l->retry_ns, &e) < 0)
		log_debug(l->log, "leader election: giving the lease back: %s", err_message(&e));
}

static void *election_main(void *arg)
{
	struct kube_leader *l = arg;
	while (!stopping(l)) {
		acquire(l);
		if (stopping(l))
			break;
		log_info(l->log, "leading as %s", l->identity);
		atomic_store(&l->leading, true);
		if (l->on_started)
			l->on_started(l->self);
		keep(l);
		atomic_store(&l->leading, false);
		if (l->on_stopped)
			l->on_stopped(l->self);
	}
	release(l);
	return NULL;
}

static void leader_free(struct kube_leader *l)
{
	json_decref(l->seen);
	kube_client_unref(l->client);
	logger_unref(l->log);
	free(l->ns);
	free(l->name);
	free(l->identity);
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

int kube_leader_start(const struct kube_leader_config *config, struct kube_leader **ret, struct err *err)
{
	struct kube_leader *l = new0(struct kube_leader);
	l->client = kube_client_ref(config->client);
	l->ns = xstrdup(config->ns);
	l->name = xstrdup(config->name);
	l->identity = xstrdup(config->identity);
	l->lease_ns = config->lease_ns ? config->lease_ns : LEASE_NS;
	l->renew_ns = config->renew_ns ? config->renew_ns : RENEW_NS;
	l->retry_ns = config->retry_ns ? config->retry_ns : RETRY_NS;
	l->on_started = config->on_started;
	l->on_stopped = config->on_stopped;
	l->self = config->self;
	l->log = config->log ? logger_ref(config->log) : NULL;
	pthread_mutex_init(&l->lock, NULL);
	cond_init_mono(&l->changed);
	int r = 0;
	if (str_empty(l->identity) || l->lease_ns <= l->renew_ns || l->renew_ns <= l->retry_ns)
		r = err_set(err, ERR_INVALID, "leader election: needs an identity, and lease time > renew time > retry time");
	if (r == 0)
		r = thread_start(&l->thread, "leader", election_main, l, err);
	if (r < 0) {
		leader_free(l);
		return -1;
	}
	*ret = l;
	return 0;
}

struct kube_leader *kube_leader_stop(struct kube_leader *l)
{
	if (!l)
		return NULL;
	pthread_mutex_lock(&l->lock);
	atomic_store(&l->stop, true);
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	pthread_join(l->thread, NULL);
	leader_free(l);
	return NULL;
}
