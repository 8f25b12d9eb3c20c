#include "limits.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/thread.h"

#include <stdatomic.h>

#define READS_MAX 400  /* kube-apiserver's --max-requests-inflight */
#define WRITES_MAX 200 /* and --max-mutating-requests-inflight */
#define USERS_MAX 10000
#define TOO_MANY "Too many requests, please try again later."

/* A token bucket: what it held, and when that was. */
struct bucket {
	double tokens;
	int64_t at_ns;
};

struct limits {
	struct limits_config config;
	atomic_size_t reads, writes;
	pthread_mutex_t lock; /* users */
	struct map *users;    /* name → struct bucket */
	struct metric *rejected;
};

struct limits *limits_new(const struct limits_config *config)
{
	struct limits *l = new0(struct limits);

	l->config = *config;
	if (!l->config.in_flight_max)
		l->config.in_flight_max = READS_MAX;
	if (!l->config.mutating_in_flight_max)
		l->config.mutating_in_flight_max = WRITES_MAX;
	if (l->config.client_burst < l->config.client_qps)
		l->config.client_burst = 2 * l->config.client_qps;
	pthread_mutex_init(&l->lock, NULL);
	l->users = map_new(free);
	if (config->metrics) {
		l->rejected = metrics_counter(config->metrics, "apiserver_requests_rejected_total",
		                              "Requests answered with 429, by what was exceeded.", "reason");
	}
	return l;
}

struct limits *limits_free(struct limits *l)
{
	if (!l)
		return NULL;
	map_free(l->users);
	pthread_mutex_destroy(&l->lock);
	free(l);
	return NULL;
}

static int refuse(struct limits *l, const char *reason, struct err *err)
{
	metric_add(l->rejected, 1, METRIC_LABELS(reason));
	return err_set(err, ERR_TOO_MANY_REQUESTS, TOO_MANY);
}

/* ---- in flight ---- */

static atomic_size_t *counter_of(struct limits *l, enum limits_kind kind)
{
	return kind == LIMITS_WRITE ? &l->writes : &l->reads;
}

static const char *name_of(enum limits_kind kind)
{
	return kind == LIMITS_WRITE ? "mutating" : "readOnly";
}

int limits_enter(struct limits *l, enum limits_kind kind, bool exempt, struct err *err)
{
	size_t max = kind == LIMITS_WRITE ? l->config.mutating_in_flight_max : l->config.in_flight_max;

	if (kind == LIMITS_NONE)
		return 0;
	size_t before = atomic_fetch_add(counter_of(l, kind), 1);
	if (before < max || exempt)
		return 0;
	atomic_fetch_sub(counter_of(l, kind), 1);
	return refuse(l, name_of(kind), err);
}

void limits_leave(struct limits *l, enum limits_kind kind)
{
	if (kind != LIMITS_NONE)
		atomic_fetch_sub(counter_of(l, kind), 1);
}

/* ---- by user ---- */

static double tokens_at(const struct limits *l, const struct bucket *b, int64_t now_ns)
{
	double tokens = b->tokens + (double)(now_ns - b->at_ns) / (double)NS_PER_S * l->config.client_qps;

	return tokens < l->config.client_burst ? tokens : l->config.client_burst;
}

/* Forgets users whose buckets are full, which is what a user begins with. */
static void forget_idle(struct limits *l, int64_t now_ns)
{
	size_t iter = 0;
	const char *user;
	void *bucket;

	while (map_next(l->users, &iter, &user, &bucket))
		if (tokens_at(l, bucket, now_ns) >= l->config.client_burst)
			map_del(l->users, user);
}

static struct bucket *bucket_of(struct limits *l, const char *user, int64_t now_ns)
{
	struct bucket *b = map_get(l->users, user);

	if (b)
		return b;
	if (map_len(l->users) >= USERS_MAX)
		forget_idle(l, now_ns);
	if (map_len(l->users) >= USERS_MAX)
		return NULL;
	b = new0(struct bucket);
	*b = (struct bucket){ .tokens = l->config.client_burst, .at_ns = now_ns };
	map_set(l->users, user, b);
	return b;
}

int limits_client(struct limits *l, const char *user, int64_t now_ns, struct err *err)
{
	if (l->config.client_qps <= 0)
		return 0;
	pthread_mutex_lock(&l->lock);
	struct bucket *b = bucket_of(l, user, now_ns);
	double tokens = b ? tokens_at(l, b, now_ns) : 0;
	bool ok = tokens >= 1;
	if (b)
		*b = (struct bucket){ .tokens = ok ? tokens - 1 : tokens, .at_ns = now_ns };
	pthread_mutex_unlock(&l->lock);
	return ok ? 0 : refuse(l, "client", err);
}
