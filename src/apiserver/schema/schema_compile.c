/* From a checked JSON schema to its compiled form. */
#include "base/arena.h"
#include "base/str.h"
#include "base/thread.h"
#include "schema_internal.h"

#include <math.h>
#include <stdatomic.h>

/* What schema_compile() gives; the node comes first. One that is compiled later has no node of its own, but knows where
 * its source is, and the other root once it is there. */
struct schema_root {
	struct schema node;
	atomic_size_t refs;
	struct arena *arena;
	char *source;
	struct schema_source later;
	pthread_mutex_t lock; /* one thread compiles */
	struct schema_root *_Atomic compiled;
	struct schema_pool *pool; /* where what the node refers to lies; NULL: in the arena */
};

struct schema_pool {
	atomic_size_t refs;
	struct arena *arena;
};

struct compiler {
	struct arena *arena;
	uint16_t found; /* SCHEMA_SOME_* */
};

static struct schema *compile_node(struct compiler *c, const json_t *s, struct schema *into);

static void drop_json(void *v)
{
	json_decref(v);
}

static void drop_pattern(void *p)
{
	schema_pattern_free(p);
}

static const char *copy_str(struct compiler *c, const json_t *s, const char *key)
{
	const char *v = json_get_str(s, key);

	return str_empty(v) ? NULL : arena_strdup(c->arena, v);
}

static const json_t *copy_json(struct compiler *c, const json_t *v)
{
	return v && !json_is_null(v) ? arena_own(c->arena, json_clone(v), drop_json) : NULL;
}

static char **copy_strv(struct compiler *c, const json_t *array)
{
	size_t i, len = json_array_size(array);
	json_t *item;

	if (len == 0)
		return NULL;
	char **v = arena_alloc(c->arena, (len + 1) * sizeof(*v));
	json_array_foreach (array, i, item)
		v[i] = arena_strdup(c->arena, json_string_value(item));
	return v;
}

static int field_order(const void *a, const void *b)
{
	return strcmp(((const struct schema_field *)a)->name, ((const struct schema_field *)b)->name);
}

static void compile_fields(struct compiler *c, const json_t *properties, struct schema *into)
{
	const char *key;
	json_t *v;

	if (json_object_size(properties) == 0)
		return;
	struct schema_field *fields = arena_alloc(c->arena, json_object_size(properties) * sizeof(*fields));
	json_object_foreach (json_unconst(properties), key, v)
		fields[into->fields_len++] = (struct schema_field){
			.name = arena_strdup(c->arena, key),
			.schema = compile_node(c, v, NULL),
		};
	qsort(fields, into->fields_len, sizeof(*fields), field_order);
	into->fields = fields;
}

static struct schema_list compile_list(struct compiler *c, const json_t *list)
{
	size_t i, len = json_array_size(list);
	json_t *item;

	if (len == 0)
		return (struct schema_list){ 0 };
	const struct schema **items = arena_alloc(c->arena, len * sizeof(*items));
	json_array_foreach (list, i, item)
		items[i] = compile_node(c, item, NULL);
	return (struct schema_list){ .items = items, .len = len };
}

static const struct schema_logic *compile_logic(struct compiler *c, const json_t *s)
{
	struct schema_logic logic = {
		.all_of = compile_list(c, json_object_get(s, "allOf")),
		.any_of = compile_list(c, json_object_get(s, "anyOf")),
		.one_of = compile_list(c, json_object_get(s, "oneOf")),
	};
	const json_t *not_schema = json_object_get(s, "not");

	if (json_is_object(not_schema))
		logic.not_schema = compile_node(c, not_schema, NULL);
	if (!logic.all_of.len && !logic.any_of.len && !logic.one_of.len && !logic.not_schema)
		return NULL;
	struct schema_logic *kept = arena_alloc(c->arena, sizeof(*kept));
	*kept = logic;
	return kept;
}

static const struct schema_pattern *compile_pattern(struct compiler *c, const json_t *s)
{
	const char *text = json_get_str(s, "pattern");
	_cleanup_free_ char *why = NULL;

	if (str_empty(text))
		return NULL;
	struct schema_pattern *p = schema_pattern_new(text, &why);
	return p ? arena_own(c->arena, p, drop_pattern) : NULL; /* schema_check() refused what cannot be compiled */
}

static int64_t limit_of(const json_t *s, const char *key, int64_t max)
{
	const json_t *v = json_object_get(s, key);
	int64_t n = json_int(v, -1);

	if (!v || json_is_null(v))
		return -1;
	return n > max ? max : n;
}

static unsigned compile_range(const json_t *s, struct schema_rules *r)
{
	static const struct {
		const char *name, *exclusive;
		unsigned flag, exclusive_flag;
		size_t at;
	} RANGES[] = {
		{ "minimum", "exclusiveMinimum", RULES_MINIMUM, RULES_EXCLUSIVE_MINIMUM,
		  offsetof(struct schema_rules, minimum) },
		{ "maximum", "exclusiveMaximum", RULES_MAXIMUM, RULES_EXCLUSIVE_MAXIMUM,
		  offsetof(struct schema_rules, maximum) },
		{ "multipleOf", "", RULES_MULTIPLE_OF, 0, offsetof(struct schema_rules, multiple_of) },
	};
	unsigned flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(RANGES); i++) {
		const json_t *v = json_object_get(s, RANGES[i].name);
		if (!json_is_number(v))
			continue;
		*(double *)(void *)((char *)r + RANGES[i].at) = json_number_value(v);
		flags |= RANGES[i].flag;
		if (json_get_bool(s, RANGES[i].exclusive, false))
			flags |= RANGES[i].exclusive_flag;
	}
	return flags;
}

static const struct schema_rules *compile_rules(struct compiler *c, const json_t *s)
{
	struct schema_rules r = {
		.min_length = limit_of(s, "minLength", INT64_MAX),
		.max_length = limit_of(s, "maxLength", INT64_MAX),
		.min_items = (int32_t)limit_of(s, "minItems", INT32_MAX),
		.max_items = (int32_t)limit_of(s, "maxItems", INT32_MAX),
		.min_properties = (int32_t)limit_of(s, "minProperties", INT32_MAX),
		.max_properties = (int32_t)limit_of(s, "maxProperties", INT32_MAX),
		.pattern = compile_pattern(c, s),
		.required = (const char *const *)copy_strv(c, json_object_get(s, "required")),
		.logic = compile_logic(c, s),
	};
	const json_t *choices = json_object_get(s, "enum");

	r.flags = compile_range(s, &r);
	r.choices = json_array_size(choices) ? copy_json(c, choices) : NULL;
	if (r.min_length < 0 && r.max_length < 0 && r.min_items < 0 && r.max_items < 0 && r.min_properties < 0 &&
	    r.max_properties < 0 && !r.pattern && !r.choices && !r.required && !r.flags && !r.logic)
		return NULL;
	struct schema_rules *kept = arena_alloc(c->arena, sizeof(*kept));
	*kept = r;
	return kept;
}

static enum schema_type type_of(const json_t *s)
{
	static const char *const NAMES[] = {
		[SCHEMA_OBJECT] = "object",   [SCHEMA_ARRAY] = "array",   [SCHEMA_STRING] = "string",
		[SCHEMA_INTEGER] = "integer", [SCHEMA_NUMBER] = "number", [SCHEMA_BOOLEAN] = "boolean",
	};
	const char *type = json_get_str(s, "type");

	for (size_t i = SCHEMA_OBJECT; type && i < ARRAY_SIZE(NAMES); i++)
		if (strcmp(NAMES[i], type) == 0)
			return (enum schema_type)i;
	return SCHEMA_ANY;
}

static uint16_t flags_of(const json_t *s)
{
	static const struct {
		const char *name;
		uint16_t flag;
	} FLAGS[] = {
		{ "nullable", SCHEMA_NULLABLE },
		{ "x-kubernetes-preserve-unknown-fields", SCHEMA_PRESERVE },
		{ "x-kubernetes-int-or-string", SCHEMA_INT_OR_STRING },
		{ "x-kubernetes-embedded-resource", SCHEMA_EMBEDDED },
	};
	uint16_t flags = 0;

	for (size_t i = 0; i < ARRAY_SIZE(FLAGS); i++)
		if (json_get_bool(s, FLAGS[i].name, false))
			flags |= FLAGS[i].flag;
	if (str_eq(json_get_str(s, "x-kubernetes-map-type"), "atomic"))
		flags |= SCHEMA_MAP_ATOMIC;
	if (json_is_false(json_object_get(s, "additionalProperties")))
		flags |= SCHEMA_NO_ADDITIONAL;
	return flags;
}

static struct schema *compile_node(struct compiler *c, const json_t *s, struct schema *into)
{
	struct schema *node = into ? into : arena_alloc(c->arena, sizeof(*node));
	const json_t *items = json_object_get(s, "items"), *more = json_object_get(s, "additionalProperties");
	const char *list_type = json_get_str(s, "x-kubernetes-list-type"), *format = json_get_str(s, "format");

	node->type = type_of(s);
	node->flags = flags_of(s);
	if (node->flags & SCHEMA_EMBEDDED)
		c->found |= SCHEMA_SOME_EMBEDDED;
	if (json_array_size(json_object_get(s, "x-kubernetes-validations")) > 0)
		c->found |= SCHEMA_SOME_RULES;
	node->format = format ? schema_format_find(format, node->type) : 0;
	if (str_eq(list_type, "set"))
		node->list_type = SCHEMA_LIST_SET;
	else if (str_eq(list_type, "map"))
		node->list_type = SCHEMA_LIST_MAP;
	if (node->list_type != SCHEMA_LIST_ATOMIC)
		c->found |= SCHEMA_SOME_LISTS;
	node->list_map_keys = copy_strv(c, json_object_get(s, "x-kubernetes-list-map-keys"));
	node->patch_strategy = copy_str(c, s, "x-kubernetes-patch-strategy");
	node->patch_merge_key = copy_str(c, s, "x-kubernetes-patch-merge-key");
	node->default_value = copy_json(c, json_object_get(s, "default"));
	node->rules = compile_rules(c, s);
	compile_fields(c, json_object_get(s, "properties"), node);
	if (json_is_object(items))
		node->items = compile_node(c, items, NULL);
	if (json_is_object(more))
		node->additional = compile_node(c, more, NULL);
	else if (json_is_true(more))
		node->additional = arena_alloc(c->arena, sizeof(*node));
	return node;
}

/* Defaults must fulfil the schema and hold nothing it does not know. */
static void check_defaults(const struct schema *s, const char *path, struct schema_errors *e)
{
	if (s->default_value) {
		_cleanup_free_ char *at = xasprintf("%s.default", path);
		schema_check_value(s, at, s->default_value, e);
	}
	for (size_t i = 0; i < s->fields_len; i++) {
		_cleanup_free_ char *at = xasprintf("%s.properties[%s]", path, s->fields[i].name);
		check_defaults(s->fields[i].schema, at, e);
	}
	if (s->items) {
		_cleanup_free_ char *at = xasprintf("%s.items", path);
		check_defaults(s->items, at, e);
	}
}

void schema_check_value(const struct schema *s, const char *path, const json_t *value, struct schema_errors *e)
{
	_cleanup_json_ json_t *pruned = json_clone(value);
	struct schema_errors found = { 0 };

	schema_prune(s, pruned, NULL);
	if (!json_same(pruned, value))
		schema_invalid(e, xstrdup(path), value, xstrdup("must not have unknown fields"));
	schema_validate_embedded(&found, s, NULL, value, NULL);
	if (found.len == 0)
		schema_validate_node(&found, s, NULL, value, NULL);
	schema_errors_below(&found, path);
	schema_errors_append(e, &found);
}

static struct schema_root *compile_root(const json_t *openapi)
{
	struct schema_root *root = new0(struct schema_root);
	struct compiler c = { .arena = arena_new() };

	atomic_init(&root->refs, 1);
	root->arena = c.arena;
	compile_node(&c, openapi, &root->node);
	root->node.flags |= SCHEMA_RESOURCE | c.found;
	return root;
}

struct schema *schema_compile(const json_t *openapi, const char *path, struct err *err)
{
	struct schema_errors e = { 0 };

	schema_check(openapi, path, &e);
	if (schema_errors_finish(&e, err) < 0)
		return NULL;
	struct schema_root *root = compile_root(openapi);
	root->source = json_to_str(openapi);
	check_defaults(&root->node, path, &e);
	if (schema_errors_finish(&e, err) < 0) {
		schema_unref(&root->node);
		return NULL;
	}
	return &root->node;
}

/* ---- later ---- */

struct schema *schema_compile_later(const struct schema_source *source)
{
	struct schema_root *root = new0(struct schema_root);

	atomic_init(&root->refs, 1);
	root->node.flags = SCHEMA_LATER;
	root->later = *source;
	pthread_mutex_init(&root->lock, NULL);
	return &root->node;
}

static struct schema_root *root_of(const struct schema *s)
{
	return (struct schema_root *)(uintptr_t)s;
}

const struct schema *schema_resolve(const struct schema *s)
{
	if (!s || !(s->flags & SCHEMA_LATER))
		return s;
	struct schema_root *root = root_of(s), *compiled = atomic_load_explicit(&root->compiled, memory_order_acquire);
	if (compiled)
		return &compiled->node;
	MUTEX_GUARD(&root->lock);
	compiled = atomic_load_explicit(&root->compiled, memory_order_relaxed);
	if (!compiled) {
		_cleanup_json_ json_t *openapi = root->later.load(root->later.self);
		compiled = compile_root(openapi);
		atomic_store_explicit(&root->compiled, compiled, memory_order_release);
	}
	return &compiled->node;
}

json_t *schema_source(const struct schema *s)
{
	const struct schema_root *root = root_of(s);

	if (s->flags & SCHEMA_LATER)
		return root->later.load(root->later.self);
	json_t *v = json_parse(root->source, strlen(root->source), 0, NULL);
	return v ? v : json_object();
}

struct schema *schema_ref(struct schema *s)
{
	if (s)
		atomic_fetch_add_explicit(&root_of(s)->refs, 1, memory_order_relaxed);
	return s;
}

struct schema *schema_unref(struct schema *s)
{
	if (!s || atomic_fetch_sub_explicit(&root_of(s)->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	struct schema_root *root = root_of(s);
	struct schema_root *compiled = atomic_load_explicit(&root->compiled, memory_order_relaxed);
	if (s->flags & SCHEMA_LATER) {
		root->later.release(root->later.self);
		pthread_mutex_destroy(&root->lock);
	}
	if (compiled)
		schema_unref(&compiled->node);
	if (root->arena)
		arena_free(root->arena);
	schema_pool_unref(root->pool);
	free(root->source);
	free(root);
	return NULL;
}

struct schema_pool *schema_pool_new(void)
{
	struct schema_pool *pool = new0(struct schema_pool);

	atomic_init(&pool->refs, 1);
	pool->arena = arena_new();
	return pool;
}

struct arena *schema_pool_arena(struct schema_pool *pool)
{
	return pool->arena;
}

struct schema *schema_pool_root(struct schema_pool *pool, const struct schema *node)
{
	struct schema_root *root = new0(struct schema_root);

	atomic_init(&root->refs, 1);
	atomic_fetch_add_explicit(&pool->refs, 1, memory_order_relaxed);
	root->pool = pool;
	root->node = *node;
	root->node.flags |= SCHEMA_RESOURCE | SCHEMA_TYPED;
	return &root->node;
}

struct schema_pool *schema_pool_unref(struct schema_pool *pool)
{
	if (!pool || atomic_fetch_sub_explicit(&pool->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	arena_free(pool->arena);
	free(pool);
	return NULL;
}
