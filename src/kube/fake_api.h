#ifndef KUBE_FAKE_API_H
#define KUBE_FAKE_API_H
/* For the tests of this folder: a small API server over HTTP on loopback. It keeps objects of any type, lists them in
 * pages, watches with resume, and fails in the ways real ones do, when it is told to. */

#include "client_internal.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"
#include "net/http_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PATIENCE_NS (20 * NS_PER_S)
#define FAKE_WATCHERS_MAX 64

/* Waits for a condition: tests do not guess how long something takes. */
#define eventually(condition)                            \
	do {                                                 \
		int64_t _until = clock_mono_ns() + PATIENCE_NS;  \
		while (!(condition) && clock_mono_ns() < _until) \
			clock_sleep_ns(NS_PER_MS);                   \
		if (!(condition))                                \
			fail_msg("never came true: %s", #condition); \
	} while (0)

struct fake_watcher {
	struct http_stream *stream; /* NULL: free */
	atomic_bool closed;
	char *collection; /* "/apis/g/v|plural|ns", ns "" for all */
};

struct fake_api {
	struct http_server *server;
	struct kube_client *client;
	char *url;
	pthread_mutex_t lock;
	int64_t version;
	struct map *objects; /* "/apis/g/v|plural|ns|name" → json_t */
	json_t *history;     /* [{key, type, object, version}] */
	struct fake_watcher watchers[FAKE_WATCHERS_MAX];

	/* What to do wrong. */
	int64_t oldest;     /* watches and continue tokens from before it have expired */
	bool expire_inside; /* say so in an ERROR event instead of as a status */
	int fail_times;     /* the next so many requests are answered with fail_status, */
	int fail_status;
	const char *fail_method; /* only of that method (NULL: all), */
	const char *fail_path;   /* only with this in the path and query (NULL: all), */
	const char *fail_body;   /* with this body (NULL: none), */
	const char *fail_retry_after;
	bool bare_items;                   /* list items without apiVersion and kind, as of built-in types */
	const char *require_authorization; /* 401 for anything else */
	int64_t page_max;                  /* pages are at most so long even when nothing was said; 0: no limit */
	bool end_watches;                  /* watches end at once */
	char *last_authorization, *last_query, *last_content_type, *last_headers;

	atomic_int lists, watches, reads, posts, puts, patches, deletes;
};

/* ---- objects ---- */

struct fake_path {
	char *collection; /* "/apis/g/v|plural|ns" */
	char *plain;      /* "/apis/g/v|plural|" */
	char *name;       /* NULL: the collection */
	char *sub;        /* NULL: none */
};

static inline void fake_path_clear(struct fake_path *p)
{
	free(p->collection);
	free(p->plain);
	free(p->name);
	free(p->sub);
}

static inline bool fake_path_parse(const char *path, struct fake_path *ret)
{
	_cleanup_strv_ char **parts = str_split(path, "/");
	size_t n = strv_len(parts), at = n > 0 && str_eq(parts[0], "api") ? 2 : 3;
	if (n < at + 1)
		return false;
	_cleanup_free_ char *prefix = at == 2 ? xasprintf("/api/%s", parts[1])
	                                      : xasprintf("/apis/%s/%s", parts[1], parts[2]);
	const char *ns = "";
	if (n >= at + 3 && str_eq(parts[at], "namespaces")) {
		ns = parts[at + 1];
		at += 2;
	}
	ret->collection = xasprintf("%s|%s|%s", prefix, parts[at], ns);
	ret->plain = xasprintf("%s|%s|", prefix, parts[at]);
	ret->name = n > at + 1 ? xstrdup(parts[at + 1]) : NULL;
	ret->sub = n > at + 2 ? xstrdup(parts[at + 2]) : NULL;
	return true;
}

static inline char *fake_event_text(const char *type, const json_t *obj)
{
	_cleanup_json_ json_t *event = json_object();
	json_put_str(event, "type", type);
	json_object_set(event, "object", (json_t *)(uintptr_t)obj);
	_cleanup_free_ char *text = json_to_str(event);
	return xasprintf("%s\n", text);
}

/* Whether an object's key is in a collection: "P|plural|" (all namespaces) or "P|plural|ns". */
static inline bool fake_is_in(const char *key, const char *collection)
{
	const char *rest = str_after(key, collection);
	return rest && (str_ends_with(collection, "|") || *rest == '|');
}

static inline void fake_write_watchers(struct fake_api *f, const char *key, const char *text)
{
	for (size_t i = 0; i < FAKE_WATCHERS_MAX; i++) {
		struct fake_watcher *w = &f->watchers[i];
		if (w->stream && !atomic_load(&w->closed) && (!key || fake_is_in(key, w->collection)))
			http_stream_write(w->stream, text, strlen(text));
	}
}

/* With the lock held. type: ADDED, MODIFIED or DELETED; the object reads the next version. */
static inline void fake_commit(struct fake_api *f, const char *key, const char *type, json_t *obj)
{
	char version[24];
	snprintf(version, sizeof(version), "%lld", (long long)++f->version);
	json_put_str(json_ensure_object(obj, "metadata"), "resourceVersion", version);
	json_t *entry = json_object();
	json_put_str(entry, "key", key);
	json_put_str(entry, "type", type);
	json_put_int(entry, "version", f->version);
	json_put(entry, "object", json_deep_copy(obj));
	json_array_append_new(f->history, entry);
	if (str_eq(type, "DELETED"))
		map_del(f->objects, key);
	else
		map_set(f->objects, key, json_deep_copy(obj));
	_cleanup_free_ char *text = fake_event_text(type, obj);
	fake_write_watchers(f, key, text);
}

static inline char *fake_key(const struct kube_type *type, const char *ns, const char *name)
{
	_cleanup_free_ char *version = kube_type_api_version(type);
	return xasprintf("/%s/%s|%s|%s|%s", *type->group ? "apis" : "api", version, type->plural, ns, name);
}

/* Writes an object behind the client's back. Its value is in spec.value. */
static inline void fake_put(struct fake_api *f, const struct kube_type *type, const char *ns, const char *name,
                            const char *value)
{
	MUTEX_GUARD(&f->lock);
	_cleanup_free_ char *key = fake_key(type, ns, name);
	json_t *old = map_get(f->objects, key);
	_cleanup_json_ json_t *obj = old ? json_deep_copy(old) : kube_object_new(type, ns, name);
	if (!old) {
		_cleanup_free_ char *uid = xasprintf("uid-%lld", (long long)f->version);
		json_put_str(kube_meta(obj), "uid", uid);
	}
	json_put_str(json_ensure_object(obj, "spec"), "value", value);
	fake_commit(f, key, old ? "MODIFIED" : "ADDED", obj);
}

static inline void fake_delete(struct fake_api *f, const struct kube_type *type, const char *ns, const char *name)
{
	MUTEX_GUARD(&f->lock);
	_cleanup_free_ char *key = fake_key(type, ns, name);
	_cleanup_json_ json_t *obj = json_deep_copy(map_get(f->objects, key));
	fake_commit(f, key, "DELETED", obj);
}

/* A new reference, NULL when absent. */
static inline json_t *fake_get(struct fake_api *f, const struct kube_type *type, const char *ns, const char *name)
{
	MUTEX_GUARD(&f->lock);
	_cleanup_free_ char *key = fake_key(type, ns, name);
	return json_deep_copy(map_get(f->objects, key));
}

static inline int64_t fake_version(struct fake_api *f)
{
	MUTEX_GUARD(&f->lock);
	return f->version;
}

/* ---- watches ---- */

static inline void fake_bookmark(struct fake_api *f)
{
	MUTEX_GUARD(&f->lock);
	_cleanup_free_ char *text = xasprintf(
		"{\"type\":\"BOOKMARK\",\"object\":{\"kind\":\"X\",\"metadata\":{\"resourceVersion\":\"%lld\"}}}\n",
		(long long)f->version);
	fake_write_watchers(f, NULL, text);
}

/* Raw bytes to all watchers. */
static inline void fake_watch_text(struct fake_api *f, const char *text)
{
	MUTEX_GUARD(&f->lock);
	fake_write_watchers(f, NULL, text);
}

static inline void fake_end_watches(struct fake_api *f)
{
	MUTEX_GUARD(&f->lock);
	for (size_t i = 0; i < FAKE_WATCHERS_MAX; i++) {
		struct fake_watcher *w = &f->watchers[i];
		if (!w->stream)
			continue;
		http_stream_end(w->stream);
		free(w->collection);
		*w = (struct fake_watcher){ 0 };
	}
}

static inline int fake_open_watches(struct fake_api *f)
{
	MUTEX_GUARD(&f->lock);
	int n = 0;
	for (size_t i = 0; i < FAKE_WATCHERS_MAX; i++)
		n += f->watchers[i].stream && !atomic_load(&f->watchers[i].closed);
	return n;
}

static inline void fake_watch_closed(void *self)
{
	atomic_store(&((struct fake_watcher *)self)->closed, true);
}

#define FAKE_EXPIRED                                                                                         \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"status\":\"Failure\",\"reason\":\"Expired\",\"code\":410," \
	"\"message\":\"too old resource version\"}"

static inline void fake_watch(struct fake_api *f, struct http_request *req, const struct fake_path *p, int64_t from)
{
	atomic_fetch_add(&f->watches, 1);
	if (from < f->oldest && !f->expire_inside) {
		http_respond_text(req, 410, "application/json", FAKE_EXPIRED);
		return;
	}
	for (size_t i = 0; i < FAKE_WATCHERS_MAX; i++) {
		struct fake_watcher *w = &f->watchers[i];
		if (w->stream && atomic_load(&w->closed)) {
			http_stream_end(w->stream);
			free(w->collection);
			*w = (struct fake_watcher){ 0 };
		}
		if (w->stream)
			continue;
		struct http_headers headers = { 0 };
		http_headers_add(&headers, "Content-Type", "application/json");
		w->stream = http_respond_stream(req, 200, &headers, fake_watch_closed, w);
		w->collection = xstrdup(p->collection);
		http_headers_clear(&headers);
		if (from < f->oldest) {
			http_stream_write(w->stream, "{\"type\":\"ERROR\",\"object\":" FAKE_EXPIRED "}\n",
			                  strlen("{\"type\":\"ERROR\",\"object\":" FAKE_EXPIRED "}\n"));
			return;
		}
		size_t n;
		json_t *entry;
		json_array_foreach (f->history, n, entry) {
			if (json_get_int(entry, "version", 0) <= from || !fake_is_in(json_get_str(entry, "key"), p->collection))
				continue;
			_cleanup_free_ char *text = fake_event_text(json_get_str(entry, "type"), json_object_get(entry, "object"));
			http_stream_write(w->stream, text, strlen(text));
		}
		if (f->end_watches) {
			http_stream_end(w->stream);
			free(w->collection);
			*w = (struct fake_watcher){ 0 };
		}
		return;
	}
	http_respond_text(req, 500, "text/plain", "too many watchers");
}

/* ---- requests ---- */

static inline int64_t fake_number(const char *query, const char *name)
{
	_cleanup_free_ char *text = query ? http_query_get(query, name) : NULL;
	int64_t n = 0;
	if (text)
		str_to_i64(text, 0, INT64_MAX, &n);
	return n;
}

static inline void fake_respond(struct http_request *req, int status, const json_t *v)
{
	_cleanup_free_ char *text = json_to_str(v);
	http_respond_text(req, status, "application/json", text);
}

static inline void fake_fail(struct http_request *req, enum err_kind kind, const char *message)
{
	_cleanup_err_ struct err e = { 0 };
	err_set(&e, kind, "%s", message);
	_cleanup_json_ json_t *status = kube_status_from_err(&e, NULL, NULL, NULL);
	fake_respond(req, err_kind_http_code(kind), status);
}

/* The continue token is "VERSION.NUMBER OF ITEMS SEEN". */
static inline void fake_list(struct fake_api *f, struct http_request *req, const struct fake_path *p, const char *query)
{
	atomic_fetch_add(&f->lists, 1);
	_cleanup_free_ char *token = query ? http_query_get(query, "continue") : NULL;
	int64_t limit = fake_number(query, "limit"), skip = 0, version = f->version;
	if (f->page_max && (limit == 0 || limit > f->page_max))
		limit = f->page_max;
	if (token) {
		char *dot = strchr(token, '.');
		assert_non_null(dot);
		*dot = '\0';
		assert_true(str_to_i64(token, 0, INT64_MAX, &version) && str_to_i64(dot + 1, 0, INT64_MAX, &skip));
		if (version < f->oldest) {
			http_respond_text(req, 410, "application/json", FAKE_EXPIRED);
			return;
		}
	}
	_cleanup_json_ json_t *list = json_object();
	json_put_str(list, "kind", "List");
	json_t *meta = json_ensure_object(list, "metadata"), *items = json_ensure_array(list, "items");
	int64_t n = 0;
	size_t iter = 0;
	const char *key;
	void *value;
	while (map_next(f->objects, &iter, &key, &value)) {
		if (!fake_is_in(key, p->collection) || n++ < skip)
			continue;
		if (limit && (int64_t)json_array_size(items) == limit) {
			json_put(meta, "continue", json_strf("%lld.%lld", (long long)version, (long long)(skip + limit)));
			break;
		}
		json_t *item = json_deep_copy(value);
		if (f->bare_items) {
			json_object_del(item, "kind");
			json_object_del(item, "apiVersion");
		}
		json_array_append_new(items, item);
	}
	json_put(meta, "resourceVersion", json_strf("%lld", (long long)version));
	fake_respond(req, 200, list);
}

static inline void fake_write(struct fake_api *f, struct http_request *req, const struct fake_path *p,
                              const char *method)
{
	size_t len;
	const char *body = http_request_body(req, &len);
	_cleanup_json_ json_t *obj = json_parse(body, len, 0, NULL);
	assert_non_null(obj);
	_cleanup_free_ char *key = xasprintf("%s|%s", p->collection, p->name ? p->name : kube_name(obj));
	json_t *old = map_get(f->objects, key);
	if (str_eq(method, "POST")) {
		atomic_fetch_add(&f->posts, 1);
		if (old) {
			fake_fail(req, ERR_ALREADY_EXISTS, "it already exists");
			return;
		}
		json_put(kube_meta(obj), "uid", json_strf("uid-%lld", (long long)f->version));
		fake_commit(f, key, "ADDED", obj);
		fake_respond(req, 201, obj);
		return;
	}
	if (!old) {
		fake_fail(req, ERR_NOT_FOUND, "not found");
		return;
	}
	if (str_eq(method, "PUT")) {
		atomic_fetch_add(&f->puts, 1);
		if (!str_eq(kube_resource_version(obj), kube_resource_version(old))) {
			fake_fail(req, ERR_CONFLICT, "the object has been modified");
			return;
		}
		fake_commit(f, key, "MODIFIED", obj);
		fake_respond(req, 200, obj);
		return;
	}
	atomic_fetch_add(&f->patches, 1);
	_cleanup_json_ json_t *patched = json_deep_copy(old);
	json_object_update(patched, obj); /* a merge one level deep is all the tests need */
	fake_commit(f, key, "MODIFIED", patched);
	fake_respond(req, 200, patched);
}

static inline void fake_read(struct fake_api *f, struct http_request *req, const struct fake_path *p)
{
	_cleanup_free_ char *key = xasprintf("%s|%s", p->collection, p->name);
	const json_t *obj = map_get(f->objects, key);
	atomic_fetch_add(&f->reads, 1);
	if (obj)
		fake_respond(req, 200, obj);
	else
		fake_fail(req, ERR_NOT_FOUND, "not found");
}

static inline void fake_remove(struct fake_api *f, struct http_request *req, const struct fake_path *p)
{
	_cleanup_free_ char *key = xasprintf("%s|%s", p->collection, p->name);
	_cleanup_json_ json_t *obj = json_deep_copy(map_get(f->objects, key));
	_cleanup_json_ json_t *options = json_parse(http_request_body(req, NULL), strlen(http_request_body(req, NULL)), 0,
	                                            NULL);
	const char *uid = json_str_at(options, "preconditions", "uid", NULL);
	atomic_fetch_add(&f->deletes, 1);
	if (!obj) {
		fake_fail(req, ERR_NOT_FOUND, "not found");
	} else if (uid && !str_eq(uid, kube_uid(obj))) {
		fake_fail(req, ERR_CONFLICT, "the UID in the precondition does not match");
	} else {
		fake_commit(f, key, "DELETED", obj);
		fake_respond(req, 200, obj);
	}
}

static inline void fake_remember(struct fake_api *f, struct http_request *req)
{
	free(f->last_authorization);
	free(f->last_query);
	free(f->last_content_type);
	free(f->last_headers);
	f->last_authorization = xstrdup_or_null(http_request_header(req, "Authorization"));
	f->last_query = xstrdup_or_null(http_request_query(req));
	f->last_content_type = xstrdup_or_null(http_request_header(req, "Content-Type"));
	f->last_headers = xstrdup_or_null(http_request_header(req, "Impersonate-User"));
}

/* True when it answered with the failure that was asked for. */
static inline bool fake_misbehave(struct fake_api *f, struct http_request *req, const char *method, const char *path,
                                  const char *query)
{
	_cleanup_free_ char *whole = xasprintf("%s?%s", path, query ? query : "");
	if (f->require_authorization && !str_eq(http_request_header(req, "Authorization"), f->require_authorization)) {
		fake_fail(req, ERR_UNAUTHORIZED, "Unauthorized");
		return true;
	}
	if (f->fail_times == 0 || (f->fail_method && !str_eq(f->fail_method, method)) ||
	    (f->fail_path && !str_contains(whole, f->fail_path)))
		return false;
	f->fail_times--;
	struct http_headers headers = { 0 };
	http_headers_add(&headers, "Content-Type", "application/json");
	if (f->fail_retry_after)
		http_headers_add(&headers, "Retry-After", f->fail_retry_after);
	http_respond(req, f->fail_status, &headers, f->fail_body ? f->fail_body : "",
	             f->fail_body ? strlen(f->fail_body) : 0);
	http_headers_clear(&headers);
	return true;
}

static inline void fake_handle(void *self, struct http_request *req)
{
	struct fake_api *f = self;
	const char *method = http_request_method(req), *query = http_request_query(req);
	struct fake_path p = { 0 };
	MUTEX_GUARD(&f->lock);
	fake_remember(f, req);
	if (fake_misbehave(f, req, method, http_request_path(req), query))
		return;
	if (!fake_path_parse(http_request_path(req), &p)) {
		http_respond_text(req, 404, "text/plain", "404 page not found\n");
		return;
	}
	_cleanup_free_ char *watch = query ? http_query_get(query, "watch") : NULL;
	if (str_eq(method, "GET") && p.name)
		fake_read(f, req, &p);
	else if (str_eq(method, "GET") && watch)
		fake_watch(f, req, &p, fake_number(query, "resourceVersion"));
	else if (str_eq(method, "GET"))
		fake_list(f, req, &p, query);
	else if (str_eq(method, "DELETE"))
		fake_remove(f, req, &p);
	else
		fake_write(f, req, &p, method);
	fake_path_clear(&p);
}

/* ---- life ---- */

static inline void fake_decref(void *p)
{
	json_decref(p);
}

/* Listens again on the same port (0: any), after fake_stop_server(). */
static inline void fake_start_server(struct fake_api *f, int port)
{
	struct http_server_config config = { .port = port, .threads = 1, .handler = fake_handle, .self = f };
	_cleanup_err_ struct err e = { 0 };
	if (http_server_start(&config, &f->server, &e) < 0)
		fail_msg("%s", err_message(&e));
}

static inline void fake_stop_server(struct fake_api *f)
{
	fake_end_watches(f);
	f->server = http_server_stop(f->server, 0);
	fake_end_watches(f);
}

static inline struct fake_api *fake_api_new(void)
{
	struct fake_api *f = new0(struct fake_api);
	_cleanup_err_ struct err e = { 0 };
	pthread_mutex_init(&f->lock, NULL);
	f->version = 1;
	f->objects = map_new(fake_decref);
	f->history = json_array();
	fake_start_server(f, 0);
	f->url = xasprintf("http://127.0.0.1:%d", http_server_port(f->server));
	struct kube_client_config config = { .server = f->url };
	if (kube_client_new(&config, &f->client, &e) < 0)
		fail_msg("%s", err_message(&e));
	return f;
}

static inline void fake_api_free(struct fake_api *f)
{
	kube_client_unref(f->client);
	if (f->server)
		fake_stop_server(f);
	map_free(f->objects);
	json_decref(f->history);
	free(f->url);
	free(f->last_authorization);
	free(f->last_query);
	free(f->last_content_type);
	free(f->last_headers);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

#endif
