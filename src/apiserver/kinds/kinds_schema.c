/* The tables as compiled schemas: a node a message, shared by all that refer to it, so that messages may contain
 * themselves. They serve field ownership, strategic merges and unknown fields; values are checked by the tables
 * themselves. */
#include "base/arena.h"
#include "base/str.h"
#include "kinds.h"
#include "schema/schema_internal.h"

#include <string.h>

struct kinds_schemas {
	struct schema_pool *pool;
	struct schema **messages; /* by number */
};

static const struct schema SCALARS[] = {
	[KINDS_STRING] = { .type = SCHEMA_STRING },
	[KINDS_BOOL] = { .type = SCHEMA_BOOLEAN },
	[KINDS_INT32] = { .type = SCHEMA_INTEGER },
	[KINDS_INT64] = { .type = SCHEMA_INTEGER },
	[KINDS_DOUBLE] = { .type = SCHEMA_NUMBER },
	[KINDS_BYTES] = { .type = SCHEMA_STRING },
	[KINDS_TIME] = { .type = SCHEMA_STRING, .flags = SCHEMA_NULLABLE },
	[KINDS_MICRO_TIME] = { .type = SCHEMA_STRING, .flags = SCHEMA_NULLABLE },
	[KINDS_DURATION] = { .type = SCHEMA_STRING },
	[KINDS_QUANTITY] = { .type = SCHEMA_ANY, .flags = SCHEMA_INT_OR_STRING },
	[KINDS_INT_OR_STRING] = { .type = SCHEMA_ANY, .flags = SCHEMA_INT_OR_STRING },
	[KINDS_RAW] = { .type = SCHEMA_ANY, .flags = SCHEMA_PRESERVE },
	[KINDS_JSON] = { .type = SCHEMA_ANY, .flags = SCHEMA_PRESERVE },
	[KINDS_FIELDS_V1] = { .type = SCHEMA_OBJECT, .flags = SCHEMA_PRESERVE },
	[KINDS_MESSAGE] = { .type = SCHEMA_OBJECT },
};

static void drop_json(void *v)
{
	json_decref(v);
}

static bool is_key_of(const char *keys, const char *name)
{
	_cleanup_strv_ char **list = str_split(keys, ",");

	return list && str_in(name, (const char *const *)list);
}

static char **keys_of(struct arena *arena, const char *keys)
{
	_cleanup_strv_ char **list = str_split(keys, ",");
	char **kept = arena_alloc(arena, (strv_len(list) + 1) * sizeof(*kept));

	for (size_t i = 0; list && list[i]; i++)
		kept[i] = arena_strdup(arena, list[i]);
	return kept;
}

/* The schema of one value of the field. */
static const struct schema *value_schema(struct kinds_schemas *s, const struct kinds_field *f)
{
	if (f->type != KINDS_MESSAGE)
		return &SCALARS[f->type];
	if (strcmp(kinds_message_word(kinds_message_of(f)), "ObjectMeta") == 0)
		return &SCHEMA_OBJECT_META;
	return s->messages[f->message];
}

static const struct schema *list_schema(struct kinds_schemas *s, const struct kinds_field *f,
                                        const struct schema *items)
{
	struct arena *arena = schema_pool_arena(s->pool);
	struct schema *list = arena_alloc(arena, sizeof(*list));

	list->type = SCHEMA_ARRAY;
	list->items = items;
	if (f->flags & KINDS_MAPPED) {
		list->list_type = SCHEMA_LIST_MAP;
		list->list_map_keys = keys_of(arena, kinds_text(f->keys));
	} else if (f->flags & KINDS_SET) {
		list->list_type = SCHEMA_LIST_SET;
	}
	return list;
}

static const struct schema *map_schema(struct kinds_schemas *s, const struct kinds_field *f,
                                       const struct schema *values)
{
	struct arena *arena = schema_pool_arena(s->pool);
	struct schema *map = arena_alloc(arena, sizeof(*map));

	map->type = SCHEMA_OBJECT;
	map->additional = values;
	if (f->shape == KINDS_MAP_OF_LISTS) {
		struct schema *lists = arena_alloc(arena, sizeof(*lists));
		lists->type = SCHEMA_ARRAY;
		lists->items = values;
		map->additional = lists;
	}
	return map;
}

static const char *strategy_of(unsigned flags)
{
	bool merge = flags & KINDS_MERGE, retain = flags & KINDS_RETAIN_KEYS;

	return merge && retain ? "merge,retainKeys" : merge ? "merge" : retain ? "retainKeys" : NULL;
}

/* Most fields can do with the schema of their value; some say more. */
static const struct schema *field_schema(struct kinds_schemas *s, const struct kinds_field *f, bool is_key)
{
	struct arena *arena = schema_pool_arena(s->pool);
	const struct schema *value = value_schema(s, f);
	unsigned own = KINDS_ATOMIC | KINDS_MERGE | KINDS_RETAIN_KEYS;

	if (f->shape == KINDS_LIST)
		value = list_schema(s, f, value);
	else if (f->shape != KINDS_ONE)
		value = map_schema(s, f, value);
	/* A default matters here only where it tells items of a list apart. */
	bool defaulted = is_key && f->value;
	if (!(f->flags & own) && !defaulted)
		return value;
	struct schema *copy = arena_alloc(arena, sizeof(*copy));
	*copy = *value;
	if ((f->flags & KINDS_ATOMIC) && f->shape != KINDS_LIST)
		copy->flags |= SCHEMA_MAP_ATOMIC;
	copy->patch_strategy = strategy_of(f->flags);
	copy->patch_merge_key = f->merge_key ? kinds_text(f->merge_key) : NULL;
	if (defaulted) {
		const char *text = kinds_text(f->value);
		copy->default_value = arena_own(arena, json_parse(text, strlen(text), 0, NULL), drop_json);
	}
	return copy;
}

/* Messages of kinds, which lie in other objects too (volumeClaimTemplates) and bring their type along. */
static bool is_kind(size_t message)
{
	for (size_t i = 0; i < KINDS_LEN; i++)
		if (KINDS[i].message == message)
			return true;
	return false;
}

static size_t count_fields(const struct kinds_message *m)
{
	size_t n = 0;

	for (size_t i = 0; i < m->len; i++) {
		const struct kinds_field *f = &kinds_fields(m)[i];
		n += f->flags & KINDS_INLINE ? count_fields(kinds_message_of(f)) : 1;
	}
	return n;
}

static void fill_fields(struct kinds_schemas *s, const struct kinds_message *m, const char *keys,
                        struct schema_field *fields, size_t *n)
{
	for (size_t i = 0; i < m->len; i++) {
		const struct kinds_field *f = &kinds_fields(m)[i];
		const char *name = kinds_text(f->name);
		if (f->flags & KINDS_INLINE)
			fill_fields(s, kinds_message_of(f), keys, fields, n);
		else
			fields[(*n)++] = (struct schema_field){ name, field_schema(s, f, is_key_of(keys, name)) };
	}
}

static int field_order(const void *a, const void *b)
{
	return strcmp(((const struct schema_field *)a)->name, ((const struct schema_field *)b)->name);
}

/* The keys by which lists of this message tell items apart; "" when no list does. */
static const char *keys_for(size_t message)
{
	for (size_t m = 0; m < KINDS_MESSAGES_LEN; m++)
		for (size_t i = 0; i < KINDS_MESSAGES[m].len; i++) {
			const struct kinds_field *f = &kinds_fields(&KINDS_MESSAGES[m])[i];
			if (f->type == KINDS_MESSAGE && f->message == message && f->shape == KINDS_LIST &&
			    (f->flags & KINDS_MAPPED))
				return kinds_text(f->keys);
		}
	return "";
}

/* A node whose fields are not filled in yet. */
static struct schema *message_node(struct kinds_schemas *s, const struct kinds_message *m,
                                   struct schema_field **ret_fields)
{
	struct arena *arena = schema_pool_arena(s->pool);
	struct schema *node = arena_alloc(arena, sizeof(*node));

	node->type = SCHEMA_OBJECT;
	if (m->flags & KINDS_MESSAGE_ATOMIC)
		node->flags |= SCHEMA_MAP_ATOMIC;
	node->fields_len = (uint32_t)(count_fields(m) + (is_kind((size_t)(m - KINDS_MESSAGES)) ? 2 : 0));
	node->fields = *ret_fields = arena_alloc(arena, (node->fields_len + 1) * sizeof(**ret_fields));
	return node;
}

struct kinds_schemas *kinds_schemas_new(void)
{
	struct kinds_schemas *s = new0(struct kinds_schemas);

	s->pool = schema_pool_new();
	s->messages = xcalloc(KINDS_MESSAGES_LEN, sizeof(*s->messages));
	struct schema_field **fields = xcalloc(KINDS_MESSAGES_LEN, sizeof(*fields));
	/* Messages refer to each other in circles: first all nodes, then what is in them. */
	for (size_t i = 0; i < KINDS_MESSAGES_LEN; i++)
		s->messages[i] = message_node(s, &KINDS_MESSAGES[i], &fields[i]);
	for (size_t i = 0; i < KINDS_MESSAGES_LEN; i++) {
		size_t n = 0;
		fill_fields(s, &KINDS_MESSAGES[i], keys_for(i), fields[i], &n);
		if (is_kind(i)) {
			fields[i][n++] = (struct schema_field){ "apiVersion", &SCALARS[KINDS_STRING] };
			fields[i][n++] = (struct schema_field){ "kind", &SCALARS[KINDS_STRING] };
		}
		qsort(fields[i], n, sizeof(**fields), field_order);
	}
	free(fields);
	return s;
}

struct schema *kinds_schemas_of(struct kinds_schemas *s, const struct kinds_kind *k)
{
	return schema_pool_root(s->pool, s->messages[k->message]);
}

struct kinds_schemas *kinds_schemas_unref(struct kinds_schemas *s)
{
	if (!s)
		return NULL;
	schema_pool_unref(s->pool);
	free(s->messages);
	free(s);
	return NULL;
}
