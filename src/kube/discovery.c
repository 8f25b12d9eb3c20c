/* Finding types by the names people use, from what the server says it serves. */
#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"
#include "client_internal.h"

#define TYPES_MAX 20000
#define NEAR_MISSES 5
#define REFRESH_NS (5 * NS_PER_S) /* a name that is not known asks the server again, but not more often than this */

struct found_type {
	struct kube_type type; /* its strings are this one's own */
	char *singular;
	char **short_names;
	bool preferred; /* version of its group */
};

struct kube_discovery {
	pthread_mutex_t lock;
	/* Results are pointers that live as long as the client, so types are only ever added; `order` holds those the
	 * server serves now, in its order. */
	struct map *all; /* "group/version/plural" → found_type */
	struct found_type **order;
	size_t len;
	int64_t loaded_ns; /* 0: never */
};

static void type_free(void *p)
{
	struct found_type *t = p;
	free((char *)(uintptr_t)t->type.group);
	free((char *)(uintptr_t)t->type.version);
	free((char *)(uintptr_t)t->type.kind);
	free((char *)(uintptr_t)t->type.plural);
	free(t->singular);
	strv_free(t->short_names);
	free(t);
}

struct kube_discovery *kube_discovery_new(void)
{
	struct kube_discovery *d = new0(struct kube_discovery);
	pthread_mutex_init(&d->lock, NULL);
	d->all = map_new(type_free);
	return d;
}

struct kube_discovery *kube_discovery_free(struct kube_discovery *d)
{
	if (!d)
		return NULL;
	map_free(d->all);
	free(d->order);
	pthread_mutex_destroy(&d->lock);
	free(d);
	return NULL;
}

/* ---- reading discovery documents ---- */

static void add_resource(struct kube_discovery *d, const json_t *resource, const char *group, const char *version,
                         bool preferred)
{
	const char *plural = json_get_str(resource, "name"), *kind = json_get_str(resource, "kind"),
			   *singular = json_get_str(resource, "singularName");
	if (str_empty(plural) || str_empty(kind) || strchr(plural, '/') || d->len >= TYPES_MAX) /* '/': a subresource */
		return;
	_cleanup_free_ char *key = xasprintf("%s/%s/%s", group, version, plural);
	struct found_type *t = map_get(d->all, key);
	if (!t) {
		t = new0(struct found_type);
		t->type = (struct kube_type){ .group = xstrdup(group),
			                          .version = xstrdup(version),
			                          .kind = xstrdup(kind),
			                          .plural = xstrdup(plural),
			                          .namespaced = json_get_bool(resource, "namespaced", false) };
		t->singular = xstrdup(singular ? singular : "");
		size_t i;
		json_t *name;
		json_array_foreach (json_object_get(resource, "shortNames"), i, name) {
			if (json_is_string(name))
				strv_push(&t->short_names, json_string_value(name));
		}
		map_set(d->all, key, t);
	}
	t->preferred = preferred;
	d->order = xreallocarray(d->order, d->len + 1, sizeof(struct found_type *));
	d->order[d->len++] = t;
}

static int load_version(struct kube_client *c, const char *group, const char *version, bool preferred, struct err *err)
{
	_cleanup_buf_ struct buf path = BUF_INIT(4096);
	buf_puts(&path, *group ? "/apis/" : "/api/");
	if (*group) {
		http_escape(&path, group);
		buf_putc(&path, '/');
	}
	http_escape(&path, version);
	struct kube_request req = { .method = "GET", .path = buf_str(&path) };
	_cleanup_json_ json_t *list = NULL;
	if (path.failed || kube_request_json(c, &req, &list, err) < 0)
		return -1;
	size_t i;
	json_t *resource;
	json_array_foreach (json_object_get(list, "resources"), i, resource)
		add_resource(c->discovery, resource, group, version, preferred);
	return 0;
}

static void load_group(struct kube_client *c, const json_t *group)
{
	const char *name = json_get_str(group, "name"),
			   *preferred = json_str_at(group, "preferredVersion", "version", NULL);
	size_t i;
	json_t *entry;
	if (str_empty(name))
		return;
	json_array_foreach (json_object_get(group, "versions"), i, entry) {
		const char *version = json_get_str(entry, "version");
		/* A group whose server is away (an aggregated API) must not hide the others. */
		if (!str_empty(version))
			load_version(c, name, version, preferred ? str_eq(version, preferred) : i == 0, NULL);
	}
}

static int load(struct kube_client *c, struct err *err)
{
	struct kube_discovery *d = c->discovery;
	struct kube_request req = { .method = "GET", .path = "/apis" };
	_cleanup_json_ json_t *groups = NULL;
	if (kube_request_json(c, &req, &groups, err) < 0)
		return err_wrap(err, "asking the server for its types");
	d->len = 0;
	_cleanup_err_ struct err e = { 0 };
	if (load_version(c, "", "v1", true, &e) < 0 && e.kind != ERR_NOT_FOUND) {
		if (err)
			err_move(err, &e);
		return err_wrap(err, "asking the server for its types");
	}
	size_t i;
	json_t *group;
	json_array_foreach (json_object_get(groups, "groups"), i, group)
		load_group(c, group);
	d->loaded_ns = clock_mono_ns();
	return 0;
}

/* ---- finding ---- */

static bool has_name(const struct found_type *t, const char *name, size_t len)
{
	if (len == 0)
		return false;
	_cleanup_free_ char *n = xstrndup(name, len);
	str_lower(n);
	if (str_eq(n, t->type.plural) || strcasecmp(n, t->type.kind) == 0 || (*t->singular && str_eq(n, t->singular)))
		return true;
	return t->short_names && str_in(n, (const char *const *)t->short_names);
}

/* rest: what follows the first dot: "group", "version.group" or "version" of core; NULL: anything. */
static bool is_in(const struct found_type *t, const char *rest)
{
	if (!rest)
		return t->preferred;
	if (str_eq(rest, t->type.group))
		return t->preferred;
	const char *after = str_after(rest, t->type.version);
	return after && ((*after == '.' && str_eq(after + 1, t->type.group)) || (!*after && !*t->type.group));
}

static const struct kube_type *find(const struct kube_discovery *d, const char *name)
{
	const char *dot = strchr(name, '.');
	size_t len = dot ? (size_t)(dot - name) : strlen(name);
	for (size_t i = 0; i < d->len; i++) {
		if (has_name(d->order[i], name, len) && is_in(d->order[i], dot ? dot + 1 : NULL))
			return &d->order[i]->type;
	}
	return NULL;
}

/* Levenshtein's distance of two names, at most 3 (beyond, it does not matter). */
static int distance(const char *a, const char *b)
{
	enum { LONGEST = 63 };
	size_t la = strlen(a), lb = strlen(b);
	if (la > LONGEST || lb > LONGEST || la > lb + 2 || lb > la + 2)
		return 3;
	int row[LONGEST + 1];
	for (size_t j = 0; j <= lb; j++)
		row[j] = (int)j;
	for (size_t i = 1; i <= la; i++) {
		int diagonal = row[0];
		row[0] = (int)i;
		for (size_t j = 1; j <= lb; j++) {
			int above = row[j], best = diagonal + (a[i - 1] != b[j - 1]);
			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = above;
			row[j] = best;
		}
	}
	return row[lb] < 3 ? row[lb] : 3;
}

/* A wrong letter or two, but not all of them. */
static bool is_near(const char *wanted, const char *name)
{
	int d = distance(wanted, name);
	return d <= 2 && (size_t)d < strlen(wanted) && (size_t)d < strlen(name);
}

static int not_found(const struct kube_discovery *d, const char *name, struct err *err)
{
	_cleanup_free_ char *wanted = xstrndup(name, strcspn(name, "."));
	_cleanup_strv_ char **near = NULL;
	str_lower(wanted);
	for (size_t i = 0; i < d->len && strv_len(near) < NEAR_MISSES; i++) {
		const struct found_type *t = d->order[i];
		if (!t->preferred ||
		    (!is_near(wanted, t->type.plural) && !is_near(wanted, t->singular) && !has_name(t, wanted, strlen(wanted))))
			continue;
		_cleanup_free_ char *full = *t->type.group ? xasprintf("%s.%s", t->type.plural, t->type.group)
		                                           : xstrdup(t->type.plural);
		strv_push(&near, full);
	}
	_cleanup_free_ char *list = near ? strv_join(near, ", ") : NULL;
	return err_set(err, ERR_NOT_FOUND, "the server has no type '%s'%s%s%s", name, list ? "; did you mean " : "",
	               list ? list : "", list ? "?" : "");
}

int kube_discover(struct kube_client *c, const char *name, const struct kube_type **ret, struct err *err)
{
	struct kube_discovery *d = c->discovery;
	MUTEX_GUARD(&d->lock);
	const struct kube_type *type = find(d, name);
	if (!type && (!d->loaded_ns || clock_mono_ns() - d->loaded_ns > REFRESH_NS)) {
		if (load(c, err) < 0)
			return -1;
		type = find(d, name);
	}
	if (!type)
		return not_found(d, name, err);
	*ret = type;
	return 0;
}
