#ifndef APISERVER_BUILTIN_H
#define APISERVER_BUILTIN_H
/* The types the server has without any CRD: their definitions (builtin_types.h) and what each does differently. */

#include "registry.h"

int builtin_register(struct registry *r, struct err *err);

/* kinds_normalize() of an object in this version; ERR_BAD_REQUEST says which kind it cannot be. */
int builtin_normalize(const struct api_type *t, const struct api_version *v, json_t *obj, struct err *err);

extern const struct api_strategy STRATEGY_NAMESPACE, STRATEGY_SECRET, STRATEGY_CONFIGMAP, STRATEGY_SERVICE_ACCOUNT,
	STRATEGY_EVENT, STRATEGY_LEASE, STRATEGY_CRD;
/* Reviews answer and store nothing. */
extern const struct api_strategy STRATEGY_SUBJECT_ACCESS_REVIEW, STRATEGY_SELF_SUBJECT_ACCESS_REVIEW,
	STRATEGY_SELF_SUBJECT_RULES_REVIEW, STRATEGY_SELF_SUBJECT_REVIEW, STRATEGY_TOKEN_REVIEW;

/* events.k8s.io/v1 is another view of core/v1 events, which is how they are stored. */
void event_to_events_v1(json_t *obj);
void event_from_events_v1(json_t *obj);

#endif
