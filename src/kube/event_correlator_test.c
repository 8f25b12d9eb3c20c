#include "event_correlator.h"

#include "base/str.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct event_decision decide(struct event_correlator *c, const char *object, const char *message, int64_t now_s)
{
	return event_correlator_decide(c, object, "Normal", "Reason", message, now_s * NS_PER_S, (1000 + now_s) * NS_PER_S);
}

static void expect(struct event_correlator *c, const char *message, int64_t now_s, enum event_verdict verdict,
                   int64_t count)
{
	struct event_decision d = decide(c, "obj", message, now_s);
	if (d.verdict != verdict || d.count != count)
		fail_msg("%s at %lld: verdict %d, count %lld", message, (long long)now_s, d.verdict, (long long)d.count);
	if (d.verdict == EVENT_CREATE)
		event_correlator_named(c, d.key, "ev");
	event_decision_clear(&d);
}

static void test_event_correlator_counts_equal_ones(void **state)
{
	(void)state;
	struct event_correlator *c = event_correlator_new();
	expect(c, "a", 0, EVENT_CREATE, 1);
	expect(c, "a", 1, EVENT_COUNT, 2);
	expect(c, "b", 2, EVENT_CREATE, 1);
	struct event_decision d = decide(c, "obj", "a", 3);
	assert_string_equal(d.name, "ev");
	assert_int_equal(d.first_wall_ns, 1000 * NS_PER_S);
	event_decision_clear(&d);
	expect(c, "a", 3 + 601, EVENT_CREATE, 1); /* past the window it is a new one */
	event_correlator_free(c);
}

static void test_event_correlator_begins_anew_when_it_could_not_be_created(void **state)
{
	(void)state;
	struct event_correlator *c = event_correlator_new();
	struct event_decision d = decide(c, "obj", "a", 0);
	event_correlator_named(c, d.key, NULL);
	event_decision_clear(&d);
	expect(c, "a", 1, EVENT_CREATE, 1);
	event_correlator_free(c);
}

static void test_event_correlator_combines_similar_ones(void **state)
{
	(void)state;
	struct event_correlator *c = event_correlator_new();
	for (int i = 0; i < 10; i++) {
		_cleanup_free_ char *message = xasprintf("m%d", i);
		expect(c, message, 0, EVENT_CREATE, 1);
	}
	struct event_decision d = decide(c, "obj", "m10", 1);
	assert_int_equal(d.verdict, EVENT_CREATE);
	assert_string_equal(d.message, "(combined from similar events): m10");
	event_correlator_named(c, d.key, "all");
	event_decision_clear(&d);
	d = decide(c, "obj", "m11", 2);
	assert_int_equal(d.verdict, EVENT_COUNT);
	assert_string_equal(d.name, "all");
	assert_string_equal(d.message, "(combined from similar events): m11");
	event_decision_clear(&d);
	expect(c, "m3", 3, EVENT_COUNT, 2); /* a known one stays what it was */
	event_correlator_free(c);
}

static void test_event_correlator_bounds_a_flood_by_object(void **state)
{
	(void)state;
	struct event_correlator *c = event_correlator_new();
	for (int i = 0; i < EVENT_BURST; i++)
		expect(c, "a", 0, i == 0 ? EVENT_CREATE : EVENT_COUNT, i + 1);
	expect(c, "a", 0, EVENT_DROP, 0);
	struct event_decision other = decide(c, "other", "a", 0);
	assert_int_equal(other.verdict, EVENT_CREATE);
	event_decision_clear(&other);
	expect(c, "a", 299, EVENT_DROP, 0);
	expect(c, "a", 301, EVENT_COUNT, EVENT_BURST + 1);
	expect(c, "a", 302, EVENT_DROP, 0);
	event_correlator_free(c);
}

static void test_event_correlator_memory_is_bounded(void **state)
{
	(void)state;
	struct event_correlator *c = event_correlator_new();
	for (int i = 0; i < EVENT_MEMORY + 100; i++) {
		_cleanup_free_ char *object = xasprintf("o%d", i);
		struct event_decision d = decide(c, object, "a", 0);
		event_correlator_named(c, d.key, "ev");
		event_decision_clear(&d);
	}
	struct event_decision first = decide(c, "o0", "a", 1), last = decide(c, "o4195", "a", 1);
	assert_int_equal(first.verdict, EVENT_CREATE); /* the oldest was forgotten */
	assert_int_equal(last.verdict, EVENT_COUNT);
	event_decision_clear(&first);
	event_decision_clear(&last);
	event_correlator_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_event_correlator_counts_equal_ones),
		cmocka_unit_test(test_event_correlator_begins_anew_when_it_could_not_be_created),
		cmocka_unit_test(test_event_correlator_combines_similar_ones),
		cmocka_unit_test(test_event_correlator_bounds_a_flood_by_object),
		cmocka_unit_test(test_event_correlator_memory_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
