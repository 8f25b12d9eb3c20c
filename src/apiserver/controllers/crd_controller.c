#include "base/clock.h"
#include "base/str.h"
#include "codec/sha256.h"
#include "controllers.h"
#include "crd_names.h"
#include "types/crd.h"
#include "types/crd_type.h"
#include "rest/deletion.h"
#include "internal_write.h"
#include "kube/object.h"
#include "loop.h"
#include "objects/object_view.h"
#include "patch/apply.h"
#include "server.h"
#include "rest/watch.h"

#define LOOK_AGAIN_NS (200 * NS_PER_MS)

/* What is served for a CRD, to see whether a change of it matters. */
struct served {
	int64_t generation;
	bool deleting;
	struct crd_text *text; /* where the type's schemas are read from */
};

static const struct internal_identity SERVER = { INTERNAL_SERVER, "status" };

struct crd_controller {
	struct apiserver *server;
	struct api_type *type; /* of CRDs */
	struct store_watch *watch;
	struct loop *loop;
	pthread_mutex_t lock;    /* for the rest */
	struct map *served;      /* name → struct served */
	struct crd_names *names; /* who has which */
};

static void served_free(void *v)
{
	struct served *s = v;

	crd_text_unref(s->text);
	free(s);
}

/* ---- serving ---- */

/* A type of the server's own cannot be replaced. */
static bool hides_builtin(struct apiserver *s, const json_t *crd)
{
	_cleanup_(api_type_unrefp) struct api_type *t = registry_find(
		s->registry, json_str_at(crd, "spec", "group", NULL), NULL, json_str_at(crd, "spec", "names", "plural", NULL));

	return t && !t->custom;
}

/* Of all that a type is made from. */
static uint64_t stamp_of(const json_t *crd, const json_t *names)
{
	_cleanup_free_ char *words = json_to_str(names);
	_cleanup_free_ char *text = xasprintf("%s %jd %s", kube_uid(crd), (intmax_t)kube_generation(crd), words);
	uint8_t hash[32];
	uint64_t stamp;

	sha256(text, strlen(text), hash);
	memcpy(&stamp, hash, sizeof(stamp));
	return stamp;
}

/* Under the lock. What was served before stays, when the new state cannot be. */
static void put_type(struct crd_controller *c, const struct store_object *o, json_t *crd,
                     const struct crd_names_verdict *v)
{
	struct apiserver *s = c->server;
	struct served now = { .generation = kube_generation(crd), .deleting = kube_is_deleting(crd) };
	_cleanup_err_ struct err err = { 0 };

	if (hides_builtin(s, crd)) {
		log_warn(s->log, "%s is not served: the server has a type of this name itself", o->name);
		return;
	}
	json_object_set(json_object_get(crd, "spec"), "names", v->accepted);
	now.text = crd_text_new(o->text);
	struct api_type *t = crd_type_new(json_object_get(crd, "spec"), now.text, &err);
	if (!t) {
		log_warn(s->log, "%s is not served: %s", o->name, err_message(&err));
		crd_text_unref(now.text);
		return;
	}
	t->terminating = now.deleting;
	t->defaults_since = o->version;
	t->stamp = stamp_of(crd, v->accepted);
	registry_put(s->registry, t);
	map_set(c->served, o->name, xmemdup(&now, sizeof(now)));
}

static void queue_neighbour(void *self, const char *crd)
{
	struct crd_controller *c = self;

	loop_add(c->loop, crd);
}

/* A CRD is served as soon as its names are accepted; later conflicts leave it the names it has. */
static void serve_value(struct crd_controller *c, const struct store_object *o, json_t *crd)
{
	struct crd_names_verdict verdict;

	MUTEX_GUARD(&c->lock);
	const struct served *before = map_get(c->served, o->name);
	crd_names_judge(c->names, crd, &verdict);
	if (crd_names_claim(c->names, o->name, json_str_at(crd, "spec", "group", NULL), verdict.accepted, verdict.reason))
		crd_names_each_waiting(c->names, o->name, queue_neighbour, c);
	if (before && before->generation == kube_generation(crd) && before->deleting == kube_is_deleting(crd))
		crd_text_set(before->text, o->text);
	else if (!verdict.reason || kube_condition_is(crd, "Established", "True"))
		put_type(c, o, crd, &verdict);
	crd_names_verdict_clear(&verdict);
}

/* All of it but its schemas. Written with the CRD; one that an older program wrote is read. */
static json_t *summary_of(const struct crd_controller *c, const struct store_object *o)
{
	const char *text = store_object_field(o, CRD_SUMMARY_FIELD);
	json_t *summary = text ? json_parse(text, strlen(text), 0, NULL) : NULL;

	return summary ? summary : object_stored_value(c->type, o);
}

static void serve(struct crd_controller *c, const struct store_object *o)
{
	_cleanup_json_ json_t *crd = summary_of(c, o);

	serve_value(c, o, crd);
}

/* Name "plural.group" of a CRD. */
static void unserve(struct crd_controller *c, const char *name)
{
	const char *dot = strchr(name, '.');

	MUTEX_GUARD(&c->lock);
	crd_names_each_waiting(c->names, name, queue_neighbour, c);
	crd_names_forget(c->names, name);
	if (!dot || !map_del(c->served, name))
		return;
	_cleanup_free_ char *plural = xstrndup(name, (size_t)(dot - name));
	registry_remove(c->server->registry, dot + 1, plural);
}

/* On the committer's thread, so that whoever is told of the CRD finds its type served. */
static void on_change(void *self, const struct store_change *change)
{
	struct crd_controller *c = self;

	if (change->type == STORE_DELETED)
		unserve(c, change->object->name);
	else
		serve(c, change->object);
	loop_add(c->loop, change->object->name);
}

/* ---- status ---- */

static void set_names(struct crd_controller *c, json_t *obj)
{
	struct crd_names_verdict v;

	pthread_mutex_lock(&c->lock);
	crd_names_judge(c->names, obj, &v);
	pthread_mutex_unlock(&c->lock);
	json_put(json_ensure_object(obj, "status"), "acceptedNames", json_incref(v.accepted));
	crd_set_condition(obj, "NamesAccepted", !v.reason, v.reason ? v.reason : "NoConflicts",
	                  v.reason ? v.message : "no conflicts found");
	if (!kube_condition_is(obj, "Established", "True"))
		crd_set_condition(obj, "Established", !v.reason, v.reason ? "NotAccepted" : "InitialNamesAccepted",
		                  v.reason ? "not all names are accepted" : "the initial names have been accepted");
	crd_names_verdict_clear(&v);
}

static void set_approval(json_t *obj)
{
	static const char *const REASONS[] = { [CRD_APPROVAL_INVALID] = "InvalidAnnotation",
		                                   [CRD_APPROVAL_GIVEN] = "ApprovedAnnotation",
		                                   [CRD_APPROVAL_BYPASSED] = "UnapprovedAnnotation",
		                                   [CRD_APPROVAL_MISSING] = "MissingAnnotation" };
	_cleanup_free_ char *words = NULL;

	if (!crd_group_is_protected(json_str_at(obj, "spec", "group", NULL)))
		return;
	enum crd_approval a = crd_approval(obj, &words);
	crd_set_condition(obj, "KubernetesAPIApprovalPolicyConformant", a == CRD_APPROVAL_GIVEN, REASONS[a], words);
}

/* Deletes the instances. 1 when none is left. */
static int remove_instances(struct crd_controller *c, const json_t *crd, struct err *err)
{
	struct apiserver *s = c->server;
	_cleanup_(api_type_unrefp) struct api_type *t = registry_find(
		s->registry, json_str_at(crd, "spec", "group", NULL), NULL, json_str_at(crd, "spec", "names", "plural", NULL));
	struct store_list list;

	if (!t)
		return 1;
	const struct store_list_query query = { .resource = t->resource, .ns = "" };
	if (store_list(s->store, &query, &list, err) < 0)
		return -1;
	int r = deletion_run_all(s, t, &list, PROPAGATION_DEFAULT, err);
	store_list_clear(&list);
	if (r < 0)
		return -1;
	return store_count(s->store, t->resource, "") == 0;
}

static int finish_deletion(struct crd_controller *c, json_t *obj, int64_t *ret_after_ns, struct err *err)
{
	bool established = kube_condition_is(obj, "Established", "True");
	int r = kube_has_finalizer(obj, CRD_CLEANUP) && established ? remove_instances(c, obj, err) : 1;

	if (r < 0)
		return -1;
	if (r == 0) {
		crd_set_condition(obj, "Terminating", true, "InstanceDeletionInProgress",
		                  "CustomResource deletion is in progress");
		*ret_after_ns = LOOK_AGAIN_NS;
		return 0;
	}
	crd_set_condition(obj, "Terminating", false, established ? "InstanceDeletionCompleted" : "NeverEstablished",
	                  established ? "removed all instances" : "resource was never established");
	kube_remove_finalizer(obj, CRD_CLEANUP);
	return 0;
}

/* Whoever still watches the type learns by the end of the watch that it is gone. */
static void end_watches(struct crd_controller *c, const char *name)
{
	const char *dot = strchr(name, '.');

	if (!dot || !c->server->watches)
		return;
	_cleanup_free_ char *resource = xasprintf("%s/%.*s", dot + 1, (int)(dot - name), name);
	watch_hub_end_resource(c->server->watches, resource);
}

/* The status belongs to whom it does in Kubernetes. */
static void track_fields(const struct store_object *current, const struct api_type *t, json_t *obj)
{
	const struct api_version *v = &t->versions[t->storage];
	_cleanup_json_ json_t *old = object_stored_value(t, current);
	const struct apply_request request = {
		.schema = schema_resolve(v->schema),
		.manager = "kube-apiserver",
		.api_version = v->api_version,
		.subresource = "status",
		.has_status = true,
		.now_wall_ns = clock_wall_ns(),
	};

	managed_fields_update(&request, old, obj);
}

static int reconcile(void *self, const char *name, int64_t *ret_after_ns, struct err *err)
{
	struct crd_controller *c = self;
	_cleanup_(store_object_unrefp) struct store_object *current = store_get(c->server->store, CRD_RESOURCE, "", name);

	if (!current) {
		end_watches(c, name);
		return 0;
	}
	_cleanup_json_ json_t *obj = object_stored_value(c->type, current);
	if (kube_is_deleting(obj)) {
		if (finish_deletion(c, obj, ret_after_ns, err) < 0)
			return -1;
	} else {
		set_approval(obj);
		set_names(c, obj);
	}
	track_fields(current, c->type, obj);
	_cleanup_err_ struct err failed = { 0 };
	if (internal_update(c->server, &SERVER, c->type, current, obj, &failed) == 0 || failed.kind == ERR_CONFLICT ||
	    failed.kind == ERR_NOT_FOUND)
		return 0; /* whoever changed it meanwhile has queued it again */
	err_move(err, &failed);
	return -1;
}

/* Nothing was left to do about the CRD when the server stopped: it has all its names, so nobody else can have one of
 * them. */
static bool is_settled(const json_t *crd)
{
	return kube_condition_is(crd, "Established", "True") && kube_condition_is(crd, "NamesAccepted", "True") &&
	       json_same(json_at(crd, "spec", "names", NULL), json_at(crd, "status", "acceptedNames", NULL)) &&
	       !kube_is_deleting(crd) && !crd_group_is_protected(json_str_at(crd, "spec", "group", NULL));
}

/* Names that were accepted before the start come first, whatever the order of the CRDs. Those that nothing is open
 * about, nearly all, are served at once: a thousand large texts are read once, not four times. */
static void serve_all(struct crd_controller *c, const struct store_list *list)
{
	_cleanup_free_ bool *open = xcalloc(list->len, sizeof(*open));

	for (size_t i = 0; i < list->len; i++) {
		const struct store_object *o = list->items[i];
		_cleanup_json_ json_t *crd = summary_of(c, o);
		const json_t *accepted = json_at(crd, "status", "acceptedNames", NULL);
		if (json_is_object(accepted))
			crd_names_claim(c->names, o->name, json_str_at(crd, "spec", "group", NULL), accepted, false);
		open[i] = !is_settled(crd);
		if (!open[i])
			serve_value(c, o, crd);
	}
	for (size_t i = 0; i < list->len; i++) {
		if (!open[i])
			continue;
		serve(c, list->items[i]);
		loop_add(c->loop, list->items[i]->name);
	}
}

int crd_controller_start(struct apiserver *s, struct crd_controller **ret, struct err *err)
{
	struct crd_controller *c = new0(struct crd_controller);
	const struct store_list_query query = { .resource = CRD_RESOURCE, .ns = "" };
	struct store_list list = { 0 };

	*ret = c;
	c->server = s;
	c->type = registry_find(s->registry, "apiextensions.k8s.io", "v1", "customresourcedefinitions");
	c->served = map_new(served_free);
	c->names = crd_names_new();
	pthread_mutex_init(&c->lock, NULL);
	if (loop_start("api-crds", reconcile, c, s->log, &c->loop, err) < 0 || store_list(s->store, &query, &list, err) < 0)
		return -1;
	serve_all(c, &list);
	uint64_t version = list.version;
	store_list_clear(&list);
	return store_watch(s->store, CRD_RESOURCE, "", version, on_change, c, &c->watch, err);
}

struct crd_controller *crd_controller_stop(struct crd_controller *c)
{
	if (!c)
		return NULL;
	store_unwatch(c->watch);
	loop_stop(c->loop);
	map_free(c->served);
	crd_names_free(c->names);
	api_type_unref(c->type);
	pthread_mutex_destroy(&c->lock);
	free(c);
	return NULL;
}
