/* function-patch-and-transform, the function itself. */

#include "patch/patch.h"

#include "base/str.h"
#include "call.h"
#include "field_path.h"

struct pipeline {
	struct function_call *call;
	const json_t *input;
	const json_t *oxr; /* observed composite */
	json_t *dxr;       /* desired composite: { resource, connection_details, ready } */
	json_t *dxr_object, *connection;
	json_t *environment;
	json_t *resources; /* desired: name -> { resource, ready } */
	size_t skipped;
};

/* ---- patches ---- */

static bool is_to_composed(const char *type)
{
	static const char *const types[] = { "FromCompositeFieldPath", "CombineFromComposite", "FromEnvironmentFieldPath",
		                                 "CombineFromEnvironment", NULL };

	return str_in(type, types);
}

static int apply(const json_t *patch, const char *type, const json_t *from, json_t *to, struct err *err)
{
	return str_starts_with(type, "Combine") ? patch_apply_combine(patch, from, to, err)
	                                        : patch_apply_from_field_path(patch, from, to, err);
}

/* Between the environment and the composite. */
static int apply_environment_patch(struct pipeline *p, const json_t *patch, struct err *err)
{
	static const char *const to_environment[] = { "FromCompositeFieldPath", "ToEnvironmentFieldPath",
		                                          "CombineFromComposite", NULL };
	const char *type = patch_type(patch);

	return str_in(type, to_environment) ? apply(patch, type, p->oxr, p->environment, err)
	                                    : apply(patch, type, p->environment, p->dxr_object, err);
}

static int apply_environment(struct pipeline *p)
{
	json_t *patch;
	size_t i;

	json_array_foreach (json_at(p->input, "environment", "patches", NULL), i, patch) {
		_cleanup_err_ struct err err = { 0 };

		if (apply_environment_patch(p, patch, &err) == 0 || (err.kind == ERR_NOT_FOUND && !patch_is_required(patch)))
			continue;
		call_fatal(p->call, "cannot apply the \"%s\" environment patch at index %zu: %s", patch_type(patch), i,
		           err_message(&err));
		return -1;
	}
	return 0;
}

/* Between a composed resource (observed: NULL when there is none) and the others. */
static int apply_composed_patch(struct pipeline *p, const json_t *patch, const json_t *observed, json_t *desired,
                                struct err *err)
{
	const char *type = patch_type(patch);

	if (!observed && !is_to_composed(type))
		return 0;
	if (str_eq(type, "ToCompositeFieldPath") || str_eq(type, "CombineToComposite"))
		return apply(patch, type, observed, p->dxr_object, err);
	if (str_eq(type, "ToEnvironmentFieldPath") || str_eq(type, "CombineToEnvironment"))
		return apply(patch, type, observed, p->environment, err);
	if (str_eq(type, "FromCompositeFieldPath") || str_eq(type, "CombineFromComposite"))
		return apply(patch, type, p->oxr, desired, err);
	return apply(patch, type, p->environment, desired, err);
}

enum outcome { APPLIED, SKIP_RESOURCE, FAILED };

static enum outcome apply_patch(struct pipeline *p, const char *name, size_t index, const json_t *patch,
                                const json_t *observed, json_t *desired)
{
	_cleanup_err_ struct err err = { 0 };
	const char *type = patch_type(patch);

	if (apply_composed_patch(p, patch, observed, desired, &err) == 0)
		return APPLIED;
	if (err.kind != ERR_NOT_FOUND) {
		call_fatal(p->call, "cannot render composed resource \"%s\" \"%s\" patch at index %zu: %s", name, type, index,
		           err_message(&err));
		return FAILED;
	}
	if (!patch_is_required(patch))
		return APPLIED;
	if (is_to_composed(type) && !observed) {
		call_warning(p->call,
		             "not adding new composed resource \"%s\" to desired state because \"%s\" patch at index %zu has "
		             "'policy.fromFieldPath: Required': %s",
		             name, type, index, err_message(&err));
		return SKIP_RESOURCE;
	}
	call_warning(p->call,
	             "cannot render composed resource \"%s\" \"%s\" patch at index %zu: ignoring 'policy.fromFieldPath: "
	             "Required' because 'to' resource already exists: %s",
	             name, type, index, err_message(&err));
	return APPLIED;
}

/* ---- patch sets ---- */

static const json_t *find_set(const json_t *sets, const char *name)
{
	const json_t *found = NULL;
	json_t *set;
	size_t i;

	json_array_foreach (sets, i, set)
		if (str_eq(json_get_str(set, "name"), name))
			found = set;
	return found;
}

/* The template's patches, with those of its patch sets in their places; a new reference; NULL: fatal, and said so. */
static json_t *resolve_patches(struct pipeline *p, const json_t *template)
{
	const json_t *sets = json_object_get(p->input, "patchSets");
	_cleanup_json_ json_t *out = json_array();
	json_t *patch;
	size_t i;

	json_array_foreach (json_object_get(template, "patches"), i, patch) {
		const char *name = json_get_str(patch, "patchSetName");
		const json_t *set;

		if (!str_eq(patch_type(patch), "PatchSet")) {
			json_array_append(out, patch);
			continue;
		}
		set = find_set(sets, name);
		if (!set) {
			call_fatal(p->call, "cannot resolve PatchSets: cannot find PatchSet by name %s", name);
			return NULL;
		}
		if (json_is_array(json_object_get(set, "patches")))
			json_array_extend(out, json_object_get(set, "patches"));
	}
	return TAKE_PTR(out);
}

/* All of them, before anything is rendered; NULL: fatal. */
static json_t *resolve_all(struct pipeline *p)
{
	_cleanup_json_ json_t *all = json_array();
	json_t *item, *patch;
	size_t i, j;

	json_array_foreach (json_object_get(p->input, "patchSets"), i, item)
		json_array_foreach (json_object_get(item, "patches"), j, patch)
			if (str_eq(patch_type(patch), "PatchSet")) {
				call_fatal(p->call, "cannot resolve PatchSets: a patch in a PatchSet cannot be of type PatchSet");
				return NULL;
			}
	json_array_foreach (json_object_get(p->input, "resources"), i, item) {
		json_t *patches = resolve_patches(p, item);

		if (!patches)
			return NULL;
		json_array_append_new(all, patches);
	}
	return TAKE_PTR(all);
}

/* ---- templates ---- */

/* metadata.FIELD; "" removes it. */
static void set_metadata(json_t *object, const char *field, const char *value)
{
	if (value[0] != '\0')
		json_put_str(json_ensure_object(object, "metadata"), field, value);
	else if (json_is_object(json_object_get(object, "metadata")))
		json_object_del(json_object_get(object, "metadata"), field);
}

/* Names it as the observed one, takes its connection details over, and says whether it is ready. */
static void follow_observed(struct pipeline *p, const char *name, const json_t *template, const json_t *observed,
                            json_t *entry)
{
	const json_t *object = json_object_get(observed, "resource");
	json_t *desired = json_object_get(entry, "resource");
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *details = connection_extract(object, json_object_get(observed, "connection_details"),
	                                                    json_object_get(template, "connectionDetails"), &err);
	int ready;

	set_metadata(desired, "namespace", object_namespace(object));
	set_metadata(desired, "name", object_name(object));
	if (details)
		json_object_update(p->connection, details);
	else
		call_warning(p->call, "cannot extract composite resource connection details from composed resource \"%s\": %s",
		             name, err_message(&err));
	err_clear(&err);
	ready = readiness_is_ready(object, json_object_get(template, "readinessChecks"), &err);
	if (ready < 0)
		call_warning(p->call, "cannot check readiness of composed resource \"%s\": %s", name, err_message(&err));
	if (ready > 0)
		json_put_int(entry, "ready", FUNCTION_READY_TRUE);
}

/* { resource: a copy of the template's base or of what an earlier step wants }; NULL: fatal, and said so. */
static json_t *begin_entry(struct pipeline *p, const char *name, const json_t *template)
{
	const json_t *base = json_object_get(template, "base");
	const json_t *earlier = json_at(p->resources, name, "resource", NULL);

	if (!base && !earlier) {
		call_fatal(p->call,
		           "composed resource \"%s\" has no base template, and was not produced by a previous Function in the "
		           "pipeline",
		           name);
		return NULL;
	}
	if (base && (!json_is_object(base) || !json_get_str(base, "kind"))) {
		call_fatal(p->call, "cannot parse base template of composed resource \"%s\": Object 'Kind' is missing", name);
		return NULL;
	}
	return json_pack("{so}", "resource", json_clone(base ? base : earlier));
}

static int render_template(struct pipeline *p, const json_t *template, const json_t *patches)
{
	const char *name = json_get_str(template, "name");
	const json_t *observed = json_at(p->call->request, "observed", "resources", name, NULL);
	_cleanup_json_ json_t *entry = begin_entry(p, name, template), *empty = json_object();
	const json_t *object = json_object_get(observed, "resource");
	json_t *patch;
	size_t i;

	if (!entry)
		return -1;
	if (observed)
		follow_observed(p, name, template, observed, entry);
	/* One that is observed and of which nothing is told is there all the same. */
	if (observed && !object)
		object = empty;
	json_array_foreach (patches, i, patch) {
		enum outcome outcome = apply_patch(p, name, i, patch, object, json_object_get(entry, "resource"));

		if (outcome == FAILED)
			return -1;
		if (outcome == SKIP_RESOURCE) {
			p->skipped++;
			return 0;
		}
	}
	json_object_set(p->resources, name, entry);
	return 0;
}

static int render_templates(struct pipeline *p, const json_t *patches)
{
	json_t *template;
	size_t i;

	json_array_foreach (json_object_get(p->input, "resources"), i, template)
		if (render_template(p, template, json_array_get(patches, i)) < 0)
			return -1;
	return 0;
}

/* ---- the composite ---- */

/* Composites of Crossplane 2 have no connection details; a Secret among the resources holds them. */
static int compose_connection_secret(struct pipeline *p)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *secret;

	if (!field_path_get(p->oxr, "spec.crossplane", NULL) || json_object_size(p->connection) == 0)
		return 0;
	secret = connection_secret(p->oxr, p->connection, json_object_get(p->input, "writeConnectionSecretToRef"), &err);
	if (!secret) {
		call_fatal(p->call, "cannot compose connection secret: %s", err_message(&err));
		return -1;
	}
	_cleanup_free_ char *name = xasprintf("%s-connection-secret", object_name(p->oxr));
	json_object_set_new(p->resources, name, json_pack("{so,si}", "resource", secret, "ready", FUNCTION_READY_TRUE));
	return 0;
}

static void begin(struct pipeline *p, struct function_call *call)
{
	const json_t *dxr = json_at(call->request, "desired", "composite", NULL);
	const json_t *object = json_object_get(dxr, "resource"), *details = json_object_get(dxr, "connection_details");
	const json_t *environment = call_context(call, FUNCTION_ENVIRONMENT_KEY);
	const json_t *desired = call_resources(call, "desired");
	const char *version, *kind;

	*p = (struct pipeline){ .call = call, .input = json_object_get(call->request, "input") };
	p->oxr = call_composite(call, "observed");
	p->dxr_object = object ? json_clone(object) : json_object();
	p->connection = details ? json_copy(json_unconst(details)) : json_object();
	p->environment = json_is_object(environment) ? json_clone(environment) : json_object();
	p->resources = desired ? json_copy(json_unconst(desired)) : json_object();
	version = json_get_str(p->oxr, "apiVersion");
	kind = json_get_str(p->oxr, "kind");
	json_put_str(p->dxr_object, "apiVersion", version ? version : "");
	json_put_str(p->dxr_object, "kind", kind ? kind : "");
	if (!json_object_get(p->environment, "apiVersion") && !json_object_get(p->environment, "kind")) {
		json_put_str(p->environment, "apiVersion", "internal.crossplane.io/v1alpha1");
		json_put_str(p->environment, "kind", "Environment");
	}
}

static void end(struct pipeline *p)
{
	json_decref(p->dxr_object);
	json_decref(p->connection);
	json_decref(p->environment);
	json_decref(p->resources);
}

static void answer(struct pipeline *p)
{
	json_t *desired = call_own_desired(p->call), *composite = json_object();
	const json_t *ready = json_at(p->call->request, "desired", "composite", "ready", NULL);

	json_object_set(composite, "resource", p->dxr_object);
	if (json_object_size(p->connection) > 0)
		json_object_set(composite, "connection_details", p->connection);
	if (p->skipped > 0)
		json_put_int(composite, "ready", FUNCTION_READY_FALSE);
	else if (ready)
		json_object_set(composite, "ready", json_unconst(ready));
	json_object_set_new(desired, "composite", composite);
	json_object_set(desired, "resources", p->resources);
	call_set_context(p->call, FUNCTION_ENVIRONMENT_KEY, json_incref(p->environment));
}

void patch_and_transform_run(struct function_call *call)
{
	_cleanup_(end) struct pipeline p;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *patches = NULL;

	begin(&p, call);
	if (patch_validate_input(p.input, &err) < 0) {
		call_fatal(call, "invalid Function input: %s", err_message(&err));
		return;
	}
	patches = resolve_all(&p);
	if (!patches || apply_environment(&p) < 0 || render_templates(&p, patches) < 0 || compose_connection_secret(&p) < 0)
		return;
	answer(&p);
}
