#ifndef KUBE_OBJECT_H
#define KUBE_OBJECT_H
/* Kubernetes objects as JSON values: names of types, accessors of metadata, owners, finalizers, conditions. Borrowed
 * results unless said otherwise. Getters accept incomplete objects. */

#include "base/err.h"
#include "codec/json.h"

/* A type as an API server serves it. Constant data; string members are never NULL (group "" is core). */
struct kube_type {
	const char *group, *version, *kind, *plural;
	bool namespaced;
};

/* The types SCIA's controllers use. */
extern const struct kube_type KUBE_NAMESPACE, KUBE_SECRET, KUBE_CONFIGMAP, KUBE_EVENT, KUBE_LEASE, KUBE_CRD;
extern const struct kube_type SCIA_DEPLOYMENT, SCIA_REVISION, SCIA_INFRASTRUCTURE, SCIA_PROVIDER, SCIA_PROCESS,
	SCIA_NOP;

/* On managed resources, until what they stand for is gone. */
#define SCIA_MANAGED_FINALIZER "scia.io/managed"

/* "group/version", or "version" for core; free(). */
char *kube_type_api_version(const struct kube_type *type);

/* Names one object; namespace "" for cluster-scoped ones. */
struct kube_key {
	char *ns, *name;
};
struct kube_key kube_key_of(const json_t *obj); /* copies */
void kube_key_clear(struct kube_key *key);
/* "ns/name" or "name"; free(). And back; false when malformed. */
char *kube_key_str(const char *ns, const char *name);
bool kube_key_parse(const char *s, struct kube_key *ret);

/* A new object with apiVersion, kind, metadata.name and, when not "", metadata.namespace. */
json_t *kube_object_new(const struct kube_type *type, const char *ns, const char *name);
json_t *kube_meta(const json_t *obj);     /* metadata, or NULL */
const char *kube_name(const json_t *obj); /* "" when absent, as are all of these */
const char *kube_namespace(const json_t *obj);
const char *kube_uid(const json_t *obj);
const char *kube_resource_version(const json_t *obj);
int64_t kube_generation(const json_t *obj);
bool kube_is_deleting(const json_t *obj); /* deletionTimestamp is set */
json_t *kube_spec(const json_t *obj);
json_t *kube_status(const json_t *obj);
const char *kube_label(const json_t *obj, const char *name);      /* NULL when absent */
const char *kube_annotation(const json_t *obj, const char *name); /* NULL when absent */
void kube_set_label(json_t *obj, const char *name, const char *value);
void kube_set_annotation(json_t *obj, const char *name, const char *value); /* NULL removes */

bool kube_has_finalizer(const json_t *obj, const char *finalizer);
/* All of them, as a set (json_str_set()); obj may be NULL. */
struct map *kube_finalizers(const json_t *obj);
/* True when it changed the object. */
bool kube_add_finalizer(json_t *obj, const char *finalizer);
bool kube_remove_finalizer(json_t *obj, const char *finalizer);

/* Makes owner the controller of obj (blockOwnerDeletion). owner needs apiVersion, kind, name, uid. */
void kube_set_controller(json_t *obj, const json_t *owner);
/* The controller's owner reference, or NULL. */
const json_t *kube_controller_of(const json_t *obj);
bool kube_is_controlled_by(const json_t *obj, const json_t *owner);

/* The Deployment an object was made for (labels scia.io/deployment, scia.io/deployment-uid) as something events can be
 * about; a new reference, NULL when it says none. */
json_t *kube_deployment_of(const json_t *obj);

/* The text below a key of a Secret, decoded (free()); NULL when the key is absent or holds bytes that are no text. */
char *kube_secret_text(const json_t *secret, const char *key);

/* Conditions below obj.status.conditions (metav1.Condition). */
const json_t *kube_condition(const json_t *obj, const char *type);
bool kube_condition_is(const json_t *obj, const char *type, const char *status);
/* Adds or updates one in status (an object); lastTransitionTime changes only with the status. message is cut at 32 KiB.
 * True when anything but a time changed. */
bool kube_set_condition(json_t *status, const char *type, const char *status_value, const char *reason,
                        const char *message, int64_t observed_generation, int64_t now_wall_ns);

/* DNS-1123 label (<= 63) / subdomain (<= 253), label keys and values. */
bool kube_is_dns_label(const char *s);
bool kube_is_dns_subdomain(const char *s);
bool kube_is_qualified_name(const char *s);
bool kube_is_label_value(const char *s);

/* An error as a metav1.Status, and back. details_kind and details_name may be NULL. */
json_t *kube_status_from_err(const struct err *err, const char *details_group, const char *details_kind,
                             const char *details_name);
int kube_err_from_status(struct err *err, int http_status, const char *body, size_t len);

#endif
