#include "http_server_internal.h"

#include "base/clock.h"
#include "base/str.h"

#include <inttypes.h>

/* How much of a body that is too large is read and thrown away, so that a client that sends all before it reads gets to
 * see the 413; past that it is cut off. */
#define DISCARD_MAX (UINT64_C(32) << 20)
/* So many bodies of the largest size may be in memory at once: clients send them before anybody knows who they are. */
#define BODIES_MAX 64
#define ANSWER_HEAD_MAX ((size_t)1024 * 1024)
/* A body of a length that was announced gets its room at once up to here; a larger one grows with what comes. */
#define BODY_AT_ONCE_MAX ((size_t)64 * 1024)

/* ---- life ---- */

/* The slice of the parsed head as a string of the copy: what follows it is a separator and not needed any more. */
static char *cut(struct http_request *req, struct http1_str s, const char *text)
{
	char *at = req->text + (s.p - text);

	at[s.len] = '\0';
	return at;
}

static void take_target(struct http_request *req, struct http1_str target, const char *text)
{
	char *at = cut(req, target, text), *question = strchr(at, '?');

	if (question) {
		*question = '\0';
		req->query = question + 1;
	}
	req->path = *at ? at : "/";
}

struct http_request *http_request_new(struct http_connection *c, const struct http1_head *head, const char *text,
                                      size_t len)
{
	size_t fields = head->fields_len * sizeof(struct http_header);
	size_t aligned = (len + 1 + _Alignof(struct http_header) - 1) & ~(_Alignof(struct http_header) - 1);
	struct http_request *req = xmalloc(sizeof(*req) + aligned + fields + _Alignof(struct http_header));
	uintptr_t behind = ((uintptr_t)req->text + aligned + _Alignof(struct http_header) - 1) &
	                   ~(uintptr_t)(_Alignof(struct http_header) - 1);

	*req = (struct http_request){ .conn = c, .http11 = head->minor > 0, .keep_alive = head->keep_alive };
	atomic_init(&req->refs, 1);
	req->body = BUF_INIT(c->server->body_max);
	memcpy(req->text, text, len);
	req->headers = (struct http_header *)behind;
	req->method = cut(req, head->method, text);
	req->is_head = strcmp(req->method, "HEAD") == 0;
	take_target(req, head->target, text);
	for (size_t i = 0; i < head->fields_len; i++) {
		req->headers[i] = (struct http_header){ .name = cut(req, head->fields[i].name, text),
			                                    .value = cut(req, head->fields[i].value, text) };
		if (strcasecmp(req->headers[i].name, "Expect") == 0)
			req->expects_continue = true;
	}
	req->headers_len = head->fields_len;
	return req;
}

struct http_request *http_request_new_broken(struct http_connection *c)
{
	struct http_request *req = xcalloc(1, sizeof(*req) + 1);

	atomic_init(&req->refs, 1);
	req->conn = c;
	req->method = req->path = req->text;
	req->http11 = true;
	return req;
}

static void destroy_state(struct http_request *req)
{
	void (*destroy)(void *) = TAKE_PTR(req->destroy);

	if (destroy)
		destroy(TAKE_PTR(req->state));
}

static void answer_clear(struct http_answer *a)
{
	free(a->head);
	bytes_unref(a->body);
	http_parts_free(a->parts);
	*a = (struct http_answer){ 0 };
}

static void stop_counting_body(struct http_request *req)
{
	if (req->body_counted > 0)
		atomic_fetch_sub(&req->conn->server->body_bytes, req->body_counted);
	req->body_counted = 0;
}

void http_request_unref(struct http_request *req)
{
	struct http_connection *conn = req->conn;

	if (atomic_fetch_sub(&req->refs, 1) != 1)
		return;
	destroy_state(req);
	stop_counting_body(req);
	if (req->answer.upgrade)
		http_upgrade_drop(req->answer.upgrade);
	answer_clear(&req->answer);
	buf_clear(&req->body);
	if (req->deferred)
		http_connection_unref(conn);
	free(req);
}

/* ---- receiving ---- */

void http_respond_plain(struct http_request *req, int status, const char *text)
{
	req->keep_alive = false;
	http_respond_text(req, status, "text/plain; charset=utf-8", text);
}

static void respond_too_large(struct http_request *req)
{
	char text[96];

	if (req->conn->server->too_large_json) {
		http_respond_text(req, 413, "application/json", req->conn->server->too_large_json);
		return;
	}
	snprintf(text, sizeof(text), "Request entity too large: limit is %zu\n", req->body.max);
	http_respond_text(req, 413, "text/plain; charset=utf-8", text);
}

static void respond_unavailable(struct http_request *req, const char *text)
{
	struct http_header list[] = { { (char[]){ "Content-Type" }, (char[]){ "text/plain; charset=utf-8" } },
		                          { (char[]){ "Retry-After" }, (char[]){ "1" } } };

	http_respond(req, 503, &(struct http_headers){ list, ARRAY_SIZE(list) }, text, strlen(text));
}

bool http_request_refuse_early(struct http_request *req, const struct http1_head *head)
{
	uint64_t length = head->framing == HTTP1_LENGTH ? (uint64_t)head->content_length : 0;

	if (length > req->body.max && (req->expects_continue || length - req->body.max > DISCARD_MAX)) {
		req->keep_alive = false;
		respond_too_large(req);
		return true;
	}
	if (length > 0 && length <= BODY_AT_ONCE_MAX && length <= req->body.max)
		buf_reserve(&req->body, (size_t)length);
	return false;
}

static void count_body(struct http_request *req, size_t len)
{
	struct http_server *s = req->conn->server;
	size_t before = atomic_fetch_add(&s->body_bytes, len);

	req->body_counted += len;
	if (before + len > BODIES_MAX * s->body_max)
		req->refusal = 503;
}

bool http_request_receive(struct http_request *req, const char *data, size_t len)
{
	if (!req->refusal) {
		if (buf_append(&req->body, data, len) < 0)
			req->refusal = 413;
		else
			count_body(req, len);
	}
	if (!req->refusal)
		return true;
	buf_clear(&req->body);
	stop_counting_body(req);
	req->discarded += len;
	return req->discarded <= DISCARD_MAX;
}

bool http_request_handle(struct http_request *req)
{
	struct http_server *s = req->conn->server;

	req->given = true;
	atomic_fetch_add(&s->inflight, 1);
	if (req->refusal == 413)
		respond_too_large(req);
	else if (req->refusal)
		respond_unavailable(req, "The server is receiving too much at once: try again.\n");
	else if (atomic_load(&s->stopping))
		respond_unavailable(req, "The server is shutting down.\n");
	else
		s->handler(s->self, req);
	if (req->deferred)
		return false;
	if (!req->answered) {
		log_error(s->log, "http: %s %s was neither answered nor deferred by its handler", req->method, req->path);
		http_respond_text(req, 500, "text/plain; charset=utf-8", "Internal error: the request was not handled.\n");
	}
	return true;
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
	for (size_t i = 0; i < req->headers_len; i++)
		if (strcasecmp(req->headers[i].name, name) == 0)
			return req->headers[i].value;
	return NULL;
}

void http_request_each_header(const struct http_request *req,
                              void (*each)(void *self, const char *name, const char *value), void *self)
{
	for (size_t i = 0; i < req->headers_len; i++)
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

void http_request_defer(struct http_request *req)
{
	if (req->deferred || req->answered)
		return;
	req->deferred = true;
	atomic_fetch_add(&req->refs, 1);
	http_connection_ref(req->conn);
}

/* ---- answering ---- */

static bool is_token(const char *s)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (const char *c = s; *c; c++)
		if (!((*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || strchr(marks, *c)))
			return false;
	return *s != '\0';
}

static bool is_value(const char *s)
{
	for (; *s; s++)
		if (!http1_is_text((unsigned char)*s))
			return false;
	return true;
}

/* How a message is framed and whether the connection stays is this server's business. */
static bool is_ours(const char *name)
{
	return strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0 ||
	       strcasecmp(name, "Connection") == 0 || strcasecmp(name, "Date") == 0;
}

static void add_field(struct buf *out, const char *name, const char *value)
{
	buf_puts(out, name);
	buf_append(out, ": ", 2);
	buf_puts(out, value);
	buf_append(out, "\r\n", 2);
}

/* The digits, ending before `end`: of each answer's cost, printf() was a good part. */
static const char *write_number(char *end, uint64_t n)
{
	*--end = '\0';
	do
		*--end = (char)('0' + n % 10);
	while (n /= 10);
	return end;
}

static void add_status_line(struct buf *out, int status)
{
	char digits[24];

	buf_append(out, "HTTP/1.1 ", 9);
	buf_puts(out, write_number(digits + sizeof(digits), (uint64_t)status));
	buf_append(out, " ", 1);
	buf_puts(out, http_status_text(status));
	buf_append(out, "\r\n", 2);
}

static void add_framing(struct buf *out, const struct http_answer *a, const struct http_request *req)
{
	char digits[24];

	if (a->status < 200 || a->status == 204)
		return;
	if (a->stream) {
		if (req->http11)
			add_field(out, "Transfer-Encoding", "chunked");
		return;
	}
	size_t len = a->body ? a->body->len : a->parts ? a->parts->size : 0;
	add_field(out, "Content-Length", write_number(digits + sizeof(digits), len));
}

void http_answer_init(struct http_answer *a, const struct http_request *req, int status,
                      const struct http_headers *headers, bool upgrade)
{
	struct http_server *s = req->conn->server;
	struct buf out = BUF_INIT(ANSWER_HEAD_MAX);

	a->status = status;
	a->last = !req->keep_alive || atomic_load(&s->stopping) || (a->stream && !req->http11);
	a->no_body = req->is_head || status < 200 || status == 204 || status == 304;
	buf_reserve(&out, 256);
	add_status_line(&out, status);
	for (size_t i = 0; headers && i < headers->len; i++) {
		const struct http_header *h = &headers->list[i];

		if (is_ours(h->name))
			continue;
		if (is_token(h->name) && is_value(h->value))
			add_field(&out, h->name, h->value);
		else
			log_debug(s->log, "http: the response header %s is not valid and left out", h->name);
	}
	add_framing(&out, a, req);
	if (upgrade)
		add_field(&out, "Connection", "Upgrade");
	else if (a->last)
		add_field(&out, "Connection", "close");
	else if (!req->http11)
		add_field(&out, "Connection", "keep-alive");
	a->head_len = out.len;
	a->head = buf_steal(&out);
	if (a->no_body) {
		a->body = bytes_unref(a->body);
		a->parts = http_parts_free(a->parts);
	}
}

bool http_request_answer(struct http_request *req, struct http_answer *answer)
{
	struct http_connection *c = req->conn;

	if (!req->deferred) {
		req->answer = *answer;
		req->answered = true;
		return true;
	}
	pthread_mutex_lock(&c->lock);
	bool taken = !req->dead && !req->answered;
	if (taken) {
		req->answer = *answer;
		req->answered = true;
	}
	pthread_mutex_unlock(&c->lock);
	if (taken)
		http_loop_wake(c->loop, c);
	else
		answer_clear(answer);
	http_request_unref(req);
	return taken;
}

static void answer_with(struct http_request *req, int status, const struct http_headers *headers, struct bytes *body)
{
	struct http_answer a = { .body = body };

	http_answer_init(&a, req, status, headers, false);
	http_request_answer(req, &a);
}

void http_respond(struct http_request *req, int status, const struct http_headers *headers, const void *body,
                  size_t len)
{
	answer_with(req, status, headers, len > 0 ? bytes_new(body, len) : NULL);
}

void http_respond_bytes(struct http_request *req, int status, const struct http_headers *headers, struct bytes *body)
{
	answer_with(req, status, headers, bytes_ref(body));
}

void http_respond_parts(struct http_request *req, int status, const struct http_headers *headers,
                        struct http_part *parts, size_t parts_len)
{
	struct http_answer a = { .parts = http_parts_new(parts, parts_len) };

	http_answer_init(&a, req, status, headers, false);
	http_request_answer(req, &a);
}

void http_respond_text(struct http_request *req, int status, const char *content_type, const char *text)
{
	_cleanup_free_ char *type = xstrdup(content_type);
	struct http_header list[] = { { .name = (char[]){ "Content-Type" }, .value = type } };

	http_respond(req, status, &(struct http_headers){ list, ARRAY_SIZE(list) }, text, strlen(text));
}
