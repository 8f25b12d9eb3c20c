#include "net/http_server.h"

#include "base/thread.h"
#include "http_testing.h"

/* ---- a server whose handler does what the path says ---- */

struct job {
	struct job *next;
	struct http_request *req;
};

struct fixture {
	struct http_server *server;
	int port;
	pthread_t worker;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *jobs;
	bool hold, ends; /* hold: deferred requests stay unanswered */
	atomic_int destroyed;
	struct bytes *shared;
};

static void answer_echo(struct http_request *req)
{
	struct buf b = BUF_INIT(8 << 20);
	struct http_headers headers = { 0 };
	const char *query = http_request_query(req);
	const char *test = http_request_header(req, "x-test");
	size_t len;
	const char *body = http_request_body(req, &len);

	assert_int_equal(strlen(body), len);
	buf_printf(&b, "%s %s %s %s [%s]", http_request_method(req), http_request_path(req), query ? query : "(none)",
	           test ? test : "(none)", body);
	http_headers_add(&headers, "Content-Type", "text/plain");
	http_headers_add(&headers, "X-Remote", http_request_remote(req));
	http_headers_add(&headers, "X-Bad", "a\r\nX-Injected: yes");
	http_headers_add(&headers, "Content-Length", "1");
	http_respond(req, 200, &headers, b.data, b.len);
	http_headers_clear(&headers);
	buf_clear(&b);
}

static void *worker_main(void *arg)
{
	struct fixture *f = arg;

	pthread_mutex_lock(&f->lock);
	for (;;) {
		struct job *j = f->hold ? NULL : f->jobs;

		if (j) {
			f->jobs = j->next;
			pthread_mutex_unlock(&f->lock);
			answer_echo(j->req);
			free(j);
			pthread_mutex_lock(&f->lock);
		} else if (f->ends) {
			break;
		} else {
			pthread_cond_wait(&f->wake, &f->lock);
		}
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

static void defer(struct fixture *f, struct http_request *req)
{
	struct job *j = new0(struct job);

	http_request_defer(req);
	j->req = req;
	MUTEX_GUARD(&f->lock);
	j->next = f->jobs;
	f->jobs = j;
	pthread_cond_signal(&f->wake);
}

static void count_destroyed(void *counter)
{
	atomic_fetch_add((atomic_int *)counter, 1);
}

static void answer_peer(struct http_request *req)
{
	char *const *orgs = http_request_peer_orgs(req);
	char *list = orgs ? strv_join(orgs, ",") : xstrdup("");
	char *text = xasprintf("peer=%s orgs=%s", http_request_peer_name(req) ? http_request_peer_name(req) : "nobody",
	                       list);

	http_respond_text(req, 200, "text/plain", text);
	free(list);
	free(text);
}

#define SHORT_PARTS 100

/* "[sss…,ssssssssss,ssssssssss,…]", and pieces of nothing. */
static void answer_parts(struct fixture *f, struct http_request *req)
{
	size_t len = SHORT_PARTS + 4;
	struct http_part *parts = xcalloc(len, sizeof(*parts));

	parts[0] = (struct http_part){ .before = "" };
	parts[1] = (struct http_part){ .before = "[", .bytes = bytes_ref(f->shared) };
	for (size_t i = 2; i < SHORT_PARTS + 2; i++)
		parts[i] = (struct http_part){ .before = ",", .bytes = bytes_ref(f->shared), .skip = f->shared->len - 10 };
	parts[len - 2] = (struct http_part){ .before = "]" };
	parts[len - 1] = (struct http_part){ .before = "", .bytes = bytes_ref(f->shared), .skip = f->shared->len };
	http_respond_parts(req, 200, NULL, parts, len);
}

static void handler(void *self, struct http_request *req)
{
	struct fixture *f = self;
	const char *path = http_request_path(req);

	if (str_starts_with(path, "/defer")) {
		http_request_attach(req, &f->destroyed, count_destroyed);
		defer(f, req);
	} else if (str_eq(path, "/defer-and-answer")) {
		http_request_defer(req);
		http_respond_text(req, 200, "text/plain", "both");
	} else if (str_eq(path, "/shared")) {
		http_respond_bytes(req, 200, NULL, f->shared);
	} else if (str_eq(path, "/parts")) {
		answer_parts(f, req);
	} else if (str_eq(path, "/peer")) {
		answer_peer(req);
	} else if (str_eq(path, "/forgotten")) {
		http_request_attach(req, &f->destroyed, count_destroyed);
	} else if (str_eq(path, "/empty")) {
		http_respond(req, 204, NULL, NULL, 0);
	} else {
		answer_echo(req);
	}
}

static struct fixture *fixture_new(struct http_server_config config)
{
	struct fixture *f = new0(struct fixture);
	struct err e = { 0 };

	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->wake, NULL);
	f->shared = bytes_new(NULL, 300000);
	memset(f->shared->data, 's', f->shared->len);
	config.handler = handler;
	config.self = f;
	if (http_server_start(&config, &f->server, &e) < 0)
		fail_msg("%s", e.message);
	f->port = http_server_port(f->server);
	assert_int_equal(thread_start(&f->worker, "test-worker", worker_main, f, NULL), 0);
	return f;
}

static void set_hold(struct fixture *f, bool hold)
{
	MUTEX_GUARD(&f->lock);
	f->hold = hold;
	pthread_cond_signal(&f->wake);
}

static bool has_jobs(struct fixture *f)
{
	MUTEX_GUARD(&f->lock);
	return f->jobs != NULL;
}

static void fixture_free(struct fixture *f)
{
	pthread_mutex_lock(&f->lock);
	f->hold = false;
	f->ends = true;
	pthread_cond_signal(&f->wake);
	pthread_mutex_unlock(&f->lock);
	pthread_join(f->worker, NULL);
	http_server_stop(f->server, NS_PER_S);
	assert_int_equal(atomic_load(&f->shared->refs), 1);
	bytes_unref(f->shared);
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static int setup(void **state)
{
	*state = fixture_new((struct http_server_config){ .body_max = 100000 });
	return 0;
}

static int teardown(void **state)
{
	fixture_free(*state);
	return 0;
}

/* The answer begins with that status line and contains that text. */
static void expect_answer(int port, const char *request, const char *status, const char *text)
{
	char *answer = raw_exchange(port, request);

	if (!str_starts_with(answer, status) || !strstr(answer, text))
		fail_msg("to: %.200s\nwanted: %s … %s\ngot: %.500s", request, status, text, answer);
	free(answer);
}

#define CLOSE "Host: h\r\nConnection: close\r\n"

/* ---- requests ---- */

static void test_http_server_hands_on_requests_as_they_came(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *request, *answer, *reason;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n" CLOSE "\r\n", "GET / (none) (none) []", "the simplest" },
		{ "GET /a%2Fb%20c?x=%31&y HTTP/1.1\r\n" CLOSE "X-Test: v\r\n\r\n", "GET /a%2Fb%20c x=%31&y v []",
		  "path and query stay escaped" },
		{ "GET /a? HTTP/1.1\r\n" CLOSE "\r\n", "GET /a  (none) []", "an empty query" },
		{ "GET http://h:1/abs?q HTTP/1.1\r\n" CLOSE "\r\n", "GET /abs q (none) []", "the absolute form" },
		{ "POST /p HTTP/1.1\r\n" CLOSE "Content-Length: 4\r\n\r\nbody", "POST /p (none) (none) [body]", "a body" },
		{ "POST /p HTTP/1.1\r\n" CLOSE "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n",
		  "POST /p (none) (none) [abcde]", "a chunked body" },
		{ "POST /p HTTP/1.1\r\n" CLOSE "Content-Length: 0\r\n\r\n", "POST /p (none) (none) []", "an empty body" },
		{ "PATCH /p HTTP/1.1\r\n" CLOSE "Content-Length: 1\r\n\r\nx", "PATCH /p (none) (none) [x]", "any method" },
		{ "GET /defer?q HTTP/1.1\r\n" CLOSE "X-Test: late\r\n\r\n", "GET /defer q late []",
		  "answered by another thread" },
		{ "POST /defer HTTP/1.1\r\n" CLOSE "Content-Length: 4\r\n\r\nbody", "POST /defer (none) (none) [body]",
		  "a body, by another thread" },
		{ "GET /old HTTP/1.0\r\n\r\n", "GET /old (none) (none) []", "HTTP/1.0 needs no Host" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].reason);
		expect_answer(f->port, cases[i].request, "HTTP/1.1 200", cases[i].answer);
	}
}

static void test_http_server_response_headers_cannot_be_injected(void **state)
{
	struct fixture *f = *state;
	char *answer = raw_exchange(f->port, "GET / HTTP/1.1\r\n" CLOSE "\r\n");

	assert_non_null(strstr(answer, "X-Remote: 127.0.0.1:"));
	assert_non_null(strstr(answer, "Content-Length: 22\r\n"));
	assert_null(strstr(answer, "X-Injected"));
	assert_null(strstr(answer, "Content-Length: 1\r\n"));
	free(answer);
}

static void test_http_server_keeps_connections(void **state)
{
	struct fixture *f = *state;
	struct buf in = BUF_INIT(1 << 20);
	int fd = raw_connect(f->port);

	for (int i = 0; i < 20; i++) {
		char *path = xasprintf("%s%d", i % 2 ? "/defer" : "/n", i);
		char *request = xasprintf("POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n%02d", path, i);
		char *wanted = xasprintf("POST %s (none) (none) [%02d]", path, i);

		raw_puts(fd, request);
		assert_true(raw_expect(fd, &in, wanted));
		free(path);
		free(request);
		free(wanted);
	}
	/* several at once are answered in order */
	raw_puts(fd, "GET /defer/1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\n\r\nGET /defer/3 "
	             "HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_true(raw_expect(fd, &in, "GET /defer/3 (none) (none) []"));

	char *first = strstr(buf_str(&in), "GET /defer/1 ");
	char *second = strstr(buf_str(&in), "GET /2 ");

	assert_true(first && second && first < second);
	close(fd);
	buf_clear(&in);
}

static void test_http_server_shares_large_bodies(void **state)
{
	struct fixture *f = *state;
	char *answer = raw_exchange(f->port, "GET /shared HTTP/1.1\r\n" CLOSE "\r\n");
	const char *body = strstr(answer, "\r\n\r\n");

	assert_non_null(body);
	assert_int_equal(strlen(body + 4), f->shared->len);
	free(answer);
	answer = raw_exchange(f->port, "HEAD /shared HTTP/1.1\r\n" CLOSE "\r\n");
	assert_non_null(strstr(answer, "Content-Length: 300000"));
	assert_true(str_ends_with(answer, "\r\n\r\n"));
	free(answer);
	WAIT_UNTIL(atomic_load(&f->shared->refs) == 1);
}

static void test_http_server_sends_bodies_of_many_parts(void **state)
{
	struct fixture *f = *state;
	char *answer = raw_exchange(f->port, "GET /parts HTTP/1.1\r\n" CLOSE "\r\n");
	const char *body = strstr(answer, "\r\n\r\n");

	assert_non_null(strstr(answer, "Content-Length: 301102\r\n"));
	assert_non_null(body);
	body += 4;
	assert_int_equal(strlen(body), 301102);
	assert_int_equal(body[0], '[');
	assert_int_equal(strspn(body + 1, "s"), f->shared->len);
	for (size_t i = 0; i < SHORT_PARTS; i++)
		assert_memory_equal(body + 1 + f->shared->len + i * 11, ",ssssssssss", 11);
	assert_string_equal(body + 301101, "]");
	free(answer);
	answer = raw_exchange(f->port, "HEAD /parts HTTP/1.1\r\n" CLOSE "\r\n");
	assert_non_null(strstr(answer, "Content-Length: 301102\r\n"));
	assert_true(str_ends_with(answer, "\r\n\r\n"));
	free(answer);
	WAIT_UNTIL(atomic_load(&f->shared->refs) == 1);
}

static void test_http_server_answers_when_the_handler_forgets(void **state)
{
	struct fixture *f = *state;

	expect_answer(f->port, "GET /forgotten HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 500", "not handled");
	WAIT_UNTIL(atomic_load(&f->destroyed) == 1);
	expect_answer(f->port, "GET /empty HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 204", "\r\n\r\n");
}

static void test_http_server_destroys_the_state_of_deferred_requests(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 10; i++)
		expect_answer(f->port, "GET /defer HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 200", "GET /defer");
	WAIT_UNTIL(atomic_load(&f->destroyed) == 10);
}

struct hammer {
	int port;
	int id;
	atomic_int *good;
};

static void *hammer_main(void *arg)
{
	struct hammer *h = arg;
	struct buf in = BUF_INIT(4 << 20);
	int fd = raw_connect(h->port);

	for (int i = 0; i < 100; i++) {
		char *request = xasprintf("GET /defer?%d.%d. HTTP/1.1\r\nHost: h\r\n\r\n", h->id, i);
		char *wanted = xasprintf("GET /defer %d.%d. ", h->id, i);

		raw_puts(fd, request);
		buf_reset(&in);
		if (raw_expect(fd, &in, wanted))
			atomic_fetch_add(h->good, 1);
		free(request);
		free(wanted);
	}
	close(fd);
	buf_clear(&in);
	return NULL;
}

static void test_http_server_answers_many_from_another_thread(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[8];
	struct hammer hammers[8];
	atomic_int good = 0;

	for (int i = 0; i < 8; i++) {
		hammers[i] = (struct hammer){ .port = f->port, .id = i, .good = &good };
		assert_int_equal(thread_start(&threads[i], "hammer", hammer_main, &hammers[i], NULL), 0);
	}
	for (int i = 0; i < 8; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&good), 800);
}

/* ---- limits ---- */

static char *request_with_body(const char *headers, size_t len)
{
	size_t head = strlen(headers);
	char *text = xmalloc(head + len + 1);

	memcpy(text, headers, head);
	memset(text + head, 'b', len);
	text[head + len] = '\0';
	return text;
}

static void test_http_server_refuses_bodies_over_the_limit(void **state)
{
	struct fixture *f = *state;
	struct buf in = BUF_INIT(1 << 20);
	char *fits = request_with_body("POST /fits HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n", 100000);
	char *over = request_with_body("POST /over HTTP/1.1\r\nHost: h\r\nContent-Length: 100001\r\n\r\n", 100001);
	char *chunked = request_with_body("POST /over HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n30000\r\n",
	                                  0x30000);
	int fd = raw_connect(f->port);

	raw_puts(fd, fits);
	assert_true(raw_expect(fd, &in, "POST /fits"));
	/* the connection goes on behind an oversized body */
	raw_puts(fd, over);
	assert_true(raw_expect(fd, &in, "limit is 100000"));
	assert_non_null(strstr(buf_str(&in), "HTTP/1.1 413"));
	buf_reset(&in);
	raw_puts(fd, chunked);
	raw_puts(fd, "\r\n0\r\n\r\n");
	assert_true(raw_expect(fd, &in, "limit is 100000"));
	raw_puts(fd, "GET /still HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_true(raw_expect(fd, &in, "GET /still"));
	close(fd);

	/* nothing is read when it can be told before, or when it is absurd */
	expect_answer(f->port, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 200000\r\nExpect: 100-continue\r\n\r\n",
	              "HTTP/1.1 413", "limit is 100000");
	expect_answer(f->port, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n", "HTTP/1.1 413",
	              "limit is 100000");
	free(fits);
	free(over);
	free(chunked);
	buf_clear(&in);
}

static void test_http_server_bounds_all_bodies_together(void **state)
{
	struct fixture *f = fixture_new((struct http_server_config){ .body_max = 10000 });
	struct buf in = BUF_INIT(1 << 20);
	char *most = request_with_body("POST /empty HTTP/1.1\r\nHost: h\r\nContent-Length: 10000\r\n\r\n", 9999);
	int fds[65];

	(void)state;
	/* so many bodies that are never complete for long: each connection ends its own and begins the next */
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = raw_connect(f->port);
		raw_puts(fds[i], most);
	}
	for (size_t i = 0; i < 20 * ARRAY_SIZE(fds) && !strstr(buf_str(&in), "HTTP/1.1 503"); i++) {
		int fd = fds[i % ARRAY_SIZE(fds)];

		raw_puts(fd, "b");
		buf_reset(&in);
		assert_true(raw_expect(fd, &in, "\r\n\r\n"));
		raw_puts(fd, most);
	}
	assert_non_null(strstr(buf_str(&in), "Retry-After: 1"));
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	/* what they held is given back */
	WAIT_UNTIL(({
		char *answer = raw_exchange(f->port, "POST /x HTTP/1.1\r\n" CLOSE "Content-Length: 1\r\n\r\nx");
		bool ok = str_starts_with(answer, "HTTP/1.1 200");

		free(answer);
		ok;
	}));
	free(most);
	buf_clear(&in);
	fixture_free(f);
}

static void test_http_server_continues_when_expected(void **state)
{
	struct fixture *f = *state;
	struct buf in = BUF_INIT(1 << 20);
	int fd = raw_connect(f->port);

	raw_puts(fd, "POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
	assert_true(raw_expect(fd, &in, "100 Continue"));
	raw_puts(fd, "abc");
	assert_true(raw_expect(fd, &in, "[abc]"));
	close(fd);
	buf_clear(&in);
}

static void test_http_server_refuses_malformed_requests(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *request, *status, *reason;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400", "no Host" },
		{ "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", "HTTP/1.1 400", "a length that is no number" },
		{ "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 400",
		  "two lengths" },
		{ "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		  "HTTP/1.1 400", "a length and chunks: what smuggling is made of" },
		{ "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 501",
		  "a coding that is not understood" },
		{ "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		  "HTTP/1.1 400", "chunks in chunks" },
		{ "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na", "HTTP/1.1 400", "a length with a sign" },
		{ "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1 \r\na\r\n0\r\n\r\n", "HTTP/1.1 400",
		  "a space behind a chunk's size" },
		{ "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 400", "chunks in HTTP/1.0" },
		{ "GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 400", "a folded line" },
		{ "GET / HTTP/1.1\r\nHost: h\r\nContent-Length : 1\r\n\r\n", "HTTP/1.1 400", "a space before the colon" },
		{ "GET / HTTP/1.1\nHost: h\n\n", "HTTP/1.1 400", "lines that end in LF only" },
		{ "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "HTTP/1.1 400", "two Hosts" },
		{ "GET / HTTP/2.0\r\nHost: h\r\n\r\n", "HTTP/1.1 505", "a version of later" },
		{ "GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 400", "a control character in the target" },
		{ "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n", "HTTP/1.1 400",
		  "a malformed chunk" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].reason);
		expect_answer(f->port, cases[i].request, cases[i].status, "");
	}

	/* whatever the answer to these is, the server survives and says nothing else */
	char *answer = raw_exchange(f->port, "\x16\x03\x01\x02\x01garbage\r\n\r\n");

	assert_null(strstr(answer, "200"));
	free(answer);
	expect_answer(f->port, "GET /alive HTTP/1.1\r\n" CLOSE "\r\n", "HTTP/1.1 200", "/alive");
}

static void test_http_server_bounds_headers(void **state)
{
	struct fixture *f = fixture_new((struct http_server_config){ .header_max = 4096 });
	char *small = request_with_body("GET /small HTTP/1.1\r\n" CLOSE "X-Test: ", 3000);
	char *large = request_with_body("GET /large HTTP/1.1\r\n" CLOSE "X-Test: ", 100000);
	char *uri = request_with_body("GET /", 100000);
	char *request = xasprintf("%s\r\n\r\n", small);

	(void)state;
	expect_answer(f->port, request, "HTTP/1.1 200", "/small");
	free(request);
	request = xasprintf("%s\r\n\r\n", large);
	expect_answer(f->port, request, "HTTP/1.1 431", "");
	free(request);
	request = xasprintf("%s HTTP/1.1\r\n" CLOSE "\r\n", uri);
	expect_answer(f->port, request, "HTTP/1.1 414", "");
	free(request);
	free(small);
	free(large);
	free(uri);
	fixture_free(f);
}

static void test_http_server_bounds_connections(void **state)
{
	struct fixture *f = fixture_new((struct http_server_config){ .connections_max = 2, .threads = 1 });
	struct buf in = BUF_INIT(1 << 20);
	int a = raw_connect(f->port), b = raw_connect(f->port), c;

	(void)state;
	raw_puts(a, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_true(raw_expect(a, &in, "/a"));
	raw_puts(b, "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_true(raw_expect(b, &in, "/b"));
	c = raw_connect(f->port);
	raw_puts(c, "GET /c HTTP/1.1\r\nHost: h\r\n\r\n");
	assert_false(raw_more(c, &in, 100));
	close(a); /* makes room */
	assert_true(raw_expect(c, &in, "/c"));
	close(b);
	close(c);
	buf_clear(&in);
	fixture_free(f);
}

/* ---- starting and stopping ---- */

static void test_http_server_start_says_what_is_wrong(void **state)
{
	struct fixture *f = *state;
	struct http_server *s = NULL;
	struct test_pki pki;
	struct tls_server_config tls;
	struct err e = { 0 };

	assert_int_equal(http_server_start(&(struct http_server_config){ .port = f->port, .handler = handler }, &s, &e),
	                 -1);
	assert_int_equal(e.kind, ERR_ALREADY_EXISTS);
	err_clear(&e);
	assert_int_equal(
		http_server_start(&(struct http_server_config){ .address = "nowhere", .handler = handler }, &s, &e), -1);
	assert_non_null(strstr(e.message, "nowhere"));
	err_clear(&e);
	test_pki_new(&pki);
	tls = (struct tls_server_config){ .cert_pem = pki.server.cert_pem, .key_pem = pki.client.key_pem };
	assert_int_equal(http_server_start(&(struct http_server_config){ .tls = &tls, .handler = handler }, &s, &e), -1);
	assert_non_null(strstr(e.message, "certificate and private key"));
	err_clear(&e);
	tls = (struct tls_server_config){ .cert_pem = pki.server.cert_pem,
		                              .key_pem = pki.server.key_pem,
		                              .client_ca_pem = "none" };
	assert_int_equal(http_server_start(&(struct http_server_config){ .tls = &tls, .handler = handler }, &s, &e), -1);
	assert_non_null(strstr(e.message, "client certificates"));
	err_clear(&e);
	test_pki_clear(&pki);
	assert_null(s);
}

static void test_http_server_stop_waits_for_requests_under_way(void **state)
{
	struct fixture *f = fixture_new((struct http_server_config){ 0 });
	struct buf in = BUF_INIT(1 << 20);
	int fd = raw_connect(f->port);

	(void)state;
	set_hold(f, true);
	raw_puts(fd, "GET /defer HTTP/1.1\r\nHost: h\r\n\r\n");
	WAIT_UNTIL(has_jobs(f));
	set_hold(f, false);
	f->server = http_server_stop(f->server, 5 * NS_PER_S);
	assert_null(f->server);
	raw_read_to_end(fd, &in);
	assert_non_null(strstr(buf_str(&in), "GET /defer (none)"));
	assert_int_equal(atomic_load(&f->destroyed), 1);
	close(fd);
	buf_clear(&in);
	fixture_free(f);
}

static void test_http_server_stop_gives_up_what_is_never_answered(void **state)
{
	struct fixture *f = fixture_new((struct http_server_config){ 0 });
	struct buf in = BUF_INIT(1 << 20);
	int fd = raw_connect(f->port);
	int64_t begin;

	(void)state;
	set_hold(f, true);
	raw_puts(fd, "GET /defer?still=readable HTTP/1.1\r\nHost: h\r\nX-Test: too\r\n\r\n");
	WAIT_UNTIL(has_jobs(f));
	begin = clock_mono_ns();
	f->server = http_server_stop(f->server, 50 * NS_PER_MS);
	assert_in_range(clock_mono_ns() - begin, 50 * NS_PER_MS, 3 * NS_PER_S);
	raw_read_to_end(fd, &in);
	assert_int_equal(in.len, 0);
	assert_int_equal(atomic_load(&f->destroyed), 0);

	/* the late answerer still has its request */
	struct http_request *req = f->jobs->req;

	assert_string_equal(http_request_query(req), "still=readable");
	assert_string_equal(http_request_header(req, "X-TEST"), "too");
	assert_string_equal(http_request_method(req), "GET");
	assert_true(str_starts_with(http_request_remote(req), "127.0.0.1:"));
	set_hold(f, false);
	WAIT_UNTIL(atomic_load(&f->destroyed) == 1);
	close(fd);
	buf_clear(&in);
	fixture_free(f);
}

/* ---- TLS ---- */

static void expect_peer(int port, const struct test_pki *pki, const struct tls_pair *cert, const char *wanted)
{
	struct test_tls_client c;
	char *answer;

	test_tls_connect(&c, port, pki, cert, NULL);
	answer = test_tls_ask(&c, "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n", "orgs=");
	if (!strstr(answer, wanted))
		fail_msg("wanted %s, got %s", wanted, answer);
	free(answer);
	test_tls_disconnect(&c);
}

static void test_http_server_knows_clients_by_certificate(void **state)
{
	struct test_pki pki, stranger;
	struct tls_server_config tls;
	struct fixture *f;

	(void)state;
	test_pki_new(&pki);
	test_pki_new(&stranger);
	tls = (struct tls_server_config){ .cert_pem = pki.server.cert_pem,
		                              .key_pem = pki.server.key_pem,
		                              .client_ca_pem = pki.ca.cert_pem };
	f = fixture_new((struct http_server_config){ .tls = &tls });
	expect_peer(f->port, &pki, &pki.client, "peer=tester orgs=testers,readers");
	expect_peer(f->port, &pki, NULL, "peer=nobody orgs=");
	expect_peer(f->port, &pki, &stranger.client, "peer=nobody"); /* same names, other authority */
	expect_peer(f->port, &pki, &pki.server, "peer=nobody");      /* not made for clients */
	fixture_free(f);
	test_pki_clear(&pki);
	test_pki_clear(&stranger);
}

static void test_http_server_resumes_tls_sessions_with_their_identity(void **state)
{
	struct test_pki pki;
	struct tls_server_config tls;
	struct test_tls_client first, second;
	gnutls_datum_t ticket;
	struct fixture *f;
	char *answer;

	(void)state;
	test_pki_new(&pki);
	tls = (struct tls_server_config){ .cert_pem = pki.server.cert_pem,
		                              .key_pem = pki.server.key_pem,
		                              .client_ca_pem = pki.ca.cert_pem };
	f = fixture_new((struct http_server_config){ .tls = &tls });
	test_tls_connect(&first, f->port, &pki, &pki.client, NULL);
	assert_int_equal(gnutls_protocol_get_version(first.session), GNUTLS_TLS1_3);
	answer = test_tls_ask(&first, "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n", "orgs=");
	free(answer);
	assert_int_equal(gnutls_session_get_data2(first.session, &ticket), 0);
	test_tls_disconnect(&first);

	test_tls_connect(&second, f->port, &pki, &pki.client, &ticket);
	assert_true(gnutls_session_is_resumed(second.session));
	answer = test_tls_ask(&second, "GET /peer HTTP/1.1\r\nHost: h\r\n\r\n", "orgs=");
	assert_non_null(strstr(answer, "peer=tester orgs=testers,readers"));
	free(answer);
	test_tls_disconnect(&second);
	gnutls_free(ticket.data);
	fixture_free(f);
	test_pki_clear(&pki);
}

static void test_http_server_speaks_no_old_tls(void **state)
{
	struct test_pki pki;
	struct tls_server_config tls;
	struct fixture *f;
	gnutls_session_t session;
	gnutls_certificate_credentials_t credentials;
	int fd, r;

	(void)state;
	test_pki_new(&pki);
	tls = (struct tls_server_config){ .cert_pem = pki.server.cert_pem, .key_pem = pki.server.key_pem };
	f = fixture_new((struct http_server_config){ .tls = &tls });
	fd = raw_connect(f->port);
	gnutls_certificate_allocate_credentials(&credentials);
	gnutls_init(&session, GNUTLS_CLIENT);
	gnutls_priority_set_direct(session, "NORMAL:-VERS-ALL:+VERS-TLS1.1:+VERS-TLS1.0", NULL);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials);
	gnutls_transport_set_int(session, fd);
	while ((r = gnutls_handshake(session)) < 0 && !gnutls_error_is_fatal(r))
		;
	assert_true(r < 0);
	gnutls_deinit(session);
	gnutls_certificate_free_credentials(credentials);
	close(fd);
	fixture_free(f);
	test_pki_clear(&pki);
}

#define test_with_server(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_with_server(test_http_server_hands_on_requests_as_they_came),
		test_with_server(test_http_server_response_headers_cannot_be_injected),
		test_with_server(test_http_server_keeps_connections),
		test_with_server(test_http_server_shares_large_bodies),
		test_with_server(test_http_server_sends_bodies_of_many_parts),
		test_with_server(test_http_server_answers_when_the_handler_forgets),
		test_with_server(test_http_server_destroys_the_state_of_deferred_requests),
		test_with_server(test_http_server_answers_many_from_another_thread),
		test_with_server(test_http_server_refuses_bodies_over_the_limit),
		cmocka_unit_test(test_http_server_bounds_all_bodies_together),
		test_with_server(test_http_server_continues_when_expected),
		test_with_server(test_http_server_refuses_malformed_requests),
		cmocka_unit_test(test_http_server_bounds_headers),
		cmocka_unit_test(test_http_server_bounds_connections),
		test_with_server(test_http_server_start_says_what_is_wrong),
		cmocka_unit_test(test_http_server_stop_waits_for_requests_under_way),
		cmocka_unit_test(test_http_server_stop_gives_up_what_is_never_answered),
		cmocka_unit_test(test_http_server_knows_clients_by_certificate),
		cmocka_unit_test(test_http_server_resumes_tls_sessions_with_their_identity),
		cmocka_unit_test(test_http_server_speaks_no_old_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
