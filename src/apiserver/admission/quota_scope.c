/* Which pods a quota counts. */
#include "base/str.h"
#include "quota.h"

struct scope {
	char *name, *operator;
	char **values;
};

struct quota_scopes {
	struct scope *list;
	size_t len;
};

static void add(struct quota_scopes *s, const char *name, const char *operator, const json_t * values)
{
	struct scope *one;
	size_t i;
	json_t *v;

	s->list = xreallocarray(s->list, s->len + 1, sizeof(*s->list));
	one = &s->list[s->len++];
	*one = (struct scope){ .name = xstrdup(name ? name : ""), .operator = xstrdup(operator ? operator : "Exists") };
	json_array_foreach (values, i, v)
		if (json_is_string(v))
			strv_push(&one->values, json_string_value(v));
}

struct quota_scopes *quota_scopes_new(const json_t *spec)
{
	struct quota_scopes *s = new0(struct quota_scopes);
	size_t i;
	json_t *v;

	json_array_foreach (json_object_get(spec, "scopes"), i, v)
		add(s, json_string_value(v), NULL, NULL);
	json_array_foreach (json_at(spec, "scopeSelector", "matchExpressions", NULL), i, v)
		add(s, json_get_str(v, "scopeName"), json_get_str(v, "operator"), json_object_get(v, "values"));
	return s;
}

struct quota_scopes *quota_scopes_free(struct quota_scopes *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->len; i++) {
		free(s->list[i].name);
		free(s->list[i].operator);
		strv_free(s->list[i].values);
	}
	free(s->list);
	free(s);
	return NULL;
}

/* As a label selector over the one label PriorityClass, which is absent without a class. */
static bool class_matches(const struct scope *s, const char *class)
{
	bool listed = *class && s->values && str_in(class, (const char *const *)s->values);

	if (strcmp(s->operator, "Exists") == 0)
		return *class;
	if (strcmp(s->operator, "DoesNotExist") == 0)
		return !*class;
	return strcmp(s->operator, "In") == 0 ? listed : !listed;
}

static bool scope_matches(const struct scope *s, const struct quota_traits *t)
{
	if (strcmp(s->name, "Terminating") == 0)
		return t->terminating;
	if (strcmp(s->name, "NotTerminating") == 0)
		return !t->terminating;
	if (strcmp(s->name, "BestEffort") == 0)
		return t->best_effort;
	if (strcmp(s->name, "NotBestEffort") == 0)
		return !t->best_effort;
	if (strcmp(s->name, "CrossNamespacePodAffinity") == 0)
		return t->cross_namespace;
	return strcmp(s->name, "PriorityClass") == 0 && class_matches(s, t->priority_class ? t->priority_class : "");
}

bool quota_scopes_match(const struct quota_scopes *s, const struct quota_traits *traits)
{
	if (s->len > 0 && !traits->pod)
		return false;
	for (size_t i = 0; i < s->len; i++)
		if (!scope_matches(&s->list[i], traits))
			return false;
	return true;
}
