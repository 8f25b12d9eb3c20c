/* The end of a Deployment: first the Infrastructure and all it is made of, then the Deployment itself. */

#include "deployment.h"

#include "base/str.h"

static int write_finalizers(struct deployment_pass *p)
{
	_cleanup_json_ json_t *patch = json_pack("{s:{s:s, s:O?}}", "metadata", "resourceVersion",
	                                         kube_resource_version(p->object), "finalizers",
	                                         json_object_get(kube_meta(p->object), "finalizers"));
	struct kube_patch_options options = { .field_manager = OPERATOR_FIELD_MANAGER };
	_cleanup_json_ json_t *updated = NULL;
	if (kube_patch(p->op->config.client, &SCIA_DEPLOYMENT, kube_namespace(p->object), kube_name(p->object),
	               KUBE_PATCH_MERGE, patch, &options, &updated, p->pass->err) < 0)
		return -1;
	json_decref(p->object);
	p->object = TAKE_PTR(updated);
	return 0;
}

static int release(struct deployment_pass *p)
{
	kube_remove_finalizer(p->object, DEPLOYMENT_FINALIZER);
	deployment_event(p, KUBE_EVENT_NORMAL, "Deleted", "everything that was made for it is gone");
	if (write_finalizers(p) < 0) {
		if (p->pass->err->kind != ERR_NOT_FOUND)
			return -1;
		err_clear(p->pass->err);
	}
	json_decref(p->object);
	p->object = NULL;
	return STEP_STOP;
}

int step_delete(struct deployment_pass *p)
{
	if (!kube_is_deleting(p->object)) {
		/* Before anything is made, so that nothing can be left behind. */
		if (!kube_add_finalizer(p->object, DEPLOYMENT_FINALIZER))
			return STEP_CONTINUE;
		if (write_finalizers(p) < 0)
			return -1;
		kube_informer_observe(p->op->deployments, p->object);
		return STEP_CONTINUE;
	}
	if (!kube_has_finalizer(p->object, DEPLOYMENT_FINALIZER))
		return STEP_STOP;
	if (!p->infrastructure)
		return release(p);
	deployment_phase(p, "Deleting");
	deployment_condition(p, "Ready", "False", "Deleting", "waiting for Infrastructure %s to go",
	                     kube_name(p->infrastructure));
	if (!kube_is_deleting(p->infrastructure) &&
	    kube_delete(p->op->config.client, &SCIA_INFRASTRUCTURE, kube_namespace(p->infrastructure),
	                kube_name(p->infrastructure), kube_uid(p->infrastructure), KUBE_FOREGROUND, p->pass->err) < 0)
		return err_wrap(p->pass->err, "deleting Infrastructure %s", kube_name(p->infrastructure));
	return STEP_STOP; /* its end wakes us */
}
