#include "watch.h"

#include "base/clock.h"
#include "base/str.h"
#include "kube/object.h"
#include "list.h"
#include "objects/object_convert.h"
#include "objects/object_view.h"
#include "respond.h"
#include "server.h"
#include "table.h"
#include "watch_convert.h"

#include <inttypes.h>

#define BOOKMARK_NS (60 * NS_PER_S)
#define DEFAULT_TIMEOUT_S 1800 /* to twice that, so that clients do not return all at once */
#define INITIAL_END "k8s.io/initial-events-end"

static const char *const TYPE_NAMES[] = {
	[STORE_ADDED] = "ADDED", [STORE_MODIFIED] = "MODIFIED", [STORE_DELETED] = "DELETED"
};

struct watcher {
	struct watch_hub *hub;
	struct api_request *req; /* without its http request, which is over */
	struct list_selection selection;
	struct http_stream *stream;
	struct store_watch *watch;
	struct watch_converter *converter; /* of a type whose objects a webhook converts */
	int64_t deadline_ns, bookmark_ns;
	bool columns_sent; /* in a table */
	/* Guarded by the hub's lock. */
	bool running, ending, closed;
	struct watcher *next, **prev;
};

struct watch_hub {
	struct apiserver *server;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct watcher *watchers;
	bool stopping;
	pthread_t timer;
	struct metric *count;

	struct bytes *added_head, *added_tail; /* around the text of an ADDED object */

	/* The last event that was encoded: a thousand watches of a type want the same bytes. */
	pthread_mutex_t encode_lock;
	struct bytes *encoded, *encoded_from;
	uint64_t encoded_version;
	enum store_change_type encoded_type;
};

/* ---- events ---- */

static struct bytes *wrap_event(const char *type, const char *object, size_t len)
{
	static const char middle[] = "\",\"object\":", head[] = "{\"type\":\"";
	size_t type_len = strlen(type);
	struct bytes *b = bytes_new(NULL, sizeof(head) - 1 + type_len + sizeof(middle) - 1 + len + 2);
	char *at = b->data;

	at = mempcpy(at, head, sizeof(head) - 1);
	at = mempcpy(at, type, type_len);
	at = mempcpy(at, middle, sizeof(middle) - 1);
	at = mempcpy(at, object, len);
	memcpy(at, "}\n", 3);
	return b;
}

static void send_value(struct watcher *w, const char *type, json_t *object)
{
	_cleanup_(bytes_unrefp) struct bytes *text = json_to_bytes(object);
	_cleanup_(bytes_unrefp) struct bytes *event = wrap_event(type, text->data, text->len);

	http_stream_write_bytes(w->stream, event);
	json_decref(object);
}

static struct bytes *encode_shared(struct watch_hub *hub, enum store_change_type type, const struct bytes *text,
                                   uint64_t version)
{
	MUTEX_GUARD(&hub->encode_lock);
	if (!hub->encoded || hub->encoded_version != version || hub->encoded_type != type || hub->encoded_from != text) {
		bytes_unref(hub->encoded);
		bytes_unref(hub->encoded_from);
		hub->encoded_from = bytes_ref((struct bytes *)(uintptr_t)text);
		hub->encoded = wrap_event(TYPE_NAMES[type], text->data, text->len);
		hub->encoded_version = version;
		hub->encoded_type = type;
	}
	return bytes_ref(hub->encoded);
}

/* Only the first table of a watch says what its columns are. */
static json_t *as_table(struct watcher *w, const json_t *obj)
{
	const struct api_request *req = w->req;
	json_t *table = table_new(req->version, req->accept.v1beta1, kube_resource_version(obj));

	if (w->columns_sent)
		json_put(table, "columnDefinitions", json_null());
	w->columns_sent = true;
	/* What tells that the initial events are over is in the object, so it is there whatever was asked for. */
	bool mark = kube_annotation(obj, INITIAL_END) != NULL, none = str_eq(req->options.include_object, "None");
	table_add(table, req->version, req->accept.v1beta1, obj, mark && none ? "Metadata" : req->options.include_object);
	return table;
}

/* An object as the client wants it; obj is stolen. */
static json_t *in_form(struct watcher *w, json_t *obj)
{
	_cleanup_json_ json_t *o = obj;

	if (w->req->accept.form == FORM_OBJECT)
		return json_incref(o);
	return w->req->accept.form == FORM_PARTIAL ? object_partial(o, w->req->accept.v1beta1) : as_table(w, o);
}

static void send_object(struct watcher *w, enum store_change_type type, const struct store_object *o)
{
	const struct api_request *req = w->req;

	if (req->accept.form == FORM_OBJECT) {
		_cleanup_(bytes_unrefp) struct bytes *text = object_view_text(req->type, req->version, o);
		_cleanup_(bytes_unrefp) struct bytes *event = text == o->text
		                                                  ? encode_shared(w->hub, type, text, o->version)
		                                                  : wrap_event(TYPE_NAMES[type], text->data, text->len);
		http_stream_write_bytes(w->stream, event);
		return;
	}
	send_value(w, TYPE_NAMES[type], in_form(w, object_view_value(req->type, req->version, o)));
}

/* What is there already may be much: its texts are not copied. Nobody else writes to the stream yet. */
static void send_initial_object(struct watcher *w, const struct store_object *o)
{
	const struct api_request *req = w->req;

	if (req->accept.form != FORM_OBJECT) {
		send_object(w, STORE_ADDED, o);
		return;
	}
	_cleanup_(bytes_unrefp) struct bytes *text = object_view_text(req->type, req->version, o);
	http_stream_write_bytes(w->stream, w->hub->added_head);
	http_stream_write_bytes(w->stream, text);
	http_stream_write_bytes(w->stream, w->hub->added_tail);
}

/* It matched and does so no more: for this client it is deleted, with the last state that matched. */
static void send_left(struct watcher *w, const struct store_change *c)
{
	json_t *obj = object_view_value(w->req->type, w->req->version, c->previous);

	json_put(kube_meta(obj), "resourceVersion", json_strf("%" PRIu64, c->version));
	send_value(w, "DELETED", in_form(w, obj));
}

static void deliver(void *self, const struct store_change *c)
{
	struct watcher *w = self;
	bool now = c->type != STORE_DELETED && list_selects(&w->selection, c->object);
	bool before = c->previous && list_selects(&w->selection, c->previous);

	if (now)
		send_object(w, before ? STORE_MODIFIED : STORE_ADDED, c->object);
	else if (before && c->type == STORE_DELETED)
		send_object(w, STORE_DELETED, c->object);
	else if (before)
		send_left(w, c);
}

/* On the committer's thread. */
static void on_change(void *self, const struct store_change *c)
{
	struct watcher *w = self;

	if (w->converter)
		watch_converter_add(w->converter, c);
	else
		deliver(w, c);
}

/* An object of the type with nothing but a version. */
static json_t *bookmark(struct watcher *w, uint64_t version, bool initial_end)
{
	json_t *obj = json_object(), *meta = json_ensure_object(obj, "metadata");

	json_put_str(obj, "kind", w->req->type->kind);
	json_put_str(obj, "apiVersion", w->req->version->api_version);
	json_put(meta, "resourceVersion", json_strf("%" PRIu64, version));
	if (!w->req->type->custom)
		json_put(meta, "creationTimestamp", json_null());
	if (initial_end)
		json_put_str(json_ensure_object(meta, "annotations"), INITIAL_END, "true");
	return in_form(w, obj);
}

static void send_bookmark(void *self, uint64_t version)
{
	struct watcher *w = self;

	if (!w->converter || watch_converter_is_idle(w->converter))
		send_value(w, "BOOKMARK", bookmark(w, version, false));
}

static void send_error(struct watcher *w, const struct err *err)
{
	send_value(w, "ERROR", api_status_value(NULL, NULL, err));
}

/* ---- life ---- */

static void watcher_free(struct watcher *w)
{
	list_selection_clear(&w->selection);
	api_request_done(w->req, 200);
	free(w);
}

static void watcher_finish(void *arg)
{
	struct watcher *w = arg;

	http_stream_end(w->stream);
	watcher_free(w);
}

/* On a worker: nobody else refers to it any more but the stream, the store and the converter. */
static void watcher_end(void *arg)
{
	struct watcher *w = arg;

	store_unwatch(w->watch);
	if (w->converter)
		watch_converter_end(w->converter, watcher_finish);
	else
		watcher_finish(w);
}

static void count(const struct watcher *w, double delta)
{
	const struct api_request *req = w->req;

	metric_add(w->hub->count, delta,
	           METRIC_LABELS("WATCH", req->type->group, req->version->name, req->type->plural, "",
	                         *req->path.ns ? "namespace" : "cluster", "apiserver"));
}

/* With the hub's lock held. */
static void begin_end(struct watcher *w)
{
	if (w->ending)
		return;
	w->ending = true;
	*w->prev = w->next;
	if (w->next)
		w->next->prev = w->prev;
	count(w, -1);
	workers_submit(w->hub->server->workers, watcher_end, w);
}

/* The webhook failed: the client hears of it and lists again. */
static void on_conversion_failure(void *self, const struct err *err)
{
	struct watcher *w = self;

	send_error(w, err);
	MUTEX_GUARD(&w->hub->lock);
	w->closed = true;
	if (w->running)
		begin_end(w);
}

/* The client is gone; on an event thread. */
static void on_close(void *self)
{
	struct watcher *w = self;

	MUTEX_GUARD(&w->hub->lock);
	w->closed = true;
	if (w->running)
		begin_end(w);
}

/* Set up: from now on the hub ends it. Or it ends at once, when the client left meanwhile or finished says so. */
static void watcher_go(struct watcher *w, bool finished)
{
	struct watch_hub *hub = w->hub;

	MUTEX_GUARD(&hub->lock);
	w->running = true;
	w->next = hub->watchers;
	w->prev = &hub->watchers;
	if (w->next)
		w->next->prev = &w->next;
	hub->watchers = w;
	count(w, 1);
	if (w->closed || finished || hub->stopping)
		begin_end(w);
}

/* ---- requests ---- */

struct start {
	bool initial;  /* send what is there first */
	bool mark_end; /* and a bookmark behind it */
	uint64_t from;
};

/* Kubernetes opens a watch from a version of the future and stays silent until it is there; here it is refused like a
 * read, so that clients of a store that was restored from a backup list again. */
static int parse_start(const struct api_request *req, struct start *ret, struct err *err)
{
	const struct api_options *o = &req->options;
	uint64_t version = 0;

	if (api_options_version(o->resource_version, &version, err) < 0 ||
	    list_check_version(req->server, version, err) < 0)
		return -1;
	ret->initial = o->send_initial_events >= 0 ? o->send_initial_events == 1 : version == 0;
	ret->mark_end = o->send_initial_events == 1 && o->bookmarks;
	ret->from = version ? version : store_version(req->server->store);
	return 0;
}

/* Everything there is, as ADDED; the version it is from. */
static int send_initial(struct watcher *w, const struct start *start, uint64_t *ret_version, struct err *err)
{
	struct store_list list;
	const struct store_list_query query = { .resource = w->req->type->resource, .ns = list_namespace(w->req) };

	if (store_list(w->req->server->store, &query, &list, err) < 0)
		return -1;
	if (object_convert(w->req->server->store, w->req->type, w->req->version, list.items, list.len, err) < 0) {
		store_list_clear(&list);
		return -1;
	}
	for (size_t i = 0; i < list.len && !http_stream_is_closed(w->stream); i++)
		if (list_selects(&w->selection, list.items[i]))
			send_initial_object(w, list.items[i]);
	if (start->mark_end)
		send_value(w, "BOOKMARK", bookmark(w, list.version, true));
	*ret_version = list.version;
	store_list_clear(&list);
	return 0;
}

static int64_t deadline_of(const struct api_request *req)
{
	int64_t seconds = req->options.timeout_s;

	if (seconds <= 0)
		seconds = DEFAULT_TIMEOUT_S + clock_mono_ns() % DEFAULT_TIMEOUT_S;
	return clock_mono_ns() + (seconds < 86400 ? seconds : 86400) * NS_PER_S;
}

static void start_watcher(struct api_request *req, struct list_selection *selection, const struct start *start)
{
	struct watcher *w = new0(struct watcher);
	struct http_headers headers = { 0 };
	_cleanup_err_ struct err err = { 0 };
	uint64_t from = start->from;

	w->hub = req->server->watches;
	w->req = req;
	w->selection = *selection;
	w->deadline_ns = deadline_of(req);
	w->bookmark_ns = clock_mono_ns() + BOOKMARK_NS;
	if (req->type->conversion)
		w->converter = watch_converter_new(&(struct watch_converter_config){ .server = req->server,
		                                                                     .type = req->type,
		                                                                     .version = req->version,
		                                                                     .deliver = deliver,
		                                                                     .fail = on_conversion_failure,
		                                                                     .self = w });
	api_respond_headers(req, "application/json", &headers);
	audit_response_started(req, 200);
	api_request_leave(req);
	w->stream = http_respond_stream(TAKE_PTR(req->http), 200, &headers, on_close, w);
	http_headers_clear(&headers);
	bool ok = !start->initial || send_initial(w, start, &from, &err) == 0;
	ok = ok && store_watch(req->server->store, req->type->resource, list_namespace(req), from, on_change, w, &w->watch,
	                       &err) == 0;
	if (!ok)
		send_error(w, &err);
	watcher_go(w, !ok);
}

void handle_watch(struct api_request *req)
{
	_cleanup_err_ struct err err = { 0 };
	struct list_selection selection;
	struct start start = { 0 };

	if (list_selection_parse(req, &selection, &err) < 0) {
		api_respond_err(req, &err);
		return;
	}
	if (parse_start(req, &start, &err) < 0) {
		list_selection_clear(&selection);
		api_respond_err(req, &err);
		return;
	}
	start_watcher(req, &selection, &start);
}

/* ---- the timer ---- */

static void tick(struct watch_hub *hub)
{
	int64_t now = clock_mono_ns();
	struct watcher *next;

	for (struct watcher *w = hub->watchers; w; w = next) {
		next = w->next;
		bool due = w->req->options.bookmarks && w->watch && now >= w->bookmark_ns;
		bool over = now >= w->deadline_ns;
		if (due || (over && w->req->options.bookmarks && w->watch)) {
			store_watch_progress(w->watch, send_bookmark, w);
			w->bookmark_ns = now + BOOKMARK_NS;
		}
		if (over)
			begin_end(w);
	}
}

static void *timer_main(void *arg)
{
	struct watch_hub *hub = arg;

	pthread_mutex_lock(&hub->lock);
	while (!hub->stopping) {
		cond_wait_until(&hub->cond, &hub->lock, clock_mono_ns() + NS_PER_S / 2);
		tick(hub);
	}
	pthread_mutex_unlock(&hub->lock);
	return NULL;
}

int watch_hub_start(struct apiserver *s, struct watch_hub **ret, struct err *err)
{
	struct watch_hub *hub = new0(struct watch_hub);

	hub->server = s;
	hub->added_head = bytes_new("{\"type\":\"ADDED\",\"object\":", 25);
	hub->added_tail = bytes_new("}\n", 2);
	pthread_mutex_init(&hub->lock, NULL);
	pthread_mutex_init(&hub->encode_lock, NULL);
	cond_init_mono(&hub->cond);
	hub->count = metrics_gauge(s->metrics, "apiserver_longrunning_requests", "Watches that are open.",
	                           "verb,group,version,resource,subresource,scope,component");
	if (thread_start(&hub->timer, "api-watches", timer_main, hub, err) < 0) {
		free(hub);
		return -1;
	}
	*ret = hub;
	return 0;
}

void watch_hub_end_resource(struct watch_hub *hub, const char *resource)
{
	struct watcher *next;

	MUTEX_GUARD(&hub->lock);
	for (struct watcher *w = hub->watchers; w; w = next) {
		next = w->next;
		if (strcmp(w->req->type->resource, resource) == 0)
			begin_end(w);
	}
}

void watch_hub_end(struct watch_hub *hub)
{
	if (!hub)
		return;
	pthread_mutex_lock(&hub->lock);
	hub->stopping = true;
	pthread_cond_signal(&hub->cond);
	while (hub->watchers)
		begin_end(hub->watchers);
	pthread_mutex_unlock(&hub->lock);
	pthread_join(hub->timer, NULL);
}

struct watch_hub *watch_hub_free(struct watch_hub *hub)
{
	if (!hub)
		return NULL;
	bytes_unref(hub->encoded);
	bytes_unref(hub->encoded_from);
	bytes_unref(hub->added_head);
	bytes_unref(hub->added_tail);
	pthread_mutex_destroy(&hub->lock);
	pthread_mutex_destroy(&hub->encode_lock);
	pthread_cond_destroy(&hub->cond);
	free(hub);
	return NULL;
}
