/* Volumes, claims and their classes. */
#include "base/str.h"
#include "builtin.h"
#include "kube/object.h"
#include "objects/invalid.h"
#include "strategy_checks.h"

#include <string.h>

static json_t *spec_of(const json_t *obj)
{
	return json_object_get(obj, "spec");
}

static void volume_create(json_t *obj)
{
	json_put(obj, "status", json_pack("{s:s}", "phase", "Pending"));
}

/* ---- persistentvolumes ---- */

static bool has_source(const json_t *spec)
{
	static const char *const OTHERS[] = {
		"capacity",     "accessModes", "claimRef",     "persistentVolumeReclaimPolicy", "storageClassName",
		"mountOptions", "volumeMode",  "nodeAffinity", "volumeAttributesClassName",     NULL
	};
	const char *key;
	json_t *v;

	json_object_foreach (json_unconst(spec), key, v)
		if (!str_in(key, OTHERS))
			return true;
	return false;
}

static int volume_validate(const json_t *obj, const json_t *old _unused_, struct err *err)
{
	const json_t *spec = spec_of(obj);

	if (json_array_size(json_object_get(spec, "accessModes")) == 0)
		check_required(err, "", "spec.accessModes");
	if (json_object_size(json_object_get(spec, "capacity")) == 0)
		check_required(err, "", "spec.capacity");
	if (!has_source(spec))
		check_required(err, "must specify a volume type", "spec");
	return check_result(err);
}

const struct api_strategy STRATEGY_VOLUME = {
	.unconditional_update = true,
	.prepare_create = volume_create,
	.validate = volume_validate,
};

/* ---- persistentvolumeclaims ---- */

/* What may differ once a claim is there, taken out. */
static json_t *fixed_part(const json_t *spec)
{
	json_t *fixed = json_deep_copy(spec);

	json_object_del(json_object_get(fixed, "resources"), "requests");
	json_object_del(fixed, "volumeAttributesClassName");
	json_object_del(fixed, "volumeName");
	json_object_del(fixed, "storageClassName");
	return fixed;
}

static int claim_validate(const json_t *obj, const json_t *old, struct err *err)
{
	const json_t *spec = spec_of(obj);

	if (json_array_size(json_object_get(spec, "accessModes")) == 0)
		check_required(err, "at least 1 access mode is required", "spec.accessModes");
	if (!json_at(spec, "resources", "requests", "storage", NULL))
		check_required(err, "", "spec.resources[storage]");
	if (!old)
		return check_result(err);
	_cleanup_json_ json_t *now = fixed_part(spec), *before = fixed_part(spec_of(old));
	if (!json_same(now, before))
		invalid_add(err, INVALID_FORBIDDEN, "spec",
		            "Forbidden: spec is immutable after creation except resources.requests and "
		            "volumeAttributesClassName for bound "
		            "claims");
	return check_result(err);
}

const struct api_strategy STRATEGY_CLAIM = {
	.unconditional_update = true,
	.prepare_create = volume_create,
	.validate = claim_validate,
};

/* ---- storageclasses ---- */

static int storage_class_validate(const json_t *obj, const json_t *old, struct err *err)
{
	static const char *const FIXED[] = { "parameters", "provisioner", "reclaimPolicy", "volumeBindingMode" };

	for (size_t i = 0; old && i < ARRAY_SIZE(FIXED); i++) {
		const json_t *now = json_object_get(obj, FIXED[i]), *before = json_object_get(old, FIXED[i]);
		if (now == before || (now && before && json_same(now, before)))
			continue;
		if (strcmp(FIXED[i], "volumeBindingMode") == 0)
			check_immutable_field(err, now, before, FIXED[i]);
		else
			invalid_add(err, INVALID_FORBIDDEN, FIXED[i], "Forbidden: updates to %s are forbidden.", FIXED[i]);
	}
	return check_result(err);
}

const struct api_strategy STRATEGY_STORAGE_CLASS = { .unconditional_update = true, .validate = storage_class_validate };

/* ---- nodes: a kubelet brings its status along ---- */

const struct api_strategy STRATEGY_NODE = { .unconditional_update = true, .status_on_create = true };
