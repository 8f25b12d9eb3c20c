#ifndef APISERVER_STORE_H
#define APISERVER_STORE_H
/* The durable store: objects as JSON text by (resource, namespace, name), one sequence of resource versions, history
 * for watches.
 *
 * Reads come from memory and see the latest durable state. Writes are conditions plus a new text; a committer thread
 * takes all that wait, writes them in one SQLite transaction (WAL, synchronous=FULL), and only then shows and
 * acknowledges them (group commit). What was acknowledged survives kill -9 and power loss; what was not acknowledged
 * is either wholly there or not at all. */

#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "base/metrics.h"

struct store;
struct store_watch;

/* One stored object; immutable, reference-counted. All references must be given back before the store is closed. */
struct store_object {
	atomic_size_t refs;
	uint64_t version;           /* resource version of its last change */
	struct bytes *text;         /* compact JSON, with metadata.resourceVersion in it */
	char *labels;               /* "k\0v\0…\0" for selectors, NULL when none */
	char *fields;               /* selectable fields, same form: metadata.name, metadata.namespace and the type's own */
	char *resource, *ns, *name; /* resource: "group/plural" ("/secrets"); ns "" for cluster scope */
	char *uid;
};
struct store_object *store_object_ref(struct store_object *o);
struct store_object *store_object_unref(struct store_object *o);
DEFINE_CLEANUP(struct store_object *, store_object_unref)
/* The same object with another text (stolen), for who shows it in another form; it is in no store. A reference. */
struct store_object *store_object_with_text(const struct store_object *o, struct bytes *text);
/* Value of a label / selectable field or NULL. */
const char *store_object_label(const struct store_object *o, const char *name);
const char *store_object_field(const struct store_object *o, const char *name);

struct store_keys;

struct store_config {
	const char *path;              /* of the database file; its lock file lies beside it */
	const struct store_keys *keys; /* store_keys.h; must outlive the store; NULL: nothing is encrypted */
	size_t history_max;            /* changes */
	size_t history_bytes_max;
	int64_t history_age_max_ns; /* how long a change is kept at most, in steps of a tenth; 0: 10 minutes */
	/* Called by store_open() once the store is this process' own, before its rows are read: what else belongs to it may
	 * be touched from then on. NULL: nothing. */
	void (*on_owned)(void *self);
	void *self;
	struct logger *log;
	struct metrics *metrics;
};

/* ERR_ALREADY_EXISTS when another process holds it; ERR_INTERNAL names damage, or the key that is missing. Objects that
 * are sealed with another key than the configuration's first are sealed anew, a few at a time, while the store works.
 */
int store_open(const struct store_config *config, struct store **ret, struct err *err);
struct store *store_close(struct store *s);
/* 0, or ERR_UNAVAILABLE when the disk failed in a way after which nothing is written any more. Any thread. */
int store_check(struct store *s, struct err *err);
/* Objects that still wait to be sealed with today's key (after store_reseal(): not 0 while there may be any). */
size_t store_stale(struct store *s);
/* The keys were replaced (store_keys_replace()): what is sealed otherwise is sealed anew, a few at a time. Any thread.
 */
void store_reseal(struct store *s);

/* NULL when absent; else a reference. */
struct store_object *store_get(struct store *s, const char *resource, const char *ns, const char *name);

struct store_list {
	struct store_object **items; /* a reference each */
	size_t len;
	uint64_t version; /* the store's version when the list was taken */
	bool more;        /* the limit ended it */
	size_t remaining; /* after the limit, when known without a selector */
};
/* Ordered by namespace and name. ns "" lists all namespaces. after_*: continue behind that key (NULL: from the start).
 * at_version 0: now; else the snapshot at that version when history still has it, ERR_EXPIRED when not. select (may be
 * NULL) filters. limit 0: all. */
struct store_list_query {
	const char *resource, *ns, *after_ns, *after_name;
	uint64_t at_version;
	size_t limit;
	bool (*select)(const void *self, const struct store_object *o);
	const void *self;
};
int store_list(struct store *s, const struct store_list_query *query, struct store_list *ret, struct err *err);
void store_list_clear(struct store_list *list);
uint64_t store_version(struct store *s);
/* Number of objects of a resource ("" namespace: all). */
size_t store_count(struct store *s, const char *resource, const char *ns);

/* Calls each() with every resource that has or had objects. */
void store_each_resource(struct store *s, void (*each)(void *self, const char *resource, size_t count), void *self);

/* What a write's guard may look at: the latest state including the writes before it in the same group. Borrowed. */
struct store_view;
const struct store_object *store_view_get(struct store_view *view, const char *resource, const char *ns,
                                          const char *name);
/* Objects of a resource as of this view ("" namespace: all). */
size_t store_view_count(struct store_view *view, const char *resource, const char *ns);

/* A write waits for the committer; done() is called from the committer's thread, after the fsync: with the new object
 * (a borrowed reference; for deletes the last state with the deletion's version), or with an error. It must not block.
 */
struct store_write {
	const char *resource, *ns, *name;
	enum { STORE_CREATE, STORE_UPDATE, STORE_DELETE } op;
	/* UPDATE, DELETE: only if the object's version is this one (ERR_CONFLICT); 0: whatever it is. */
	uint64_t expected_version;
	/* CREATE, UPDATE: the text, in which the marker "resourceVersion":"" within metadata is replaced by the new version
	 * (its offset is text_version_offset, just behind the opening quote). Everything else is final. The names are
	 * copied; text, labels, fields and uid are taken over. */
	struct bytes *text;
	size_t text_version_offset;
	char *labels, *fields, *uid;
	void (*done)(void *self, struct store_object *object, const struct err *err);
	/* May be NULL. Called by the committer just before the write, to check what must hold at that very moment (a
	 * namespace that is not being deleted, a quota); negative refuses the write with err. It must not block. */
	int (*guard)(void *self, struct store_view *view, struct err *err);
	void *self;
};
void store_submit(struct store *s, const struct store_write *write);
/* The same, waiting for it (write->done is not used; self is the guard's). *ret is a reference; ret may be NULL. Not to
 * be called from done(), on_change() or event threads. */
int store_commit(struct store *s, const struct store_write *write, struct store_object **ret, struct err *err);

/* Several writes waited for together (their done and guard are not used); they share transactions, and one may fail
 * while others do not. finish() frees the batch and tells the first error. */
struct store_batch *store_batch_new(struct store *s);
void store_batch_add(struct store_batch *b, const struct store_write *write);
int store_batch_finish(struct store_batch *b, struct err *err);

enum store_change_type { STORE_ADDED, STORE_MODIFIED, STORE_DELETED };
struct store_change {
	uint64_t version;
	enum store_change_type type;
	struct store_object *object;   /* DELETED: the last state, its text carries the deletion's version */
	struct store_object *previous; /* MODIFIED, DELETED */
};
/* All changes of a resource (NULL: of all; and of a namespace, unless "") behind `from`, first those of history, then
 * as they are committed, in order, without gap or repetition; called from the committer's thread (the first ones from
 * the caller's): must not block. ERR_EXPIRED when history no longer reaches back to `from`; ERR_TIMEOUT ("Too large
 * resource version") when `from` lies in the future. */
int store_watch(struct store *s, const char *resource, const char *ns, uint64_t from,
                void (*on_change)(void *self, const struct store_change *change), void *self, struct store_watch **ret,
                struct err *err);
/* Calls f with a version up to which on_change has been told everything, while on_change does not run. Does nothing
 * when the first changes are still being delivered. */
void store_watch_progress(struct store_watch *w, void (*f)(void *self, uint64_t version), void *self);
/* After it returns, on_change is not running and will not be called. Not to be called from on_change or done. */
void store_unwatch(struct store_watch *w);

#endif
