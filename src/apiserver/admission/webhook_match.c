/* Which requests a webhook is called for: rules first, then equivalents of the resource, with both selectors. */
#include "base/str.h"
#include "kube/object.h"
#include "objects/object_view.h"
#include "webhook.h"

bool webhook_is_exempt(const struct api_type *t)
{
	static const char *const plurals[] = { "mutatingwebhookconfigurations",
		                                   "validatingwebhookconfigurations",
		                                   "validatingadmissionpolicies",
		                                   "validatingadmissionpolicybindings",
		                                   "mutatingadmissionpolicies",
		                                   "mutatingadmissionpolicybindings",
		                                   NULL };

	return strcmp(t->group, "admissionregistration.k8s.io") == 0 && str_in(t->plural, plurals);
}

/* ---- rules ---- */

static bool listed(char *const *list, const char *wanted)
{
	for (size_t i = 0; list && list[i]; i++)
		if (strcmp(list[i], "*") == 0 || strcmp(list[i], wanted) == 0)
			return true;
	return false;
}

/* "pods", "pods/log", "pods" + "/" + "*", "*" + "/log": without a slash there is no subresource. */
static bool resource_matches(const char *rule, const char *plural, const char *subresource)
{
	const char *slash = strchr(rule, '/');
	size_t len = slash ? (size_t)(slash - rule) : strlen(rule);
	const char *sub = slash ? slash + 1 : "";
	bool plural_ok = (len == 1 && *rule == '*') || (len == strlen(plural) && strncmp(rule, plural, len) == 0);

	return plural_ok && (!subresource || strcmp(sub, "*") == 0 || strcmp(sub, subresource) == 0);
}

/* subresource NULL: any. */
static bool resources_match(char *const *list, const char *plural, const char *subresource)
{
	for (size_t i = 0; list && list[i]; i++)
		if (resource_matches(list[i], plural, subresource))
			return true;
	return false;
}

static bool is_namespace(const struct api_type *t)
{
	return strcmp(t->plural, "namespaces") == 0;
}

/* A namespace itself is of the cluster, though requests about it carry its name as their namespace. */
static bool scope_matches(const struct webhook_rule *r, const struct api_type *t)
{
	if (r->scope == SCOPE_NAMESPACED)
		return t->namespaced;
	return r->scope == SCOPE_ALL || !t->namespaced;
}

static bool rule_matches(const struct webhook_rule *r, const struct admission_attributes *a, const struct api_type *t,
                         const char *version)
{
	return (r->operations & a->operation) && scope_matches(r, t) && listed(r->groups, t->group) &&
	       listed(r->versions, version) && resources_match(r->resources, t->plural, a->subresource);
}

bool webhook_rules_may_match(const struct webhook *hook, const struct api_type *t, unsigned operations)
{
	bool twin = strcmp(t->resource, "/events") == 0; /* in two groups */

	for (size_t i = 0; i < hook->rules_len; i++) {
		const struct webhook_rule *r = &hook->rules[i];
		if ((r->operations & operations) && (twin || listed(r->groups, t->group)) &&
		    resources_match(r->resources, t->plural, NULL))
			return true;
	}
	return false;
}

static bool matches_as_is(const struct webhook *hook, const struct admission_attributes *a, struct webhook_match *ret)
{
	for (size_t i = 0; i < hook->rules_len; i++)
		if (rule_matches(&hook->rules[i], a, a->type, a->version->name)) {
			*ret = (struct webhook_match){ .type = a->type, .version = a->version };
			return true;
		}
	return false;
}

static bool equivalent_in(const struct webhook_rule *r, const struct admission_attributes *a, const struct api_type *t,
                          struct webhook_match *ret)
{
	for (size_t i = 0; i < t->versions_len; i++) {
		const struct api_version *v = &t->versions[i];
		if (v->served && (t != a->type || v != a->version) && rule_matches(r, a, t, v->name)) {
			*ret = (struct webhook_match){ .type = t, .version = v };
			return true;
		}
	}
	return false;
}

/* Another version of the type, or the other group of events. */
static bool matches_equivalent(const struct admission *ad, const struct webhook *hook,
                               const struct admission_attributes *a, struct webhook_match *ret)
{
	struct api_type *twin = NULL;

	if (strcmp(a->type->resource, "/events") == 0)
		twin = registry_find(ad->config.registry, *a->type->group ? "" : "events.k8s.io", NULL, "events");
	for (size_t i = 0; i < hook->rules_len; i++) {
		if (equivalent_in(&hook->rules[i], a, a->type, ret)) {
			api_type_unref(twin);
			return true;
		}
		if (twin && equivalent_in(&hook->rules[i], a, twin, ret)) {
			ret->owned = twin;
			return true;
		}
	}
	api_type_unref(twin);
	return false;
}

void webhook_match_clear(struct webhook_match *m)
{
	m->owned = api_type_unref(m->owned);
}

/* ---- selectors ---- */

static const char *stored_label(const void *self, const char *name)
{
	return store_object_label(self, name);
}

static int namespace_matches(const struct admission *ad, const struct webhook *hook,
                             const struct admission_attributes *a, struct err *err)
{
	if (!*a->ns || kube_selector_is_empty(hook->namespaces))
		return 1;
	/* What is about to be written about a namespace counts for itself. */
	if (is_namespace(a->type) && !*a->subresource && a->object)
		return kube_selector_matches_labels(hook->namespaces, a->object);
	_cleanup_(store_object_unrefp) struct store_object *ns = store_get(ad->config.store, "/namespaces", "", a->ns);
	if (!ns)
		return err_set(err, ERR_NOT_FOUND, "namespaces \"%s\" not found", a->ns);
	return kube_selector_matches(hook->namespaces, stored_label, ns);
}

static bool object_matches(const struct webhook *hook, const struct admission_attributes *a)
{
	return kube_selector_is_empty(hook->objects) ||
	       (a->object && kube_selector_matches_labels(hook->objects, a->object)) ||
	       (a->old && kube_selector_matches_labels(hook->objects, a->old));
}

int webhook_match(const struct admission *ad, const struct webhook *hook, const struct admission_attributes *a,
                  struct webhook_match *ret, struct err *err)
{
	_cleanup_err_ struct err unknown = { 0 };

	if (webhook_is_exempt(a->type))
		return 0;
	int in_namespace = namespace_matches(ad, hook, a, &unknown);
	if (in_namespace == 0 || !object_matches(hook, a))
		return 0;
	if (!matches_as_is(hook, a, ret) && (hook->exact || !matches_equivalent(ad, hook, a, ret)))
		return 0;
	if (in_namespace > 0)
		return 1;
	webhook_match_clear(ret);
	err_move(err, &unknown);
	return -1;
}
