/* What a request carries: its body, its warnings, its manager's name. */
#include "base/clock.h"
#include "base/str.h"
#include "codec/go_json.h"
#include "codec/yaml.h"
#include "wire/duplicates.h"
#include "wire/proto.h"
#include "request.h"
#include "server.h"

#include <stdio.h>

#define WARNINGS_MAX 32
#define GZIP_THRESHOLD ((size_t)128 * 1024) /* Kubernetes' own */
#define REQUEST_TIMEOUT_NS (60 * NS_PER_S)

struct api_request *api_request_new(struct apiserver *server, struct http_request *http)
{
	struct api_request *req = new0(struct api_request);

	req->server = server;
	req->http = http;
	req->start_ns = clock_mono_ns();
	req->deadline_ns = req->start_ns + REQUEST_TIMEOUT_NS;
	req->verb = "";
	audit_id_of(req, req->audit_id);
	req->options.pretty = -1;
	atomic_fetch_add(&server->in_flight, 1);
	return req;
}

void api_request_leave(struct api_request *req)
{
	limits_leave(req->server->limits, req->place);
	req->place = LIMITS_NONE;
}

struct api_request *api_request_free(struct api_request *req)
{
	if (!req)
		return NULL;
	api_request_leave(req);
	auth_user_clear(&req->user);
	auth_user_clear(&req->impersonator);
	api_path_clear(&req->path);
	api_options_clear(&req->options);
	api_type_unref(req->type);
	strv_free(req->warnings);
	strv_free(req->repeated);
	strv_free(req->duplicates);
	json_decref(req->denial);
	json_decref(req->annotations);
	free(req->authorization_reason);
	audit_record_free(req->audit);
	atomic_fetch_sub(&req->server->in_flight, 1);
	free(req);
	return NULL;
}

void api_request_warn(struct api_request *req, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_free_ char *text = xvasprintf(fmt, ap);
	va_end(ap);
	if (strv_len(req->warnings) < WARNINGS_MAX && !(req->warnings && str_in(text, (const char *const *)req->warnings)))
		strv_push(&req->warnings, text);
}

/* "application/json; charset=utf-8" is of type "application/json". */
static bool content_type_is(const char *header, const char *type)
{
	size_t len = strlen(type);

	return header && strncasecmp(header, type, len) == 0 && (!header[len] || header[len] == ';' || header[len] == ' ');
}

static bool is_yaml(const char *header, bool patch)
{
	return content_type_is(header, "application/yaml") ||
	       (patch && content_type_is(header, "application/apply-patch+yaml"));
}

static bool is_json(const char *header, bool patch)
{
	static const char *const patches[] = { "application/json-patch+json", "application/merge-patch+json",
		                                   "application/strategic-merge-patch+json" };

	for (size_t i = 0; patch && i < ARRAY_SIZE(patches); i++)
		if (content_type_is(header, patches[i]))
			return true;
	return str_empty(header) || content_type_is(header, "application/json") || content_type_is(header, "*/*");
}

static json_t *parse_json(struct api_request *req, const char *body, size_t len, struct err *err)
{
	json_t *v = req->options.validation == VALIDATION_IGNORE
	                ? NULL
	                : json_parse(body, len, JSON_STRICT_KEYS | JSON_REPAIR_TEXT, NULL);

	if (v)
		return v;
	_cleanup_err_ struct err own = { 0 };
	v = json_parse(body, len, JSON_REPAIR_TEXT, &own);
	if (!v) {
		_cleanup_free_ char *fault = go_json_fault(body, len);
		err_set(err, own.kind, "%s", fault ? fault : err_message(&own));
	}
	if (v && req->options.validation != VALIDATION_IGNORE)
		req->duplicates = json_duplicate_fields(body, len);
	return v;
}

enum body_form api_request_body_form(const struct api_request *req)
{
	const char *type = http_request_header(req->http, "Content-Type");

	bool patch = strcmp(req->verb, "patch") == 0;

	return is_yaml(type, patch)                                           ? BODY_YAML
	       : is_json(type, patch)                                         ? BODY_JSON
	       : content_type_is(type, "application/vnd.kubernetes.protobuf") ? BODY_PROTOBUF
	                                                                      : BODY_UNKNOWN;
}

json_t *api_request_body(struct api_request *req, struct err *err)
{
	size_t len;
	const char *body = http_request_body(req->http, &len);

	switch (api_request_body_form(req)) {
	case BODY_YAML:
		return yaml_parse_like_go(body, len, &req->repeated, err);
	case BODY_JSON:
		return parse_json(req, body, len, err);
	case BODY_PROTOBUF:
		return proto_decode(body, len, err);
	default:
		err_set(err, ERR_UNSUPPORTED_MEDIA,
		        "the body of the request was in an unknown format - accepted media types include: application/json, "
		        "application/yaml, application/vnd.kubernetes.protobuf");
		return NULL;
	}
}

const char *api_request_manager(const struct api_request *req, char ret[static 129])
{
	const char *agent = http_request_header(req->http, "User-Agent");

	if (req->options.field_manager) {
		snprintf(ret, 129, "%s", req->options.field_manager);
		return ret;
	}
	size_t len = agent ? strcspn(agent, "/") : 0;
	if (len > 128)
		len = 128;
	snprintf(ret, 129, "%.*s", (int)len, agent ? agent : "");
	for (char *c = ret; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
			*c = '_';
	if (!*ret)
		snprintf(ret, 129, "unknown");
	return ret;
}

bool api_request_is_pretty(const struct api_request *req)
{
	static const char *const people[] = { "curl", "Wget", "Mozilla/5.0" };
	const char *agent = http_request_header(req->http, "User-Agent");

	if (req->options.pretty >= 0)
		return req->options.pretty;
	for (size_t i = 0; agent && i < ARRAY_SIZE(people); i++)
		if (str_starts_with(agent, people[i]))
			return true;
	return false;
}

bool api_request_takes_gzip(const struct api_request *req, size_t len)
{
	const char *header = http_request_header(req->http, "Accept-Encoding");
	_cleanup_strv_ char **codings = NULL;

	if (!header || len <= GZIP_THRESHOLD)
		return false;
	codings = str_split(header, ",");
	for (size_t i = 0; codings && codings[i]; i++)
		if (strcmp(str_strip(codings[i]), "gzip") == 0)
			return true;
	return false;
}
