#ifndef APISERVER_OPENAPI_H
#define APISERVER_OPENAPI_H
/* OpenAPI documents of the types: v3 one a group and version, v2 one for all. */

#include "types/registry.h"

enum openapi_version { OPENAPI_V2, OPENAPI_V3 };

/* "io.scia.v1alpha1.Deployment", "io.k8s.api.core.v1.Secret" (free()). */
char *openapi_schema_name(const struct api_type *t, const struct api_version *v);
/* A $ref to a schema of that name, or to TYPE + "List". */
json_t *openapi_ref(enum openapi_version api, const char *name);
/* Adds the paths of a type in a version. */
void openapi_add_paths(json_t *paths, enum openapi_version api, const struct api_type *t, const struct api_version *v);
/* Adds the schemas of a type in a version, its list's and those of metadata they refer to. */
void openapi_add_schemas(json_t *schemas, enum openapi_version api, const struct api_type *t,
                         const struct api_version *v);
void openapi_add_meta_schemas(json_t *schemas, enum openapi_version api);

#define OPENAPI_MAX ((size_t)1024 * 1024 * 1024) /* bytes of a document */

/* How a v2 document is written: piece by piece, since the trees of a thousand kinds together would take gigabytes. */
struct openapi_form {
	void (*add_path)(struct buf *paths, const char *path, const json_t *v);
	void (*add_definition)(struct buf *definitions, const char *name, const json_t *v);
	/* Empties both buffers. NULL when the document would be longer than OPENAPI_MAX. */
	struct bytes *(*finish)(const json_t *info, struct buf *paths, struct buf *definitions);
};
extern const struct openapi_form OPENAPI_JSON;
/* The form of gnostic's OpenAPIv2.proto, as kubectl before 1.27 asks for it. */
extern const struct openapi_form OPENAPI_PROTOBUF;

/* openapi_v2.c. The document of all types, a type at a time. */
struct bytes *openapi_v2_build(struct registry *r, const json_t *info, const struct openapi_form *form);

#endif
