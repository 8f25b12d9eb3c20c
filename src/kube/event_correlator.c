#include "event_correlator.h"

#include "base/map.h"
#include "base/str.h"
#include "codec/sha256.h"

/* Of one object: a bucket of permissions to send. */
struct budget {
	double tokens;
	int64_t at_ns;
};

/* Of one object, type and reason: the different messages within the window. */
struct similar {
	int64_t last_ns;
	char hashes[EVENT_SIMILAR_MAX][17];
	size_t len;
};

/* Of one event that was sent. */
struct sent {
	char *name;
	int64_t count, last_ns, first_wall_ns;
};

struct event_correlator {
	struct map *budgets, *similar, *sent;
};

static void sent_free(void *p)
{
	struct sent *s = p;
	free(s->name);
	free(s);
}

struct event_correlator *event_correlator_new(void)
{
	struct event_correlator *c = new0(struct event_correlator);
	c->budgets = map_new(free);
	c->similar = map_new(free);
	c->sent = map_new(sent_free);
	return c;
}

struct event_correlator *event_correlator_free(struct event_correlator *c)
{
	if (!c)
		return NULL;
	map_free(c->budgets);
	map_free(c->similar);
	map_free(c->sent);
	free(c);
	return NULL;
}

void event_decision_clear(struct event_decision *d)
{
	free(d->message);
	free(d->name);
	free(d->key);
	*d = (struct event_decision){ 0 };
}

/* Moves an entry to the end of its map, which is in order of insertion, and so makes the first the one used longest
 * ago. */
static void touch(struct map *m, const char *key, void *value)
{
	map_take(m, key);
	map_set(m, key, value);
	if (map_len(m) <= EVENT_MEMORY)
		return;
	size_t iter = 0;
	const char *oldest;
	if (map_next(m, &iter, &oldest, NULL)) {
		_cleanup_free_ char *copy = xstrdup(oldest);
		map_del(m, copy);
	}
}

static bool take_token(struct event_correlator *c, const char *object, int64_t now_ns)
{
	struct budget *b = map_get(c->budgets, object);
	if (!b) {
		b = new0(struct budget);
		b->tokens = EVENT_BURST;
		b->at_ns = now_ns;
	}
	b->tokens += (double)(now_ns - b->at_ns) / (double)EVENT_REFILL_NS;
	b->at_ns = now_ns;
	if (b->tokens > EVENT_BURST)
		b->tokens = EVENT_BURST;
	bool allowed = b->tokens >= 1;
	if (allowed)
		b->tokens -= 1;
	touch(c->budgets, object, b);
	return allowed;
}

/* Whether this message is one too many different ones for its reason. */
static bool is_one_too_many(struct event_correlator *c, const char *group, const char *message, int64_t now_ns)
{
	char hash[65];
	sha256_hex(message, strlen(message), hash);
	hash[16] = '\0';
	struct similar *s = map_get(c->similar, group);
	if (!s)
		s = new0(struct similar);
	else if (now_ns - s->last_ns > EVENT_WINDOW_NS)
		s->len = 0;
	s->last_ns = now_ns;
	bool known = false;
	for (size_t i = 0; i < s->len && !known; i++)
		known = str_eq(s->hashes[i], hash);
	bool full = !known && s->len == EVENT_SIMILAR_MAX;
	if (!known && !full)
		memcpy(s->hashes[s->len++], hash, sizeof(s->hashes[0]));
	touch(c->similar, group, s);
	return full;
}

struct event_decision event_correlator_decide(struct event_correlator *c, const char *object, const char *type,
                                              const char *reason, const char *message, int64_t now_mono_ns,
                                              int64_t now_wall_ns)
{
	_cleanup_free_ char *group = xasprintf("%s\n%s\n%s", object, type, reason);
	bool combined = is_one_too_many(c, group, message, now_mono_ns);
	/* The combined ones are one event, whatever they say. */
	struct event_decision d = {
		.message = combined ? xasprintf("(combined from similar events): %s", message) : xstrdup(message),
		.key = combined ? xasprintf("%s\ncombined", group) : xasprintf("%s\n=%s", group, message),
	};
	if (!take_token(c, object, now_mono_ns))
		return d;
	struct sent *s = map_get(c->sent, d.key);
	bool again = s && s->name && now_mono_ns - s->last_ns <= EVENT_WINDOW_NS;
	if (!s)
		s = new0(struct sent);
	if (!again) {
		s->count = 0;
		s->first_wall_ns = now_wall_ns;
	}
	s->count++;
	s->last_ns = now_mono_ns;
	d.verdict = again ? EVENT_COUNT : EVENT_CREATE;
	d.name = again ? xstrdup(s->name) : NULL;
	d.count = s->count;
	d.first_wall_ns = s->first_wall_ns;
	touch(c->sent, d.key, s);
	return d;
}

void event_correlator_named(struct event_correlator *c, const char *key, const char *name)
{
	struct sent *s = map_get(c->sent, key);
	if (!s)
		return;
	free(s->name);
	s->name = xstrdup_or_null(name);
}
