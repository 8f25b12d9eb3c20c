#include "http_server_internal.h"

#include "base/clock.h"
#include "base/str.h"

/* How much of a body that is too large is read and thrown away, so that a client that sends all before it reads gets to
 * see the 413; past that it is cut off. */
#define DISCARD_MAX (UINT64_C(32) << 20)
/* So many bodies of the largest size may be in memory at once: clients send them before anybody knows who they are. */
#define BODIES_MAX 64

enum phase { PHASE_HEADERS, PHASE_BODY, PHASE_HANDLING, PHASE_QUEUED };

struct http_request {
	struct http_parked parked; /* its lock guards response and dead once it is deferred */
	atomic_int refs;           /* libmicrohttpd's; the answering thread's when deferred */
	struct http_connection *conn;
	enum phase phase;
	const char *method, *path, *query; /* path and query are in uri */
	bool http11;
	bool counted;

	struct buf body;
	size_t body_counted; /* of it, in server->body_bytes */
	int refusal;         /* 413 or 503: the body is thrown away and this is the answer */
	uint64_t discarded;

	bool deferred;
	bool dead; /* the connection is gone */
	struct MHD_Response *response;
	int status;
	struct http_upgrade *upgrade;

	/* A copy of the headers, made when the request is deferred: libmicrohttpd's own go with the connection. */
	char *copy;
	struct http_header *headers;
	size_t headers_len;

	void *state;
	void (*destroy)(void *);
	char uri[];
};

/* ---- life ---- */

/* Of "/path?query", "http://host/path?query" or "*": the part from the path on. */
static const char *skip_authority(const char *uri)
{
	const char *scheme_end = uri[0] == '/' ? NULL : strstr(uri, "://");
	const char *path;

	if (!scheme_end)
		return uri;
	path = strchr(scheme_end + 3, '/');
	return path ? path : "/";
}

/* Called with the request line's URI as it came, before the headers are in; what it returns becomes the request. */
void *http_request_line(void *server, const char *uri, struct MHD_Connection *connection)
{
	struct http_connection *conn = http_connection_of(connection);
	const char *path = skip_authority(uri);
	size_t len = strlen(path);
	struct http_request *req = xcalloc(1, sizeof(*req) + len + 1);
	char *question;

	memcpy(req->uri, path, len + 1);
	req->path = req->uri;
	question = strchr(req->uri, '?');
	if (question) {
		*question = '\0';
		req->query = question + 1;
	}
	parked_init(&req->parked, server, connection, false);
	atomic_init(&req->refs, 1);
	req->conn = conn;
	req->body = BUF_INIT(((struct http_server *)server)->body_max);
	/* A request whose headers turn out to be malformed never reaches us again: the connection remembers it. */
	if (conn->pending)
		http_request_unref(conn->pending);
	conn->pending = req;
	return req;
}

static void destroy_state(struct http_request *req)
{
	if (req->destroy)
		req->destroy(req->state);
	req->destroy = NULL;
	req->state = NULL;
}

void http_request_unref(struct http_request *req)
{
	if (atomic_fetch_sub(&req->refs, 1) != 1)
		return;
	destroy_state(req);
	atomic_fetch_sub(&req->parked.server->body_bytes, req->body_counted);
	if (req->response)
		MHD_destroy_response(req->response);
	if (req->upgrade)
		http_upgrade_drop(req->upgrade);
	if (req->deferred) {
		http_connection_unref(req->conn);
		http_server_unref(req->parked.server);
	}
	parked_done(&req->parked);
	buf_clear(&req->body);
	free(req->headers);
	free(req->copy);
	free(req);
}

static void stop_counting(struct http_request *req)
{
	if (req->counted)
		atomic_fetch_sub(&req->parked.server->inflight, 1);
	req->counted = false;
}

/* For upgraded connections libmicrohttpd calls this with a lock of its own held: no calls into it from here then. */
void http_request_completed(void *server _unused_, struct MHD_Connection *connection _unused_, void **request,
                            enum MHD_RequestTerminationCode code _unused_)
{
	struct http_request *req = TAKE_PTR(*request);

	if (!req || req->phase == PHASE_HEADERS)
		return; /* never begun: the connection's pending one */
	atomic_store(&req->conn->waiting_since_ns, clock_mono_ns());
	stop_counting(req);
	if (req->deferred) {
		parked_unlink(&req->parked);
		pthread_mutex_lock(&req->parked.lock);
		req->dead = true;
		req->parked.suspended = false;
		pthread_mutex_unlock(&req->parked.lock);
	}
	http_request_unref(req);
}

void http_request_upgraded(struct http_request *req)
{
	req->upgrade = NULL;
	stop_counting(req);
	destroy_state(req);
}

/* ---- receiving ---- */

struct framing {
	int content_lengths;
	uint64_t length;
	bool chunked, other_coding, expects_continue;
};

static enum MHD_Result look_at_framing(void *cls, enum MHD_ValueKind kind _unused_, const char *name, const char *value)
{
	struct framing *f = cls;

	if (strcasecmp(name, "Content-Length") == 0) {
		int64_t length;

		f->content_lengths++;
		f->length = value && str_to_i64(value, 0, INT64_MAX, &length) ? (uint64_t)length : UINT64_MAX;
	} else if (strcasecmp(name, "Transfer-Encoding") == 0) {
		if (f->chunked || !value || strcasecmp(value, "chunked") != 0)
			f->other_coding = true;
		f->chunked = true;
	} else if (strcasecmp(name, "Expect") == 0) {
		f->expects_continue = true;
	}
	return MHD_YES;
}

static void respond_too_large(struct http_request *req)
{
	char text[96];

	snprintf(text, sizeof(text), "Request entity too large: limit is %zu\n", req->body.max);
	http_respond_text(req, 413, "text/plain; charset=utf-8", text);
}

static void respond_unavailable(struct http_request *req, const char *text)
{
	struct http_header list[] = { { (char[]){ "Content-Type" }, (char[]){ "text/plain; charset=utf-8" } },
		                          { (char[]){ "Retry-After" }, (char[]){ "1" } } };

	http_respond(req, 503, &(struct http_headers){ list, ARRAY_SIZE(list) }, text, strlen(text));
}

static enum MHD_Result queue_response(struct http_request *req)
{
	enum MHD_Result r = MHD_queue_response(req->parked.connection, (unsigned)req->status, req->response);

	MHD_destroy_response(TAKE_PTR(req->response));
	req->phase = PHASE_QUEUED;
	if (r != MHD_YES)
		log_debug(req->parked.server->log, "http: %s: the answer %d could not be queued", req->conn->remote,
		          req->status);
	return r;
}

/* The headers are in. An answer given here makes libmicrohttpd close the connection instead of reading the body. */
static enum MHD_Result begin(struct http_request *req, const char *method, const char *version)
{
	struct framing f = { 0 };

	req->conn->pending = NULL;
	req->method = method;
	req->http11 = str_eq(version, "HTTP/1.1");
	req->phase = PHASE_BODY;
	req->counted = true;
	atomic_fetch_add(&req->parked.server->inflight, 1);
	atomic_store(&req->conn->waiting_since_ns, clock_mono_ns());

	MHD_get_connection_values(req->parked.connection, MHD_HEADER_KIND, look_at_framing, &f);
	if (f.content_lengths > 1 || (f.content_lengths > 0 && f.chunked))
		http_respond_text(req, 400, "text/plain; charset=utf-8", "The length of the request's body is ambiguous.\n");
	else if (f.other_coding)
		http_respond_text(req, 501, "text/plain; charset=utf-8", "Only the transfer coding chunked is understood.\n");
	else if (f.length > req->body.max && (f.expects_continue || f.length - req->body.max > DISCARD_MAX))
		respond_too_large(req);
	else
		return MHD_YES;
	return queue_response(req);
}

static void count_body(struct http_request *req, size_t len)
{
	struct http_server *s = req->parked.server;
	size_t before = atomic_fetch_add(&s->body_bytes, len);

	req->body_counted += len;
	if (before + len > BODIES_MAX * s->body_max)
		req->refusal = 503;
}

static enum MHD_Result receive(struct http_request *req, const char *data, size_t len)
{
	if (!req->refusal) {
		if (buf_append(&req->body, data, len) < 0)
			req->refusal = 413;
		else
			count_body(req, len);
	}
	if (!req->refusal)
		return MHD_YES;
	buf_clear(&req->body);
	atomic_fetch_sub(&req->parked.server->body_bytes, req->body_counted);
	req->body_counted = 0;
	req->discarded += len;
	return req->discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
}

static enum MHD_Result handle(struct http_request *req)
{
	struct http_server *s = req->parked.server;

	req->phase = PHASE_HANDLING;
	atomic_store(&req->conn->waiting_since_ns, 0);
	if (req->refusal == 413) {
		respond_too_large(req);
	} else if (req->refusal) {
		respond_unavailable(req, "The server is receiving too much at once: try again.\n");
	} else if (atomic_load(&s->stopping)) {
		respond_unavailable(req, "The server is shutting down.\n");
	} else {
		http_connection_identify(req->conn, req->parked.connection);
		s->handler(s->self, req);
	}
	if (req->deferred)
		return MHD_YES;
	if (!req->response) {
		log_error(s->log, "http: %s %s was neither answered nor deferred by its handler", req->method, req->path);
		http_respond_text(req, 500, "text/plain; charset=utf-8", "Internal error: the request was not handled.\n");
	}
	return queue_response(req);
}

/* A deferred request was resumed: it has been answered, or the server gives it up. */
static enum MHD_Result resumed(struct http_request *req)
{
	bool answered;

	pthread_mutex_lock(&req->parked.lock);
	answered = req->response != NULL;
	pthread_mutex_unlock(&req->parked.lock);
	parked_unlink(&req->parked);
	return answered ? queue_response(req) : MHD_NO;
}

enum MHD_Result http_request_event(void *server _unused_, struct MHD_Connection *connection _unused_,
                                   const char *url _unused_, const char *method, const char *version,
                                   const char *upload, size_t *upload_size, void **request)
{
	struct http_request *req = *request;
	size_t len = *upload_size;

	switch (req->phase) {
	case PHASE_HEADERS:
		return begin(req, method, version);
	case PHASE_BODY:
		if (len == 0)
			return handle(req);
		*upload_size = 0;
		return receive(req, upload, len);
	case PHASE_HANDLING:
		return resumed(req);
	case PHASE_QUEUED:
		break;
	}
	*upload_size = 0;
	return MHD_YES;
}

/* ---- what the handler sees ---- */

const char *http_request_method(const struct http_request *req)
{
	return req->method;
}

const char *http_request_path(const struct http_request *req)
{
	return req->path;
}

const char *http_request_query(const struct http_request *req)
{
	return req->query;
}

const char *http_request_header(const struct http_request *req, const char *name)
{
	if (!req->deferred)
		return MHD_lookup_connection_value(req->parked.connection, MHD_HEADER_KIND, name);
	for (size_t i = 0; i < req->headers_len; i++)
		if (strcasecmp(req->headers[i].name, name) == 0)
			return req->headers[i].value;
	return NULL;
}

struct each_header {
	void (*each)(void *self, const char *name, const char *value);
	void *self;
};

static enum MHD_Result tell_header(void *cls, enum MHD_ValueKind kind _unused_, const char *name, const char *value)
{
	const struct each_header *e = cls;

	e->each(e->self, name, value ? value : "");
	return MHD_YES;
}

void http_request_each_header(const struct http_request *req,
                              void (*each)(void *self, const char *name, const char *value), void *self)
{
	struct each_header e = { each, self };

	if (!req->deferred)
		MHD_get_connection_values(req->parked.connection, MHD_HEADER_KIND, tell_header, &e);
	for (size_t i = 0; req->deferred && i < req->headers_len; i++)
		each(self, req->headers[i].name, req->headers[i].value);
}

const char *http_request_body(const struct http_request *req, size_t *ret_len)
{
	if (ret_len)
		*ret_len = req->body.len;
	return buf_str(&req->body);
}

static bool peer_is_valid(const struct http_request *req)
{
	return req->conn->peer_name && clock_wall_ns() / NS_PER_S <= req->conn->peer_expiry_s;
}

const char *http_request_peer_name(const struct http_request *req)
{
	return peer_is_valid(req) ? req->conn->peer_name : NULL;
}

char *const *http_request_peer_orgs(const struct http_request *req)
{
	return peer_is_valid(req) ? req->conn->peer_orgs : NULL;
}

const char *http_request_remote(const struct http_request *req)
{
	return req->conn->remote;
}

void http_request_attach(struct http_request *req, void *state, void (*destroy)(void *))
{
	destroy_state(req);
	req->state = state;
	req->destroy = destroy;
}

void *http_request_state(const struct http_request *req)
{
	return req->state;
}

struct MHD_Connection *http_request_connection(const struct http_request *req)
{
	return req->parked.connection;
}

struct http_connection *http_request_peer(const struct http_request *req)
{
	return req->conn;
}

bool http_request_is_http11(const struct http_request *req)
{
	return req->http11;
}

void http_request_set_upgrade(struct http_request *req, struct http_upgrade *up)
{
	req->upgrade = up;
}

/* ---- deferring ---- */

struct header_copy {
	struct http_request *req;
	size_t bytes, used;
};

static enum MHD_Result measure_header(void *cls, enum MHD_ValueKind kind _unused_, const char *name, const char *value)
{
	struct header_copy *c = cls;

	c->bytes += strlen(name) + 1 + (value ? strlen(value) : 0) + 1;
	return MHD_YES;
}

static char *copy_string(struct header_copy *c, const char *s)
{
	size_t size = strlen(s) + 1;
	char *at = c->req->copy + c->used;

	memcpy(at, s, size);
	c->used += size;
	return at;
}

static enum MHD_Result copy_header(void *cls, enum MHD_ValueKind kind _unused_, const char *name, const char *value)
{
	struct header_copy *c = cls;
	struct http_header *h = &c->req->headers[c->req->headers_len++];

	h->name = copy_string(c, name);
	h->value = copy_string(c, value ? value : "");
	return MHD_YES;
}

static void copy_request(struct http_request *req)
{
	struct header_copy c = { .req = req, .bytes = strlen(req->method) + 1 };
	int count = MHD_get_connection_values(req->parked.connection, MHD_HEADER_KIND, measure_header, &c);

	req->copy = xmalloc(c.bytes);
	req->headers = xcalloc((size_t)count, sizeof(*req->headers));
	req->method = copy_string(&c, req->method);
	MHD_get_connection_values(req->parked.connection, MHD_HEADER_KIND, copy_header, &c);
}

void http_request_defer(struct http_request *req)
{
	struct http_server *s = req->parked.server;
	bool claimed;

	if (req->deferred || req->response)
		return;
	copy_request(req);
	req->deferred = true;
	http_server_ref(s);
	http_connection_ref(req->conn);
	atomic_fetch_add(&req->refs, 1);
	parked_link(&req->parked);
	MHD_suspend_connection(req->parked.connection);

	/* A server that gives up does so first and then looks for suspended ones, so one of us both sees the other. */
	pthread_mutex_lock(&req->parked.lock);
	req->parked.suspended = true;
	claimed = atomic_load(&s->killed) && parked_claim(&req->parked);
	pthread_mutex_unlock(&req->parked.lock);
	if (claimed)
		parked_resume(s, req->parked.connection);
}

/* ---- answering ---- */

static void add_headers(const struct http_server *s, struct MHD_Response *response, const struct http_headers *headers)
{
	for (size_t i = 0; headers && i < headers->len; i++) {
		const struct http_header *h = &headers->list[i];

		/* The length is libmicrohttpd's business. */
		if (strcasecmp(h->name, "Content-Length") == 0 || strcasecmp(h->name, "Transfer-Encoding") == 0)
			continue;
		if (MHD_add_response_header(response, h->name, h->value) != MHD_YES)
			log_debug(s->log, "http: the response header %s is not valid and left out", h->name);
	}
	if (atomic_load(&s->stopping))
		MHD_add_response_header(response, "Connection", "close");
}

bool http_request_answer(struct http_request *req, int status, const struct http_headers *headers,
                         struct MHD_Response *response)
{
	struct http_server *s = req->parked.server;
	struct MHD_Connection *connection = req->parked.connection;
	bool taken, claimed;

	if (!response)
		out_of_memory(0);
	add_headers(s, response, headers);
	if (!req->deferred) {
		req->status = status;
		req->response = response;
		return true;
	}

	pthread_mutex_lock(&req->parked.lock);
	taken = !req->dead && !req->response;
	if (taken) {
		req->status = status;
		req->response = response;
	}
	claimed = parked_claim(&req->parked);
	pthread_mutex_unlock(&req->parked.lock);
	if (claimed)
		parked_resume(s, connection);
	http_request_unref(req);
	return taken;
}

static void answer_or_drop(struct http_request *req, int status, const struct http_headers *headers,
                           struct MHD_Response *response)
{
	if (!http_request_answer(req, status, headers, response))
		MHD_destroy_response(response);
}

void http_respond(struct http_request *req, int status, const struct http_headers *headers, const void *body,
                  size_t len)
{
	void *copy = len > 0 ? xmemdup(body, len) : NULL;

	answer_or_drop(req, status, headers,
	               MHD_create_response_from_buffer_with_free_callback_cls(len, copy, copy ? free : NULL, copy));
}

static void unref_bytes(void *bytes)
{
	bytes_unref(bytes);
}

void http_respond_bytes(struct http_request *req, int status, const struct http_headers *headers, struct bytes *body)
{
	bytes_ref(body);
	answer_or_drop(req, status, headers,
	               MHD_create_response_from_buffer_with_free_callback_cls(body->len, body->data, unref_bytes, body));
}

void http_respond_text(struct http_request *req, int status, const char *content_type, const char *text)
{
	char *type = xstrdup(content_type);
	struct http_header list[] = { { .name = (char[]){ "Content-Type" }, .value = type } };
	struct http_headers headers = { .list = list, .len = 1 };

	http_respond(req, status, &headers, text, strlen(text));
	free(type);
}
