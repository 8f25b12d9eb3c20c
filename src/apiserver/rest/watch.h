#ifndef APISERVER_WATCH_H
#define APISERVER_WATCH_H
/* The watches of all clients: their ends, their bookmarks, and events encoded once for all that want the same bytes. */

#include "base/err.h"

struct apiserver;
struct watch_hub;

int watch_hub_start(struct apiserver *s, struct watch_hub **ret, struct err *err);
/* Begins the end of the watches of a resource ("group/plural") that is served no more. */
void watch_hub_end_resource(struct watch_hub *hub, const char *resource);
/* Begins the end of all watches, and of those that still come; workers finish it. */
void watch_hub_end(struct watch_hub *hub);
/* When there are no requests and no workers any more. Returns NULL. */
struct watch_hub *watch_hub_free(struct watch_hub *hub);

#endif
