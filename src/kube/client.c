#include "kube/client.h"

#include "base/clock.h"
#include "base/str.h"
#include "client_internal.h"

#include <sys/random.h>

#define ATTEMPTS 5
#define RETRY_DELAY_NS (100 * NS_PER_MS)
#define PATH_MAX_BYTES ((size_t)(256 * 1024))
#define BODY_MAX_BYTES ((size_t)(64 * 1024 * 1024))

double kube_random(void)
{
	uint32_t n = 0;
	if (getrandom(&n, sizeof(n), GRND_NONBLOCK) != (ssize_t)sizeof(n))
		n = (uint32_t)clock_mono_ns() * UINT32_C(2654435761); /* jitter only: any spread will do */
	return (double)n / 4294967296.0;
}

/* ---- life ---- */

static void config_copy(const struct kube_client_config *from, struct kube_client_config *to)
{
	*to = (struct kube_client_config){
		.server = xstrdup(from->server),
		.ca_pem = xstrdup_or_null(from->ca_pem),
		.cert_pem = xstrdup_or_null(from->cert_pem),
		.key_pem = xstrdup_or_null(from->key_pem),
		.token = xstrdup_or_null(from->token),
		.token_file = xstrdup_or_null(from->token_file),
		.username = xstrdup_or_null(from->username),
		.password = xstrdup_or_null(from->password),
		.exec_argv = from->exec_argv ? strv_copy(from->exec_argv) : NULL,
		.exec_env = from->exec_env ? strv_copy(from->exec_env) : NULL,
		.exec_api_version = xstrdup_or_null(from->exec_api_version),
		.exec_install_hint = xstrdup_or_null(from->exec_install_hint),
		.exec_provide_cluster_info = from->exec_provide_cluster_info,
		.exec_cluster_config = xstrdup_or_null(from->exec_cluster_config),
		.headers = from->headers ? strv_copy(from->headers) : NULL,
		.namespace_default = xstrdup(str_empty(from->namespace_default) ? "default" : from->namespace_default),
		.tls_server_name = xstrdup_or_null(from->tls_server_name),
		.proxy_url = xstrdup_or_null(from->proxy_url),
		.insecure_skip_verify = from->insecure_skip_verify,
		.user_agent = xstrdup_or_null(from->user_agent),
		.field_manager = xstrdup(str_empty(from->field_manager) ? "scia" : from->field_manager),
	};
	for (size_t n = strlen(to->server); n > 0 && to->server[n - 1] == '/'; n--)
		to->server[n - 1] = '\0';
}

static int check_server(const char *server, struct err *err)
{
	struct http_url url;
	if (str_empty(server))
		return err_set(err, ERR_INVALID, "Kubernetes client: no server is given");
	if (http_url_parse(server, &url, err) < 0)
		return err_wrap(err, "Kubernetes client: server");
	bool ok = (str_eq(url.scheme, "https") || str_eq(url.scheme, "http")) && !url.query;
	http_url_clear(&url);
	return ok ? 0
	          : err_set(err, ERR_INVALID, "Kubernetes client: server %s: expected https://HOST[:PORT][/PREFIX]",
	                    server);
}

int kube_client_new(const struct kube_client_config *config, struct kube_client **ret, struct err *err)
{
	if (check_server(config->server, err) < 0)
		return -1;
	struct kube_client *c = new0(struct kube_client);
	c->refs = 1;
	config_copy(config, &c->config);
	if (kube_transport_new(&c->config, &c->transport, err) < 0) {
		kube_client_config_clear(&c->config);
		free(c);
		return -1;
	}
	c->discovery = kube_discovery_new();
	*ret = c;
	return 0;
}

struct kube_client *kube_client_ref(struct kube_client *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

struct kube_client *kube_client_unref(struct kube_client *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) > 1)
		return NULL;
	kube_transport_free(c->transport);
	kube_discovery_free(c->discovery);
	kube_client_config_clear(&c->config);
	free(c);
	return NULL;
}

void kube_client_cancel(struct kube_client *c)
{
	atomic_store(&c->cancelled, true);
}

const char *kube_client_default_namespace(const struct kube_client *c)
{
	return c->config.namespace_default;
}

/* ---- requests ---- */

static void add_headers(struct kube_client *c, const struct kube_request *req, const char *authorization,
                        struct http_headers *headers)
{
	http_headers_add(headers, "Accept", req->accept ? req->accept : "application/json");
	if (req->body)
		http_headers_add(headers, "Content-Type", req->content_type ? req->content_type : "application/json");
	if (authorization)
		http_headers_add(headers, "Authorization", authorization);
	for (size_t i = 0; c->config.headers && c->config.headers[i]; i++) {
		const char *line = c->config.headers[i], *colon = strchr(line, ':');
		if (!colon)
			continue;
		_cleanup_free_ char *name = xstrndup(line, (size_t)(colon - line));
		http_headers_add(headers, name, colon + 1 + strspn(colon + 1, " "));
	}
}

static bool is_cancelled(const struct kube_client *c, const struct kube_request *req)
{
	return atomic_load(&c->cancelled) || (req->cancel && atomic_load(req->cancel));
}

/* One try with the credential of the moment. */
static int send_once(struct kube_client *c, const struct kube_request *req, unsigned *ret_credential,
                     struct http_response *ret, struct err *err)
{
	struct http_client *http;
	_cleanup_free_ char *authorization = NULL;
	if (kube_transport_acquire(c->transport, &c->cancelled, &http, &authorization, ret_credential, err) < 0)
		return -1;
	_cleanup_free_ char *url = xasprintf("%s%s", c->config.server, req->path);
	struct http_headers headers = { 0 };
	add_headers(c, req, authorization, &headers);
	struct http_call call = {
		.method = req->method,
		.url = url,
		.headers = &headers,
		.body = req->body,
		.body_len = req->body_len,
		.timeout_ns = req->timeout_ns ? req->timeout_ns : KUBE_REQUEST_TIMEOUT_NS,
		.retry = { .attempts = req->attempts ? req->attempts : ATTEMPTS, .base_delay_ns = RETRY_DELAY_NS },
		.cancel = &c->cancelled,
		.cancel_too = req->cancel,
		.on_data = req->on_data,
		.self = req->self,
	};
	int r = http_client_call(http, &call, ret, err);
	http_headers_clear(&headers);
	http_client_unref(http);
	return r;
}

int kube_request(struct kube_client *c, const struct kube_request *req, struct http_response *ret, struct err *err)
{
	for (int i = 0;; i++) {
		if (is_cancelled(c, req))
			return err_set(err, ERR_TIMEOUT, "%s %s: cancelled", req->method, c->config.server);
		_cleanup_err_ struct err e = { 0 };
		struct http_response response = { 0 };
		unsigned credential;
		if (send_once(c, req, &credential, &response, &e) < 0) {
			if (is_cancelled(c, req))
				return err_set(err, ERR_TIMEOUT, "%s %s: cancelled", req->method, c->config.server);
			if (err)
				err_move(err, &e);
			return -1;
		}
		if (response.status >= 200 && response.status <= 299) {
			*ret = response;
			return 0;
		}
		bool again = response.status == 401 && i == 0 && kube_transport_reject(c->transport, credential);
		if (!again)
			kube_err_from_status(err, response.status, buf_str(&response.body), response.body.len);
		http_response_clear(&response);
		if (!again)
			return -1;
	}
}

int kube_request_json(struct kube_client *c, const struct kube_request *req, json_t **ret, struct err *err)
{
	_cleanup_http_response_ struct http_response response = { 0 };
	if (kube_request(c, req, &response, err) < 0)
		return -1;
	if (!ret)
		return 0;
	json_t *v = json_parse(buf_str(&response.body), response.body.len, 0, err);
	if (!v)
		return err_wrap(err, "%s %s: reading the answer", req->method, c->config.server);
	*ret = v;
	return 0;
}

/* ---- paths ---- */

/* What Kubernetes itself refuses as a name in a path. */
static bool is_path_segment(const char *s)
{
	return *s && !str_eq(s, ".") && !str_eq(s, "..") && !strchr(s, '/') && !strchr(s, '%');
}

int kube_path(const struct kube_type *type, const char *ns, const char *name, const char *sub, char **ret,
              struct err *err)
{
	if (!type->namespaced)
		ns = NULL;
	if (!str_empty(ns) && !is_path_segment(ns))
		return err_set(err, ERR_BAD_REQUEST, "'%s' cannot be the name of a namespace", ns);
	if (name && !is_path_segment(name))
		return err_set(err, ERR_BAD_REQUEST, "'%s' cannot be the name of one of %s", name, type->plural);
	if (name && type->namespaced && str_empty(ns))
		return err_set(err, ERR_BAD_REQUEST, "%s %s: the namespace is missing", type->plural, name);
	_cleanup_buf_ struct buf path = BUF_INIT(PATH_MAX_BYTES);
	if (*type->group)
		buf_printf(&path, "/apis/%s/%s", type->group, type->version);
	else
		buf_printf(&path, "/api/%s", type->version);
	if (!str_empty(ns)) {
		buf_puts(&path, "/namespaces/");
		http_escape(&path, ns);
	}
	buf_printf(&path, "/%s", type->plural);
	if (name) {
		buf_putc(&path, '/');
		http_escape(&path, name);
	}
	if (sub)
		buf_printf(&path, "/%s", sub);
	if (path.failed)
		return err_set(err, ERR_BAD_REQUEST, "a name of %s is too long", type->plural);
	*ret = buf_steal(&path);
	return 0;
}

void kube_query(struct buf *path, const char *name, const char *value)
{
	if (str_empty(value))
		return;
	bool first = !strchr(buf_str(path), '?');
	buf_printf(path, "%c%s=", first ? '?' : '&', name);
	http_escape(path, value);
}

/* kube_path() with a query parameter or two. */
static int path_with(const struct kube_type *type, const char *ns, const char *name, const char *sub,
                     const char *field_manager, bool force, char **ret, struct err *err)
{
	_cleanup_free_ char *base = NULL;
	if (kube_path(type, ns, name, sub, &base, err) < 0)
		return -1;
	_cleanup_buf_ struct buf path = BUF_INIT(PATH_MAX_BYTES);
	buf_puts(&path, base);
	kube_query(&path, "fieldManager", field_manager);
	if (force)
		kube_query(&path, "force", "true");
	*ret = buf_steal(&path);
	return 0;
}

/* ---- verbs ---- */

static int send_object(struct kube_client *c, struct kube_request *req, const json_t *obj, json_t **ret,
                       struct err *err)
{
	_cleanup_buf_ struct buf body = BUF_INIT(BODY_MAX_BYTES);
	if (json_write(obj, &body) < 0)
		return err_set(err, ERR_TOO_LARGE, "%s %s: the object is larger than %zu bytes", req->method, req->path,
		               BODY_MAX_BYTES);
	req->body = buf_str(&body);
	req->body_len = body.len;
	return kube_request_json(c, req, ret, err);
}

int kube_get(struct kube_client *c, const struct kube_type *type, const char *ns, const char *name, json_t **ret,
             struct err *err)
{
	_cleanup_free_ char *path = NULL;
	if (kube_path(type, ns, name, NULL, &path, err) < 0)
		return -1;
	struct kube_request req = { .method = "GET", .path = path };
	return kube_request_json(c, &req, ret, err);
}

int kube_create(struct kube_client *c, const struct kube_type *type, const json_t *obj, json_t **ret, struct err *err)
{
	if (!*kube_name(obj) && !json_get_str(kube_meta(obj), "generateName"))
		return err_set(err, ERR_BAD_REQUEST, "creating one of %s: it has neither a name nor a generateName",
		               type->plural);
	if (type->namespaced && !*kube_namespace(obj))
		return err_set(err, ERR_BAD_REQUEST, "creating %s %s: the namespace is missing", type->plural, kube_name(obj));
	_cleanup_free_ char *path = NULL;
	if (path_with(type, kube_namespace(obj), NULL, NULL, c->config.field_manager, false, &path, err) < 0)
		return -1;
	struct kube_request req = { .method = "POST", .path = path };
	return send_object(c, &req, obj, ret, err);
}

static int put(struct kube_client *c, const struct kube_type *type, const char *sub, const json_t *obj, json_t **ret,
               struct err *err)
{
	if (!*kube_resource_version(obj))
		return err_set(err, ERR_BAD_REQUEST, "updating %s %s: metadata.resourceVersion is missing", type->plural,
		               kube_name(obj));
	_cleanup_free_ char *path = NULL;
	if (path_with(type, kube_namespace(obj), kube_name(obj), sub, c->config.field_manager, false, &path, err) < 0)
		return -1;
	struct kube_request req = { .method = "PUT", .path = path };
	return send_object(c, &req, obj, ret, err);
}

int kube_update(struct kube_client *c, const struct kube_type *type, const json_t *obj, json_t **ret, struct err *err)
{
	return put(c, type, NULL, obj, ret, err);
}

int kube_update_status(struct kube_client *c, const struct kube_type *type, const json_t *obj, json_t **ret,
                       struct err *err)
{
	return put(c, type, "status", obj, ret, err);
}

int kube_patch(struct kube_client *c, const struct kube_type *type, const char *ns, const char *name,
               enum kube_patch_kind kind, const json_t *patch, const struct kube_patch_options *options, json_t **ret,
               struct err *err)
{
	static const char *const content_types[] = {
		[KUBE_PATCH_JSON] = "application/json-patch+json",
		[KUBE_PATCH_MERGE] = "application/merge-patch+json",
		[KUBE_PATCH_STRATEGIC] = "application/strategic-merge-patch+json",
		[KUBE_PATCH_APPLY] = "application/apply-patch+yaml", /* JSON is YAML */
	};
	const struct kube_patch_options none = { 0 };
	if (!options)
		options = &none;
	const char *manager = options->field_manager ? options->field_manager : c->config.field_manager;
	bool force = kind == KUBE_PATCH_APPLY && options->force;
	_cleanup_free_ char *path = NULL;
	if (path_with(type, ns, name, options->subresource, manager, force, &path, err) < 0)
		return -1;
	struct kube_request req = { .method = "PATCH", .path = path, .content_type = content_types[kind] };
	return send_object(c, &req, patch, ret, err);
}

/* A refused precondition means that the object with that uid is gone, unless it is there after all. */
static int check_gone(struct kube_client *c, const struct kube_type *type, const char *ns, const char *name,
                      const char *uid, struct err *conflict, struct err *err)
{
	_cleanup_json_ json_t *now = NULL;
	_cleanup_err_ struct err e = { 0 };
	if (kube_get(c, type, ns, name, &now, &e) < 0 && e.kind == ERR_NOT_FOUND)
		return 0;
	if (now && !str_eq(kube_uid(now), uid))
		return 0;
	if (err)
		err_move(err, conflict);
	return -1;
}

int kube_delete(struct kube_client *c, const struct kube_type *type, const char *ns, const char *name, const char *uid,
                enum kube_propagation propagation, struct err *err)
{
	static const char *const policies[] = {
		[KUBE_BACKGROUND] = "Background", [KUBE_FOREGROUND] = "Foreground", [KUBE_ORPHAN] = "Orphan"
	};
	_cleanup_free_ char *path = NULL;
	if (kube_path(type, ns, name, NULL, &path, err) < 0)
		return -1;
	_cleanup_json_ json_t *options = json_object();
	json_put_str(options, "kind", "DeleteOptions");
	json_put_str(options, "apiVersion", "v1");
	json_put_str(options, "propagationPolicy", policies[propagation]);
	if (uid)
		json_put_str(json_ensure_object(options, "preconditions"), "uid", uid);
	struct kube_request req = { .method = "DELETE", .path = path };
	_cleanup_err_ struct err e = { 0 };
	if (send_object(c, &req, options, NULL, &e) == 0 || e.kind == ERR_NOT_FOUND)
		return 0;
	if (e.kind == ERR_CONFLICT && uid)
		return check_gone(c, type, ns, name, uid, &e, err);
	if (err)
		err_move(err, &e);
	return -1;
}

int kube_raw_call(struct kube_client *c, const struct kube_raw *call, char **ret_body, size_t *ret_len, struct err *err)
{
	if (!call->path || call->path[0] != '/')
		return err_set(err, ERR_BAD_REQUEST, "a path below the server must begin with '/'");
	struct kube_request req = {
		.method = call->method ? call->method : "GET",
		.path = call->path,
		.content_type = call->content_type,
		.accept = call->accept,
		.body = call->body,
		.body_len = call->body_len,
		.timeout_ns = call->on_data ? -1 : 0,
		.attempts = call->on_data ? 1 : 0,
		.cancel = call->cancel,
		.on_data = call->on_data,
		.self = call->self,
	};
	_cleanup_http_response_ struct http_response response = { 0 };
	if (kube_request(c, &req, &response, err) < 0)
		return -1;
	if (ret_len)
		*ret_len = response.body.len;
	if (ret_body)
		*ret_body = buf_steal(&response.body);
	return 0;
}
