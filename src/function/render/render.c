#include "render/render_internal.h"

#include "base/str.h"
#include "call.h"

#include <stdlib.h>

#define UNREADY_NAMED 3

/* ---- is it sound? ---- */

static int check_labels(const struct render_input *in, struct err *err)
{
	const json_t *wanted = json_at(in->xr, "spec", "compositionSelector", "matchLabels", NULL);
	const json_t *labels = json_at(in->composition, "metadata", "labels", NULL);
	const char *key, *name = object_name(in->composition);
	json_t *value;

	json_object_foreach (json_unconst(wanted), key, value) {
		const char *there = json_get_str(labels, key);

		if (!there)
			return err_set(err, ERR_INVALID, "composition \"%s\" is missing required label \"%s\"", name, key);
		if (!str_eq(there, json_string_value(value)))
			return err_set(err, ERR_INVALID,
			               "composition \"%s\" has incorrect value for label \"%s\": want \"%s\", got \"%s\"", name,
			               key, json_string_value(value), there);
	}
	return 0;
}

static int check(const struct render_input *in, struct err *err)
{
	const char *kind = json_get_str(in->xr, "kind"), *version = json_get_str(in->xr, "apiVersion");
	const json_t *ref = json_at(in->composition, "spec", "compositeTypeRef", NULL);
	const char *ref_kind = json_get_str(ref, "kind"), *ref_version = json_get_str(ref, "apiVersion");

	if (!kind || !version)
		return err_set(err, ERR_INVALID, "cannot load composite resource: Object 'Kind' is missing");
	if (!str_eq(json_get_str(in->composition, "kind"), "Composition"))
		return err_set(err, ERR_INVALID, "not a composition: %s/%s", json_get_str(in->composition, "kind"),
		               object_name(in->composition));
	if (!str_eq(ref_kind, kind))
		return err_set(err, ERR_INVALID, "composition's compositeTypeRef.kind (%s) does not match XR's kind (%s)",
		               ref_kind ? ref_kind : "", kind);
	if (!str_eq(ref_version, version))
		return err_set(err, ERR_INVALID,
		               "composition's compositeTypeRef.apiVersion (%s) does not match XR's apiVersion (%s)",
		               ref_version ? ref_version : "", version);
	if (check_labels(in, err) < 0)
		return -1;
	const char *mode = json_str_at(in->composition, "spec", "mode", NULL);

	/* Crossplane 2 has no other mode, and defaults to it. */
	if (mode ? !str_eq(mode, "Pipeline") : in->form == RENDER_V1)
		return err_set(
			err, ERR_INVALID,
			"render only supports Composition Function pipelines: Composition \"%s\" must use spec.mode: Pipeline",
			object_name(in->composition));
	return 0;
}

/* ---- before ---- */

/* All that functions may ask for; 2.3 looks among all that there is. */
static json_t *join_resources(const struct render_input *in)
{
	json_t *all = json_array();

	if (in->form == RENDER_RECONCILE && in->required)
		json_array_extend(all, json_unconst(in->required));
	if (in->extra)
		json_array_extend(all, json_unconst(in->extra));
	if (in->form != RENDER_RECONCILE && in->required)
		json_array_extend(all, json_unconst(in->required));
	if (in->form == RENDER_RECONCILE && in->observed)
		json_array_extend(all, json_unconst(in->observed));
	return all;
}

static int begin(struct render *r, struct functions *f, const struct render_input *in, struct err *err)
{
	json_t *resources, *object;
	size_t i;

	*r = (struct render){ .functions = f, .in = in, .xr = json_incref(json_unconst(in->xr)) };
	_cleanup_json_ json_t *joined = join_resources(in);
	r->resources = render_as_struct(joined);
	r->conditions = json_array();
	r->results = json_array();
	if (in->form == RENDER_RECONCILE && render_reconcile_begin(r, err) < 0)
		return -1;
	resources = json_object();
	json_array_foreach (in->observed, i, object) {
		const char *name = object_annotation(object, RENDER_RESOURCE_NAME);

		json_object_set_new(resources, name ? name : "", json_pack("{so}", "resource", render_as_struct(object)));
	}
	r->observed = json_pack("{s{so},so}", "composite", "resource", render_as_struct(r->xr), "resources", resources);
	r->desired = json_object();
	r->context = in->context ? render_as_struct(in->context) : json_object();
	return 0;
}

static void end(struct render *r)
{
	json_decref(r->xr);
	json_decref(r->observed);
	json_decref(r->resources);
	json_decref(r->desired);
	json_decref(r->context);
	json_decref(r->conditions);
	json_decref(r->results);
}

/* ---- after ---- */

/* "Unready resources: a, b, and c"; NULL when all are ready. free(). */
static char *unready_message(const json_t *resources)
{
	size_t len, unready = 0;
	_cleanup_free_ const char **names = json_keys_in_order(resources, &len);
	_cleanup_buf_ struct buf out = BUF_INIT((size_t)1024 * 1024);

	for (size_t i = 0; i < len; i++)
		if (json_int(json_at(resources, names[i], "ready", NULL), 0) != FUNCTION_READY_TRUE)
			names[unready++] = names[i];
	if (unready == 0)
		return NULL;
	buf_puts(&out, "Unready resources: ");
	for (size_t i = 0; i < unready && i < UNREADY_NAMED; i++)
		buf_printf(&out, "%s%s%s", i > 0 ? ", " : "", unready == UNREADY_NAMED && i == UNREADY_NAMED - 1 ? "and " : "",
		           names[i]);
	if (unready > UNREADY_NAMED)
		buf_printf(&out, ", and %zu more", unready - UNREADY_NAMED);
	return buf_steal(&out);
}

static json_t *ready_condition(const struct render *r)
{
	_cleanup_free_ char *message = unready_message(json_object_get(r->desired, "resources"));
	int64_t ready = json_int(json_at(r->desired, "composite", "ready", NULL), FUNCTION_READY_UNSPECIFIED);

	if (render_is_v2(r) && ready == FUNCTION_READY_FALSE)
		return render_condition("Ready", "False", "Creating", NULL);
	if (message && (!render_is_v2(r) || ready == FUNCTION_READY_UNSPECIFIED))
		return render_condition("Ready", "False", "Creating", message);
	return render_condition("Ready", "True", "Available", NULL);
}

static json_t *render_composite(const struct render *r, json_t *ready)
{
	static const char *const reserved[] = { "Ready", "Synced", "Healthy", NULL };
	const json_t *desired = json_at(r->desired, "composite", "resource", NULL), *xr = r->in->xr;
	json_t *out = desired ? json_clone(desired) : json_object(), *condition;
	size_t i;

	json_object_set(out, "apiVersion", json_object_get(xr, "apiVersion"));
	json_object_set(out, "kind", json_object_get(xr, "kind"));
	render_set_metadata(out, "name", object_name(xr));
	if (render_is_v2(r))
		render_set_metadata(out, "namespace", object_namespace(xr));
	render_set_condition(out, ready);
	json_array_foreach (r->conditions, i, condition)
		if (!str_in(json_get_str(condition, "type"), reserved))
			render_set_condition(out, condition);
	if (r->in->include_full_xr) {
		json_object_set(out, "spec", json_object_get(xr, "spec"));
		json_object_set(out, "metadata", json_object_get(xr, "metadata"));
	}
	return out;
}

/* ---- what 2.3 tells, and hides ---- */

static void tell_namespace(struct render *r, const char *name, const json_t *object)
{
	const char *ns = object_namespace(r->xr), *wanted = object_namespace(object);

	if (ns[0] == '\0' || wanted[0] == '\0' || str_eq(ns, wanted))
		return;
	_cleanup_free_ char *message = xasprintf(
		"cannot create composed resource \"%s\" in namespace \"%s\", using XR namespace \"%s\" instead", name, wanted,
		ns);
	render_add_result(r, "", FUNCTION_WARNING, "NamespaceOverridden", message);
}

static void tell_unready(struct render *r, const char *name)
{
	if (json_int(json_at(r->desired, "resources", name, "ready", NULL), 0) == FUNCTION_READY_TRUE)
		return;
	_cleanup_free_ char *message = xasprintf("Composed resource \"%s\" is not yet ready", name);
	render_add_result(r, "", FUNCTION_NORMAL, "ComposeResources", message);
}

/* All conditions have the same time, so that the output is the same each time. Upstream does it by setting them, to
 * null where there are none. */
static void freeze_times(const json_t *documents)
{
	json_t *document, *condition;
	size_t i, j;

	json_array_foreach (documents, i, document) {
		json_t *status = json_object_get(document, "status");

		if (json_is_object(status) && !json_object_get(status, "conditions"))
			json_object_set_new(status, "conditions", json_null());
		json_array_foreach (json_object_get(status, "conditions"), j, condition)
			if (json_is_object(condition))
				json_put_str(condition, "lastTransitionTime", RENDER_CONDITION_TIME);
	}
}

/* Into an empty array, by their names in the composition. */
static int add_resources(struct render *r, json_t *documents, struct err *err)
{
	const json_t *resources = json_object_get(r->desired, "resources");
	size_t len;
	_cleanup_free_ const char **names = json_keys_in_order(resources, &len);

	for (size_t i = 0; i < len; i++) {
		const json_t *desired = json_at(resources, names[i], "resource", NULL);
		const json_t *observed = json_at(r->observed, "resources", names[i], "resource", NULL);
		json_t *object = desired ? json_clone(desired) : json_object();

		json_array_append_new(documents, object);
		if (r->in->form == RENDER_RECONCILE)
			tell_namespace(r, names[i], object);
		if (render_metadata(r, object, observed, names[i], err) < 0)
			return err_wrap(err, "cannot render composed resource \"%s\" metadata", names[i]);
		if (r->in->form == RENDER_RECONCILE)
			render_generate_name(r, object, names[i]);
	}
	for (size_t i = 0; i < len && r->in->form == RENDER_RECONCILE; i++)
		tell_unready(r, names[i]);
	return 0;
}

static bool is_empty(const json_t *v)
{
	return json_is_null(v) || json_is_false(v) || (json_is_string(v) && json_string_length(v) == 0) ||
	       (json_is_integer(v) && json_integer_value(v) == 0) || (json_is_object(v) && json_object_size(v) == 0) ||
	       (json_is_array(v) && json_array_size(v) == 0);
}

/* Deeply: what from has; its empty values change nothing. */
static void merge_over(json_t *into, const json_t *from)
{
	const char *key;
	json_t *value;

	json_object_foreach (json_unconst(from), key, value) {
		json_t *old = json_object_get(into, key);

		if (json_is_object(old) && json_is_object(value))
			merge_over(old, value);
		else if (!old || !is_empty(value))
			json_object_set(into, key, value);
	}
}

/* The composite's document, without what only the full one has. */
static json_t *composite_document(struct render *r, const json_t *resources)
{
	_cleanup_json_ json_t *ready = ready_condition(r), *made = NULL;
	json_t *full;

	if (r->in->form != RENDER_RECONCILE)
		return render_composite(r, ready);
	made = render_reconcile_composite(r, resources, ready);
	if (!r->in->include_full_xr)
		return TAKE_PTR(made);
	full = json_clone(r->in->xr);
	merge_over(full, made);
	return full;
}

bool render_form_parse(const char *version, enum render_form *ret)
{
	const char *p = version + (version[0] == 'v');
	unsigned long major = strtoul(p, NULL, 10), minor = 0;
	const char *dot = strchr(p, '.');

	if (dot)
		minor = strtoul(dot + 1, NULL, 10);
	if (major != 1 && major != 2)
		return false;
	*ret = major == 1 ? RENDER_V1 : minor >= 3 ? RENDER_RECONCILE : RENDER_V2;
	return true;
}

int render_run(struct functions *f, const struct render_input *in, json_t **ret, struct err *err)
{
	_cleanup_(end) struct render r = { 0 };
	_cleanup_json_ json_t *documents = json_array(), *resources = json_array();

	if (check(in, err) < 0)
		return -1;
	if (in->include_full_xr && in->form != RENDER_RECONCILE && !json_object_get(in->xr, "spec"))
		return err_set(err, ERR_INVALID, "cannot get composite resource spec: spec: no such field");
	if (begin(&r, f, in, err) < 0 || render_pipeline(&r, err) < 0 || add_resources(&r, resources, err) < 0)
		return err_wrap(err, "cannot render composite resource");
	json_array_append_new(documents, composite_document(&r, resources));
	json_array_extend(documents, resources);
	if (in->form == RENDER_RECONCILE)
		freeze_times(documents);
	if (in->include_results)
		json_array_extend(documents, r.results);
	if (in->include_context && r.context)
		json_array_append_new(documents, json_pack("{ss,ss,sO}", "apiVersion", "render.crossplane.io/v1beta1", "kind",
		                                           "Context", "fields", r.context));
	*ret = TAKE_PTR(documents);
	return 0;
}
