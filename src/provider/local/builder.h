#ifndef LOCAL_BUILDER_H
#define LOCAL_BUILDER_H
/* Builds of releases wait in a queue and are run by a few threads. */

#include "release.h"

struct builder;

struct builder_config {
	struct release_config release;
	int threads;
	/* Called from a builder's thread, once for each job, a cancelled one too. */
	void (*done)(void *self, const struct release_job *job, const struct release_result *result);
	void *self;
};

struct builder *builder_new(const struct builder_config *config, struct err *err);
/* Ends what is under way, drops what waits. Returns NULL. */
struct builder *builder_free(struct builder *b);
/* Takes the job over. */
void builder_submit(struct builder *b, struct release_job *job);
/* Ends the builds of an application, those under way and those that wait; each is still told to done(), soon. */
void builder_cancel(struct builder *b, const char *key);

#endif
