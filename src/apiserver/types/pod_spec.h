#ifndef APISERVER_POD_SPEC_H
#define APISERVER_POD_SPEC_H
/* Pods, alone and as templates: what depends on more than one field. */

#include "base/err.h"
#include "codec/json.h"

/* Fills in what depends on other fields: imagePullPolicy by the image's tag, serviceAccount by serviceAccountName. spec
 * may be NULL. */
void pod_spec_default(json_t *spec);
/* The same for what only a pod itself has, not a template. */
void pod_only_default(json_t *spec);
/* "Guaranteed", "Burstable" or "BestEffort", as Kubernetes reckons it from requests and limits. */
const char *pod_qos_class(const json_t *spec);
/* Adds causes for containers, volumes and mounts. path: of the spec. */
void pod_spec_check(const json_t *spec, const char *path, struct err *err);
/* The same for a template and its labels. owner: the path of what has it, "spec" or "". */
void pod_template_check(const json_t *template, const char *owner, struct err *err);

#endif
