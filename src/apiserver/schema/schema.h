#ifndef APISERVER_SCHEMA_H
#define APISERVER_SCHEMA_H
/* Structural schemas (apiextensions.k8s.io/v1): compiled once, then defaulting, pruning and validation of objects.
 * No I/O; a compiled schema is immutable and shared between threads. */

#include "base/err.h"
#include "codec/json.h"

struct schema;

/* From an openAPIV3Schema. Not structural or malformed: ERR_INVALID, one cause per violation with Kubernetes' wording,
 * fields below `path`. Implied for the root: apiVersion, kind, metadata. */
struct schema *schema_compile(const json_t *openapi, const char *path, struct err *err);
/* One that was checked before, and whose source is elsewhere: it is compiled when it is first used, which with hundreds
 * of large kinds is never for most. load() gives the openAPIV3Schema, a new reference, from any thread; release() ends
 * it. */
struct schema_source {
	json_t *(*load)(void *self);
	void (*release)(void *self);
	void *self;
};
struct schema *schema_compile_later(const struct schema_source *source);
/* The compiled form of such a one; others (and NULL) as they are. What lies below a root needs no resolving. Functions
 * that take a schema do it by themselves; who walks schema_internal.h's nodes has to. */
const struct schema *schema_resolve(const struct schema *s);
struct schema *schema_ref(struct schema *s);
struct schema *schema_unref(struct schema *s);
DEFINE_CLEANUP(struct schema *, schema_unref)

/* Fills in defaults, in place; nulls that may not be are replaced by the default or dropped. */
void schema_default(const struct schema *s, json_t *obj);
/* The same, but nulls without a default stay: in what is applied they are wrong. */
void schema_fill_in(const struct schema *s, json_t *obj);
/* Drops unknown fields and nulls that may not be, and fills in nothing: what an object of another version becomes. */
void schema_conform(const struct schema *s, json_t *obj);
/* Drops unknown fields, in place; their paths ("spec.foo[0].bar", strings, in order) are appended to dropped unless it
 * is NULL; behind them those within the metadata of embedded resources. */
void schema_prune(const struct schema *s, json_t *obj, json_t *dropped);
/* What keeps obj from being decoded: words of apiVersion or kind of an embedded resource that are no strings, and what
 * meta_fault() (free()) says of its metadata; NULL: nothing does. The first fault, "PATH: Invalid value: …"; free(). */
char *schema_decode_fault(const struct schema *s, const json_t *obj, char *(*meta_fault)(const json_t *meta));
/* ERR_INVALID with one cause per violation (at most ERR_CAUSES_MAX), in Kubernetes' words: reason FieldValueInvalid,
 * FieldValueRequired, FieldValueNotSupported, FieldValueTypeInvalid, …; message without the kind and name, which the
 * caller adds. Covers type, nullable, enum, minimum/maximum (exclusive), multipleOf, length, pattern, format, items,
 * minItems, maxItems, list-type set and map uniqueness, properties, additionalProperties, required, min/maxProperties,
 * allOf, anyOf, oneOf, not, int-or-string, embedded-resource. old (may be NULL) is the stored object: unchanged parts
 * are not complained about (ratcheting). */
int schema_validate(const struct schema *s, const json_t *obj, const json_t *old, struct err *err);
/* The same with all that can be asked for. s NULL: only what check_more says. */
struct schema_change {
	const json_t *obj, *old; /* old NULL: create */
	bool blocked;            /* something outside of the schema is wrong that keeps rules from being looked at */
	bool status_only;        /* a write of the status: only that is looked at (lists of type set and map everywhere) */
	/* Checks of the caller, which add causes (invalid.h). NULL: none. more: beside the values; meta: labels and so on
	 * of a resource within the object, fields "metadata.…". */
	void (*check_more)(const void *self, const json_t *obj, struct err *err);
	void (*check_meta)(const json_t *resource, struct err *err);
	const void *self;
};
int schema_validate_change(const struct schema *s, const struct schema_change *c, struct err *err);

/* Walking it, for patches and field ownership. All accept NULL (no schema known: then maps are granular, lists atomic).
 */
enum schema_list_type { SCHEMA_LIST_ATOMIC, SCHEMA_LIST_SET, SCHEMA_LIST_MAP };
const struct schema *schema_property(const struct schema *s, const char *name); /* or additionalProperties */
const struct schema *schema_items(const struct schema *s);
enum schema_list_type schema_list_type(const struct schema *s);
char *const *schema_list_map_keys(const struct schema *s); /* NULL-terminated */
bool schema_map_is_atomic(const struct schema *s);
/* Default of a list-map key, or NULL; borrowed. */
const json_t *schema_default_value(const struct schema *s);
/* Strategic merge: x-kubernetes-patch-strategy contains this word; x-kubernetes-patch-merge-key (NULL: none). */
bool schema_patch_strategy_has(const struct schema *s, const char *word);
const char *schema_patch_merge_key(const struct schema *s);
bool schema_preserves_unknown(const struct schema *s);

/* The schema as published in OpenAPI v3 / v2 (v2 loses what it cannot say), a new reference. */
json_t *schema_publish_v3(const struct schema *s);
json_t *schema_publish_v2(const struct schema *s);

#endif
