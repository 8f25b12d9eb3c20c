#ifndef APISERVER_BUILTIN_H
#define APISERVER_BUILTIN_H
/* The types the server has without any CRD: their definitions (builtin_types.h) and what each does differently. */

#include "registry.h"

int builtin_register(struct registry *r, struct err *err);

/* kinds_normalize() of an object in this version; ERR_BAD_REQUEST says which kind it cannot be. */
int builtin_normalize(const struct api_type *t, const struct api_version *v, json_t *obj, struct err *err);

/* "a=1,b in (x,y)" of a LabelSelector or of a plain map of labels; a new reference. */
json_t *builtin_selector_text(const json_t *selector);

extern const struct api_strategy STRATEGY_NAMESPACE, STRATEGY_SECRET, STRATEGY_CONFIGMAP, STRATEGY_SERVICE_ACCOUNT,
	STRATEGY_EVENT, STRATEGY_LEASE, STRATEGY_CRD;
/* Reviews answer and store nothing. */
extern const struct api_strategy STRATEGY_SUBJECT_ACCESS_REVIEW, STRATEGY_SELF_SUBJECT_ACCESS_REVIEW,
	STRATEGY_SELF_SUBJECT_RULES_REVIEW, STRATEGY_SELF_SUBJECT_REVIEW, STRATEGY_TOKEN_REVIEW;

/* What would run or route something elsewhere, and what rules over others. */
extern const struct api_strategy STRATEGY_POD, STRATEGY_POD_TEMPLATE, STRATEGY_REPLICATION_CONTROLLER,
	STRATEGY_DEPLOYMENT, STRATEGY_REPLICA_SET, STRATEGY_DAEMON_SET, STRATEGY_STATEFUL_SET, STRATEGY_JOB,
	STRATEGY_CRON_JOB;
extern const struct api_strategy STRATEGY_SERVICE, STRATEGY_INGRESS, STRATEGY_NETWORK_POLICY, STRATEGY_VOLUME,
	STRATEGY_CLAIM, STRATEGY_STORAGE_CLASS, STRATEGY_NODE;
extern const struct api_strategy STRATEGY_ROLE, STRATEGY_CLUSTER_ROLE, STRATEGY_ROLE_BINDING,
	STRATEGY_CLUSTER_ROLE_BINDING, STRATEGY_WEBHOOKS, STRATEGY_RESOURCE_QUOTA, STRATEGY_LIMIT_RANGE,
	STRATEGY_DISRUPTION_BUDGET, STRATEGY_PRIORITY_CLASS, STRATEGY_AUTOSCALER, STRATEGY_CERTIFICATE_REQUEST;
/* The signer whose requests are signed here (controllers/certificate_controller.c). */
#define CERTIFICATE_SIGNER "kubernetes.io/kube-apiserver-client"

/* autoscaling/v1 is another view of v2. */
void autoscaler_to_v1(json_t *obj);
void autoscaler_from_v1(json_t *obj);

/* events.k8s.io/v1 is another view of core/v1 events, which is how they are stored. */
void event_to_events_v1(json_t *obj);
void event_from_events_v1(json_t *obj);

#endif
