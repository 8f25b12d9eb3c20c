#ifndef APISERVER_CRD_H
#define APISERVER_CRD_H
/* CustomResourceDefinitions as objects: what the server fills in and checks. */

#include "registry.h"

#define CRD_RESOURCE "apiextensions.k8s.io/customresourcedefinitions"
#define CRD_CLEANUP "customresourcecleanup.apiextensions.k8s.io"

/* Sets a condition of a CRD (without observedGeneration, as Kubernetes does). True when it changed. */
bool crd_set_condition(json_t *obj, const char *type, bool yes, const char *reason, const char *message);

#endif
