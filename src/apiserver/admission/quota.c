#include "quota.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"
#include "kube/object.h"

#define QUOTAS "/resourcequotas"
#define PODS "/pods"
#define MILLI 1000
#define MESSAGE_MAX ((size_t)64 * 1024)

/* One entry of spec.hard. */
struct limit {
	char *name;
	int64_t hard;
	bool binary;
	char *counted; /* the resource whose objects it counts; NULL: measured */
	int64_t used;  /* by what is stored, when measured */
};

struct quota {
	char *name;
	struct quota_scopes *scopes;
	struct limit *limits; /* by name */
	size_t len;
	json_t *hard; /* spec.hard as written */
};

/* A namespace that has quotas or measured objects. */
struct space {
	struct quota **quotas; /* by name */
	size_t len;
	struct map *usages;           /* "resource\nname" → struct quota_usage, of what is stored */
	struct quota_charge *pending; /* admitted, not yet told of by on_change */
};

struct quotas {
	struct store *store;
	pthread_mutex_t lock; /* everything below */
	struct map *spaces;   /* by namespace */
	void (*on_dirty)(void *self, const char *ns);
	void *on_dirty_self;
	struct store_watch *watch;
};

struct quota_charge {
	struct quotas *quotas;
	char *ns, *name, *resource;
	char words[512];
	bool created;
	struct quota_usage usage;   /* the new state's; traits decide which quotas count it */
	struct quota_amounts delta; /* what is measured and grows */
	bool reserved;              /* in the space's pending list */
	struct quota_charge *next, **self;
};

/* ---- quotas ---- */

static void quota_free(struct quota *q)
{
	for (size_t i = 0; i < q->len; i++) {
		free(q->limits[i].name);
		free(q->limits[i].counted);
	}
	free(q->limits);
	quota_scopes_free(q->scopes);
	json_decref(q->hard);
	free(q->name);
	free(q);
}

static int limit_compare(const void *a, const void *b)
{
	const struct limit *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static struct quota *quota_new(const json_t *obj)
{
	struct quota *q = new0(struct quota);
	const json_t *hard = json_object_get(kube_spec(obj), "hard");
	struct quota_amounts amounts = quota_amounts_of(hard);

	q->name = xstrdup(kube_name(obj));
	q->scopes = quota_scopes_new(kube_spec(obj));
	q->hard = hard ? json_clone(hard) : json_object();
	q->len = amounts.len;
	q->limits = xcalloc(amounts.len, sizeof(*q->limits));
	for (size_t i = 0; i < amounts.len; i++)
		q->limits[i] = (struct limit){ .name = TAKE_PTR(amounts.list[i].name),
			                           .hard = amounts.list[i].milli,
			                           .binary = amounts.list[i].binary };
	for (size_t i = 0; i < q->len; i++)
		q->limits[i].counted = quota_counted_resource(q->limits[i].name);
	if (q->len > 1)
		qsort(q->limits, q->len, sizeof(*q->limits), limit_compare);
	quota_amounts_clear(&amounts);
	return q;
}

/* Adds (sign 1) what a stored object uses, or takes it away. */
static void quota_count(struct quota *q, const struct quota_usage *u, int sign)
{
	if (!quota_scopes_match(q->scopes, &u->traits))
		return;
	for (size_t i = 0; i < q->len; i++) {
		const struct quota_amount *a = q->limits[i].counted ? NULL : quota_amounts_get(&u->amounts, q->limits[i].name);
		if (a)
			q->limits[i].used += sign * a->milli;
	}
}

/* ---- spaces ---- */

static void usage_free(void *p)
{
	quota_usage_clear(p);
	free(p);
}

static void space_free(void *p)
{
	struct space *s = p;

	for (size_t i = 0; i < s->len; i++)
		quota_free(s->quotas[i]);
	free(s->quotas);
	map_free(s->usages);
	free(s);
}

static struct space *space_of(struct quotas *q, const char *ns)
{
	struct space *s = map_get(q->spaces, ns);

	if (!s) {
		s = new0(struct space);
		s->usages = map_new(usage_free);
		map_set(q->spaces, ns, s);
	}
	return s;
}

static void drop_if_empty(struct quotas *q, const char *ns)
{
	const struct space *s = map_get(q->spaces, ns);

	if (s && s->len == 0 && map_len(s->usages) == 0 && !s->pending)
		map_del(q->spaces, ns);
}

static void space_remove(struct space *s, const char *name)
{
	for (size_t i = 0; i < s->len; i++)
		if (strcmp(s->quotas[i]->name, name) == 0) {
			quota_free(s->quotas[i]);
			memmove(&s->quotas[i], &s->quotas[i + 1], (s->len - i - 1) * sizeof(*s->quotas));
			s->len--;
			return;
		}
}

static void space_add(struct space *s, struct quota *quota)
{
	size_t at = s->len, iter = 0;
	void *usage;

	while (map_next(s->usages, &iter, NULL, &usage))
		quota_count(quota, usage, 1);
	s->quotas = xreallocarray(s->quotas, s->len + 1, sizeof(struct quota *));
	while (at > 0 && strcmp(s->quotas[at - 1]->name, quota->name) > 0) {
		s->quotas[at] = s->quotas[at - 1];
		at--;
	}
	s->quotas[at] = quota;
	s->len++;
}

/* ---- following the store ---- */

static json_t *value_of(const struct store_object *o)
{
	return json_parse(o->text->data, o->text->len, 0, NULL);
}

static void put_quota(struct quotas *q, const struct store_object *o, bool gone)
{
	_cleanup_json_ json_t *obj = gone ? NULL : value_of(o);
	struct space *s = space_of(q, o->ns);

	space_remove(s, o->name);
	if (obj)
		space_add(s, quota_new(obj));
	drop_if_empty(q, o->ns);
}

/* Whoever wrote the object measured it; one that an older program wrote is read. */
static struct quota_usage *usage_of(const struct store_object *o)
{
	struct quota_usage *u = new0(struct quota_usage);
	const char *text = store_object_field(o, QUOTA_USAGE_FIELD);

	if (text && quota_usage_read(text, u))
		return u;
	_cleanup_json_ json_t *obj = value_of(o);
	quota_usage_of(o->resource, obj, u);
	return u;
}

static void put_usage(struct quotas *q, const struct store_object *o, bool gone)
{
	_cleanup_free_ char *key = xasprintf("%s\n%s", o->resource, o->name);
	struct space *s = space_of(q, o->ns);
	struct quota_usage *before = map_get(s->usages, key);

	for (size_t i = 0; before && i < s->len; i++)
		quota_count(s->quotas[i], before, -1);
	map_del(s->usages, key);
	if (!gone) {
		struct quota_usage *now = usage_of(o);
		for (size_t i = 0; i < s->len; i++)
			quota_count(s->quotas[i], now, 1);
		map_set(s->usages, key, now);
	}
	drop_if_empty(q, o->ns);
}

static void put(struct quotas *q, const struct store_object *o, bool gone)
{
	if (strcmp(o->resource, QUOTAS) == 0)
		put_quota(q, o, gone);
	else if (quota_is_measured(o->resource))
		put_usage(q, o, gone);
}

/* Whether a quota of the namespace is about this resource, or the change is about a quota. */
static bool is_of_interest(const struct quotas *q, const struct store_change *change)
{
	const struct store_object *o = change->object;
	const struct space *s = map_get(q->spaces, o->ns);

	if (strcmp(o->resource, QUOTAS) == 0)
		return true;
	for (size_t i = 0; s && i < s->len; i++)
		for (size_t k = 0; k < s->quotas[i]->len; k++) {
			const char *counted = s->quotas[i]->limits[k].counted;
			if (counted ? change->type != STORE_MODIFIED && strcmp(counted, o->resource) == 0
			            : quota_is_measured(o->resource))
				return true;
		}
	return false;
}

/* On the committer's thread. */
static void on_change(void *self, const struct store_change *change)
{
	struct quotas *q = self;
	void (*on_dirty)(void *self, const char *ns) = NULL;
	void *dirty_self = NULL;

	if (!*change->object->ns)
		return;
	pthread_mutex_lock(&q->lock);
	put(q, change->object, change->type == STORE_DELETED);
	if (is_of_interest(q, change)) {
		on_dirty = q->on_dirty;
		dirty_self = q->on_dirty_self;
	}
	pthread_mutex_unlock(&q->lock);
	if (on_dirty)
		on_dirty(dirty_self, change->object->ns);
}

static int load(struct quotas *q, const char *resource, uint64_t *ret_version, struct err *err)
{
	const struct store_list_query query = { .resource = resource, .ns = "" };
	struct store_list list;

	if (store_list(q->store, &query, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.len; i++)
		put(q, list.items[i], false);
	if (list.version < *ret_version)
		*ret_version = list.version;
	store_list_clear(&list);
	return 0;
}

int quotas_start(struct store *store, struct quotas **ret, struct err *err)
{
	static const char *const resources[] = { PODS, "/services", "/persistentvolumeclaims", QUOTAS };
	struct quotas *q = new0(struct quotas);
	uint64_t from = store_version(store);
	int r = 0;

	q->store = store;
	q->spaces = map_new(space_free);
	pthread_mutex_init(&q->lock, NULL);
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(resources); i++)
		r = load(q, resources[i], &from, err);
	/* What changed since the first list is told once more; the last state counts. */
	if (r == 0)
		r = store_watch(store, NULL, "", from, on_change, q, &q->watch, err);
	if (r < 0) {
		quotas_stop(q);
		return err_wrap(err, "reading the quotas");
	}
	*ret = q;
	return 0;
}

void quotas_set_on_dirty(struct quotas *q, void (*on_dirty)(void *self, const char *ns), void *self)
{
	MUTEX_GUARD(&q->lock);
	q->on_dirty = on_dirty;
	q->on_dirty_self = self;
}

struct quotas *quotas_stop(struct quotas *q)
{
	if (!q)
		return NULL;
	if (q->watch)
		store_unwatch(q->watch);
	map_free(q->spaces);
	pthread_mutex_destroy(&q->lock);
	free(q);
	return NULL;
}

/* ---- charges ---- */

/* What grows; shrinking is not rewarded before it is stored. */
static void set_delta(struct quota_charge *c, const json_t *old)
{
	struct quota_usage before = { 0 };

	if (old)
		quota_usage_of(c->resource, old, &before);
	for (size_t i = 0; i < c->usage.amounts.len; i++) {
		const struct quota_amount *now = &c->usage.amounts.list[i];
		const struct quota_amount *was = quota_amounts_get(&before.amounts, now->name);
		int64_t grows = now->milli - (was ? was->milli : 0);
		if (grows > 0)
			quota_amounts_add(&c->delta, now->name, grows, now->binary);
	}
	quota_usage_clear(&before);
}

static int64_t delta_of(const struct quota_charge *c, const struct limit *l)
{
	if (l->counted)
		return c->created && strcmp(l->counted, c->resource) == 0 ? MILLI : 0;
	const struct quota_amount *a = quota_amounts_get(&c->delta, l->name);
	return a ? a->milli : 0;
}

/* Whether any limit could stop it. */
static bool concerns(const struct space *s, const struct quota_charge *c)
{
	for (size_t i = 0; i < s->len; i++)
		for (size_t k = 0; k < s->quotas[i]->len; k++)
			if (delta_of(c, &s->quotas[i]->limits[k]) > 0)
				return true;
	return false;
}

static int check_pod_says(const struct space *s, const struct quota_charge *c, const json_t *pod, struct err *err)
{
	for (size_t i = 0; i < s->len; i++) {
		const struct quota *q = s->quotas[i];
		if (!quota_scopes_match(q->scopes, &c->usage.traits))
			continue;
		struct quota_amounts hard = quota_amounts_of(q->hard);
		_cleanup_free_ char *lacks = quota_pod_lacks(pod, &hard);
		quota_amounts_clear(&hard);
		if (lacks)
			return err_set(err, ERR_FORBIDDEN, "%s \"%s\" is forbidden: failed quota: %s: %s", c->words, c->name,
			               q->name, lacks);
	}
	return 0;
}

static bool has_quotas(struct quotas *q, const char *ns)
{
	MUTEX_GUARD(&q->lock);
	const struct space *s = map_get(q->spaces, ns);
	return s && s->len > 0;
}

static int check_now(struct quotas *q, const struct quota_charge *c, const json_t *obj, struct err *err)
{
	MUTEX_GUARD(&q->lock);
	const struct space *s = map_get(q->spaces, c->ns);

	if (!s)
		return 0;
	if (c->created && strcmp(c->resource, PODS) == 0 && check_pod_says(s, c, obj, err) < 0)
		return -1;
	return concerns(s, c);
}

int quota_charge_new(struct quotas *q, const struct api_type *t, const char *ns, const char *name, const json_t *obj,
                     const json_t *old, struct quota_charge **ret, struct err *err)
{
	*ret = NULL;
	/* Of updates only what is measured can grow, and pods are not measured again. */
	if (!t->namespaced || (old && (!quota_is_measured(t->resource) || strcmp(t->resource, PODS) == 0)) ||
	    !has_quotas(q, ns))
		return 0;
	struct quota_charge *c = new0(struct quota_charge);
	c->quotas = q;
	c->ns = xstrdup(ns);
	c->name = xstrdup(name);
	c->resource = xstrdup(t->resource);
	c->created = !old;
	api_type_words(t, c->words);
	quota_usage_of(c->resource, obj, &c->usage);
	set_delta(c, old);
	int r = check_now(q, c, obj, err);
	if (r > 0) {
		*ret = c;
		return 0;
	}
	quota_charge_free(c);
	return r;
}

struct quota_charge *quota_charge_free(struct quota_charge *c)
{
	if (!c)
		return NULL;
	if (c->reserved) {
		MUTEX_GUARD(&c->quotas->lock);
		*c->self = c->next;
		if (c->next)
			c->next->self = c->self;
		drop_if_empty(c->quotas, c->ns);
	}
	quota_usage_clear(&c->usage);
	quota_amounts_clear(&c->delta);
	free(c->ns);
	free(c->name);
	free(c->resource);
	free(c);
	return NULL;
}

static void reserve(struct space *s, struct quota_charge *c)
{
	c->reserved = true;
	c->next = s->pending;
	c->self = &s->pending;
	if (c->next)
		c->next->self = &c->next;
	s->pending = c;
}

/* What is used up already, with what the writes before this one in the same group will use. */
static int64_t used_now(const struct quotas *q, const struct space *s, const struct quota *quota, const struct limit *l,
                        const char *ns, struct store_view *view)
{
	if (l->counted)
		return (int64_t)(view ? store_view_count(view, l->counted, ns) : store_count(q->store, l->counted, ns)) * MILLI;
	int64_t used = l->used;
	for (const struct quota_charge *c = s->pending; c; c = c->next)
		if (quota_scopes_match(quota->scopes, &c->usage.traits))
			used += delta_of(c, l);
	return used;
}

static void say(struct buf *out, const struct limit *l, int64_t milli)
{
	char text[QUOTA_TEXT_SIZE];

	buf_printf(out, "%s%s=%s", out->len ? "," : "", l->name, quota_amount_text(milli, l->binary, text));
}

static int admit_one(const struct quota_charge *c, const struct space *s, const struct quota *quota,
                     struct store_view *view, struct err *err)
{
	_cleanup_buf_ struct buf asked = BUF_INIT(MESSAGE_MAX), used = BUF_INIT(MESSAGE_MAX), hard = BUF_INIT(MESSAGE_MAX);

	if (!quota_scopes_match(quota->scopes, &c->usage.traits))
		return 0;
	for (size_t i = 0; i < quota->len; i++) {
		const struct limit *l = &quota->limits[i];
		int64_t more = delta_of(c, l), there;
		if (more == 0)
			continue;
		there = used_now(c->quotas, s, quota, l, c->ns, view);
		if (there <= l->hard - more)
			continue;
		say(&asked, l, more);
		say(&used, l, there);
		say(&hard, l, l->hard);
	}
	if (asked.len == 0)
		return 0;
	return err_set(err, ERR_FORBIDDEN,
	               "%s \"%s\" is forbidden: exceeded quota: %s, requested: %s, used: %s, limited: %s", c->words,
	               c->name, quota->name, buf_str(&asked), buf_str(&used), buf_str(&hard));
}

int quota_charge_admit(struct quota_charge *c, struct store_view *view, struct err *err)
{
	MUTEX_GUARD(&c->quotas->lock);
	struct space *s = map_get(c->quotas->spaces, c->ns);

	if (!s)
		return 0;
	for (size_t i = 0; i < s->len; i++)
		if (admit_one(c, s, s->quotas[i], view, err) < 0)
			return -1;
	if (view && c->delta.len > 0)
		reserve(s, c);
	return 0;
}

/* ---- status ---- */

static const struct quota *find_quota(struct quotas *q, const char *ns, const char *name, const struct space **ret)
{
	const struct space *s = map_get(q->spaces, ns);

	*ret = s;
	for (size_t i = 0; s && i < s->len; i++)
		if (strcmp(s->quotas[i]->name, name) == 0)
			return s->quotas[i];
	return NULL;
}

json_t *quotas_status(struct quotas *q, const char *ns, const char *name)
{
	const struct space *s;
	char text[QUOTA_TEXT_SIZE];

	MUTEX_GUARD(&q->lock);
	const struct quota *quota = find_quota(q, ns, name, &s);
	if (!quota)
		return NULL;
	json_t *used = json_object();
	for (size_t i = 0; i < quota->len; i++) {
		const struct limit *l = &quota->limits[i];
		int64_t milli = l->counted ? (int64_t)store_count(q->store, l->counted, ns) * MILLI : l->used;
		json_put_str(used, l->name, quota_amount_text(milli, l->binary, text));
	}
	return json_pack("{s:o,s:o}", "hard", json_clone(quota->hard), "used", used);
}

char **quotas_names(struct quotas *q, const char *ns)
{
	char **names = NULL;

	MUTEX_GUARD(&q->lock);
	const struct space *s = map_get(q->spaces, ns);
	for (size_t i = 0; s && i < s->len; i++)
		strv_push(&names, s->quotas[i]->name);
	return names;
}
