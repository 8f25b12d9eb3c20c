#include "rbac_escalation.h"

#include "base/str.h"
#include "kube/object.h"
#include "rbac.h"
#include "server.h"

#include <stdio.h>

#define MESSAGE_MAX ((size_t)64 * 1024)

static bool may(struct apiserver *s, const struct rbac_write *w, const char *verb, const char *resource,
                const char *name)
{
	const struct auth_attributes a = {
		.verb = verb,
		.group = RBAC_GROUP,
		.version = "*",
		.resource = resource,
		.subresource = "",
		.ns = w->ns,
		.name = name,
		.path = "",
	};

	return s->authorizer.allow(s->authorizer.self, w->user, &a, NULL);
}

/* The missing permissions, a line each, sorted and once. */
static void describe_missing(const struct rbac_rules *missing, struct buf *out)
{
	char **lines = xcalloc(missing->len + 1, sizeof(*lines));

	for (size_t i = 0; i < missing->len; i++) {
		struct buf line = BUF_INIT(MESSAGE_MAX);
		rbac_rule_describe(&missing->list[i], &line);
		lines[i] = buf_steal(&line);
	}
	strv_sort(lines);
	for (size_t i = 0; i < missing->len; i++)
		if (i == 0 || strcmp(lines[i], lines[i - 1]) != 0)
			buf_printf(out, "%s%s", i ? "\n" : "", lines[i]);
	strv_free(lines);
}

static char *attempt_message(const struct rbac_write *w, const struct rbac_rules *missing, char *const *errors)
{
	_cleanup_buf_ struct buf out = BUF_INIT(MESSAGE_MAX);

	buf_printf(&out, "user \"%s\" (groups=[", w->user->name);
	for (size_t i = 0; w->user->groups && w->user->groups[i]; i++)
		buf_printf(&out, "%s\"%s\"", i ? " " : "", w->user->groups[i]);
	buf_puts(&out, "]) is attempting to grant RBAC permissions not currently held:\n");
	describe_missing(missing, &out);
	for (size_t i = 0; errors && errors[i]; i++)
		buf_printf(&out, "%s%s", i ? ", " : "; resolution errors: [", errors[i]);
	if (errors)
		buf_putc(&out, ']');
	return buf_steal(&out);
}

static int forbidden(const struct rbac_write *w, const json_t *obj, const char *why, struct err *err)
{
	return err_set(err, ERR_FORBIDDEN, "%s." RBAC_GROUP " \"%s\" is forbidden: %s", w->resource, kube_name(obj), why);
}

/* Whether the writer holds all of these rules, in the request's namespace. */
static int check_held(struct apiserver *s, const struct rbac_write *w, const json_t *obj,
                      const struct rbac_rules *rules, const char *otherwise, struct err *err)
{
	_cleanup_(rbac_rules_unrefp) struct rbac_rules *missing = NULL;
	struct rbac_grants own;

	rbac_grants_of(s->rbac, w->user, w->ns, &own);
	int r = rbac_rules_cover(own.list, own.len, rules, &missing, err);
	if (r == 0) {
		_cleanup_free_ char *message = otherwise ? xstrdup(otherwise) : attempt_message(w, missing, own.errors);
		forbidden(w, obj, message, err);
	}
	rbac_grants_clear(&own);
	return r == 1 ? 0 : -1;
}

static bool aggregates(const json_t *role)
{
	return json_array_size(json_at(role, "aggregationRule", "clusterRoleSelectors", NULL)) > 0;
}

static int check_aggregation(struct apiserver *s, const struct rbac_write *w, const json_t *obj, struct err *err)
{
	_cleanup_json_ json_t *everything = json_pack("[{s:[s],s:[s],s:[s]},{s:[s],s:[s]}]", "apiGroups", "*", "resources",
	                                              "*", "verbs", "*", "nonResourceURLs", "*", "verbs", "*");
	_cleanup_(rbac_rules_unrefp) struct rbac_rules *rules = rbac_rules_from_json(everything);

	return check_held(s, w, obj, rules, "must have cluster-admin privileges to use the aggregationRule", err);
}

static int check_role(struct apiserver *s, const struct rbac_write *w, const json_t *obj, const json_t *old,
                      struct err *err)
{
	_cleanup_(rbac_rules_unrefp) struct rbac_rules *rules = rbac_rules_from_json(json_object_get(obj, "rules"));

	if (may(s, w, "escalate", w->resource, w->name))
		return 0;
	if (check_held(s, w, obj, rules, NULL, err) < 0)
		return -1;
	return aggregates(obj) || aggregates(old) ? check_aggregation(s, w, obj, err) : 0;
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static int check_binding(struct apiserver *s, const struct rbac_write *w, const json_t *obj, struct err *err)
{
	const char *kind = or_empty(json_str_at(obj, "roleRef", "kind", NULL));
	const char *name = or_empty(json_str_at(obj, "roleRef", "name", NULL));
	bool cluster = strcmp(kind, "ClusterRole") == 0;

	if ((cluster || strcmp(kind, "Role") == 0) && may(s, w, "bind", cluster ? "clusterroles" : "roles", name))
		return 0;
	_cleanup_(rbac_rules_unrefp) struct rbac_rules *rules = rbac_role_rules(s->rbac, kind, w->ns, name, err);
	return rules ? check_held(s, w, obj, rules, NULL, err) : -1;
}

/* What garbage collection changes is nobody's grant. */
static bool only_owners_change(const json_t *obj, const json_t *old)
{
	static const char *const members[] = { "ownerReferences", "finalizers", "managedFields", "resourceVersion",
		                                   "generation" };
	_cleanup_json_ json_t *a = json_clone(obj), *b = json_clone(old);

	for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
		json_object_del(kube_meta(a), members[i]);
		json_object_del(kube_meta(b), members[i]);
	}
	return json_same(a, b);
}

int rbac_check_write(struct apiserver *s, const struct rbac_write *w, const json_t *obj, const json_t *old,
                     struct err *err)
{
	if (auth_user_in(w->user, "system:masters") || (old && only_owners_change(obj, old)))
		return 0;
	if (str_ends_with(w->resource, "bindings"))
		return check_binding(s, w, obj, err);
	return check_role(s, w, obj, old, err);
}
