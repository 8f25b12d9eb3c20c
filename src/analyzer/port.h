#ifndef ANALYZER_PORT_H
#define ANALYZER_PORT_H
/* Where does a candidate listen? */

#include "sources.h"

struct port_pattern {
	unsigned languages; /* of sources.h */
	int strength;  /* of what a match says: 3 the program's own default of PORT, 2 what it listens on, 1 a variable's
	                  name */
	bool from_env; /* a match means that the program reads PORT */
	const char *regex; /* group 1: the port; without one a match says only that PORT is read */
};

extern const struct port_pattern port_patterns[];
extern const size_t port_patterns_len;

/* Sets port and port_from_env from the start command, the sources, configuration files and .env files. */
void port_find(struct analysis *a, struct candidate *c, const struct source_list *sources);

#endif
