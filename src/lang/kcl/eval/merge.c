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
	struct kcl_stmt **link; /* what points to the statement */
	struct kcl_stmt *stmt;
	struct kcl_expr *schema;
};

struct declarations {
	const char *name;
	struct declaration *items;
	uint32_t len;
};

struct merge {
	struct kcl_heap *h;
	struct declarations *names;
	uint32_t len;
};

static struct declarations *declarations_of(struct merge *m, const char *name)
{
	for (uint32_t i = 0; i < m->len; i++) {
		if (strcmp(m->names[i].name, name) == 0)
			return &m->names[i];
	}
	struct declarations fresh = { .name = name };
	PUSH(m->h, m->names, m->len, fresh);
	return &m->names[m->len - 1];
}

static void note(struct merge *m, struct kcl_stmt **link)
{
	struct kcl_stmt *s = *link;
	bool is_union = s->kind == KCL_STMT_UNIFICATION;
	struct declaration d = { .link = link, .stmt = s };
	if (is_union) {
		d.schema = s->unification.value;
	} else if (s->kind == KCL_STMT_ASSIGN && s->assign.len == 1 && !s->assign.targets[0].steps_len) {
		d.schema = s->assign.value;
	}
	if (!d.schema || d.schema->kind != KCL_EXPR_SCHEMA || !d.schema->schema.config ||
	    d.schema->schema.config->kind != KCL_EXPR_CONFIG)
		return;
	struct declarations *of = declarations_of(m, is_union ? s->unification.name.s : s->assign.targets[0].name.s);
	if (!is_union && of->len) {
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
	const char *name; /* NULL: all that have none */
	struct kcl_config_entry **items;
	uint32_t len;
};

static struct kcl_config_entry *unify(struct merge *m, struct kcl_config_entry *const *entries, uint32_t len)
{
	struct bucket *buckets = NULL;
	uint32_t buckets_len = 0;
	for (uint32_t i = 0; i < len; i++) {
		const char *name = first_name(entries[i]);
		uint32_t at = 0;
		while (at < buckets_len && !str_eq(buckets[at].name, name))
			at++;
		if (at == buckets_len)
			PUSH(m->h, buckets, buckets_len, ((struct bucket){ .name = name }));
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

static bool is_redundant(const struct merge *m, const struct kcl_stmt *s)
{
	for (uint32_t i = 0; i < m->len; i++) {
		for (uint32_t j = 0; j + 1 < m->names[i].len; j++) {
			if (m->names[i].items[j].stmt == s)
				return true;
		}
	}
	return false;
}

void kcl_merge_declarations(struct kcl_heap *h, struct kcl_package *main)
{
	struct merge m = { .h = h };
	bool any = false;
	for (uint32_t i = 0; i < main->modules_len; i++) {
		for (struct kcl_stmt **link = &main->modules[i]->body; *link; link = &(*link)->next)
			note(&m, link);
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
