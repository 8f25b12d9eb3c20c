#ifndef ANALYZER_COMPOSE_H
#define ANALYZER_COMPOSE_H
/* Compose files: which folders are services, which ports they have, and which databases run beside them. */

#include "candidate.h"

struct compose_service {
	const struct compose_service *next;
	const char *name, *image; /* image: NULL when it is built here */
	const struct text *text;
	size_t at;
	struct tree_dir *dir;   /* of the compose file */
	struct tree_dir *build; /* NULL when it is not built here */
	int port, published;    /* in the container, and outside; 0: none */
	const char *dockerfile; /* NULL: the usual one */
};

/* Reads every compose file of the tree that is not in a folder of examples. */
const struct compose_service *compose_read(struct analysis *a);
/* The service that is built from the folder, by its usual Dockerfile when there are several; NULL when none is. */
const struct compose_service *compose_for(const struct analysis *a, const struct tree_dir *dir);
/* Port (and, where nothing else says it, name) of the service that is built from the candidate's folder. */
void compose_apply(struct analysis *a, struct candidate *c);

#endif
