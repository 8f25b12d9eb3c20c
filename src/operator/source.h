#ifndef OPERATOR_SOURCE_H
#define OPERATOR_SOURCE_H
/* Repositories as the operator sees them: which commit a ref names, and what is in it. Answers are remembered, so that
 * a thousand Deployments of one repository cost one fetch; an answer is only given to those who use the same
 * credentials. */

#include "kube/client.h"

#include <stdatomic.h>

struct source_cache;

struct source_cache_config {
	struct kube_client *client; /* for Secrets */
	const char *data_dir;       /* git cache and scratch space below it */
	bool allow_local;
	int64_t poll_ns; /* how long the commit of a ref is believed */
};

/* Removes scratch space of an earlier process. */
int source_cache_new(const struct source_cache_config *config, struct source_cache **ret, struct err *err);
struct source_cache *source_cache_free(struct source_cache *c);

/* The commit that spec.repository names. since_ns (monotonic): one that it named then or later; 0: as the last poll
 * found it will do. */
int source_resolve(struct source_cache *c, const char *ns, const json_t *repository, int64_t since_ns,
                   const atomic_bool *cancel, char ret_commit[static 41], struct err *err);
/* The analysis of that commit, if it can be had without any work or waiting; NULL: ask source_analyze(). */
json_t *source_known_analysis(struct source_cache *c, const json_t *repository, const char *commit);
/* The analysis of that commit (analyzer.h's form); a new reference. */
int source_analyze(struct source_cache *c, const char *ns, const json_t *repository, const char *commit,
                   const atomic_bool *cancel, json_t **ret, struct err *err);

#endif
