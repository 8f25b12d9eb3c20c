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

/* The check named in a path below /healthz, /livez or /readyz; NULL: it is no such path, or of all checks. */
const char *health_check_of(const char *path, const char **ret_kind)
{
	static const char *const kinds[] = { "healthz", "livez", "readyz" };

	*ret_kind = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *rest = str_after(path + 1, kinds[i]);
		if (!rest || (*rest && *rest != '/'))
			continue;
		*ret_kind = kinds[i];
		return *rest ? rest + 1 : NULL;
	}
	return NULL;
}

/* Single checks are for those who may see them; and only the version is particular about the method. */
bool handle_public(struct api_request *req)
{
	const char *path = http_request_path(req->http), *kind;
	bool version = strcmp(path, "/version") == 0 || strcmp(path, "/version/") == 0;

	if (version && strcmp(http_request_method(req->http), "GET") == 0) {
		respond_version(req);
		return true;
	}
	if (version || health_check_of(path, &kind) || !kind)
		return false;
	respond_health(req, kind, NULL);
	return true;
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
