#include "http_server_internal.h"

/* A chunk's size line and the ends of chunk and body: "%zx\r\n" before, "\r\n" and "0\r\n\r\n" behind. */
#define CHUNK_HEAD_MAX 10
#define CHUNK_TAIL (2 + 5)
#define QUEUE_KEPT 16

/* What is waiting: the bytes' references in a ring that grows. */
struct queue {
	struct bytes **ring;
	size_t room, first, len;
};

struct http_stream {
	atomic_int refs; /* the writer's and the connection's */
	atomic_bool closed;
	struct http_connection *conn;
	bool chunked;

	/* Under the connection's lock. */
	struct queue queue;
	size_t offset; /* in the first */
	size_t backlog;
	bool ended; /* by the writer */
	bool broken;
	bool scheduled; /* the loop knows that something waits */
	void (*on_close)(void *self);
	void *self;
	bool on_close_runs;
	pthread_t on_close_thread;
	pthread_cond_t on_close_done;
};

/* ---- what is waiting ---- */

static void queue_push(struct queue *q, struct bytes *b)
{
	if (q->len == q->room) {
		size_t room = q->room ? q->room * 2 : QUEUE_KEPT;
		struct bytes **ring = xreallocarray(NULL, room, sizeof(*ring));

		for (size_t i = 0; i < q->len; i++)
			ring[i] = q->ring[(q->first + i) & (q->room - 1)];
		free(q->ring);
		*q = (struct queue){ .ring = ring, .room = room, .len = q->len };
	}
	q->ring[(q->first + q->len++) & (q->room - 1)] = b;
}

static struct bytes *queue_first(const struct queue *q)
{
	return q->len > 0 ? q->ring[q->first] : NULL;
}

static void queue_drop_first(struct queue *q)
{
	bytes_unref(q->ring[q->first]);
	q->first = (q->first + 1) & (q->room - 1);
	if (--q->len > 0)
		return;
	q->first = 0;
	if (q->room > QUEUE_KEPT) {
		free(q->ring);
		*q = (struct queue){ 0 };
	}
}

static void queue_clear(struct queue *q)
{
	while (q->len > 0)
		queue_drop_first(q);
	free(q->ring);
	*q = (struct queue){ 0 };
}

static void stream_unref(struct http_stream *stream)
{
	if (atomic_fetch_sub(&stream->refs, 1) != 1)
		return;
	queue_clear(&stream->queue);
	pthread_cond_destroy(&stream->on_close_done);
	http_connection_unref(stream->conn);
	free(stream);
}

/* ---- the event thread's side ---- */

/* With the lock held: moves what is waiting into data. */
static size_t take_waiting(struct http_stream *stream, char *data, size_t room)
{
	struct bytes *b;
	size_t taken = 0;

	while (taken < room && (b = queue_first(&stream->queue))) {
		size_t n = b->len - stream->offset;

		if (n > room - taken)
			n = room - taken;
		memcpy(data + taken, b->data + stream->offset, n);
		taken += n;
		stream->offset += n;
		stream->backlog -= n;
		if (stream->offset < b->len)
			break;
		stream->offset = 0;
		queue_drop_first(&stream->queue);
	}
	return taken;
}

/* The chunk's size goes before its data, right-aligned in the room left for it. */
static size_t frame(char *data, size_t n)
{
	char line[CHUNK_HEAD_MAX + 1];
	size_t len = (size_t)snprintf(line, sizeof(line), "%zx\r\n", n);

	memmove(data + len, data + CHUNK_HEAD_MAX, n);
	memcpy(data, line, len);
	data[len + n] = '\r';
	data[len + n + 1] = '\n';
	return len + n + 2;
}

size_t http_stream_take(struct http_stream *stream, char *data, size_t room, bool *ret_end)
{
	static const char last_chunk[] = "0\r\n\r\n";
	size_t n, used = 0;

	if (room < CHUNK_HEAD_MAX + CHUNK_TAIL + 1)
		return 0;
	MUTEX_GUARD(&stream->conn->lock);
	stream->scheduled = false;
	if (stream->chunked) {
		n = take_waiting(stream, data + CHUNK_HEAD_MAX, room - CHUNK_HEAD_MAX - CHUNK_TAIL);
		used = n > 0 ? frame(data, n) : 0;
	} else {
		used = take_waiting(stream, data, room);
	}
	if (stream->queue.len > 0)
		return used;
	if (!stream->ended && !atomic_load(&stream->conn->server->stopping))
		return used;
	/* Nothing can be written any more once its end is sent. */
	atomic_store(&stream->closed, true);
	*ret_end = true;
	if (!stream->chunked)
		return used;
	memcpy(data + used, last_chunk, sizeof(last_chunk) - 1);
	return used + sizeof(last_chunk) - 1;
}

bool http_stream_is_broken(struct http_stream *stream)
{
	MUTEX_GUARD(&stream->conn->lock);
	return stream->broken;
}

void http_stream_over(struct http_stream *stream)
{
	pthread_mutex_t *lock = &stream->conn->lock;

	pthread_mutex_lock(lock);
	atomic_store(&stream->closed, true);
	queue_clear(&stream->queue);
	bool tell = stream->on_close && !stream->ended;
	if (tell) {
		stream->on_close_runs = true;
		stream->on_close_thread = pthread_self();
	}
	pthread_mutex_unlock(lock);

	if (tell) {
		stream->on_close(stream->self);
		pthread_mutex_lock(lock);
		stream->on_close_runs = false;
		pthread_cond_broadcast(&stream->on_close_done);
		pthread_mutex_unlock(lock);
	}
	stream_unref(stream);
}

/* ---- the writer's side ---- */

struct http_stream *http_respond_stream(struct http_request *req, int status, const struct http_headers *headers,
                                        void (*on_close)(void *self), void *self)
{
	struct http_stream *stream = new0(struct http_stream);
	struct http_answer a = { .stream = stream };

	atomic_init(&stream->refs, 2);
	atomic_init(&stream->closed, false);
	stream->conn = http_connection_ref(req->conn);
	stream->chunked = req->http11;
	stream->on_close = on_close;
	stream->self = self;
	pthread_cond_init(&stream->on_close_done, NULL);
	http_answer_init(&a, req, status, headers, false);
	if (!http_request_answer(req, &a)) {
		/* The server was stopped before the answer: telling that by a callback from in here would surprise. */
		atomic_store(&stream->closed, true);
		stream_unref(stream);
	}
	return stream;
}

/* Takes the reference. */
static bool stream_append(struct http_stream *stream, struct bytes *data)
{
	struct http_connection *c = stream->conn;
	bool ok = false, wake = false;

	pthread_mutex_lock(&c->lock);
	if (!atomic_load(&stream->closed) && !stream->ended) {
		ok = data->len <= c->server->stream_backlog_max - stream->backlog;
		if (ok) {
			stream->backlog += data->len;
			queue_push(&stream->queue, TAKE_PTR(data));
		} else {
			/* The client fell behind: the event thread closes the connection. */
			stream->broken = true;
			atomic_store(&stream->closed, true);
			queue_clear(&stream->queue);
		}
		wake = !stream->scheduled || !ok;
		stream->scheduled = true;
	}
	pthread_mutex_unlock(&c->lock);
	if (wake)
		http_loop_wake(c->loop, c);
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

size_t http_stream_waiting(struct http_stream *stream)
{
	MUTEX_GUARD(&stream->conn->lock);
	return stream->backlog;
}

void http_stream_end(struct http_stream *stream)
{
	struct http_connection *c = stream->conn;

	pthread_mutex_lock(&c->lock);
	stream->ended = true;
	while (stream->on_close_runs && !pthread_equal(stream->on_close_thread, pthread_self()))
		pthread_cond_wait(&stream->on_close_done, &c->lock);
	bool wake = !atomic_load(&stream->closed);
	pthread_mutex_unlock(&c->lock);
	if (wake)
		http_loop_wake(c->loop, c);
	stream_unref(stream);
}
