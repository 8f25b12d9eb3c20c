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

/* Before the names of the protocol's own types. */
#define OPENAPI_META "io.k8s.apimachinery.pkg.apis.meta.v1."

#define OPENAPI_MAX ((size_t)1024 * 1024 * 1024) /* bytes of a document */

/* How a document is written: entry by entry, since the trees of a thousand kinds together would take gigabytes. */
struct openapi_form {
	const char *name;
	enum openapi_version version;
	const char *separator; /* between two paths, and two schemas */
	void (*add_path)(struct buf *out, const char *path, const json_t *v);
	void (*add_schema)(struct buf *out, const char *name, const json_t *v);
	/* What stands before the paths, between them and the schemas, and at the end; given the lengths of all paths and of
	 * all schemas. */
	void (*put_head)(struct buf *out, size_t paths_len);
	void (*put_middle)(struct buf *out, size_t schemas_len);
	void (*put_tail)(struct buf *out);
};
extern const struct openapi_form OPENAPI_JSON_V2, OPENAPI_JSON_V3;
/* v2 in the form of gnostic's OpenAPIv2.proto, as kubectl before 1.27 asks for it. */
extern const struct openapi_form OPENAPI_PROTOBUF;

/* openapi.c. The title and version of the documents. */
json_t *openapi_info(void);

#endif
