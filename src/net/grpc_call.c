#include "grpc_internal.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdio.h>

/* A stream's answers that wait for its client. */
#define STREAM_BACKLOG_MAX ((size_t)1024 * 1024)
/* Of a stream's message: it is expanded on the event thread. */
#define STREAM_EXPANDED_MAX ((size_t)64 * 1024)
/* Of a name of an encoding, in messages. */
#define ENCODING_SHOWN_MAX 64

/* ---- life ---- */

struct grpc_call *grpc_call_new(struct grpc_connection *c, int32_t stream_id)
{
	struct grpc_call *call = new0(struct grpc_call);

	atomic_init(&call->refs, 1);
	call->server = c->server;
	call->conn = c;
	call->stream_id = stream_id;
	call->in.max = c->server->config.message_max;
	call->out = BUF_INIT(call->in.max + STREAM_BACKLOG_MAX);
	call->next = c->calls;
	if (call->next)
		call->next->at = &call->next;
	call->at = &c->calls;
	c->calls = call;
	return call;
}

struct grpc_call *grpc_call_unref(struct grpc_call *call)
{
	if (!call || atomic_fetch_sub(&call->refs, 1) != 1)
		return NULL;
	buf_clear(&call->in.message);
	buf_clear(&call->out);
	buf_clear(&call->reply);
	free(call->encoding);
	free(call->message);
	free(call->reply_message);
	free(call);
	return NULL;
}

void grpc_call_count(struct grpc_call *call)
{
	size_t held = call->in.message.len + call->out.len;

	call->server->memory += held - call->counted;
	call->counted = held;
}

/* What a worker reads, or what waits for one, stays in memory, whatever became of the stream. */
static void drop_message(struct grpc_call *call)
{
	if (atomic_load(&call->refs) == 1)
		buf_clear(&call->in.message);
	grpc_call_count(call);
}

void grpc_call_returned(struct grpc_call *call)
{
	buf_clear(&call->in.message);
	grpc_call_count(call);
	grpc_call_unref(call);
}

void grpc_call_closed(struct grpc_call *call)
{
	atomic_store(&call->cancelled, true);
	*call->at = call->next;
	if (call->next)
		call->next->at = call->at;
	call->conn = NULL;
	buf_clear(&call->out);
	drop_message(call);
	grpc_call_unref(call);
}

int64_t grpc_call_deadline_ns(const struct grpc_call *call)
{
	return call->deadline_ns;
}

bool grpc_call_is_cancelled(const struct grpc_call *call)
{
	return atomic_load(&call->cancelled) || (call->deadline_ns > 0 && clock_mono_ns() >= call->deadline_ns);
}

const _Atomic bool *grpc_call_cancelled(const struct grpc_call *call)
{
	return &call->cancelled;
}

/* ---- the answer ---- */

#define FIELD(name_, value_, len_)                                                                                \
	(nghttp2_nv)                                                                                                  \
	{                                                                                                             \
		.name = (uint8_t *)(uintptr_t)(name_), .value = (uint8_t *)(uintptr_t)(value_), .namelen = strlen(name_), \
		.valuelen = (len_), .flags = NGHTTP2_NV_FLAG_NONE                                                         \
	}

#define HEAD_FIELDS 3

/* What every answer begins with. */
static void put_head(nghttp2_nv ret[static HEAD_FIELDS])
{
	static const char type[] = "application/grpc";

	ret[0] = FIELD(":status", "200", 3);
	ret[1] = FIELD("content-type", type, sizeof(type) - 1);
	ret[2] = FIELD("grpc-accept-encoding", GRPC_ENCODINGS, sizeof(GRPC_ENCODINGS) - 1);
}

static int send_trailers(struct grpc_call *call, bool with_head)
{
	char number[16];
	_cleanup_free_ char *message = call->message ? grpc_message_encode(call->message) : NULL;
	nghttp2_nv fields[HEAD_FIELDS + 2];
	size_t n = with_head ? HEAD_FIELDS : 0;
	nghttp2_session *h2 = call->conn->h2;

	snprintf(number, sizeof(number), "%d", (int)call->status);
	if (with_head)
		put_head(fields);
	fields[n++] = FIELD("grpc-status", number, strlen(number));
	if (message)
		fields[n++] = FIELD("grpc-message", message, strlen(message));
	return with_head ? nghttp2_submit_headers(h2, NGHTTP2_FLAG_END_STREAM, call->stream_id, NULL, fields, n, NULL)
	                 : nghttp2_submit_trailer(h2, call->stream_id, fields, n);
}

static ssize_t read_out(nghttp2_session *h2 _unused_, int32_t stream_id _unused_, uint8_t *data, size_t room,
                        uint32_t *flags, nghttp2_data_source *source, void *self _unused_)
{
	struct grpc_call *call = source->ptr;
	size_t n = call->out.len - call->sent;

	n = n < room ? n : room;
	if (n > 0)
		memcpy(data, call->out.data + call->sent, n);
	call->sent += n;
	if (call->sent < call->out.len)
		return (ssize_t)n;
	buf_reset(&call->out);
	call->sent = 0;
	grpc_call_count(call);
	if (call->ended) {
		*flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
		if (send_trailers(call, false) != 0)
			return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
	} else if (n == 0) {
		return NGHTTP2_ERR_DEFERRED;
	}
	return (ssize_t)n;
}

/* The head, at once with what there is to send; later parts only wake the stream. */
static void send_out(struct grpc_call *call)
{
	nghttp2_nv fields[HEAD_FIELDS];
	const nghttp2_data_provider provider = { .source.ptr = call, .read_callback = read_out };

	if (call->head_sent) {
		nghttp2_session_resume_data(call->conn->h2, call->stream_id);
		return;
	}
	call->head_sent = true;
	put_head(fields);
	nghttp2_submit_response(call->conn->h2, call->stream_id, fields, HEAD_FIELDS, &provider);
}

void grpc_call_finish(struct grpc_call *call, enum grpc_status status, char *message)
{
	if (call->ended || !call->conn) {
		free(message);
		return;
	}
	call->ended = true;
	call->refused = true;
	call->status = status;
	call->message = message;
	if (status != GRPC_OK && !call->head_sent) {
		call->head_sent = true;
		send_trailers(call, true);
	} else {
		send_out(call);
	}
	drop_message(call);
}

static void refuse(struct grpc_call *call, enum grpc_status status, const char *message)
{
	grpc_call_finish(call, status, xstrdup(message));
}

void grpc_call_send(struct grpc_call *call, const void *message, size_t len)
{
	uint8_t prefix[GRPC_PREFIX_SIZE];

	if (!call->conn || call->ended)
		return;
	grpc_prefix_write(prefix, len);
	if (buf_append(&call->out, prefix, sizeof(prefix)) < 0 || buf_append(&call->out, message, len) < 0)
		refuse(call, GRPC_RESOURCE_EXHAUSTED, "grpc: the client does not read its answers");
	else
		send_out(call);
	grpc_call_count(call);
}

/* ---- the request ---- */

static bool is_named(const char *name, size_t len, const char *wanted)
{
	return len == strlen(wanted) && memcmp(name, wanted, len) == 0;
}

static void encoding_is(struct grpc_call *call, const char *value, size_t len)
{
	free(call->encoding);
	call->in.has_gzip = is_named(value, len, "gzip");
	call->encoding = call->in.has_gzip || is_named(value, len, "identity")
	                     ? NULL
	                     : xstrndup(value, len < ENCODING_SHOWN_MAX ? len : ENCODING_SHOWN_MAX);
}

void grpc_call_header(struct grpc_call *call, const char *name, size_t name_len, const char *value, size_t len)
{
	if (is_named(name, name_len, ":method")) {
		call->is_post = is_named(value, len, "POST");
	} else if (is_named(name, name_len, ":path")) {
		snprintf(call->path, sizeof(call->path), "%.*s", len < GRPC_PATH_MAX ? (int)len : 0, value);
	} else if (is_named(name, name_len, "content-type")) {
		call->is_grpc = len >= 16 && memcmp(value, "application/grpc", 16) == 0 &&
		                (len == 16 || value[16] == '+' || value[16] == ';');
	} else if (is_named(name, name_len, "grpc-encoding")) {
		encoding_is(call, value, len);
	} else if (is_named(name, name_len, "grpc-timeout")) {
		int64_t ns = grpc_timeout_parse(value, len), now = clock_mono_ns();

		call->deadline_ns = ns < 0 ? -1 : ns > INT64_MAX - now ? 0 : now + (ns > 0 ? ns : 1);
	}
}

/* What is no gRPC gets an answer of HTTP. */
static void refuse_http(struct grpc_call *call, const char *status)
{
	const nghttp2_nv fields[] = { FIELD(":status", status, 3) };

	call->ended = call->refused = call->head_sent = true;
	nghttp2_submit_headers(call->conn->h2, NGHTTP2_FLAG_END_STREAM, call->stream_id, NULL, fields, ARRAY_SIZE(fields),
	                       NULL);
}

void grpc_call_begin(struct grpc_call *call)
{
	struct grpc_server *s = call->server;

	if (!call->is_post)
		return refuse_http(call, "405");
	if (!call->is_grpc)
		return refuse_http(call, "415");
	call->method = grpc_server_find(s, call->path);
	if (call->deadline_ns < 0)
		return refuse(call, GRPC_INVALID_ARGUMENT, "grpc: the header grpc-timeout is malformed");
	if (!call->method)
		return grpc_call_finish(call, GRPC_UNIMPLEMENTED, xasprintf("grpc: there is no method %s", call->path));
	if (call->encoding)
		return grpc_call_finish(call, GRPC_UNIMPLEMENTED,
		                        xasprintf("grpc: Decompressor is not installed for grpc-encoding \"%s\" (there are "
		                                  "identity and gzip)",
		                                  call->encoding));
	if (call->deadline_ns > 0 && (s->next_deadline_ns == 0 || call->deadline_ns < s->next_deadline_ns))
		s->next_deadline_ns = call->deadline_ns;
}

static void stream_message(struct grpc_call *call)
{
	char *why = NULL;
	enum grpc_status status = GRPC_OK;
	_cleanup_(bytes_unrefp) struct bytes *expanded = NULL;

	if (grpc_framing_expand(&call->in, STREAM_EXPANDED_MAX, &expanded, &status, &why) == 0)
		status = call->method->stream(call->method->self, call,
		                              expanded ? (const char *)expanded->data : buf_str(&call->in.message),
		                              expanded ? expanded->len : call->in.message.len, &why);
	if (status != GRPC_OK)
		grpc_call_finish(call, status, why);
}

static void message_is_whole(struct grpc_call *call)
{
	if (call->method->stream) {
		stream_message(call);
		grpc_framing_next(&call->in);
	} else {
		call->has_message = true;
	}
}

/* A message of no bytes is whole with its prefix, so this also runs when no data is left. */
void grpc_call_data(struct grpc_call *call, const uint8_t *data, size_t len)
{
	struct grpc_server *s = call->server;

	while (len > 0 && !call->refused) {
		enum grpc_status status = GRPC_OK;
		char *why = NULL;
		size_t used = 0;

		if (call->has_message)
			return refuse(call, GRPC_INTERNAL, "grpc: this method takes one message, not more");
		int r = grpc_framing_feed(&call->in, data, len, &used, &status, &why);
		if (r < 0)
			return grpc_call_finish(call, status, why);
		grpc_call_count(call);
		if (s->memory > s->config.memory_max)
			return refuse(call, GRPC_RESOURCE_EXHAUSTED, "grpc: the server holds too many requests, try again");
		data += used;
		len -= used;
		if (r == 1)
			message_is_whole(call);
	}
	grpc_call_count(call);
}

void grpc_call_half_close(struct grpc_call *call)
{
	call->half_closed = true;
	if (call->refused)
		return;
	if (call->method->stream) {
		if (!grpc_framing_is_between(&call->in))
			refuse(call, GRPC_INTERNAL, "grpc: the message ends too early");
		else if (!call->method->stays)
			grpc_call_finish(call, GRPC_OK, NULL);
		return;
	}
	if (!call->has_message)
		return refuse(call, GRPC_INTERNAL,
		              grpc_framing_is_between(&call->in) ? "grpc: the request has no message"
		                                                 : "grpc: the message ends too early");
	if (!grpc_workers_queue(call->server, call))
		refuse(call, GRPC_RESOURCE_EXHAUSTED, "grpc: too many calls wait, try again");
}
