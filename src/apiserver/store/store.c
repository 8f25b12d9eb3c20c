#include "store.h"

#include "base/str.h"
#include "store_internal.h"

struct store_object *store_object_ref(struct store_object *o)
{
	atomic_fetch_add_explicit(&o->refs, 1, memory_order_relaxed);
	return o;
}

struct store_object *store_object_unref(struct store_object *o)
{
	if (o && atomic_fetch_sub_explicit(&o->refs, 1, memory_order_acq_rel) == 1) {
		bytes_unref(o->text);
		free(o);
	}
	return NULL;
}

struct store_cell *store_cell_of(struct store_object *o)
{
	return (struct store_cell *)o;
}

struct store_row store_object_row(struct store_object *o)
{
	const struct store_cell *cell = store_cell_of(o);

	return (struct store_row){
		.id = cell->row_id,
		.version = o->version,
		.resource = o->resource,
		.ns = o->ns,
		.name = o->name,
		.uid = o->uid,
		.labels = o->labels,
		.fields = o->fields,
		.text = o->text->data,
		.text_len = o->text->len,
		.text_version_offset = cell->text_version_offset,
	};
}

static char *place(char **at, const char *data, size_t size)
{
	char *here = *at;

	if (size == 0)
		return NULL;
	memcpy(here, data, size);
	*at += size;
	return here;
}

struct store_object *store_object_new(const struct store_row *row, const char *resource, struct bytes *text)
{
	size_t ns = strlen(row->ns) + 1, name = strlen(row->name) + 1, uid = strlen(row->uid) + 1;
	size_t labels = store_pairs_size(row->labels), fields = store_pairs_size(row->fields);
	/* One block for the object and its strings: there are many. */
	struct store_cell *cell = xmalloc(sizeof(*cell) + ns + name + uid + labels + fields);
	char *at = (char *)(cell + 1);

	atomic_init(&cell->object.refs, 1);
	cell->object.version = row->version;
	cell->object.text = text;
	cell->object.labels = place(&at, row->labels, labels);
	cell->object.fields = place(&at, row->fields, fields);
	cell->object.resource = (char *)(uintptr_t)resource;
	cell->object.ns = place(&at, row->ns, ns);
	cell->object.name = place(&at, row->name, name);
	cell->object.uid = place(&at, row->uid, uid);
	cell->row_id = row->id;
	cell->text_version_offset = row->text_version_offset;
	return &cell->object;
}

struct store_object *store_object_with_text(const struct store_object *o, struct bytes *text)
{
	const struct store_row row = {
		.version = o->version, .ns = o->ns, .name = o->name, .uid = o->uid, .labels = o->labels, .fields = o->fields
	};

	return store_object_new(&row, o->resource, text);
}

const char *store_object_label(const struct store_object *o, const char *name)
{
	return store_pairs_get(o->labels, name);
}

const char *store_object_field(const struct store_object *o, const char *name)
{
	return store_pairs_get(o->fields, name);
}

struct store_resource *store_resource_find(struct store *s, const char *name)
{
	return map_get(s->resources, name);
}

struct store_resource *store_resource_get(struct store *s, const char *name)
{
	struct store_resource *r = map_get(s->resources, name);

	if (!r) {
		r = new0(struct store_resource);
		r->name = xstrdup(name);
		map_set(s->resources, name, r);
	}
	return r;
}

static void resource_free(void *p)
{
	struct store_resource *r = p;

	store_index_clear(&r->index);
	free(r->name);
	free(r);
}

struct loading {
	struct store *store;
	struct store_resource *last; /* of the row before, which is mostly that of the next one too */
};

static int load_row(void *self, const struct store_row *row, struct err *err)
{
	struct loading *l = self;
	struct store *s = l->store;
	struct store_resource *r = l->last;

	if (!r || strcmp(r->name, row->resource) != 0)
		r = l->last = store_resource_get(s, row->resource);
	if (store_index_put(&r->index, store_object_new(row, r->name, bytes_new(row->text, row->text_len))))
		return err_set(err, ERR_INTERNAL, "the store is damaged: %s %s/%s is there twice; restore a backup",
		               row->resource, row->ns, row->name);
	if (row->id >= s->next_row_id)
		s->next_row_id = row->id + 1;
	return 0;
}

static void add_metrics(struct store *s, struct metrics *m)
{
	if (!m)
		return;
	s->commits = metrics_counter(m, "scia_store_commits_total", "Transactions of the store.", "");
	s->writes = metrics_counter(m, "scia_store_writes_total", "Objects written or deleted.", "");
	s->commit_seconds = metrics_histogram(m, "scia_store_commit_duration_seconds",
	                                      "Duration of a transaction with its fsync.", "", NULL, 0);
	s->failed_writes = metrics_counter(m, "scia_store_failed_writes_total",
	                                   "Writes that the disk did not take: no space, or an error.", "");
	s->objects = metrics_gauge(m, "apiserver_storage_objects", "Number of stored objects.", "resource");
}

int store_open(const struct store_config *config, struct store **ret, struct err *err)
{
	struct store *s = new0(struct store);

	s->log = config->log;
	s->keys = config->keys;
	s->next_row_id = 1;
	s->resources = map_new(resource_free);
	s->queue_tail = &s->queue;
	pthread_rwlockattr_t attr;
	pthread_rwlockattr_init(&attr);
	/* Readers come without end; the committer must not starve behind them. */
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&s->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	pthread_mutex_init(&s->watch_lock, NULL);
	pthread_mutex_init(&s->queue_lock, NULL);
	cond_init_mono(&s->queue_cond);
	add_metrics(s, config->metrics);

	if (store_db_open(config->path, config->keys, config->log, &s->db, err) < 0) {
		store_close(s);
		return -1;
	}
	if (config->on_owned)
		config->on_owned(config->self);
	struct loading loading = { .store = s };
	if (store_db_load(s->db, load_row, &loading, err) < 0) {
		store_close(s);
		return -1;
	}
	s->version = s->dispatched = store_db_version(s->db);
	atomic_store(&s->stale, store_db_stale(s->db));
	store_history_init(&s->history, config, s->version);
	if (thread_start(&s->committer, "store-commit", store_committer_main, s, err) < 0) {
		store_close(s);
		return -1;
	}
	s->committer_runs = true;
	*ret = s;
	return 0;
}

struct store *store_close(struct store *s)
{
	if (!s)
		return NULL;
	if (s->committer_runs) {
		pthread_mutex_lock(&s->queue_lock);
		s->stopping = true;
		pthread_cond_signal(&s->queue_cond);
		pthread_mutex_unlock(&s->queue_lock);
		pthread_join(s->committer, NULL);
	}
	if (s->history.ring)
		store_history_done(&s->history);
	map_free(s->resources);
	store_db_close(s->db);
	pthread_rwlock_destroy(&s->lock);
	pthread_mutex_destroy(&s->watch_lock);
	pthread_mutex_destroy(&s->queue_lock);
	pthread_cond_destroy(&s->queue_cond);
	free(s);
	return NULL;
}

int store_check(struct store *s, struct err *err)
{
	if (!store_db_is_failed(s->db))
		return 0;
	return err_set(err, ERR_UNAVAILABLE, "the disk failed to make a write durable; nothing is written until a restart");
}

size_t store_stale(struct store *s)
{
	return atomic_load(&s->stale);
}

void store_reseal(struct store *s)
{
	atomic_store(&s->stale, 1);
	MUTEX_GUARD(&s->queue_lock);
	s->reseal = true;
	pthread_cond_signal(&s->queue_cond);
}

struct store_object *store_get(struct store *s, const char *resource, const char *ns, const char *name)
{
	struct store_object *o = NULL;

	pthread_rwlock_rdlock(&s->lock);
	struct store_resource *r = store_resource_find(s, resource);
	if (r)
		o = store_index_get(&r->index, ns, name);
	if (o)
		store_object_ref(o);
	pthread_rwlock_unlock(&s->lock);
	return o;
}

uint64_t store_version(struct store *s)
{
	pthread_rwlock_rdlock(&s->lock);
	uint64_t version = s->version;
	pthread_rwlock_unlock(&s->lock);
	return version;
}

size_t store_count(struct store *s, const char *resource, const char *ns)
{
	pthread_rwlock_rdlock(&s->lock);
	struct store_resource *r = store_resource_find(s, resource);
	size_t count = r ? store_index_count(&r->index, ns) : 0;
	pthread_rwlock_unlock(&s->lock);
	return count;
}

void store_each_resource(struct store *s, void (*each)(void *self, const char *resource, size_t count), void *self)
{
	_cleanup_strv_ char **names = NULL;
	const char *name;
	size_t iter = 0;

	pthread_rwlock_rdlock(&s->lock);
	while (map_next(s->resources, &iter, &name, NULL))
		strv_push(&names, name);
	pthread_rwlock_unlock(&s->lock);
	for (size_t i = 0; names && names[i]; i++)
		each(self, names[i], store_count(s, names[i], ""));
}
