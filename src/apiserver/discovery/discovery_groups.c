/* The groups of an API and their versions: /apis and /apis/GROUP. */
#include "discovery_groups.h"

#include "base/str.h"

static void add_group_version(struct discovery_groups *g, const struct api_type *t, const char *version)
{
	struct discovery_group *group = NULL;

	for (size_t i = 0; i < g->len && !group; i++)
		if (strcmp(g->list[i].name, t->group) == 0)
			group = &g->list[i];
	if (!group) {
		g->list = xreallocarray(g->list, g->len + 1, sizeof(*g->list));
		group = &g->list[g->len++];
		*group = (struct discovery_group){ .name = t->group, .custom = true };
	}
	group->custom = group->custom && t->custom;
	size_t at = 0;
	for (; at < group->len; at++) {
		int order = api_version_compare(version, group->versions[at]);
		if (order == 0)
			return;
		if (order < 0)
			break;
	}
	if (group->len == ARRAY_SIZE(group->versions))
		return;
	memmove(&group->versions[at + 1], &group->versions[at], (group->len - at) * sizeof(group->versions[0]));
	group->versions[at] = version;
	group->len++;
}

/* Kubernetes' own groups go first, in this order (kube-apiserver's priorities of APIServices): an ambiguous short name
 * means that of the first. */
static const char *const ORDER[] = {
	"apiregistration.k8s.io",
	"apps",
	"events.k8s.io",
	"authentication.k8s.io",
	"authorization.k8s.io",
	"autoscaling",
	"batch",
	"certificates.k8s.io",
	"networking.k8s.io",
	"policy",
	"rbac.authorization.k8s.io",
	"storage.k8s.io",
	"admissionregistration.k8s.io",
	"apiextensions.k8s.io",
	"scheduling.k8s.io",
	"coordination.k8s.io",
	"node.k8s.io",
	"discovery.k8s.io",
};

static size_t rank_of(const struct discovery_group *g)
{
	for (size_t i = 0; i < ARRAY_SIZE(ORDER) && !g->custom; i++)
		if (strcmp(g->name, ORDER[i]) == 0)
			return i;
	return ARRAY_SIZE(ORDER) + g->custom;
}

static int group_compare(const void *a, const void *b)
{
	const struct discovery_group *x = a, *y = b;
	size_t ranks[] = { rank_of(x), rank_of(y) };

	return ranks[0] != ranks[1] ? ranks[0] < ranks[1] ? -1 : 1 : strcmp(x->name, y->name);
}

struct discovery_groups discovery_groups_of(struct api_type *const *types, bool core)
{
	struct discovery_groups g = { 0 };

	for (size_t i = 0; types[i]; i++) {
		if (core != !*types[i]->group)
			continue;
		for (size_t v = 0; v < types[i]->versions_len; v++)
			if (types[i]->versions[v].served)
				add_group_version(&g, types[i], types[i]->versions[v].name);
	}
	if (g.len > 1)
		qsort(g.list, g.len, sizeof(*g.list), group_compare);
	return g;
}

static json_t *group_version(const char *group, const char *version)
{
	return json_pack("{s:o,s:s}", "groupVersion", *group ? json_strf("%s/%s", group, version) : json_string(version),
	                 "version", version);
}

static void put_group(json_t *v, const struct discovery_group *g)
{
	json_t *versions = json_array();

	json_put_str(v, "name", g->name);
	for (size_t i = 0; i < g->len; i++)
		json_array_append_new(versions, group_version(g->name, g->versions[i]));
	json_put(v, "versions", versions);
	json_put(v, "preferredVersion", group_version(g->name, g->versions[0]));
}

struct bytes *discovery_group_list(struct registry *r, const char *key _unused_)
{
	_cleanup_(registry_types_freep) struct api_type **types = registry_types(r);
	struct discovery_groups g = discovery_groups_of(types, false);
	_cleanup_json_ json_t *v = json_pack("{s:s,s:s}", "kind", "APIGroupList", "apiVersion", "v1");
	json_t *groups = json_array();

	for (size_t i = 0; i < g.len; i++) {
		json_t *group = json_object();
		put_group(group, &g.list[i]);
		json_array_append_new(groups, group);
	}
	json_put(v, "groups", groups);
	free(g.list);
	return json_to_bytes(v);
}

struct bytes *discovery_group(struct registry *r, const char *key)
{
	_cleanup_(registry_types_freep) struct api_type **types = registry_types(r);
	struct discovery_groups g = discovery_groups_of(types, false);
	struct bytes *text = NULL;

	for (size_t i = 0; i < g.len && !text; i++) {
		if (strcmp(g.list[i].name, key) != 0)
			continue;
		_cleanup_json_ json_t *v = json_pack("{s:s,s:s}", "kind", "APIGroup", "apiVersion", "v1");
		put_group(v, &g.list[i]);
		text = json_to_bytes(v);
	}
	free(g.list);
	return text;
}
