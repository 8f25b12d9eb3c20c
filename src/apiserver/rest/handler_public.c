/* Health, version and metrics. */
#include "base/str.h"
#include "handler.h"
#include "respond.h"
#include "server.h"

#define OUT_MAX ((size_t)16 * 1024 * 1024)

static void add_check(struct buf *out, const char *name, const struct err *err, bool *ok)
{
	if (!err_is_set(err)) {
		buf_printf(out, "[+]%s ok\n", name);
		return;
	}
	*ok = false;
	buf_printf(out, "[-]%s failed: %s\n", name, err_message(err));
}

/* Runs the checks whose name is only (NULL: all). The list is never shortened, so it is read without its lock held. */
static bool run_checks(struct apiserver *s, const char *only, struct buf *out, bool *ret_found)
{
	bool ok = true;
	struct err none = { 0 };

	*ret_found = !only || strcmp(only, "ping") == 0;
	if (*ret_found)
		add_check(out, "ping", &none, &ok);
	pthread_mutex_lock(&s->lock);
	struct apiserver_check *first = s->checks;
	pthread_mutex_unlock(&s->lock);
	for (struct apiserver_check *c = first; c; c = c->next) {
		_cleanup_err_ struct err err = { 0 };
		if (only && strcmp(only, c->name) != 0)
			continue;
		*ret_found = true;
		c->check(c->self, &err);
		add_check(out, c->name, &err, &ok);
	}
	return ok;
}

static void respond_health(struct api_request *req, const char *kind, const char *only)
{
	_cleanup_buf_ struct buf out = BUF_INIT(OUT_MAX);
	_cleanup_free_ char *verbose = http_query_get(http_request_query(req->http), "verbose");
	bool found = true, ready = strcmp(kind, "readyz") == 0, ok = true;

	if (ready || only)
		ok = run_checks(req->server, only, &out, &found);
	else
		buf_puts(&out, "[+]ping ok\n");
	if (!found) {
		api_respond_text(req, 404, "text/plain; charset=utf-8", "404 page not found\n");
	} else if (ok && !verbose) {
		api_respond_text(req, 200, "text/plain; charset=utf-8", "ok");
	} else {
		buf_printf(&out, "%s check %s\n", kind, ok ? "passed" : "failed");
		api_respond_text(req, ok ? 200 : 500, "text/plain; charset=utf-8", buf_str(&out));
	}
}

static void respond_version(struct api_request *req)
{
	json_t *v = json_object();

	json_put_str(v, "major", "1");
	json_put_str(v, "minor", "32");
	json_put_str(v, "gitVersion", "v1.32.0+scia-" SCIA_VERSION);
	json_put_str(v, "gitCommit", "");
	json_put_str(v, "gitTreeState", "clean");
	json_put_str(v, "buildDate", "1970-01-01T00:00:00Z");
	json_put_str(v, "goVersion", "none");
	json_put_str(v, "compiler", __VERSION__);
	json_put_str(v, "platform",
	             "linux/"
#ifdef __x86_64__
	             "amd64"
#else
	             "arm64"
#endif
	);
	req->options.pretty = 1; /* as Kubernetes: people read it */
	api_respond_value(req, 200, v);
}

bool handle_public(struct api_request *req)
{
	static const char *const kinds[] = { "healthz", "livez", "readyz" };
	const char *path = http_request_path(req->http);

	if (strcmp(http_request_method(req->http), "GET") != 0)
		return false;
	if (strcmp(path, "/version") == 0 || strcmp(path, "/version/") == 0) {
		respond_version(req);
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *rest = str_after(path + 1, kinds[i]);
		if (rest && (!*rest || *rest == '/')) {
			respond_health(req, kinds[i], *rest && rest[1] ? rest + 1 : NULL);
			return true;
		}
	}
	return false;
}

void handle_metrics(struct api_request *req)
{
	_cleanup_buf_ struct buf out = BUF_INIT(OUT_MAX);

	metrics_write(req->server->metrics, &out);
	api_respond_text(req, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&out));
}
