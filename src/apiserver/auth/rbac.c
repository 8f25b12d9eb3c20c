#include "rbac.h"

#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"
#include "kube/object.h"

#include <stdio.h>

#define REASON_MAX ((size_t)16 * 1024)
#define ERRORS_MAX 64

/* A role that bindings refer to, whether it is there or not. */
struct role {
	char *name;
	bool cluster;
	struct rbac_rules *rules; /* NULL: it is not there */
	size_t bindings;
};

struct subject {
	char *kind, *name, *ns; /* as given, for words */
};

struct binding {
	char *ns, *name, *role_kind;
	struct role *role; /* NULL: a kind of reference nobody knows */
	struct subject *subjects;
	size_t len;
};

/* What one user or group is granted: subject is the place in the binding. */
struct grant {
	const struct binding *binding;
	size_t subject;
};
struct grants {
	struct grant *list;
	size_t len, cap;
};

/* The bindings of a namespace, or those of the cluster, by whom they name. */
struct scope {
	struct map *users, *groups; /* name → struct grants */
};

struct rbac {
	pthread_rwlock_t lock;
	struct map *roles;    /* "ns/name" → struct role */
	struct map *bindings; /* "ns/name" → struct binding */
	struct scope cluster;
	struct map *namespaces; /* name → struct scope */
	struct store_watch *watches[4];
};

/* ---- life ---- */

static void grants_free(void *p)
{
	struct grants *g = p;

	free(g->list);
	free(g);
}

static void scope_init(struct scope *s)
{
	s->users = map_new(grants_free);
	s->groups = map_new(grants_free);
}

static void scope_done(struct scope *s)
{
	map_free(s->users);
	map_free(s->groups);
}

static void scope_free(void *p)
{
	scope_done(p);
	free(p);
}

static void role_free(void *p)
{
	struct role *role = p;

	rbac_rules_unref(role->rules);
	free(role->name);
	free(role);
}

static void binding_free(void *p)
{
	struct binding *b = p;

	for (size_t i = 0; i < b->len; i++) {
		free(b->subjects[i].kind);
		free(b->subjects[i].name);
		free(b->subjects[i].ns);
	}
	free(b->subjects);
	free(b->ns);
	free(b->name);
	free(b->role_kind);
	free(b);
}

struct rbac *rbac_new(void)
{
	struct rbac *r = new0(struct rbac);

	pthread_rwlock_init(&r->lock, NULL);
	r->roles = map_new(role_free);
	r->bindings = map_new(binding_free);
	r->namespaces = map_new(scope_free);
	scope_init(&r->cluster);
	return r;
}

struct rbac *rbac_free(struct rbac *r)
{
	if (!r)
		return NULL;
	rbac_unfollow(r);
	map_free(r->namespaces);
	scope_done(&r->cluster);
	map_free(r->bindings);
	map_free(r->roles);
	pthread_rwlock_destroy(&r->lock);
	free(r);
	return NULL;
}

/* ---- changes ---- */

static char *key_of(const char *ns, const char *name)
{
	return xasprintf("%s/%s", ns, name);
}

/* With the lock held for writing. */
static struct role *role_get(struct rbac *r, const char *ns, const char *name)
{
	_cleanup_free_ char *key = key_of(ns, name);
	struct role *role = map_get(r->roles, key);

	if (role)
		return role;
	role = new0(struct role);
	role->name = xstrdup(name);
	role->cluster = !*ns;
	map_set(r->roles, key, role);
	return role;
}

static void role_drop_unused(struct rbac *r, const char *ns, const struct role *role)
{
	if (role->rules || role->bindings > 0)
		return;
	_cleanup_free_ char *key = key_of(ns, role->name);
	map_del(r->roles, key);
}

void rbac_put_role(struct rbac *r, const char *ns, const char *name, const json_t *obj)
{
	struct rbac_rules *rules = obj ? rbac_rules_from_json(json_object_get(obj, "rules")) : NULL;

	pthread_rwlock_wrlock(&r->lock);
	struct role *role = role_get(r, ns, name);
	rbac_rules_unref(role->rules);
	role->rules = rules;
	role_drop_unused(r, ns, role);
	pthread_rwlock_unlock(&r->lock);
}

static struct scope *scope_of(struct rbac *r, const char *ns, bool make)
{
	if (!*ns)
		return &r->cluster;
	struct scope *s = map_get(r->namespaces, ns);
	if (!s && make) {
		s = new0(struct scope);
		scope_init(s);
		map_set(r->namespaces, ns, s);
	}
	return s;
}

/* Where grants of a subject are kept, and under which name (free()); NULL when it can never apply. */
static struct map *map_of_subject(struct scope *scope, const struct binding *b, const struct subject *s,
                                  char **ret_name)
{
	const char *ns = *s->ns ? s->ns : b->ns;

	if (strcmp(s->kind, "ServiceAccount") == 0) {
		if (!*ns)
			return NULL;
		*ret_name = xasprintf("system:serviceaccount:%s:%s", ns, s->name);
		return scope->users;
	}
	if (strcmp(s->kind, "User") != 0 && strcmp(s->kind, "Group") != 0)
		return NULL;
	*ret_name = xstrdup(s->name);
	return strcmp(s->kind, "User") == 0 ? scope->users : scope->groups;
}

static void grants_add(struct map *map, const char *name, const struct binding *b, size_t subject)
{
	struct grants *g = map_get(map, name);

	if (!g) {
		g = new0(struct grants);
		map_set(map, name, g);
	}
	if (g->len == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 2;
		g->list = xreallocarray(g->list, g->cap, sizeof(*g->list));
	}
	g->list[g->len++] = (struct grant){ b, subject };
}

/* A binding that names somebody twice has two grants. */
static void grants_remove(struct map *map, const char *name, const struct binding *b, size_t subject)
{
	struct grants *g = map_get(map, name);

	for (size_t i = 0; g && i < g->len; i++) {
		if (g->list[i].binding != b || g->list[i].subject != subject)
			continue;
		memmove(&g->list[i], &g->list[i + 1], (g->len - i - 1) * sizeof(*g->list));
		if (--g->len == 0)
			map_del(map, name);
		return;
	}
}

static void binding_link(struct rbac *r, struct binding *b, bool add)
{
	struct scope *scope = scope_of(r, b->ns, add);

	for (size_t i = 0; scope && i < b->len; i++) {
		_cleanup_free_ char *name = NULL;
		struct map *map = map_of_subject(scope, b, &b->subjects[i], &name);
		if (map && add)
			grants_add(map, name, b, i);
		else if (map)
			grants_remove(map, name, b, i);
	}
	if (scope && *b->ns && map_len(scope->users) == 0 && map_len(scope->groups) == 0)
		map_del(r->namespaces, b->ns);
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static struct binding *binding_new(const char *ns, const char *name, const json_t *obj)
{
	const json_t *subjects = json_object_get(obj, "subjects");
	struct binding *b = new0(struct binding);

	b->ns = xstrdup(ns);
	b->name = xstrdup(name);
	b->role_kind = xstrdup(or_empty(json_str_at(obj, "roleRef", "kind", NULL)));
	b->len = json_array_size(subjects);
	b->subjects = xcalloc(b->len, sizeof(*b->subjects));
	for (size_t i = 0; i < b->len; i++) {
		const json_t *s = json_array_get(subjects, i);
		b->subjects[i] = (struct subject){
			.kind = xstrdup(or_empty(json_get_str(s, "kind"))),
			.name = xstrdup(or_empty(json_get_str(s, "name"))),
			.ns = xstrdup(or_empty(json_get_str(s, "namespace"))),
		};
	}
	return b;
}

static void binding_refer(struct rbac *r, struct binding *b, const char *role)
{
	bool cluster = strcmp(b->role_kind, "ClusterRole") == 0;

	/* A role of a namespace means nothing to a binding of the cluster. */
	if (!cluster && (strcmp(b->role_kind, "Role") != 0 || !*b->ns))
		return;
	b->role = role_get(r, cluster ? "" : b->ns, role);
	b->role->bindings++;
}

void rbac_put_binding(struct rbac *r, const char *ns, const char *name, const json_t *obj)
{
	struct binding *b = obj ? binding_new(ns, name, obj) : NULL;
	_cleanup_free_ char *key = key_of(ns, name);

	pthread_rwlock_wrlock(&r->lock);
	struct binding *old = map_take(r->bindings, key);
	if (b) {
		binding_refer(r, b, or_empty(json_str_at(obj, "roleRef", "name", NULL)));
		map_set(r->bindings, key, b);
		binding_link(r, b, true);
	}
	if (old) {
		binding_link(r, old, false);
		if (old->role) {
			old->role->bindings--;
			role_drop_unused(r, old->role->cluster ? "" : old->ns, old->role);
		}
		binding_free(old);
	}
	pthread_rwlock_unlock(&r->lock);
}

/* ---- questions ---- */

/* Calls each() for every grant of the user until it returns true; with the lock held for reading. */
typedef bool (*grant_fn)(void *self, const struct grant *g);

static bool visit_grants(const struct grants *g, grant_fn each, void *self)
{
	for (size_t i = 0; g && i < g->len; i++)
		if (each(self, &g->list[i]))
			return true;
	return false;
}

static bool visit_scope(const struct scope *s, const struct auth_user *user, grant_fn each, void *self)
{
	if (visit_grants(map_get(s->users, user->name), each, self))
		return true;
	for (size_t i = 0; user->groups && user->groups[i]; i++)
		if (visit_grants(map_get(s->groups, user->groups[i]), each, self))
			return true;
	return false;
}

static bool visit(struct rbac *r, const struct auth_user *user, const char *ns, grant_fn each, void *self)
{
	const struct scope *local = *ns ? map_get(r->namespaces, ns) : NULL;

	return visit_scope(&r->cluster, user, each, self) || (local && visit_scope(local, user, each, self));
}

static void note_missing(char ***errors, const struct binding *b)
{
	_cleanup_free_ char *text = NULL;

	if (b->role)
		text = xasprintf("%s." RBAC_GROUP " \"%s\" not found", b->role->cluster ? "clusterrole" : "role",
		                 b->role->name);
	else
		text = xasprintf("unsupported role reference kind: \"%s\"", b->role_kind);
	if (strv_len(*errors) < ERRORS_MAX && !(*errors && str_in(text, (const char *const *)*errors)))
		strv_push(errors, text);
}

struct question {
	struct rbac *rbac;
	const struct auth_user *user;
	const struct auth_attributes *attributes;
	bool want_reason;
	char *allowed_by, **errors;
};

/* The first subject of the binding that is the user: the one Kubernetes names, however the grant was found. */
static const struct subject *first_subject(struct rbac *r, const struct grant *g, const struct auth_user *user)
{
	const struct binding *b = g->binding;
	size_t i = 0;

	for (; i < g->subject; i++) {
		_cleanup_free_ char *name = NULL;
		const struct map *map = map_of_subject(&r->cluster, b, &b->subjects[i], &name);
		if (map && (map == r->cluster.groups ? auth_user_in(user, name) : strcmp(user->name, name) == 0))
			break;
	}
	return &b->subjects[i];
}

/* `ClusterRoleBinding "x" of ClusterRole "y" to Group "z"`. */
static char *describe_grant(const struct binding *b, const struct subject *s)
{
	bool account = strcmp(s->kind, "ServiceAccount") == 0;

	return xasprintf("RBAC: allowed by %s \"%s%s%s\" of %s \"%s\" to %s \"%s%s%s\"",
	                 *b->ns ? "RoleBinding" : "ClusterRoleBinding", b->name, *b->ns ? "/" : "", b->ns, b->role_kind,
	                 b->role->name, s->kind, s->name, account ? "/" : "", account ? (*s->ns ? s->ns : b->ns) : "");
}

static bool ask(void *self, const struct grant *g)
{
	struct question *q = self;
	const struct role *role = g->binding->role;

	if (!role || !role->rules) {
		if (q->want_reason)
			note_missing(&q->errors, g->binding);
		return false;
	}
	if (!rbac_rules_allow(role->rules, q->attributes))
		return false;
	if (q->want_reason)
		q->allowed_by = describe_grant(g->binding, first_subject(q->rbac, g, q->user));
	return true;
}

/* One error as it is, several in brackets. */
static char *errors_reason(char *const *errors)
{
	_cleanup_buf_ struct buf out = BUF_INIT(REASON_MAX);

	if (!errors)
		return NULL;
	buf_printf(&out, "RBAC: %s", errors[1] ? "[" : "");
	for (size_t i = 0; errors[i]; i++)
		buf_printf(&out, "%s%s", i ? ", " : "", errors[i]);
	if (errors[1])
		buf_putc(&out, ']');
	return buf_steal(&out);
}

bool rbac_allow(struct rbac *r, const struct auth_user *user, const struct auth_attributes *a, char **ret_reason)
{
	struct question q = { .rbac = r, .user = user, .attributes = a, .want_reason = ret_reason };

	pthread_rwlock_rdlock(&r->lock);
	bool allowed = visit(r, user, a->ns, ask, &q);
	pthread_rwlock_unlock(&r->lock);
	if (ret_reason)
		*ret_reason = allowed ? TAKE_PTR(q.allowed_by) : errors_reason(q.errors);
	strv_free(q.errors);
	return allowed;
}

static bool collect(void *self, const struct grant *g)
{
	struct rbac_grants *grants = self;
	const struct role *role = g->binding->role;

	if (!role || !role->rules) {
		note_missing(&grants->errors, g->binding);
		return false;
	}
	grants->list = xreallocarray(grants->list, grants->len + 1, sizeof(struct rbac_rules *));
	grants->list[grants->len++] = rbac_rules_ref(role->rules);
	return false;
}

void rbac_grants_of(struct rbac *r, const struct auth_user *user, const char *ns, struct rbac_grants *ret)
{
	*ret = (struct rbac_grants){ 0 };
	pthread_rwlock_rdlock(&r->lock);
	visit(r, user, ns, collect, ret);
	pthread_rwlock_unlock(&r->lock);
}

void rbac_grants_clear(struct rbac_grants *g)
{
	for (size_t i = 0; i < g->len; i++)
		rbac_rules_unref(g->list[i]);
	free(g->list);
	strv_free(g->errors);
	*g = (struct rbac_grants){ 0 };
}

struct rbac_rules *rbac_role_rules(struct rbac *r, const char *kind, const char *ns, const char *name, struct err *err)
{
	bool cluster = strcmp(kind, "ClusterRole") == 0;
	_cleanup_free_ char *key = key_of(cluster ? "" : ns, name);

	if (!cluster && strcmp(kind, "Role") != 0) {
		err_set(err, ERR_INTERNAL, "unsupported role reference kind: \"%s\"", kind);
		return NULL;
	}
	pthread_rwlock_rdlock(&r->lock);
	const struct role *role = map_get(r->roles, key);
	struct rbac_rules *rules = role && role->rules ? rbac_rules_ref(role->rules) : NULL;
	pthread_rwlock_unlock(&r->lock);
	if (!rules)
		err_set(err, ERR_NOT_FOUND, "%s." RBAC_GROUP " \"%s\" not found", cluster ? "clusterroles" : "roles", name);
	return rules;
}

/* ---- the store ---- */

static void on_object(struct rbac *r, const struct store_object *o, bool gone)
{
	_cleanup_json_ json_t *obj = gone ? NULL : json_parse(o->text->data, o->text->len, 0, NULL);

	/* What cannot be read grants nothing. */
	if (str_ends_with(o->resource, "bindings"))
		rbac_put_binding(r, o->ns, o->name, obj);
	else
		rbac_put_role(r, o->ns, o->name, obj);
}

static void on_change(void *self, const struct store_change *change)
{
	on_object(self, change->object, change->type == STORE_DELETED);
}

int rbac_follow(struct rbac *r, struct store *s, struct err *err)
{
	static const char *const resources[] = { RBAC_CLUSTER_ROLES, RBAC_ROLES, RBAC_CLUSTER_ROLE_BINDINGS,
		                                     RBAC_ROLE_BINDINGS };

	for (size_t i = 0; i < ARRAY_SIZE(resources); i++) {
		const struct store_list_query query = { .resource = resources[i], .ns = "" };
		struct store_list list;
		if (store_list(s, &query, &list, err) < 0)
			return -1;
		for (size_t k = 0; k < list.len; k++)
			on_object(r, list.items[k], false);
		uint64_t version = list.version;
		store_list_clear(&list);
		if (store_watch(s, resources[i], "", version, on_change, r, &r->watches[i], err) < 0)
			return -1;
	}
	return 0;
}

void rbac_unfollow(struct rbac *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(r->watches); i++) {
		store_unwatch(r->watches[i]);
		r->watches[i] = NULL;
	}
}

/* ---- the authorizer ---- */

static bool allow(void *self, const struct auth_user *user, const struct auth_attributes *a, char **ret_reason)
{
	if (ret_reason)
		*ret_reason = NULL;
	return auth_user_in(user, "system:masters") || rbac_allow(self, user, a, ret_reason);
}

static void rules(void *self, const struct auth_user *user, const char *ns, json_t *resource_rules,
                  json_t *non_resource_rules)
{
	struct rbac_grants grants;

	rbac_grants_of(self, user, ns, &grants);
	for (size_t i = 0; i < grants.len; i++) {
		for (size_t k = 0; k < grants.list[i]->len; k++) {
			const struct rbac_rule *rule = &grants.list[i]->list[k];
			if (rule->resources) {
				json_t *v = json_pack("{s:o,s:o,s:o}", "verbs", json_strings(rule->verbs), "apiGroups",
				                      json_strings(rule->groups), "resources", json_strings(rule->resources));
				if (rule->names)
					json_put(v, "resourceNames", json_strings(rule->names));
				json_array_append_new(resource_rules, v);
			}
			if (rule->urls)
				json_array_append_new(non_resource_rules, json_pack("{s:o,s:o}", "verbs", json_strings(rule->verbs),
				                                                    "nonResourceURLs", json_strings(rule->urls)));
		}
	}
	rbac_grants_clear(&grants);
}

struct authorizer authorizer_rbac(struct rbac *r)
{
	return (struct authorizer){ .allow = allow, .rules = rules, .self = r };
}
