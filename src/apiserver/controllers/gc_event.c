/* Events of the garbage collector. */
#include "base/clock.h"
#include "base/str.h"
#include "gc_internal.h"
#include "internal_write.h"
#include "kube/object.h"
#include "server.h"

#define COMPONENT "garbage-collector-controller"
#define REASON "OwnerRefInvalidNamespace"
/* With more objects of the owner's kind than this it is not worth looking through all of them for a hint. */
#define SEARCH_MAX 5000

static bool has_uid(const void *uid, const struct store_object *o)
{
	return strcmp(o->uid, uid) == 0;
}

/* Whether an object with this uid is there, in any namespace. */
static bool is_elsewhere(struct store *store, const struct api_type *owner, const char *uid)
{
	const struct store_list_query query = {
		.resource = owner->resource, .ns = "", .limit = 1, .select = has_uid, .self = uid
	};
	struct store_list found;

	if (store_count(store, owner->resource, "") > SEARCH_MAX || store_list(store, &query, &found, NULL) < 0)
		return false;
	bool there = found.len > 0;
	store_list_clear(&found);
	return there;
}

/* FNV-1a of both uids: the same owner of the same dependent is told of once. */
static uint64_t pair_hash(const char *a, const char *b)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (int which = 0; which < 2; which++)
		for (const char *c = which ? b : a; *c; c++)
			h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
	return h;
}

static json_t *involved(const json_t *obj)
{
	json_t *ref = json_object();

	json_put_str(ref, "kind", json_get_str(obj, "kind"));
	if (*kube_namespace(obj))
		json_put_str(ref, "namespace", kube_namespace(obj));
	json_put_str(ref, "name", kube_name(obj));
	json_put_str(ref, "uid", kube_uid(obj));
	json_put_str(ref, "apiVersion", json_get_str(obj, "apiVersion"));
	json_put_str(ref, "resourceVersion", kube_resource_version(obj));
	return ref;
}

static json_t *event_about(const json_t *obj, const char *uid, const char *message)
{
	const char *ns = *kube_namespace(obj) ? kube_namespace(obj) : "default";
	_cleanup_free_ char *name = xasprintf("%.200s.%016jx", kube_name(obj), (uintmax_t)pair_hash(kube_uid(obj), uid));
	json_t *event = kube_object_new(&KUBE_EVENT, ns, name);
	char now[RFC3339_SIZE];

	rfc3339_format(clock_wall_ns(), now);
	json_put(event, "involvedObject", involved(obj));
	json_put_str(event, "reason", REASON);
	json_put_str(event, "message", message);
	json_put(event, "source", json_pack("{s:s}", "component", COMPONENT));
	json_put_str(event, "firstTimestamp", now);
	json_put_str(event, "lastTimestamp", now);
	json_put_int(event, "count", 1);
	json_put_str(event, "type", "Warning");
	json_put(event, "eventTime", json_null());
	json_put_str(event, "reportingComponent", COMPONENT);
	json_put_str(event, "reportingInstance", "");
	return event;
}

static struct api_type *type_of_owner(struct gc *g, const json_t *ref)
{
	const char *api_version = json_get_str(ref, "apiVersion"), *slash = strchr(api_version, '/');
	_cleanup_free_ char *group = slash ? xstrndup(api_version, (size_t)(slash - api_version)) : xstrdup("");

	return registry_find_kind(g->server->registry, group, slash ? slash + 1 : api_version, json_get_str(ref, "kind"));
}

void gc_report_namespace(struct gc *g, const struct api_type *type, const json_t *dependent, const json_t *ref)
{
	_cleanup_(api_type_unrefp) struct api_type *owner = type_of_owner(g, ref);
	_cleanup_(api_type_unrefp) struct api_type *events = registry_find(g->server->registry, "", "v1", "events");
	const char *uid = json_get_str(ref, "uid"), *ns = kube_namespace(dependent);

	if (!owner || !owner->namespaced || !events || !is_elsewhere(g->server->store, owner, uid))
		return;
	_cleanup_free_ char *message = xasprintf(
		"ownerRef [%s/%s, namespace: %s, name: %s, uid: %s] does not exist in namespace \"%s\"",
		json_get_str(ref, "apiVersion"), owner->kind, ns, json_get_str(ref, "name"), uid, ns);
	_cleanup_json_ json_t *event = event_about(dependent, uid, message);
	_cleanup_err_ struct err err = { 0 };
	if (internal_create(g->server, &COLLECTOR, events, event, &err) < 0)
		log_debug(g->server->log, "garbage collection: an event about %s %s: %s", type->kind, kube_name(dependent),
		          err_message(&err));
}
