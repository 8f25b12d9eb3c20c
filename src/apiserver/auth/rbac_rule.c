#include "rbac_rule.h"

#include "base/map.h"
#include "base/str.h"

#define ALL "*"

/* ---- rules as values ---- */

static char **strings_of(const json_t *rule, const char *key)
{
	const json_t *array = json_object_get(rule, key);
	size_t n = json_array_size(array), len = 0;

	if (n == 0)
		return NULL;
	char **v = xcalloc(n + 1, sizeof(*v));
	for (size_t i = 0; i < n; i++) {
		const char *s = json_string_value(json_array_get(array, i));
		if (s)
			v[len++] = xstrdup(s);
	}
	return v;
}

static void rule_clear(struct rbac_rule *r)
{
	strv_free(r->verbs);
	strv_free(r->groups);
	strv_free(r->resources);
	strv_free(r->names);
	strv_free(r->urls);
}

static struct rbac_rules *rules_new(size_t len)
{
	struct rbac_rules *r = new0(struct rbac_rules);

	atomic_init(&r->refs, 1);
	r->list = xcalloc(len, sizeof(*r->list));
	r->len = len;
	return r;
}

struct rbac_rules *rbac_rules_from_json(const json_t *array)
{
	struct rbac_rules *r = rules_new(json_array_size(array));

	for (size_t i = 0; i < r->len; i++) {
		const json_t *rule = json_array_get(array, i);
		r->list[i] = (struct rbac_rule){
			.verbs = strings_of(rule, "verbs"),
			.groups = strings_of(rule, "apiGroups"),
			.resources = strings_of(rule, "resources"),
			.names = strings_of(rule, "resourceNames"),
			.urls = strings_of(rule, "nonResourceURLs"),
		};
	}
	return r;
}

struct rbac_rules *rbac_rules_ref(struct rbac_rules *r)
{
	atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
	return r;
}

struct rbac_rules *rbac_rules_unref(struct rbac_rules *r)
{
	if (!r || atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	for (size_t i = 0; i < r->len; i++)
		rule_clear(&r->list[i]);
	free(r->list);
	free(r);
	return NULL;
}

static void put_strings(json_t *rule, const char *key, char *const *v)
{
	if (!v)
		return;
	json_t *array = json_array();
	for (; *v; v++)
		json_push_str(array, *v);
	json_put(rule, key, array);
}

json_t *rbac_rules_to_json(const struct rbac_rules *r)
{
	json_t *array = json_array();

	for (size_t i = 0; i < r->len; i++) {
		const struct rbac_rule *rule = &r->list[i];
		json_t *v = json_object();
		put_strings(v, "apiGroups", rule->groups);
		put_strings(v, "nonResourceURLs", rule->urls);
		put_strings(v, "resourceNames", rule->names);
		put_strings(v, "resources", rule->resources);
		put_strings(v, "verbs", rule->verbs);
		json_array_append_new(array, v);
	}
	return array;
}

/* ---- does a rule allow a request ---- */

static bool has(char *const *v, const char *s)
{
	return v && str_in(s, (const char *const *)v);
}

static bool has_all(char *const *v, char *const *wanted)
{
	for (; wanted && *wanted; wanted++)
		if (!has(v, *wanted))
			return false;
	return true;
}

/* "pods/log", when rest is the subresource. */
static bool is_combined(const char *s, const char *resource, const char *subresource)
{
	const char *rest = str_after(s, resource);

	if (!rest)
		return false;
	return *subresource ? *rest == '/' && strcmp(rest + 1, subresource) == 0 : !*rest;
}

static bool resource_matches(const struct rbac_rule *rule, const struct auth_attributes *a)
{
	for (char *const *r = rule->resources; r && *r; r++) {
		if (strcmp(*r, ALL) == 0 || is_combined(*r, a->resource, a->subresource))
			return true;
		if (*a->subresource && str_starts_with(*r, "*/") && strcmp(*r + 2, a->subresource) == 0)
			return true;
	}
	return false;
}

/* As upstream, all stars at the end count as one. */
static bool url_covers(const char *owner, const char *path)
{
	size_t len = strlen(owner);

	if (strcmp(owner, path) == 0)
		return true;
	if (len == 0 || owner[len - 1] != '*')
		return false;
	while (len > 0 && owner[len - 1] == '*')
		len--;
	return strncmp(owner, path, len) == 0;
}

static bool url_matches(const struct rbac_rule *rule, const char *path)
{
	for (char *const *url = rule->urls; url && *url; url++)
		if (url_covers(*url, path))
			return true;
	return false;
}

bool rbac_rule_allows(const struct rbac_rule *rule, const struct auth_attributes *a)
{
	if (!has(rule->verbs, ALL) && !has(rule->verbs, a->verb))
		return false;
	if (a->non_resource)
		return url_matches(rule, a->path);
	return (has(rule->groups, ALL) || has(rule->groups, a->group)) && resource_matches(rule, a) &&
	       (!rule->names || has(rule->names, a->name));
}

bool rbac_rules_allow(const struct rbac_rules *rules, const struct auth_attributes *a)
{
	for (size_t i = 0; i < rules->len; i++)
		if (rbac_rule_allows(&rules->list[i], a))
			return true;
	return false;
}

/* ---- does a rule cover another ---- */

static bool resources_cover(char *const *owner, char *const *wanted)
{
	if (has(owner, ALL))
		return true;
	for (; wanted && *wanted; wanted++) {
		const char *slash = strchr(*wanted, '/');
		if (has(owner, *wanted))
			continue;
		if (!slash)
			return false;
		_cleanup_free_ char *any = xasprintf("*%s", slash);
		if (!has(owner, any))
			return false;
	}
	return true;
}

static bool urls_cover(char *const *owner, char *const *wanted)
{
	for (; wanted && *wanted; wanted++) {
		bool covered = false;
		for (char *const *o = owner; o && *o && !covered; o++)
			covered = url_covers(*o, *wanted);
		if (!covered)
			return false;
	}
	return true;
}

/* An owner without names may do it to any; one with names only to these. */
static bool names_cover(char *const *owner, char *const *wanted)
{
	return !owner || (wanted && has_all(owner, wanted));
}

static bool rule_covers(const struct rbac_rule *owner, const struct rbac_rule *wanted)
{
	return (has(owner->verbs, ALL) || has_all(owner->verbs, wanted->verbs)) &&
	       (has(owner->groups, ALL) || has_all(owner->groups, wanted->groups)) &&
	       resources_cover(owner->resources, wanted->resources) && names_cover(owner->names, wanted->names) &&
	       urls_cover(owner->urls, wanted->urls);
}

static bool any_covers(struct rbac_rules *const *owners, size_t owners_len, const struct rbac_rule *wanted)
{
	for (size_t i = 0; i < owners_len; i++)
		for (size_t k = 0; k < owners[i]->len; k++)
			if (rule_covers(&owners[i]->list[k], wanted))
				return true;
	return false;
}

/* The permissions that are missing, while they are being collected. */
struct missing {
	struct rbac_rules *rules;
	struct map *by_resource; /* group, resource and name → 1 + the place of the rule that has their verbs */
	size_t cap;
};

static char **copy_of(char *const *v)
{
	return v ? strv_copy(v) : NULL;
}

/* Verbs of the same resource become one rule, as upstream's CompactRules. */
static void missing_add(struct missing *m, const struct rbac_rule *single)
{
	struct rbac_rules *r = m->rules;
	_cleanup_free_ char *key = NULL;

	if (single->groups) {
		key = xasprintf("%s\n%s\n%s%s", single->groups[0], single->resources[0], single->names ? "=" : "",
		                single->names ? single->names[0] : "");
		size_t place = (uintptr_t)map_get(m->by_resource, key);
		if (place > 0) {
			if (!has(r->list[place - 1].verbs, single->verbs[0]))
				strv_push(&r->list[place - 1].verbs, single->verbs[0]);
			return;
		}
	}
	if (r->len == m->cap) {
		m->cap = m->cap ? m->cap * 2 : 16;
		r->list = xreallocarray(r->list, m->cap, sizeof(*r->list));
	}
	r->list[r->len++] = (struct rbac_rule){
		.verbs = strv_copy(single->verbs),
		.groups = copy_of(single->groups),
		.resources = copy_of(single->resources),
		.names = copy_of(single->names),
		.urls = copy_of(single->urls),
	};
	if (key)
		map_set(m->by_resource, key, (void *)(uintptr_t)r->len);
}

struct comparison {
	struct rbac_rules *const *owners;
	size_t owners_len, compared;
	struct missing missing;
};

static int compare_single(struct comparison *c, const char *verb, const char *group, const char *resource,
                          const char *name, const char *url, struct err *err)
{
	char *verbs[] = { (char *)(uintptr_t)verb, NULL }, *groups[] = { (char *)(uintptr_t)group, NULL };
	char *resources[] = { (char *)(uintptr_t)resource, NULL }, *names[] = { (char *)(uintptr_t)name, NULL };
	char *urls[] = { (char *)(uintptr_t)url, NULL };
	const struct rbac_rule single = {
		.verbs = verbs,
		.groups = group ? groups : NULL,
		.resources = resource ? resources : NULL,
		.names = name ? names : NULL,
		.urls = url ? urls : NULL,
	};

	if (++c->compared > RBAC_PERMISSIONS_MAX)
		return err_set(err, ERR_FORBIDDEN, "the rules stand for more than %d single permissions", RBAC_PERMISSIONS_MAX);
	if (!any_covers(c->owners, c->owners_len, &single))
		missing_add(&c->missing, &single);
	return 0;
}

/* Takes a rule apart in upstream's order: groups, resources, verbs, names. */
static int compare_resources(struct comparison *c, const struct rbac_rule *r, const char *group, struct err *err)
{
	for (char *const *resource = r->resources; resource && *resource; resource++)
		for (char *const *verb = r->verbs; verb && *verb; verb++) {
			if (!r->names && compare_single(c, *verb, group, *resource, NULL, NULL, err) < 0)
				return -1;
			for (char *const *name = r->names; name && *name; name++)
				if (compare_single(c, *verb, group, *resource, *name, NULL, err) < 0)
					return -1;
		}
	return 0;
}

static int compare_rule(struct comparison *c, const struct rbac_rule *r, struct err *err)
{
	if (any_covers(c->owners, c->owners_len, r)) /* as a whole: the usual case, and quick */
		return 0;
	for (char *const *group = r->groups; group && *group; group++)
		if (compare_resources(c, r, *group, err) < 0)
			return -1;
	for (char *const *url = r->urls; url && *url; url++)
		for (char *const *verb = r->verbs; verb && *verb; verb++)
			if (compare_single(c, *verb, NULL, NULL, NULL, *url, err) < 0)
				return -1;
	return 0;
}

int rbac_rules_cover(struct rbac_rules *const *owners, size_t owners_len, const struct rbac_rules *wanted,
                     struct rbac_rules **ret_missing, struct err *err)
{
	_cleanup_(rbac_rules_unrefp) struct rbac_rules *missing = rules_new(0);
	_cleanup_(map_freep) struct map *by_resource = map_new(NULL);
	struct comparison c = { .owners = owners,
		                    .owners_len = owners_len,
		                    .missing = { .rules = missing, .by_resource = by_resource } };

	for (size_t i = 0; i < wanted->len; i++)
		if (compare_rule(&c, &wanted->list[i], err) < 0)
			return -1;
	if (missing->len == 0)
		return 1;
	if (ret_missing)
		*ret_missing = TAKE_PTR(missing);
	return 0;
}

/* ---- words ---- */

static void describe_strings(struct buf *out, const char *name, char *const *v, bool *first)
{
	if (!v)
		return;
	buf_printf(out, "%s%s:[", *first ? "" : ", ", name);
	*first = false;
	for (size_t i = 0; v[i]; i++)
		buf_printf(out, "%s\"%s\"", i ? " " : "", v[i]);
	buf_putc(out, ']');
}

void rbac_rule_describe(const struct rbac_rule *rule, struct buf *out)
{
	bool first = true;

	buf_putc(out, '{');
	describe_strings(out, "APIGroups", rule->groups, &first);
	describe_strings(out, "Resources", rule->resources, &first);
	describe_strings(out, "NonResourceURLs", rule->urls, &first);
	describe_strings(out, "ResourceNames", rule->names, &first);
	describe_strings(out, "Verbs", rule->verbs, &first);
	buf_putc(out, '}');
}
