/* What the server's own controllers write reaches the store without a request; the log shows it as though there had
 * been one. */
#include "audit_private.h"

#include "auth/auth.h"
#include "base/clock.h"
#include "base/str.h"
#include "objects/object_meta.h"

static void put_unless_empty(json_t *v, const char *key, const char *value)
{
	if (!str_empty(value))
		json_put_str(v, key, value);
}

static char *uri_of(const struct auth_attributes *a)
{
	const bool one = *a->name && strcmp(a->verb, "create") != 0;

	return xasprintf("/%s%s/%s%s%s/%s%s%s%s%s", *a->group ? "apis/" : "api", a->group, a->version,
	                 *a->ns ? "/namespaces/" : "", a->ns, a->resource, one ? "/" : "", one ? a->name : "",
	                 *a->subresource ? "/" : "", a->subresource);
}

static json_t *object_ref(const struct auth_attributes *a)
{
	json_t *v = json_object();

	json_put_str(v, "resource", a->resource);
	put_unless_empty(v, "namespace", a->ns);
	put_unless_empty(v, "name", a->name);
	put_unless_empty(v, "apiGroup", a->group);
	json_put_str(v, "apiVersion", a->version);
	put_unless_empty(v, "subresource", a->subresource);
	return v;
}

static json_t *event_of(const struct audit_internal *w, enum audit_level level)
{
	_cleanup_free_ char *uri = uri_of(w->what);
	_cleanup_json_ json_t *id = object_meta_uid();
	char time[RFC3339_SIZE];
	json_t *v = json_object();

	json_put_str(v, "kind", "Event");
	json_put_str(v, "apiVersion", "audit.k8s.io/v1");
	json_put_str(v, "level", audit_level_name(level));
	json_object_set(v, "auditID", id);
	json_put(v, "stage", json_null());
	json_put_str(v, "requestURI", uri);
	json_put_str(v, "verb", w->what->verb);
	json_put(v, "user", auth_user_json(w->user));
	json_put(v, "sourceIPs", json_pack("[s]", "::1"));
	json_put_str(v, "userAgent", "scia/internal");
	json_put(v, "objectRef", object_ref(w->what));
	json_put_str(v, "requestReceivedTimestamp", rfc3339_format_micro(clock_wall_ns(), time));
	return v;
}

static int code_of(const struct audit_internal *w)
{
	if (w->failed)
		return err_kind_http_code(w->failed->kind);
	return strcmp(w->what->verb, "create") == 0 ? 201 : 200;
}

static struct audit_entry *entry_of(const struct audit_internal *w, json_t *event, const struct audit_decision *d,
                                    enum audit_stage stage)
{
	const struct auth_attributes *a = w->what;
	struct audit_entry *e = new0(struct audit_entry);

	e->head = audit_head(event, stage);
	e->sensitive = audit_is_sensitive(a->group, a->resource, a->subresource);
	e->omit_managed_fields = d->omit_managed_fields;
	if (stage != AUDIT_RESPONSE_COMPLETE)
		return e;
	_cleanup_json_ json_t *annotations = json_pack("{s:s,s:s}", "authorization.k8s.io/decision",
	                                               w->allowed ? "allow" : "forbid", "authorization.k8s.io/reason",
	                                               w->reason);
	e->annotations = json_to_str(annotations);
	e->code = code_of(w);
	e->with_request = d->level >= AUDIT_REQUEST;
	e->with_response = d->level >= AUDIT_REQUEST_RESPONSE;
	if (w->object && e->with_request)
		e->request = bytes_ref(w->object);
	if (w->object && e->with_response && !w->failed)
		e->response = bytes_ref(w->object);
	return e;
}

void audit_internal(struct audit *a, const struct audit_internal *w)
{
	static const enum audit_stage stages[] = { AUDIT_REQUEST_RECEIVED, AUDIT_RESPONSE_COMPLETE };
	const struct audit_question q = {
		.user = w->user->name,
		.groups = w->user->groups,
		.verb = w->what->verb,
		.about_resource = true,
		.group = w->what->group,
		.resource = w->what->resource,
		.subresource = w->what->subresource,
		.ns = w->what->ns,
		.name = w->what->name,
		.path = "",
	};
	const struct audit_decision d = audit_policy_decide(a->policy, &q);

	if (d.level == AUDIT_NONE)
		return;
	_cleanup_json_ json_t *event = event_of(w, d.level);
	for (size_t i = 0; i < ARRAY_SIZE(stages); i++)
		if (!(d.omitted & stages[i]))
			audit_log_add(a->log, entry_of(w, event, &d, stages[i]));
}
