#include "kcl/kcl_function.h"

#include "base/str.h"
#include "field_path.h"
#include "functions.h"

/* ---- the input ---- */

static enum kcl_target target_of(const json_t *spec)
{
	static const char *const names[] = {
		[KCL_DEFAULT] = "Default",
		[KCL_RESOURCES] = "Resources",
		[KCL_PATCH_DESIRED] = "PatchDesired",
		[KCL_PATCH_RESOURCES] = "PatchResources",
		[KCL_XR] = "XR",
	};
	const char *name = json_get_str(spec, "target");

	for (size_t i = 0; name && i < ARRAY_SIZE(names); i++)
		if (str_eq(name, names[i]))
			return (enum kcl_target)i;
	return KCL_DEFAULT;
}

/* ---- life ---- */

/* One that may be changed. */
static json_t *own_object(const struct function_call *call, const json_t *v)
{
	if (!v)
		return json_object();
	return call_is_kept(call, v) ? call_struct(call, v) : json_clone(v);
}

static void begin(struct kcl_run *run, struct function_call *call)
{
	const json_t *composite = json_at(call->request, "desired", "composite", NULL);
	const json_t *dxr = json_object_get(composite, "resource"), *desired = call_resources(call, "desired");
	const json_t *details = json_object_get(composite, "connection_details");

	*run = (struct kcl_run){ .call = call, .spec = json_at(call->request, "input", "spec", NULL) };
	run->source = json_get_str(run->spec, "source");
	if (str_empty(run->source))
		run->source = functions_default_source(call->functions);
	run->target = target_of(run->spec);
	run->oxr = call_composite(call, "observed");
	run->xr_version = call_struct_text(call, run->oxr, "apiVersion");
	run->xr_kind = call_struct_text(call, run->oxr, "kind");
	run->dxr = own_object(call, dxr);
	json_put_str(run->dxr, "apiVersion", run->xr_version);
	json_put_str(run->dxr, "kind", run->xr_kind);
	run->connection = details ? json_copy(json_unconst(details)) : json_object();
	run->desired = desired ? json_copy(json_unconst(desired)) : json_object();
	run->data = json_array();
	run->extra = json_object();
	run->required = json_object();
	run->context = json_object();
}

static void end(struct kcl_run *run)
{
	json_t *const all[] = { run->dxr,      run->connection, run->desired, run->data,   run->extra,
		                    run->required, run->conditions, run->events,  run->context };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		json_decref(all[i]);
	free(run->xr_version);
	free(run->xr_kind);
	kcl_settings_done(&run->settings);
}

/* ---- the answer ---- */

static void answer_requirements(const struct kcl_run *run)
{
	if (json_object_size(run->extra) > 0 || json_object_size(run->required) > 0)
		json_object_set_new(run->call->response, "requirements",
		                    json_pack("{sO,sO}", "extra_resources", run->extra, "resources", run->required));
}

/* What the program wants told is merged over what the request says. */
static void answer_context(const struct kcl_run *run)
{
	static const struct field_path_merge replace = { 0 };
	_cleanup_json_ json_t *old = NULL;
	json_t *merged;

	if (json_object_size(run->context) == 0)
		return;
	old = call_struct(run->call, json_object_get(run->call->request, "context"));
	merged = json_is_object(old) ? json_copy(old) : json_object();
	json_merge_members(merged, run->context, &replace);
	json_object_set_new(run->call->response, "context", merged);
}

static void answer_state(const struct kcl_run *run)
{
	json_t *state = call_own_desired(run->call), *composite = json_pack("{sO}", "resource", run->dxr);
	const json_t *ready = json_at(run->call->request, "desired", "composite", "ready", NULL);

	if (json_object_size(run->connection) > 0)
		json_object_set(composite, "connection_details", run->connection);
	if (ready)
		json_object_set(composite, "ready", json_unconst(ready));
	json_object_set_new(state, "composite", composite);
	json_object_set(state, "resources", run->desired);
}

void kcl_function_run(struct function_call *call)
{
	_cleanup_(end) struct kcl_run run;
	_cleanup_err_ struct err err = { 0 };

	begin(&run, call);
	if (kcl_check_types(json_object_get(call->request, "input"), &err) < 0) {
		call_fatal(call, "%s", err_message(&err));
		return;
	}
	if (kcl_check_input(&run, &err) < 0) {
		call_fatal(call, "invalid function input: %s", err_message(&err));
		return;
	}
	if (kcl_run_program(&run) < 0)
		return;
	if (kcl_process_resources(&run, &err) < 0) {
		call_fatal(call, "cannot process xr and state with the pipeline output in *v1.RunFunctionResponse: %s",
		           err_message(&err));
		return;
	}
	answer_requirements(&run);
	if (kcl_answer_items(&run) < 0)
		return;
	answer_context(&run);
	answer_state(&run);
}
