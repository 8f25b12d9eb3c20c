/* Volumes, claims and their classes. */
#include "base/str.h"
#include "builtin.h"
#include "kube/object.h"
#include "objects/invalid.h"
#include "objects/field_checks.h"

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

static int volume_validate(const json_t *obj, const json_t *old _unused_, struct err *err)
{
	const json_t *spec = spec_of(obj);

	if (json_array_size(json_object_get(spec, "accessModes")) == 0)
		check_required(err, "", "spec.accessModes");
	if (json_object_size(json_object_get(spec, "capacity")) == 0)
		check_required(err, "", "spec.capacity");
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

/* Two names for one thing, the newer of which can say more. */
static void fill_sources(json_t *obj)
{
	json_t *spec = spec_of(obj), *source = json_object_get(spec, "dataSource"),
		   *ref = json_object_get(spec, "dataSourceRef");

	if (json_is_object(source) && !ref)
		json_put(spec, "dataSourceRef", json_deep_copy(source));
	else if (json_is_object(ref) && !source && str_empty(json_get_str(ref, "namespace")))
		json_put(spec, "dataSource", json_deep_copy(ref));
}

static void claim_create(json_t *obj)
{
	fill_sources(obj);
	volume_create(obj);
}

static void claim_update(json_t *obj, const json_t *old _unused_)
{
	fill_sources(obj);
}

static int claim_validate(const json_t *obj, const json_t *old, struct err *err)
{
	const json_t *spec = spec_of(obj);

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
	.prepare_create = claim_create,
	.prepare_update = claim_update,
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
