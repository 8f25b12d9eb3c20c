#ifndef APISERVER_CRD_H
#define APISERVER_CRD_H
/* CustomResourceDefinitions as objects: what the server fills in and checks. */

#include "registry.h"

#define CRD_RESOURCE "apiextensions.k8s.io/customresourcedefinitions"
#define CRD_CLEANUP "customresourcecleanup.apiextensions.k8s.io"
#define CRD_APPROVED "api-approved.kubernetes.io"

/* Sets a condition of a CRD (without observedGeneration, as Kubernetes does). True when it changed. */
bool crd_set_condition(json_t *obj, const char *type, bool yes, const char *reason, const char *message);

/* Whether a group belongs to the Kubernetes community: its CRDs need the annotation CRD_APPROVED. */
bool crd_group_is_protected(const char *group);
enum crd_approval { CRD_APPROVAL_INVALID, CRD_APPROVAL_GIVEN, CRD_APPROVAL_BYPASSED, CRD_APPROVAL_MISSING };
/* What the annotation says, with a sentence in *ret_words (free()). */
enum crd_approval crd_approval(const json_t *obj, char **ret_words);

/* crd_form.c: the form that Kubernetes' own types give a CRD: unknown keywords of schemas are dropped (paths appended
 * to dropped unless it is NULL), and so is what is empty; defaults. */
void crd_decode(json_t *obj, json_t *dropped);

/* crd_decode.c: what keeps obj from being a CRD at all, in the words of Go's encoding/json, or NULL. free() */
char *crd_decode_fault(const json_t *obj);

/* crd_validate.c: everything beyond the schema of CRDs; old NULL: create. Adds causes. */
int crd_validate(const json_t *obj, const json_t *old, struct err *err);
/* crd_conversion.c: spec.conversion. established: a CA bundle that cannot be read is refused. */
void crd_validate_conversion(const json_t *spec, bool established, struct err *err);
/* crd_columns.c: printer columns, scale and selectable fields, below these paths. */
void crd_validate_columns(const json_t *columns, const char *path, struct err *err);
void crd_validate_subresources(const json_t *subresources, const char *path, struct err *err);
void crd_validate_selectable(const json_t *fields, const json_t *schema, const char *path, struct err *err);

#endif
