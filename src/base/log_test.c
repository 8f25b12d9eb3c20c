#include "base/log.h"

#include "base/fs.h"
#include "base/str.h"
#include "base/thread.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static int setup(void **state)
{
	int *fd = xmalloc(sizeof(*fd));
	*fd = memfd_create("log", MFD_CLOEXEC);
	*state = fd;
	return *fd >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
	int *fd = *state;
	closep(fd);
	free(fd);
	return 0;
}

static char *written(int fd)
{
	char path[64], *text = NULL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(fs_read_file(path, 10000000, &text, NULL, NULL), 0);
	return text;
}

static void test_log_human(void **state)
{
	int fd = *(int *)*state;
	_cleanup_(logger_unrefp) struct logger *l = logger_new(fd, LOG_INFO, LOG_HUMAN);
	_cleanup_(logger_unrefp) struct logger *child = logger_with(l, "name", "shop");
	_cleanup_(logger_unrefp) struct logger *grandchild = logger_with(child, "why", "it \"broke\" a=b");
	log_info(l, "started in %d ms", 12);
	log_warn(child, "slow");
	log_error(grandchild, "gone");
	log_debug(l, "not shown");
	_cleanup_free_ char *text = written(fd);
	_cleanup_strv_ char **lines = str_split(text, "\n");
	assert_int_equal(strv_len(lines), 3);
	unsigned h, m, s;
	int at = 0;
	assert_int_equal(sscanf(lines[0], "%2u:%2u:%2u %n", &h, &m, &s, &at), 3);
	assert_int_equal(at, 9);
	assert_string_equal(lines[0] + 9, "INFO  started in 12 ms");
	assert_string_equal(lines[1] + 9, "WARN  slow  name=shop");
	assert_string_equal(lines[2] + 9, "ERROR gone  name=shop why=\"it \\\"broke\\\" a=b\"");
	assert_true(str_ends_with(text, "\n"));
}

static void test_log_json(void **state)
{
	int fd = *(int *)*state;
	_cleanup_(logger_unrefp) struct logger *l = logger_new(fd, LOG_DEBUG, LOG_JSON);
	_cleanup_(logger_unrefp) struct logger *child = logger_with(l, "path", "C:\\x \"y\"");
	log_debug(child, "a \"quoted\"\n\ttext \303\244");
	_cleanup_free_ char *text = written(fd);
	assert_true(str_starts_with(text, "{\"ts\":\"20"));
	const size_t after_time = strlen("{\"ts\":\"2026-01-02T03:04:05.123456");
	assert_true(strlen(text) > after_time);
	assert_string_equal(text + after_time, "Z\",\"level\":\"debug\",\"msg\":\"a \\\"quoted\\\"\\n\\ttext \303\244\","
	                                       "\"path\":\"C:\\\\x \\\"y\\\"\"}\n");
}

static void test_log_escapes_what_could_deceive(void **state)
{
	int fd = *(int *)*state;
	for (enum log_format f = LOG_HUMAN; f <= LOG_JSON; f++) {
		_cleanup_(logger_unrefp) struct logger *l = logger_new(fd, LOG_INFO, f);
		_cleanup_(logger_unrefp) struct logger *child = logger_with(l, "v", "x\n\033[2J");
		log_info(child, "a\r\nb \033]0;title\007 \302\233 \342\200\256 \377 \177");
	}
	_cleanup_free_ char *text = written(fd);
	_cleanup_strv_ char **lines = str_split(text, "\n");
	assert_int_equal(strv_len(lines), 2);
	for (int i = 0; i < 2; i++) {
		assert_true(str_contains(lines[i], "a\\r\\nb \\u001b]0;title\\u0007 \\u009b \\u202e \\ufffd \\u007f"));
		assert_true(str_contains(lines[i], "x\\n\\u001b[2J"));
		for (const char *p = lines[i]; *p; p++)
			assert_in_range((unsigned char)*p, 0x20, 0x7e);
	}
}

static void test_log_bounds_its_records(void **state)
{
	int fd = *(int *)*state;
	_cleanup_free_ char *huge = xmalloc(1000001);
	memset(huge, '\001', 1000000); /* six characters each once escaped */
	huge[1000000] = '\0';
	_cleanup_(logger_unrefp) struct logger *l = logger_new(fd, LOG_INFO, LOG_JSON);
	struct logger *child = logger_ref(l);
	for (int i = 0; i < 10; i++) {
		struct logger *next = logger_with(child, "k", huge);
		logger_unref(child);
		child = next;
	}
	log_info(child, "%s", huge);
	logger_unref(child);
	_cleanup_free_ char *text = written(fd);
	assert_true(strlen(text) < 256 * 1024);
	assert_true(str_ends_with(text, "}\n")); /* whole, all the same */
	assert_true(str_contains(text, "\342\200\246"));
}

static void test_log_levels(void **state)
{
	(void)state;
	enum log_level level = LOG_ERROR;
	assert_true(log_level_parse("debug", &level));
	assert_int_equal(level, LOG_DEBUG);
	assert_true(log_level_parse("off", &level));
	assert_int_equal(level, LOG_OFF);
	assert_false(log_level_parse("INFO", &level));
	assert_false(log_level_parse("", &level));
	assert_false(log_level_parse(NULL, &level));
	assert_int_equal(level, LOG_OFF);
	_cleanup_(logger_unrefp) struct logger *l = logger_new(-1, LOG_WARN, LOG_HUMAN);
	assert_false(log_enabled(l, LOG_INFO));
	assert_true(log_enabled(l, LOG_WARN));
	assert_true(log_enabled(l, LOG_ERROR));
	_cleanup_(logger_unrefp) struct logger *off = logger_new(-1, LOG_OFF, LOG_HUMAN);
	assert_false(log_enabled(off, LOG_ERROR));
	assert_false(log_enabled(off, LOG_OFF));
}

static void test_log_null_drops(void **state)
{
	(void)state;
	log_error(NULL, "nowhere");
	assert_null(logger_with(NULL, "k", "v"));
	assert_null(logger_ref(NULL));
	assert_null(logger_unref(NULL));
}

static void *write_many(void *arg)
{
	_cleanup_(logger_unrefp) struct logger *l = logger_with(arg, "thread", "yes");
	for (int i = 0; i < 200; i++)
		log_info(l, "message %d of a thread", i);
	return NULL;
}

static void test_log_lines_of_threads_do_not_mix(void **state)
{
	int fd = *(int *)*state;
	assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
	_cleanup_(logger_unrefp) struct logger *l = logger_new(fd, LOG_INFO, LOG_HUMAN);
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		assert_int_equal(thread_start(&threads[i], "writer", write_many, l, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	_cleanup_free_ char *text = written(fd);
	_cleanup_strv_ char **lines = str_split(text, "\n");
	assert_int_equal(strv_len(lines), 800);
	for (int i = 0; i < 800; i++)
		assert_true(str_ends_with(lines[i], " of a thread  thread=yes"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_log_human, setup, teardown),
		cmocka_unit_test_setup_teardown(test_log_json, setup, teardown),
		cmocka_unit_test_setup_teardown(test_log_escapes_what_could_deceive, setup, teardown),
		cmocka_unit_test_setup_teardown(test_log_bounds_its_records, setup, teardown),
		cmocka_unit_test(test_log_levels),
		cmocka_unit_test(test_log_null_drops),
		cmocka_unit_test_setup_teardown(test_log_lines_of_threads_do_not_mix, setup, teardown),
	};
	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
