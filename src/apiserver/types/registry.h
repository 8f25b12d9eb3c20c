#ifndef APISERVER_REGISTRY_H
#define APISERVER_REGISTRY_H
/* The types the API serves: built-in ones and custom resources, by group, version and plural name. A type is immutable
 * and reference-counted; a changed CRD puts a new type in the old one's place while requests finish with theirs. */

#include "base/err.h"
#include "codec/json.h"
#include "codec/jsonpath.h"
#include "schema/schema.h"

struct api_type;
struct api_request;
struct conversion;
struct kinds_message;

/* A printer column: by JSONPath, or computed. */
struct api_column {
	char *name, *type, *format, *description;
	int priority;
	struct jsonpath *path;
	json_t *(*cell)(const json_t *obj, int64_t now_ns); /* when path is NULL */
};

void api_column_clear(struct api_column *c);

struct api_scale {
	char *spec_replicas, *status_replicas, *selector; /* simple paths ".spec.replicas"; selector may be NULL */
};

struct api_version {
	char *name;        /* "v1alpha1" */
	char *api_version; /* "scia.io/v1alpha1" */
	bool served, deprecated;
	char *deprecation_warning; /* when deprecated */
	struct schema *schema;     /* NULL: anything goes */
	/* Of built-in kinds: what their objects look like (kinds/kinds.h). Values are checked by this, not by the schema.
	 */
	const struct kinds_message *message;
	unsigned further;        /* subresources besides status and scale, enum kinds_subresources */
	const char *unserved;    /* a warning for who writes one: nothing acts on such objects here; NULL: something does */
	bool has_status;         /* the status subresource */
	struct api_scale *scale; /* NULL: none */
	struct api_column *columns; /* without NAME; none: NAME and AGE only */
	size_t columns_len;
	bool no_name_column; /* tables do not begin with the name */
	char **selectable;   /* further fields for field selectors, ".spec.x"; NULL: none */
	/* Between this version and the stored form, in place; NULL: only apiVersion differs. */
	void (*from_storage)(json_t *obj);
	void (*to_storage)(json_t *obj);
};

enum api_verb {
	VERB_GET = 1,
	VERB_LIST = 2,
	VERB_WATCH = 4,
	VERB_CREATE = 8,
	VERB_UPDATE = 16,
	VERB_PATCH = 32,
	VERB_DELETE = 64,
	VERB_DELETE_COLLECTION = 128,
	VERB_ALL = 255,
	VERB_NOT_TERMINATING = VERB_CREATE | VERB_UPDATE | VERB_PATCH, /* not told of a type whose CRD is being deleted */
};

/* What a built-in type does differently. Every member may be NULL or false. Objects are in the stored version. */
struct api_strategy {
	bool create_on_update;     /* PUT of an absent name creates it */
	bool unconditional_update; /* PUT without a resourceVersion overwrites */
	bool generation;           /* metadata.generation counts changes outside of metadata and status */
	bool name_any;             /* names need only be path segments, not DNS subdomains */
	bool status_on_create;     /* a new object keeps the status it came with */
	bool name_label;           /* names are DNS labels */
	bool addressed;            /* gets an address when it has none (admission/service_addresses.h) */
	bool requires_itself;      /* validate() tells what is missing or no choice, not the schema */
	/* JSON of what there is before an object is created (Go's empty structs): nobody comes to own it. Kinds with a
	 * message have theirs from it. */
	const char *fresh;
	/* Brings what a client sent into form, before anything else is done with it; what is dropped on the way is appended
	 * to dropped (paths; may be NULL). */
	void (*decode)(json_t *obj, json_t *dropped);
	/* Before that: why what a client sent is no object of this kind at all, or NULL. free() */
	char *(*decode_fault)(const json_t *obj);
	/* What kinds_zero() is for those that are defined by tables. */
	json_t *(*zero)(void);
	void (*prepare_create)(json_t *obj);
	/* The same for what nobody owns: after the managed fields were noted and webhooks were asked. */
	void (*complete_create)(json_t *obj);
	void (*prepare_update)(json_t *obj, const json_t *old);
	/* The same for an update of a subresource. */
	void (*prepare_subresource)(json_t *obj, const json_t *old, const char *subresource);
	/* Notes in a new object who made it: {username, uid, groups, extra}. */
	void (*set_requester)(json_t *obj, const json_t *user);
	/* Before a deletion: a finalizer or a phase. */
	void (*prepare_delete)(json_t *obj);
	/* Whether a request may delete it at all; ERR_FORBIDDEN. */
	int (*check_delete)(const char *name, struct err *err);
	/* True while something besides metadata.finalizers keeps a deleted object. */
	bool (*held)(const json_t *obj);
	/* Answers a create by itself, without storing anything (reviews). Owns the request. */
	void (*review)(struct api_request *req, json_t *body);
	/* What a schema cannot say; old NULL: create. ERR_INVALID with causes, as schema_validate() does. */
	int (*validate)(const json_t *obj, const json_t *old, struct err *err);
	/* Besides, of an update of a subresource. */
	int (*validate_subresource)(const json_t *obj, const json_t *old, const char *subresource, struct err *err);
	/* Appends warnings about what is right and yet not wise (strv). */
	void (*warn)(const json_t *obj, const json_t *old, char ***warnings);
	/* Appends selectable fields "k\0v\0" beyond metadata's and those of api_version.selectable. */
	void (*fields)(const json_t *obj, struct buf *out);
	/* Another name of a selectable field, or NULL. */
	const char *(*field_alias)(const char *name);
};

struct api_type {
	atomic_size_t refs;
	char *group, *plural, *singular, *kind, *list_kind;
	char **short_names, **categories; /* NULL: none */
	char *resource;                   /* the store's name: "group/plural" */
	const char *stored_as;            /* apiVersion in the store; NULL: that of the storage version */
	struct conversion *conversion;    /* the webhook that knows the versions; NULL: only apiVersion differs */
	bool namespaced, custom;
	bool terminating;             /* its CRD is being deleted: no new objects */
	unsigned verbs;               /* 0: only create, answered without storing (reviews) */
	struct api_version *versions; /* in the order of discovery: the preferred one first */
	size_t versions_len, storage;
	const struct api_strategy *strategy; /* never NULL */
	/* Objects older than this may lack defaults of the present schema; they are filled in when read. */
	uint64_t defaults_since;
	uint64_t stamp; /* of what a custom type was made from: the same after a restart; built-in ones: 0 */
};

/* An empty one, to be filled before it is put into a registry. */
struct api_type *api_type_new(const char *group, const char *plural, const char *singular, const char *kind);
/* Appends a version; its strings are derived, everything else is zero. The pointer is valid until the next append. */
struct api_version *api_type_add_version(struct api_type *t, const char *name);
struct api_type *api_type_ref(struct api_type *t);
struct api_type *api_type_unref(struct api_type *t);
DEFINE_CLEANUP(struct api_type *, api_type_unref)
const struct api_version *api_type_version(const struct api_type *t, const char *name); /* served ones only */
/* Whether the tables of kinds/ say what its objects look like. */
bool api_type_has_messages(const struct api_type *t);
/* "deployments.scia.io", "secrets". Borrowed buffer of 512 bytes. */
const char *api_type_words(const struct api_type *t, char ret[static 512]);
bool api_type_has_subresource(const struct api_type *t, const struct api_version *v, const char *subresource);

struct registry;
struct registry *registry_new(void);
struct registry *registry_free(struct registry *r);
/* Adds or replaces by group and plural; takes the reference over. */
void registry_put(struct registry *r, struct api_type *t);
/* What is sent to a scale subresource (autoscaling/v1 Scale), which is no resource by itself: set once, at the start.
 * Borrowed. */
void registry_put_scale(struct registry *r, struct api_type *t);
const struct api_type *registry_scale(const struct registry *r);
void registry_remove(struct registry *r, const char *group, const char *plural);
/* A reference, or NULL when it is not served in that version; version NULL: in any. */
struct api_type *registry_find(struct registry *r, const char *group, const char *version, const char *plural);
struct api_type *registry_find_kind(struct registry *r, const char *group, const char *version, const char *kind);
/* All types, in the order of groups and plural names; references; NULL-terminated. Free with registry_types_free(). */
struct api_type **registry_types(struct registry *r);
struct api_type **registry_types_free(struct api_type **types);
DEFINE_CLEANUP(struct api_type **, registry_types_free)
/* Changes with every put and remove. */
uint64_t registry_generation(struct registry *r);

/* Order of versions as Kubernetes sorts them: v2, v1, v2beta1, v1alpha1, other. < 0 when a goes first. */
int api_version_compare(const char *a, const char *b);

/* From the spec of a CustomResourceDefinition with defaults filled in, or of a built-in type (builtin_types.h).
 * ERR_INVALID when it cannot be served. */
struct api_type *registry_type_from_spec(const json_t *spec, bool builtin, struct err *err);
/* "get" → VERB_GET; 0 when unknown. */
unsigned api_verb_bit(const char *verb);

#endif
