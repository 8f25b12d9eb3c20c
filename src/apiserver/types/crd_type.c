#include "crd_type.h"

#include "base/thread.h"
#include "kube/object.h"

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

/* ---- summaries ---- */

static void take(json_t *to, const json_t *from, const char *member)
{
	json_t *v = json_object_get(from, member);

	if (v)
		json_object_set(to, member, v);
}

static json_t *versions_without_schemas(const json_t *versions)
{
	json_t *list = json_array(), *v;
	size_t i;

	json_array_foreach (versions, i, v) {
		json_t *copy = json_copy(v);
		if (json_at(v, "schema", "openAPIV3Schema", NULL))
			json_put(copy, "schema", json_pack("{s:{}}", "openAPIV3Schema"));
		json_array_append_new(list, copy);
	}
	return list;
}

json_t *crd_summary(const json_t *crd)
{
	static const char *const meta_members[] = { "name", "uid", "generation", "deletionTimestamp" };
	json_t *meta = json_object(), *status = json_object(), *spec = json_copy(json_unconst(kube_spec(crd)));

	for (size_t i = 0; i < ARRAY_SIZE(meta_members); i++)
		take(meta, json_object_get(crd, "metadata"), meta_members[i]);
	take(status, kube_status(crd), "acceptedNames");
	take(status, kube_status(crd), "conditions");
	json_put(spec, "versions", versions_without_schemas(json_object_get(spec, "versions")));
	return json_pack("{s:o,s:o,s:o}", "metadata", meta, "spec", spec, "status", status);
}
