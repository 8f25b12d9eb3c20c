#ifndef APISERVER_CONTROLLERS_H
#define APISERVER_CONTROLLERS_H
/* The server's own controllers. Each is fed by a watch of the store and has a loop of its own. */

#include "base/err.h"

#include <stdint.h>

struct apiserver;

struct crd_controller;
/* Serves the types of CRDs, keeps their conditions, removes instances with their type. All CRDs stored are served when
 * start returns. */
int crd_controller_start(struct apiserver *s, struct crd_controller **ret, struct err *err);
struct crd_controller *crd_controller_stop(struct crd_controller *c);

struct namespace_controller;
/* Makes the namespaces every cluster has, a service account "default" in each; empties namespaces that are deleted. */
int namespace_controller_start(struct apiserver *s, struct namespace_controller **ret, struct err *err);
struct namespace_controller *namespace_controller_stop(struct namespace_controller *c);

struct role_aggregation;
/* Keeps the rules of ClusterRoles that have an aggregationRule; they are right when start returns. */
int role_aggregation_start(struct apiserver *s, struct role_aggregation **ret, struct err *err);
struct role_aggregation *role_aggregation_stop(struct role_aggregation *c);

struct account_controller;
/* Publishes the CA's certificate in each namespace, and fills secrets that are for tokens of service accounts. */
int account_controller_start(struct apiserver *s, struct account_controller **ret, struct err *err);
/* The CA's certificate is another one. From any thread but the committer's. */
void account_controller_ca_changed(struct account_controller *c);
struct account_controller *account_controller_stop(struct account_controller *c);

struct gc;
/* Garbage collection by owner references. */
int gc_start(struct apiserver *s, struct gc **ret, struct err *err);
struct gc *gc_stop(struct gc *g);

struct event_expiry;
/* Deletes events that have not changed for 60 ticks; an hour with ticks of EVENT_EXPIRY_TICK_NS. */
#define EVENT_EXPIRY_TICK_NS (INT64_C(60) * 1000000000)
int event_expiry_start(struct apiserver *s, int64_t tick_ns, struct event_expiry **ret, struct err *err);
struct event_expiry *event_expiry_stop(struct event_expiry *e);

struct quota_controller;
/* Keeps the status of ResourceQuotas. */
int quota_controller_start(struct apiserver *s, struct quota_controller **ret, struct err *err);
struct quota_controller *quota_controller_stop(struct quota_controller *c);

struct certificate_controller;
/* Signs approved requests for certificates of clients; removes old ones. */
int certificate_controller_start(struct apiserver *s, struct certificate_controller **ret, struct err *err);
struct certificate_controller *certificate_controller_stop(struct certificate_controller *c);

struct controllers {
	struct crd_controller *crds;
	struct namespace_controller *namespaces;
	struct role_aggregation *roles;
	struct account_controller *accounts;
	struct gc *gc;
	struct event_expiry *events;
	struct quota_controller *quotas;
	struct certificate_controller *certificates;
};

#endif
