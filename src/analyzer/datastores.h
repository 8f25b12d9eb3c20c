#ifndef ANALYZER_DATASTORES_H
#define ANALYZER_DATASTORES_H
/* Databases, queues and object stores that a candidate needs: by its dependencies, its settings, and the compose file.
 */

#include "candidate.h"

void datastores_find(struct analysis *a, struct candidate *c);

#endif
