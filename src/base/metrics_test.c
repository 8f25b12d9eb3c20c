#include "base/metrics.h"

#include "base/str.h"
#include "base/thread.h"

#include <math.h>
#include <stdio.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

static char *scrape(struct metrics *m)
{
	struct buf out = BUF_INIT(10000000);
	metrics_write(m, &out);
	assert_false(out.failed);
	return buf_steal(&out);
}

static void test_metrics_counter_and_gauge(void **state)
{
	(void)state;
	_cleanup_(metrics_freep) struct metrics *m = metrics_new();
	struct metric *requests = metrics_counter(m, "requests_total", "Requests.", "method,code");
	struct metric *depth = metrics_gauge(m, "depth", "Depth\\of\nqueue.", "");
	metric_add(requests, 1, METRIC_LABELS("GET", "200"));
	metric_add(requests, 2.5, METRIC_LABELS("GET", "200"));
	metric_add(requests, 1, METRIC_LABELS("PUT", "409"));
	metric_add(requests, -5, METRIC_LABELS("PUT", "409")); /* counters do not fall */
	metric_add(requests, (double)NAN, METRIC_LABELS("PUT", "409"));
	metric_set(requests, 7, METRIC_LABELS("PUT", "409")); /* nor are they set */
	metric_set(depth, 3, NULL);
	metric_add(depth, -1, NULL);
	_cleanup_free_ char *text = scrape(m);
	assert_string_equal(text, "# HELP requests_total Requests.\n"
	                          "# TYPE requests_total counter\n"
	                          "requests_total{method=\"GET\",code=\"200\"} 3.5\n"
	                          "requests_total{method=\"PUT\",code=\"409\"} 1\n"
	                          "# HELP depth Depth\\\\of\\nqueue.\n"
	                          "# TYPE depth gauge\n"
	                          "depth 2\n");
}

static void test_metrics_histogram(void **state)
{
	(void)state;
	_cleanup_(metrics_freep) struct metrics *m = metrics_new();
	static const double bounds[] = { 0.1, 1 };
	struct metric *h = metrics_histogram(m, "seconds", "Time.", "op", bounds, 2);
	metric_observe(h, 0.05, METRIC_LABELS("x"));
	metric_observe(h, 0.1, METRIC_LABELS("x")); /* a bound belongs to its bucket */
	metric_observe(h, 0.5, METRIC_LABELS("x"));
	metric_observe(h, 20, METRIC_LABELS("x"));
	metric_add(h, 1, METRIC_LABELS("x")); /* not a counter */
	_cleanup_free_ char *text = scrape(m);
	assert_string_equal(text, "# HELP seconds Time.\n"
	                          "# TYPE seconds histogram\n"
	                          "seconds_bucket{op=\"x\",le=\"0.1\"} 2\n"
	                          "seconds_bucket{op=\"x\",le=\"1\"} 3\n"
	                          "seconds_bucket{op=\"x\",le=\"+Inf\"} 4\n"
	                          "seconds_sum{op=\"x\"} 20.65\n"
	                          "seconds_count{op=\"x\"} 4\n");
}

static void test_metrics_histogram_without_labels_starts_at_zero(void **state)
{
	(void)state;
	_cleanup_(metrics_freep) struct metrics *m = metrics_new();
	metrics_histogram(m, "h", "H.", "", NULL, 0);
	_cleanup_free_ char *text = scrape(m);
	assert_true(str_contains(text, "h_bucket{le=\"0.005\"} 0\n"));
	assert_true(str_contains(text, "h_bucket{le=\"10\"} 0\nh_bucket{le=\"+Inf\"} 0\nh_sum 0\nh_count 0\n"));
}

static void test_metrics_same_name_is_same_family(void **state)
{
	(void)state;
	_cleanup_(metrics_freep) struct metrics *m = metrics_new();
	struct metric *a = metrics_counter(m, "a_total", "A.", "x");
	assert_ptr_equal(metrics_counter(m, "a_total", "other", "x"), a);
	assert_ptr_not_equal(metrics_counter(m, "b_total", "B.", "x"), a);
	metric_add(NULL, 1, NULL);
	metric_set(NULL, 1, NULL);
	metric_observe(NULL, 1, NULL);
}

static void test_metrics_escapes_label_values(void **state)
{
	(void)state;
	_cleanup_(metrics_freep) struct metrics *m = metrics_new();
	struct metric *c = metrics_counter(m, "c_total", "C.", "v, w");
	metric_add(c, 1, METRIC_LABELS("a\"b\\c\nd\377", NULL));
	/* Values that would be the same if they were only joined. */
	metric_add(c, 1, METRIC_LABELS("p\",w=\"q", ""));
	metric_add(c, 1, METRIC_LABELS("p", "q"));
	char long_value[1000];
	memset(long_value, 'l', sizeof(long_value) - 1);
	long_value[sizeof(long_value) - 1] = '\0';
	metric_add(c, 1, METRIC_LABELS(long_value, ""));
	_cleanup_free_ char *text = scrape(m);
	assert_true(str_contains(text, "c_total{v=\"a\\\"b\\\\c\\nd?\",w=\"\"} 1\n"));
	assert_true(str_contains(text, "c_total{v=\"p\\\",w=\\\"q\",w=\"\"} 1\n"));
	assert_true(str_contains(text, "c_total{v=\"p\",w=\"q\"} 1\n"));
	long_value[257] = '\0';
	assert_false(str_contains(text, long_value));
	long_value[256] = '\0';
	assert_true(str_contains(text, long_value));
}

static void test_metrics_series_are_bounded(void **state)
{
	(void)state;
	_cleanup_(metrics_freep) struct metrics *m = metrics_new();
	struct metric *c = metrics_counter(m, "c_total", "C.", "a,b");
	char value[16];
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < METRICS_SERIES_MAX + 200; i++) {
			snprintf(value, sizeof(value), "v%d", i);
			metric_add(c, 1, METRIC_LABELS(value, "x"));
		}
	_cleanup_free_ char *text = scrape(m);
	_cleanup_strv_ char **lines = str_split(text, "\n");
	assert_int_equal(strv_len(lines), 2 + METRICS_SERIES_MAX);
	assert_true(str_contains(text, "c_total{a=\"v998\",b=\"x\"} 2\n"));
	assert_true(str_contains(text, "c_total{a=\"other\",b=\"other\"} 402\n"));
}

static void test_metrics_numbers(void **state)
{
	(void)state;
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0, "g 0\n" },
		{ 0.1, "g 0.1\n" },
		{ 1.0 / 3, "g 0.3333333333333333\n" },
		{ 1234567890123.0, "g 1234567890123\n" },
		{ (double)INFINITY, "g +Inf\n" },
		{ (double)-INFINITY, "g -Inf\n" },
		{ (double)NAN, "g NaN\n" },
	};
	_cleanup_(metrics_freep) struct metrics *m = metrics_new();
	struct metric *g = metrics_gauge(m, "g", "G.", "");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		metric_set(g, cases[i].value, NULL);
		_cleanup_free_ char *text = scrape(m);
		assert_true(str_ends_with(text, cases[i].text));
	}
}

static void collect_something(void *self, struct buf *out)
{
	/* The registry may be used from here. */
	metrics_gauge(self, "late", "Late.", "");
	buf_puts(out, "something 1\n");
}

static void test_metrics_collectors_and_process(void **state)
{
	(void)state;
	_cleanup_(metrics_freep) struct metrics *m = metrics_new();
	metrics_collector(m, collect_something, m);
	metrics_add_process(m);
	_cleanup_free_ char *text = scrape(m);
	assert_true(str_starts_with(text, "something 1\n"));
	static const struct {
		const char *line;
		double min, max;
	} expected[] = {
		{ "\nprocess_resident_memory_bytes ", 100000, 1e10 },
		{ "\nprocess_cpu_seconds_total ", 0.0001, 1000 },
		{ "\nprocess_open_fds ", 2, 1000 },
		{ "\nprocess_start_time_seconds ", 1.6e9, 1e10 },
	};
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const char *at = strstr(text, expected[i].line);
		assert_non_null(at);
		double value = strtod(at + strlen(expected[i].line), NULL);
		if (value < expected[i].min || value > expected[i].max)
			fail_msg("%s%g", expected[i].line, value);
	}
}

static void *count_many(void *arg)
{
	for (int i = 0; i < 5000; i++)
		metric_add(arg, 1, METRIC_LABELS(i % 2 ? "odd" : "even"));
	return NULL;
}

static void test_metrics_from_threads(void **state)
{
	(void)state;
	_cleanup_(metrics_freep) struct metrics *m = metrics_new();
	struct metric *c = metrics_counter(m, "c_total", "C.", "kind");
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		assert_int_equal(thread_start(&threads[i], "counter", count_many, c, NULL), 0);
	free(scrape(m)); /* meanwhile */
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	_cleanup_free_ char *text = scrape(m);
	assert_true(str_contains(text, "c_total{kind=\"odd\"} 10000\n"));
	assert_true(str_contains(text, "c_total{kind=\"even\"} 10000\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_metrics_counter_and_gauge),
		cmocka_unit_test(test_metrics_histogram),
		cmocka_unit_test(test_metrics_histogram_without_labels_starts_at_zero),
		cmocka_unit_test(test_metrics_same_name_is_same_family),
		cmocka_unit_test(test_metrics_escapes_label_values),
		cmocka_unit_test(test_metrics_series_are_bounded),
		cmocka_unit_test(test_metrics_numbers),
		cmocka_unit_test(test_metrics_collectors_and_process),
		cmocka_unit_test(test_metrics_from_threads),
	};
	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
