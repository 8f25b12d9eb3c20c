#include "http_peers.h"

#include <arpa/inet.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct http_peer peer_of(const char *text)
{
	union http_address a = { .any.sa_family = strchr(text, ':') ? AF_INET6 : AF_INET };

	assert_int_equal(inet_pton(a.any.sa_family, text,
	                           a.any.sa_family == AF_INET ? (void *)&a.in.sin_addr : (void *)&a.in6.sin6_addr),
	                 1);
	return http_peer_of(&a);
}

static void test_http_peers_tells_clients_apart(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "10.0.0.1", "10.0.0.1", true },
		{ "10.0.0.1", "10.0.0.2", false },
		{ "10.0.0.1", "::ffff:10.0.0.1", true },     /* over a socket for both */
		{ "2001:db8::1", "2001:db8::ffff:1", true }, /* one network */
		{ "2001:db8::1", "2001:db8:0:1::1", false },
		{ "0.0.0.0", "2001:db8::", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_peer a = peer_of(cases[i].a), b = peer_of(cases[i].b);
		assert_int_equal(memcmp(&a, &b, sizeof(a)) == 0, cases[i].same);
	}
}

static void test_http_peers_counts(void **state)
{
	struct http_peers *p = http_peers_new(2), *unlimited = http_peers_new(0);
	struct http_peer a = peer_of("10.0.0.1"), b = peer_of("10.0.0.2");

	(void)state;
	assert_true(http_peers_enter(p, &a));
	assert_true(http_peers_enter(p, &a));
	assert_false(http_peers_enter(p, &a));
	assert_true(http_peers_enter(p, &b));
	http_peers_leave(p, &a);
	assert_true(http_peers_enter(p, &a));
	assert_false(http_peers_enter(p, &a));
	http_peers_leave(p, &a);
	http_peers_leave(p, &a);
	assert_true(http_peers_enter(p, &a));
	for (int i = 0; i < 1000; i++)
		assert_true(http_peers_enter(unlimited, &a));
	http_peers_free(p);
	http_peers_free(unlimited);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_peers_tells_clients_apart),
		cmocka_unit_test(test_http_peers_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
