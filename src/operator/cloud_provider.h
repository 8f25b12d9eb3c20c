#ifndef OPERATOR_CLOUD_PROVIDER_H
#define OPERATOR_CLOUD_PROVIDER_H

#include "deployment.h"

/* Is the CloudProvider usable? Its Ready condition says so. */
int cloud_provider_reconcile(void *self, struct kube_pass *pass, const struct kube_key *key,
                             struct kube_result *result);

/* Keys are namespaces: a tenant (default, or labelled scia.io/tenant: "true") has a CloudProvider "local". */
int tenant_reconcile(void *self, struct kube_pass *pass, const struct kube_key *key, struct kube_result *result);

#endif
