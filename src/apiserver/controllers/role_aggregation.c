/* ClusterRoles whose rules are those of others: aggregationRule selects them by label, and their rules are copied. */
#include "base/str.h"
#include "auth/rbac.h"
#include "controllers.h"
#include "internal_write.h"
#include "kube/object.h"
#include "kube/selector.h"
#include "loop.h"
#include "objects/object_view.h"
#include "server.h"

/* One pass over all: which role changed does not matter, any may be selected by any. */
#define EVERYTHING "clusterroles"
/* A chain of roles that select each other needs a pass a link. */
#define PASSES_MAX 16

static const struct internal_identity AGGREGATOR = { INTERNAL_ACCOUNT("clusterrole-aggregation-controller"), NULL };

struct role_aggregation {
	struct apiserver *server;
	struct api_type *type;
	struct store_watch *watch;
	struct loop *loop;
};

static const char *label_of(const void *self, const char *name)
{
	return store_object_label(self, name);
}

static bool has_rule(const json_t *rules, const json_t *rule)
{
	size_t i;
	json_t *there;

	json_array_foreach (rules, i, there)
		if (json_same(there, rule))
			return true;
	return false;
}

/* The rules of every other role that the selector selects. */
static void add_selected(struct role_aggregation *c, const struct store_list *roles, const char *own_name,
                         const struct kube_selector *selector, json_t *rules)
{
	for (size_t i = 0; i < roles->len; i++) {
		const struct store_object *o = roles->items[i];
		if (strcmp(o->name, own_name) == 0 || !kube_selector_matches(selector, label_of, o))
			continue;
		_cleanup_json_ json_t *obj = object_stored_value(c->type, o);
		size_t k;
		json_t *rule;
		json_array_foreach (json_object_get(obj, "rules"), k, rule)
			if (!has_rule(rules, rule))
				json_array_append(rules, rule);
	}
}

/* 1 when it was changed. */
static int aggregate(struct role_aggregation *c, const struct store_list *roles, const struct store_object *o,
                     struct err *err)
{
	_cleanup_json_ json_t *obj = object_stored_value(c->type, o), *rules = json_array();
	const json_t *selectors = json_at(obj, "aggregationRule", "clusterRoleSelectors", NULL);
	_cleanup_err_ struct err failed = { 0 };
	size_t i;
	json_t *v;

	json_array_foreach (selectors, i, v) {
		_cleanup_(kube_selector_freep) struct kube_selector *selector = kube_selector_from_json(v, NULL);
		if (selector)
			add_selected(c, roles, o->name, selector, rules);
	}
	const json_t *present = json_object_get(obj, "rules");
	if (json_same(present, rules) || (!json_is_array(present) && json_array_size(rules) == 0))
		return 0;
	json_object_set(obj, "rules", rules);
	if (internal_update(c->server, &AGGREGATOR, c->type, o, obj, &failed) == 0)
		return 1;
	if (failed.kind == ERR_CONFLICT || failed.kind == ERR_NOT_FOUND)
		return 1; /* somebody was faster: look again */
	err_move(err, &failed);
	return -1;
}

/* Aggregated roles have this in their text; others need not be parsed. */
static bool may_aggregate(const struct store_object *o)
{
	return strstr(o->text->data, "\"aggregationRule\"") != NULL;
}

static int pass(struct role_aggregation *c, struct err *err)
{
	const struct store_list_query query = { .resource = c->type->resource, .ns = "" };
	struct store_list roles;
	int changes = 0;

	if (store_list(c->server->store, &query, &roles, err) < 0)
		return -1;
	for (size_t i = 0; i < roles.len && changes >= 0; i++) {
		int r = may_aggregate(roles.items[i]) ? aggregate(c, &roles, roles.items[i], err) : 0;
		changes = r < 0 ? r : changes + r;
	}
	store_list_clear(&roles);
	return changes;
}

static int reconcile(void *self, const char *key _unused_, int64_t *ret_after_ns _unused_, struct err *err)
{
	int changes = 1;

	for (int i = 0; i < PASSES_MAX && changes > 0; i++)
		changes = pass(self, err);
	return changes < 0 ? -1 : 0;
}

static void on_role(void *self, const struct store_change *change _unused_)
{
	struct role_aggregation *c = self;

	loop_add(c->loop, EVERYTHING);
}

static int start(struct role_aggregation *c, struct err *err)
{
	struct apiserver *s = c->server;
	uint64_t version = store_version(s->store);
	int64_t after_ns = 0;

	/* The first time at once: clients may come as soon as the server listens. */
	if (reconcile(c, EVERYTHING, &after_ns, err) < 0 ||
	    loop_start("api-roles", reconcile, c, s->log, &c->loop, err) < 0)
		return -1;
	return store_watch(s->store, c->type->resource, "", version, on_role, c, &c->watch, err);
}

int role_aggregation_start(struct apiserver *s, struct role_aggregation **ret, struct err *err)
{
	struct api_type *type = registry_find(s->registry, RBAC_GROUP, "v1", "clusterroles");

	struct role_aggregation *c = *ret = new0(struct role_aggregation);
	c->server = s;
	c->type = type;
	return start(c, err);
}

struct role_aggregation *role_aggregation_stop(struct role_aggregation *c)
{
	if (!c)
		return NULL;
	store_unwatch(c->watch);
	loop_stop(c->loop);
	api_type_unref(c->type);
	free(c);
	return NULL;
}
