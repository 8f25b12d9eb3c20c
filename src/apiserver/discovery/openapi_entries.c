#include "openapi_entries.h"

#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"

#define LEVEL 1 /* as answers are compressed */
#define KEPT_MAX ((size_t)256 * 1024 * 1024)

struct openapi_pieces {
	pthread_mutex_t lock;
	struct map *kept; /* form, group, version and plural → struct openapi_entries */
	size_t size;      /* of what is compressed in them */
	uint64_t generation;
};

/* ---- entries ---- */

struct openapi_entries *openapi_entries_ref(struct openapi_entries *e)
{
	atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
	return e;
}

void openapi_entries_unref(struct openapi_entries *e)
{
	if (atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
		return;
	api_type_unref(e->type);
	gzip_piece_clear(&e->paths);
	gzip_piece_clear(&e->schemas);
	strv_free(e->names);
	free(e);
}

static size_t entries_size(const struct openapi_entries *e)
{
	return e->paths.packed->len + e->schemas.packed->len;
}

typedef void (*add_entry)(struct buf *out, const char *name, const json_t *v);

/* Without those that are in skip. NULL when it is too long. */
static bool pack(json_t *values, const struct openapi_form *form, add_entry add, const struct map *skip,
                 struct gzip_packer *packer, struct gzip_piece *ret)
{
	_cleanup_buf_ struct buf out = BUF_INIT(OPENAPI_MAX);
	const char *name;
	json_t *v;

	json_object_foreach (values, name, v) {
		if (skip && map_has(skip, name))
			continue;
		if (out.len > 0)
			buf_puts(&out, form->separator);
		add(&out, name, v);
	}
	if (out.failed)
		return false;
	*ret = gzip_piece_new(packer, buf_str(&out), out.len);
	return true;
}

struct gzip_packer *openapi_writer_packer(struct openapi_writer *w)
{
	if (!w->packer)
		w->packer = gzip_packer_new(LEVEL);
	return w->packer;
}

/* Takes the values. skip: names of schemas that are there already. NULL when they are too long. */
struct openapi_entries *openapi_entries_new(struct openapi_writer *w, json_t *paths, json_t *schemas,
                                            const struct map *skip)
{
	struct openapi_entries *e = new0(struct openapi_entries);
	const char *name;
	json_t *v;
	bool ok;

	atomic_init(&e->refs, 1);
	ok = pack(paths, w->form, w->form->add_path, NULL, openapi_writer_packer(w), &e->paths) &&
	     pack(schemas, w->form, w->form->add_schema, skip, openapi_writer_packer(w), &e->schemas);
	json_object_foreach (schemas, name, v)
		strv_push(&e->names, name);
	json_decref(paths);
	json_decref(schemas);
	if (ok)
		return e;
	openapi_entries_unref(e);
	return NULL;
}

struct openapi_entries *openapi_entries_of_type(struct openapi_writer *w, struct api_type *t,
                                                const struct api_version *v, const struct map *skip)
{
	json_t *paths = json_object(), *schemas = json_object();

	openapi_add_paths(paths, w->form->version, t, v);
	openapi_add_schemas(schemas, w->form->version, t, v);
	struct openapi_entries *e = openapi_entries_new(w, paths, schemas, skip);
	if (e)
		e->type = api_type_ref(t);
	return e;
}

/* ---- what is kept ---- */

static void drop(void *e)
{
	openapi_entries_unref(e);
}

struct openapi_entries *openapi_pieces_find(struct openapi_pieces *p, const char *key, const struct api_type *type)
{
	MUTEX_GUARD(&p->lock);
	struct openapi_entries *e = map_get(p->kept, key);
	return e && e->type == type ? openapi_entries_ref(e) : NULL;
}

void openapi_pieces_keep(struct openapi_pieces *p, const char *key, struct openapi_entries *e)
{
	MUTEX_GUARD(&p->lock);
	const struct openapi_entries *before = map_get(p->kept, key);
	if (before)
		p->size -= entries_size(before);
	map_del(p->kept, key);
	if (p->size + entries_size(e) > KEPT_MAX)
		return;
	p->size += entries_size(e);
	map_set(p->kept, key, openapi_entries_ref(e));
}

/* Pieces of types that are gone or have changed. */
void openapi_pieces_drop_old(struct openapi_pieces *p, struct registry *r)
{
	uint64_t generation = registry_generation(r);
	const char *key;
	void *value;
	size_t iter = 0;

	MUTEX_GUARD(&p->lock);
	if (p->generation == generation)
		return;
	p->generation = generation;
	while (map_next(p->kept, &iter, &key, &value)) {
		const struct openapi_entries *e = value;
		_cleanup_(api_type_unrefp) struct api_type *now = e->type
		                                                      ? registry_find(r, e->type->group, NULL, e->type->plural)
		                                                      : NULL;
		if (now == e->type)
			continue;
		p->size -= entries_size(e);
		map_del(p->kept, key);
	}
}

struct openapi_pieces *openapi_pieces_new(void)
{
	struct openapi_pieces *p = new0(struct openapi_pieces);

	pthread_mutex_init(&p->lock, NULL);
	p->kept = map_new(drop);
	return p;
}

struct openapi_pieces *openapi_pieces_free(struct openapi_pieces *p)
{
	if (!p)
		return NULL;
	map_free(p->kept);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL;
}
