/* Health as k8s.io/apiserver/pkg/server/healthz tells it: /healthz, /livez, /readyz, ?verbose, ?exclude=, single
 * checks. */
#include "base/str.h"
#include "handler.h"
#include "respond.h"
#include "server.h"

#define OUT_MAX ((size_t)64 * 1024)
#define TEXT "text/plain; charset=utf-8"

struct health {
	struct api_request *req;
	const char *kind; /* "readyz" */
	const char *only; /* one check, or NULL */
	char **excluded;
	struct buf out;
	bool found, failed;
};

/* True, and it counts as named, when the check is not wanted. */
static bool take_excluded(struct health *h, const char *name)
{
	bool excluded = false;

	for (size_t i = 0; h->excluded && h->excluded[i]; i++) {
		if (strcmp(h->excluded[i], name) != 0)
			continue;
		excluded = true;
		h->excluded[i][0] = '\0';
	}
	return excluded;
}

/* Whoever asks needs no credentials, so the reason goes to the log only. */
static void run_check(struct health *h, const char *name, int (*check)(void *self, struct err *err), void *self)
{
	_cleanup_err_ struct err err = { 0 };

	if (h->only && strcmp(h->only, name) != 0)
		return;
	h->found = true;
	if (!h->only && take_excluded(h, name)) {
		buf_printf(&h->out, "[+]%s excluded: ok\n", name);
	} else if (check(self, &err) == 0) {
		buf_printf(&h->out, "[+]%s ok\n", name);
	} else {
		h->failed = true;
		log_warn(h->req->server->log, "%s check %s failed: %s", h->kind, name, err_message(&err));
		buf_printf(&h->out, "[-]%s failed: reason withheld\n", name);
	}
}

static int ping(void *self _unused_, struct err *err _unused_)
{
	return 0;
}

/* The list is never shortened, so it is read without its lock held. A process lives though it is not ready. */
static void run_checks(struct health *h)
{
	struct apiserver *s = h->req->server;

	run_check(h, "ping", ping, NULL);
	if (strcmp(h->kind, "readyz") != 0 && !h->only)
		return;
	pthread_mutex_lock(&s->lock);
	struct apiserver_check *first = s->checks;
	pthread_mutex_unlock(&s->lock);
	for (struct apiserver_check *c = first; c; c = c->next)
		run_check(h, c->name, c->check, c->self);
}

static void warn_of_unknown(struct health *h)
{
	_cleanup_buf_ struct buf names = BUF_INIT(OUT_MAX);

	for (size_t i = 0; h->excluded && h->excluded[i]; i++)
		if (*h->excluded[i])
			buf_printf(&names, "%s\"%s\"", names.len ? ", " : "", h->excluded[i]);
	if (names.len > 0 && !h->only)
		buf_printf(&h->out, "warn: some health checks cannot be excluded: no matches for %s\n", buf_str(&names));
}

static void respond_single(struct health *h)
{
	if (!h->found)
		api_respond_text(h->req, 404, TEXT, "404 page not found\n");
	else if (h->failed)
		api_respond_text(h->req, 500, TEXT, "internal server error: reason withheld\n");
	else
		api_respond_text(h->req, 200, TEXT, "ok");
}

void respond_health(struct api_request *req, const char *kind, const char *only)
{
	const char *query = http_request_query(req->http);
	_cleanup_free_ char *verbose = http_query_get(query, "verbose");
	struct health h = {
		.req = req, .kind = kind, .only = only, .excluded = api_query_values(query, "exclude"), .out = BUF_INIT(OUT_MAX)
	};

	run_checks(&h);
	warn_of_unknown(&h);
	buf_printf(&h.out, "%s check %s\n", kind, h.failed ? "failed" : "passed");
	if (only)
		respond_single(&h);
	else if (h.failed || verbose)
		api_respond_text(req, h.failed ? 500 : 200, TEXT, buf_str(&h.out));
	else
		api_respond_text(req, 200, TEXT, "ok");
	strv_free(h.excluded);
	buf_clear(&h.out);
}
