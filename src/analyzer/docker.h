#ifndef ANALYZER_DOCKER_H
#define ANALYZER_DOCKER_H
/* What a Dockerfile says about the program it packs. */

#include "candidate.h"

struct docker_info {
	const struct text *text; /* NULL: there is no Dockerfile */
	int port;                /* EXPOSE, else ENV PORT; 0: neither */
	size_t port_at;
	const char *command; /* ENTRYPOINT and CMD as one shell command line, for the folder itself; NULL: none usable */
	size_t command_at;
	const char *image; /* FROM of the last stage that is not another stage */
};

/* Of the folder (Dockerfile, Containerfile, docker/Dockerfile, …). */
struct docker_info docker_read(struct analysis *a, struct tree_dir *dir);
struct docker_info docker_parse(struct analysis *a, const struct text *t);

/* Is the port that a container has also the program's? Web servers in front of it, and what images of a language listen
 * on, are not. */
bool docker_port_counts(const struct candidate *c, int port);
/* Completes a candidate from the Dockerfile of its folder: port, start command, runtime version. */
void docker_apply(struct analysis *a, struct candidate *c);

#endif
