#ifndef APISERVER_CRD_TYPE_H
#define APISERVER_CRD_TYPE_H
/* The type that a stored CRD defines. Its schemas are compiled when they are first used, and read again from the CRD's
 * text when they are published: a kind that nobody uses costs little more than its text, which the store has anyway. */

#include "base/bytes.h"
#include "registry.h"

/* The present text of a CRD. */
struct crd_text;
struct crd_text *crd_text_new(struct bytes *text);
struct crd_text *crd_text_unref(struct crd_text *t);
/* Another text with the same spec, so that the old one can go. */
void crd_text_set(struct crd_text *t, struct bytes *text);

/* The schema of one of spec.versions. */
struct schema *crd_schema_later(struct crd_text *text, size_t version);

/* A CRD without its schemas and whatever else nobody looks at who serves it; a new reference. It is a thirtieth of the
 * text, and is kept with the object as a hidden field, so that neither a start nor a change has to read all of it. */
#define CRD_SUMMARY_FIELD "@crd"
json_t *crd_summary(const json_t *crd);

/* registry_crd.c. spec was checked when it was written (crd_validate()); ERR_INVALID when it cannot be served all the
 * same. */
struct api_type *crd_type_new(const json_t *spec, struct crd_text *text, struct err *err);

#endif
