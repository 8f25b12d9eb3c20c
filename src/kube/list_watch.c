/* Lists in pages, and watches: the two streams of objects. */
#include "base/str.h"
#include "client_internal.h"
#include "json_split.h"

#define PATH_MAX_BYTES ((size_t)(256 * 1024))
#define PAGE_DEFAULT 500
#define WATCH_SECONDS_MIN 300
#define WATCH_GRACE_S 30

/* ---- lists ---- */

struct page {
	const struct kube_type *type;
	const char *api_version;
	const struct kube_list_sink *sink;
	bool stopped;
	struct err err;
};

/* An API server leaves apiVersion and kind out of the items of its built-in types. */
static void complete_type(json_t *item, const struct page *page)
{
	if (!json_get_str(item, "kind"))
		json_put_str(item, "kind", page->type->kind);
	if (!json_get_str(item, "apiVersion"))
		json_put_str(item, "apiVersion", page->api_version);
}

static bool on_list_item(void *self, const char *text, size_t len)
{
	struct page *page = self;
	_cleanup_json_ json_t *item = json_parse(text, len, 0, &page->err);
	if (!item) {
		bool skip = page->sink->on_unreadable && page->sink->on_unreadable(page->sink->self, &page->err);
		if (skip)
			err_clear(&page->err);
		return skip;
	}
	complete_type(item, page);
	page->stopped = !page->sink->on_item(page->sink->self, item);
	return !page->stopped;
}

static int decode_page(struct page *page, const struct buf *body, char **ret_continue, char **ret_resource_version,
                       struct err *err)
{
	_cleanup_(json_split_clear) struct json_split split = JSON_SPLIT_INIT(JSON_SPLIT_ITEMS, on_list_item, page);
	if (json_split_feed(&split, buf_str(body), body->len, err) < 0 || json_split_end(&split, err) < 0)
		return err_wrap(err, "listing %s", page->type->plural);
	if (err_is_set(&page->err)) {
		if (err)
			err_move(err, &page->err);
		else
			err_clear(&page->err);
		return err_wrap(err, "listing %s", page->type->plural);
	}
	if (page->stopped)
		return 0;
	_cleanup_json_ json_t *list = json_parse(buf_str(&split.rest), split.rest.len, 0, err);
	if (!list)
		return err_wrap(err, "listing %s", page->type->plural);
	const char *token = json_get_str(kube_meta(list), "continue");
	*ret_continue = str_empty(token) ? NULL : xstrdup(token);
	*ret_resource_version = xstrdup(kube_resource_version(list));
	return 0;
}

static int list_path(const struct kube_type *type, const char *ns, const struct kube_list_options *options,
                     int64_t limit, const char *token, char **ret, struct err *err)
{
	_cleanup_free_ char *base = NULL;
	if (kube_path(type, ns, NULL, NULL, &base, err) < 0)
		return -1;
	_cleanup_buf_ struct buf path = BUF_INIT(PATH_MAX_BYTES);
	buf_puts(&path, base);
	kube_query(&path, "labelSelector", options->labels);
	kube_query(&path, "fieldSelector", options->fields);
	if (limit > 0) {
		char n[24];
		snprintf(n, sizeof(n), "%lld", (long long)limit);
		kube_query(&path, "limit", n);
	}
	if (token)
		kube_query(&path, "continue", token);
	else
		kube_query(&path, "resourceVersion", options->resource_version);
	if (path.failed)
		return err_set(err, ERR_BAD_REQUEST, "listing %s: the selector is too long", type->plural);
	*ret = buf_steal(&path);
	return 0;
}

/* Where a list stands between its pages. */
struct list_state {
	const struct kube_list_options *options;
	int64_t limit;
	char *token, *resource_version;
	bool restarted;
};

/* What to change so that the list can go on after a failed page: smaller pages when one was too large, from the
 * beginning and without pages when the token expired (as client-go's pager does). False: nothing. */
static bool list_recover(struct list_state *state, const struct kube_list_sink *sink, enum err_kind kind)
{
	if (kind == ERR_TOO_LARGE && state->limit != 1) {
		state->limit = state->limit == 0 ? PAGE_DEFAULT : state->limit / 8 > 0 ? state->limit / 8 : 1;
		return true;
	}
	if ((kind == ERR_EXPIRED || kind == ERR_GONE) && state->token && !state->restarted) {
		state->restarted = true;
		state->limit = 0;
		free(TAKE_PTR(state->token));
		sink->on_restart(sink->self);
		return true;
	}
	return false;
}

static int list_page(struct kube_client *c, struct page *page, const char *ns, struct list_state *state,
                     const atomic_bool *cancel, struct err *err)
{
	_cleanup_free_ char *path = NULL, *token = NULL, *version = NULL;
	if (list_path(page->type, ns, state->options, state->limit, state->token, &path, err) < 0)
		return -1;
	struct kube_request req = { .method = "GET", .path = path, .cancel = cancel };
	_cleanup_http_response_ struct http_response response = { 0 };
	if (kube_request(c, &req, &response, err) < 0)
		return -1;
	if (decode_page(page, &response.body, &token, &version, err) < 0)
		return -1;
	free(state->token);
	state->token = TAKE_PTR(token);
	free(state->resource_version);
	state->resource_version = TAKE_PTR(version);
	return 0;
}

int kube_list_items(struct kube_client *c, const struct kube_type *type, const char *ns,
                    const struct kube_list_options *options, const atomic_bool *cancel,
                    const struct kube_list_sink *sink, char **ret_resource_version, struct err *err)
{
	const struct kube_list_options none = { 0 };
	_cleanup_free_ char *api_version = kube_type_api_version(type);
	struct list_state state = { .options = options ? options : &none };
	/* A page of a given version would mean "exactly that version", which is most likely gone. */
	if (str_empty(state.options->resource_version) || str_eq(state.options->resource_version, "0"))
		state.limit = state.options->limit;
	struct page page = { .type = type, .api_version = api_version, .sink = sink };
	int r = 0;
	do {
		_cleanup_err_ struct err e = { 0 };
		r = list_page(c, &page, ns, &state, cancel, &e);
		if (r < 0 && list_recover(&state, sink, e.kind)) {
			r = 0;
			continue;
		}
		if (r < 0 && err)
			err_move(err, &e);
		if (r < 0 || !state.token)
			break;
	} while (!page.stopped);
	free(state.token);
	if (r == 0 && ret_resource_version)
		*ret_resource_version = state.resource_version ? TAKE_PTR(state.resource_version) : xstrdup("");
	free(state.resource_version);
	return r;
}

static bool collect_item(void *self, json_t *item)
{
	json_array_append(self, item);
	return true;
}

static void forget_items(void *self)
{
	json_array_clear(self);
}

int kube_list(struct kube_client *c, const struct kube_type *type, const char *ns,
              const struct kube_list_options *options, json_t **ret_items, char **ret_resource_version, struct err *err)
{
	_cleanup_json_ json_t *items = json_array();
	struct kube_list_sink sink = { .on_item = collect_item, .on_restart = forget_items, .self = items };
	if (kube_list_items(c, type, ns, options, NULL, &sink, ret_resource_version, err) < 0)
		return -1;
	*ret_items = TAKE_PTR(items);
	return 0;
}

/* ---- watches ---- */

struct watch {
	const struct kube_type *type;
	const atomic_bool *cancel;
	struct json_split split;
	bool (*on_event)(void *self, const char *event_type, json_t *obj);
	void *self;
	struct err err;
};

/* The Status inside an ERROR event. */
static void error_event(struct watch *w, const json_t *status)
{
	_cleanup_free_ char *text = status ? json_to_str(status) : xstrdup("");
	kube_err_from_status(&w->err, (int)json_get_int(status, "code", 500), text, strlen(text));
}

static bool on_watch_event(void *self, const char *text, size_t len)
{
	struct watch *w = self;
	_cleanup_json_ json_t *event = json_parse(text, len, 0, &w->err);
	if (!event)
		return false;
	const char *type = json_get_str(event, "type");
	json_t *obj = json_object_get(event, "object");
	if (!type || !json_is_object(obj)) {
		/* Some proxies answer with a bare Status. */
		if (str_eq(json_get_str(event, "kind"), "Status"))
			error_event(w, event);
		else
			err_set(&w->err, ERR_INTERNAL, "an event without type or object");
		return false;
	}
	if (str_eq(type, "ERROR")) {
		error_event(w, obj);
		return false;
	}
	if (w->cancel && atomic_load(w->cancel))
		return false;
	return w->on_event(w->self, type, obj);
}

static bool on_watch_data(void *self, const char *data, size_t len)
{
	struct watch *w = self;
	if (json_split_feed(&w->split, data, len, &w->err) < 0)
		return false;
	return !w->split.stopped;
}

static int watch_path(const struct kube_type *type, const char *ns, const struct kube_list_options *options,
                      int seconds, char **ret, struct err *err)
{
	_cleanup_free_ char *base = NULL;
	if (kube_path(type, ns, NULL, NULL, &base, err) < 0)
		return -1;
	char timeout[16];
	snprintf(timeout, sizeof(timeout), "%d", seconds);
	_cleanup_buf_ struct buf path = BUF_INIT(PATH_MAX_BYTES);
	buf_puts(&path, base);
	kube_query(&path, "watch", "true");
	kube_query(&path, "allowWatchBookmarks", "true");
	kube_query(&path, "timeoutSeconds", timeout);
	kube_query(&path, "labelSelector", options->labels);
	kube_query(&path, "fieldSelector", options->fields);
	kube_query(&path, "resourceVersion", options->resource_version);
	if (path.failed)
		return err_set(err, ERR_BAD_REQUEST, "watching %s: the selector is too long", type->plural);
	*ret = buf_steal(&path);
	return 0;
}

/* What was said inside the stream goes before how the stream ended. */
static int watch_result(struct watch *w, int r, struct err *e, struct err *err)
{
	if (err_is_set(&w->err)) {
		err_clear(e);
		err_move(e, &w->err);
	} else if (r == 0 || (w->cancel && atomic_load(w->cancel))) {
		return 0;
	}
	if (e->kind == ERR_GONE)
		e->kind = ERR_EXPIRED;
	if (err)
		err_move(err, e);
	return err_wrap(err, "watching %s", w->type->plural);
}

int kube_watch_for(struct kube_client *c, const struct kube_type *type, const char *ns,
                   const struct kube_list_options *options, int seconds, const atomic_bool *cancel,
                   bool (*on_event)(void *self, const char *event_type, json_t *obj), void *self, struct err *err)
{
	const struct kube_list_options none = { 0 };
	_cleanup_free_ char *path = NULL;
	if (watch_path(type, ns, options ? options : &none, seconds, &path, err) < 0)
		return -1;
	struct watch w = { .type = type, .cancel = cancel, .on_event = on_event, .self = self };
	w.split = JSON_SPLIT_INIT(JSON_SPLIT_VALUES, on_watch_event, &w);
	/* The server ends the watch; the limit on this side is for one that died without a word. */
	struct kube_request req = {
		.method = "GET",
		.path = path,
		.timeout_ns = (int64_t)(seconds + WATCH_GRACE_S) * NS_PER_S,
		.attempts = 1,
		.cancel = cancel,
		.on_data = on_watch_data,
		.self = &w,
	};
	struct http_response response = { 0 };
	_cleanup_err_ struct err e = { 0 };
	int r = kube_request(c, &req, &response, &e);
	http_response_clear(&response);
	r = watch_result(&w, r, &e, err);
	json_split_clear(&w.split);
	err_clear(&w.err);
	return r;
}

int kube_watch(struct kube_client *c, const struct kube_type *type, const char *ns,
               const struct kube_list_options *options, const atomic_bool *cancel,
               bool (*on_event)(void *self, const char *event_type, json_t *obj), void *self, struct err *err)
{
	int seconds = (int)(WATCH_SECONDS_MIN * (1 + kube_random()));
	return kube_watch_for(c, type, ns, options, seconds, cancel, on_event, self, err);
}
