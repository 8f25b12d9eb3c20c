#include "net/http_client.h"

#include "base/thread.h"
#include "http_testing.h"
#include "net/http_server.h"

#include <sys/stat.h>
#include <sys/un.h>

/* ---- a server that follows a script: one entry a connection ---- */

/* A label too long for DNS: not found at once, without asking the network. */
#define NO_HOST "no-such-host-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.invalid"
#define CLOSE_AT_ONCE "close"
#define HANG "hang"
#define MAX_REQUESTS 16

struct script {
	const char *const *answers; /* NULL-terminated; the last one repeats */
	int fd, port;
	pthread_t thread;
	atomic_bool ends;
	atomic_int accepted;
	char *requests[MAX_REQUESTS]; /* of each connection */
};

static void follow(struct script *s, int fd, const char *answer, int number)
{
	struct buf in = BUF_INIT(1 << 20);

	if (!str_eq(answer, CLOSE_AT_ONCE) && raw_expect(fd, &in, "\r\n\r\n") && number < MAX_REQUESTS)
		s->requests[number] = xstrdup(buf_str(&in));
	buf_clear(&in);
	if (str_eq(answer, HANG))
		while (!atomic_load(&s->ends))
			clock_sleep_ns(NS_PER_MS);
	else if (!str_eq(answer, CLOSE_AT_ONCE))
		raw_puts(fd, answer);
	shutdown(fd, SHUT_WR);
	close(fd);
}

static void *script_main(void *arg)
{
	struct script *s = arg;
	const char *const *answer = s->answers;

	while (!atomic_load(&s->ends)) {
		struct pollfd p = { .fd = s->fd, .events = POLLIN };

		if (poll(&p, 1, 5) == 1) {
			int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);

			follow(s, fd, *answer, atomic_fetch_add(&s->accepted, 1));
			if (answer[1])
				answer++;
		}
	}
	return NULL;
}

static void script_listen(struct script *s, const char *const *answers, const struct sockaddr *address, socklen_t len)
{
	struct sockaddr_in bound = { 0 };
	socklen_t bound_len = sizeof(bound);

	*s = (struct script){ .answers = answers };
	s->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, address, len), 0);
	assert_int_equal(listen(s->fd, 16), 0);
	if (address->sa_family == AF_INET && getsockname(s->fd, (struct sockaddr *)&bound, &bound_len) == 0)
		s->port = ntohs(bound.sin_port);
	assert_int_equal(thread_start(&s->thread, "script", script_main, s, NULL), 0);
}

static void script_start(struct script *s, const char *const *answers)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	script_listen(s, answers, (struct sockaddr *)&in, sizeof(in));
}

static void script_stop(struct script *s)
{
	atomic_store(&s->ends, true);
	pthread_join(s->thread, NULL);
	close(s->fd);
	for (int i = 0; i < MAX_REQUESTS; i++)
		free(s->requests[i]);
}

#define ANSWERS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* ---- calling ---- */

static struct http_client *client_new(struct http_client_config config)
{
	struct err e = { 0 };
	struct http_client *c = http_client_new(&config, &e);

	if (!c)
		fail_msg("%s", e.message);
	return c;
}

static char *url_of(const char *scheme, int port, const char *path)
{
	return xasprintf("%s://127.0.0.1:%d%s", scheme, port, path);
}

/* The body (free()) of a call that must succeed with that status. */
static char *expect_status(struct http_client *c, struct http_call call, int status)
{
	struct http_response r = { 0 };
	struct err e = { 0 };

	if (http_client_call(c, &call, &r, &e) < 0)
		fail_msg("%s", e.message);
	assert_int_equal(r.status, status);

	char *body = xstrdup(buf_str(&r.body));

	http_response_clear(&r);
	return body;
}

static void expect_error(struct http_client *c, struct http_call call, enum err_kind kind, const char *text)
{
	struct http_response r = { .status = 77 };
	struct err e = { 0 };

	assert_int_equal(http_client_call(c, &call, &r, &e), -1);
	if (e.kind != kind || !strstr(e.message, text))
		fail_msg("wanted %s … %s, got %s: %s", err_kind_reason(kind), text, err_kind_reason(e.kind), e.message);
	assert_int_equal(r.status, 77);
	err_clear(&e);
}

/* ---- against a good server ---- */

struct fixture {
	struct test_pki pki;
	struct http_server *server;
	struct http_client *client;
	int port;
};

static void respond_request(struct http_request *req)
{
	struct buf b = BUF_INIT(1 << 20);
	struct http_headers headers = { 0 };
	const char *type = http_request_header(req, "Content-Type");
	const char *test = http_request_header(req, "X-Test");

	buf_printf(&b, "%s %s?%s type=%s test=%s expect=%s host=%s [%s]", http_request_method(req), http_request_path(req),
	           http_request_query(req) ? http_request_query(req) : "", type ? type : "-", test ? test : "-",
	           http_request_header(req, "Expect") ? "yes" : "no", http_request_header(req, "Host"),
	           http_request_body(req, NULL));
	http_headers_add(&headers, "X-Answer", "  spaced ");
	http_headers_add(&headers, "X-Answer", "second");
	http_respond(req, 200, &headers, b.data, b.len);
	http_headers_clear(&headers);
	buf_clear(&b);
}

/* "hello hello hello hello hello hello" */
static const unsigned char gzipped[] = {
	0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9,
	0x57, 0xc8, 0xc0, 0x47, 0x02, 0x00, 0x57, 0x37, 0x62, 0x85, 0x23, 0x00, 0x00, 0x00,
};

static void handler(void *self, struct http_request *req)
{
	const char *path = http_request_path(req);
	struct http_headers headers = { 0 };

	(void)self;
	if (str_eq(path, "/gzip")) {
		http_headers_add(&headers, "Content-Encoding", "gzip");
		http_respond(req, 200, &headers, gzipped, sizeof(gzipped));
		http_headers_clear(&headers);
	} else if (str_eq(path, "/remote")) {
		http_respond_text(req, 200, "text/plain", http_request_remote(req));
	} else if (str_eq(path, "/who")) {
		http_respond_text(req, 200, "text/plain", http_request_peer_name(req) ? http_request_peer_name(req) : "nobody");
	} else if (str_eq(path, "/teapot")) {
		http_respond_text(req, 418, "text/plain", "short and stout");
	} else if (str_eq(path, "/stream")) {
		struct http_stream *s = http_respond_stream(req, 200, NULL, NULL, NULL);

		for (int i = 0; i < 5; i++)
			http_stream_write(s, "line\n", 5);
		http_stream_end(s);
	} else {
		respond_request(req);
	}
}

static int setup(void **state)
{
	struct fixture *f = new0(struct fixture);
	struct tls_server_config tls;
	struct err e = { 0 };

	test_pki_new(&f->pki);
	tls = (struct tls_server_config){ .cert_pem = f->pki.server.cert_pem,
		                              .key_pem = f->pki.server.key_pem,
		                              .client_ca_pem = f->pki.ca.cert_pem };
	if (http_server_start(&(struct http_server_config){ .tls = &tls, .handler = handler }, &f->server, &e) < 0)
		fail_msg("%s", e.message);
	f->port = http_server_port(f->server);
	f->client = client_new((struct http_client_config){ .ca_pem = f->pki.ca.cert_pem });
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	http_client_unref(f->client);
	http_server_stop(f->server, NS_PER_S);
	test_pki_clear(&f->pki);
	free(f);
	return 0;
}

static void test_http_client_sends_what_it_is_told(void **state)
{
	struct fixture *f = *state;
	struct http_headers typed = { 0 };
	const struct {
		const char *method, *path, *body;
		const struct http_headers *headers;
		const char *answer, *reason;
	} cases[] = {
		{ NULL, "/a?b=c", NULL, NULL, "GET /a?b=c type=- test=- expect=no", "GET by default" },
		{ "GET", "/a/../b", NULL, NULL, "GET /a/../b?", "the path is left alone" },
		{ "POST", "/p", "body", &typed, "POST /p? type=application/json test= expect=no",
		  "headers, also an empty one" },
		{ "POST", "/p", "body", NULL, "POST /p? type=- ", "no content type is made up" },
		{ "POST", "/p", NULL, NULL, "POST /p? ", "POST without body" },
		{ "PUT", "/p", "x", NULL, "PUT /p? ", "PUT" },
		{ "PATCH", "/p", "x", NULL, "PATCH /p? ", "PATCH" },
		{ "DELETE", "/p", NULL, NULL, "DELETE /p? ", "DELETE without body" },
		{ "DELETE", "/p", "options", NULL, "DELETE /p? ", "DELETE with body" },
	};

	http_headers_add(&typed, "Content-Type", "application/json");
	http_headers_add(&typed, "X-Test", "");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *sent = cases[i].body ? cases[i].body : "";
		char *url = url_of("https", f->port, cases[i].path);
		char *body = expect_status(f->client,
		                           (struct http_call){ .method = cases[i].method,
		                                               .url = url,
		                                               .headers = cases[i].headers,
		                                               .body = sent,
		                                               .body_len = strlen(sent) },
		                           200);
		char *end = xasprintf("[%s]", sent);

		print_message("%s\n", cases[i].reason);
		assert_true(str_starts_with(body, cases[i].answer));
		assert_true(str_ends_with(body, end));
		free(end);
		free(body);
		free(url);
	}
	http_headers_clear(&typed);
}

static void test_http_client_receives_headers_status_and_body(void **state)
{
	struct fixture *f = *state;
	struct http_response r = { 0 };
	char *url = url_of("https", f->port, "/x");
	char *teapot = url_of("https", f->port, "/teapot");
	char *gzip = url_of("https", f->port, "/gzip");
	char *body;

	assert_int_equal(http_client_call(f->client, &(struct http_call){ .url = url }, &r, NULL), 0);
	assert_string_equal(http_headers_get(&r.headers, "x-answer"), "spaced");
	assert_string_equal(r.headers.list[r.headers.len - 1].name, "Date");
	http_response_clear(&r);
	assert_int_equal(http_client_call(f->client, &(struct http_call){ .method = "HEAD", .url = url }, &r, NULL), 0);
	assert_int_equal(r.status, 200);
	assert_int_equal(r.body.len, 0);
	http_response_clear(&r);
	body = expect_status(f->client, (struct http_call){ .url = teapot }, 418);
	assert_string_equal(body, "short and stout");
	free(body);
	body = expect_status(f->client, (struct http_call){ .url = gzip }, 200);
	assert_string_equal(body, "hello hello hello hello hello hello");
	free(body);
	free(url);
	free(teapot);
	free(gzip);
}

static void test_http_client_keeps_its_connection(void **state)
{
	struct fixture *f = *state;
	char *url = url_of("https", f->port, "/remote");
	char *first = expect_status(f->client, (struct http_call){ .url = url }, 200);

	for (int i = 0; i < 10; i++) {
		char *again = expect_status(f->client, (struct http_call){ .url = url }, 200);

		assert_string_equal(first, again);
		free(again);
	}
	free(first);
	free(url);
}

struct crowd {
	struct http_client *client;
	const char *url;
	atomic_int good;
};

static void *crowd_main(void *arg)
{
	struct crowd *crowd = arg;

	for (int i = 0; i < 25; i++) {
		struct http_response r = { 0 };

		if (http_client_call(crowd->client, &(struct http_call){ .url = crowd->url }, &r, NULL) == 0 && r.status == 200)
			atomic_fetch_add(&crowd->good, 1);
		http_response_clear(&r);
	}
	return NULL;
}

static void test_http_client_serves_many_threads(void **state)
{
	struct fixture *f = *state;
	pthread_t threads[6];
	char *url = url_of("https", f->port, "/x");
	struct crowd crowd = { .client = client_new(
							   (struct http_client_config){ .ca_pem = f->pki.ca.cert_pem, .idle_connections_max = 2 }),
		                   .url = url };

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(thread_start(&threads[i], "crowd", crowd_main, &crowd, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&crowd.good), 150);
	http_client_unref(crowd.client);
	free(url);
}

/* ---- who is there ---- */

static void test_http_client_shows_its_certificate(void **state)
{
	struct fixture *f = *state;
	char *url = url_of("https", f->port, "/who");
	struct http_client *c = client_new((struct http_client_config){
		.ca_pem = f->pki.ca.cert_pem, .cert_pem = f->pki.client.cert_pem, .key_pem = f->pki.client.key_pem });
	char *body = expect_status(c, (struct http_call){ .url = url }, 200);

	assert_string_equal(body, "tester");
	free(body);
	http_client_unref(c);
	body = expect_status(f->client, (struct http_call){ .url = url }, 200);
	assert_string_equal(body, "nobody");
	free(body);
	free(url);
}

static void test_http_client_checks_the_server(void **state)
{
	struct fixture *f = *state;
	struct test_pki stranger;
	char *url = url_of("https", f->port, "/x?token=hunter2");
	struct http_client *c;
	char *body;

	test_pki_new(&stranger);
	c = client_new((struct http_client_config){ .ca_pem = stranger.ca.cert_pem });
	expect_error(c, (struct http_call){ .url = url }, ERR_UNAVAILABLE, "not trusted");
	http_client_unref(c);

	c = client_new((struct http_client_config){ 0 }); /* the system's authorities */
	expect_error(c, (struct http_call){ .url = url }, ERR_UNAVAILABLE, "not trusted");
	http_client_unref(c);

	c = client_new((struct http_client_config){ .ca_pem = f->pki.ca.cert_pem, .tls_server_name = "elsewhere.example" });
	expect_error(c, (struct http_call){ .url = url }, ERR_UNAVAILABLE, "not trusted");
	http_client_unref(c);

	c = client_new((struct http_client_config){ .ca_pem = f->pki.ca.cert_pem, .tls_server_name = "localhost" });
	body = expect_status(c, (struct http_call){ .url = url }, 200);
	assert_non_null(strstr(body, "host=127.0.0.1:"));
	free(body);
	http_client_unref(c);

	c = client_new((struct http_client_config){ .insecure_skip_verify = true });
	body = expect_status(c, (struct http_call){ .url = url }, 200);
	free(body);
	http_client_unref(c);
	test_pki_clear(&stranger);
	free(url);
}

static void test_http_client_new_refuses_broken_pems(void **state)
{
	struct fixture *f = *state;
	const struct {
		struct http_client_config config;
		const char *text;
	} cases[] = {
		{ { .ca_pem = "garbage" }, "authority" },
		{ { .cert_pem = f->pki.client.cert_pem }, "private key" },
		{ { .key_pem = f->pki.client.key_pem }, "private key" },
		{ { .cert_pem = "garbage", .key_pem = f->pki.client.key_pem }, "client certificate" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = { 0 };

		assert_null(http_client_new(&cases[i].config, &e));
		assert_int_equal(e.kind, ERR_INVALID);
		assert_non_null(strstr(e.message, cases[i].text));
		err_clear(&e);
	}
}

/* ---- streaming ---- */

struct lines {
	struct buf seen;
	size_t stop_after;
};

static bool on_line(void *self, const char *data, size_t len)
{
	struct lines *l = self;

	buf_append(&l->seen, data, len);
	return l->seen.len < l->stop_after;
}

static void test_http_client_streams(void **state)
{
	struct fixture *f = *state;
	struct lines all = { .seen = BUF_INIT(1 << 20), .stop_after = SIZE_MAX };
	struct lines some = { .seen = BUF_INIT(1 << 20), .stop_after = 3 };
	char *url = url_of("https", f->port, "/stream");
	char *teapot = url_of("https", f->port, "/teapot");
	char *body = expect_status(f->client, (struct http_call){ .url = url, .on_data = on_line, .self = &all }, 200);

	assert_string_equal(buf_str(&all.seen), "line\nline\nline\nline\nline\n");
	assert_string_equal(body, "");
	free(body);
	/* the caller may have enough; that is no error */
	body = expect_status(f->client, (struct http_call){ .url = url, .on_data = on_line, .self = &some }, 200);
	assert_true(some.seen.len >= 3);
	free(body);
	/* what is not a success goes into the response */
	buf_reset(&all.seen);
	body = expect_status(f->client, (struct http_call){ .url = teapot, .on_data = on_line, .self = &all }, 418);
	assert_string_equal(body, "short and stout");
	assert_int_equal(all.seen.len, 0);
	free(body);
	buf_clear(&all.seen);
	buf_clear(&some.seen);
	free(url);
	free(teapot);
}

/* ---- against servers that are not good ---- */

static void test_http_client_says_what_went_wrong(void **state)
{
	struct http_client *c = client_new((struct http_client_config){ .connect_timeout_ns = NS_PER_S });
	const struct {
		const char *answer;
		struct http_call call;
		enum err_kind kind;
		const char *text;
	} cases[] = {
		{ CLOSE_AT_ONCE, { 0 }, ERR_UNAVAILABLE, "connection" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", { 0 }, ERR_UNAVAILABLE, "lost" },
		{ HANG, { .timeout_ns = 50 * NS_PER_MS }, ERR_TIMEOUT, "in time" },
		{ HANG, { .timeout_ns = -1, .idle_timeout_ns = 50 * NS_PER_MS }, ERR_TIMEOUT, "nothing was received" },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello world",
		  { .response_max = 10 },
		  ERR_TOO_LARGE,
		  "10 bytes" },
		{ "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
		  { 0 },
		  ERR_UNAVAILABLE,
		  "coding" },
		{ "SSH-2.0-OpenSSH\r\n\r\n", { 0 }, ERR_UNAVAILABLE, "GET http://127.0.0.1:" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct script s;
		struct http_call call = cases[i].call;
		char *url;

		script_start(&s, ANSWERS(cases[i].answer));
		url = url_of("http", s.port, "/x");
		call.url = url;
		expect_error(c, call, cases[i].kind, cases[i].text);
		script_stop(&s);
		/* and now that nobody listens there */
		expect_error(c, (struct http_call){ .url = url }, ERR_UNAVAILABLE, "Connection refused");
		free(url);
	}
	expect_error(c, (struct http_call){ .url = "http://" NO_HOST "/" }, ERR_UNAVAILABLE, "not found");
	expect_error(c, (struct http_call){ .url = "ftp://127.0.0.1/" }, ERR_BAD_REQUEST, "http");
	expect_error(c, (struct http_call){ .url = "nonsense" }, ERR_BAD_REQUEST, "scheme");
	expect_error(c, (struct http_call){ .url = "http://127.0.0.1:1/", .method = "GET /\r\nX: y" }, ERR_BAD_REQUEST,
	             "method");
	http_client_unref(c);
}

static void test_http_client_errors_hold_no_secrets(void **state)
{
	struct http_client *c = client_new((struct http_client_config){ 0 });
	struct http_headers headers = { 0 };
	struct http_response r = { 0 };
	struct err e = { 0 };
	struct http_call call = { .url = "http://someone@127.0.0.1:1/path?token=hunter2", .headers = &headers };

	(void)state;
	http_headers_add(&headers, "Authorization", "Bearer hunter2");
	assert_int_equal(http_client_call(c, &call, &r, &e), -1);
	assert_string_equal(e.message, "GET http://127.0.0.1:1/path: no connection: Connection refused");
	err_clear(&e);
	http_headers_set(&headers, "Authorization", "Bearer hunter2\r\nX-Injected: yes");
	assert_int_equal(http_client_call(c, &call, &r, &e), -1);
	assert_int_equal(e.kind, ERR_BAD_REQUEST);
	assert_null(strstr(e.message, "hunter2"));
	err_clear(&e);
	http_headers_clear(&headers);
	http_client_unref(c);
}

struct canceller {
	atomic_bool cancel;
	int64_t at_ns;
};

static void *cancel_main(void *arg)
{
	struct canceller *k = arg;

	clock_sleep_ns(50 * NS_PER_MS);
	k->at_ns = clock_mono_ns();
	atomic_store(&k->cancel, true);
	return NULL;
}

static void expect_cancelled(struct http_client *c, struct http_call call)
{
	struct canceller k = { 0 };
	pthread_t thread;

	call.cancel = &k.cancel;
	assert_int_equal(thread_start(&thread, "canceller", cancel_main, &k, NULL), 0);
	if (call.retry.attempts == 0) {
		expect_error(c, call, ERR_UNAVAILABLE, "cancelled");
	} else {
		/* while it waits to try again, the last outcome stands */
		char *body = expect_status(c, call, 503);

		free(body);
	}
	pthread_join(thread, NULL);
	assert_true(clock_mono_ns() - k.at_ns < 100 * NS_PER_MS + 150 * NS_PER_MS);
}

static void test_http_client_can_be_cancelled(void **state)
{
	struct http_client *c = client_new((struct http_client_config){ 0 });
	struct script s;
	char *url;

	(void)state;
	script_start(&s, ANSWERS(HANG));
	url = url_of("http", s.port, "/watch");
	expect_cancelled(c, (struct http_call){ .url = url, .timeout_ns = -1 });
	script_stop(&s);
	free(url);

	script_start(&s, ANSWERS("HTTP/1.1 503 Busy\r\nRetry-After: 20\r\nContent-Length: 0\r\n\r\n"));
	url = url_of("http", s.port, "/x");
	expect_cancelled(c, (struct http_call){ .url = url, .timeout_ns = -1, .retry.attempts = 3 });
	script_stop(&s);
	free(url);
	http_client_unref(c);
}

/* ---- retries ---- */

#define BUSY "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
#define BUSY_BRIEFLY "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
#define BUSY_LONG "HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n"
#define TOO_MANY "HTTP/1.1 429 Slow down\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
#define BAD_GATEWAY "HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n"

static void test_http_client_retries_by_policy(void **state)
{
	static const struct {
		const char *method;
		const char *answers[4];
		int attempts, status, connections; /* status -1: an error */
		const char *reason;
	} cases[] = {
		{ "GET", { BUSY, OK_ANSWER }, 0, 503, 1, "no retry unless asked for" },
		{ "GET", { BUSY, OK_ANSWER }, 3, 200, 2, "GET is safe to repeat" },
		{ "GET", { BUSY, BUSY, BUSY, OK_ANSWER }, 3, 503, 3, "at most so many attempts" },
		{ "POST", { BUSY, OK_ANSWER }, 3, 503, 1, "POST is not: it may have been done" },
		{ "POST", { BUSY_BRIEFLY, OK_ANSWER }, 3, 200, 2, "the server says that it was not done" },
		{ "PATCH", { TOO_MANY, TOO_MANY, OK_ANSWER }, 3, 200, 3, "refused by flow control" },
		{ "PUT", { BAD_GATEWAY, OK_ANSWER }, 3, 200, 2, "a gateway's error" },
		{ "POST", { BAD_GATEWAY, OK_ANSWER }, 3, 502, 1, "a gateway's error after a POST" },
		{ "GET", { CLOSE_AT_ONCE, OK_ANSWER }, 3, 200, 2, "a lost connection" },
		{ "DELETE", { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", OK_ANSWER }, 3, 200, 2, "cut in the middle" },
		{ "POST",
		  { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", OK_ANSWER },
		  3,
		  -1,
		  1,
		  "a POST cut in the middle" },
		{ "GET", { "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", OK_ANSWER }, 3, 404, 1, "an answer is an answer" },
		{ "GET", { BUSY_LONG, OK_ANSWER }, 3, 503, 1, "the wait would be longer than the call may take" },
	};
	struct http_client *c = client_new((struct http_client_config){ 0 });

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct script s;
		struct http_response r = { 0 };
		char *url;
		int result;

		print_message("%s\n", cases[i].reason);
		script_start(&s, cases[i].answers);
		url = url_of("http", s.port, "/x");
		result = http_client_call(
			c, &(struct http_call){ .method = cases[i].method, .url = url, .retry = { cases[i].attempts, NS_PER_MS } },
			&r, NULL);
		assert_int_equal(result, cases[i].status < 0 ? -1 : 0);
		if (result == 0)
			assert_int_equal(r.status, cases[i].status);
		assert_int_equal(atomic_load(&s.accepted), cases[i].connections);
		http_response_clear(&r);
		script_stop(&s);
		free(url);
	}
	http_client_unref(c);
}

static void test_http_client_never_repeats_streamed_data(void **state)
{
	struct http_client *c = client_new((struct http_client_config){ 0 });
	struct lines l = { .seen = BUF_INIT(1 << 16), .stop_after = SIZE_MAX };
	struct script s;
	char *url;

	(void)state;
	script_start(&s, ANSWERS("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", OK_ANSWER));
	url = url_of("http", s.port, "/x");
	expect_error(c, (struct http_call){ .url = url, .on_data = on_line, .self = &l, .retry = { 3, NS_PER_MS } },
	             ERR_UNAVAILABLE, "lost");
	assert_string_equal(buf_str(&l.seen), "cut");
	script_stop(&s);
	buf_clear(&l.seen);
	free(url);
	http_client_unref(c);
}

/* ---- ways to the server ---- */

static void test_http_client_uses_proxies_but_not_for_loopback(void **state)
{
	struct script proxy;
	struct http_client *c;
	char *proxy_url, *body;

	(void)state;
	script_start(&proxy, ANSWERS(OK_ANSWER));
	proxy_url = url_of("http", proxy.port, "");
	c = client_new((struct http_client_config){ .proxy = proxy_url });
	body = expect_status(c, (struct http_call){ .url = "http://example.invalid/far" }, 200);
	assert_string_equal(body, "ok");
	free(body);
	assert_true(str_starts_with(proxy.requests[0], "GET http://example.invalid/far HTTP/1.1"));
	expect_error(c, (struct http_call){ .url = "http://127.0.0.1:1/near" }, ERR_UNAVAILABLE, "refused");
	expect_error(c, (struct http_call){ .url = "http://localhost:1/near" }, ERR_UNAVAILABLE, "refused");
	http_client_unref(c);

	/* from the environment, with its exceptions */
	setenv("http_proxy", proxy_url, 1);
	setenv("no_proxy", NO_HOST ",10.0.0.0/8", 1);
	c = client_new((struct http_client_config){ 0 });
	free(expect_status(c, (struct http_call){ .url = "http://other.invalid/" }, 200));
	expect_error(c, (struct http_call){ .url = "http://" NO_HOST "/" }, ERR_UNAVAILABLE, "host was not found");
	http_client_unref(c);
	c = client_new((struct http_client_config){ .proxy = "" });
	expect_error(c, (struct http_call){ .url = "http://" NO_HOST "/" }, ERR_UNAVAILABLE, "host was not found");
	http_client_unref(c);
	unsetenv("http_proxy");
	unsetenv("no_proxy");
	assert_int_equal(atomic_load(&proxy.accepted), 2);
	script_stop(&proxy);
	free(proxy_url);
}

static void test_http_client_speaks_over_unix_sockets(void **state)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/http-client-XXXXXX", tmp ? tmp : "/tmp");
	struct script s;
	struct http_client *c;
	char *body;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(un.sun_path, sizeof(un.sun_path), "%s/socket", dir);
	script_listen(&s, ANSWERS(OK_ANSWER), (struct sockaddr *)&un, sizeof(un));
	c = client_new((struct http_client_config){ .unix_socket = un.sun_path });
	body = expect_status(c, (struct http_call){ .url = "http://whatever.invalid/x" }, 200);
	assert_string_equal(body, "ok");
	free(body);
	http_client_unref(c);
	script_stop(&s);
	assert_int_equal(unlink(un.sun_path), 0);
	assert_int_equal(rmdir(dir), 0);
	free(dir);
}

#define test_with_server(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test_with_server(test_http_client_sends_what_it_is_told),
		test_with_server(test_http_client_receives_headers_status_and_body),
		test_with_server(test_http_client_keeps_its_connection),
		test_with_server(test_http_client_serves_many_threads),
		test_with_server(test_http_client_shows_its_certificate),
		test_with_server(test_http_client_checks_the_server),
		test_with_server(test_http_client_new_refuses_broken_pems),
		test_with_server(test_http_client_streams),
		cmocka_unit_test(test_http_client_says_what_went_wrong),
		cmocka_unit_test(test_http_client_errors_hold_no_secrets),
		cmocka_unit_test(test_http_client_can_be_cancelled),
		cmocka_unit_test(test_http_client_retries_by_policy),
		cmocka_unit_test(test_http_client_never_repeats_streamed_data),
		cmocka_unit_test(test_http_client_uses_proxies_but_not_for_loopback),
		cmocka_unit_test(test_http_client_speaks_over_unix_sockets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
