#include "internal_write.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/yaml.h"
#include "types/crd.h"
#include "objects/invalid.h"
#include "kube/object.h"
#include "objects/object_meta.h"
#include "objects/object_view.h"
#include "server.h"

struct store_write internal_write(const struct api_type *t, const struct store_object *current, json_t *obj)
{
	struct store_write w = {
		.resource = t->resource,
		.ns = current ? current->ns : kube_namespace(obj),
		.name = current ? current->name : kube_name(obj),
		.op = current ? STORE_UPDATE : STORE_CREATE,
		.expected_version = current ? current->version : 0,
		.labels = object_labels(obj),
		.fields = object_fields(t, obj),
		.uid = xstrdup(kube_uid(obj)),
	};

	w.text = object_text_for_store(obj, &w.text_version_offset);
	return w;
}

static void fill_in(const struct api_type *t, json_t *obj)
{
	object_meta_create(t, obj, clock_wall_ns());
	if (t->strategy->prepare_create)
		t->strategy->prepare_create(obj);
	if (t->strategy->complete_create)
		t->strategy->complete_create(obj);
}

int internal_create(struct apiserver *s, const struct api_type *t, json_t *obj, struct err *err)
{
	_cleanup_(store_object_unrefp) struct store_object *there = store_get(s->store, t->resource, kube_namespace(obj),
	                                                                      kube_name(obj));
	_cleanup_err_ struct err failed = { 0 };

	if (there)
		return 1;
	fill_in(t, obj);
	const struct store_write w = internal_write(t, NULL, obj);
	if (store_commit(s->store, &w, NULL, &failed) == 0)
		return 0;
	if (failed.kind == ERR_ALREADY_EXISTS)
		return 1;
	err_move(err, &failed);
	return -1;
}

void internal_create_in(struct store_batch *b, struct apiserver *s, const struct api_type *t, json_t *obj)
{
	_cleanup_(store_object_unrefp) struct store_object *there = store_get(s->store, t->resource, kube_namespace(obj),
	                                                                      kube_name(obj));

	if (there)
		return;
	fill_in(t, obj);
	const struct store_write w = internal_write(t, NULL, obj);
	store_batch_add(b, &w);
}

int internal_update(struct apiserver *s, const struct api_type *t, const struct store_object *current, json_t *obj,
                    struct err *err)
{
	_cleanup_json_ json_t *old = object_stored_value(t, current);

	if (object_meta_is_finished(obj) && !(t->strategy->held && t->strategy->held(obj))) {
		const struct store_write gone = { .resource = t->resource,
			                              .ns = current->ns,
			                              .name = current->name,
			                              .op = STORE_DELETE,
			                              .expected_version = current->version };
		return store_commit(s->store, &gone, NULL, err);
	}
	if (json_same(obj, old))
		return 0;
	const struct store_write w = internal_write(t, current, obj);
	return store_commit(s->store, &w, NULL, err);
}

static int check(const struct api_type *t, const json_t *obj, const json_t *old, struct err *err)
{
	const struct schema *schema = t->versions[t->storage].schema;
	_cleanup_err_ struct err found = { 0 }, more = { 0 };

	if (schema)
		schema_validate(schema, obj, old, &found);
	if (t->strategy->validate && t->strategy->validate(obj, old, &more) < 0)
		invalid_merge(&found, &more);
	if (invalid_finish(&found, t->kind, t->group, kube_name(obj)) == 0)
		return 0;
	err_move(err, &found);
	return -1;
}

static int update_crd(struct apiserver *s, const struct api_type *t, const struct store_object *current,
                      const json_t *wanted, struct err *err)
{
	static const char *const meta_members[] = { "labels", "annotations" };
	_cleanup_json_ json_t *old = object_stored_value(t, current), *obj = json_deep_copy(old);

	json_object_set(obj, "spec", json_object_get(wanted, "spec"));
	for (size_t i = 0; i < ARRAY_SIZE(meta_members); i++) {
		const json_t *members = json_object_get(kube_meta(wanted), meta_members[i]);
		if (members)
			json_object_update(json_ensure_object(kube_meta(obj), meta_members[i]), (json_t *)(uintptr_t)members);
	}
	t->strategy->prepare_update(obj, old);
	if (check(t, obj, old, err) < 0)
		return -1;
	if (!json_same(json_object_get(obj, "spec"), json_object_get(old, "spec")))
		json_put_int(kube_meta(obj), "generation", kube_generation(old) + 1);
	return internal_update(s, t, current, obj, err);
}

static int apply_crd(struct store_batch *b, struct apiserver *s, const char *yaml, struct err *err)
{
	_cleanup_(api_type_unrefp) struct api_type *t = registry_find(s->registry, "apiextensions.k8s.io", "v1",
	                                                              "customresourcedefinitions");
	_cleanup_json_ json_t *obj = yaml_parse(yaml, strlen(yaml), NULL, err);
	const struct schema *schema = t->versions[t->storage].schema;

	if (!obj || object_meta_decode(t, &t->versions[t->storage], obj, NULL, err) < 0)
		return -1;
	if (schema) {
		schema_default(schema, obj);
		schema_prune(schema, obj, NULL);
	}
	_cleanup_(store_object_unrefp) struct store_object *current = store_get(s->store, CRD_RESOURCE, "", kube_name(obj));
	if (current)
		return update_crd(s, t, current, obj, err);
	_cleanup_json_ json_t *checked = json_deep_copy(obj);
	t->strategy->prepare_create(checked);
	if (check(t, checked, NULL, err) < 0)
		return -1;
	internal_create_in(b, s, t, obj);
	return 0;
}

int internal_apply_crds(struct apiserver *s, const char *const *yamls, struct err *err)
{
	struct store_batch *b = store_batch_new(s->store);
	_cleanup_err_ struct err failed = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && yamls && yamls[i]; i++) {
		r = apply_crd(b, s, yamls[i], err);
		if (r < 0)
			err_wrap(err, "applying built-in CRD %zu", i);
	}
	if (store_batch_finish(b, &failed) == 0 || r < 0)
		return r;
	err_move(err, &failed);
	return err_wrap(err, "creating the built-in CRDs");
}
