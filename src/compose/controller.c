/* The controller of composite resources: observe, run the pipeline, apply, report. */

#include "compose/compose.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/str.h"
#include "composed.h"
#include "function/function.h"
#include "kube/drift.h"
#include "kube/status.h"

#define COMPOSITE_FINALIZER "scia.io/composite"
#define FIELD_MANAGER "scia-composite"

struct compose_controller {
	struct compose_controller_config config;
	struct kube_controller *controller;
	struct metric *drift_total;
};

/* One reconcile of one composite. */
struct composition_pass {
	struct compose_controller *c;
	struct kube_pass *pass;
	json_t *composite; /* our own copy */
	json_t *observed;  /* {composition resource name: {resource}} */
	json_t *desired;   /* {resources: {name: {resource, ready}}} */
	json_t *rendered;  /* {name: object} */
	json_t *results;
};

static void composition_pass_done(struct composition_pass *p)
{
	json_decref(p->composite);
	json_decref(p->observed);
	json_decref(p->desired);
	json_decref(p->rendered);
	json_decref(p->results);
}

static const struct compose_composition *find_composition(struct compose_controller *c, const char *name)
{
	for (size_t i = 0; i < c->config.compositions_len; i++) {
		if (str_eq(c->config.compositions[i].name, name))
			return &c->config.compositions[i];
	}
	return NULL;
}

/* Index of the managed type of an object, or -1. */
static int managed_index(struct compose_controller *c, const json_t *object)
{
	for (size_t i = 0; i < c->config.managed_len; i++) {
		const struct kube_type *type = c->config.managed_types[i];
		_cleanup_free_ char *api_version = kube_type_api_version(type);
		if (str_eq(json_get_str(object, "kind"), type->kind) && str_eq(json_get_str(object, "apiVersion"), api_version))
			return (int)i;
	}
	return -1;
}

static json_t *observe_resources(struct compose_controller *c, const json_t *composite)
{
	json_t *observed = json_object();
	for (size_t i = 0; i < c->config.managed_len; i++) {
		_cleanup_json_ json_t *owned = kube_informer_by_index(c->config.managed[i], "owner", kube_uid(composite));
		size_t j;
		json_t *resource;
		json_array_foreach (owned, j, resource) {
			const char *name = kube_annotation(resource, COMPOSED_NAME_ANNOTATION);
			if (name)
				json_put(observed, name, json_pack("{s:O}", "resource", resource));
		}
	}
	return observed;
}

static int delete_resource(struct compose_controller *c, const json_t *resource, struct err *err)
{
	int i = managed_index(c, resource);
	if (i < 0 || kube_is_deleting(resource))
		return 0;
	return kube_delete(c->config.client, c->config.managed_types[i], kube_namespace(resource), kube_name(resource),
	                   kube_uid(resource), KUBE_FOREGROUND, err);
}

static int patch_composite(struct composition_pass *p, json_t *patch, const char *subresource)
{
	struct kube_patch_options options = { .subresource = subresource, .field_manager = FIELD_MANAGER };
	_cleanup_json_ json_t *updated = NULL;
	int r = kube_patch(p->c->config.client, &SCIA_INFRASTRUCTURE, kube_namespace(p->composite), kube_name(p->composite),
	                   KUBE_PATCH_MERGE, patch, &options, &updated, p->pass->err);
	if (r < 0)
		return r;
	kube_informer_observe(p->c->config.composites, updated);
	json_decref(p->composite);
	p->composite = json_incref(updated);
	return 0;
}

/* A merge patch that sets the finalizers the composite is to have. */
static json_t *finalizers_patch(const struct composition_pass *p)
{
	return json_pack("{s:{s:s, s:O?}}", "metadata", "resourceVersion", kube_resource_version(p->composite),
	                 "finalizers", json_object_get(kube_meta(p->composite), "finalizers"));
}

static int write_finalizers(struct composition_pass *p)
{
	_cleanup_json_ json_t *patch = finalizers_patch(p);
	return patch_composite(p, patch, NULL);
}

static int reconcile_deletion(struct composition_pass *p)
{
	const char *name;
	json_t *entry;

	if (!kube_has_finalizer(p->composite, COMPOSITE_FINALIZER))
		return 0;
	json_object_foreach (p->observed, name, entry) {
		if (delete_resource(p->c, json_object_get(entry, "resource"), p->pass->err) < 0)
			return -1;
	}
	if (json_object_size(p->observed) > 0)
		return 0; /* their end wakes us */
	kube_remove_finalizer(p->composite, COMPOSITE_FINALIZER);
	if (write_finalizers(p) < 0) {
		if (p->pass->err->kind != ERR_NOT_FOUND)
			return -1;
		err_clear(p->pass->err);
	}
	return 0;
}

/* Records what is going to exist before it is created, as Crossplane does, and in the same write the finalizer, so that
 * nothing is left behind. */
static int record_references(struct composition_pass *p)
{
	_cleanup_json_ json_t *references = json_array();
	const char *name;
	json_t *object;

	json_object_foreach (p->rendered, name, object) {
		json_array_append_new(references, json_pack("{s:s, s:s, s:s}", "apiVersion", json_get_str(object, "apiVersion"),
		                                            "kind", json_get_str(object, "kind"), "name", kube_name(object)));
	}
	bool is_new = kube_add_finalizer(p->composite, COMPOSITE_FINALIZER);
	bool is_recorded = json_same(references, json_at(p->composite, "spec", "crossplane", "resourceRefs", NULL));
	if (is_recorded && !is_new)
		return 0;
	_cleanup_json_ json_t *patch = is_new ? finalizers_patch(p) : json_object();
	if (!is_recorded)
		json_put(patch, "spec", json_pack("{s:{s:O}}", "crossplane", "resourceRefs", references));
	return patch_composite(p, patch, NULL);
}

static bool was_recorded(const struct composition_pass *p, const json_t *object)
{
	size_t i;
	json_t *reference;
	json_array_foreach (json_at(p->composite, "spec", "crossplane", "resourceRefs", NULL), i, reference) {
		if (str_eq(json_get_str(reference, "name"), kube_name(object)) &&
		    str_eq(json_get_str(reference, "kind"), json_get_str(object, "kind")))
			return true;
	}
	return false;
}

/* An object of that name that belongs to somebody else is not taken over. */
static int check_owner(struct composition_pass *p, int type, const json_t *object)
{
	_cleanup_json_ json_t *there = kube_informer_get(p->c->config.managed[type], kube_namespace(object),
	                                                 kube_name(object));
	const json_t *owner = kube_controller_of(there);
	const char *kind = json_get_str(object, "kind"), *name = kube_name(object);

	if (!there || kube_is_controlled_by(there, p->composite))
		return 0;
	/* Of an earlier composite of the same name: it is on its way out, and the next try comes soon. */
	if (kube_is_deleting(there))
		return err_set(p->pass->err, ERR_CONFLICT, "%s %s of an earlier composite is still being removed", kind, name);
	if (owner)
		return err_set(p->pass->err, ERR_ALREADY_EXISTS, "%s %s is there already and belongs to %s %s", kind, name,
		               json_get_str(owner, "kind"), json_get_str(owner, "name"));
	return err_set(p->pass->err, ERR_ALREADY_EXISTS,
	               "%s %s is there already and was not made for this: delete it, or name the Deployment otherwise",
	               kind, name);
}

static int apply_resource(struct composition_pass *p, const json_t *object)
{
	int i = managed_index(p->c, object);
	if (i < 0) {
		err_set(p->pass->err, ERR_INVALID, "composed resource %s %s: this control plane does not manage that kind",
		        json_get_str(object, "apiVersion"), json_get_str(object, "kind"));
		return err_set_terminal(p->pass->err);
	}
	if (check_owner(p, i, object) < 0)
		return -1;
	struct kube_patch_options options = { .field_manager = FIELD_MANAGER, .force = true };
	_cleanup_json_ json_t *applied = NULL;
	int r = kube_patch(p->c->config.client, p->c->config.managed_types[i], kube_namespace(object), kube_name(object),
	                   KUBE_PATCH_APPLY, object, &options, &applied, p->pass->err);
	if (r < 0)
		return err_wrap(p->pass->err, "applying %s %s", json_get_str(object, "kind"), kube_name(object));
	kube_informer_observe(p->c->config.managed[i], applied);
	return 0;
}

static int read_live(struct composition_pass *p, const json_t *object, json_t **ret)
{
	int i = managed_index(p->c, object);
	return kube_get(p->c->config.client, p->c->config.managed_types[i], kube_namespace(object), kube_name(object), ret,
	                NULL);
}

/* On the resource and on the Deployment it was made for: that is where people look. */
static void emit_drift(struct composition_pass *p, const json_t *object, const char *reason, const char *what)
{
	_cleanup_json_ json_t *deployment = kube_deployment_of(object);
	const char *kind = json_get_str(object, "kind"), *name = kube_name(object);
	if (str_eq(reason, "DriftDetected"))
		metric_add(p->c->drift_total, 1, METRIC_LABELS(kind));
	kube_event(p->c->config.recorder, object, KUBE_EVENT_NORMAL, reason, "%s", what);
	if (deployment)
		kube_event(p->c->config.recorder, deployment, KUBE_EVENT_NORMAL, reason, "%s %s: %s", kind, name, what);
}

/* Puts back what somebody changed behind our back, and says what it was and who. */
static int heal_drift(struct composition_pass *p, const json_t *object, json_t *drift)
{
	_cleanup_json_ json_t *live = NULL;
	const char *manager = read_live(p, object, &live) == 0 ? kube_last_spec_manager(live, FIELD_MANAGER) : NULL;
	_cleanup_free_ char *what = kube_describe_drift(drift, manager);

	emit_drift(p, live ? live : object, "DriftDetected", what);
	if (apply_resource(p, object) < 0)
		return -1;
	emit_drift(p, live ? live : object, "DriftHealed", "put back as it was declared");
	return 0;
}

static int restore_deleted(struct composition_pass *p, const json_t *object)
{
	emit_drift(p, object, "DriftDetected", "it was deleted");
	if (apply_resource(p, object) < 0)
		return -1;
	emit_drift(p, object, "DriftHealed", "created again");
	return 0;
}

static int reconcile_resource(struct composition_pass *p, const char *name, const json_t *object, bool recorded_before)
{
	const json_t *observed = json_at(p->observed, name, "resource", NULL);
	if (!observed)
		return recorded_before ? restore_deleted(p, object) : apply_resource(p, object);
	if (kube_is_deleting(observed))
		return 0; /* it comes back when it is gone */
	if (!str_eq(kube_annotation(observed, COMPOSED_HASH_ANNOTATION), kube_annotation(object, COMPOSED_HASH_ANNOTATION)))
		return apply_resource(p, object);
	_cleanup_json_ json_t *drift = json_array();
	kube_find_drift(object, observed, drift);
	if (json_array_size(drift) == 0)
		return 0;
	return heal_drift(p, object, drift);
}

/* Deletes what is there and no longer desired. */
static int delete_undesired(struct composition_pass *p)
{
	const char *name;
	json_t *entry;
	json_object_foreach (p->observed, name, entry) {
		if (!json_object_get(p->rendered, name) &&
		    delete_resource(p->c, json_object_get(entry, "resource"), p->pass->err) < 0)
			return -1;
	}
	return 0;
}

static int reconcile_resources(struct composition_pass *p)
{
	_cleanup_json_ json_t *before = json_object();
	const char *name;
	json_t *object;

	json_object_foreach (p->rendered, name, object) {
		if (was_recorded(p, object))
			json_object_set_new(before, name, json_true());
	}
	if (record_references(p) < 0)
		return -1;
	json_object_foreach (p->rendered, name, object) {
		if (reconcile_resource(p, name, object, json_object_get(before, name) != NULL) < 0)
			return -1;
	}
	return delete_undesired(p);
}

static int run_pipeline(struct composition_pass *p)
{
	const char *composition_name = json_str_at(p->composite, "spec", "crossplane", "compositionRef", "name", NULL);
	const struct compose_composition *composition = find_composition(p->c, composition_name);
	if (!composition) {
		err_set(p->pass->err, ERR_INVALID, "there is no composition named \"%s\" (spec.crossplane.compositionRef.name)",
		        composition_name ? composition_name : "");
		return err_set_terminal(p->pass->err);
	}
	if (compose_run(composition, p->composite, p->observed, &p->desired, &p->results, p->pass->err) < 0)
		return -1;
	p->rendered = json_object();
	const char *name;
	json_t *entry;
	json_object_foreach (json_object_get(p->desired, "resources"), name, entry)
		json_put(p->rendered, name, composed_render(p->composite, name, json_object_get(entry, "resource")));
	return 0;
}

/* Does its status speak about its present spec? */
static bool is_current(const json_t *resource)
{
	return resource && json_get_int(kube_status(resource), "observedGeneration", -1) == kube_generation(resource);
}

/* What a resource last said is no answer while it is on its way: NULL when it is not. */
static const char *transition_of(const json_t *observed)
{
	if (!observed)
		return "Creating";
	if (kube_is_deleting(observed))
		return "Deleting";
	return is_current(observed) ? NULL : "Pending";
}

/* {apiVersion, kind, name, ready, synced, reason, message} of one composed resource, as its own conditions say. */
static json_t *describe_resource(const struct composition_pass *p, const char *name, const json_t *object)
{
	const json_t *observed = json_at(p->observed, name, "resource", NULL);
	const json_t *ready = kube_condition(observed, "Ready"), *synced = kube_condition(observed, "Synced");
	int64_t declared = json_int(json_at(p->desired, "resources", name, "ready", NULL), FUNCTION_READY_UNSPECIFIED);
	bool is_ready = declared == FUNCTION_READY_TRUE ||
	                (declared != FUNCTION_READY_FALSE && kube_condition_is(observed, "Ready", "True"));
	bool is_synced = !kube_condition_is(observed, "Synced", "False");
	const json_t *says = is_synced ? ready : synced;
	const char *transition = transition_of(observed);
	const char *message = transition ? NULL : json_get_str(says, "message"), *reason = json_get_str(says, "reason");

	return json_pack("{s:s, s:s, s:s, s:b, s:b, s:s, s:s}", "apiVersion", json_get_str(object, "apiVersion"), "kind",
	                 json_get_str(object, "kind"), "name", kube_name(object), "ready", is_ready && !transition,
	                 "synced", is_synced, "reason", transition ? transition : (reason ? reason : "Pending"), "message",
	                 message ? message : "");
}

/* Endpoints and revisions come from the composed resources' status. */
static void collect_status(const struct composition_pass *p, json_t *status)
{
	_cleanup_json_ json_t *endpoints = json_array();
	const char *name;
	json_t *entry;

	json_put(status, "failedRevision", NULL);
	json_object_foreach (p->observed, name, entry) {
		const json_t *resource = json_object_get(entry, "resource"), *observed = kube_status(resource);
		const char *url = json_get_str(observed, "url");
		json_t *revision = json_object_get(observed, "revision"), *failed = json_object_get(observed, "failedRevision");
		if (url)
			json_array_append_new(endpoints, json_pack("{s:s, s:s}", "name", "application", "url", url));
		if (revision)
			json_object_set(status, "revision", revision);
		/* A verdict counts once it is about what is wanted now: the same revision may have been asked for again. */
		if (failed && is_current(resource))
			json_object_set(status, "failedRevision", failed);
	}
	json_object_set(status, "endpoints", endpoints);
}

static json_t *build_status(const struct composition_pass *p)
{
	json_t *status = kube_status(p->composite) ? json_deep_copy(kube_status(p->composite)) : json_object();
	int64_t generation = kube_generation(p->composite), now = clock_wall_ns();
	json_put_int(status, "observedGeneration", generation);
	if (err_is_set(p->pass->err)) {
		kube_set_condition(status, "Synced", "False", "ReconcileError", err_message(p->pass->err), generation, now);
		return status;
	}
	json_t *resources = json_array();
	const json_t *failing = NULL;
	const char *name;
	json_t *object;
	json_object_foreach (p->rendered, name, object) {
		json_t *description = describe_resource(p, name, object);
		json_array_append_new(resources, description);
		if (!failing && !json_get_bool(description, "ready", false))
			failing = description;
	}
	json_put(status, "resources", resources);
	collect_status(p, status);
	kube_set_condition(status, "Synced", "True", "ReconcileSuccess", "", generation, now);
	_cleanup_free_ char *message = failing ? xasprintf("%s %s: %s", json_get_str(failing, "kind"),
	                                                   json_get_str(failing, "name"), json_get_str(failing, "message"))
	                                       : xstrdup("");
	kube_set_condition(status, "Ready", failing ? "False" : "True",
	                   failing ? json_get_str(failing, "reason") : "Available", message, generation, now);
	return status;
}

static int reconcile_composite(struct composition_pass *p)
{
	if (run_pipeline(p) < 0 || reconcile_resources(p) < 0)
		return -1;
	/* What was just applied is in the caches. */
	json_decref(p->observed);
	p->observed = observe_resources(p->c, p->composite);
	return 0;
}

static int reconcile(void *self, struct kube_pass *pass, const struct kube_key *key,
                     struct kube_result *result _unused_)
{
	struct compose_controller *c = self;
	_cleanup_(composition_pass_done) struct composition_pass p = { .c = c, .pass = pass };

	p.composite = kube_informer_get(c->config.composites, key->ns, key->name);
	if (!p.composite)
		return 0;
	p.observed = observe_resources(c, p.composite);
	if (kube_is_deleting(p.composite))
		return reconcile_deletion(&p);
	/* Paused holds everything but a deletion. */
	if (str_eq(kube_annotation(p.composite, "scia.io/paused"), "true"))
		return 0;
	int r = reconcile_composite(&p);
	if (r < 0 && pass->err->kind == ERR_CONFLICT)
		return r; /* somebody else was faster: look again, nothing to report */
	_cleanup_json_ json_t *status = build_status(&p);
	_cleanup_err_ struct err status_err = { 0 };
	int written = kube_write_status(c->config.client, &SCIA_INFRASTRUCTURE, c->config.composites, p.composite, status,
	                                NULL, &status_err);
	if (r == 0 && written < 0)
		err_move(pass->err, &status_err);
	return r < 0 ? r : written;
}

struct compose_controller *compose_controller_new(const struct compose_controller_config *config)
{
	struct compose_controller *c = new0(struct compose_controller);
	c->config = *config;
	c->config.managed = xmemdup(config->managed, config->managed_len * sizeof(*config->managed));
	c->config.managed_types = xmemdup(config->managed_types, config->managed_len * sizeof(*config->managed_types));
	if (config->metrics)
		c->drift_total = metrics_counter(config->metrics, "scia_drift_total",
		                                 "Differences found between what is and what was declared.", "kind");
	c->controller = kube_controller_new(&(struct kube_controller_config){
		.name = "infrastructures",
		.workers = config->workers ? config->workers : 4,
		.reconcile = reconcile,
		.self = c,
		.log = config->log,
		.metrics = config->metrics,
	});
	kube_controller_watch(c->controller, config->composites);
	for (size_t i = 0; i < config->managed_len; i++)
		kube_controller_watch_owned(c->controller, config->managed[i], &SCIA_INFRASTRUCTURE);
	return c;
}

struct kube_controller *compose_controller_get(struct compose_controller *c)
{
	return c->controller;
}

struct compose_controller *compose_controller_free(struct compose_controller *c)
{
	if (!c)
		return NULL;
	kube_controller_stop(c->controller);
	freep(&c->config.managed);
	freep(&c->config.managed_types);
	free(c);
	return NULL;
}
