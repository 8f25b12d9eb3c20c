#ifndef APISERVER_WATCH_H
#define APISERVER_WATCH_H
/* The watches of all clients: their ends, their bookmarks, and events encoded once for all that want the same bytes. */

#include "base/err.h"

struct apiserver;
struct watch_hub;

int watch_hub_start(struct apiserver *s, struct watch_hub **ret, struct err *err);
/* After the HTTP server ended its streams. Returns NULL. */
struct watch_hub *watch_hub_stop(struct watch_hub *hub);

#endif
