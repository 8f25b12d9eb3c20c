/* Tokens: what is one, who signed it, and when it counts. */
#include "jwt.h"

#include "base/str.h"
#include "codec/base64.h"
#include "net/tls.h"

#include <setjmp.h> /* before cmocka.h, which wants them */
#include <cmocka.h>

static struct sign_key *new_key(void)
{
	_cleanup_free_ char *pem = NULL;
	struct sign_key *k = NULL;

	assert_int_equal(tls_key_new(&pem, NULL), 0);
	assert_int_equal(sign_key_from_pem(pem, &k, NULL), 0);
	return k;
}

static void test_round_trip(void **state)
{
	(void)state;
	_cleanup_(sign_key_unrefp) struct sign_key *k = new_key(), *other = new_key();
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *claims = json_pack("{s:s,s:[s,s],s:I}", "sub", "me", "aud", "a", "b", "exp",
	                                          (json_int_t)2000000000);
	_cleanup_free_ char *token = jwt_issue(k, claims, &err);
	_cleanup_jwt_ struct jwt j = { 0 };

	assert_int_equal(jwt_parse(token, &j, &err), 0);
	assert_true(json_same(j.claims, claims));
	assert_string_equal(j.key_id, sign_key_id(k));
	assert_true(jwt_verify(&j, token, k));
	assert_false(jwt_verify(&j, token, other));
	_cleanup_strv_ char **audiences = jwt_audiences(j.claims);
	assert_int_equal(strv_len(audiences), 2);
}

static char *token_of(const char *header, const char *claims, const char *tail)
{
	_cleanup_free_ char *a = base64url_encode(header, strlen(header)), *b = base64url_encode(claims, strlen(claims));

	return xasprintf("%s.%s.%s", a, b, tail);
}

static void test_not_a_token(void **state)
{
	(void)state;
	static const struct {
		const char *why, *header, *claims, *tail;
	} cases[] = {
		{ "a header that is no object", "[]", "{}", "AA" },
		{ "a header without an algorithm", "{}", "{}", "AA" },
		{ "critical extensions", "{\"alg\":\"ES256\",\"crit\":[\"x\"]}", "{}", "AA" },
		{ "a repeated key", "{\"alg\":\"none\",\"alg\":\"ES256\"}", "{}", "AA" },
		{ "claims that are no object", "{\"alg\":\"ES256\"}", "1", "AA" },
		{ "claims that are no JSON", "{\"alg\":\"ES256\"}", "{", "AA" },
		{ "four parts", "{\"alg\":\"ES256\"}", "{}", "AA.AA" },
		{ "another alphabet", "{\"alg\":\"ES256\"}", "{}", "A+/A" },
		{ "padding", "{\"alg\":\"ES256\"}", "{}", "AA==" },
		{ "a line break", "{\"alg\":\"ES256\"}", "{}", "AA\n" },
	};
	struct jwt j;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		_cleanup_free_ char *token = token_of(cases[i].header, cases[i].claims, cases[i].tail);
		if (jwt_parse(token, &j, &err) != -1)
			fail_msg("%s was taken for a token", cases[i].why);
		assert_int_equal(err.kind, ERR_BAD_REQUEST);
	}
	static const char *const plain[] = { "", ".", "..", "abc", "a.b", "a.b.c.d" };
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		assert_int_equal(jwt_parse(plain[i], &j, NULL), -1);
	_cleanup_free_ char *big = xmalloc(JWT_MAX + 2);
	memset(big, 'a', JWT_MAX + 1);
	big[JWT_MAX + 1] = '\0';
	assert_int_equal(jwt_parse(big, &j, NULL), -1);
}

/* RFC 8725, 2.1: the token does not choose how it is checked. */
static void test_algorithm_is_the_keys(void **state)
{
	(void)state;
	static const char *const headers[] = { "{\"alg\":\"none\"}", "{\"alg\":\"HS256\"}", "{\"alg\":\"RS256\"}",
		                                   "{\"alg\":\"es256\"}" };
	_cleanup_(sign_key_unrefp) struct sign_key *k = new_key();

	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		_cleanup_free_ char *text = token_of(headers[i], "{}", "");
		_cleanup_free_ unsigned char *signature = NULL;
		size_t len;
		_cleanup_jwt_ struct jwt j = { 0 };
		assert_int_equal(sign_data(k, text, strlen(text) - 1, &signature, &len, NULL), 0);
		_cleanup_free_ char *tail = base64url_encode(signature, len), *token = xasprintf("%s%s", text, tail);
		assert_int_equal(jwt_parse(token, &j, NULL), 0);
		assert_false(jwt_verify(&j, token, k));
	}
}

static void test_times(void **state)
{
	(void)state;
	static const struct {
		const char *why, *claims;
		int64_t now;
		enum jwt_time wanted;
	} cases[] = {
		{ "no times", "{}", 1000, JWT_VALID },
		{ "before its end", "{\"exp\":1001}", 1000, JWT_VALID },
		{ "after its end, within the leeway", "{\"exp\":1000}", 1060, JWT_VALID },
		{ "after its end", "{\"exp\":1000}", 1061, JWT_EXPIRED },
		{ "an end that is no number", "{\"exp\":\"9999\"}", 1000, JWT_EXPIRED },
		{ "a fraction", "{\"exp\":1000.5}", 1060, JWT_VALID },
		{ "before its beginning, within the leeway", "{\"nbf\":1060}", 1000, JWT_VALID },
		{ "before its beginning", "{\"nbf\":1061}", 1000, JWT_NOT_YET },
		{ "a beginning that is no number", "{\"nbf\":{}}", 1000, JWT_NOT_YET },
		{ "issued later", "{\"iat\":1061}", 1000, JWT_FROM_THE_FUTURE },
		{ "issued a little later", "{\"iat\":1059}", 1000, JWT_VALID },
		{ "an end before the epoch", "{\"exp\":-1}", 1000, JWT_EXPIRED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *claims = json_parse(cases[i].claims, strlen(cases[i].claims), 0, NULL);
		assert_non_null(claims);
		if (jwt_check_time(claims, cases[i].now) != cases[i].wanted)
			fail_msg("%s: %d", cases[i].why, jwt_check_time(claims, cases[i].now));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_not_a_token),
		cmocka_unit_test(test_algorithm_is_the_keys),
		cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
