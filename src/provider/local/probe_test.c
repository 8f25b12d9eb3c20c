/* Health checks: what is said (probe_http.h), and the thread that says it (probe.h) against small servers. */

#include "probe.h"

#include "base/thread.h"
#include "local_testing.h"
#include "net/held_sockets.h"
#include "probe_http.h"

#include <poll.h>

/* ---- what is said ---- */

static void test_probe_http_request_says_host(void **state _unused_)
{
	_cleanup_free_ char *request = probe_http_request("/healthz?x=1", "127.0.0.1:8080");
	assert_true(str_starts_with(request, "GET /healthz?x=1 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n"));
	assert_true(str_ends_with(request, "Connection: close\r\n\r\n"));
	_cleanup_free_ char *plain = probe_http_request("/", NULL);
	assert_non_null(strstr(plain, "Host: localhost\r\n"));
}

static const struct {
	const char *answer;
	bool is_end;
	enum probe_verdict verdict;
	int status;
	const char *path, *reason;
} ANSWERS[] = {
	{ "", false, PROBE_MORE, 0, NULL, "nothing yet" },
	{ "HTTP/1.1 2", false, PROBE_MORE, 0, NULL, "not a whole line yet" },
	{ "HTTP/1.1 200 OK\r\n", false, PROBE_OK, 200, NULL, "the status is enough" },
	{ "HTTP/1.0 204 No Content\r\n", false, PROBE_OK, 204, NULL, "HTTP/1.0" },
	{ "HTTP/1.1 404 Not Found\r\n", false, PROBE_BAD, 404, NULL, "not found" },
	{ "HTTP/1.1 503 Service Unavailable\r\n", false, PROBE_BAD, 503, NULL, "unavailable" },
	{ "HTTP/1.1 100 Continue\r\n", false, PROBE_BAD, 100, NULL, "nobody asked for it" },
	{ "SSH-2.0-OpenSSH\r\n", false, PROBE_NO_HTTP, 0, NULL, "another protocol" },
	{ "", true, PROBE_NO_HTTP, 0, NULL, "closed without a word" },
	{ "HTTP/1.1 302 Found\r\nLoca", false, PROBE_MORE, 0, NULL, "where to is not said yet" },
	{ "HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n", false, PROBE_REDIRECT, 0, "/login", "another path" },
	{ "HTTP/1.1 301 Moved\r\nlocation:   http://127.0.0.1:3000/x?y=1  \r\n\r\n", false, PROBE_REDIRECT, 0, "/x?y=1",
	  "itself by its address, in any case" },
	{ "HTTP/1.1 308 Moved\r\nLocation: http://localhost/\r\n\r\n", false, PROBE_REDIRECT, 0, "/", "itself by name" },
	{ "HTTP/1.1 301 Moved\r\nLocation: https://127.0.0.1/\r\n\r\n", false, PROBE_OK, 0, NULL,
	  "to https, which somebody before it does" },
	{ "HTTP/1.1 302 Found\r\nLocation: //evil.example/\r\n\r\n", false, PROBE_OK, 0, NULL, "elsewhere" },
	{ "HTTP/1.1 302 Found\r\nLocation: https://login.example.com/\r\n\r\n", false, PROBE_OK, 0, NULL, "elsewhere" },
	{ "HTTP/1.1 304 Not Modified\r\n\r\n", false, PROBE_OK, 0, NULL, "no location" },
	{ "HTTP/1.1 302 Found\r\nX-Location: /no\r\n\r\n", false, PROBE_OK, 0, NULL, "another header" },
	{ "HTTP/1.1 302 Found\r\n", true, PROBE_OK, 0, NULL, "it ended after the status" },
};

static void test_probe_http_judge(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(ANSWERS); i++) {
		int status = 0;
		_cleanup_free_ char *path = NULL;
		enum probe_verdict verdict = probe_http_judge(ANSWERS[i].answer, strlen(ANSWERS[i].answer), ANSWERS[i].is_end,
		                                              &status, &path);
		if (verdict != ANSWERS[i].verdict || !str_eq(path, ANSWERS[i].path) ||
		    (verdict == PROBE_BAD && status != ANSWERS[i].status))
			fail_msg("%s: verdict %d, status %d, path %s", ANSWERS[i].reason, verdict, status, path ? path : "-");
	}
}

/* ---- the thread ---- */

/* A server that answers each path as the test says. */
struct server {
	int fd, port;
	pthread_t thread;
	atomic_bool stopping;
	atomic_int requests;
	char last_request[2048];
	const char *(*answer)(const char *path); /* NULL: says nothing, and waits */
};

static void serve_one(struct server *s, int fd)
{
	ssize_t n = read(fd, s->last_request, sizeof(s->last_request) - 1);
	char path[256] = "";
	s->last_request[n > 0 ? n : 0] = '\0';
	sscanf(s->last_request, "GET %255s", path);
	const char *answer = s->answer(path);
	atomic_fetch_add(&s->requests, 1);
	if (answer)
		(void)!write(fd, answer, strlen(answer));
	while (!answer && !atomic_load(&s->stopping))
		clock_sleep_ns(5 * NS_PER_MS);
	close(fd);
}

static void *serve(void *arg)
{
	struct server *s = arg;
	while (!atomic_load(&s->stopping)) {
		struct pollfd pollfd = { .fd = s->fd, .events = POLLIN };
		if (poll(&pollfd, 1, 10) > 0) {
			int fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
			if (fd >= 0)
				serve_one(s, fd);
		}
	}
	return NULL;
}

static void server_start(struct server *s, const char *(*answer)(const char *path))
{
	*s = (struct server){ .answer = answer };
	s->fd = listen_on(AF_INET, &s->port);
	assert_true(s->fd >= 0);
	pthread_create(&s->thread, NULL, serve, s);
}

static void server_stop(struct server *s)
{
	atomic_store(&s->stopping, true);
	pthread_join(s->thread, NULL);
	closep(&s->fd);
}

static const char *answer_well(const char *path)
{
	if (str_eq(path, "/ok"))
		return "HTTP/1.1 200 OK\r\n\r\n";
	if (str_eq(path, "/moved"))
		return "HTTP/1.1 302 Found\r\nLocation: /ok\r\n\r\n";
	if (str_eq(path, "/moved-to-broken"))
		return "HTTP/1.1 302 Found\r\nLocation: /broken\r\n\r\n";
	if (str_eq(path, "/loop"))
		return "HTTP/1.1 302 Found\r\nLocation: /loop\r\n\r\n";
	if (str_eq(path, "/babble"))
		return "220 mail.example.com ESMTP\r\n";
	return "HTTP/1.1 500 Internal Server Error\r\n\r\n";
}

static const char *answer_nothing(const char *path _unused_)
{
	return NULL;
}

#define RESULTS_MAX 256

struct fixture {
	struct prober *prober;
	pthread_mutex_t lock;
	struct {
		struct probe_result result;
		char *message;
	} results[RESULTS_MAX];
	int len;
};

static void on_done(void *self, const struct probe_result *result)
{
	struct fixture *f = self;
	MUTEX_GUARD(&f->lock);
	assert_true(f->len < RESULTS_MAX);
	f->results[f->len].result = *result;
	f->results[f->len++].message = xstrdup_or_null(result->message);
}

static int setup(void **state)
{
	struct fixture *f = new0(struct fixture);
	_cleanup_err_ struct err err = { 0 };
	pthread_mutex_init(&f->lock, NULL);
	f->prober = prober_new(on_done, f, &err);
	assert_non_null(f->prober);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	prober_free(f->prober);
	for (int i = 0; i < f->len; i++)
		free(f->results[i].message);
	pthread_mutex_destroy(&f->lock);
	free(f);
	return 0;
}

static int count(struct fixture *f)
{
	MUTEX_GUARD(&f->lock);
	return f->len;
}

static void submit(struct fixture *f, uint64_t id, int port, const char *path, int64_t timeout_ns)
{
	struct probe_request request = { .id = id, .port = port, .path = path, .timeout_ns = timeout_ns };
	prober_submit(f->prober, &request);
}

/* Asks, and gives what came. */
static const struct probe_result *ask(struct fixture *f, int port, const char *path)
{
	int before = count(f);
	submit(f, 1, port, path, 5 * NS_PER_S);
	eventually(count(f) == before + 1);
	f->results[before].result.message = f->results[before].message;
	return &f->results[before].result;
}

static void test_probe_tcp(void **state)
{
	struct fixture *f = *state;
	int port = 0;
	_cleanup_close_ int fd = listen_on(AF_INET, &port);
	const struct probe_result *r = ask(f, port, NULL);
	assert_true(r->ok && r->is_open);
	assert_null(r->message);
	assert_int_equal(r->port, port);
	closep(&fd);
	r = ask(f, port, NULL);
	assert_false(r->ok || r->is_open);
	assert_non_null(strstr(r->message, "does not accept connections"));
}

static void test_probe_http(void **state)
{
	static const struct {
		const char *path, *message;
	} cases[] = {
		{ "/ok", NULL },
		{ "/moved", NULL },
		{ "/moved-to-broken", "GET /broken answered 500 Internal Server Error" },
		{ "/broken", "GET /broken answered 500 Internal Server Error" },
		{ "/loop", "GET /loop redirects again and again" },
		{ "/babble", "GET /babble was not answered with HTTP" },
	};
	struct fixture *f = *state;
	struct server s;
	server_start(&s, answer_well);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct probe_result *r = ask(f, s.port, cases[i].path);
		assert_true(r->is_open);
		if (r->ok != (cases[i].message == NULL) || !str_eq(r->message, cases[i].message))
			fail_msg("%s: %s", cases[i].path, r->message ? r->message : "ok");
	}
	server_stop(&s);
}

static void test_probe_says_host(void **state)
{
	struct fixture *f = *state;
	struct server s;
	server_start(&s, answer_well);
	struct probe_request request = {
		.id = 1, .port = s.port, .path = "/ok", .host = "127.0.0.1:4321", .timeout_ns = 5 * NS_PER_S
	};
	prober_submit(f->prober, &request);
	eventually(count(f) == 1);
	server_stop(&s);
	assert_non_null(strstr(s.last_request, "\r\nHost: 127.0.0.1:4321\r\n"));
}

static void test_probe_gives_up_in_time(void **state)
{
	struct fixture *f = *state;
	struct server s;
	server_start(&s, answer_nothing);
	int64_t begun = clock_mono_ns();
	submit(f, 1, s.port, "/ok", 100 * NS_PER_MS);
	eventually(count(f) == 1);
	assert_true(clock_mono_ns() - begun >= 100 * NS_PER_MS);
	assert_true(f->results[0].result.is_open);
	assert_false(f->results[0].result.ok);
	assert_string_equal(f->results[0].message, "GET /ok gave no answer in time");
	server_stop(&s);
}

static atomic_bool late_answer_may_come;

static const char *answer_late(const char *path _unused_)
{
	while (!atomic_load(&late_answer_may_come))
		clock_sleep_ns(NS_PER_MS);
	return "HTTP/1.1 200 OK\r\n\r\n";
}

/* The answer comes when the check is over and its memory gone, and its socket is still open, in a child that is being
 * started. */
static void test_probe_late_answer_reaches_nobody(void **state)
{
	struct fixture *f = *state;
	struct server s;
	struct held_sockets held;
	server_start(&s, answer_late);
	int before = open_sockets(NULL);
	submit(f, 1, s.port, "/ok", 300 * NS_PER_MS);
	eventually(open_sockets(NULL) == before + 2);
	held_sockets_take(&held);
	eventually(count(f) == 1);
	assert_false(f->results[0].result.ok);
	clock_sleep_ns(20 * NS_PER_MS);
	atomic_store(&late_answer_may_come, true);
	eventually(atomic_load(&s.requests) == 1);
	clock_sleep_ns(20 * NS_PER_MS);
	assert_int_equal(count(f), 1);
	assert_true(ask(f, s.port, "/ok")->ok);
	held_sockets_release(&held);
	server_stop(&s);
}

/* However many hang, the others are on time. */
static void test_probe_the_slow_delay_nobody(void **state)
{
	struct fixture *f = *state;
	struct server slow, quick;
	server_start(&slow, answer_nothing);
	server_start(&quick, answer_well);
	for (uint64_t i = 0; i < 50; i++)
		submit(f, 100 + i, slow.port, "/ok", 20 * NS_PER_S);
	int64_t begun = clock_mono_ns();
	submit(f, 7, quick.port, "/ok", 20 * NS_PER_S);
	eventually(count(f) == 1);
	assert_true(clock_mono_ns() - begun < 15 * NS_PER_S);
	assert_int_equal(f->results[0].result.id, 7);
	assert_true(f->results[0].result.ok);
	server_stop(&slow);
	server_stop(&quick);
}

static void test_probe_finds_the_port(void **state)
{
	struct fixture *f = *state;
	struct server s;
	server_start(&s, answer_well);
	struct probe_request request = {
		.id = 3, .root = getpid(), .told_port = s.port, .path = "/ok", .timeout_ns = 5 * NS_PER_S
	};
	prober_submit(f->prober, &request);
	eventually(count(f) == 1);
	assert_true(f->results[0].result.ok);
	assert_int_equal(f->results[0].result.port, s.port);
	request.root = INT32_MAX;
	prober_submit(f->prober, &request);
	eventually(count(f) == 2);
	assert_false(f->results[1].result.ok);
	assert_int_equal(f->results[1].result.port, 0);
	assert_string_equal(f->results[1].message, "it listens on no port yet");
	server_stop(&s);
}

/* The proxy goes to 127.0.0.1: a program that listens on ::1 only cannot be reached, and is told what to do. */
static void test_probe_says_when_only_ipv6_listens(void **state)
{
	struct fixture *f = *state;
	int port = 0;
	_cleanup_close_ int fd = listen_on(AF_INET6, &port);
	need(fd >= 0, "this machine has no IPv6 loopback");
	const struct probe_result *r = ask(f, port, NULL);
	assert_false(r->ok);
	assert_non_null(strstr(r->message, "on ::1 only"));
}

static void test_probe_end_drops_what_is_under_way(void **state)
{
	struct fixture *f = *state;
	struct server s;
	server_start(&s, answer_nothing);
	for (uint64_t i = 0; i < 20; i++)
		submit(f, i, s.port, "/ok", 60 * NS_PER_S);
	eventually(atomic_load(&s.requests) > 0);
	f->prober = prober_free(f->prober);
	assert_int_equal(count(f), 0);
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe_http_request_says_host),
		cmocka_unit_test(test_probe_http_judge),
#define T(name) cmocka_unit_test_setup_teardown(test_probe_##name, setup, teardown)
		T(tcp),
		T(http),
		T(says_host),
		T(gives_up_in_time),
		T(late_answer_reaches_nobody),
		T(the_slow_delay_nobody),
		T(finds_the_port),
		T(says_when_only_ipv6_listens),
		T(end_drops_what_is_under_way),
	};
	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
