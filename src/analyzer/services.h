#ifndef ANALYZER_SERVICES_H
#define ANALYZER_SERVICES_H
/* Which candidates are services, and which one the repository is for. */

#include "candidate.h"

#define SERVICES_MAX 30

struct services {
	struct candidate **v; /* the first is the main one; in the arena */
	size_t len;
};

/* Ranks the candidates (sorts a->candidates, best first) and picks at most one service a folder. An empty list when
 * there is no candidate. */
struct services services_pick(struct analysis *a);
/* Finds ports, variables, databases and health paths of the services; fills in what frameworks have by default. */
void services_complete(struct analysis *a, const struct services *s);

#endif
