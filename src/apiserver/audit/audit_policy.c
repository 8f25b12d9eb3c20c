#include "audit_policy.h"

#include "base/str.h"
#include "codec/yaml.h"

#define RULES_MAX 10000

/* Resources of one API group, as a rule names them. */
struct group_rule {
	char *group;
	char **resources, **names;
};

struct rule {
	enum audit_level level;
	unsigned omitted;
	bool omit_managed_fields;
	char **users, **groups, **verbs, **namespaces, **urls;
	struct group_rule *resources;
	size_t resources_len;
};

struct audit_policy {
	unsigned omitted;
	bool omit_managed_fields;
	struct rule *rules;
	size_t len;
};

/* ---- names ---- */

static const char *const LEVELS[] = { [AUDIT_NONE] = "None",
	                                  [AUDIT_METADATA] = "Metadata",
	                                  [AUDIT_REQUEST] = "Request",
	                                  [AUDIT_REQUEST_RESPONSE] = "RequestResponse" };

static const struct {
	enum audit_stage stage;
	const char *name;
} STAGES[] = { { AUDIT_REQUEST_RECEIVED, "RequestReceived" },
	           { AUDIT_RESPONSE_STARTED, "ResponseStarted" },
	           { AUDIT_RESPONSE_COMPLETE, "ResponseComplete" },
	           { AUDIT_PANIC, "Panic" } };

const char *audit_level_name(enum audit_level level)
{
	return LEVELS[level];
}

const char *audit_stage_name(enum audit_stage stage)
{
	for (size_t i = 0; i < ARRAY_SIZE(STAGES); i++)
		if (STAGES[i].stage == stage)
			return STAGES[i].name;
	return "";
}

/* ---- reading ---- */

static int read_strings(const json_t *v, const char *key, char ***ret, struct err *err)
{
	const json_t *array = json_object_get(v, key);
	size_t i;
	json_t *s;

	if (!array || json_is_null(array))
		return 0;
	if (!json_is_array(array))
		return err_set(err, ERR_INVALID, "%s must be a list", key);
	json_array_foreach (array, i, s) {
		if (!json_is_string(s))
			return err_set(err, ERR_INVALID, "%s[%zu] must be a string", key, i);
		strv_push(ret, json_string_value(s));
	}
	return 0;
}

static int read_stages(const json_t *v, unsigned *ret, struct err *err)
{
	_cleanup_strv_ char **names = NULL;

	if (read_strings(v, "omitStages", &names, err) < 0)
		return -1;
	for (size_t i = 0; names && names[i]; i++) {
		size_t k = 0;
		while (k < ARRAY_SIZE(STAGES) && strcmp(STAGES[k].name, names[i]) != 0)
			k++;
		if (k == ARRAY_SIZE(STAGES))
			return err_set(err, ERR_INVALID,
			               "omitStages[%zu]: Unsupported value: \"%s\": RequestReceived, ResponseStarted, "
			               "ResponseComplete and Panic are known",
			               i, names[i]);
		*ret |= STAGES[k].stage;
	}
	return 0;
}

static int read_level(const json_t *v, enum audit_level *ret, struct err *err)
{
	const char *name = json_get_str(v, "level");

	for (size_t i = 0; name && i < ARRAY_SIZE(LEVELS); i++)
		if (strcmp(name, LEVELS[i]) == 0) {
			*ret = (enum audit_level)i;
			return 0;
		}
	return err_set(err, ERR_INVALID, "level: %s \"%s\": None, Metadata, Request and RequestResponse are known",
	               name ? "Unsupported value:" : "Required value:", name ? name : "");
}

static int read_group(const json_t *v, struct group_rule *g, struct err *err)
{
	const char *group = json_get_str(v, "group");

	g->group = xstrdup(group ? group : "");
	if (read_strings(v, "resources", &g->resources, err) < 0 || read_strings(v, "resourceNames", &g->names, err) < 0)
		return -1;
	if (g->names && !g->resources)
		return err_set(err, ERR_INVALID, "resourceNames need resources");
	return 0;
}

static int read_groups(const json_t *v, struct rule *r, struct err *err)
{
	const json_t *array = json_object_get(v, "resources");
	size_t i;
	json_t *g;

	if (!array || json_is_null(array))
		return 0;
	if (!json_is_array(array))
		return err_set(err, ERR_INVALID, "resources must be a list");
	r->resources = xcalloc(json_array_size(array), sizeof(*r->resources));
	json_array_foreach (array, i, g) {
		r->resources_len++;
		if (read_group(g, &r->resources[i], err) < 0)
			return err_wrap(err, "resources[%zu]", i);
	}
	return 0;
}

static int read_rule(const json_t *v, const struct audit_policy *p, struct rule *r, struct err *err)
{
	if (!json_is_object(v))
		return err_set(err, ERR_INVALID, "not a rule");
	r->omitted = p->omitted;
	r->omit_managed_fields = json_get_bool(v, "omitManagedFields", p->omit_managed_fields);
	if (read_level(v, &r->level, err) < 0 || read_stages(v, &r->omitted, err) < 0 ||
	    read_strings(v, "users", &r->users, err) < 0 || read_strings(v, "userGroups", &r->groups, err) < 0 ||
	    read_strings(v, "verbs", &r->verbs, err) < 0 || read_strings(v, "namespaces", &r->namespaces, err) < 0 ||
	    read_strings(v, "nonResourceURLs", &r->urls, err) < 0 || read_groups(v, r, err) < 0)
		return -1;
	if (r->urls && (r->namespaces || r->resources_len > 0))
		return err_set(err, ERR_INVALID, "rules cannot apply to both regular resources and non-resource URLs");
	return 0;
}

static int read_policy(const json_t *v, struct audit_policy *p, struct err *err)
{
	const json_t *rules = json_object_get(v, "rules");

	if (!str_eq(json_get_str(v, "apiVersion"), "audit.k8s.io/v1") || !str_eq(json_get_str(v, "kind"), "Policy"))
		return err_set(err, ERR_INVALID, "it is no Policy of audit.k8s.io/v1");
	if (json_array_size(rules) == 0 || json_array_size(rules) > RULES_MAX)
		return err_set(err, ERR_INVALID, "it has %zu rules: from 1 to %d are allowed", json_array_size(rules),
		               RULES_MAX);
	p->omit_managed_fields = json_get_bool(v, "omitManagedFields", false);
	if (read_stages(v, &p->omitted, err) < 0)
		return -1;
	p->rules = xcalloc(json_array_size(rules), sizeof(*p->rules));
	for (size_t i = 0; i < json_array_size(rules); i++) {
		p->len++;
		if (read_rule(json_array_get(rules, i), p, &p->rules[i], err) < 0)
			return err_wrap(err, "rules[%zu]", i);
	}
	return 0;
}

int audit_policy_parse(const char *text, size_t len, const char *name, struct audit_policy **ret, struct err *err)
{
	_cleanup_json_ json_t *v = yaml_parse(text, len, name, err);
	_cleanup_(audit_policy_freep) struct audit_policy *p = new0(struct audit_policy);

	if (!v)
		return -1;
	if (read_policy(v, p, err) < 0)
		return err_wrap(err, "audit policy %s", name);
	*ret = TAKE_PTR(p);
	return 0;
}

struct audit_policy *audit_policy_free(struct audit_policy *p)
{
	if (!p)
		return NULL;
	for (size_t i = 0; i < p->len; i++) {
		struct rule *r = &p->rules[i];
		for (size_t k = 0; k < r->resources_len; k++) {
			free(r->resources[k].group);
			strv_free(r->resources[k].resources);
			strv_free(r->resources[k].names);
		}
		free(r->resources);
		strv_free(r->users);
		strv_free(r->groups);
		strv_free(r->verbs);
		strv_free(r->namespaces);
		strv_free(r->urls);
	}
	free(p->rules);
	free(p);
	return NULL;
}

/* ---- deciding ---- */

static bool in(const char *s, char *const *list)
{
	for (size_t i = 0; list && list[i]; i++)
		if (strcmp(s, list[i]) == 0)
			return true;
	return false;
}

static bool any_in(char *const *some, char *const *list)
{
	for (size_t i = 0; some && some[i]; i++)
		if (in(some[i], list))
			return true;
	return false;
}

/* "pods", "pods/log", "pods" + "/" + "*", "*" + "/log", "*". */
static bool resource_matches(const char *rule, const struct audit_question *q)
{
	const char *slash = strchr(rule, '/');
	size_t len = slash ? (size_t)(slash - rule) : strlen(rule);
	bool plural = len == strlen(q->resource) && strncmp(rule, q->resource, len) == 0;

	if (!slash)
		return strcmp(rule, "*") == 0 || (plural && !*q->subresource);
	if (plural && (strcmp(slash + 1, "*") == 0 || strcmp(slash + 1, q->subresource) == 0))
		return true;
	return len == 1 && *rule == '*' && *q->subresource && strcmp(slash + 1, q->subresource) == 0;
}

static bool group_matches(const struct group_rule *g, const struct audit_question *q)
{
	if (strcmp(g->group, q->group) != 0)
		return false;
	if (!g->resources)
		return true;
	if (g->names && !in(q->name, g->names))
		return false;
	for (size_t i = 0; g->resources[i]; i++)
		if (resource_matches(g->resources[i], q))
			return true;
	return false;
}

static bool matches_resources(const struct rule *r, const struct audit_question *q)
{
	if (!q->about_resource || (r->namespaces && !in(q->ns, r->namespaces)))
		return false;
	if (r->resources_len == 0)
		return true;
	for (size_t i = 0; i < r->resources_len; i++)
		if (group_matches(&r->resources[i], q))
			return true;
	return false;
}

static bool url_matches(const char *rule, const char *path)
{
	size_t len = strlen(rule);

	if (len > 0 && rule[len - 1] == '*')
		return strncmp(rule, path, len - 1) == 0;
	return strcmp(rule, path) == 0;
}

static bool matches_urls(const struct rule *r, const struct audit_question *q)
{
	for (size_t i = 0; !q->about_resource && r->urls[i]; i++)
		if (url_matches(r->urls[i], q->path))
			return true;
	return false;
}

static bool matches(const struct rule *r, const struct audit_question *q)
{
	if ((r->users && !in(q->user, r->users)) || (r->groups && !any_in(q->groups, r->groups)) ||
	    (r->verbs && !in(q->verb, r->verbs)))
		return false;
	if (r->namespaces || r->resources_len > 0)
		return matches_resources(r, q);
	return !r->urls || matches_urls(r, q);
}

struct audit_decision audit_policy_decide(const struct audit_policy *p, const struct audit_question *q)
{
	for (size_t i = 0; i < p->len; i++)
		if (matches(&p->rules[i], q))
			return (struct audit_decision){ .level = p->rules[i].level,
				                            .omitted = p->rules[i].omitted,
				                            .omit_managed_fields = p->rules[i].omit_managed_fields };
	return (struct audit_decision){ .level = AUDIT_NONE };
}
