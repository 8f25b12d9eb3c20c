#include "render/render_internal.h"

#include "base/str.h"
#include "call.h"

#define CLAIM_NAMESPACE_LABEL "crossplane.io/claim-namespace"
#define CLAIM_NAME_LABEL "crossplane.io/claim-name"

void render_set_metadata(json_t *object, const char *field, const char *value)
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

/* From 2.3 on only those that the composite has itself. */
static void add_claim_labels(const json_t *xr, enum render_form form, json_t *labels)
{
	const char *name = json_str_at(xr, "metadata", "labels", CLAIM_NAME_LABEL, NULL);
	const char *ns = json_str_at(xr, "metadata", "labels", CLAIM_NAMESPACE_LABEL, NULL);
	const json_t *claim = json_at(xr, "spec", "claimRef", NULL);

	if (form != RENDER_V1 && !str_empty(name) && !str_empty(ns)) {
		json_put_str(labels, CLAIM_NAMESPACE_LABEL, ns);
		json_put_str(labels, CLAIM_NAME_LABEL, name);
	} else if (claim && form != RENDER_RECONCILE) {
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

int render_metadata(const struct render *r, json_t *object, const json_t *observed, const char *name, struct err *err)
{
	const char *root = json_str_at(r->xr, "metadata", "labels", RENDER_COMPOSITE_LABEL, NULL);
	const char *prefix = render_is_v2(r) && !str_empty(root) ? root : object_name(r->xr);
	json_t *metadata;

	if (observed) {
		render_set_metadata(object, "namespace", object_namespace(observed));
		render_set_metadata(object, "name", object_name(observed));
		if (render_is_v2(r))
			render_set_metadata(object, "generateName", field_of(observed, "generateName"));
	}
	metadata = json_ensure_object(object, "metadata");
	if (!render_is_v2(r) || (object_name(object)[0] == '\0' && field_of(object, "generateName")[0] == '\0'))
		json_put(metadata, "generateName", json_strf("%s-", prefix));
	if (render_is_v2(r) && object_namespace(r->xr)[0] != '\0')
		json_put_str(metadata, "namespace", object_namespace(r->xr));
	json_put_str(json_ensure_object(metadata, "annotations"), RENDER_RESOURCE_NAME, name);
	json_put_str(json_ensure_object(metadata, "labels"), RENDER_COMPOSITE_LABEL, prefix);
	add_claim_labels(r->xr, r->in->form, json_object_get(metadata, "labels"));
	return own(r->xr, object, err);
}

json_t *render_condition(const char *type, const char *status, const char *reason, const char *message)
{
	json_t *condition = json_pack("{ss}", "lastTransitionTime", RENDER_CONDITION_TIME);

	if (!str_empty(message))
		json_put_str(condition, "message", message);
	json_put_str(condition, "reason", reason);
	json_put_str(condition, "status", status);
	json_put_str(condition, "type", type);
	return condition;
}

static bool has_same(const json_t *a, const json_t *b, const char *field)
{
	const char *x = json_get_str(a, field), *y = json_get_str(b, field);

	return str_eq(x ? x : "", y ? y : "");
}

void render_set_condition(json_t *object, json_t *condition)
{
	json_t *all = json_ensure_array(json_ensure_object(object, "status"), "conditions"), *old;
	size_t i;

	json_array_foreach (all, i, old)
		if (has_same(old, condition, "type")) {
			/* One that says the same keeps its time. */
			if (!has_same(old, condition, "status") || !has_same(old, condition, "reason") ||
			    !has_same(old, condition, "message"))
				json_array_set(all, i, condition);
			return;
		}
	json_array_append(all, condition);
}

void render_add_result(struct render *r, const char *step, int64_t severity, const char *reason, const char *message)
{
	static const char *const severities[] = { "SEVERITY_UNSPECIFIED", "SEVERITY_FATAL", "SEVERITY_WARNING",
		                                      "SEVERITY_NORMAL" };
	json_t *result = json_pack("{ss,ss}", "apiVersion", "render.crossplane.io/v1beta1", "kind", "Result");

	json_array_append_new(r->results, result);
	if (r->in->form != RENDER_RECONCILE) {
		json_put_str(result, "step", step);
		json_put_str(result, "severity", severities[severity >= 0 && severity < 4 ? severity : 0]);
		json_put_str(result, "message", message);
		return;
	}
	json_put_str(result, "severity", severity == FUNCTION_NORMAL ? "Normal" : "Warning");
	json_put_str(result, "reason", str_empty(reason) ? "ComposeResources" : reason);
	json_put(result, "message",
	         step[0] != '\0' ? json_strf("Pipeline step \"%s\": %s", step, message)
	                         : json_string_lossy(message, strlen(message)));
}
