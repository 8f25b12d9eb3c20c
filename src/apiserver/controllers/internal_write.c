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

static int permit(struct apiserver *s, const struct internal_act *act, struct err *err)
{
	_cleanup_err_ struct err failed = { 0 };

	if (internal_permit(s, act, &failed) == 0)
		return 0;
	internal_note(s, act, NULL, &failed);
	err_move(err, &failed);
	return -1;
}

static int commit(struct apiserver *s, const struct internal_act *act, const struct store_write *w, struct err *err)
{
	_cleanup_err_ struct err failed = { 0 };
	_cleanup_(bytes_unrefp) struct bytes *text = w->text ? bytes_ref(w->text) : NULL;

	store_commit(s->store, w, NULL, &failed);
	internal_note(s, act, text, err_is_set(&failed) ? &failed : NULL);
	if (!err_is_set(&failed))
		return 0;
	err_move(err, &failed);
	return -1;
}

int internal_create(struct apiserver *s, const struct internal_identity *as, const struct api_type *t, json_t *obj,
                    struct err *err)
{
	const char *ns = kube_namespace(obj), *name = kube_name(obj);
	_cleanup_(store_object_unrefp) struct store_object *there = store_get(s->store, t->resource, ns, name);
	_cleanup_err_ struct err failed = { 0 };

	const struct internal_act act = { .as = as, .type = t, .verb = "create", .ns = ns, .name = name };

	if (there)
		return 1;
	if (permit(s, &act, err) < 0)
		return -1;
	fill_in(t, obj);
	const struct store_write w = internal_write(t, NULL, obj);
	if (commit(s, &act, &w, &failed) == 0)
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

int internal_delete(struct apiserver *s, const struct internal_identity *as, const struct api_type *t,
                    const struct store_object *current, struct err *err)
{
	const struct internal_act act = { .as = as, .type = t, .verb = "delete", .ns = current->ns, .name = current->name };
	const struct store_write gone = { .resource = t->resource,
		                              .ns = current->ns,
		                              .name = current->name,
		                              .op = STORE_DELETE,
		                              .expected_version = current->version };

	return permit(s, &act, err) < 0 ? -1 : commit(s, &act, &gone, err);
}

int internal_update(struct apiserver *s, const struct internal_identity *as, const struct api_type *t,
                    const struct store_object *current, json_t *obj, struct err *err)
{
	_cleanup_json_ json_t *old = object_stored_value(t, current);
	const struct internal_act act = { .as = as, .type = t, .verb = "update", .ns = current->ns, .name = current->name };
	const bool finished = object_meta_is_finished(obj) && !(t->strategy->held && t->strategy->held(obj));

	if (!finished && json_same(obj, old))
		return 0;
	if (permit(s, &act, err) < 0)
		return -1;
	/* An update that removes what held the object deletes it: it is still an update that somebody made. */
	const struct store_write w = finished ? (struct store_write){ .resource = t->resource,
		                                                          .ns = current->ns,
		                                                          .name = current->name,
		                                                          .op = STORE_DELETE,
		                                                          .expected_version = current->version }
	                                      : internal_write(t, current, obj);
	return commit(s, &act, &w, err);
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
	static const struct internal_identity as = { INTERNAL_SERVER, NULL };
	return internal_update(s, &as, t, current, obj, err);
}

/* JSON is YAML too, and read faster when it is known to be. */
static json_t *parse_crd(const char *text, struct err *err)
{
	return *text == '{' ? json_parse(text, strlen(text), 0, err) : yaml_parse(text, strlen(text), NULL, err);
}

static int apply_crd(struct store_batch *b, struct apiserver *s, const char *text, struct err *err)
{
	_cleanup_(api_type_unrefp) struct api_type *t = registry_find(s->registry, "apiextensions.k8s.io", "v1",
	                                                              "customresourcedefinitions");
	_cleanup_json_ json_t *obj = parse_crd(text, err);
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

int internal_apply_crds(struct apiserver *s, const char *const *texts, struct err *err)
{
	struct store_batch *b = store_batch_new(s->store);
	_cleanup_err_ struct err failed = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && texts && texts[i]; i++) {
		r = apply_crd(b, s, texts[i], err);
		if (r < 0)
			err_wrap(err, "applying built-in CRD %zu", i);
	}
	if (store_batch_finish(b, &failed) == 0 || r < 0)
		return r;
	err_move(err, &failed);
	return err_wrap(err, "creating the built-in CRDs");
}
