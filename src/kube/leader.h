#ifndef KUBE_LEADER_H
#define KUBE_LEADER_H
/* Leader election on a Lease (coordination.k8s.io/v1), after client-go's tools/leaderelection: times of other machines
 * are never compared with ours, only how long a record did not change. */

#include "kube/client.h"
#include "base/log.h"

struct kube_leader;

struct kube_leader_config {
	struct kube_client *client;
	const char *ns, *name, *identity;
	int64_t lease_ns, renew_ns, retry_ns; /* 0: 15 s, 10 s, 2 s */
	void (*on_started)(void *self);       /* from the election's thread: we lead */
	void (*on_stopped)(void *self);       /* we lead no longer: stop working at once */
	void *self;
	struct logger *log;
};

int kube_leader_start(const struct kube_leader_config *config, struct kube_leader **ret, struct err *err);
bool kube_leader_is_leading(const struct kube_leader *l);
/* Gives the lease back, joins, frees. */
struct kube_leader *kube_leader_stop(struct kube_leader *l);

#endif
