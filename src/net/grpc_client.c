/* One call over one connection, blocking: for tools, not for servers. */

#include "grpc_internal.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define RETRY_NS (100 * NS_PER_MS)
#define READ_SIZE ((size_t)64 * 1024)

struct exchange {
	const uint8_t *message;
	size_t len, sent; /* of the prefix and the message */
	uint8_t prefix[GRPC_PREFIX_SIZE];
	struct grpc_framing in;
	struct grpc_reply *reply;
	int http_status;
	bool has_status, has_message, closed;
	char *broken; /* why the answer makes no sense; free() */
};

void grpc_reply_clear(struct grpc_reply *r)
{
	free(r->message);
	buf_clear(&r->body);
	*r = (struct grpc_reply){ 0 };
}

static int number_of(const char *text)
{
	int64_t number;

	return str_to_i64(text, 0, 999, &number) ? (int)number : (int)GRPC_UNKNOWN;
}

/* ---- HTTP/2 events ---- */

static ssize_t read_message(nghttp2_session *h2 _unused_, int32_t id _unused_, uint8_t *data, size_t room,
                            uint32_t *flags, nghttp2_data_source *source, void *self _unused_)
{
	struct exchange *x = source->ptr;
	size_t n = 0;

	while (n < room && x->sent < GRPC_PREFIX_SIZE)
		data[n++] = x->prefix[x->sent++];
	if (n < room) {
		size_t at = x->sent - GRPC_PREFIX_SIZE, part = x->len - at < room - n ? x->len - at : room - n;

		if (part > 0)
			memcpy(data + n, x->message + at, part);
		x->sent += part;
		n += part;
	}
	if (x->sent == x->len + GRPC_PREFIX_SIZE)
		*flags |= NGHTTP2_DATA_FLAG_EOF;
	return (ssize_t)n;
}

static int on_header(nghttp2_session *h2 _unused_, const nghttp2_frame *frame _unused_, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t len, uint8_t flags _unused_, void *self)
{
	struct exchange *x = self;
	_cleanup_free_ char *key = xstrndup((const char *)name, name_len), *text = xstrndup((const char *)value, len);

	if (str_eq(key, ":status"))
		x->http_status = number_of(text);
	else if (str_eq(key, "grpc-status")) {
		x->has_status = true;
		x->reply->status = (enum grpc_status)number_of(text);
	} else if (str_eq(key, "grpc-message")) {
		free(x->reply->message);
		x->reply->message = grpc_message_decode(text, len);
	}
	return 0;
}

static int on_data(nghttp2_session *h2 _unused_, uint8_t flags _unused_, int32_t id _unused_, const uint8_t *data,
                   size_t len, void *self)
{
	struct exchange *x = self;
	enum grpc_status status = GRPC_OK;
	size_t used = 0;

	while (len > 0 && !x->broken) {
		if (x->has_message) {
			x->broken = xstrdup("there is more than one message in the answer");
			break;
		}
		int r = grpc_framing_feed(&x->in, data, len, &used, &status, &x->broken);
		if (r < 0)
			break;
		x->has_message = r == 1;
		data += used;
		len -= used;
	}
	return 0;
}

/* The status is there: what of the request is not sent yet would not be read. */
static int on_frame(nghttp2_session *h2 _unused_, const nghttp2_frame *frame, void *self)
{
	struct exchange *x = self;

	if (frame->hd.stream_id > 0 && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) &&
	    (frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA))
		x->closed = true;
	return 0;
}

static int on_close(nghttp2_session *h2 _unused_, int32_t id _unused_, uint32_t code, void *self)
{
	struct exchange *x = self;

	x->closed = true;
	if (code != NGHTTP2_NO_ERROR && !x->has_status && !x->broken)
		x->broken = xasprintf("the stream was reset: %s", nghttp2_http2_strerror(code));
	return 0;
}

/* ---- the socket ---- */

static int connect_once(const char *host, const char *port)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *found = NULL;
	int fd = -1;

	if (getaddrinfo(host, port, &hints, &found) != 0)
		return -1;
	for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
		if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	return fd;
}

/* HOST:PORT of gRPC's forms of targets. */
static const char *address_of(const char *target)
{
	const char *rest = str_after(target, "dns:");

	for (rest = rest ? rest : target; *rest == '/'; rest++)
		;
	return rest;
}

static int connect_to(const char *target, int64_t deadline_ns, struct err *err)
{
	_cleanup_free_ char *host = xstrdup(address_of(target));
	char *colon = strrchr(host, ':');

	if (!colon || colon == host)
		return err_set(err, ERR_INVALID, "%s is no address of a function: HOST:PORT is wanted", target);
	*colon = '\0';
	for (;;) {
		int fd = connect_once(host, colon + 1);

		if (fd >= 0)
			return fd;
		if (clock_mono_ns() + RETRY_NS > deadline_ns)
			return err_set(err, ERR_UNAVAILABLE, "connecting to %s: nobody answers there", target);
		clock_sleep_ns(RETRY_NS);
	}
}

/* fs_write_all() would be killed by a connection that is closed. */
static int send_whole(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int send_all(nghttp2_session *h2, int fd, struct err *err)
{
	for (;;) {
		const uint8_t *data;
		ssize_t n = nghttp2_session_mem_send(h2, &data);

		if (n == 0)
			return 0;
		if (n < 0 || send_whole(fd, data, (size_t)n) < 0)
			return err_set(err, ERR_UNAVAILABLE, "sending the request: the connection broke");
	}
}

static int wait_readable(int fd, int64_t deadline_ns, struct err *err)
{
	int64_t left = deadline_ns - clock_mono_ns();
	struct pollfd p = { .fd = fd, .events = POLLIN };

	if (left <= 0 || poll(&p, 1, (int)(left / NS_PER_MS) + 1) == 0)
		return err_set(err, ERR_TIMEOUT, "waiting for the answer: the deadline passed");
	return 0;
}

static int run_exchange(nghttp2_session *h2, int fd, struct exchange *x, int64_t deadline_ns, struct err *err)
{
	_cleanup_free_ uint8_t *data = xmalloc(READ_SIZE);

	while (!x->closed && !x->broken) {
		if (send_all(h2, fd, err) < 0 || wait_readable(fd, deadline_ns, err) < 0)
			return -1;
		ssize_t n = recv(fd, data, READ_SIZE, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || nghttp2_session_mem_recv(h2, data, (size_t)n) < 0)
			return err_set(err, ERR_UNAVAILABLE, "reading the answer: the connection broke");
	}
	return 0;
}

static nghttp2_session *new_session(struct exchange *x)
{
	nghttp2_session_callbacks *callbacks = NULL;
	nghttp2_session *h2 = NULL;

	if (nghttp2_session_callbacks_new(&callbacks) != 0)
		out_of_memory(sizeof(*x));
	nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
	nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
	nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_close);
	nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
	if (nghttp2_session_client_new(&h2, callbacks, x) != 0)
		out_of_memory(sizeof(*x));
	nghttp2_session_callbacks_del(callbacks);
	nghttp2_submit_settings(h2, NGHTTP2_FLAG_NONE, NULL, 0);
	nghttp2_session_set_local_window_size(h2, NGHTTP2_FLAG_NONE, 0, 16 * 1024 * 1024);
	return h2;
}

static void submit(nghttp2_session *h2, struct exchange *x, const char *target, const char *path, int64_t deadline_ns)
{
	int64_t left_ms = (deadline_ns - clock_mono_ns()) / NS_PER_MS;
	char timeout[32];
	const char *const fields[][2] = { { ":method", "POST" },    { ":scheme", "http" },
		                              { ":path", path },        { ":authority", address_of(target) },
		                              { "te", "trailers" },     { "content-type", "application/grpc" },
		                              { "user-agent", "scia" }, { "grpc-timeout", timeout } };
	nghttp2_nv nv[ARRAY_SIZE(fields)];
	const nghttp2_data_provider provider = { .source.ptr = x, .read_callback = read_message };

	snprintf(timeout, sizeof(timeout), "%lldm", (long long)(left_ms < 1 ? 1 : left_ms < 99999999 ? left_ms : 99999999));
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		nv[i] = (nghttp2_nv){ .name = (uint8_t *)(uintptr_t)fields[i][0],
			                  .value = (uint8_t *)(uintptr_t)fields[i][1],
			                  .namelen = strlen(fields[i][0]),
			                  .valuelen = strlen(fields[i][1]) };
	nghttp2_submit_request(h2, NULL, nv, ARRAY_SIZE(nv), &provider, NULL);
}

static int judge(struct exchange *x, struct err *err)
{
	if (x->broken)
		return err_set(err, ERR_UNAVAILABLE, "reading the answer: %s", x->broken);
	if (!x->has_status)
		return err_set(err, ERR_UNAVAILABLE, "reading the answer: there is no gRPC status (HTTP status %d)",
		               x->http_status);
	if (x->reply->status == GRPC_OK && !x->has_message)
		return err_set(err, ERR_UNAVAILABLE, "reading the answer: there is no message");
	x->reply->body = x->in.message;
	x->in.message = (struct buf){ 0 };
	return 0;
}

int grpc_client_call(const char *target, const char *path, const void *message, size_t len, size_t message_max,
                     int64_t deadline_ns, struct grpc_reply *ret, struct err *err)
{
	struct grpc_reply reply = { 0 };
	struct exchange x = { .message = message, .len = len, .in = { .max = message_max }, .reply = &reply };
	_cleanup_close_ int fd = connect_to(target, deadline_ns, err);
	nghttp2_session *h2;
	int r;

	if (fd < 0)
		return -1;
	grpc_prefix_write(x.prefix, len);
	h2 = new_session(&x);
	submit(h2, &x, target, path, deadline_ns);
	r = run_exchange(h2, fd, &x, deadline_ns, err);
	if (r == 0)
		r = judge(&x, err);
	nghttp2_session_del(h2);
	buf_clear(&x.in.message);
	free(x.broken);
	if (r < 0)
		grpc_reply_clear(&reply);
	else
		*ret = reply;
	return r;
}
