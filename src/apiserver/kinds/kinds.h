#ifndef APISERVER_KINDS_H
#define APISERVER_KINDS_H
/* What the server does by the tables of built-in kinds: reading objects as a Go program would, checking, compiled
 * schemas and published ones. */

#include "base/err.h"
#include "codec/json.h"
#include "kinds_tables.h"
#include "schema/schema.h"

/* NULL when there is none. group "" is core; version NULL: any. */
const struct kinds_kind *kinds_find(const char *group, const char *version, const char *kind);
/* By the published name; NULL when there is none. */
const struct kinds_message *kinds_find_message(const char *name);
/* The declared field, also one of an inlined message; NULL when there is none. */
const struct kinds_field *kinds_find_field(const struct kinds_message *m, const char *name);
/* The last part of a message's name: "PodSpec". */
const char *kinds_message_word(const struct kinds_message *m);

/* Brings an object into the form in which Kubernetes' Go types would write it again, in place: values that equal
 * nothing go (unless the field is written always), defaults come in, quantities and times get their usual form. Unknown
 * members stay. What lies in metadata of the object itself is left alone. ERR_BAD_REQUEST in Go's words when a value is
 * of the wrong type: `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`.
 */
int kinds_normalize(const struct kinds_message *m, json_t *obj, struct err *err);

/* Why an object of generic values cannot be converted to the Go type, in the words of Kubernetes' converter, which
 * strategic merge patches go through in place of a decoder; NULL: it can, or only decoding tells. free() */
char *kinds_convert_fault(const struct kinds_message *m, const json_t *obj);

/* An object about which nothing was said yet, without defaults: what Kubernetes compares a new one with to see whose
 * fields are whose. A new reference. */
json_t *kinds_zero(const struct kinds_message *m);

/* Makes a member what it is when nothing is said. */
void kinds_reset(const struct kinds_message *m, json_t *obj, const char *name);

/* Adds a cause to err (kind ERR_INVALID) for each required field that is empty, each value that is none of the field's
 * choices, and each malformed quantity. */
void kinds_check(const struct kinds_message *m, const json_t *obj, struct err *err);

/* All messages as compiled schemas that share their parts. Owned by the caller. */
struct kinds_schemas;
struct kinds_schemas *kinds_schemas_new(void);
/* The schema of a kind; a reference, which keeps the others alive. */
struct schema *kinds_schemas_of(struct kinds_schemas *s, const struct kinds_kind *k);
struct kinds_schemas *kinds_schemas_unref(struct kinds_schemas *s);

/* Adds the definitions of a message and of all it refers to, under their published names, unless they are there. refs
 * is the prefix of references ("#/definitions/"); v3 says more than v2 can. */
void kinds_publish(const struct kinds_message *m, const char *refs, bool v3, json_t *definitions);

#endif
