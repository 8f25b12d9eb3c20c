#include "kube/status.h"

#include "base/str.h"
#include "kube/object.h"

/* Against a writer that never pauses. */
#define TRIES_MAX 10

static bool is_written_by_others_only(const json_t *before, const json_t *now)
{
	return str_eq(kube_uid(before), kube_uid(now)) && kube_generation(before) == kube_generation(now) &&
	       json_same(kube_status(before), kube_status(now));
}

static int put_status(struct kube_client *c, const struct kube_type *type, const json_t *obj, const json_t *status,
                      json_t **ret, struct err *err)
{
	_cleanup_json_ json_t *changed = json_copy((json_t *)(uintptr_t)obj);

	json_object_set(changed, "status", (json_t *)(uintptr_t)status);
	return kube_update_status(c, type, changed, ret, err);
}

/* The newer version of obj, if the status may be written to that too. */
static json_t *newer_version(struct kube_client *c, const struct kube_type *type, const json_t *obj)
{
	_cleanup_err_ struct err ignored = { 0 };
	_cleanup_json_ json_t *now = NULL;

	if (kube_get(c, type, kube_namespace(obj), kube_name(obj), &now, &ignored) < 0 ||
	    !is_written_by_others_only(obj, now))
		return NULL;
	return TAKE_PTR(now);
}

int kube_write_status(struct kube_client *c, const struct kube_type *type, struct kube_informer *informer,
                      const json_t *obj, const json_t *status, json_t **ret, struct err *err)
{
	_cleanup_json_ json_t *base = json_incref((json_t *)(uintptr_t)obj), *updated = NULL;

	if (kube_status(obj) && json_same(kube_status(obj), status)) {
		if (ret)
			*ret = TAKE_PTR(base);
		return 0;
	}
	for (int i = 1; put_status(c, type, base, status, &updated, err) < 0; i++) {
		json_t *newer = err->kind == ERR_CONFLICT && i < TRIES_MAX ? newer_version(c, type, obj) : NULL;

		if (!newer)
			return -1;
		err_clear(err);
		json_decref(base);
		base = newer;
	}
	if (informer)
		kube_informer_observe(informer, updated);
	if (ret)
		*ret = TAKE_PTR(updated);
	return 0;
}
