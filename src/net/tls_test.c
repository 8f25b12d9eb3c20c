#include "net/tls.h"

#include "base/clock.h"
#include "base/str.h"
#include "tls_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#define NAMES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static gnutls_x509_crt_t parse(const char *pem)
{
	gnutls_x509_crt_t crt;
	gnutls_datum_t d = tls_datum(pem);

	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	assert_int_equal(gnutls_x509_crt_import(crt, &d, GNUTLS_X509_FMT_PEM), 0);
	return crt;
}

static void test_tls_ca_may_only_sign_leaves(void **state)
{
	struct tls_pair ca;
	unsigned critical, usage, is_ca;
	int path_len;

	(void)state;
	assert_int_equal(tls_ca_new("test-ca", 10, &ca, NULL), 0);

	gnutls_x509_crt_t crt = parse(ca.cert_pem);

	assert_true(gnutls_x509_crt_get_basic_constraints(crt, &critical, &is_ca, &path_len) >= 0);
	assert_true(is_ca);
	assert_int_equal(path_len, 0);
	assert_int_equal(gnutls_x509_crt_get_key_usage(crt, &usage, &critical), 0);
	assert_int_equal(usage, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
	gnutls_x509_crt_deinit(crt);
	tls_pair_clear(&ca);
	assert_null(ca.key_pem);
}

static void test_tls_cert_is_usable_for_what_it_was_issued(void **state)
{
	struct tls_pair ca, pair;
	struct tls_cert_spec spec = {
		.common_name = "server",
		.organizations = NAMES("one", "two"),
		.names = NAMES("localhost", "10.0.0.1", "::1"),
		.days = 5,
		.server = true,
	};
	char text[256];
	size_t size = sizeof(text);

	(void)state;
	assert_int_equal(tls_ca_new("test-ca", 10, &ca, NULL), 0);
	assert_int_equal(tls_cert_issue(&ca, &spec, &pair, NULL), 0);

	gnutls_x509_crt_t crt = parse(pair.cert_pem);

	assert_true(gnutls_x509_crt_check_hostname(crt, "localhost"));
	assert_true(gnutls_x509_crt_check_hostname(crt, "10.0.0.1"));
	assert_false(gnutls_x509_crt_check_hostname(crt, "10.0.0.2"));
	assert_true(gnutls_x509_crt_check_key_purpose(crt, GNUTLS_KP_TLS_WWW_SERVER, 0));
	assert_false(gnutls_x509_crt_check_key_purpose(crt, GNUTLS_KP_TLS_WWW_CLIENT, 0));
	assert_int_equal(gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, 1, 0, text, &size), 0);
	assert_string_equal(text, "two");
	gnutls_x509_crt_deinit(crt);
	tls_pair_clear(&pair);
	tls_pair_clear(&ca);
}

static void test_tls_cert_expiry(void **state)
{
	struct tls_pair ca;
	int64_t now = clock_wall_ns() / NS_PER_S;

	(void)state;
	assert_int_equal(tls_ca_new("test-ca", 3, &ca, NULL), 0);
	assert_in_range(tls_cert_expiry(ca.cert_pem), now + 3 * 86400 - 60, now + 3 * 86400 + 60);
	assert_true(tls_cert_expiry("") < 0);
	assert_true(tls_cert_expiry(ca.key_pem) < 0);
	ca.cert_pem[60] = '!';
	assert_true(tls_cert_expiry(ca.cert_pem) < 0);
	tls_pair_clear(&ca);
}

static void test_tls_cert_matches(void **state)
{
	struct tls_pair ca, other, pair;
	struct tls_cert_spec spec = { .common_name = "cn.example",
		                          .names = NAMES("a.example", "127.0.0.1", "fe80::1"),
		                          .days = 5 };

	(void)state;
	assert_int_equal(tls_ca_new("test-ca", 10, &ca, NULL), 0);
	assert_int_equal(tls_ca_new("test-ca", 10, &other, NULL), 0); /* same name, other key */
	assert_int_equal(tls_cert_issue(&ca, &spec, &pair, NULL), 0);

	assert_true(tls_cert_matches(pair.cert_pem, ca.cert_pem, NULL));
	assert_true(tls_cert_matches(pair.cert_pem, ca.cert_pem, NAMES("A.example", "127.0.0.1", "fe80:0::1")));
	assert_false(tls_cert_matches(pair.cert_pem, ca.cert_pem, NAMES("a.example", "b.example")));
	assert_false(tls_cert_matches(pair.cert_pem, ca.cert_pem, NAMES("cn.example"))); /* a common name is no host name */
	assert_false(tls_cert_matches(pair.cert_pem, ca.cert_pem, NAMES("127.0.0.2")));
	assert_false(tls_cert_matches(pair.cert_pem, other.cert_pem, NULL));
	assert_false(tls_cert_matches("garbage", ca.cert_pem, NULL));
	assert_false(tls_cert_matches(pair.cert_pem, "garbage", NULL));
	tls_pair_clear(&pair);
	tls_pair_clear(&other);
	tls_pair_clear(&ca);
}

static void test_tls_cert_issue_refuses(void **state)
{
	struct tls_pair ca, pair = { 0 };
	char long_name[300];
	const struct {
		struct tls_cert_spec spec;
		const char *reason;
	} cases[] = {
		{ { .common_name = "", .days = 1 }, "no name" },
		{ { .common_name = long_name, .days = 1 }, "a name longer than the standard allows" },
		{ { .common_name = "x", .days = 0 }, "no time" },
		{ { .common_name = "x", .days = 1000000 }, "longer than the date format can say" },
		{ { .common_name = "x", .days = 1, .names = NAMES("") }, "an empty alternative name" },
		{ { .common_name = "x", .days = 1, .names = NAMES(long_name) }, "no host name is that long" },
	};

	(void)state;
	memset(long_name, 'a', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(tls_ca_new("test-ca", 10, &ca, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err e = { 0 };

		print_message("%s\n", cases[i].reason);
		assert_int_equal(tls_cert_issue(&ca, &cases[i].spec, &pair, &e), -1);
		assert_int_equal(e.kind, ERR_INVALID);
		assert_null(pair.cert_pem);
		err_clear(&e);
	}

	struct err e = { 0 };
	struct tls_pair broken = { .cert_pem = ca.cert_pem, .key_pem = ca.cert_pem };

	assert_int_equal(tls_cert_issue(&broken, &(struct tls_cert_spec){ .common_name = "x", .days = 1 }, &pair, &e), -1);
	assert_non_null(strstr(e.message, "private key"));
	err_clear(&e);
	tls_pair_clear(&ca);
}

static void test_tls_random_differs(void **state)
{
	char *a = tls_random_hex(16);
	char *b = tls_random_hex(16);
	char *none = tls_random_hex(0);

	(void)state;
	assert_int_equal(strlen(a), 32);
	assert_int_equal(strspn(a, "0123456789abcdef"), 32);
	assert_string_not_equal(a, b);
	assert_string_equal(none, "");
	free(a);
	free(b);
	free(none);
}

static void test_tls_key_new_is_p256(void **state)
{
	char *pem;
	gnutls_x509_privkey_t key;

	(void)state;
	assert_int_equal(tls_key_new(&pem, NULL), 0);

	gnutls_datum_t d = { .data = (unsigned char *)pem, .size = (unsigned)strlen(pem) };
	gnutls_ecc_curve_t curve;

	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_privkey_import(key, &d, GNUTLS_X509_FMT_PEM), 0);
	assert_int_equal(gnutls_x509_privkey_export_ecc_raw(key, &curve, NULL, NULL, NULL), 0);
	assert_int_equal(curve, GNUTLS_ECC_CURVE_SECP256R1);
	gnutls_x509_privkey_deinit(key);
	free(pem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tls_ca_may_only_sign_leaves),
		cmocka_unit_test(test_tls_cert_is_usable_for_what_it_was_issued),
		cmocka_unit_test(test_tls_cert_expiry),
		cmocka_unit_test(test_tls_cert_matches),
		cmocka_unit_test(test_tls_cert_issue_refuses),
		cmocka_unit_test(test_tls_random_differs),
		cmocka_unit_test(test_tls_key_new_is_p256),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
