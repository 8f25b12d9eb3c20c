#include "provider/provider.h"

#include "base/clock.h"
#include "base/str.h"
#include "kube/status.h"

#define DELETE_POLL_NS (2 * NS_PER_S)

struct provider_controller {
	struct kube_client *client;
	struct kube_informer *informer;
	struct provider_driver driver;
	struct kube_recorder *recorder;
	struct kube_controller *controller;
};

/* A write to an object that is gone meanwhile is a write that nobody misses. */
static int forgive_absence(int r, struct err *err)
{
	if (r == 0 || err->kind != ERR_NOT_FOUND)
		return r;
	err_clear(err);
	return 0;
}

/* Metadata is changed by patches that name the version they saw, so that a stale cache cannot undo anybody's change. */
static int patch_finalizers(struct provider_controller *c, const json_t *managed, struct err *err)
{
	_cleanup_json_ json_t *patch = json_pack("{s:{s:s, s:O?}}", "metadata", "resourceVersion",
	                                         kube_resource_version(managed), "finalizers",
	                                         json_object_get(kube_meta(managed), "finalizers"));
	_cleanup_json_ json_t *updated = NULL;
	int r = kube_patch(c->client, c->driver.type, kube_namespace(managed), kube_name(managed), KUBE_PATCH_MERGE, patch,
	                   NULL, &updated, err);
	if (r == 0 && !kube_is_deleting(updated))
		kube_informer_observe(c->informer, updated);
	return forgive_absence(r, err);
}

/* Brings the outside in line and observes it again when something was done. */
static int reconcile_outside(struct provider_controller *c, struct kube_pass *pass, const json_t *managed,
                             struct provider_observation *ret)
{
	struct provider_observation seen = { 0 };
	int r = c->driver.observe(c->driver.self, pass, managed, &seen);
	if (r < 0)
		return r;
	if (seen.exists && seen.up_to_date) {
		*ret = seen;
		return 0;
	}
	json_decref(seen.status);
	r = seen.exists ? c->driver.update(c->driver.self, pass, managed) : c->driver.create(c->driver.self, pass, managed);
	if (r < 0)
		return r;
	return c->driver.observe(c->driver.self, pass, managed, ret);
}

static json_t *build_status(const json_t *managed, const struct provider_observation *seen, const struct err *err)
{
	json_t *status = kube_status(managed) ? json_deep_copy(kube_status(managed)) : json_object();
	int64_t generation = kube_generation(managed), now = clock_wall_ns();

	if (seen && seen->status) {
		/* The driver's fields are replaced as a whole: what it no longer says is no longer so. */
		json_t *conditions = json_incref(json_ensure_array(status, "conditions"));
		json_object_clear(status);
		json_object_update(status, seen->status);
		json_put(status, "conditions", conditions);
	}
	json_put_int(status, "observedGeneration", generation);
	if (err) {
		kube_set_condition(status, "Synced", "False", "ReconcileError", err_message(err), generation, now);
		return status;
	}
	kube_set_condition(status, "Synced", "True", "ReconcileSuccess", "", generation, now);
	kube_set_condition(status, "Ready", seen->ready ? "True" : "False", seen->reason ? seen->reason : "Unknown",
	                   seen->message ? seen->message : "", generation, now);
	return status;
}

static int write_status(struct provider_controller *c, const json_t *managed, json_t *status, struct err *err)
{
	return forgive_absence(kube_write_status(c->client, c->driver.type, c->informer, managed, status, NULL, err), err);
}

/* Says it in the status, and as an event when it begins. Somebody who was faster is no failure: the next pass sees what
 * he did. */
static int report_failure(struct provider_controller *c, struct kube_pass *pass, const json_t *managed)
{
	if (pass->err->kind == ERR_CONFLICT)
		return -1;
	_cleanup_json_ json_t *status = build_status(managed, NULL, pass->err);
	_cleanup_err_ struct err write_err = { 0 };
	if (write_status(c, managed, status, &write_err) < 0)
		log_debug(pass->log, "writing the error into the status: %s", err_message(&write_err));
	if (pass->failures == 0)
		kube_event(c->recorder, managed, KUBE_EVENT_WARNING, "ReconcileError", "%s", err_message(pass->err));
	return -1;
}

static bool is_orphaned_on_delete(const json_t *managed)
{
	return str_eq(json_str_at(managed, "spec", "deletionPolicy", NULL), "Orphan");
}

/* 0: nothing of it is left outside that we would have to remove; 1: going. */
static int remove_outside(struct provider_controller *c, struct kube_pass *pass, const json_t *managed)
{
	if (!is_orphaned_on_delete(managed))
		return c->driver.del(c->driver.self, pass, managed);
	if (c->driver.forget)
		c->driver.forget(c->driver.self, pass, managed);
	return 0;
}

static int reconcile_deletion(struct provider_controller *c, struct kube_pass *pass, json_t *managed,
                              struct kube_result *result)
{
	if (!kube_has_finalizer(managed, SCIA_MANAGED_FINALIZER))
		return 0;
	int r = remove_outside(c, pass, managed);
	if (r < 0)
		return report_failure(c, pass, managed);
	if (r > 0) {
		result->requeue_after_ns = DELETE_POLL_NS;
		return 0;
	}
	kube_remove_finalizer(managed, SCIA_MANAGED_FINALIZER);
	return patch_finalizers(c, managed, pass->err);
}

static int reconcile_object(struct provider_controller *c, struct kube_pass *pass, json_t *managed,
                            struct kube_result *result)
{
	if (kube_is_deleting(managed))
		return reconcile_deletion(c, pass, managed, result);
	/* Paused holds everything but a deletion. */
	if (str_eq(kube_annotation(managed, "scia.io/paused"), "true"))
		return 0;
	if (kube_add_finalizer(managed, SCIA_MANAGED_FINALIZER))
		return patch_finalizers(c, managed, pass->err); /* comes back as a change of the object */

	struct provider_observation seen = { 0 };
	if (reconcile_outside(c, pass, managed, &seen) < 0)
		return report_failure(c, pass, managed);
	_cleanup_json_ json_t *status = build_status(managed, &seen, NULL);
	json_decref(seen.status);
	result->requeue_after_ns = seen.poll_after_ns;
	return write_status(c, managed, status, pass->err);
}

static int reconcile(void *self, struct kube_pass *pass, const struct kube_key *key, struct kube_result *result)
{
	struct provider_controller *c = self;
	_cleanup_json_ json_t *managed = kube_informer_get(c->informer, key->ns, key->name);
	return managed ? reconcile_object(c, pass, managed, result) : 0;
}

struct provider_controller *provider_controller_new(const struct provider_controller_config *config)
{
	struct provider_controller *c = new0(struct provider_controller);
	c->client = kube_client_ref(config->client);
	c->informer = config->informer;
	c->driver = config->driver;
	c->recorder = config->recorder;
	c->controller = kube_controller_new(&(struct kube_controller_config){
		.name = config->driver.type->plural,
		.workers = config->workers ? config->workers : 4,
		.reconcile = reconcile,
		.self = c,
		.log = config->log,
		.metrics = config->metrics,
	});
	kube_controller_watch(c->controller, c->informer);
	return c;
}

struct kube_controller *provider_controller_get(struct provider_controller *c)
{
	return c->controller;
}

struct provider_controller *provider_controller_free(struct provider_controller *c)
{
	if (!c)
		return NULL;
	kube_controller_stop(c->controller);
	kube_client_unref(c->client);
	free(c);
	return NULL;
}
