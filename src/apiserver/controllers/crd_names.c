#include "crd_names.h"

#include "base/map.h"
#include "base/str.h"

struct claim {
	char *group;
	json_t *names;
};

struct crd_names {
	struct map *claims; /* CRD → struct claim */
};

static void claim_free(void *v)
{
	struct claim *c = v;

	json_decref(c->names);
	free(c->group);
	free(c);
}

struct crd_names *crd_names_new(void)
{
	struct crd_names *n = new0(struct crd_names);

	n->claims = map_new(claim_free);
	return n;
}

struct crd_names *crd_names_free(struct crd_names *n)
{
	if (!n)
		return NULL;
	map_free(n->claims);
	free(n);
	return NULL;
}

bool crd_names_claim(struct crd_names *n, const char *crd, const char *group, const json_t *accepted)
{
	const struct claim *before = map_get(n->claims, crd);

	if (before && json_same(before->names, accepted))
		return false;
	struct claim *c = new0(struct claim);
	c->group = xstrdup(group);
	c->names = json_deep_copy(accepted);
	map_set(n->claims, crd, c);
	return true;
}

void crd_names_forget(struct crd_names *n, const char *crd)
{
	map_del(n->claims, crd);
}

static bool has_short_name(const json_t *names, const char *name)
{
	size_t i;
	json_t *item;

	json_array_foreach (json_object_get(names, "shortNames"), i, item)
		if (str_eq(json_string_value(item), name))
			return true;
	return false;
}

/* Somebody of the group has it, the asking CRD included. */
static bool is_used(const struct crd_names *n, const char *group, const char *name, bool kind)
{
	void *value;
	size_t iter = 0;

	while (map_next(n->claims, &iter, NULL, &value)) {
		const struct claim *c = value;
		if (!str_eq(c->group, group))
			continue;
		if (kind ? str_eq(json_get_str(c->names, "kind"), name) || str_eq(json_get_str(c->names, "listKind"), name)
		         : str_eq(json_get_str(c->names, "plural"), name) || str_eq(json_get_str(c->names, "singular"), name) ||
		               has_short_name(c->names, name))
			return true;
	}
	return false;
}

static void judge_word(const struct crd_names *n, const char *group, const json_t *wanted, const char *key, bool kind,
                       const char *reason, struct crd_names_verdict *v)
{
	const char *name = json_get_str(wanted, key), *before = json_get_str(v->accepted, key);

	if (!str_eq(name, before) && name && is_used(n, group, name, kind)) {
		free(v->message);
		v->message = xasprintf("\"%s\" is already in use", name);
		v->reason = reason;
		return;
	}
	json_put_str(v->accepted, key, name);
}

static void judge_short_names(const struct crd_names *n, const char *group, const json_t *wanted,
                              struct crd_names_verdict *v)
{
	_cleanup_buf_ struct buf words = BUF_INIT(65536);
	json_t *list = json_object_get(wanted, "shortNames"), *item;
	size_t i, conflicts = 0;

	json_array_foreach (list, i, item) {
		const char *name = json_string_value(item);
		if (!name || has_short_name(v->accepted, name) || !is_used(n, group, name, false))
			continue;
		buf_printf(&words, "%s\"%s\" is already in use", conflicts++ ? ", " : "", name);
	}
	if (conflicts == 0) {
		json_put(v->accepted, "shortNames", json_deep_copy(list));
		return;
	}
	free(v->message);
	v->message = xasprintf(conflicts > 1 ? "[%s]" : "%s", buf_str(&words));
	v->reason = "ShortNamesConflict";
}

void crd_names_judge(const struct crd_names *n, const json_t *crd, struct crd_names_verdict *ret)
{
	const json_t *wanted = json_at(crd, "spec", "names", NULL),
				 *accepted = json_at(crd, "status", "acceptedNames", NULL);
	const char *group = json_str_at(crd, "spec", "group", NULL), *name = json_str_at(crd, "metadata", "name", NULL);
	const struct claim *own = name ? map_get(n->claims, name) : NULL;

	/* The status may not have been written yet. */
	if (own)
		accepted = own->names;
	*ret = (struct crd_names_verdict){ .accepted = json_is_object(accepted) ? json_deep_copy(accepted)
		                                                                    : json_object() };
	judge_word(n, group, wanted, "plural", false, "PluralConflict", ret);
	judge_word(n, group, wanted, "singular", false, "SingularConflict", ret);
	judge_short_names(n, group, wanted, ret);
	judge_word(n, group, wanted, "kind", true, "KindConflict", ret);
	judge_word(n, group, wanted, "listKind", true, "ListKindConflict", ret);
	json_put(ret->accepted, "categories", json_deep_copy(json_object_get(wanted, "categories")));
}

void crd_names_verdict_clear(struct crd_names_verdict *v)
{
	json_decref(v->accepted);
	free(v->message);
	*v = (struct crd_names_verdict){ 0 };
}

void crd_names_each_neighbour(const struct crd_names *n, const char *crd, void (*each)(void *self, const char *crd),
                              void *self)
{
	const char *dot = strchr(crd, '.'), *name;
	void *value;
	size_t iter = 0;

	while (dot && map_next(n->claims, &iter, &name, &value))
		if (str_eq(((const struct claim *)value)->group, dot + 1) && strcmp(name, crd) != 0)
			each(self, name);
}
