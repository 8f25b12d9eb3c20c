#ifndef ANALYZER_HEALTH_H
#define ANALYZER_HEALTH_H
/* A path that the code offers for health checks. */

#include "sources.h"

void health_find(struct analysis *a, struct candidate *c, const struct source_list *sources);

#endif
