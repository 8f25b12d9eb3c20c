#include "net/grpc.h"

#include "base/clock.h"
#include "base/str.h"
#include "base/thread.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

/* Says the message back; "fail" fails, "sleep" waits until nobody wants the answer. */
static enum grpc_status echo(void *self, struct grpc_call *call, unsigned worker, const void *message, size_t len,
                             struct buf *out, char **ret_message)
{
	(void)self;
	(void)worker;
	if (len == 4 && memcmp(message, "fail", 4) == 0) {
		*ret_message = xstrdup("it failed: 100 %");
		return GRPC_INVALID_ARGUMENT;
	}
	if (len == 5 && memcmp(message, "sleep", 5) == 0)
		for (int i = 0; i < 1000 && !grpc_call_is_cancelled(call); i++)
			clock_sleep_ns(5 * NS_PER_MS);
	if (len == 5 && memcmp(message, "short", 5) == 0)
		clock_sleep_ns(300 * NS_PER_MS);
	buf_append(out, message, len);
	return GRPC_OK;
}

static const struct grpc_method METHODS[] = { { .path = "/test.Echo/Say", .unary = echo } };

static struct grpc_server *start(char target[static 32])
{
	_cleanup_err_ struct err err = { 0 };
	struct grpc_server *s = NULL;
	const struct grpc_server_config config = {
		.address = "127.0.0.1", .threads = 2, .message_max = 1000000, .methods = METHODS, .methods_len = 1
	};

	if (grpc_server_start(&config, &s, &err) < 0)
		fail_msg("%s", err_message(&err));
	snprintf(target, 32, "127.0.0.1:%d", grpc_server_port(s));
	return s;
}

static struct grpc_reply call(const char *target, const char *path, const char *message, size_t len, int64_t ms)
{
	_cleanup_err_ struct err err = { 0 };
	struct grpc_reply reply = { 0 };

	if (grpc_client_call(target, path, message, len, 2000000, clock_mono_ns() + ms * NS_PER_MS, &reply, &err) < 0)
		fail_msg("%s", err_message(&err));
	return reply;
}

static void test_calls_are_answered(void **state)
{
	(void)state;
	char target[32];
	struct grpc_server *s = start(target);
	char *large = xcalloc(1, 900000);

	memset(large, 'x', 900000);
	const struct {
		const char *path, *message;
		size_t len;
		enum grpc_status status;
		const char *why;
	} cases[] = {
		{ "/test.Echo/Say", "hello", 5, GRPC_OK, NULL },
		{ "/test.Echo/Say", "", 0, GRPC_OK, NULL },
		{ "/test.Echo/Say", large, 900000, GRPC_OK, NULL },
		{ "/test.Echo/Say", "fail", 4, GRPC_INVALID_ARGUMENT, "it failed: 100 %" },
		{ "/test.Echo/Shout", "x", 1, GRPC_UNIMPLEMENTED, "grpc: there is no method /test.Echo/Shout" },
		{ "/grpc.health.v1.Health/Check", "", 0, GRPC_OK, NULL },
		{ "/grpc.health.v1.Health/Check", "\x0a\x09test.Echo", 11, GRPC_OK, NULL },
		{ "/grpc.health.v1.Health/Check", "\x0a\x04none", 6, GRPC_NOT_FOUND, "unknown service" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct grpc_reply reply = call(target, cases[i].path, cases[i].message, cases[i].len, 5000);

		assert_int_equal(reply.status, cases[i].status);
		if (cases[i].why)
			assert_string_equal(reply.message, cases[i].why);
		else if (strstr(cases[i].path, "Echo"))
			assert_memory_equal(buf_str(&reply.body), cases[i].message, cases[i].len);
		grpc_reply_clear(&reply);
	}
	free(large);
	grpc_server_stop(s, NS_PER_S);
}

static void test_oversized_messages_are_refused(void **state)
{
	(void)state;
	char target[32];
	struct grpc_server *s = start(target);
	char *large = xcalloc(1, 1000001);
	struct grpc_reply reply = call(target, "/test.Echo/Say", large, 1000001, 5000);

	assert_int_equal(reply.status, GRPC_RESOURCE_EXHAUSTED);
	assert_string_equal(reply.message, "grpc: received message larger than max (1000001 vs. 1000000)");
	grpc_reply_clear(&reply);
	free(large);
	grpc_server_stop(s, NS_PER_S);
}

static void *call_many(void *arg)
{
	for (int i = 0; i < 20; i++) {
		struct grpc_reply reply = call(arg, "/test.Echo/Say", "hello", 5, 20000);

		if (reply.status != GRPC_OK || reply.body.len != 5)
			return arg;
		grpc_reply_clear(&reply);
	}
	return NULL;
}

static void test_many_clients(void **state)
{
	(void)state;
	char target[32];
	struct grpc_server *s = start(target);
	pthread_t threads[32];

	for (size_t i = 0; i < ARRAY_SIZE(threads); i++)
		assert_int_equal(thread_start(&threads[i], "client", call_many, target, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(threads); i++) {
		void *failed = NULL;

		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	grpc_server_stop(s, NS_PER_S);
}

struct client {
	char *target;
	struct grpc_reply reply;
};

static void *call_short(void *arg)
{
	struct client *client = arg;

	client->reply = call(client->target, "/test.Echo/Say", "short", 5, 10000);
	return NULL;
}

/* What is under way when the server is told to stop is answered. */
static void test_stop_lets_calls_end(void **state)
{
	(void)state;
	char target[32];
	struct grpc_server *s = start(target);
	struct client client = { .target = target };
	pthread_t thread;

	assert_int_equal(thread_start(&thread, "client", call_short, &client, NULL), 0);
	clock_sleep_ns(100 * NS_PER_MS);
	grpc_server_stop(s, 5 * NS_PER_S);
	pthread_join(thread, NULL);
	assert_int_equal(client.reply.status, GRPC_OK);
	assert_string_equal(buf_str(&client.reply.body), "short");
	grpc_reply_clear(&client.reply);
}

static void test_deadlines_pass(void **state)
{
	(void)state;
	char target[32];
	struct grpc_server *s = start(target);
	_cleanup_err_ struct err err = { 0 };
	struct grpc_reply reply = { 0 };
	int64_t before = clock_mono_ns();
	int r = grpc_client_call(target, "/test.Echo/Say", "sleep", 5, 1000, before + 300 * NS_PER_MS, &reply, &err);

	/* Who notices first may be either. */
	bool passed = r < 0 ? err.kind == ERR_TIMEOUT : reply.status == GRPC_DEADLINE_EXCEEDED;
	grpc_reply_clear(&reply);
	assert_true(passed);
	assert_true(clock_mono_ns() - before < 30 * NS_PER_S);
	grpc_server_stop(s, NS_PER_S);
}

/* Bytes that are no HTTP/2 end the connection, not the server. */
static void test_other_bytes_are_refused(void **state)
{
	(void)state;
	static const char *const texts[] = { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "\x16\x03\x01", "",
		                                 "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff" };
	char target[32];
	struct grpc_server *s = start(target);

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)grpc_server_port(s)) };
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		char answer[4096];

		inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
		assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
		assert_int_equal(write(fd, texts[i], strlen(texts[i])), strlen(texts[i]));
		shutdown(fd, SHUT_WR);
		while (read(fd, answer, sizeof(answer)) > 0)
			;
		close(fd);
	}
	struct grpc_reply reply = call(target, "/test.Echo/Say", "hello", 5, 5000);
	assert_int_equal(reply.status, GRPC_OK);
	grpc_reply_clear(&reply);
	grpc_server_stop(s, NS_PER_S);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls_are_answered), cmocka_unit_test(test_oversized_messages_are_refused),
		cmocka_unit_test(test_many_clients),       cmocka_unit_test(test_stop_lets_calls_end),
		cmocka_unit_test(test_deadlines_pass),     cmocka_unit_test(test_other_bytes_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
