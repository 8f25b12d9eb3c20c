#ifndef APISERVER_WATCH_CONVERT_H
#define APISERVER_WATCH_CONVERT_H
/* Changes for a watch of a type with a conversion webhook. The store's committer must not wait for a webhook: what has
 * to be converted queues, and everything behind it, and is delivered in order by a thread that may wait. */

#include "store/store.h"
#include "types/registry.h"

struct apiserver;
struct watch_converter;

struct watch_converter_config {
	struct apiserver *server;
	const struct api_type *type; /* both outlive it */
	const struct api_version *version;
	/* A change in the watch's version, in order; on the committer's thread or one that may wait, never on two at once.
	 */
	void (*deliver)(void *self, const struct store_change *change);
	/* Nothing more will be delivered. */
	void (*fail)(void *self, const struct err *err);
	void *self;
};
struct watch_converter *watch_converter_new(const struct watch_converter_config *config);
/* Never blocks. */
void watch_converter_add(struct watch_converter *c, const struct store_change *change);
/* Whether all that was added has been delivered. */
bool watch_converter_is_idle(struct watch_converter *c);
/* No more is added. done() is called when nothing runs any more, here or later elsewhere; the converter is freed then.
 */
void watch_converter_end(struct watch_converter *c, void (*done)(void *self));

#endif
