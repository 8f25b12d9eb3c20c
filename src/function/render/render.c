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

static void begin(struct render *r, struct functions *f, const struct render_input *in)
{
	json_t *resources = json_object(), *object;
	size_t i;

	*r = (struct render){ .functions = f, .in = in };
	json_array_foreach (in->observed, i, object) {
		const char *name = object_annotation(object, RENDER_RESOURCE_NAME);

		json_object_set_new(resources, name ? name : "", json_pack("{sO}", "resource", object));
	}
	r->observed = json_pack("{s{sO},so}", "composite", "resource", json_unconst(in->xr), "resources", resources);
	r->desired = json_object();
	r->context = in->context ? json_copy(json_unconst(in->context)) : json_object();
	r->conditions = json_array();
	r->results = json_array();
}

static void end(struct render *r)
{
	json_decref(r->observed);
	json_decref(r->desired);
	json_decref(r->context);
	json_decref(r->conditions);
	json_decref(r->results);
}

/* ---- after ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of desired resources, sorted; free(). */
static const char **sorted_names(const json_t *resources, size_t *ret_len)
{
	const char **names = xcalloc(json_object_size(resources) + 1, sizeof(*names)), *name;
	json_t *entry;
	size_t n = 0;

	json_object_foreach (json_unconst(resources), name, entry)
		names[n++] = name;
	qsort(names, n, sizeof(*names), by_text);
	*ret_len = n;
	return names;
}

/* "Unready resources: a, b, and c"; NULL when all are ready. free(). */
static char *unready_message(const json_t *resources)
{
	size_t len, unready = 0;
	_cleanup_free_ const char **names = sorted_names(resources, &len);
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

	if (r->in->form == RENDER_V2 && ready == FUNCTION_READY_FALSE)
		return render_condition("Ready", "False", "Creating", NULL);
	if (message && (r->in->form == RENDER_V1 || ready == FUNCTION_READY_UNSPECIFIED))
		return render_condition("Ready", "False", "Creating", message);
	return render_condition("Ready", "True", "Available", NULL);
}

static json_t *render_composite(const struct render *r)
{
	static const char *const reserved[] = { "Ready", "Synced", "Healthy", NULL };
	const json_t *desired = json_at(r->desired, "composite", "resource", NULL), *xr = r->in->xr;
	json_t *out = desired ? json_clone(desired) : json_object(), *condition;
	_cleanup_json_ json_t *ready = ready_condition(r);
	size_t i;

	json_object_set(out, "apiVersion", json_object_get(xr, "apiVersion"));
	json_object_set(out, "kind", json_object_get(xr, "kind"));
	if (object_name(xr)[0] != '\0')
		json_put_str(json_ensure_object(out, "metadata"), "name", object_name(xr));
	if (r->in->form == RENDER_V2 && object_namespace(xr)[0] != '\0')
		json_put_str(json_ensure_object(out, "metadata"), "namespace", object_namespace(xr));
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

static int add_resources(const struct render *r, json_t *documents, struct err *err)
{
	const json_t *resources = json_object_get(r->desired, "resources");
	size_t len;
	_cleanup_free_ const char **names = sorted_names(resources, &len);

	for (size_t i = 0; i < len; i++) {
		const json_t *desired = json_at(resources, names[i], "resource", NULL);
		const json_t *observed = json_at(r->observed, "resources", names[i], "resource", NULL);
		json_t *object = desired ? json_clone(desired) : json_object();

		json_array_append_new(documents, object);
		if (render_metadata(r->in, object, observed, names[i], err) < 0)
			return err_wrap(err, "cannot render composed resource \"%s\" metadata", names[i]);
	}
	return 0;
}

int render_run(struct functions *f, const struct render_input *in, json_t **ret, struct err *err)
{
	_cleanup_(end) struct render r = { 0 };
	_cleanup_json_ json_t *documents = json_array();

	if (check(in, err) < 0)
		return -1;
	if (in->include_full_xr && !json_object_get(in->xr, "spec"))
		return err_set(err, ERR_INVALID, "cannot get composite resource spec: spec: no such field");
	begin(&r, f, in);
	if (render_pipeline(&r, err) < 0)
		return err_wrap(err, "cannot render composite resource");
	json_array_append_new(documents, render_composite(&r));
	if (add_resources(&r, documents, err) < 0)
		return err_wrap(err, "cannot render composite resource");
	if (in->include_results)
		json_array_extend(documents, r.results);
	if (in->include_context && r.context)
		json_array_append_new(documents, json_pack("{ss,ss,sO}", "apiVersion", "render.crossplane.io/v1beta1", "kind",
		                                           "Context", "fields", r.context));
	*ret = TAKE_PTR(documents);
	return 0;
}
