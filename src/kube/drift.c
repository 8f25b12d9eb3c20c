#include "kube/drift.h"

#include "base/clock.h"
#include "base/str.h"

#define DRIFT_MAX 20

static void compare(const json_t *desired, const json_t *observed, const char *path, json_t *drift);

static void compare_objects(const json_t *desired, const json_t *observed, const char *path, json_t *drift)
{
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)desired, key, value) {
		_cleanup_free_ char *below = xasprintf("%s.%s", path, key);
		compare(value, json_object_get(observed, key), below, drift);
	}
}

static void compare_arrays(const json_t *desired, const json_t *observed, const char *path, json_t *drift)
{
	size_t i;
	json_t *value;
	json_array_foreach ((json_t *)desired, i, value) {
		_cleanup_free_ char *below = xasprintf("%s[%zu]", path, i);
		compare(value, json_array_get(observed, i), below, drift);
	}
}

static void compare(const json_t *desired, const json_t *observed, const char *path, json_t *drift)
{
	if (json_array_size(drift) >= DRIFT_MAX)
		return;
	if (json_is_object(desired) && json_is_object(observed)) {
		compare_objects(desired, observed, path, drift);
		return;
	}
	if (json_is_array(desired) && json_is_array(observed) && json_array_size(desired) == json_array_size(observed)) {
		compare_arrays(desired, observed, path, drift);
		return;
	}
	/* The API server leaves out what is empty. */
	if (!observed && (json_is_object(desired) || json_is_array(desired)) && json_object_size(desired) == 0 &&
	    json_array_size(desired) == 0)
		return;
	if (observed && json_same(desired, observed))
		return;
	json_array_append_new(drift,
	                      json_pack("{s:s, s:O, s:O?}", "field", path, "desired", desired, "observed", observed));
}

void kube_find_drift(const json_t *desired, const json_t *observed, json_t *drift)
{
	compare(json_object_get(desired, "spec"), json_object_get(observed, "spec"), "spec", drift);
}

const char *kube_last_spec_manager(const json_t *live, const char *own)
{
	const char *last = NULL;
	int64_t last_time = INT64_MIN;
	size_t i;
	json_t *entry;

	json_array_foreach (json_object_get(kube_meta(live), "managedFields"), i, entry) {
		const char *manager = json_get_str(entry, "manager"), *time = json_get_str(entry, "time");
		int64_t when = 0;
		if (!manager || str_eq(manager, own) || !str_empty(json_get_str(entry, "subresource")))
			continue;
		if (!json_at(entry, "fieldsV1", "f:spec", NULL) || (time && !rfc3339_parse(time, &when)))
			continue;
		if (when >= last_time) {
			last_time = when;
			last = manager;
		}
	}
	return last;
}

char *kube_describe_drift(const json_t *drift, const char *manager)
{
	struct buf out = BUF_INIT(4096);
	size_t i;
	json_t *entry;

	json_array_foreach (drift, i, entry) {
		json_t *is = json_object_get(entry, "observed");
		_cleanup_free_ char *observed = is ? json_to_str(is) : xstrdup("absent");
		_cleanup_free_ char *desired = json_to_str(json_object_get(entry, "desired"));
		buf_printf(&out, "%s%s is %.200s, should be %.200s", i ? "; " : "", json_get_str(entry, "field"), observed,
		           desired);
	}
	if (manager)
		buf_printf(&out, " (changed by %s)", manager);
	return buf_steal(&out);
}
