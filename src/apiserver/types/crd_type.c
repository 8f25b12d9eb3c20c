#include "crd_type.h"

#include "base/thread.h"

struct crd_text {
	atomic_size_t refs;
	pthread_mutex_t lock;
	struct bytes *text;
};

struct crd_text *crd_text_new(struct bytes *text)
{
	struct crd_text *t = new0(struct crd_text);

	atomic_init(&t->refs, 1);
	pthread_mutex_init(&t->lock, NULL);
	t->text = bytes_ref(text);
	return t;
}

struct crd_text *crd_text_unref(struct crd_text *t)
{
	if (!t || atomic_fetch_sub_explicit(&t->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	bytes_unref(t->text);
	pthread_mutex_destroy(&t->lock);
	free(t);
	return NULL;
}

void crd_text_set(struct crd_text *t, struct bytes *text)
{
	MUTEX_GUARD(&t->lock);
	bytes_ref(text);
	bytes_unref(t->text);
	t->text = text;
}

static struct bytes *text_now(struct crd_text *t)
{
	MUTEX_GUARD(&t->lock);
	return bytes_ref(t->text);
}

/* One version's schema within the text. */
struct place {
	struct crd_text *text;
	size_t version; /* position in spec.versions */
};

static json_t *load(void *self)
{
	const struct place *p = self;
	_cleanup_(bytes_unrefp) struct bytes *text = text_now(p->text);
	/* What is stored was written by us and its checksum was verified. */
	_cleanup_json_ json_t *crd = json_parse(text->data, text->len, 0, NULL);
	json_t *schema = json_at(json_array_get(json_at(crd, "spec", "versions", NULL), p->version), "schema",
	                         "openAPIV3Schema", NULL);

	/* Should the version be gone, a request that is still under way with it keeps everything. */
	return schema ? json_incref(schema)
	              : json_pack("{s:s,s:b}", "type", "object", "x-kubernetes-preserve-unknown-fields", true);
}

static void release(void *self)
{
	struct place *p = self;

	crd_text_unref(p->text);
	free(p);
}

struct schema *crd_schema_later(struct crd_text *text, size_t version)
{
	struct place *p = new0(struct place);
	const struct schema_source source = { .load = load, .release = release, .self = p };

	p->text = text;
	p->version = version;
	atomic_fetch_add_explicit(&text->refs, 1, memory_order_relaxed);
	return schema_compile_later(&source);
}
