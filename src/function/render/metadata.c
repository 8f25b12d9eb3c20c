#include "render/render_internal.h"

#include "base/str.h"
#include "call.h"

#define COMPOSITE_LABEL "crossplane.io/composite"
#define CLAIM_NAMESPACE_LABEL "crossplane.io/claim-namespace"
#define CLAIM_NAME_LABEL "crossplane.io/claim-name"
/* Any would do, as nothing was observed to change. */
#define CONDITION_TIME "2024-01-01T00:00:00Z"

/* metadata.FIELD; "" removes it, and makes no metadata for it. */
static void set_field(json_t *object, const char *field, const char *value)
{
	if (value[0] != '\0')
		json_put_str(json_ensure_object(object, "metadata"), field, value);
	else if (json_is_object(json_object_get(object, "metadata")))
		json_object_del(json_object_get(object, "metadata"), field);
}

static const char *field_of(const json_t *object, const char *field)
{
	const char *value = json_str_at(object, "metadata", field, NULL);

	return value ? value : "";
}

static void add_claim_labels(const json_t *xr, enum render_form form, json_t *labels)
{
	const char *name = json_str_at(xr, "metadata", "labels", CLAIM_NAME_LABEL, NULL);
	const char *ns = json_str_at(xr, "metadata", "labels", CLAIM_NAMESPACE_LABEL, NULL);
	const json_t *claim = json_at(xr, "spec", "claimRef", NULL);

	if (form == RENDER_V2 && !str_empty(name) && !str_empty(ns)) {
		json_put_str(labels, CLAIM_NAMESPACE_LABEL, ns);
		json_put_str(labels, CLAIM_NAME_LABEL, name);
	} else if (claim) {
		name = json_get_str(claim, "name");
		ns = json_get_str(claim, "namespace");
		json_put_str(labels, CLAIM_NAMESPACE_LABEL, ns ? ns : "");
		json_put_str(labels, CLAIM_NAME_LABEL, name ? name : "");
	}
}

static json_t *controller_reference(const json_t *xr)
{
	const char *version = json_get_str(xr, "apiVersion"), *kind = json_get_str(xr, "kind");

	return json_pack("{ss,sb,sb,ss,ss,ss}", "apiVersion", version ? version : "", "blockOwnerDeletion", 1, "controller",
	                 1, "kind", kind ? kind : "", "name", object_name(xr), "uid", field_of(xr, "uid"));
}

/* One of the composite; an owner of the same uid is replaced. */
static int own(const json_t *xr, json_t *object, struct err *err)
{
	json_t *owners = json_ensure_array(json_ensure_object(object, "metadata"), "ownerReferences");
	const char *uid = field_of(xr, "uid");
	json_t *owner;
	size_t i;

	json_array_foreach (owners, i, owner)
		if (json_is_true(json_object_get(owner, "controller")) && !str_eq(json_get_str(owner, "uid"), uid))
			return err_set(err, ERR_INVALID,
			               "cannot set composite resource \"%s\" as controller ref of composed resource: %s is already "
			               "controlled by %s %s (UID %s)",
			               object_name(xr), object_name(object), json_get_str(owner, "kind"),
			               json_get_str(owner, "name"), json_get_str(owner, "uid"));
	json_array_foreach (owners, i, owner)
		if (str_eq(json_get_str(owner, "uid"), uid)) {
			json_array_set_new(owners, i, controller_reference(xr));
			return 0;
		}
	json_array_append_new(owners, controller_reference(xr));
	return 0;
}

int render_metadata(const struct render_input *in, json_t *object, const json_t *observed, const char *name,
                    struct err *err)
{
	const char *root = json_str_at(in->xr, "metadata", "labels", COMPOSITE_LABEL, NULL);
	const char *prefix = in->form == RENDER_V2 && !str_empty(root) ? root : object_name(in->xr);
	json_t *metadata;

	if (observed) {
		set_field(object, "namespace", object_namespace(observed));
		set_field(object, "name", object_name(observed));
		if (in->form == RENDER_V2)
			set_field(object, "generateName", field_of(observed, "generateName"));
	}
	metadata = json_ensure_object(object, "metadata");
	if (in->form == RENDER_V1 || (object_name(object)[0] == '\0' && field_of(object, "generateName")[0] == '\0'))
		json_put(metadata, "generateName", json_strf("%s-", prefix));
	if (in->form == RENDER_V2 && object_namespace(in->xr)[0] != '\0')
		json_put_str(metadata, "namespace", object_namespace(in->xr));
	json_put_str(json_ensure_object(metadata, "annotations"), RENDER_RESOURCE_NAME, name);
	json_put_str(json_ensure_object(metadata, "labels"), COMPOSITE_LABEL, prefix);
	add_claim_labels(in->xr, in->form, json_object_get(metadata, "labels"));
	return own(in->xr, object, err);
}

json_t *render_condition(const char *type, const char *status, const char *reason, const char *message)
{
	json_t *condition = json_pack("{ss}", "lastTransitionTime", CONDITION_TIME);

	if (!str_empty(message))
		json_put_str(condition, "message", message);
	json_put_str(condition, "reason", reason);
	json_put_str(condition, "status", status);
	json_put_str(condition, "type", type);
	return condition;
}

void render_set_condition(json_t *object, json_t *condition)
{
	json_t *all = json_ensure_array(json_ensure_object(object, "status"), "conditions"), *old;
	size_t i;

	json_array_foreach (all, i, old)
		if (str_eq(json_get_str(old, "type"), json_get_str(condition, "type"))) {
			json_array_set(all, i, condition);
			return;
		}
	json_array_append(all, condition);
}
