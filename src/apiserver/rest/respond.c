#include "respond.h"

#include "base/str.h"
#include "codec/gzip.h"
#include "codec/json_indent.h"
#include "codec/yaml.h"
#include "kube/object.h"
#include "list.h"
#include "objects/object_view.h"
#include "server.h"
#include "table.h"
#include "write.h"

#include <stdio.h>

#define GZIP_LEVEL 1 /* as Kubernetes: the network is faster than a better level */
#define YAML_MAX ((size_t)256 * 1024 * 1024)

static void run_request(void *arg)
{
	struct api_request *req = arg;

	req->on_worker = true;
	req->run(req);
}

static void refuse_request(void *arg)
{
	struct api_request *req = arg;
	_cleanup_err_ struct err err = { 0 };

	err_set(&err, ERR_TIMEOUT,
	        "request did not complete within requested timeout: too many requests are waiting for webhooks");
	api_write_drop(req);
	api_respond_err(req, &err);
}

void api_request_to_worker(struct api_request *req, void (*run)(struct api_request *req))
{
	req->run = run;
	if (!req->deferred) {
		req->deferred = true;
		http_request_defer(req->http);
	}
	if (req->may_wait)
		waiters_submit(req->server->waiters, &(struct waiter_job){ run_request, refuse_request, req });
	else
		workers_submit(req->server->workers, run_request, req);
}

void api_request_done(struct api_request *req, int code)
{
	audit_response_complete(req, code, NULL, NULL);
	api_request_measure(req, code);
	api_request_free(req);
}

/* RFC 7234's warn-text is a quoted string. */
static void add_warning(struct http_headers *headers, const char *text)
{
	_cleanup_buf_ struct buf value = BUF_INIT(4096);

	buf_puts(&value, "299 - \"");
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			buf_putc(&value, '\\');
		if ((unsigned char)*c >= 0x20 && *c != 0x7f)
			buf_putc(&value, *c);
	}
	buf_putc(&value, '"');
	if (!value.failed)
		http_headers_add(headers, "Warning", buf_str(&value));
}

void api_respond_headers(const struct api_request *req, const char *content_type, struct http_headers *ret)
{
	http_headers_add(ret, "Audit-Id", req->audit_id);
	http_headers_add(ret, "Content-Type", content_type);
	http_headers_add(ret, "Cache-Control", "no-cache, private");
	for (size_t i = 0; req->warnings && req->warnings[i]; i++)
		add_warning(ret, req->warnings[i]);
}

/* Takes headers over. */
static void respond(struct api_request *req, int code, struct http_headers *headers, struct bytes *body)
{
	struct http_request *http = req->http;

	/* Before the answer: whoever has read it may look at the metrics. */
	api_request_done(req, code);
	http_respond_bytes(http, code, headers, body);
	http_headers_clear(headers);
}

void api_respond_bytes(struct api_request *req, int code, const char *content_type, struct bytes *body)
{
	_cleanup_(bytes_unrefp) struct bytes *packed = NULL;
	struct http_headers headers = { 0 };

	api_respond_headers(req, content_type, &headers);
	if (code == 401)
		http_headers_add(&headers, "WWW-Authenticate", "Bearer realm=\"kubernetes\"");
	if (code == 429 || code == 504)
		http_headers_add(&headers, "Retry-After", "1");
	if (req->on_worker && api_request_takes_gzip(req, body->len)) {
		packed = gzip_compress(body->data, body->len, GZIP_LEVEL);
		http_headers_add(&headers, "Content-Encoding", "gzip");
		http_headers_add(&headers, "Vary", "Accept-Encoding");
	}
	audit_response_complete(req, code, content_type, body);
	respond(req, code, &headers, packed ? packed : body);
}

/* One of the tags in If-None-Match, or "*". */
static bool has_tag(const struct api_request *req, const char *tag)
{
	const char *header = http_request_header(req->http, "If-None-Match");

	return header && (strstr(header, tag) || strcmp(header, "*") == 0);
}

static void respond_packed(struct api_request *req, struct http_headers *headers, struct document *document)
{
	struct http_request *http = req->http;
	size_t len;
	_cleanup_free_ struct bytes **packed = document_packed(document, GZIP_LEVEL, &len);
	struct http_part *parts = xcalloc(len, sizeof(*parts));

	for (size_t i = 0; i < len; i++)
		parts[i] = (struct http_part){ .before = "", .bytes = packed[i] };
	http_headers_add(headers, "Content-Encoding", "gzip");
	api_request_done(req, 200);
	http_respond_parts(http, 200, headers, parts, len);
	http_headers_clear(headers);
}

void api_respond_document(struct api_request *req, const char *content_type, struct document *document)
{
	struct http_headers headers = { 0 };

	api_respond_headers(req, content_type, &headers);
	http_headers_add(&headers, "ETag", document_tag(document));
	http_headers_add(&headers, "Vary", "Accept, Accept-Encoding");
	if (has_tag(req, document_tag(document))) {
		_cleanup_(bytes_unrefp) struct bytes *none = bytes_new("", 0);
		audit_response_complete(req, 304, content_type, none);
		respond(req, 304, &headers, none);
		return;
	}
	audit_response_complete(req, 200, content_type, document_kept_text(document));
	if (req->on_worker && api_request_takes_gzip(req, document_len(document))) {
		respond_packed(req, &headers, document);
		return;
	}
	_cleanup_(bytes_unrefp) struct bytes *body = document_text(document);
	respond(req, 200, &headers, body);
}

void api_respond_json_bytes(struct api_request *req, int code, struct bytes *text)
{
	if (req->accept.media == MEDIA_YAML) {
		api_respond_value(req, code, json_parse(text->data, text->len, 0, NULL));
		return;
	}
	_cleanup_(bytes_unrefp) struct bytes *lines = NULL;
	if (api_request_is_pretty(req))
		lines = json_indent_text(text->data, text->len);
	api_respond_bytes(req, code, "application/json", lines ? lines : text);
}

static size_t parts_size(const struct http_part *parts, size_t len)
{
	size_t size = 0;

	for (size_t i = 0; i < len; i++)
		size += strlen(parts[i].before) + (parts[i].bytes ? parts[i].bytes->len - parts[i].skip : 0);
	return size;
}

static struct bytes *join_parts(struct http_part *parts, size_t len)
{
	struct bytes *all = bytes_new(NULL, parts_size(parts, len));
	char *at = all->data;

	for (size_t i = 0; i < len; i++) {
		at = mempcpy(at, parts[i].before, strlen(parts[i].before));
		if (parts[i].bytes)
			at = mempcpy(at, parts[i].bytes->data + parts[i].skip, parts[i].bytes->len - parts[i].skip);
		bytes_unref(parts[i].bytes);
	}
	*at = '\0';
	free(parts);
	return all;
}

void api_respond_json_parts(struct api_request *req, int code, struct http_part *parts, size_t len)
{
	if (req->server->audit || req->accept.media == MEDIA_YAML || api_request_is_pretty(req) ||
	    api_request_takes_gzip(req, parts_size(parts, len))) {
		_cleanup_(bytes_unrefp) struct bytes *all = join_parts(parts, len);
		api_respond_json_bytes(req, code, all);
		return;
	}
	struct http_request *http = req->http;
	struct http_headers headers = { 0 };
	api_respond_headers(req, "application/json", &headers);
	api_request_done(req, code);
	http_respond_parts(http, code, &headers, parts, len);
	http_headers_clear(&headers);
}

void api_respond_text(struct api_request *req, int code, const char *content_type, const char *text)
{
	_cleanup_(bytes_unrefp) struct bytes *body = bytes_new(text, strlen(text));

	api_respond_bytes(req, code, content_type, body);
}

void api_respond_value(struct api_request *req, int code, json_t *value)
{
	_cleanup_json_ json_t *v = value;

	if (req->accept.media == MEDIA_YAML) {
		_cleanup_buf_ struct buf out = BUF_INIT(YAML_MAX);
		yaml_write(v, &out);
		_cleanup_(bytes_unrefp) struct bytes *body = bytes_new(buf_str(&out), out.len);
		api_respond_bytes(req, code, "application/yaml", body);
		return;
	}
	_cleanup_(bytes_unrefp) struct bytes *body = json_to_bytes(v);
	api_respond_json_bytes(req, code, body);
}

/* Whether Kubernetes says of such an error which object it is about. */
static bool names_object(enum err_kind kind)
{
	switch (kind) {
	case ERR_FORBIDDEN:
	case ERR_NOT_FOUND:
	case ERR_ALREADY_EXISTS:
	case ERR_CONFLICT:
	case ERR_INVALID:
	case ERR_INSUFFICIENT_STORAGE:
		return true;
	default:
		return false;
	}
}

json_t *api_status_value(const struct api_type *t, const char *name, const struct err *err)
{
	if (!t || !names_object(err->kind))
		return kube_status_from_err(err, NULL, NULL, NULL);
	/* The kind where the object is wrong, the resource where the request is. */
	return kube_status_from_err(err, t->group, err->kind == ERR_INVALID ? t->kind : t->plural, name);
}

json_t *api_status_success(const struct api_type *t, const char *name, const char *uid)
{
	json_t *status = json_pack("{s:s,s:s,s:{},s:s}", "kind", "Status", "apiVersion", "v1", "metadata", "status",
	                           "Success");
	json_t *details = json_object();

	json_put_str(details, "name", name);
	if (*t->group)
		json_put_str(details, "group", t->group);
	json_put_str(details, "kind", t->plural);
	if (!str_empty(uid))
		json_put_str(details, "uid", uid);
	json_put(status, "details", details);
	return status;
}

void api_respond_err(struct api_request *req, const struct err *err)
{
	api_respond_err_about(req, req->path.name, err);
}

void api_respond_err_about(struct api_request *req, const char *name, const struct err *err)
{
	json_t *status = TAKE_PTR(req->denial);

	if (!status)
		status = req->options_kind && err->kind == ERR_INVALID
		             ? kube_status_from_err(err, "meta.k8s.io", req->options_kind, NULL)
		             : api_status_value(req->type, name, err);
	api_respond_value(req, (int)json_get_int(status, "code", err_kind_http_code(err->kind)), status);
}

bool api_respond_object_is_slow(const struct api_request *req)
{
	return req->accept.form != FORM_OBJECT || strcmp(req->path.subresource, "scale") == 0 ||
	       req->accept.media != MEDIA_JSON || req->version->from_storage || api_request_is_pretty(req);
}

void api_respond_object_value(struct api_request *req, int code, json_t *obj)
{
	_cleanup_json_ json_t *scale = strcmp(req->path.subresource, "scale") == 0 ? scale_view(req->version, obj) : NULL;
	_cleanup_err_ struct err err = { 0 };

	if (scale)
		obj = scale;
	if (req->accept.form == FORM_OBJECT) {
		api_respond_value(req, code, json_incref(obj));
	} else if (list_check_form(req, false, &err) < 0) {
		api_respond_err(req, &err);
	} else if (req->accept.form == FORM_PARTIAL) {
		api_respond_value(req, code, object_partial(obj, req->accept.v1beta1));
	} else {
		json_t *table = table_new(req->body_version, req->accept.v1beta1, kube_resource_version(obj));
		table_add(table, req->body_version, req->accept.v1beta1, obj, req->options.include_object);
		api_respond_value(req, code, table);
	}
}

void api_respond_object(struct api_request *req, int code, const struct store_object *o)
{
	if (strcmp(req->path.subresource, "scale") != 0 && req->accept.form == FORM_OBJECT) {
		_cleanup_(bytes_unrefp) struct bytes *text = object_view_text(req->type, req->version, o);
		api_respond_json_bytes(req, code, text);
		return;
	}
	_cleanup_json_ json_t *obj = object_view_value(req->type, req->version, o);
	api_respond_object_value(req, code, obj);
}
