#include "rbac_policy.h"

#include "base/str.h"
#include "codec/embedded.h"
#include "controllers/internal_write.h"
#include "kube/object.h"
#include "objects/object_view.h"
#include "rbac.h"
#include "server.h"

#define AUTOUPDATE "rbac.authorization.kubernetes.io/autoupdate"
#define BOOTSTRAPPING "kubernetes.io/bootstrapping"
#define AGGREGATE_TO "rbac.authorization.k8s.io/aggregate-to-"
#define CONTROLLER "system:controller:"

extern const struct embedded_file APISERVER_POLICY_FILES[];

static const struct kube_type ROLE = { RBAC_GROUP, "v1", "Role", "roles", true };
static const struct kube_type CLUSTER_ROLE = { RBAC_GROUP, "v1", "ClusterRole", "clusterroles", false };
static const struct kube_type ROLE_BINDING = { RBAC_GROUP, "v1", "RoleBinding", "rolebindings", true };
static const struct kube_type CLUSTER_ROLE_BINDING = { RBAC_GROUP, "v1", "ClusterRoleBinding", "clusterrolebindings",
	                                                   false };

/* ---- from the file's form to objects ---- */

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static json_t *new_object(const struct kube_type *type, const json_t *entry, const char *name)
{
	json_t *obj = kube_object_new(type, or_empty(json_get_str(entry, "namespace")), name);

	kube_set_label(obj, BOOTSTRAPPING, "rbac-defaults");
	kube_set_annotation(obj, AUTOUPDATE, "true");
	return obj;
}

static json_t *make_role(const struct kube_type *type, const json_t *entry, const char *name)
{
	json_t *obj = new_object(type, entry, name), *rules = json_object_get(entry, "rules"), *to;
	const char *aggregate = json_get_str(entry, "aggregate");
	size_t i;

	json_array_foreach (json_object_get(entry, "aggregated-to"), i, to) {
		_cleanup_free_ char *label = xasprintf(AGGREGATE_TO "%s", or_empty(json_string_value(to)));
		kube_set_label(obj, label, "true");
	}
	if (aggregate) {
		_cleanup_free_ char *label = xasprintf(AGGREGATE_TO "%s", aggregate);
		json_put(obj, "aggregationRule",
		         json_pack("{s:[{s:{s:s}}]}", "clusterRoleSelectors", "matchLabels", label, "true"));
	}
	json_put(obj, "rules", rules ? json_clone(rules) : json_array());
	return obj;
}

static void add_subjects(json_t *subjects, const json_t *names, const char *kind)
{
	size_t i;
	json_t *name;

	json_array_foreach (names, i, name)
		json_array_append_new(subjects,
		                      strcmp(kind, "ServiceAccount") == 0
		                          ? json_pack("{s:s,s:O,s:s}", "kind", kind, "name", name, "namespace", "kube-system")
		                          : json_pack("{s:s,s:s,s:O}", "apiGroup", RBAC_GROUP, "kind", kind, "name", name));
}

/* The role has the binding's name unless another one is said. */
static json_t *make_binding(const struct kube_type *type, const json_t *entry, const char *name, const char *role)
{
	json_t *obj = new_object(type, entry, name), *subjects = json_array();

	json_put(obj, "roleRef",
	         json_pack("{s:s,s:s,s:s}", "apiGroup", RBAC_GROUP, "kind", type->namespaced ? "Role" : "ClusterRole",
	                   "name", role));
	add_subjects(subjects, json_object_get(entry, "users"), "User");
	add_subjects(subjects, json_object_get(entry, "groups"), "Group");
	add_subjects(subjects, json_object_get(entry, "accounts"), "ServiceAccount");
	json_put(obj, "subjects", subjects);
	return obj;
}

static void add_controllers(const json_t *file, json_t *roles, json_t *bindings)
{
	size_t i;
	json_t *entry;

	json_array_foreach (json_object_get(file, "controllers"), i, entry) {
		_cleanup_free_ char *name = xasprintf(CONTROLLER "%s", or_empty(json_get_str(entry, "name")));
		_cleanup_json_ json_t *bound = json_pack("{s:[O]}", "accounts", json_object_get(entry, "name"));
		json_array_append_new(roles, make_role(&CLUSTER_ROLE, entry, name));
		json_array_append_new(bindings, make_binding(&CLUSTER_ROLE_BINDING, bound, name, name));
	}
}

static void add_roles(const json_t *file, const char *section, const struct kube_type *type, json_t *ret)
{
	size_t i;
	json_t *entry;

	json_array_foreach (json_object_get(file, section), i, entry)
		json_array_append_new(ret, make_role(type, entry, or_empty(json_get_str(entry, "name"))));
}

static void add_bindings(const json_t *file, const char *section, const struct kube_type *type, json_t *ret)
{
	size_t i;
	json_t *entry;

	json_array_foreach (json_object_get(file, section), i, entry) {
		const char *name = or_empty(json_get_str(entry, "name")), *role = json_get_str(entry, "role");
		json_array_append_new(ret, make_binding(type, entry, name, role ? role : name));
	}
}

json_t *rbac_policy_objects(struct err *err)
{
	const struct embedded_file *f = &APISERVER_POLICY_FILES[0];
	_cleanup_json_ json_t *file = json_parse(f->text, f->len, 0, err);

	if (!file)
		return NULL;
	json_t *cluster_roles = json_array(), *cluster_bindings = json_array(), *roles = json_array();
	json_t *bindings = json_array();
	add_roles(file, "clusterRoles", &CLUSTER_ROLE, cluster_roles);
	add_bindings(file, "clusterRoleBindings", &CLUSTER_ROLE_BINDING, cluster_bindings);
	add_controllers(file, cluster_roles, cluster_bindings);
	add_roles(file, "roles", &ROLE, roles);
	add_bindings(file, "roleBindings", &ROLE_BINDING, bindings);
	return json_pack("{s:o,s:o,s:o,s:o}", "clusterRoles", cluster_roles, "clusterRoleBindings", cluster_bindings,
	                 "roles", roles, "roleBindings", bindings);
}

/* ---- what is missing ---- */

/* Adds the members that obj does not have. True when there were any. */
static bool add_members(json_t *obj, const char *part, const json_t *wanted)
{
	const json_t *from = json_object_get(kube_meta(wanted), part);
	bool changed = false;
	const char *key;
	json_t *value;

	json_object_foreach (json_unconst(from), key, value) {
		json_t *to = json_ensure_object(kube_meta(obj), part);
		if (json_object_get(to, key))
			continue;
		json_object_set_new(to, key, json_clone(value));
		changed = true;
	}
	return changed;
}

static bool add_rules(json_t *obj, const json_t *wanted)
{
	_cleanup_(rbac_rules_unrefp) struct rbac_rules *have = rbac_rules_from_json(json_object_get(obj, "rules"));
	_cleanup_(rbac_rules_unrefp) struct rbac_rules *want = rbac_rules_from_json(json_object_get(wanted, "rules"));
	_cleanup_(rbac_rules_unrefp) struct rbac_rules *missing = NULL;

	if (rbac_rules_cover(&have, 1, want, &missing, NULL) != 0)
		return false;
	_cleanup_json_ json_t *added = rbac_rules_to_json(missing);
	json_array_extend(json_ensure_array(obj, "rules"), added);
	return true;
}

/* Appends those items of wanted's list that obj's has not. */
static bool add_items(json_t *obj, const char *key, const json_t *wanted)
{
	bool changed = false;
	size_t i, k;
	json_t *item, *there;

	json_array_foreach (json_object_get(wanted, key), i, item) {
		json_t *list = json_ensure_array(obj, key);
		bool found = false;
		json_array_foreach (list, k, there)
			found = found || json_same(there, item);
		if (found)
			continue;
		json_array_append_new(list, json_clone(item));
		changed = true;
	}
	return changed;
}

json_t *rbac_policy_reconcile(const json_t *current, const json_t *wanted)
{
	const char *autoupdate = kube_annotation(current, AUTOUPDATE);
	const json_t *selectors = json_object_get(wanted, "aggregationRule");

	if (str_eq(autoupdate, "false"))
		return NULL;
	_cleanup_json_ json_t *obj = json_clone(current);
	bool changed = add_members(obj, "labels", wanted);
	changed |= add_members(obj, "annotations", wanted);
	if (json_object_get(wanted, "roleRef"))
		changed |= add_items(obj, "subjects", wanted);
	else if (selectors)
		changed |= add_items(json_ensure_object(obj, "aggregationRule"), "clusterRoleSelectors", selectors);
	else
		changed |= add_rules(obj, wanted);
	return changed ? TAKE_PTR(obj) : NULL;
}

/* ---- the store ---- */

static void apply_one(struct apiserver *s, struct store_batch *b, const struct api_type *t, json_t *wanted)
{
	_cleanup_(store_object_unrefp) struct store_object *current = store_get(s->store, t->resource,
	                                                                        kube_namespace(wanted), kube_name(wanted));

	if (!current) {
		internal_create_in(b, s, t, wanted);
		return;
	}
	_cleanup_json_ json_t *old = object_stored_value(t, current), *obj = rbac_policy_reconcile(old, wanted);
	if (!obj)
		return;
	const struct store_write w = internal_write(t, current, obj);
	store_batch_add(b, &w);
}

static void apply_kind(struct apiserver *s, struct store_batch *b, const char *plural, const json_t *objects)
{
	_cleanup_(api_type_unrefp) struct api_type *t = registry_find(s->registry, RBAC_GROUP, "v1", plural);
	size_t i;
	json_t *obj;

	json_array_foreach (objects, i, obj)
		apply_one(s, b, t, obj);
}

int rbac_policy_apply(struct apiserver *s, struct err *err)
{
	_cleanup_json_ json_t *objects = rbac_policy_objects(err);

	if (!objects)
		return -1;
	struct store_batch *b = store_batch_new(s->store);
	apply_kind(s, b, "clusterroles", json_object_get(objects, "clusterRoles"));
	apply_kind(s, b, "clusterrolebindings", json_object_get(objects, "clusterRoleBindings"));
	apply_kind(s, b, "roles", json_object_get(objects, "roles"));
	apply_kind(s, b, "rolebindings", json_object_get(objects, "roleBindings"));
	if (store_batch_finish(b, err) < 0)
		return err_wrap(err, "writing the default roles and bindings");
	return 0;
}
