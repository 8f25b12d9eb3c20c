#ifndef APISERVER_SCHEMA_INTERNAL_H
#define APISERVER_SCHEMA_INTERNAL_H
/* What the schema's own files share: the compiled form, paths and the collection of violations.
 *
 * A compiled schema is a tree of small nodes in one arena; descriptions stay in the source text, which is kept for
 * publishing only. Nodes of value validations (allOf, anyOf, oneOf, not) have the same form without a type. */

#include "base/buf.h"
#include "schema.h"

#include <stdint.h>

#define SCHEMA_NODES_MAX 50000
#define SCHEMA_PATTERN_MAX 8192  /* bytes of one pattern */
#define SCHEMA_PATTERNS_MAX 5000 /* in one schema */

enum schema_type {
	SCHEMA_ANY,
	SCHEMA_OBJECT,
	SCHEMA_ARRAY,
	SCHEMA_STRING,
	SCHEMA_INTEGER,
	SCHEMA_NUMBER,
	SCHEMA_BOOLEAN,
};

enum schema_flags {
	SCHEMA_NULLABLE = 1,
	SCHEMA_PRESERVE = 2, /* x-kubernetes-preserve-unknown-fields */
	SCHEMA_INT_OR_STRING = 4,
	SCHEMA_EMBEDDED = 8,       /* x-kubernetes-embedded-resource */
	SCHEMA_RESOURCE = 16,      /* the root: apiVersion, kind and metadata are implied */
	SCHEMA_NO_ADDITIONAL = 32, /* additionalProperties: false */
	SCHEMA_MAP_ATOMIC = 64,
	/* Only at a compiled root: somewhere below it is … */
	SCHEMA_SOME_EMBEDDED = 128, /* an embedded resource */
	SCHEMA_SOME_LISTS = 256,    /* a list of type set or map */
	SCHEMA_SOME_RULES = 512,    /* x-kubernetes-validations */
	SCHEMA_TYPED = 2048,        /* a root that stands for one of Go's types */
	SCHEMA_LATER = 1024, /* a root that is compiled when it is first used; schema_resolve() gives the other one */
};

struct schema_field {
	const char *name;
	const struct schema *schema;
};

struct schema_pattern;
struct schema_formats;

enum schema_rules_flags {
	RULES_MINIMUM = 1,
	RULES_MAXIMUM = 2,
	RULES_EXCLUSIVE_MINIMUM = 4,
	RULES_EXCLUSIVE_MAXIMUM = 8,
	RULES_MULTIPLE_OF = 16,
};

struct schema_list {
	const struct schema *const *items;
	size_t len;
};

struct schema_logic {
	struct schema_list all_of, any_of, one_of;
	const struct schema *not_schema;
};

/* What a value must fulfil beyond its type. Lengths and counts: -1 for no limit. */
struct schema_rules {
	double minimum, maximum, multiple_of;
	int64_t min_length, max_length;
	int32_t min_items, max_items, min_properties, max_properties;
	unsigned flags;
	const struct schema_pattern *pattern;
	const json_t *choices; /* enum */
	const char *const *required;
	const struct schema_logic *logic;
};

struct schema {
	uint8_t type;
	uint8_t list_type;
	uint8_t format; /* position in the table of formats, 0: none */
	uint16_t flags;
	uint32_t fields_len;
	const struct schema_field *fields; /* ordered by name */
	const struct schema *items, *additional;
	const json_t *default_value;
	char *const *list_map_keys;
	const struct schema_rules *rules;
	const char *patch_strategy, *patch_merge_key;
};

/* ObjectMeta as far as lists, maps and types go; its texts are in builtin/objectmeta.yaml. */
extern const struct schema SCHEMA_OBJECT_META;
extern const struct schema SCHEMA_PLAIN_STRING;

/* The declared field, not additionalProperties; NULL when there is none. */
const struct schema *schema_find_field(const struct schema *s, const char *name);
/* What a schema was compiled from, a new reference; s is what schema_compile() or schema_compile_later() gave. */
json_t *schema_source(const struct schema *s);

/* Nodes that several schemas share, made by hand in one arena. Each root keeps the pool; it is a copy of one of the
 * nodes, a resource, and has no source to be published from. */
struct arena;
struct schema_pool;
struct schema_pool *schema_pool_new(void);
struct arena *schema_pool_arena(struct schema_pool *pool);
struct schema *schema_pool_root(struct schema_pool *pool, const struct schema *node);
struct schema_pool *schema_pool_unref(struct schema_pool *pool);

/* A place in an object, linked from the inside out on the stack; it becomes text only in an error. */
struct schema_step {
	const struct schema_step *up;
	const char *key; /* NULL: index */
	size_t index;
	bool bracket; /* the key of a map, written [key] */
};
/* "spec.env[0].name"; the root is "". free(). */
char *schema_step_text(const struct schema_step *at);

struct schema_errors {
	struct err_cause *causes;
	size_t len;
	size_t checks; /* how many checks were made: the best alternative of anyOf is the one with most */
};
/* At most ERR_CAUSES_MAX are kept. Takes field (NULL: "<nil>", as Kubernetes says of what has no place) and message. */
void schema_errors_add(struct schema_errors *e, const char *reason, char *field, char *message);
void schema_errors_truncate(struct schema_errors *e, size_t len);
void schema_errors_append(struct schema_errors *e, struct schema_errors *from);
/* Moves the causes of an error over, and clears it. */
void schema_errors_take(struct schema_errors *e, struct err *from);
/* Puts path before every field. */
void schema_errors_below(struct schema_errors *e, const char *path);
/* 0 when there are none, else ERR_INVALID. Empties it. */
int schema_errors_finish(struct schema_errors *e, struct err *err);

/* "object", "array", "string", "integer", "number", "null", "boolean". */
const char *schema_type_name(const json_t *v);
/* As Kubernetes shows a bad value: "text" quoted as Go does, 12, true, "null", map[string]interface {}{"a":1}; cut when
 * it is long. free(). */
char *schema_show(const json_t *v);
/* A list of strings: []string{"a", "b"}. free() */
char *schema_show_strings(const json_t *list);
/* "Invalid value: VALUE: detail" and its like. Takes at, detail. */
void schema_invalid(struct schema_errors *e, char *at, const json_t *value, char *detail);
void schema_forbidden(struct schema_errors *e, char *at, const char *detail);
void schema_required(struct schema_errors *e, char *at, const char *detail);
void schema_unsupported(struct schema_errors *e, char *at, const json_t *value, const json_t *supported);

/* Appends to e what makes a schema malformed or not structural. */
void schema_check(const json_t *openapi, const char *path, struct schema_errors *e);
/* A default against the compiled schema it belongs to. */
void schema_check_value(const struct schema *s, const char *path, const json_t *value, struct schema_errors *e);

/* A regular expression in RE2's syntax. NULL on failure with a reason in *ret_error (free()). */
struct schema_pattern *schema_pattern_new(const char *text, char **ret_error);
struct schema_pattern *schema_pattern_free(struct schema_pattern *p);
const char *schema_pattern_text(const struct schema_pattern *p);
/* False also when matching took too many steps. */
bool schema_pattern_matches(const struct schema_pattern *p, const char *s, size_t len);

/* Position in the table of formats; 0 when Kubernetes does not check this one for this type. */
uint8_t schema_format_find(const char *name, enum schema_type type);
const char *schema_format_name(uint8_t format);
bool schema_format_is_secret(uint8_t format);
/* Strings only; true for formats of numbers. */
bool schema_format_check(uint8_t format, const char *s, size_t len);

/* Resources within resources: apiVersion, kind, metadata (schema_embedded.c). check_meta as in struct schema_change. */
void schema_validate_embedded(struct schema_errors *e, const struct schema *s, const struct schema_step *at,
                              const json_t *v, void (*check_meta)(const json_t *resource, struct err *err));
/* Brings their metadata into form, as that of every object; paths of unknown fields are appended to dropped. */
void schema_prune_embedded(const struct schema *s, json_t *v, const struct schema_step *at, json_t *dropped);
/* One node and everything below it. old may be NULL. */
void schema_validate_node(struct schema_errors *e, const struct schema *s, const struct schema_step *at,
                          const json_t *v, const json_t *old);
void schema_validate_logic(struct schema_errors *e, const struct schema_logic *logic, const struct schema_step *at,
                           const json_t *v);
/* What an item of such a list is told apart by: itself, or the object of its keys. A new reference. */
json_t *schema_item_identity(const struct schema *s, const json_t *item);
/* Uniqueness in lists of type set and map, here and below (schema_lists.c). */
void schema_validate_list_types(struct schema_errors *e, const struct schema *s, const struct schema_step *at,
                                const json_t *v);

#endif
