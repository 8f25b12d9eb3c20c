#ifndef OPERATOR_OPERATOR_H
#define OPERATOR_OPERATOR_H
/* The operator: Deployments become analysed, decided, frozen revisions, Infrastructures, and a status that says what is
 * and, when something is wrong, the one thing to look at. Also CloudProviders (checked; one named "local" in every
 * tenant). */

#include "kube/controller.h"
#include "kube/event.h"

struct operator_config {
	struct kube_client *client;
	struct logger *log;
	struct metrics *metrics;
	struct kube_recorder *recorder;
	/* All Infrastructures, when others of this process look at them too: not started yet, the operator does so; it is
	 * to be stopped after the operator. NULL: one of its own. */
	struct kube_informer *infrastructures;
	const char *data_dir;   /* git cache and scratch space */
	const char *rules_path; /* decision rules; NULL: the built-in ones */
	bool allow_local_repositories;
	bool make_local_providers; /* a CloudProvider "local" in default and in every namespace labelled scia.io/tenant */
	int64_t poll_ns;           /* how often a repository is asked for new commits; 0: 60 s */
	int workers;               /* 0: 4 */
};

struct operator_;

/* Starts informers and controllers of Deployments, CloudProviders and (with make_local_providers) Namespaces. */
int operator_start(const struct operator_config *config, struct operator_ **ret, struct err *err);
/* True when all informers have their first list. */
bool operator_is_ready(struct operator_ *o);
struct operator_ *operator_stop(struct operator_ *o);

#endif
