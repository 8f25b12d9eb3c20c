/* Streams of the HTTP server: what arrives when, and that writers, clients that leave, the end and the stop of the
 * server may meet in any order. */

#include "base/thread.h"
#include "http_testing.h"
#include "net/http_server.h"

struct watch {
	struct watch *next;
	struct http_stream *stream;
	atomic_int closed; /* how often on_close was called */
	bool end_in_on_close;
	bool slow_on_close;
	atomic_bool began; /* on_close has */
};

struct fixture {
	struct http_server *server;
	int port;
	pthread_mutex_t lock;
	struct watch *watches; /* newest first */
	int count;
};

static void on_close(void *self)
{
	struct watch *w = self;

	atomic_store(&w->began, true);
	if (w->slow_on_close)
		clock_sleep_ns(50 * NS_PER_MS);
	if (w->end_in_on_close)
		http_stream_end(w->stream);
	atomic_fetch_add(&w->closed, 1);
}

/* "/watch" opens a stream, "/finished" one that has ended before it began. */
static void handler(void *self, struct http_request *req)
{
	struct fixture *f = self;
	struct http_headers headers = { 0 };

	http_headers_add(&headers, "Content-Type", "application/json;stream=watch");
	if (str_eq(http_request_path(req), "/finished")) {
		struct http_stream *s = http_respond_stream(req, 200, &headers, NULL, NULL);

		http_stream_write(s, "all ", 4);
		http_stream_write(s, "there", 5);
		http_stream_end(s);
	} else {
		struct watch *w = new0(struct watch);

		MUTEX_GUARD(&f->lock);
		w->end_in_on_close = str_eq(http_request_query(req), "end");
		w->slow_on_close = str_eq(http_request_query(req), "slow");
		w->stream = http_respond_stream(req, 200, &headers, on_close, w);
		w->next = f->watches;
		f->watches = w;
		f->count++;
	}
	http_headers_clear(&headers);
}

static struct fixture *fixture_new(struct http_server_config config)
{
	struct fixture *f = new0(struct fixture);
	struct err e = { 0 };

	pthread_mutex_init(&f->lock, NULL);
	config.handler = handler;
	config.self = f;
	if (http_server_start(&config, &f->server, &e) < 0)
		fail_msg("%s", e.message);
	f->port = http_server_port(f->server);
	return f;
}

static void fixture_free(struct fixture *f)
{
	http_server_stop(f->server, NS_PER_S);
	while (f->watches) {
		struct watch *w = f->watches;

		f->watches = w->next;
		if (w->stream && !w->end_in_on_close)
			http_stream_end(w->stream);
		free(w);
	}
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static int setup(void **state)
{
	*state = fixture_new((struct http_server_config){ 0 });
	return 0;
}

static int teardown(void **state)
{
	fixture_free(*state);
	return 0;
}

static int watch_count(struct fixture *f)
{
	MUTEX_GUARD(&f->lock);
	return f->count;
}

static struct watch *newest(struct fixture *f)
{
	MUTEX_GUARD(&f->lock);
	return f->watches;
}

/* Opens a watch; returns the client's socket once the head of the answer has come. */
static int open_watch(struct fixture *f, const char *query, struct watch **ret)
{
	struct buf in = BUF_INIT(1 << 16);
	char *request = xasprintf("GET /watch?%s HTTP/1.1\r\nHost: h\r\n\r\n", query);
	int fd = raw_connect(f->port);
	int before = watch_count(f);

	raw_puts(fd, request);
	free(request);
	/* the head comes at once: a client must learn that its watch stands before anything happens */
	assert_true(raw_expect(fd, &in, "\r\n\r\n"));
	assert_non_null(strstr(buf_str(&in), "Transfer-Encoding: chunked"));
	assert_non_null(strstr(buf_str(&in), "stream=watch"));
	buf_clear(&in);
	WAIT_UNTIL(watch_count(f) == before + 1);
	*ret = newest(f);
	return fd;
}

static void end_watch(struct watch *w)
{
	http_stream_end(w->stream);
	w->stream = NULL;
}

/* ---- one stream ---- */

static void test_http_stream_delivers_each_write_at_once(void **state)
{
	struct fixture *f = *state;
	struct buf in = BUF_INIT(1 << 16);
	struct watch *w;
	int fd = open_watch(f, "", &w);
	struct bytes *shared = bytes_new("shared!", 7);

	for (int i = 0; i < 50; i++) {
		char *text = xasprintf("event %d;", i);

		assert_true(http_stream_write(w->stream, text, strlen(text)));
		assert_true(raw_expect(fd, &in, text));
		free(text);
	}
	assert_true(http_stream_write_bytes(w->stream, shared));
	assert_true(http_stream_write(w->stream, "", 0)); /* an empty chunk would end the response */
	assert_true(raw_expect(fd, &in, "shared!"));
	assert_false(http_stream_is_closed(w->stream));
	end_watch(w);
	assert_true(raw_expect(fd, &in, "\r\n0\r\n\r\n"));
	WAIT_UNTIL(atomic_load(&shared->refs) == 1);
	assert_int_equal(atomic_load(&w->closed), 0); /* the writer ended it, there is nothing to tell */

	/* the connection goes on */
	raw_puts(fd, "GET /finished HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_true(raw_expect(fd, &in, "all there"));
	close(fd);
	bytes_unref(shared);
	buf_clear(&in);
}

/* Each write comes just when the event thread has sent the last one and is about to let the connection wait: what it
 * does not see then must resume it. */
static void test_http_stream_loses_no_write(void **state)
{
	struct fixture *f = *state;
	struct buf in = BUF_INIT(1 << 20);
	struct watch *w;
	int fd = open_watch(f, "", &w);

	for (int i = 0; i < 10000; i++) {
		buf_reset(&in);
		assert_true(http_stream_write(w->stream, "x", 1));
		for (int64_t until = clock_mono_ns() + i % 100 * 400; clock_mono_ns() < until;)
			;
		assert_true(http_stream_write(w->stream, "y", 1));
		while (!memchr(buf_str(&in), 'y', in.len))
			assert_true(raw_more(fd, &in, PATIENCE_MS));
	}
	close(fd);
	buf_clear(&in);
}

static void test_http_stream_serves_old_clients_and_heads(void **state)
{
	struct fixture *f = *state;
	char *answer = raw_exchange(f->port, "GET /finished HTTP/1.0\r\n\r\n");

	assert_true(str_ends_with(answer, "\r\n\r\nall there"));
	free(answer);
	answer = raw_exchange(f->port, "HEAD /finished HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	assert_true(str_starts_with(answer, "HTTP/1.1 200"));
	assert_true(str_ends_with(answer, "\r\n\r\n"));
	free(answer);
}

static void test_http_stream_notices_a_client_that_leaves(void **state)
{
	struct fixture *f = *state;
	struct watch *w;
	int fd = open_watch(f, "", &w);

	close(fd);
	/* without any write */
	WAIT_UNTIL(atomic_load(&w->closed) == 1);
	assert_true(http_stream_is_closed(w->stream));
	assert_false(http_stream_write(w->stream, "x", 1));
	end_watch(w);
	assert_int_equal(atomic_load(&w->closed), 1);
}

static void test_http_stream_may_be_ended_in_on_close(void **state)
{
	struct fixture *f = *state;
	struct watch *w;
	int fd = open_watch(f, "end", &w);

	close(fd);
	WAIT_UNTIL(atomic_load(&w->closed) == 1);
}

static void test_http_stream_end_waits_for_on_close(void **state)
{
	struct fixture *f = *state;
	struct watch *w;
	int fd = open_watch(f, "slow", &w);

	close(fd);
	WAIT_UNTIL(atomic_load(&w->began));
	end_watch(w);
	assert_int_equal(atomic_load(&w->closed), 1);
}

static void test_http_stream_drops_a_client_that_falls_behind(void **state)
{
	struct fixture *f = fixture_new((struct http_server_config){ .stream_backlog_max = 100000 });
	struct watch *w;
	int fd = open_watch(f, "", &w);
	char data[10000];
	int written = 0;

	(void)state;
	memset(data, 'd', sizeof(data));
	/* nobody reads: sooner or later neither the sockets nor the backlog take more */
	while (http_stream_write(w->stream, data, sizeof(data)) && written < 10000)
		written++;
	assert_in_range(written, 9, 9999);
	WAIT_UNTIL(atomic_load(&w->closed) == 1);
	assert_false(http_stream_write(w->stream, data, 1));
	close(fd);
	fixture_free(f);
}

static void test_http_stream_carries_much(void **state)
{
	struct fixture *f = *state;
	struct buf in = BUF_INIT(64 << 20);
	struct watch *w;
	int fd = open_watch(f, "", &w);
	struct bytes *mib = bytes_new(NULL, 1 << 20);

	memset(mib->data, 'm', mib->len);
	for (int i = 0; i < 6; i++)
		assert_true(http_stream_write_bytes(w->stream, mib));
	end_watch(w);
	assert_true(raw_expect(fd, &in, "\r\n0\r\n\r\n"));

	size_t seen = 0;

	for (size_t i = 0; i < in.len; i++)
		seen += in.data[i] == 'm';
	assert_int_equal(seen, 6 << 20);
	close(fd);
	bytes_unref(mib);
	buf_clear(&in);
}

/* ---- stopping ---- */

static void test_http_stream_ends_cleanly_when_the_server_stops(void **state)
{
	struct fixture *f = fixture_new((struct http_server_config){ 0 });
	struct buf in = BUF_INIT(1 << 16);
	struct watch *w;
	int64_t begin;
	int fd = open_watch(f, "", &w);

	(void)state;
	assert_true(http_stream_write(w->stream, "last words", 10));
	begin = clock_mono_ns();
	f->server = http_server_stop(f->server, 30 * NS_PER_S);
	assert_true(clock_mono_ns() - begin < 15 * NS_PER_S); /* an open watch is no reason to use up the grace */
	assert_int_equal(atomic_load(&w->closed), 1);
	assert_false(http_stream_write(w->stream, "x", 1));
	raw_read_to_end(fd, &in);
	assert_non_null(strstr(buf_str(&in), "last words\r\n0\r\n\r\n"));
	close(fd);
	buf_clear(&in);
	fixture_free(f); /* ends the stream after its server is gone */
}

/* ---- all at once ---- */

struct storm {
	struct fixture *f;
	atomic_bool over;
	atomic_int opened;
};

static void *storm_client(void *arg)
{
	struct storm *s = arg;
	struct buf in = BUF_INIT(1 << 20);

	for (int i = 0; !atomic_load(&s->over) && i < 150; i++) {
		int fd = raw_connect(s->f->port);

		raw_puts(fd,
		         i % 3 == 2 ? "GET /finished HTTP/1.1\r\nHost: h\r\n\r\n" : "GET /watch HTTP/1.1\r\nHost: h\r\n\r\n");
		buf_reset(&in);
		while (raw_more(fd, &in, i % 3 == 0 ? 2 : 0) && in.len < 4096)
			;
		atomic_fetch_add(&s->opened, 1);
		close(fd);
	}
	buf_clear(&in);
	return NULL;
}

/* Writes to every stream, ends every third, also those that were just closed. */
static void *storm_writer(void *arg)
{
	struct storm *s = arg;

	for (int round = 0; !atomic_load(&s->over); round++) {
		pthread_mutex_lock(&s->f->lock);

		struct watch *w = s->f->watches;

		for (int i = 0; w && i < 40; w = w->next, i++) {
			if (!w->stream)
				continue;
			http_stream_write(w->stream, "{\"type\":\"MODIFIED\"}\n", 20);
			if ((round + i) % 3 == 0)
				end_watch(w);
		}
		pthread_mutex_unlock(&s->f->lock);
		clock_sleep_ns(100000);
	}
	return NULL;
}

static void test_http_stream_survives_everything_at_once(void **state)
{
	struct storm s = { 0 };
	pthread_t clients[4], writers[2];

	(void)state;
	s.f = fixture_new((struct http_server_config){ .stream_backlog_max = 1000 });
	for (int i = 0; i < 2; i++)
		assert_int_equal(thread_start(&writers[i], "writer", storm_writer, &s, NULL), 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(thread_start(&clients[i], "client", storm_client, &s, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(clients[i], NULL);
	assert_int_equal(atomic_load(&s.opened), 600);
	/* the server stops with streams open and writers at work */
	s.f->server = http_server_stop(s.f->server, 100 * NS_PER_MS);
	atomic_store(&s.over, true);
	for (int i = 0; i < 2; i++)
		pthread_join(writers[i], NULL);
	for (struct watch *w = s.f->watches; w; w = w->next)
		assert_in_range(atomic_load(&w->closed), w->stream ? 1 : 0, 1);
	fixture_free(s.f);
}

static void test_http_stream_costs_no_thread(void **state)
{
	struct fixture *f = *state;
	int fds[200];
	struct watch *w;
	struct buf in = BUF_INIT(1 << 16);
	struct bytes *event = bytes_new("event for all", 13);

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = open_watch(f, "", &w);
	for (w = newest(f); w; w = w->next)
		assert_true(http_stream_write_bytes(w->stream, event));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		buf_reset(&in);
		assert_true(raw_expect(fds[i], &in, "event for all"));
	}
	/* meanwhile others are served: two event threads, two hundred watches */
	for (int i = 0; i < 20; i++) {
		char *answer = raw_exchange(f->port, "GET /finished HTTP/1.0\r\n\r\n");

		assert_true(str_ends_with(answer, "all there"));
		free(answer);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	bytes_unref(event);
	buf_clear(&in);
}

#define test_with_server(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_with_server(test_http_stream_delivers_each_write_at_once),
		test_with_server(test_http_stream_loses_no_write),
		test_with_server(test_http_stream_serves_old_clients_and_heads),
		test_with_server(test_http_stream_notices_a_client_that_leaves),
		test_with_server(test_http_stream_may_be_ended_in_on_close),
		test_with_server(test_http_stream_end_waits_for_on_close),
		cmocka_unit_test(test_http_stream_drops_a_client_that_falls_behind),
		test_with_server(test_http_stream_carries_much),
		cmocka_unit_test(test_http_stream_ends_cleanly_when_the_server_stops),
		cmocka_unit_test(test_http_stream_survives_everything_at_once),
		test_with_server(test_http_stream_costs_no_thread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
