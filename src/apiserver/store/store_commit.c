/* The committer: takes all writes that wait, decides each against the state the ones before it leave, writes them in
 * one transaction, and shows and acknowledges them once that is durable. */
#include "base/clock.h"
#include "base/fault.h"
#include "store_internal.h"
#include "store_keys.h"

#include <inttypes.h>

#define BATCH_MAX 1024
#define BATCH_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define IDLE_NS (2 * NS_PER_S)
/* Rows sealed anew at a time, between writes: some milliseconds. */
#define REENCRYPT_ROWS 256
#define REENCRYPT_RETRY_NS (60 * NS_PER_S)
#define COMPLAIN_NS (10 * NS_PER_S)

/* One write of the batch and what became of it. */
struct decided {
	struct store_queued *queued;
	struct store_object *object; /* the new state, or the deleted one; NULL: err */
	struct store_object *previous;
	enum store_change_type type;
	struct err err;
};

struct store_view {
	struct store *store;
	struct decided *list;
	size_t len;
	uint64_t version;
	struct map *latest; /* key → struct decided, the last of the batch for that key */
};

/* Watches may add resources meanwhile, hence the lock; what it returns stays. */
static struct store_resource *find_resource(struct store *s, const char *name)
{
	pthread_rwlock_rdlock(&s->lock);
	struct store_resource *r = store_resource_find(s, name);
	pthread_rwlock_unlock(&s->lock);
	return r;
}

static char *view_key(const char *resource, const char *ns, const char *name)
{
	return xasprintf("%s\n%s\n%s", resource, ns, name);
}

const struct store_object *store_view_get(struct store_view *view, const char *resource, const char *ns,
                                          const char *name)
{
	if (map_len(view->latest) > 0) {
		_cleanup_free_ char *key = view_key(resource, ns, name);
		const struct decided *d = map_get(view->latest, key);
		if (d)
			return d->type == STORE_DELETED ? NULL : d->object;
	}
	/* Only this thread changes the index, so it may read that without the lock. */
	struct store_resource *r = find_resource(view->store, resource);
	return r ? store_index_get(&r->index, ns, name) : NULL;
}

size_t store_view_count(struct store_view *view, const char *resource, const char *ns)
{
	struct store_resource *r = find_resource(view->store, resource);
	size_t count = r ? store_index_count(&r->index, ns) : 0;

	for (size_t i = 0; r && i < view->len; i++) {
		const struct decided *d = &view->list[i];
		/* Objects share their resource's name. */
		if (!d->object || d->object->resource != r->name || (*ns && strcmp(d->object->ns, ns) != 0))
			continue;
		count += d->type == STORE_ADDED;
		count -= d->type == STORE_DELETED;
	}
	return count;
}

static struct bytes *text_with_version(const char *text, size_t len, size_t offset, size_t skip, uint64_t version)
{
	char digits[24];
	size_t n = (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, version);
	struct bytes *b = bytes_new(NULL, len - skip + n);

	memcpy(b->data, text, offset);
	memcpy(b->data + offset, digits, n);
	memcpy(b->data + offset + n, text + offset + skip, len - offset - skip);
	b->data[b->len] = '\0';
	return b;
}

static const char *plural_of(const char *resource)
{
	const char *slash = strchr(resource, '/');

	return slash ? slash + 1 : resource;
}

/* Kubernetes' form "deployments.scia.io", without the dot for the core group. */
static void resource_words(const char *resource, char *ret, size_t size)
{
	const char *plural = plural_of(resource);
	int group = plural > resource ? (int)(plural - resource - 1) : 0;

	snprintf(ret, size, "%s%s%.*s", plural, group ? "." : "", group, resource);
}

static int check(struct store_view *view, const struct store_write *w, const struct store_object *current,
                 struct err *err)
{
	char words[256];

	resource_words(w->resource, words, sizeof(words));
	if (w->op == STORE_CREATE && current)
		return err_set(err, ERR_ALREADY_EXISTS, "%s \"%s\" already exists", words, w->name);
	if (w->op != STORE_CREATE && !current)
		return err_set(err, ERR_NOT_FOUND, "%s \"%s\" not found", words, w->name);
	if (w->op != STORE_CREATE && w->expected_version && w->expected_version != current->version)
		return err_set(err, ERR_CONFLICT,
		               "Operation cannot be fulfilled on %s \"%s\": the object has been modified; please apply your "
		               "changes to the "
		               "latest version and try again",
		               words, w->name);
	return w->guard ? w->guard(w->self, view, err) : 0;
}

static struct store_object *make_object(struct store_view *view, const struct store_write *w, struct store_resource *r,
                                        struct store_object *current, uint64_t version)
{
	struct store_cell *cell = current ? store_cell_of(current) : NULL;
	struct store_row row = {
		.id = cell ? cell->row_id : view->store->next_row_id++,
		.version = version,
		.ns = w->ns,
		.name = w->name,
		.uid = w->uid ? w->uid : "",
		.labels = w->labels,
		.fields = w->fields,
		.text_version_offset = w->text_version_offset,
	};
	struct bytes *text;

	if (w->op != STORE_DELETE) {
		text = text_with_version(w->text->data, w->text->len, w->text_version_offset, 0, version);
	} else {
		size_t digits = strspn(current->text->data + cell->text_version_offset, "0123456789");
		row.uid = current->uid;
		row.labels = current->labels;
		row.fields = current->fields;
		row.text_version_offset = cell->text_version_offset;
		text = text_with_version(current->text->data, current->text->len, cell->text_version_offset, digits, version);
	}
	return store_object_new(&row, r->name, text);
}

static int write_row(struct store *s, const struct decided *d, struct err *err)
{
	if (d->type == STORE_DELETED)
		return store_db_delete(s->db, store_cell_of(d->object)->row_id, err);
	const struct store_row row = store_object_row(d->object);
	return store_db_put(s->db, &row, err);
}

static struct store_resource *resource_for_write(struct store *s, const char *name)
{
	struct store_resource *r = find_resource(s, name);

	if (r)
		return r;
	pthread_rwlock_wrlock(&s->lock);
	r = store_resource_get(s, name);
	pthread_rwlock_unlock(&s->lock);
	return r;
}

/* Decides one write and puts it into the transaction. Negative only when the transaction is lost. */
static int decide(struct store_view *view, struct decided *d, struct err *err)
{
	const struct store_write *w = &d->queued->write;
	struct store_object *current = (struct store_object *)(uintptr_t)store_view_get(view, w->resource, w->ns, w->name);

	if (check(view, w, current, &d->err) < 0)
		return 0;
	d->type = w->op == STORE_CREATE ? STORE_ADDED : w->op == STORE_UPDATE ? STORE_MODIFIED : STORE_DELETED;
	d->object = make_object(view, w, resource_for_write(view->store, w->resource), current, view->version + 1);
	d->previous = current ? store_object_ref(current) : NULL;
	if (write_row(view->store, d, err) < 0)
		return -1;
	view->version++;
	_cleanup_free_ char *key = view_key(w->resource, w->ns, w->name);
	map_set(view->latest, key, d);
	return 0;
}

static int write_batch(struct store *s, struct store_view *view, size_t len, struct err *err)
{
	if (fault_point("store.commit.before-begin"))
		return err_set(err, ERR_INTERNAL, "store: fault before begin");
	if (store_db_begin(s->db, err) < 0)
		return -1;
	for (; view->len < len; view->len++)
		if (decide(view, &view->list[view->len], err) < 0)
			return -1;
	if (fault_point("store.commit.after-write"))
		return err_set(err, ERR_INTERNAL, "store: fault after write");
	if (view->version == s->version) { /* nothing was written */
		store_db_rollback(s->db);
		return 0;
	}
	return store_db_commit(s->db, view->version, err);
}

/* Makes the batch visible. The references of decided go into index and history; the caller keeps its own. */
static void show(struct store *s, struct decided *list, size_t len, uint64_t version)
{
	pthread_rwlock_wrlock(&s->lock);
	for (size_t i = 0; i < len; i++) {
		struct decided *d = &list[i];
		if (!d->object)
			continue;
		struct store_resource *r = store_resource_find(s, d->object->resource);
		if (d->type == STORE_DELETED)
			store_index_del(&r->index, d->object->ns, d->object->name);
		else
			store_index_put(&r->index, store_object_ref(d->object));
		store_history_append(&s->history, &(struct store_change){
											  .version = d->object->version,
											  .type = d->type,
											  .object = store_object_ref(d->object),
											  .previous = d->previous ? store_object_ref(d->previous) : NULL,
										  });
	}
	s->version = version;
	pthread_rwlock_unlock(&s->lock);
}

static void acknowledge(struct store *s, struct decided *d)
{
	struct store_queued *q = d->queued;

	if (d->object) {
		const struct store_change change = {
			.version = d->object->version, .type = d->type, .object = d->object, .previous = d->previous
		};
		store_watch_dispatch(s, &change, find_resource(s, d->object->resource));
		metric_add(s->writes, 1, NULL);
	}
	if (q->write.done)
		q->write.done(q->write.self, d->object, err_is_set(&d->err) ? &d->err : NULL);
}

static void queued_free(struct store_queued *q)
{
	free((char *)(uintptr_t)q->write.resource);
	free((char *)(uintptr_t)q->write.ns);
	free((char *)(uintptr_t)q->write.name);
	bytes_unref(q->write.text);
	free(q->write.labels);
	free(q->write.fields);
	free(q->write.uid);
	free(q);
}

static void fail_all(struct decided *list, size_t len, const struct err *err)
{
	for (size_t i = 0; i < len; i++) {
		struct decided *d = &list[i];
		d->object = store_object_unref(d->object);
		d->previous = store_object_unref(d->previous);
		if (!err_is_set(&d->err))
			err_copy(&d->err, err);
	}
}

/* Under load on a full disk, each group fails: said once, then now and then. */
static void complain(struct store *s, size_t len, const struct err *err)
{
	int64_t now = clock_mono_ns();

	s->failing += len;
	metric_add(s->failed_writes, (double)len, NULL);
	if (s->failing > len && now - s->complained_ns < COMPLAIN_NS)
		return;
	s->complained_ns = now;
	log_error(s->log, "%zu writes failed: %s", s->failing, err_message(err));
}

static void note_success(struct store *s)
{
	if (s->failing > 0)
		log_info(s->log, "writes work again, after %zu that failed", s->failing);
	s->failing = 0;
}

static void commit_batch(struct store *s, struct store_queued *batch, size_t len)
{
	struct decided *list = xcalloc(len, sizeof(*list));
	_cleanup_(map_freep) struct map *latest = map_new(NULL);
	struct store_view view = { .store = s, .list = list, .version = s->version, .latest = latest };
	_cleanup_err_ struct err err = { 0 };
	int64_t start = clock_mono_ns();

	for (size_t i = 0; i < len; i++, batch = batch->next)
		list[i].queued = batch;
	if (write_batch(s, &view, len, &err) < 0) {
		store_db_rollback(s->db);
		complain(s, len, &err);
		fail_all(list, len, &err);
		/* The log's space can be used again once it is moved into the file. */
		if (err.kind == ERR_INSUFFICIENT_STORAGE)
			store_db_checkpoint(s->db);
	} else {
		(void)fault_point("store.commit.after-fsync");
		note_success(s);
		show(s, list, len, view.version);
	}
	metric_add(s->commits, 1, NULL);
	metric_observe(s->commit_seconds, (double)(clock_mono_ns() - start) / (double)NS_PER_S, NULL);
	for (size_t i = 0; i < len; i++) {
		acknowledge(s, &list[i]);
		store_object_unref(list[i].object);
		store_object_unref(list[i].previous);
		err_clear(&list[i].err);
		queued_free(list[i].queued);
	}
	free(list);
}

/* Waits for writes (without: when something else is to be done) and takes up to BATCH_MAX of them. NULL: none came
 * (ret_len 0), or stopping with nothing left. */
static struct store_queued *take_batch(struct store *s, bool wait, size_t *ret_len, bool *ret_stop)
{
	size_t len = 0, bytes = 0;

	MUTEX_GUARD(&s->queue_lock);
	if (wait && !s->queue && !s->stopping && !s->reseal)
		cond_wait_until(&s->queue_cond, &s->queue_lock, clock_mono_ns() + IDLE_NS);
	struct store_queued *first = s->queue, **end = &s->queue;
	while (*end && len < BATCH_MAX && bytes < BATCH_BYTES_MAX) {
		bytes += (*end)->write.text ? (*end)->write.text->len : 0;
		end = &(*end)->next;
		len++;
	}
	if (len > 0) {
		s->queue = *end;
		*end = NULL;
		if (!s->queue)
			s->queue_tail = &s->queue;
	}
	*ret_len = len;
	*ret_stop = s->stopping && len == 0;
	return len > 0 ? first : NULL;
}

static void age_history(struct store *s)
{
	int64_t now = clock_mono_ns();

	/* Read without the lock: only this thread writes it. */
	if (now < s->history.next_tick_ns)
		return;
	pthread_rwlock_wrlock(&s->lock);
	store_history_age(&s->history, s->version, now);
	pthread_rwlock_unlock(&s->lock);
}

static bool reencrypt_is_due(const struct store *s)
{
	return s->reencrypting && clock_mono_ns() >= s->reencrypt_ns;
}

/* Some rows at a time, so that writes do not wait. */
static void reencrypt_some(struct store *s)
{
	_cleanup_err_ struct err err = { 0 };
	int more = store_db_reencrypt(s->db, REENCRYPT_ROWS, &err);

	if (more > 0)
		return;
	if (more < 0) {
		log_error(s->log, "objects are still encrypted with an earlier key, or not at all: %s", err_message(&err));
		s->reencrypt_ns = clock_mono_ns() + REENCRYPT_RETRY_NS;
		return;
	}
	log_info(s->log, "all objects are encrypted as configured");
	s->reencrypting = false;
	store_keys_settle(s->keys, s->keys_generation);
	/* The log still has what was replaced. */
	store_db_checkpoint(s->db);
	MUTEX_GUARD(&s->queue_lock);
	if (!s->reseal)
		atomic_store(&s->stale, 0);
}

static void begin_reseal(struct store *s)
{
	pthread_mutex_lock(&s->queue_lock);
	bool wanted = s->reseal;
	s->reseal = false;
	pthread_mutex_unlock(&s->queue_lock);
	if (!wanted)
		return;
	s->reencrypting = true;
	s->reencrypt_ns = 0;
	s->keys_generation = store_keys_generation(s->keys);
	store_db_reencrypt_again(s->db);
}

void *store_committer_main(void *arg)
{
	struct store *s = arg;

	s->reencrypting = store_db_stale(s->db) > 0;
	for (;;) {
		size_t len;
		bool stop;
		struct store_queued *batch = take_batch(s, !reencrypt_is_due(s), &len, &stop);
		if (stop)
			break;
		if (len > 0)
			commit_batch(s, batch, len);
		begin_reseal(s);
		if (reencrypt_is_due(s))
			reencrypt_some(s);
		age_history(s);
		store_db_tick(s->db, len == 0);
	}
	store_db_checkpoint(s->db);
	return NULL;
}

void store_submit(struct store *s, const struct store_write *write)
{
	struct store_queued *q = new0(struct store_queued);

	q->write = *write;
	q->write.resource = xstrdup(write->resource);
	q->write.ns = xstrdup(write->ns);
	q->write.name = xstrdup(write->name);
	pthread_mutex_lock(&s->queue_lock);
	*s->queue_tail = q;
	s->queue_tail = &q->next;
	pthread_cond_signal(&s->queue_cond);
	pthread_mutex_unlock(&s->queue_lock);
}
