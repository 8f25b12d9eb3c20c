#include "openapi_pieces.h"

#include "openapi_entries.h"

#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"

#include <unistd.h>

#define CREW_MAX 3 /* beside the thread that asks */
#define JOBS_A_THREAD 32

/* ---- a document being put together ---- */

struct maker {
	struct openapi_pieces *pieces;
	struct openapi_writer writer;
	struct openapi_entries **list;
	size_t len;
	struct map *names; /* of all schemas so far */
	bool failed;
};

/* Takes e. NULL: they are too long. */
static void add_entries(struct maker *m, struct openapi_entries *e)
{
	if (!e) {
		m->failed = true;
		return;
	}
	for (size_t i = 0; e->names && e->names[i]; i++)
		map_set(m->names, e->names[i], m);
	m->list = xreallocarray(m->list, m->len + 1, sizeof(struct openapi_entries *));
	m->list[m->len++] = e;
}

/* One kind can be called as the list of another. */
static bool is_named_already(const struct maker *m, const struct openapi_entries *e)
{
	for (size_t i = 0; e->names && e->names[i]; i++)
		if (map_has(m->names, e->names[i]))
			return true;
	return false;
}

/* Kept, or made now and kept; NULL when they are too long. */
static struct openapi_entries *entries_of_type(struct maker *m, struct api_type *t, const struct api_version *v)
{
	_cleanup_free_ char *key = xasprintf("%s/%s/%s", m->writer.form->name, v->name, t->resource);
	struct openapi_entries *e = openapi_pieces_find(m->pieces, key, t);

	if (e)
		return e;
	e = openapi_entries_of_type(&m->writer, t, v, NULL);
	if (e)
		openapi_pieces_keep(m->pieces, key, e);
	return e;
}

static void add_type(struct maker *m, struct api_type *t, const struct api_version *v)
{
	struct openapi_entries *e = entries_of_type(m, t, v);

	if (e && is_named_already(m, e)) {
		openapi_entries_unref(e);
		e = openapi_entries_of_type(&m->writer, t, v, m->names);
	}
	add_entries(m, e);
}

static bool is_wanted(const struct api_type *t, const struct api_version *v, const char *group, const char *version)
{
	return v->served && (!group || (strcmp(t->group, group) == 0 && strcmp(v->name, version) == 0));
}

static size_t count_builtin(struct api_type **types, const char *group, const char *version)
{
	size_t count = 0;

	for (size_t i = 0; types[i]; i++)
		for (size_t k = 0; !types[i]->custom && k < types[i]->versions_len; k++)
			count += is_wanted(types[i], &types[i]->versions[k], group, version);
	return count;
}

static struct openapi_entries *make_of_builtin(struct maker *m, struct api_type **types, const char *group,
                                               const char *version)
{
	json_t *paths = json_object(), *schemas = json_object();

	openapi_add_meta_schemas(schemas, m->writer.form->version);
	for (size_t i = 0; types[i]; i++)
		for (size_t k = 0; !types[i]->custom && k < types[i]->versions_len; k++) {
			if (!is_wanted(types[i], &types[i]->versions[k], group, version))
				continue;
			openapi_add_paths(paths, m->writer.form->version, types[i], &types[i]->versions[k]);
			openapi_add_schemas(schemas, m->writer.form->version, types[i], &types[i]->versions[k]);
		}
	return openapi_entries_new(&m->writer, paths, schemas, NULL);
}

/* Built-in kinds refer to types that they have in common, so they are one piece. */
static void add_builtin(struct maker *m, struct api_type **types, const char *group, const char *version)
{
	bool any = count_builtin(types, group, version) > 0;
	/* What groups of custom resources alone need is the same for all of them. */
	_cleanup_free_ char *key = xasprintf("%s/%s/%s", m->writer.form->name, any && version ? version : "",
	                                     any && group ? group : "-");
	struct openapi_entries *e = openapi_pieces_find(m->pieces, key, NULL);

	if (!e) {
		e = make_of_builtin(m, types, group, version);
		if (e)
			openapi_pieces_keep(m->pieces, key, e);
	}
	add_entries(m, e);
}

/* ---- many at once ---- */

struct job {
	struct api_type *type;
	const struct api_version *version;
};

/* Threads that make what a document lacks: of the first one after a start, or after thousands of CRDs came, all. */
struct crew {
	struct openapi_pieces *pieces;
	const struct openapi_form *form;
	struct job *jobs;
	size_t len;
	atomic_size_t next;
};

static void *crew_main(void *self)
{
	struct crew *c = self;
	struct maker m = { .pieces = c->pieces, .writer.form = c->form };
	size_t i;

	/* Those that fail are tried again, and the failure noticed, when the document is put together. */
	while ((i = atomic_fetch_add_explicit(&c->next, 1, memory_order_relaxed)) < c->len) {
		struct openapi_entries *e = entries_of_type(&m, c->jobs[i].type, c->jobs[i].version);
		if (e)
			openapi_entries_unref(e);
	}
	gzip_packer_free(m.writer.packer);
	return NULL;
}

static void make_at_once(struct crew *c)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t threads[CREW_MAX];
	size_t len = 0, wanted = c->len / JOBS_A_THREAD;

	while (len < wanted && len < CREW_MAX && (long)len + 1 < processors) {
		if (thread_start(&threads[len], "openapi", crew_main, c, NULL) < 0)
			break;
		len++;
	}
	crew_main(c);
	while (len > 0)
		pthread_join(threads[--len], NULL);
}

/* ---- the whole ---- */

struct stream {
	struct gzip_piece *list;
	size_t len;
};

static void push(struct stream *s, struct gzip_piece piece)
{
	s->list[s->len++] = piece;
}

static void push_words(struct stream *s, struct maker *m, void (*put)(struct buf *out, size_t len), size_t len)
{
	_cleanup_buf_ struct buf out = BUF_INIT(4096);

	put(&out, len);
	push(s, gzip_piece_new(openapi_writer_packer(&m->writer), buf_str(&out), out.len));
}

static void push_entries(struct stream *s, const struct maker *m, bool schemas, const struct gzip_piece *separator)
{
	bool any = false;

	for (size_t i = 0; i < m->len; i++) {
		const struct gzip_piece *p = schemas ? &m->list[i]->schemas : &m->list[i]->paths;
		if (p->len == 0)
			continue;
		if (any && separator->len > 0)
			push(s, gzip_piece_ref(separator));
		push(s, gzip_piece_ref(p));
		any = true;
	}
}

static void put_tail(struct maker *m, struct stream *s)
{
	_cleanup_buf_ struct buf out = BUF_INIT(4096);

	m->writer.form->put_tail(&out);
	push(s, gzip_piece_new(openapi_writer_packer(&m->writer), buf_str(&out), out.len));
}

static struct document *put_together(struct maker *m)
{
	const char *between = m->writer.form->separator;
	size_t paths = 0, schemas = 0;

	for (size_t i = 0; i < m->len; i++) {
		paths += m->list[i]->paths.len;
		schemas += m->list[i]->schemas.len;
	}
	if (m->failed || m->len == 0 || paths + schemas > OPENAPI_MAX)
		return NULL;
	/* Two pieces of each, separators, and head, middle and tail. */
	struct stream s = { .list = xcalloc(m->len * 4 + 3, sizeof(*s.list)) };
	struct gzip_piece separator = gzip_piece_new(openapi_writer_packer(&m->writer), between, strlen(between));
	push_words(&s, m, m->writer.form->put_head, paths);
	push_entries(&s, m, false, &separator);
	push_words(&s, m, m->writer.form->put_middle, schemas);
	push_entries(&s, m, true, &separator);
	put_tail(m, &s);
	gzip_piece_clear(&separator);
	return document_of_pieces(s.list, s.len);
}

/* The versions of custom types that a document is of; free(). */
static struct job *list_custom(struct api_type **types, const char *group, const char *version, size_t *ret_len)
{
	struct job *jobs = NULL;
	size_t len = 0;

	for (size_t i = 0; types[i]; i++)
		for (size_t k = 0; types[i]->custom && k < types[i]->versions_len; k++) {
			if (!is_wanted(types[i], &types[i]->versions[k], group, version))
				continue;
			jobs = xreallocarray(jobs, len + 1, sizeof(*jobs));
			jobs[len++] = (struct job){ types[i], &types[i]->versions[k] };
		}
	*ret_len = len;
	return jobs;
}

struct document *openapi_pieces_document(struct openapi_pieces *p, struct registry *r, const struct openapi_form *form,
                                         const char *group, const char *version)
{
	_cleanup_(registry_types_freep) struct api_type **types = registry_types(r);
	struct maker m = { .pieces = p, .writer.form = form, .names = map_new(NULL) };
	struct crew crew = { .pieces = p, .form = form };

	crew.jobs = list_custom(types, group, version, &crew.len);
	openapi_pieces_drop_old(p, r);
	if (!group || crew.len > 0 || count_builtin(types, group, version) > 0)
		add_builtin(&m, types, group, version);
	make_at_once(&crew);
	for (size_t i = 0; i < crew.len; i++)
		add_type(&m, crew.jobs[i].type, crew.jobs[i].version);
	free(crew.jobs);
	struct document *d = put_together(&m);
	for (size_t i = 0; i < m.len; i++)
		openapi_entries_unref(m.list[i]);
	free(m.list);
	map_free(m.names);
	gzip_packer_free(m.writer.packer);
	return d;
}
