#include "crd_names.h"

#include "base/map.h"
#include "base/str.h"

struct claim {
	char *group;
	json_t *names;
};

/* How many claims have a word. */
struct use {
	size_t count;
};

struct crd_names {
	struct map *claims;        /* CRD → struct claim */
	struct map *words, *kinds; /* "group/name" → struct use: plurals, singulars and short names; kinds and list kinds */
	struct map *waiting;       /* CRDs that want names they have not → their group */
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
	n->words = map_new(free);
	n->kinds = map_new(free);
	n->waiting = map_new(free);
	return n;
}

struct crd_names *crd_names_free(struct crd_names *n)
{
	if (!n)
		return NULL;
	map_free(n->claims);
	map_free(n->words);
	map_free(n->kinds);
	map_free(n->waiting);
	free(n);
	return NULL;
}

/* ---- which words are used ---- */

static struct use *find_use(struct map *uses, const char *group, const char *name)
{
	_cleanup_free_ char *key = xasprintf("%s/%s", group, name);

	return map_get(uses, key);
}

static void count_word(struct map *uses, const char *group, const char *name, bool more)
{
	struct use *use = name ? find_use(uses, group, name) : NULL;

	if (!name || (!use && !more))
		return;
	_cleanup_free_ char *key = xasprintf("%s/%s", group, name);
	if (!use) {
		use = new0(struct use);
		map_set(uses, key, use);
	}
	use->count += more ? 1 : -(size_t)1;
	if (use->count == 0)
		map_del(uses, key);
}

static void count_claim(struct crd_names *n, const struct claim *c, bool more)
{
	size_t i;
	json_t *name;

	count_word(n->words, c->group, json_get_str(c->names, "plural"), more);
	count_word(n->words, c->group, json_get_str(c->names, "singular"), more);
	json_array_foreach (json_object_get(c->names, "shortNames"), i, name)
		count_word(n->words, c->group, json_string_value(name), more);
	count_word(n->kinds, c->group, json_get_str(c->names, "kind"), more);
	count_word(n->kinds, c->group, json_get_str(c->names, "listKind"), more);
}

/* Somebody of the group has it, the asking CRD included. */
static bool is_used(const struct crd_names *n, const char *group, const char *name, bool kind)
{
	return find_use(kind ? n->kinds : n->words, group, name);
}

static bool has_short_name(const json_t *names, const char *name)
{
	return json_has_str(json_object_get(names, "shortNames"), name);
}

/* ---- claims ---- */

void crd_names_forget(struct crd_names *n, const char *crd)
{
	struct claim *c = map_take(n->claims, crd);

	map_del(n->waiting, crd);
	if (!c)
		return;
	count_claim(n, c, false);
	claim_free(c);
}

bool crd_names_claim(struct crd_names *n, const char *crd, const char *group, const json_t *accepted, bool waits)
{
	const struct claim *before = map_get(n->claims, crd);
	bool changed = !before || !json_same(before->names, accepted);

	if (changed) {
		crd_names_forget(n, crd);
		struct claim *c = new0(struct claim);
		c->group = xstrdup(group);
		c->names = json_deep_copy(accepted);
		map_set(n->claims, crd, c);
		count_claim(n, c, true);
	}
	if (waits)
		map_set(n->waiting, crd, xstrdup(group));
	else
		map_del(n->waiting, crd);
	return changed;
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

void crd_names_each_waiting(const struct crd_names *n, const char *crd, void (*each)(void *self, const char *crd),
                            void *self)
{
	const char *dot = strchr(crd, '.'), *name;
	void *group;
	size_t iter = 0;

	while (dot && map_next(n->waiting, &iter, &name, &group))
		if (str_eq(group, dot + 1) && strcmp(name, crd) != 0)
			each(self, name);
}
