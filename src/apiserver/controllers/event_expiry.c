#include "base/clock.h"
#include "base/str.h"
#include "controllers.h"
#include "rest/deletion.h"
#include "loop.h"
#include "server.h"

#define TICKS 60

struct event_expiry {
	struct apiserver *server;
	struct api_type *type;
	struct loop *loop;
	int64_t tick_ns;
	/* The store's version at the last ticks, oldest first: what is not newer than the first has not changed for an
	 * hour. */
	uint64_t versions[TICKS];
};

static bool is_old(const void *self, const struct store_object *o)
{
	return o->version <= *(const uint64_t *)self;
}

static int reconcile(void *self, const char *key _unused_, int64_t *ret_after_ns, struct err *err)
{
	struct event_expiry *e = self;
	uint64_t old = e->versions[0];
	const struct store_list_query query = { .resource = e->type->resource, .ns = "", .select = is_old, .self = &old };
	struct store_list list;

	*ret_after_ns = e->tick_ns;
	memmove(e->versions, e->versions + 1, (TICKS - 1) * sizeof(e->versions[0]));
	e->versions[TICKS - 1] = store_version(e->server->store);
	if (old == 0)
		return 0;
	if (store_list(e->server->store, &query, &list, err) < 0)
		return -1;
	int r = deletion_run_all(e->server, e->type, &list, PROPAGATION_BACKGROUND, err);
	store_list_clear(&list);
	return r;
}

int event_expiry_start(struct apiserver *s, int64_t tick_ns, struct event_expiry **ret, struct err *err)
{
	struct event_expiry *e = new0(struct event_expiry);

	*ret = e;
	e->server = s;
	e->tick_ns = tick_ns;
	e->type = registry_find(s->registry, "", "v1", "events");
	if (loop_start("api-events", reconcile, e, s->log, &e->loop, err) < 0)
		return -1;
	loop_add(e->loop, "tick");
	return 0;
}

struct event_expiry *event_expiry_stop(struct event_expiry *e)
{
	if (!e)
		return NULL;
	loop_stop(e->loop);
	api_type_unref(e->type);
	free(e);
	return NULL;
}
