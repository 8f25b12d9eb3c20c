#include "grpc_internal.h"

#include "base/clock.h"
#include "base/str.h"
#include "http_server_internal.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE ((size_t)64 * 1024)
#define OUT_MAX ((size_t)256 * 1024) /* waits for the socket; more stays with the calls */
#define READS_MAX 16                 /* of one connection before others have their turn */
#define STREAMS_MAX 128
#define STREAM_WINDOW (1024 * 1024)
#define CONNECTION_WINDOW (4 * 1024 * 1024)
#define HEADERS_MAX ((size_t)16 * 1024)
#define HANDSHAKE_NS (10 * NS_PER_S)
/* A client with an unfinished request or unread answers must not stand still for longer. */
#define STALL_NS (60 * NS_PER_S)

/* ---- HTTP/2 events ---- */

static int on_begin_headers(nghttp2_session *h2, const nghttp2_frame *frame, void *self)
{
	struct grpc_connection *c = self;

	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		nghttp2_session_set_stream_user_data(h2, frame->hd.stream_id, grpc_call_new(c, frame->hd.stream_id));
	return 0;
}

static int on_header(nghttp2_session *h2, const nghttp2_frame *frame, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t len, uint8_t flags _unused_, void *self _unused_)
{
	struct grpc_call *call = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);

	if (call && frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		grpc_call_header(call, (const char *)name, name_len, (const char *)value, len);
	return 0;
}

static int on_frame(nghttp2_session *h2, const nghttp2_frame *frame, void *self _unused_)
{
	struct grpc_call *call = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);

	if (!call || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA))
		return 0;
	if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
		grpc_call_begin(call);
	if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
		grpc_call_half_close(call);
	return 0;
}

static int on_data(nghttp2_session *h2, uint8_t flags _unused_, int32_t stream_id, const uint8_t *data, size_t len,
                   void *self _unused_)
{
	struct grpc_call *call = nghttp2_session_get_stream_user_data(h2, stream_id);

	if (call)
		grpc_call_data(call, data, len);
	return 0;
}

/* The answer is out before the request is in: the client need not send what nobody reads. */
static int on_sent(nghttp2_session *h2, const nghttp2_frame *frame, void *self _unused_)
{
	const struct grpc_call *call = nghttp2_session_get_stream_user_data(h2, frame->hd.stream_id);

	if (call && frame->hd.type == NGHTTP2_HEADERS && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) && !call->half_closed)
		nghttp2_submit_rst_stream(h2, NGHTTP2_FLAG_NONE, frame->hd.stream_id, NGHTTP2_NO_ERROR);
	return 0;
}

static int on_stream_close(nghttp2_session *h2, int32_t stream_id, uint32_t code _unused_, void *self _unused_)
{
	struct grpc_call *call = nghttp2_session_get_stream_user_data(h2, stream_id);

	if (call) {
		nghttp2_session_set_stream_user_data(h2, stream_id, NULL);
		grpc_call_closed(call);
	}
	return 0;
}

static nghttp2_session *new_session(struct grpc_connection *c)
{
	static const nghttp2_settings_entry settings[] = {
		{ NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, STREAMS_MAX },
		{ NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW },
		{ NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, HEADERS_MAX },
		{ NGHTTP2_SETTINGS_MAX_FRAME_SIZE, 64 * 1024 },
	};
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_session *h2 = NULL;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		out_of_memory(sizeof(*c));
	nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_sent);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
	if (nghttp2_session_server_new(&h2, callbacks, c) != 0)
		out_of_memory(sizeof(*c));
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(h2, NGHTTP2_FLAG_NONE, settings, ARRAY_SIZE(settings));
	nghttp2_session_set_local_window_size(h2, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW);
	return h2;
}

/* ---- TLS ---- */

static int start_tls(struct grpc_connection *c)
{
	static const unsigned char h2[] = "h2";
	const gnutls_datum_t protocol = { .data = (unsigned char *)(uintptr_t)h2, .size = 2 };
	int r = gnutls_init(&c->tls, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL);

	if (r < 0 || (r = gnutls_priority_set(c->tls, c->credentials->priorities)) < 0 ||
	    (r = gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, c->credentials->credentials)) < 0 ||
	    (r = gnutls_alpn_set_protocols(c->tls, &protocol, 1, GNUTLS_ALPN_MANDATORY)) < 0)
		return r;
	gnutls_certificate_server_set_request(c->tls, GNUTLS_CERT_REQUIRE);
	gnutls_session_set_verify_cert(c->tls, NULL, 0);
	gnutls_handshake_set_timeout(c->tls, GNUTLS_INDEFINITE_TIMEOUT);
	gnutls_transport_set_int(c->tls, c->fd);
	return 0;
}

/* 1: done; 0: not yet; -1: it failed. */
static int handshake(struct grpc_connection *c)
{
	int r;

	if (!c->tls || c->shaken)
		return 1;
	do
		r = gnutls_handshake(c->tls);
	while (r == GNUTLS_E_INTERRUPTED || (r < 0 && r != GNUTLS_E_AGAIN && !gnutls_error_is_fatal(r)));
	if (r == GNUTLS_E_AGAIN)
		return 0;
	if (r < 0) {
		log_debug(c->server->config.log, "grpc: %s: TLS: %s", c->remote, gnutls_strerror(r));
		gnutls_alert_send_appropriate(c->tls, r);
		return -1;
	}
	c->shaken = true;
	return 1;
}

/* ---- bytes ---- */

/* As recv() and send(): -1 with EAGAIN. */
static ssize_t receive(struct grpc_connection *c, void *data, size_t room)
{
	ssize_t n;

	if (!c->tls)
		return recv(c->fd, data, room, 0);
	do
		n = gnutls_record_recv(c->tls, data, room);
	while (n == GNUTLS_E_INTERRUPTED);
	if (n >= 0)
		return n;
	errno = n == GNUTLS_E_AGAIN ? EAGAIN : ECONNRESET;
	return -1;
}

static ssize_t transmit(struct grpc_connection *c, const void *data, size_t len)
{
	ssize_t n;

	if (!c->tls)
		return send(c->fd, data, len, MSG_NOSIGNAL);
	do
		n = gnutls_record_send(c->tls, data, len);
	while (n == GNUTLS_E_INTERRUPTED);
	if (n >= 0)
		return n;
	errno = n == GNUTLS_E_AGAIN ? EAGAIN : EPIPE;
	return -1;
}

static bool would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static int read_all(struct grpc_connection *c)
{
	static _Thread_local uint8_t data[READ_SIZE];

	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = receive(c, data, sizeof(data));

		if (n < 0)
			return would_block() ? 0 : -1;
		if (n == 0)
			return -1;
		c->progress_ns = clock_mono_ns();
		if (nghttp2_session_mem_recv(c->h2, data, (size_t)n) < 0)
			return -1;
	}
	return 0;
}

static int fill_out(struct grpc_connection *c)
{
	while (c->out.len < OUT_MAX / 2) {
		const uint8_t *data;
		ssize_t n = nghttp2_session_mem_send(c->h2, &data);

		if (n < 0)
			return -1;
		if (n == 0)
			break;
		buf_append(&c->out, data, (size_t)n);
	}
	return 0;
}

static int write_all(struct grpc_connection *c)
{
	for (;;) {
		if (fill_out(c) < 0)
			return -1;
		if (c->out.len == 0)
			return 0;
		ssize_t n = transmit(c, c->out.data, c->out.len);
		if (n < 0)
			return would_block() ? 0 : -1;
		c->progress_ns = clock_mono_ns();
		buf_consume(&c->out, (size_t)n);
	}
}

static void watch(struct grpc_connection *c)
{
	uint32_t wanted = EPOLLIN | (c->out.len > 0 ? EPOLLOUT : 0);

	if (c->tls && !c->shaken && gnutls_record_get_direction(c->tls) == 1)
		wanted = EPOLLOUT;
	if (wanted == c->watched)
		return;
	struct epoll_event event = { .events = wanted, .data.ptr = c };
	epoll_ctl(c->server->epoll, c->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, c->fd, &event);
	c->watched = wanted;
}

void grpc_connection_drive(struct grpc_connection *c, bool readable)
{
	int r = handshake(c);

	if (r > 0 && readable)
		r = read_all(c) < 0 ? -1 : 1;
	/* What it said last, why it refuses for example, still goes out. */
	if ((r > 0 || (r < 0 && c->out.len == 0 && (!c->tls || c->shaken))) && write_all(c) < 0)
		r = -1;
	if (r < 0 || (r > 0 && c->out.len == 0 && !nghttp2_session_want_read(c->h2) && !nghttp2_session_want_write(c->h2)))
		c->dead = true;
	else
		watch(c);
}

/* ---- life ---- */

struct grpc_connection *grpc_connection_new(struct grpc_server *s, int fd)
{
	struct grpc_connection *c = new0(struct grpc_connection);

	c->server = s;
	c->fd = fd;
	c->out = BUF_INIT(OUT_MAX * 4);
	c->since_ns = c->progress_ns = clock_mono_ns();
	c->h2 = new_session(c);
	c->next = s->connections;
	if (c->next)
		c->next->at = &c->next;
	c->at = &s->connections;
	s->connections = c;
	s->connections_len++;
	if (s->credentials) {
		atomic_fetch_add(&s->credentials->refs, 1);
		c->credentials = s->credentials;
		c->dead = start_tls(c) < 0;
	}
	return c;
}

void grpc_connection_free(struct grpc_connection *c)
{
	/* Streams that are open are not told to be closed. */
	while (c->calls)
		grpc_call_closed(c->calls);
	nghttp2_session_del(c->h2);
	if (c->tls) {
		if (c->shaken)
			gnutls_bye(c->tls, GNUTLS_SHUT_WR);
		gnutls_deinit(c->tls);
	}
	http_tls_unref(c->credentials);
	close_watched(c->server->epoll, &c->fd);
	*c->at = c->next;
	if (c->next)
		c->next->at = c->at;
	c->server->connections_len--;
	buf_clear(&c->out);
	free(c);
}

/* A request that does not come to its end, or an answer that is not read. What a worker or a watch takes is its own. */
static bool is_waiting_for_client(const struct grpc_connection *c)
{
	if (c->out.len > 0)
		return true;
	for (const struct grpc_call *call = c->calls; call; call = call->next)
		if ((!call->has_message && !(call->method && call->method->stream)) || call->out.len > 0)
			return true;
	return false;
}

void grpc_connection_tick(struct grpc_connection *c, int64_t now_ns)
{
	struct grpc_server *s = c->server;
	struct grpc_call *next;

	if (c->tls && !c->shaken && now_ns - c->since_ns > HANDSHAKE_NS)
		c->dead = true;
	if (now_ns - c->progress_ns > STALL_NS && is_waiting_for_client(c))
		c->dead = true;
	for (struct grpc_call *call = c->calls; call; call = next) {
		next = call->next;
		if (call->deadline_ns <= 0 || call->ended)
			continue;
		if (call->deadline_ns <= now_ns)
			grpc_call_finish(call, GRPC_DEADLINE_EXCEEDED, xstrdup("grpc: the deadline passed"));
		else if (s->next_deadline_ns == 0 || call->deadline_ns < s->next_deadline_ns)
			s->next_deadline_ns = call->deadline_ns;
	}
	if (!c->dead)
		grpc_connection_drive(c, false);
}

void grpc_connection_drain(struct grpc_connection *c)
{
	if (c->told)
		nghttp2_submit_goaway(c->h2, NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(c->h2),
		                      NGHTTP2_NO_ERROR, NULL, 0);
	else
		nghttp2_submit_shutdown_notice(c->h2);
	c->told = true;
}
