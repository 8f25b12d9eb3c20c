#include "base/str.h"
#include "eval/compile.h"
#include "eval/load.h"

/* A configuration may be declared in several places of the main package, also in several files:
 *
 *     x = Server { name = "a" }        x: Server { port = 80 }
 *
 * Their config blocks become one, at the last declaration: entries of one key stand together, and those behind an
 * override (=) replace those before it. */

struct declaration {
	struct kcl_stmt *stmt;
	struct kcl_expr *schema;
};

struct declarations {
	const char *name;
	struct declaration *items;
	uint32_t len;
	uint32_t met; /* by the walk that takes out all but the last */
};

struct merge {
	struct kcl_heap *h;
	struct declarations *names;
	uint32_t len;
	struct kcl_dict *places; /* name -> its place among the names */
};

static struct declarations *declarations_of(struct merge *m, const char *name)
{
	const struct kcl_pair *place = kcl_dict_findz(m->places, name);
	if (place)
		return &m->names[place->value.i];
	struct declarations fresh = { .name = name };
	PUSH(m->h, m->names, m->len, fresh);
	kcl_dict_setz(m->h, m->places, name, kcl_int(m->len - 1));
	return &m->names[m->len - 1];
}

/* What it declares with a config block; NULL: nothing. */
static const char *declared_name(const struct kcl_stmt *s, struct kcl_expr **ret_schema)
{
	bool is_union = s->kind == KCL_STMT_UNIFICATION;
	struct kcl_expr *e = NULL;
	if (is_union) {
		e = s->unification.value;
	} else if (s->kind == KCL_STMT_ASSIGN && s->assign.len == 1 && !s->assign.targets[0].steps_len) {
		e = s->assign.value;
	}
	if (!e || e->kind != KCL_EXPR_SCHEMA || !e->schema.config || e->schema.config->kind != KCL_EXPR_CONFIG)
		return NULL;
	*ret_schema = e;
	return is_union ? s->unification.name.s : s->assign.targets[0].name.s;
}

static void note(struct merge *m, struct kcl_stmt *s)
{
	struct declaration d = { .stmt = s };
	const char *name = declared_name(s, &d.schema);
	if (!name)
		return;
	struct declarations *of = declarations_of(m, name);
	if (s->kind != KCL_STMT_UNIFICATION && of->len) {
		/* Private names may be assigned again; the others may not, and the checker says so. */
		if (of->name[0] != '_')
			return;
		of->len = 0;
		of->items = NULL;
	}
	PUSH(m->h, of->items, of->len, d);
}

/* ---- blocks ---- */

static const char *first_name(const struct kcl_config_entry *e)
{
	if (e->kind != KCL_ENTRY_PAIR || !e->key)
		return NULL;
	if (e->key->kind == KCL_EXPR_NAME)
		return e->key->name.items[0].s;
	return e->key->kind == KCL_EXPR_STRING ? e->key->string.s : NULL;
}

static bool is_override(const struct kcl_config_entry *e)
{
	bool is_nested = e->key && e->key->kind == KCL_EXPR_NAME && e->key->name.len > 1;
	return e->kind == KCL_ENTRY_PAIR && e->op == KCL_ENTRY_OVERRIDE && !is_nested;
}

static struct kcl_config_entry *copy_entry(struct merge *m, const struct kcl_config_entry *e)
{
	struct kcl_config_entry *copy = kcl_alloc(m->h, sizeof(*copy));
	*copy = *e;
	copy->next = NULL;
	return copy;
}

/* Entries with the same key, in the order of their first ones. */
struct bucket {
	struct kcl_config_entry **items;
	uint32_t len;
};

static struct kcl_config_entry *unify(struct merge *m, struct kcl_config_entry *const *entries, uint32_t len)
{
	struct bucket *buckets = NULL;
	struct kcl_dict *places = kcl_dict(m->h, 0).dict;
	uint32_t buckets_len = 0;
	for (uint32_t i = 0; i < len; i++) {
		const char *name = first_name(entries[i]);
		/* no name has a NUL: this is the bucket of those without */
		const struct kcl_str *key = name ? kcl_strz(m->h, name).str : kcl_str(m->h, "", 1).str;
		const struct kcl_pair *place = kcl_dict_find(places, key);
		uint32_t at = place ? (uint32_t)place->value.i : buckets_len;
		if (!place) {
			PUSH(m->h, buckets, buckets_len, ((struct bucket){ 0 }));
			kcl_dict_set(m->h, places, key, kcl_int(at));
		}
		if (is_override(entries[i]))
			buckets[at].len = 0;
		if (!buckets[at].len)
			buckets[at].items = NULL;
		PUSH(m->h, buckets[at].items, buckets[at].len, copy_entry(m, entries[i]));
	}
	struct kcl_config_entry *first = NULL, **last = &first;
	for (uint32_t i = 0; i < buckets_len; i++) {
		for (uint32_t j = 0; j < buckets[i].len; j++) {
			*last = buckets[i].items[j];
			last = &buckets[i].items[j]->next;
		}
	}
	return first;
}

static void merge_into_last(struct merge *m, struct declarations *of)
{
	struct kcl_config_entry **all = NULL;
	uint32_t len = 0;
	for (uint32_t i = 0; i < of->len; i++) {
		for (struct kcl_config_entry *e = of->items[i].schema->schema.config->config.entries; e; e = e->next)
			PUSH(m->h, all, len, e);
	}
	struct declaration *last = &of->items[of->len - 1];
	last->schema->schema.config->config.entries = unify(m, all, len);
}

/* Of each statement once, in their order. */
static bool is_redundant(struct merge *m, const struct kcl_stmt *s)
{
	struct kcl_expr *schema;
	const char *name = declared_name(s, &schema);
	struct declarations *of = name ? declarations_of(m, name) : NULL;
	return of && of->met < of->len && of->items[of->met].stmt == s && ++of->met < of->len;
}

void kcl_merge_declarations(struct kcl_heap *h, struct kcl_package *main)
{
	struct merge m = { .h = h, .places = kcl_dict(h, 0).dict };
	bool any = false;
	for (uint32_t i = 0; i < main->modules_len; i++) {
		for (struct kcl_stmt *s = main->modules[i]->body; s; s = s->next)
			note(&m, s);
	}
	for (uint32_t i = 0; i < m.len; i++) {
		if (m.names[i].len > 1) {
			merge_into_last(&m, &m.names[i]);
			any = true;
		}
	}
	for (uint32_t i = 0; any && i < main->modules_len; i++) {
		struct kcl_stmt **link = &main->modules[i]->body;
		while (*link) {
			if (is_redundant(&m, *link))
				*link = (*link)->next;
			else
				link = &(*link)->next;
		}
	}
}
