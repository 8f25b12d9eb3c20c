#include "kcl/go_decode.h"
#include "kcl/kcl_function.h"

#include "base/str.h"
#include "field_path.h"

/* ---- resources of earlier steps ---- */

/* The entry's resource as an object that may be changed, where entries are our own; NULL: it has none. */
static json_t *own_resource(const struct kcl_run *run, json_t *entry)
{
	const json_t *resource = json_object_get(entry, "resource");

	if (call_is_kept(run->call, resource))
		json_object_set_new(entry, "resource", call_struct(run->call, resource));
	return json_object_get(entry, "resource");
}

/* Whether a resource that came as bytes cannot have that annotation. */
static bool is_without(const struct kcl_run *run, const json_t *resource, const char *key)
{
	return call_is_kept(run->call, resource) &&
	       !memmem(json_string_value(resource), json_string_length(resource), key, strlen(key));
}

/* ---- names and annotations ---- */

/* Takes an annotation off; its value, as a new reference, or NULL. The annotations stay, even when they are empty. */
static json_t *take_annotation(json_t *object, const char *key)
{
	json_t *annotations = json_at(object, "metadata", "annotations", NULL);
	json_t *value = json_incref(json_object_get(annotations, key));

	if (value)
		json_object_del(annotations, key);
	return value;
}

/* Its name within the composition: the annotation (taken off), else metadata.name. free(). */
static char *take_name(json_t *object)
{
	_cleanup_json_ json_t *annotation = take_annotation(object, KCL_NAME_ANNOTATION);

	return xstrdup(json_is_string(annotation) ? json_string_value(annotation) : object_name(object));
}

/* What its annotation (taken off) says. -1: err. */
static int take_ready(json_t *object, json_t *entry, struct err *err)
{
	static const char *const words[] = { "Unspecified", "True", "False" };
	_cleanup_json_ json_t *annotation = take_annotation(object, KCL_READY_ANNOTATION);
	const char *word = json_string_value(annotation);

	if (!word)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (str_eq(word, words[i])) {
			json_put_int(entry, "ready", (int)i);
			return 0;
		}
	return err_set(err, ERR_INVALID,
	               "invalid function input: invalid \"" KCL_READY_ANNOTATION
	               "\" annotation value \"%s\": must be True, False, or Unspecified",
	               word);
}

/* Of all desired resources. */
static int take_all_ready(struct kcl_run *run, struct err *err)
{
	const char *name;
	json_t *entry;

	json_object_foreach (run->desired, name, entry)
		if (!is_without(run, json_object_get(entry, "resource"), KCL_READY_ANNOTATION) &&
		    take_ready(own_resource(run, entry), entry, err) < 0)
			return -1;
	return 0;
}

/* "Kind/name"; free(). */
static char *describe(const json_t *object)
{
	const char *kind = json_get_str(object, "kind");

	return xasprintf("%s/%s", kind ? kind : "", object_name(object));
}

/* Two items of one name are an error; seen: name -> item. */
static int check_name(json_t *seen, const char *name, json_t *object, struct err *err)
{
	const json_t *before = json_object_get(seen, name);

	if (before) {
		_cleanup_free_ char *first = describe(before), *second = describe(object);

		return err_set(
			err, ERR_INVALID,
			"multiple composed resources with name \"%s\" returned: %s and %s. Set different metadata.name or "
			"metadata.annotations.\"" KCL_NAME_ANNOTATION "\" to distinguish them.",
			name, first, second);
	}
	json_object_set(seen, name, object);
	return 0;
}

/* ---- targets ---- */

static int process_xr(struct kcl_run *run, struct err *err)
{
	json_t *item;
	size_t i;

	json_array_foreach (run->data, i, item)
		if (kcl_set_data(run->dxr, item, false, err) < 0)
			return err_wrap(err, "cannot set data on xr");
	return 0;
}

/* New resources, or members over those of earlier steps. */
static int process_new(struct kcl_run *run, struct err *err)
{
	_cleanup_json_ json_t *seen = json_object();
	json_t *item;
	size_t i;

	json_array_foreach (run->data, i, item) {
		_cleanup_free_ char *name = take_name(item);
		const json_t *earlier = own_resource(run, json_object_get(run->desired, name));
		json_t *object;

		if (check_name(seen, name, item, err) < 0)
			return -1;
		object = earlier ? json_copy(json_unconst(earlier)) : json_object();
		json_object_update(object, item);
		json_object_set_new(run->desired, name, json_pack("{so}", "resource", object));
	}
	return take_all_ready(run, err);
}

/* Every item must have the name of a resource that is there. Nothing is changed unless all have. */
static int process_patches(struct kcl_run *run, struct err *err)
{
	size_t len = json_array_size(run->data), found = 0;
	_cleanup_free_ json_t **targets = xcalloc(len + 1, sizeof(json_t *));

	for (size_t i = 0; i < len; i++) {
		_cleanup_free_ char *name = take_name(json_array_get(run->data, i));

		targets[i] = own_resource(run, json_object_get(run->desired, name));
		found += targets[i] != NULL;
	}
	if (found != len)
		return err_set(err, ERR_INVALID, "failed to match all resources, found %zu / %zu patches", found, len);
	for (size_t i = 0; i < len; i++)
		if (kcl_set_data(targets[i], json_array_get(run->data, i), true, err) < 0)
			return err_wrap(err, "cannot set data existing desired composed object");
	return take_all_ready(run, err);
}

static int process_patch_resources(struct kcl_run *run, struct err *err)
{
	json_t *resource;
	size_t i;

	json_array_foreach (json_object_get(run->spec, "resources"), i, resource) {
		const json_t *base = json_object_get(resource, "base");

		json_object_set_new(run->desired, json_get_str(resource, "name"),
		                    json_pack("{so}", "resource", json_clone(base)));
	}
	return process_patches(run, err);
}

/* An item that is the composite gives its status. */
static int merge_status(struct kcl_run *run, const json_t *item, struct err *err)
{
	static const struct field_path_merge replace = { 0 };
	const json_t *old = json_object_get(run->dxr, "status"), *status = json_object_get(item, "status");
	json_t *merged;

	_cleanup_err_ struct err why = { 0 };

	if (status && go_decodes(status, &GO_OBJECT, &why) < 0)
		return err_set(err, ERR_INVALID, "cannot get templated composite status: cannot unmarshal value from JSON: %s",
		               err_message(&why));
	merged = json_is_object(old) ? json_copy(json_unconst(old)) : json_object();
	json_object_set_new(run->dxr, "status", merged);
	json_merge_members(merged, status, &replace);
	return 0;
}

static bool is_composite(const struct kcl_run *run, const json_t *item)
{
	const char *version = json_get_str(item, "apiVersion"), *kind = json_get_str(item, "kind");

	return str_eq(version ? version : "", run->xr_version) && str_eq(kind ? kind : "", run->xr_kind);
}

static int process_default_item(struct kcl_run *run, json_t *item, json_t *seen, struct err *err)
{
	if (is_composite(run, item))
		return merge_status(run, item, err);
	if (str_eq(json_get_str(item, "apiVersion"), KCL_META_VERSION))
		return kcl_process_item(run, item, err);

	_cleanup_json_ json_t *entry = json_object();
	_cleanup_free_ char *name = NULL;
	json_object_set(entry, "resource", item);
	if (take_ready(item, entry, err) < 0)
		return -1;
	name = take_name(item);
	if (check_name(seen, name, item, err) < 0)
		return -1;
	json_object_set(run->desired, name, entry);
	return 0;
}

static int process_default(struct kcl_run *run, struct err *err)
{
	_cleanup_json_ json_t *seen = json_object();
	json_t *item;
	size_t i;

	json_array_foreach (run->data, i, item)
		if (process_default_item(run, item, seen, err) < 0)
			return -1;
	return 0;
}

/* Those targets change resources of earlier steps, which are the request's. */
static void own_desired(struct kcl_run *run)
{
	json_t *own = json_clone(run->desired);

	json_decref(run->desired);
	run->desired = own;
}

int kcl_process_resources(struct kcl_run *run, struct err *err)
{
	if (run->target != KCL_DEFAULT && run->target != KCL_XR)
		own_desired(run);
	switch (run->target) {
	case KCL_XR:
		return process_xr(run, err);
	case KCL_RESOURCES:
		return process_new(run, err);
	case KCL_PATCH_DESIRED:
		return process_patches(run, err);
	case KCL_PATCH_RESOURCES:
		return process_patch_resources(run, err);
	case KCL_DEFAULT:
		break;
	}
	return process_default(run, err);
}
