#include "http_server_internal.h"
#include "tls_internal.h"

#include <sys/socket.h>

/* For HTTP/1.0 clients, which get the body without chunks. */
#define PLAIN_BLOCK_SIZE 1024

struct chunk {
	struct chunk *next;
	struct bytes *bytes;
};

struct http_stream {
	struct http_parked parked; /* its lock guards everything below but the atomics */
	atomic_int refs;           /* the writer's and the response's */
	int fd;                    /* -1 once the response is over */
	atomic_bool closed;        /* nothing written arrives any more */
	bool ended;                /* by the writer */
	struct chunk *first, **last;
	size_t offset; /* in first */
	size_t backlog;

	void (*on_close)(void *self);
	void *self;
	bool on_close_runs;
	pthread_t on_close_thread;
	pthread_cond_t on_close_done;
};

static void drop_chunks(struct http_stream *stream)
{
	while (stream->first) {
		struct chunk *c = stream->first;

		stream->first = c->next;
		bytes_unref(c->bytes);
		free(c);
	}
	stream->last = &stream->first;
	stream->offset = 0;
	stream->backlog = 0;
}

static void stream_unref(struct http_stream *stream)
{
	if (atomic_fetch_sub(&stream->refs, 1) != 1)
		return;
	drop_chunks(stream);
	pthread_cond_destroy(&stream->on_close_done);
	http_server_unref(stream->parked.server);
	parked_done(&stream->parked);
	free(stream);
}

/* ---- the event thread's side ---- */

/* With the lock held: moves what is waiting into data. */
static size_t take_waiting(struct http_stream *stream, char *data, size_t max)
{
	size_t taken = 0;

	while (stream->first && taken < max) {
		struct chunk *c = stream->first;
		size_t n = c->bytes->len - stream->offset;

		if (n > max - taken)
			n = max - taken;
		memcpy(data + taken, c->bytes->data + stream->offset, n);
		taken += n;
		stream->offset += n;
		stream->backlog -= n;
		if (stream->offset < c->bytes->len)
			break;
		stream->offset = 0;
		stream->first = c->next;
		if (!stream->first)
			stream->last = &stream->first;
		bytes_unref(c->bytes);
		free(c);
	}
	return taken;
}

/* With the lock held: what the reader shall return, or 0 when there is nothing to do but wait. */
static ssize_t next_step(struct http_stream *stream, char *data, size_t max)
{
	size_t n;

	if (atomic_load(&stream->closed))
		return MHD_CONTENT_READER_END_WITH_ERROR;
	n = take_waiting(stream, data, max);
	if (n > 0)
		return (ssize_t)n;
	if (stream->ended)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (atomic_load(&stream->parked.server->stopping)) {
		atomic_store(&stream->closed, true);
		return MHD_CONTENT_READER_END_OF_STREAM;
	}
	return 0;
}

static ssize_t read_stream(void *cls, uint64_t position _unused_, char *data, size_t max)
{
	struct http_stream *stream = cls;
	ssize_t step;
	bool claimed = false;

	pthread_mutex_lock(&stream->parked.lock);
	step = next_step(stream, data, max);
	pthread_mutex_unlock(&stream->parked.lock);
	if (step != 0)
		return step;

	MHD_suspend_connection(stream->parked.connection);

	/* What a writer did since the look above did not resume us, as we were not yet known to be suspended. */
	pthread_mutex_lock(&stream->parked.lock);
	stream->parked.suspended = true;
	if (stream->first || stream->ended || atomic_load(&stream->closed) || atomic_load(&stream->parked.server->stopping))
		claimed = parked_claim(&stream->parked);
	pthread_mutex_unlock(&stream->parked.lock);
	if (claimed)
		parked_resume(stream->parked.server, stream->parked.connection);
	return 0;
}

/* The response is over: sent to its end, or the connection is gone. The socket is closed only after this. */
static void response_over(void *cls)
{
	struct http_stream *stream = cls;
	bool tell;

	parked_unlink(&stream->parked);
	pthread_mutex_lock(&stream->parked.lock);
	stream->fd = -1;
	stream->parked.suspended = false;
	atomic_store(&stream->closed, true);
	drop_chunks(stream);
	tell = stream->on_close && !stream->ended;
	if (tell) {
		stream->on_close_runs = true;
		stream->on_close_thread = pthread_self();
	}
	pthread_mutex_unlock(&stream->parked.lock);

	if (tell) {
		stream->on_close(stream->self);
		pthread_mutex_lock(&stream->parked.lock);
		stream->on_close_runs = false;
		pthread_cond_broadcast(&stream->on_close_done);
		pthread_mutex_unlock(&stream->parked.lock);
	}
	stream_unref(stream);
}

static struct http_stream *stream_of(const struct http_parked *p)
{
	return without_const(p); /* its first member */
}

int http_stream_fd(const struct http_parked *p)
{
	return stream_of(p)->fd;
}

bool http_stream_client_gone(struct http_parked *p)
{
	MUTEX_GUARD(&p->lock);
	atomic_store(&stream_of(p)->closed, true);
	return parked_claim(p);
}

/* ---- the writer's side ---- */

struct http_stream *http_respond_stream(struct http_request *req, int status, const struct http_headers *headers,
                                        void (*on_close)(void *self), void *self)
{
	struct http_connection *conn = http_request_peer(req);
	struct http_server *s = conn->server;
	struct http_stream *stream = new0(struct http_stream);
	struct MHD_Response *response;

	parked_init(&stream->parked, http_server_ref(s), http_request_connection(req), true);
	atomic_init(&stream->refs, 2);
	atomic_init(&stream->closed, false);
	stream->fd = conn->fd;
	stream->last = &stream->first;
	stream->self = self;
	pthread_cond_init(&stream->on_close_done, NULL);
	response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PLAIN_BLOCK_SIZE, read_stream, stream,
	                                             response_over);
	if (!response)
		out_of_memory(PLAIN_BLOCK_SIZE);
	stream->on_close = on_close;
	parked_link(&stream->parked);
	if (!http_request_answer(req, status, headers, response)) {
		/* The server was stopped before the answer: telling that by a callback from in here would surprise. */
		stream->on_close = NULL;
		MHD_destroy_response(response);
	}
	return stream;
}

/* Takes the reference. */
static bool stream_append(struct http_stream *stream, struct bytes *data)
{
	bool ok = false, claimed = false;

	pthread_mutex_lock(&stream->parked.lock);
	if (!atomic_load(&stream->closed) && !stream->ended) {
		if (data->len <= stream->parked.server->stream_backlog_max - stream->backlog) {
			struct chunk *c = xmalloc(sizeof(*c));

			*c = (struct chunk){ .bytes = TAKE_PTR(data) };
			*stream->last = c;
			stream->last = &c->next;
			stream->backlog += c->bytes->len;
			ok = true;
		} else {
			/* The client fell behind: cutting the connection makes the event thread end the response. */
			atomic_store(&stream->closed, true);
			drop_chunks(stream);
			if (stream->fd >= 0)
				shutdown(stream->fd, SHUT_RDWR);
		}
		claimed = parked_claim(&stream->parked);
	}
	pthread_mutex_unlock(&stream->parked.lock);
	if (claimed)
		parked_resume(stream->parked.server, stream->parked.connection);
	bytes_unref(data);
	return ok;
}

bool http_stream_write(struct http_stream *stream, const void *data, size_t len)
{
	if (len == 0)
		return !atomic_load(&stream->closed);
	return stream_append(stream, bytes_new(data, len));
}

bool http_stream_write_bytes(struct http_stream *stream, struct bytes *data)
{
	if (data->len == 0)
		return !atomic_load(&stream->closed);
	return stream_append(stream, bytes_ref(data));
}

bool http_stream_is_closed(const struct http_stream *stream)
{
	return atomic_load(&stream->closed);
}

void http_stream_end(struct http_stream *stream)
{
	bool claimed;

	pthread_mutex_lock(&stream->parked.lock);
	stream->ended = true;
	while (stream->on_close_runs && !pthread_equal(stream->on_close_thread, pthread_self()))
		pthread_cond_wait(&stream->on_close_done, &stream->parked.lock);
	claimed = parked_claim(&stream->parked);
	pthread_mutex_unlock(&stream->parked.lock);
	if (claimed)
		parked_resume(stream->parked.server, stream->parked.connection);
	stream_unref(stream);
}
