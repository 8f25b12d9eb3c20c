#include "kube/event.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"
#include "client_internal.h"
#include "event_correlator.h"

#define MESSAGE_MAX ((size_t)1024)
#define QUEUE_MAX 1000
#define STOP_NS (2 * NS_PER_S)
#define CALL_NS (5 * NS_PER_S)
#define TRIES 5
#define RETRY_NS (500 * NS_PER_MS)
#define NAME_MAX_BYTES 253

/* An event to be sent. */
struct event {
	struct event *next;
	char *api_version, *kind, *ns, *name, *uid, *resource_version;
	char *reason, *message;
	const char *type;
	int64_t wall_ns, mono_ns;
};

struct kube_recorder {
	struct kube_client *client;
	char *component, *host;
	struct logger *log;
	pthread_t thread;
	pthread_mutex_t lock; /* of the queue, stop and dropped */
	pthread_cond_t changed;
	struct event *first, *last;
	size_t len, dropped;
	bool stop;
	int64_t stop_deadline_ns;
	atomic_bool give_up;
	struct event_correlator *correlator; /* the sender's own, as is unique */
	uint64_t unique;
};

static struct event *event_free(struct event *e)
{
	free(e->api_version);
	free(e->kind);
	free(e->ns);
	free(e->name);
	free(e->uid);
	free(e->resource_version);
	free(e->reason);
	free(e->message);
	free(e);
	return NULL;
}

/* ---- what is sent ---- */

static json_t *involved_object(const struct event *e)
{
	json_t *ref = json_object();
	json_put_str(ref, "kind", e->kind);
	json_put_str(ref, "apiVersion", e->api_version);
	if (*e->ns)
		json_put_str(ref, "namespace", e->ns);
	json_put_str(ref, "name", e->name);
	if (*e->uid)
		json_put_str(ref, "uid", e->uid);
	if (*e->resource_version)
		json_put_str(ref, "resourceVersion", e->resource_version);
	return ref;
}

static const char *event_namespace(const struct event *e)
{
	return *e->ns ? e->ns : "default";
}

/* NAME.TIME, unique and at most as long as names may be. */
static char *event_name(struct kube_recorder *r, const struct event *e)
{
	uint64_t t = (uint64_t)e->wall_ns;
	if (t <= r->unique)
		t = r->unique + 1;
	r->unique = t;
	char suffix[24];
	snprintf(suffix, sizeof(suffix), ".%llx", (unsigned long long)t);
	int room = NAME_MAX_BYTES - (int)strlen(suffix);
	char *name = xasprintf("%.*s%s", room, e->name, suffix);
	return name;
}

static json_t *event_object(const struct kube_recorder *r, const struct event *e, const struct event_decision *d,
                            const char *name)
{
	char first[RFC3339_SIZE], last[RFC3339_SIZE];
	json_t *obj = kube_object_new(&KUBE_EVENT, event_namespace(e), name);
	json_put(obj, "involvedObject", involved_object(e));
	json_put_str(obj, "reason", e->reason);
	json_put(obj, "message", json_string_lossy(d->message, strlen(d->message)));
	json_put_str(obj, "type", e->type);
	json_put_str(json_ensure_object(obj, "source"), "component", r->component);
	json_put_str(json_ensure_object(obj, "source"), "host", r->host);
	json_put_str(obj, "firstTimestamp", rfc3339_format(d->first_wall_ns, first));
	json_put_str(obj, "lastTimestamp", rfc3339_format(e->wall_ns, last));
	json_put_int(obj, "count", d->count);
	json_put_str(obj, "reportingComponent", r->component);
	json_put_str(obj, "reportingInstance", r->host);
	return obj;
}

static json_t *count_patch(const struct event *e, const struct event_decision *d)
{
	char last[RFC3339_SIZE];
	json_t *patch = json_object();
	json_put(patch, "message", json_string_lossy(d->message, strlen(d->message)));
	json_put_int(patch, "count", d->count);
	json_put_str(patch, "lastTimestamp", rfc3339_format(e->wall_ns, last));
	return patch;
}

static int send_json(struct kube_recorder *r, const char *method, const char *content_type, const char *ns,
                     const char *name, const json_t *body, struct err *err)
{
	_cleanup_free_ char *path = NULL, *text = json_to_str(body);
	if (kube_path(&KUBE_EVENT, ns, name, NULL, &path, err) < 0)
		return -1;
	struct kube_request req = {
		.method = method,
		.path = path,
		.content_type = content_type,
		.body = text,
		.body_len = strlen(text),
		.timeout_ns = CALL_NS,
		.attempts = 1,
		.cancel = &r->give_up,
	};
	return kube_request_json(r->client, &req, NULL, err);
}

static int send_once(struct kube_recorder *r, const struct event *e, struct event_decision *d, struct err *err)
{
	if (d->verdict == EVENT_COUNT) {
		_cleanup_json_ json_t *patch = count_patch(e, d);
		_cleanup_err_ struct err gone = { 0 };
		if (send_json(r, "PATCH", "application/merge-patch+json", event_namespace(e), d->name, patch, &gone) == 0)
			return 0;
		if (gone.kind != ERR_NOT_FOUND) {
			if (err)
				err_move(err, &gone);
			return -1;
		}
		/* It expired meanwhile: begin a new one. */
		d->verdict = EVENT_CREATE;
	}
	_cleanup_free_ char *name = event_name(r, e);
	_cleanup_json_ json_t *obj = event_object(r, e, d, name);
	if (send_json(r, "POST", NULL, event_namespace(e), NULL, obj, err) < 0)
		return -1;
	event_correlator_named(r->correlator, d->key, name);
	return 0;
}

/* Whether the server may say otherwise the next time. */
static bool may_retry(enum err_kind kind)
{
	return kind == ERR_UNAVAILABLE || kind == ERR_TIMEOUT || kind == ERR_TOO_MANY_REQUESTS || kind == ERR_INTERNAL;
}

/* False when the recorder has no time left. */
static bool wait_retry(struct kube_recorder *r, int64_t delay_ns)
{
	int64_t until = clock_mono_ns() + delay_ns;
	MUTEX_GUARD(&r->lock);
	while (!r->stop && cond_wait_until(&r->changed, &r->lock, until))
		;
	return !r->stop || clock_mono_ns() < r->stop_deadline_ns;
}

static void send_event(struct kube_recorder *r, const struct event *e)
{
	_cleanup_free_ char *object = xasprintf("%s\n%s\n%s\n%s\n%s", e->api_version, e->kind, e->ns, e->name, e->uid);
	_cleanup_(event_decision_clear) struct event_decision d = event_correlator_decide(
		r->correlator, object, e->type, e->reason, e->message, e->mono_ns, e->wall_ns);
	if (d.verdict == EVENT_DROP)
		return;
	int64_t delay = RETRY_NS;
	for (int i = 0; i < TRIES; i++, delay *= 2) {
		_cleanup_err_ struct err err = { 0 };
		if (send_once(r, e, &d, &err) == 0)
			return;
		log_debug(r->log, "event %s of %s %s/%s: %s", e->reason, e->kind, e->ns, e->name, err_message(&err));
		if (!may_retry(err.kind) || atomic_load(&r->give_up) ||
		    !wait_retry(r, (int64_t)((double)delay * (0.5 + kube_random()))))
			break;
	}
	if (d.verdict == EVENT_CREATE)
		event_correlator_named(r->correlator, d.key, NULL);
}

/* ---- the sender ---- */

/* The next event; NULL when the recorder ends. */
static struct event *next_event(struct kube_recorder *r)
{
	MUTEX_GUARD(&r->lock);
	while (!r->first && !r->stop)
		cond_wait_until(&r->changed, &r->lock, -1);
	if (!r->first || (r->stop && clock_mono_ns() >= r->stop_deadline_ns))
		return NULL;
	struct event *e = r->first;
	r->first = e->next;
	if (!r->first)
		r->last = NULL;
	r->len--;
	return e;
}

static void *sender_main(void *arg)
{
	struct kube_recorder *r = arg;
	for (;;) {
		struct event *e = next_event(r);
		if (!e)
			return NULL;
		send_event(r, e);
		event_free(e);
	}
}

static void recorder_free(struct kube_recorder *r)
{
	for (struct event *e = r->first; e;) {
		struct event *next = e->next;
		event_free(e);
		e = next;
	}
	event_correlator_free(r->correlator);
	kube_client_unref(r->client);
	logger_unref(r->log);
	free(r->component);
	free(r->host);
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

struct kube_recorder *kube_recorder_new(struct kube_client *client, const char *component, struct logger *log,
                                        struct err *err)
{
	char host[256] = "";
	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	struct kube_recorder *r = new0(struct kube_recorder);
	r->client = kube_client_ref(client);
	r->component = xstrdup(component);
	r->host = xstrdup(*host ? host : component);
	r->log = log ? logger_ref(log) : NULL;
	r->correlator = event_correlator_new();
	pthread_mutex_init(&r->lock, NULL);
	cond_init_mono(&r->changed);
	if (thread_start(&r->thread, "events", sender_main, r, err) < 0) {
		recorder_free(r);
		return NULL;
	}
	return r;
}

struct kube_recorder *kube_recorder_free(struct kube_recorder *r)
{
	if (!r)
		return NULL;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	r->stop_deadline_ns = clock_mono_ns() + STOP_NS;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	struct timespec limit;
	clock_gettime(CLOCK_REALTIME, &limit);
	limit.tv_sec += STOP_NS / NS_PER_S;
	if (pthread_timedjoin_np(r->thread, NULL, &limit) != 0) {
		atomic_store(&r->give_up, true);
		pthread_join(r->thread, NULL);
	}
	if (r->dropped > 0)
		log_debug(r->log, "%zu events were not recorded: too many at once", r->dropped);
	recorder_free(r);
	return NULL;
}

static char *copy_str(const char *s)
{
	return xstrdup(s ? s : "");
}

/* At most MESSAGE_MAX bytes, not ending within a character. */
static void cut_message(char *s)
{
	size_t len = strlen(s);
	if (len <= MESSAGE_MAX)
		return;
	len = MESSAGE_MAX;
	while (len > 0 && ((unsigned char)s[len] & 0xC0) == 0x80)
		len--;
	s[len] = '\0';
}

void kube_event(struct kube_recorder *r, const json_t *regarding, enum kube_event_type type, const char *reason,
                const char *fmt, ...)
{
	if (!r)
		return;
	struct event *e = new0(struct event);
	va_list ap;
	va_start(ap, fmt);
	e->message = xvasprintf(fmt, ap);
	va_end(ap);
	cut_message(e->message);
	e->api_version = copy_str(json_get_str(regarding, "apiVersion"));
	e->kind = copy_str(json_get_str(regarding, "kind"));
	e->ns = copy_str(kube_namespace(regarding));
	e->name = copy_str(kube_name(regarding));
	e->uid = copy_str(kube_uid(regarding));
	e->resource_version = copy_str(kube_resource_version(regarding));
	e->reason = copy_str(reason);
	e->type = type == KUBE_EVENT_WARNING ? "Warning" : "Normal";
	e->wall_ns = clock_wall_ns();
	e->mono_ns = clock_mono_ns();
	MUTEX_GUARD(&r->lock);
	if (r->len == QUEUE_MAX || r->stop) {
		r->dropped++;
		event_free(e);
		return;
	}
	if (r->last)
		r->last->next = e;
	else
		r->first = e;
	r->last = e;
	r->len++;
	pthread_cond_signal(&r->changed);
}
