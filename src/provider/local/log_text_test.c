#include "log_text.h"

#include "local_testing.h"

static int setup(void **state)
{
	*state = testing_dir();
	return 0;
}

static int teardown(void **state)
{
	testing_remove(*state);
	return 0;
}

static char *log_of(void **state, const char *text)
{
	testing_write(*state, "log", text, 0600);
	return fs_join(*state, "log");
}

static const struct {
	const char *log, *cause;
	int64_t line;
	const char *reason;
} CAUSES[] = {
	{ "$ npm ci\nok\nError: boom\nat x\n", "Error: boom", 3, "the first line that looks like one" },
	{ "starting\nlistening\n", "listening", 2, "without one, the last line" },
	{ "\n\n  fatal: no\n", "fatal: no", 3, "empty lines count, white space does not" },
	{ "WARNING: error while retrying\nERROR: No matching distribution\n", "ERROR: No matching distribution", 2,
	  "a warning that mentions an error is a retry" },
	{ "npm WARN deprecated: error prone\nnpm ERR! code E404\n", "npm ERR! code E404", 2, "npm's warnings too" },
	{ "sh: 1: nod: not found", "sh: 1: nod: not found", 1, "no newline at the end" },
};

static void test_log_text_find_cause(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(CAUSES); i++) {
		_cleanup_free_ char *path = log_of(state, CAUSES[i].log);
		int64_t line;
		_cleanup_free_ char *cause = log_find_cause(path, 0, LOG_BUILD_TAIL, &line);
		if (!str_eq(cause, CAUSES[i].cause) || line != CAUSES[i].line)
			fail_msg("%s: got line %d, \"%s\"", CAUSES[i].reason, (int)line, cause ? cause : "NULL");
	}
}

static void test_log_text_find_cause_says_nothing_of_nothing(void **state)
{
	int64_t line = 7;
	_cleanup_free_ char *empty = log_of(state, "\n \n");
	assert_null(log_find_cause(empty, 0, LOG_BUILD_TAIL, &line));
	assert_null(log_find_cause("/nonexistent", 0, LOG_BUILD_TAIL, &line));
	assert_int_equal(line, 0);
}

/* Only the end of a long log counts, but its lines are numbered from the beginning. */
static void test_log_text_find_cause_of_a_long_log(void **state)
{
	struct buf text = BUF_INIT(1 << 20);
	buf_puts(&text, "error: an old story\n");
	for (int i = 2; i <= 1000; i++)
		buf_printf(&text, "request %d served\n", i);
	buf_puts(&text, "Error: the end\n");
	_cleanup_free_ char *path = log_of(state, buf_str(&text));
	int64_t line;
	_cleanup_free_ char *cause = log_find_cause(path, 0, LOG_EXIT_TAIL, &line);
	assert_string_equal(cause, "Error: the end");
	assert_int_equal(line, 1001);
	buf_clear(&text);
}

static void test_log_text_find_cause_after_an_offset(void **state)
{
	static const char before[] = "$ install\nerror: ignored\n", after[] = "$ build\nerror: this one\n";
	_cleanup_free_ char *text = xasprintf("%s%s", before, after), *path = log_of(state, text);
	int64_t line;
	_cleanup_free_ char *cause = log_find_cause(path, (int64_t)strlen(before), LOG_BUILD_TAIL, &line);
	assert_string_equal(cause, "error: this one");
	assert_int_equal(line, 4);
	assert_null(log_find_cause(path, (int64_t)strlen(text), LOG_BUILD_TAIL, &line));
	assert_null(log_find_cause(path, (int64_t)strlen(text) + 10, LOG_BUILD_TAIL, &line));
}

static void test_log_text_find_cause_is_bounded(void **state)
{
	char text[2000];
	int64_t line;
	memset(text, 'x', sizeof(text));
	memcpy(text, "error ", 6);
	text[sizeof(text) - 1] = '\0';
	_cleanup_free_ char *path = log_of(state, text), *cause = log_find_cause(path, 0, LOG_BUILD_TAIL, &line);
	assert_int_equal(strlen(cause), 300);
}

static void test_log_text_read_tail_begins_at_a_line(void **state)
{
	_cleanup_free_ char *path = log_of(state, "first\nsecond\nthird\n");
	_cleanup_free_ char *all = log_read_tail(path, 100), *tail = log_read_tail(path, 10);
	assert_string_equal(all, "first\nsecond\nthird\n");
	assert_string_equal(tail, "third\n");
	assert_null(log_read_tail("/nonexistent", 10));
}

/* A program may print anything; a NUL ends no log. */
static void test_log_text_read_tail_shows_what_follows_a_nul(void **state)
{
	_cleanup_free_ char *path = fs_join(*state, "log");
	_cleanup_err_ struct err err = { 0 };
	assert_ok(fs_replace(path, "a\0b\n", 4, 0600, &err), &err);
	_cleanup_free_ char *text = log_read_tail(path, 100);
	assert_string_equal(text, "a?b\n");
}

static const struct {
	const char *log;
	bool conflict;
	int port;
	const char *reason;
} CONFLICTS[] = {
	{ "Error: listen EADDRINUSE: address already in use :::3000\n    at Server\n", true, 3000, "Node" },
	{ "Error: listen EADDRINUSE: address already in use 127.0.0.1:8081\n", true, 8081, "Node, an address" },
	{ "listen tcp :8080: bind: address already in use\n", true, 8080, "Go" },
	{ "listen tcp 127.0.0.1:9090: bind: address already in use\n", true, 9090, "Go, an address" },
	{ "OSError: [Errno 98] Address already in use\n", true, 0, "Python says no port" },
	{ "ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already in use\n",
	  true, 8000, "uvicorn" },
	{ "[ERROR] Connection in use: ('0.0.0.0', 8000)\n", true, 8000, "gunicorn" },
	{ "Web server failed to start. Port 8080 was already in use.\n", true, 8080, "Spring Boot" },
	{ "Error: Address already in use (os error 98)\n", true, 0, "Rust says no port; 98 is none" },
	{ "Address in use - bind(2) for \"127.0.0.1\" port 9292 (Errno::EADDRINUSE)\n", true, 9292, "Ruby" },
	{ "listening on :3000\nError: cannot connect to 127.0.0.1:5432: connection refused\n", false, 0, "another error" },
	{ "this email address is in use, already\n", false, 0, "words alone" },
};

static void test_log_text_find_port_conflict(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(CONFLICTS); i++) {
		_cleanup_free_ char *path = log_of(state, CONFLICTS[i].log);
		int port = -1;
		bool found = log_find_port_conflict(path, &port);
		if (found != CONFLICTS[i].conflict || port != CONFLICTS[i].port)
			fail_msg("%s: %d, port %d", CONFLICTS[i].reason, found, port);
	}
}

static void test_log_text_is_about_network(void **state _unused_)
{
	assert_true(log_is_about_network("npm ERR! network request failed, reason: getaddrinfo EAI_AGAIN registry"));
	assert_true(log_is_about_network("Temporary failure in name resolution"));
	assert_true(log_is_about_network("curl: (7) Failed to connect: Connection refused"));
	assert_false(log_is_about_network("npm ERR! 404 Not Found - GET left-pad"));
	assert_false(log_is_about_network("SyntaxError: invalid syntax"));
	assert_false(log_is_about_network(NULL));
}

static void test_log_text_mask_hides_secrets(void **state _unused_)
{
	char one[] = "hunter22", tiny[] = "a", *secrets[] = { one, tiny, NULL };
	char text[] = "token hunter22 and hunter22hunter2: a cat";
	log_mask(text, secrets);
	assert_string_equal(text, "token ******** and ********hunter2: a cat");
	log_mask(NULL, secrets);
	log_mask(text, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(test_log_text_##name, setup, teardown)
		T(find_cause),
		T(find_cause_says_nothing_of_nothing),
		T(find_cause_of_a_long_log),
		T(find_cause_after_an_offset),
		T(find_cause_is_bounded),
		T(read_tail_begins_at_a_line),
		T(read_tail_shows_what_follows_a_nul),
		T(find_port_conflict),
		T(is_about_network),
		T(mask_hides_secrets),
	};
	return cmocka_run_group_tests_name("log_text", tests, NULL, NULL);
}
