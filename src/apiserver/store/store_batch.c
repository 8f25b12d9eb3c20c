/* Waiting for writes: for one, or for several that are submitted together and share transactions. */
#include "base/thread.h"
#include "store_internal.h"

struct store_batch {
	struct store *store;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	size_t pending;
	struct err err; /* the first one */
};

struct store_batch *store_batch_new(struct store *s)
{
	struct store_batch *b = new0(struct store_batch);

	b->store = s;
	pthread_mutex_init(&b->lock, NULL);
	cond_init_mono(&b->cond);
	return b;
}

static void write_done(void *self, struct store_object *object _unused_, const struct err *err)
{
	struct store_batch *b = self;

	MUTEX_GUARD(&b->lock);
	if (err && !err_is_set(&b->err))
		err_copy(&b->err, err);
	if (--b->pending == 0)
		pthread_cond_signal(&b->cond);
}

void store_batch_add(struct store_batch *b, const struct store_write *write)
{
	struct store_write copy = *write;

	copy.done = write_done;
	copy.self = b;
	pthread_mutex_lock(&b->lock);
	b->pending++;
	pthread_mutex_unlock(&b->lock);
	store_submit(b->store, &copy);
}

int store_batch_finish(struct store_batch *b, struct err *err)
{
	int r = 0;

	pthread_mutex_lock(&b->lock);
	while (b->pending > 0)
		cond_wait_until(&b->cond, &b->lock, -1);
	pthread_mutex_unlock(&b->lock);
	if (err_is_set(&b->err)) {
		err_move(err, &b->err);
		r = -1;
	}
	pthread_mutex_destroy(&b->lock);
	pthread_cond_destroy(&b->cond);
	free(b);
	return r;
}

/* A submitted write whose outcome another thread waits for. */
struct waiting {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool done;
	struct store_object *object;
	struct err err;
	int (*guard)(void *self, struct store_view *view, struct err *err);
	void *guard_self;
};

static void waiting_done(void *self, struct store_object *object, const struct err *err)
{
	struct waiting *w = self;

	MUTEX_GUARD(&w->lock);
	if (err)
		err_copy(&w->err, err);
	else
		w->object = store_object_ref(object);
	w->done = true;
	pthread_cond_signal(&w->cond);
}

static int waiting_guard(void *self, struct store_view *view, struct err *err)
{
	struct waiting *w = self;

	return w->guard(w->guard_self, view, err);
}

int store_commit(struct store *s, const struct store_write *write, struct store_object **ret, struct err *err)
{
	struct waiting w = { .guard = write->guard, .guard_self = write->self };
	struct store_write copy = *write;

	pthread_mutex_init(&w.lock, NULL);
	cond_init_mono(&w.cond);
	copy.done = waiting_done;
	copy.guard = write->guard ? waiting_guard : NULL;
	copy.self = &w;
	store_submit(s, &copy);
	pthread_mutex_lock(&w.lock);
	while (!w.done)
		cond_wait_until(&w.cond, &w.lock, -1);
	pthread_mutex_unlock(&w.lock);
	pthread_mutex_destroy(&w.lock);
	pthread_cond_destroy(&w.cond);
	if (!w.object) {
		err_move(err, &w.err);
		return -1;
	}
	if (ret)
		*ret = w.object;
	else
		store_object_unref(w.object);
	return 0;
}
