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

/* An OpenAPI v2 document in the protobuf form of gnostic's OpenAPIv2.proto, as kubectl asks for it. */
struct bytes *openapi_v2_to_protobuf(const json_t *doc);

#endif
