#include "watch_convert.h"

#include "objects/object_convert.h"
#include "server.h"
#include "waiters.h"

#define QUEUE_MAX 20000 /* changes; who is further behind lists again */

struct watch_converter {
	struct watch_converter_config config;
	pthread_mutex_t lock;
	struct store_change *queue; /* with references */
	size_t len;
	bool running, failed;
	void (*done)(void *self); /* set: it ends */
};

struct watch_converter *watch_converter_new(const struct watch_converter_config *config)
{
	struct watch_converter *c = new0(struct watch_converter);

	c->config = *config;
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

static void changes_free(struct store_change *changes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		store_object_unref(changes[i].object);
		store_object_unref(changes[i].previous);
	}
	free(changes);
}

static void finish(struct watch_converter *c)
{
	void (*done)(void *self) = c->done;
	void *self = c->config.self;

	changes_free(c->queue, c->len);
	pthread_mutex_destroy(&c->lock);
	free(c);
	done(self);
}

static void fail(struct watch_converter *c, const struct err *err)
{
	pthread_mutex_lock(&c->lock);
	bool told = c->failed || c->done;
	c->failed = true;
	pthread_mutex_unlock(&c->lock);
	if (!told)
		c->config.fail(c->config.self, err);
}

/* All of them in as few calls as possible. */
static int convert(struct watch_converter *c, struct store_change *changes, size_t len, struct err *err)
{
	struct store_object **objects = xcalloc(len * 2, sizeof(*objects));
	const struct watch_converter_config *k = &c->config;

	for (size_t i = 0; i < len; i++) {
		objects[i * 2] = changes[i].object;
		objects[i * 2 + 1] = changes[i].previous;
	}
	int r = object_convert(k->server->store, k->type, k->version, objects, len * 2, err);
	for (size_t i = 0; i < len; i++) {
		changes[i].object = objects[i * 2];
		changes[i].previous = objects[i * 2 + 1];
	}
	free(objects);
	return r;
}

/* The next ones, or false: there are none, and the converter may be gone. */
static bool take(struct watch_converter *c, struct store_change **ret, size_t *ret_len)
{
	pthread_mutex_lock(&c->lock);
	bool more = c->len > 0 && !c->failed && !c->done;
	if (more) {
		*ret = TAKE_PTR(c->queue);
		*ret_len = c->len;
		c->len = 0;
	} else {
		c->running = false;
	}
	bool over = !more && c->done;
	pthread_mutex_unlock(&c->lock);
	if (over)
		finish(c);
	return more;
}

/* On a thread that may wait. */
static void drain(void *arg)
{
	struct watch_converter *c = arg;
	struct store_change *changes;
	size_t len;

	while (take(c, &changes, &len)) {
		_cleanup_err_ struct err err = { 0 };
		if (convert(c, changes, len, &err) < 0)
			fail(c, &err);
		else
			for (size_t i = 0; i < len; i++)
				c->config.deliver(c->config.self, &changes[i]);
		changes_free(changes, len);
	}
}

static void refuse(void *arg)
{
	struct watch_converter *c = arg;
	_cleanup_err_ struct err err = { 0 };

	err_set(&err, ERR_TIMEOUT, "too many requests are waiting for webhooks");
	fail(c, &err);
	drain(c); /* which finds that it failed */
}

static bool needs_conversion(const struct watch_converter *c, const struct store_change *change)
{
	return object_needs_conversion(c->config.type, c->config.version, change->object) ||
	       object_needs_conversion(c->config.type, c->config.version, change->previous);
}

/* 1: a thread has to be asked for; 0: nothing to do; -1: too much waits. */
static int push(struct watch_converter *c, const struct store_change *change)
{
	MUTEX_GUARD(&c->lock);
	if (c->failed)
		return 0;
	if (c->len >= QUEUE_MAX)
		return -1;
	if ((c->len & (c->len - 1)) == 0) /* doubles at powers of two */
		c->queue = xreallocarray(c->queue, c->len ? c->len * 2 : 1, sizeof(*c->queue));
	struct store_change *copy = &c->queue[c->len++];
	*copy = *change;
	store_object_ref(copy->object);
	if (copy->previous)
		store_object_ref(copy->previous);
	int start = !c->running;
	c->running = true;
	return start;
}

void watch_converter_add(struct watch_converter *c, const struct store_change *change)
{
	/* Only this thread starts it to run. */
	if (watch_converter_is_idle(c) && !needs_conversion(c, change)) {
		c->config.deliver(c->config.self, change);
		return;
	}
	int r = push(c, change);
	if (r > 0) {
		waiters_submit(c->config.server->waiters, &(struct waiter_job){ drain, refuse, c });
	} else if (r < 0) {
		_cleanup_err_ struct err err = { 0 };
		err_set(&err, ERR_EXPIRED, "too old resource version: the conversion webhook is too slow for this watch");
		fail(c, &err);
	}
}

bool watch_converter_is_idle(struct watch_converter *c)
{
	MUTEX_GUARD(&c->lock);
	return !c->running && c->len == 0 && !c->failed;
}

void watch_converter_end(struct watch_converter *c, void (*done)(void *self))
{
	pthread_mutex_lock(&c->lock);
	c->done = done;
	bool now = !c->running;
	pthread_mutex_unlock(&c->lock);
	if (now)
		finish(c);
}
