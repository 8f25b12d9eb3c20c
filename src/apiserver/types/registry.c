#include "registry.h"

#include "base/map.h"
#include "kinds/kinds_tables.h"
#include "base/str.h"
#include "base/thread.h"
#include "conversion/conversion.h"

#include <stdio.h>

struct registry {
	pthread_rwlock_t lock;
	struct map *types; /* "group/plural" → struct api_type */
	uint64_t generation;
	struct api_type *scale;
};

static const struct api_strategy DEFAULT_STRATEGY = { .generation = true };

struct api_type *api_type_new(const char *group, const char *plural, const char *singular, const char *kind)
{
	struct api_type *t = new0(struct api_type);

	atomic_init(&t->refs, 1);
	t->group = xstrdup(group);
	t->plural = xstrdup(plural);
	t->singular = xstrdup(singular);
	t->kind = xstrdup(kind);
	t->list_kind = xasprintf("%sList", kind);
	t->resource = xasprintf("%s/%s", group, plural);
	t->verbs = VERB_ALL;
	t->strategy = &DEFAULT_STRATEGY;
	return t;
}

struct api_version *api_type_add_version(struct api_type *t, const char *name)
{
	t->versions = xreallocarray(t->versions, t->versions_len + 1, sizeof(*t->versions));
	struct api_version *v = &t->versions[t->versions_len++];
	*v = (struct api_version){
		.name = xstrdup(name),
		.api_version = *t->group ? xasprintf("%s/%s", t->group, name) : xstrdup(name),
		.served = true,
	};
	return v;
}

struct api_type *api_type_ref(struct api_type *t)
{
	atomic_fetch_add_explicit(&t->refs, 1, memory_order_relaxed);
	return t;
}

void api_column_clear(struct api_column *c)
{
	free(c->name);
	free(c->type);
	free(c->format);
	free(c->description);
	jsonpath_free(c->path);
}

static void version_clear(struct api_version *v)
{
	for (size_t i = 0; i < v->columns_len; i++)
		api_column_clear(&v->columns[i]);
	free(v->columns);
	if (v->scale) {
		free(v->scale->spec_replicas);
		free(v->scale->status_replicas);
		free(v->scale->selector);
		free(v->scale);
	}
	strv_free(v->selectable);
	schema_unref(v->schema);
	free(v->deprecation_warning);
	free(v->name);
	free(v->api_version);
}

struct api_type *api_type_unref(struct api_type *t)
{
	if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	for (size_t i = 0; i < t->versions_len; i++)
		version_clear(&t->versions[i]);
	free(t->versions);
	conversion_unref(t->conversion);
	strv_free(t->short_names);
	strv_free(t->categories);
	free(t->group);
	free(t->plural);
	free(t->singular);
	free(t->kind);
	free(t->list_kind);
	free(t->resource);
	free(t);
	return NULL;
}

const struct api_version *api_type_version(const struct api_type *t, const char *name)
{
	for (size_t i = 0; i < t->versions_len; i++)
		if (t->versions[i].served && strcmp(t->versions[i].name, name) == 0)
			return &t->versions[i];
	return NULL;
}

bool api_type_has_messages(const struct api_type *t)
{
	return t->versions_len > 0 && t->versions[0].message;
}

const char *api_type_words(const struct api_type *t, char ret[static 512])
{
	snprintf(ret, 512, "%s%s%s", t->plural, *t->group ? "." : "", t->group);
	return ret;
}

bool api_type_has_subresource(const struct api_type *t _unused_, const struct api_version *v, const char *subresource)
{
	if (strcmp(subresource, "status") == 0)
		return v->has_status;
	if (strcmp(subresource, "scale") == 0)
		return v->scale != NULL;
	if (strcmp(subresource, "token") == 0)
		return strcmp(t->resource, "/serviceaccounts") == 0;
	if (strcmp(subresource, "finalize") == 0)
		return v->further & KINDS_FINALIZE;
	return strcmp(subresource, "approval") == 0 && (v->further & KINDS_APPROVAL);
}

static void type_unref(void *t)
{
	api_type_unref(t);
}

struct registry *registry_new(void)
{
	struct registry *r = new0(struct registry);

	pthread_rwlock_init(&r->lock, NULL);
	r->types = map_new(type_unref);
	return r;
}

struct registry *registry_free(struct registry *r)
{
	if (!r)
		return NULL;
	map_free(r->types);
	api_type_unref(r->scale);
	pthread_rwlock_destroy(&r->lock);
	free(r);
	return NULL;
}

static char *type_key(const char *group, const char *plural)
{
	return xasprintf("%s/%s", group, plural);
}

void registry_put_scale(struct registry *r, struct api_type *t)
{
	api_type_unref(r->scale);
	r->scale = t;
}

const struct api_type *registry_scale(const struct registry *r)
{
	return r->scale;
}

void registry_put(struct registry *r, struct api_type *t)
{
	_cleanup_free_ char *key = type_key(t->group, t->plural);

	pthread_rwlock_wrlock(&r->lock);
	map_set(r->types, key, t);
	r->generation++;
	pthread_rwlock_unlock(&r->lock);
}

void registry_remove(struct registry *r, const char *group, const char *plural)
{
	_cleanup_free_ char *key = type_key(group, plural);

	pthread_rwlock_wrlock(&r->lock);
	if (map_del(r->types, key))
		r->generation++;
	pthread_rwlock_unlock(&r->lock);
}

struct api_type *registry_find(struct registry *r, const char *group, const char *version, const char *plural)
{
	_cleanup_free_ char *key = type_key(group, plural);

	pthread_rwlock_rdlock(&r->lock);
	struct api_type *t = map_get(r->types, key);
	if (t && version && !api_type_version(t, version))
		t = NULL;
	if (t)
		api_type_ref(t);
	pthread_rwlock_unlock(&r->lock);
	return t;
}

struct api_type *registry_find_kind(struct registry *r, const char *group, const char *version, const char *kind)
{
	struct api_type *found = NULL;
	void *value;
	size_t iter = 0;

	pthread_rwlock_rdlock(&r->lock);
	while (!found && map_next(r->types, &iter, NULL, &value)) {
		struct api_type *t = value;
		if (strcmp(t->group, group) == 0 && strcmp(t->kind, kind) == 0 && (!version || api_type_version(t, version)))
			found = api_type_ref(t);
	}
	pthread_rwlock_unlock(&r->lock);
	return found;
}

static int type_compare(const void *a, const void *b)
{
	const struct api_type *x = *(struct api_type *const *)a, *y = *(struct api_type *const *)b;
	int order = strcmp(x->group, y->group);

	return order ? order : strcmp(x->plural, y->plural);
}

struct api_type **registry_types(struct registry *r)
{
	void *value;
	size_t iter = 0, len = 0;

	pthread_rwlock_rdlock(&r->lock);
	struct api_type **list = xcalloc(map_len(r->types) + 1, sizeof(*list));
	while (map_next(r->types, &iter, NULL, &value))
		list[len++] = api_type_ref(value);
	pthread_rwlock_unlock(&r->lock);
	qsort(list, len, sizeof(*list), type_compare);
	return list;
}

struct api_type **registry_types_free(struct api_type **types)
{
	for (size_t i = 0; types && types[i]; i++)
		api_type_unref(types[i]);
	free(types);
	return NULL;
}

uint64_t registry_generation(struct registry *r)
{
	pthread_rwlock_rdlock(&r->lock);
	uint64_t generation = r->generation;
	pthread_rwlock_unlock(&r->lock);
	return generation;
}

/* "v1beta2" → major 1, stage 1 (beta), minor 2. GA is stage 2, alpha 0; false when it has another form. */
static bool version_parts(const char *s, long *ret_major, int *ret_stage, long *ret_minor)
{
	char *end;

	if (*s != 'v' || s[1] < '1' || s[1] > '9')
		return false;
	*ret_major = strtol(s + 1, &end, 10);
	*ret_minor = 0;
	*ret_stage = 2;
	if (!*end)
		return true;
	const char *rest = str_after(end, "alpha");
	*ret_stage = 0;
	if (!rest) {
		rest = str_after(end, "beta");
		*ret_stage = 1;
	}
	if (!rest || *rest < '1' || *rest > '9')
		return false;
	*ret_minor = strtol(rest, &end, 10);
	return !*end;
}

int api_version_compare(const char *a, const char *b)
{
	long a_major, b_major, a_minor, b_minor;
	int a_stage, b_stage;
	bool a_ok = version_parts(a, &a_major, &a_stage, &a_minor), b_ok = version_parts(b, &b_major, &b_stage, &b_minor);

	if (!a_ok || !b_ok)
		return a_ok != b_ok ? (a_ok ? -1 : 1) : strcmp(a, b);
	if (a_stage != b_stage)
		return b_stage - a_stage;
	if (a_major != b_major)
		return a_major > b_major ? -1 : 1;
	return (a_minor < b_minor) - (a_minor > b_minor);
}

unsigned api_verb_bit(const char *verb)
{
	static const struct {
		const char *name;
		unsigned bit;
	} bits[] = { { "get", VERB_GET },       { "list", VERB_LIST },
		         { "watch", VERB_WATCH },   { "create", VERB_CREATE },
		         { "update", VERB_UPDATE }, { "patch", VERB_PATCH },
		         { "delete", VERB_DELETE }, { "deletecollection", VERB_DELETE_COLLECTION } };

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		if (strcmp(bits[i].name, verb) == 0)
			return bits[i].bit;
	return 0;
}
