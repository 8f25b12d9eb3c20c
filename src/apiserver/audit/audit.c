#include "audit_private.h"

#include "auth/auth.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "objects/object_meta.h"
#include "rest/request.h"
#include "server.h"

#include <arpa/inet.h>

#define POLICY_MAX ((size_t)4 * 1024 * 1024)
#define SOURCES_MAX 16
#define AGENT_MAX 1024
#define URI_MAX 8192

struct audit_record {
	struct audit_decision decision;
	json_t *event; /* what all stages say */
	bool permitted, complete, sensitive;
};

int audit_start(const struct audit_config *config, struct audit **ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;

	*ret = NULL;
	if (!config->policy_path)
		return 0;
	struct audit *a = new0(struct audit);
	if (fs_read_file(config->policy_path, POLICY_MAX, &text, &len, err) < 0 ||
	    audit_policy_parse(text, len, config->policy_path, &a->policy, err) < 0 ||
	    audit_log_open(&config->log, &a->log, err) < 0) {
		audit_stop(a);
		return -1;
	}
	*ret = a;
	return 0;
}

struct audit *audit_stop(struct audit *a)
{
	if (!a)
		return NULL;
	audit_log_close(a->log);
	audit_policy_free(a->policy);
	free(a);
	return NULL;
}

struct audit_record *audit_record_free(struct audit_record *r)
{
	if (r) {
		json_decref(r->event);
		free(r);
	}
	return NULL;
}

/* ---- what is said of a request ---- */

static bool is_plain(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f)
			return false;
	return true;
}

void audit_id_of(const struct api_request *req, char ret[static AUDIT_ID_SIZE])
{
	const char *given = http_request_header(req->http, "Audit-ID");
	_cleanup_json_ json_t *made = NULL;

	if (str_empty(given) || !is_plain(given)) {
		made = object_meta_uid();
		given = json_string_value(made);
	}
	snprintf(ret, AUDIT_ID_SIZE, "%s", given);
}

static json_t *cut(const char *text, size_t max)
{
	size_t len = strlen(text);

	return json_string_lossy(text, len < max ? len : max);
}

static bool is_address(const char *s)
{
	unsigned char address[16];

	return inet_pton(AF_INET, s, address) == 1 || inet_pton(AF_INET6, s, address) == 1;
}

static void add_source(json_t *sources, const char *address)
{
	size_t i;
	json_t *v;

	json_array_foreach (sources, i, v)
		if (strcmp(json_string_value(v), address) == 0)
			return;
	if (is_address(address) && json_array_size(sources) < SOURCES_MAX)
		json_push_str(sources, address);
}

/* What proxies say they forward for, then who really connected. */
static json_t *sources_of(const struct api_request *req)
{
	const char *forwarded = http_request_header(req->http, "X-Forwarded-For");
	const char *real = http_request_header(req->http, "X-Real-Ip");
	_cleanup_free_ char *remote = xstrdup(http_request_remote(req->http));
	_cleanup_strv_ char **list = str_split(forwarded ? forwarded : "", ", ");
	json_t *sources = json_array();
	char *address = remote, *colon = strrchr(remote, ':');

	for (size_t i = 0; list && list[i]; i++)
		add_source(sources, list[i]);
	if (real)
		add_source(sources, real);
	if (colon)
		*colon = '\0';
	if (*address == '[') { /* [::1]:1234 */
		address++;
		address[strcspn(address, "]")] = '\0';
	}
	add_source(sources, address);
	return sources;
}

static void put_unless_empty(json_t *v, const char *key, const char *value)
{
	if (!str_empty(value))
		json_put_str(v, key, value);
}

static json_t *object_ref(const struct api_request *req)
{
	const struct api_path *p = &req->path;
	json_t *v;

	if (!p->is_api || !*p->resource)
		return NULL;
	v = json_object();
	json_put_str(v, "resource", p->resource);
	put_unless_empty(v, "namespace", p->ns);
	put_unless_empty(v, "name", p->name);
	put_unless_empty(v, "apiGroup", p->group);
	json_put_str(v, "apiVersion", p->version);
	put_unless_empty(v, "subresource", p->subresource);
	return v;
}

static json_t *user_value(const struct auth_user *u, bool permitted)
{
	if (u->name)
		return auth_user_json(u);
	return permitted ? json_pack("{s:s,s:[s]}", "username", "system:anonymous", "groups", "system:unauthenticated")
	                 : json_object();
}

static json_t *request_uri(const struct api_request *req)
{
	const char *query = http_request_query(req->http);
	_cleanup_free_ char *uri = xasprintf("%s%s%s", http_request_path(req->http), query ? "?" : "", query ? query : "");

	return cut(uri, URI_MAX);
}

static json_t *event_of(const struct api_request *req, enum audit_level level, bool permitted)
{
	const char *agent = http_request_header(req->http, "User-Agent");
	char time[RFC3339_SIZE];
	json_t *v = json_object();

	json_put_str(v, "kind", "Event");
	json_put_str(v, "apiVersion", "audit.k8s.io/v1");
	json_put_str(v, "level", audit_level_name(level));
	json_put_str(v, "auditID", req->audit_id);
	json_put(v, "stage", json_null()); /* its place */
	json_put(v, "requestURI", request_uri(req));
	json_put_str(v, "verb", req->verb);
	json_put(v, "user", user_value(req->impersonator.name ? &req->impersonator : &req->user, permitted));
	if (req->impersonator.name)
		json_put(v, "impersonatedUser", auth_user_json(&req->user));
	json_put(v, "sourceIPs", sources_of(req));
	if (agent)
		json_put(v, "userAgent", cut(agent, AGENT_MAX));
	json_put(v, "objectRef", object_ref(req));
	int64_t received = clock_wall_ns() - (clock_mono_ns() - req->start_ns);
	json_put_str(v, "requestReceivedTimestamp", rfc3339_format_micro(received, time));
	return v;
}

/* ---- the policy ---- */

bool audit_is_sensitive(const char *group, const char *resource, const char *subresource)
{
	return (!*group && strcmp(resource, "secrets") == 0) ||
	       (!*group && strcmp(resource, "serviceaccounts") == 0 && strcmp(subresource, "token") == 0) ||
	       (strcmp(group, "authentication.k8s.io") == 0 && strcmp(resource, "tokenreviews") == 0);
}

static bool is_sensitive(const struct api_path *p)
{
	return p->is_api && audit_is_sensitive(p->group, p->resource, p->subresource);
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static struct audit_decision decide(const struct audit *a, const struct api_request *req)
{
	const struct auth_user *who = req->impersonator.name ? &req->impersonator : &req->user;
	const struct api_path *p = &req->path;
	const struct audit_question q = {
		.user = or_empty(who->name),
		.groups = who->groups,
		.verb = req->verb,
		.about_resource = p->is_api && *or_empty(p->resource),
		.group = or_empty(p->group),
		.resource = or_empty(p->resource),
		.subresource = or_empty(p->subresource),
		.ns = or_empty(p->ns),
		.name = or_empty(p->name),
		.path = http_request_path(req->http),
	};

	return audit_policy_decide(a->policy, &q);
}

/* Refused or answered before it was taken apart, a request has no verb yet. */
static void set_verb(struct api_request *req)
{
	static const char *const methods[] = { "get", "post", "put", "patch", "delete", "head", "options" };

	for (size_t i = 0; !*req->verb && i < ARRAY_SIZE(methods); i++)
		if (strcasecmp(http_request_method(req->http), methods[i]) == 0)
			req->verb = methods[i];
}

static struct audit_record *begin(struct api_request *req, bool permitted)
{
	struct audit_record *r = new0(struct audit_record);

	set_verb(req);
	r->decision = decide(req->server->audit, req);
	r->permitted = permitted;
	if (r->decision.level != AUDIT_NONE) {
		r->sensitive = is_sensitive(&req->path);
		r->event = event_of(req, r->decision.level, permitted);
	}
	return r;
}

/* ---- stages ---- */

char *audit_head(json_t *event, enum audit_stage stage)
{
	char time[RFC3339_SIZE];

	json_put_str(event, "stage", audit_stage_name(stage));
	json_put_str(event, "stageTimestamp", rfc3339_format_micro(clock_wall_ns(), time));
	char *text = json_to_str(event);
	text[strlen(text) - 1] = '\0';
	return text;
}

static bool wants(const struct audit_record *r, enum audit_stage stage)
{
	return r && r->event && !(r->decision.omitted & stage);
}

static char *annotations_of(const struct api_request *req, bool permitted, int code)
{
	_cleanup_json_ json_t *v = req->annotations ? json_copy(req->annotations) : json_object();

	if (permitted || code == 403) {
		json_put_str(v, "authorization.k8s.io/decision", permitted ? "allow" : "forbid");
		json_put_str(v, "authorization.k8s.io/reason", or_empty(req->authorization_reason));
	}
	return json_object_size(v) > 0 ? json_to_str(v) : NULL;
}

static struct audit_entry *entry_of(const struct api_request *req, enum audit_stage stage, int code)
{
	const struct audit_record *r = req->audit;
	struct audit_entry *e = new0(struct audit_entry);

	e->head = audit_head(r->event, stage);
	e->code = code;
	e->sensitive = r->sensitive;
	e->omit_managed_fields = r->decision.omit_managed_fields;
	if (code > 0)
		e->annotations = annotations_of(req, r->permitted, code);
	return e;
}

void audit_received(struct api_request *req)
{
	if (!req->server->audit)
		return;
	req->audit = begin(req, true);
	if (wants(req->audit, AUDIT_REQUEST_RECEIVED))
		audit_log_add(req->server->audit->log, entry_of(req, AUDIT_REQUEST_RECEIVED, 0));
}

void audit_object_name(struct api_request *req, const char *name)
{
	json_t *ref = req->audit ? json_object_get(req->audit->event, "objectRef") : NULL;

	if (ref && *name)
		json_put_str(ref, "name", name);
}

void audit_response_started(struct api_request *req, int code)
{
	if (wants(req->audit, AUDIT_RESPONSE_STARTED))
		audit_log_add(req->server->audit->log, entry_of(req, AUDIT_RESPONSE_STARTED, code));
}

static void add_bodies(struct audit_entry *e, const struct api_request *req, const char *content_type,
                       struct bytes *body)
{
	enum audit_level level = req->audit->decision.level;
	const char *type = req->http ? http_request_header(req->http, "Content-Type") : NULL;
	size_t len = 0;
	const char *sent = req->http ? http_request_body(req->http, &len) : NULL;

	e->with_request = level >= AUDIT_REQUEST && req->path.is_api;
	e->with_response = level >= AUDIT_REQUEST_RESPONSE && req->path.is_api;
	if (e->with_request && len > 0) {
		e->request = bytes_new(sent, len);
		e->request_type = xstrdup_or_null(type);
	}
	if (body && (e->with_response || e->code >= 400)) {
		e->response = bytes_ref(body);
		e->response_type = xstrdup_or_null(content_type);
	}
}

void audit_response_complete(struct api_request *req, int code, const char *content_type, struct bytes *body)
{
	if (!req->server->audit || (req->audit && req->audit->complete))
		return;
	if (!req->audit) {
		if (!req->http)
			return;
		req->audit = begin(req, code < 400);
	}
	req->audit->complete = true;
	if (!wants(req->audit, AUDIT_RESPONSE_COMPLETE))
		return;
	struct audit_entry *e = entry_of(req, AUDIT_RESPONSE_COMPLETE, code);
	add_bodies(e, req, content_type, body);
	audit_log_add(req->server->audit->log, e);
}
