#ifndef ANALYZER_ENVVARS_H
#define ANALYZER_ENVVARS_H
/* The environment variables that a candidate's sources read. Values that look like secrets are never taken over. */

#include "sources.h"

void envvars_find(struct analysis *a, struct candidate *c, const struct source_list *sources);

#endif
