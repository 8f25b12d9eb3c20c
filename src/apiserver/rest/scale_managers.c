/* Who owns a number of replicas: managers of an object, as managers of its Scale, and back
 * (k8s.io/apimachinery/pkg/util/managedfields/scalehandler.go). */
#include "base/str.h"
#include "kube/object.h"
#include "patch/managed_fields.h"
#include "scale_managers.h"

#define SCALE_PATH ".spec.replicas"

/* ".spec.replicas" → { "f:spec", "f:replicas" } */
static char **steps_of(const char *path)
{
	_cleanup_strv_ char **names = str_split(path ? path : "", ".");
	char **steps = NULL;

	for (size_t i = 0; names && names[i]; i++) {
		_cleanup_free_ char *step = xasprintf("f:%s", names[i]);
		strv_push(&steps, step);
	}
	return steps;
}

static bool owns(const json_t *entry, const char *path)
{
	_cleanup_strv_ char **steps = steps_of(path);
	const json_t *v = json_object_get(entry, "fieldsV1");

	for (size_t i = 0; steps && steps[i] && v; i++)
		v = json_object_get(v, steps[i]);
	return steps && v;
}

static json_t *fields_of(const char *path)
{
	_cleanup_strv_ char **steps = steps_of(path);
	json_t *fields = json_object(), *v = fields;

	for (size_t i = 0; steps && steps[i]; i++)
		v = json_ensure_object(v, steps[i]);
	return fields;
}

/* Takes a path away, and with it what has nothing else in it. */
static void drop_step(json_t *fields, char *const *steps)
{
	json_t *below = json_object_get(fields, steps[0]);

	if (!steps[1]) {
		json_object_del(fields, steps[0]);
		return;
	}
	drop_step(below, steps + 1);
	if (json_object_size(below) == 0)
		json_object_del(fields, steps[0]);
	else if (json_object_size(below) == 1 && json_object_get(below, "."))
		json_object_clear(below); /* owned itself: a leaf now */
}

static bool is_same_manager(const json_t *a, const json_t *b)
{
	static const char *const KEYS[] = { "manager", "operation", "subresource" };

	for (size_t i = 0; i < ARRAY_SIZE(KEYS); i++)
		if (!str_eq(json_get_str(a, KEYS[i]), json_get_str(b, KEYS[i])))
			return false;
	return true;
}

static bool has_owner(const json_t *entries, const json_t *like, const char *path)
{
	size_t i;
	json_t *entry;

	json_array_foreach (entries, i, entry)
		if (is_same_manager(entry, like) && owns(entry, path))
			return true;
	return false;
}

static json_t *entry_with(const json_t *entry, const char *api_version, const char *path)
{
	json_t *copy = json_deep_copy(entry);

	json_put_str(copy, "apiVersion", api_version);
	json_put(copy, "fieldsV1", fields_of(path));
	return copy;
}

void scale_managers_view(const json_t *obj, const char *path, json_t *scale)
{
	json_t *managers = json_array(), *entry;
	size_t i;

	json_array_foreach (json_object_get(kube_meta(obj), "managedFields"), i, entry)
		if (owns(entry, path))
			json_array_append_new(managers, entry_with(entry, "autoscaling/v1", SCALE_PATH));
	if (json_array_size(managers) > 0)
		json_object_set(json_ensure_object(scale, "metadata"), "managedFields", managers);
	json_decref(managers);
}

/* Managers of the object: those of its Scale keep the path, others lose it. */
static json_t *kept_managers(const json_t *obj, const char *path, const json_t *scale_entries)
{
	_cleanup_strv_ char **steps = steps_of(path);
	json_t *managers = json_array(), *entry;
	size_t i;

	json_array_foreach (json_object_get(kube_meta(obj), "managedFields"), i, entry) {
		_cleanup_json_ json_t *copy = json_deep_copy(entry);
		if (owns(entry, path) && !has_owner(scale_entries, entry, SCALE_PATH))
			drop_step(json_object_get(copy, "fieldsV1"), steps);
		if (json_object_size(json_object_get(copy, "fieldsV1")) > 0)
			json_array_append(managers, copy);
	}
	return managers;
}

void scale_managers_take(const json_t *scale, const char *api_version, const char *path, json_t *obj)
{
	const json_t *entries = json_object_get(kube_meta(scale), "managedFields");
	json_t *managers = kept_managers(obj, path, entries), *entry;
	struct managed sorted = { 0 };
	size_t i;

	json_array_foreach (entries, i, entry) {
		if (!owns(entry, SCALE_PATH) || has_owner(managers, entry, path))
			continue;
		json_t *copy = entry_with(entry, api_version, path);
		json_object_del(copy, "time"); /* Kubernetes has none for them */
		json_array_append_new(managers, copy);
	}
	json_put(json_ensure_object(obj, "metadata"), "managedFields", managers);
	if (managed_decode(obj, &sorted)) {
		managed_encode(&sorted, obj);
		managed_clear(&sorted);
	}
}
