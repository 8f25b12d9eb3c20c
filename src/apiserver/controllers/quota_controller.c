/* Keeps status.hard and status.used of ResourceQuotas: what is counted is never read from there, so a status that lags
 * for a moment misleads nobody but its reader. */
#include "base/str.h"
#include "controllers.h"
#include "internal_write.h"
#include "kube/object.h"
#include "loop.h"
#include "objects/object_view.h"
#include "server.h"

static const struct internal_identity QUOTAS = { INTERNAL_ACCOUNT("resourcequota-controller"), "status" };

struct quota_controller {
	struct apiserver *server;
	struct loop *loop;
};

static int update(struct apiserver *s, const struct api_type *t, const char *ns, const char *name, struct err *err)
{
	_cleanup_(store_object_unrefp) struct store_object *o = store_get(s->store, t->resource, ns, name);
	_cleanup_json_ json_t *status = quotas_status(s->quotas, ns, name);
	_cleanup_err_ struct err failed = { 0 };

	if (!o || !status)
		return 0;
	_cleanup_json_ json_t *obj = object_stored_value(t, o);
	if (json_same(json_object_get(obj, "status"), status))
		return 0;
	json_object_set(obj, "status", status);
	if (internal_update(s, &QUOTAS, t, o, obj, &failed) == 0 || failed.kind == ERR_NOT_FOUND)
		return 0;
	err_move(err, &failed);
	return -1;
}

static int reconcile(void *self, const char *ns, int64_t *ret_after_ns _unused_, struct err *err)
{
	struct quota_controller *c = self;
	struct apiserver *s = c->server;
	_cleanup_(api_type_unrefp) struct api_type *t = registry_find(s->registry, "", "v1", "resourcequotas");
	_cleanup_strv_ char **names = quotas_names(s->quotas, ns);

	for (size_t i = 0; t && names && names[i]; i++)
		if (update(s, t, ns, names[i], err) < 0)
			return -1;
	return 0;
}

static void on_dirty(void *self, const char *ns)
{
	struct quota_controller *c = self;

	loop_add(c->loop, ns);
}

/* What changed while no server ran is put right by the first change, except that nothing may change for long. */
static int add_all(struct quota_controller *c, struct err *err)
{
	const struct store_list_query query = { .resource = "/resourcequotas", .ns = "" };
	struct store_list list;

	if (store_list(c->server->store, &query, &list, err) < 0)
		return -1;
	for (size_t i = 0; i < list.len; i++)
		loop_add(c->loop, list.items[i]->ns);
	store_list_clear(&list);
	return 0;
}

int quota_controller_start(struct apiserver *s, struct quota_controller **ret, struct err *err)
{
	struct quota_controller *c = new0(struct quota_controller);

	*ret = c;
	c->server = s;
	if (loop_start("api-quota", reconcile, c, s->log, &c->loop, err) < 0)
		return -1;
	quotas_set_on_dirty(s->quotas, on_dirty, c);
	return add_all(c, err);
}

struct quota_controller *quota_controller_stop(struct quota_controller *c)
{
	if (!c)
		return NULL;
	quotas_set_on_dirty(c->server->quotas, NULL, NULL);
	loop_stop(c->loop);
	free(c);
	return NULL;
}
