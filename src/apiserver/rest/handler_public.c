/* What needs no credentials, and the metrics. */
#include "base/str.h"
#include "handler.h"
#include "respond.h"
#include "server.h"

#define OUT_MAX ((size_t)16 * 1024 * 1024)

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

	const char *method = http_request_method(req->http);

	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
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

/* "group/plural" as the store has it → "plural.group". */
static void count_objects(void *gauge, const char *resource, size_t count)
{
	const char *slash = strchr(resource, '/');
	_cleanup_free_ char *words = slash == resource ? xstrdup(slash + 1)
	                                               : xasprintf("%s.%.*s", slash + 1, (int)(slash - resource), resource);

	metric_set(gauge, (double)count, METRIC_LABELS(words));
}

void handle_metrics(struct api_request *req)
{
	_cleanup_buf_ struct buf out = BUF_INIT(OUT_MAX);
	struct metric *objects = metrics_gauge(req->server->metrics, "apiserver_storage_objects",
	                                       "Number of stored objects.", "resource");

	store_each_resource(req->server->store, count_objects, objects);
	metrics_write(req->server->metrics, &out);
	api_respond_text(req, 200, "text/plain; version=0.0.4; charset=utf-8", buf_str(&out));
}
