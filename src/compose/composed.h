#ifndef COMPOSE_COMPOSED_H
#define COMPOSE_COMPOSED_H
/* What a composite's pipeline desires, turned into the objects the API server gets, and compared with what is there. */

#include "kube/object.h"

#define COMPOSED_NAME_ANNOTATION "crossplane.io/composition-resource-name"
#define COMPOSED_HASH_ANNOTATION "scia.io/desired-hash"
#define COMPOSED_OWNER_LABEL "scia.io/composite"

/* The whole object: `resource` (apiVersion, kind, spec) with its name (COMPOSITE-RESOURCE, shortened with a hash when
 * too long), labels, annotations and controller. A new reference. */
json_t *composed_render(const json_t *composite, const char *resource_name, const json_t *resource);

#endif
