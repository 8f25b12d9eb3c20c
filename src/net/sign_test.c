/* Signatures: what is signed verifies, and nothing else does. The RSA key and its signature are RFC 7515's example A.2,
 * the elliptic one A.3: what other implementations make is accepted. */
#include "net/sign.h"

#include "base/str.h"
#include "codec/base64.h"
#include "net/tls.h"

#include <setjmp.h> /* before cmocka.h, which wants them */
#include <cmocka.h>

static struct sign_key *new_key(void)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_free_ char *pem = NULL;
	struct sign_key *k = NULL;

	assert_int_equal(tls_key_new(&pem, &err), 0);
	if (sign_key_from_pem(pem, &k, &err) < 0)
		fail_msg("%s", err_message(&err));
	return k;
}

/* Many times: r and s that begin with zeros come up once in a few hundred. */
static void test_sign_and_verify(void **state _unused_)
{
	_cleanup_(sign_key_unrefp) struct sign_key *k = new_key(), *other = new_key();

	assert_true(sign_key_can_sign(k));
	assert_string_equal(sign_key_algorithm(k), "ES256");
	assert_string_not_equal(sign_key_id(k), sign_key_id(other));
	for (int i = 0; i < 600; i++) {
		_cleanup_err_ struct err err = { 0 };
		_cleanup_free_ unsigned char *signature = NULL;
		_cleanup_free_ char *text = xasprintf("message %d", i);
		size_t len = 0;
		assert_int_equal(sign_data(k, text, strlen(text), &signature, &len, &err), 0);
		assert_int_equal(len, 64);
		assert_true(sign_verify(k, text, strlen(text), signature, len));
		assert_false(sign_verify(k, text, strlen(text), signature, len - 1));
		assert_false(sign_verify(k, text, strlen(text) - 1, signature, len));
		signature[i % 64] ^= 1;
		assert_false(sign_verify(k, text, strlen(text), signature, len));
		signature[i % 64] ^= 1;
		if (i < 10)
			assert_false(sign_verify(other, text, strlen(text), signature, len));
	}
	static const unsigned char zeros[64];
	assert_false(sign_verify(k, "x", 1, zeros, sizeof(zeros)));
}

/* RFC 7515, A.3. */
static void test_foreign_signature(void **state _unused_)
{
	static const char *const pem = "-----BEGIN PUBLIC KEY-----\n"
								   "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEf83OJ3D2xF1Bg8vub9tLe1gHMzV7\n"
								   "6e8Tus9uPHvRVEXH8UTNG72bfocs3+257rn0s2ldbqkLJK2KRiMohYjlrQ==\n"
								   "-----END PUBLIC KEY-----\n";
	static const char *const text =
		"eyJhbGciOiJFUzI1NiJ9."
		"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
	static const char *const signature_text =
		"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
	_cleanup_err_ struct err err = { 0 };
	_cleanup_(sign_key_unrefp) struct sign_key *k = NULL;
	size_t len = 0;
	_cleanup_free_ char *signature = base64url_decode(signature_text, strlen(signature_text), &len);

	if (sign_key_from_pem(pem, &k, &err) < 0)
		fail_msg("%s", err_message(&err));
	assert_false(sign_key_can_sign(k));
	assert_true(sign_verify(k, text, strlen(text), (const unsigned char *)signature, len));
	_cleanup_json_ json_t *jwk = sign_key_jwk(k);
	assert_string_equal(json_get_str(jwk, "x"), "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU");
	assert_string_equal(json_get_str(jwk, "y"), "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
	assert_string_equal(json_get_str(jwk, "kid"), sign_key_id(k));
	unsigned char *made;
	assert_int_equal(sign_data(k, "x", 1, &made, &len, NULL), -1);
}

/* Made by OpenSSL. */
static void test_rsa(void **state _unused_)
{
	static const char *const pem = "-----BEGIN RSA PRIVATE KEY-----\n"
								   "MIIEowIBAAKCAQEAonXjYUqPWOO+EshmF/KRytjj3y6O2pYUYVSZXF0+uqmk8tJz\n"
								   "a5grYqfgFr/3GneFgURSrWMXsfstd+p+1j5AjsT7gE/r3smR9lCyDt57CxxJwwwl\n"
								   "qgv3xOiNe8GZyfQDxg6oGdY3q+OJJxSdWE8oiBPSFs2t0x0THHW/9osaHGMmrzuz\n"
								   "aJq8qNTHMpWq1Jq+52FgGkaKnk/+90s0L0Oam3QL8nJAJ4Yxli3vtqD1/956Fbks\n"
								   "R9ppM96nmZw8oXVtUWyIDsHe6JGx6coBAun7Ru332gqToV0PWZUIF0SxPKD/tl6c\n"
								   "ImsZXGgEuI7TI2QZbSC8Cf8NqXgksY8AJh6PowIDAQABAoIBAE6Gl/z3Wpl3H3EZ\n"
								   "v0tU+sZnFqHSccdTIo+3IhfElGUKScn7EkIP/+yEQ2sLp8d5vSSx3xqi2pmzVJNx\n"
								   "W5R366F2sjAfsV1y5eP+tko8nJHOvxKRpQTwGvdpBrYqaoj0svxBKlyusCMb7Lfg\n"
								   "nXtJa8h2eCaAjUQNeibX/Y0QSHMuboCx05kiqiOEArWq521zH2opHN0DOXauA/3M\n"
								   "lyOwbBkLrGEMiayz09MTyIx2hxgJECWqV1W+afKvCWgJC/z7zMV5algrUjVSooM7\n"
								   "4NAXZH0I9KciLInkv2Ij0q6LVi9q/fEKaHaPbZxdxyKRhWa94HWnK11i9Rk3WxxS\n"
								   "qUTc0E0CgYEA1AIHBj8rmNjfC9+SvpITEqncueZMD7H63GpC/AZcUilQ9YLHAbZb\n"
								   "XhLt+Z9SP0zVtzFNMRcFO4G9k/MrovMcdLis4lC04oQz+NURHNM2hmdWqQZoe/qQ\n"
								   "H3foM/Xh++Di8b79JawsO+k9Nz2/CXPkcXueOT5HdUxjIvI4/vTm690CgYEAxCvg\n"
								   "L8MqVQ4gDW0gLUzwP3EJgxWH59mG9roKgs5LNS8Zai2rHemMadtM5QZrsXptLQMN\n"
								   "+1waUmF48xsH/3h8hfmuFXjDW1oXgS7B6v7FLbJX7oPtYbzYKwKmWD843Wl4qhNK\n"
								   "jDrCSLycvjHmTIe1GNU3MyUDuPZ215rycc2PcX8CgYAXyIJxOPTzGKEs+8/CgTCS\n"
								   "j2urjyJJQHYb8++/xhblQK1MXXdlwcdOLmFz92OKplvzSRyXvTVhD5Ts3AKxLQSs\n"
								   "M2txmAwyvRH3gC+DRE6BlWYrYASoo9s3LIRoD9ViJEBRTlOnvkDYF7o+UDb2IIIo\n"
								   "GO4PDeWGSyNz8ChksaSWIQKBgQCPXeGCBogxkRkrts0FTm1mcB4bhujEMN3KAz0b\n"
								   "S9j7DWjtiGK+gaj01CjmWELseiS/+LOHOFCkVEgoo2C8/DlFUKxBVPixEq6K4rkm\n"
								   "HPvN4cERt6kM/Q6eoFkhtVLBvgtJgL/CrE7BCdcjySQeWi+n7mthHXQTAUzpVXxK\n"
								   "X4it0QKBgAgg8/TSQNMkXxiSbPo9TDrTXDbv2IumUwW94JY0n7VGBD9BCVGgR5xD\n"
								   "ATf0LK48+yUHebE4u+VtIxu7V7hZwwPs2RNWnZrhWm5Q2yei2nE/hn4XX9jxsRiA\n"
								   "U5Onb94iy39K8izHnhjHgs2AgQoZi+/PIM0e8xvEs/eTyW+PH5oc\n"
								   "-----END RSA PRIVATE KEY-----\n";
	static const char *const signature_text =
		"JMFdGezRANI3oAmicoAlVdj-ADpXkdOZDZKnpM20pHiRf0u_e3dDmelXXSX-nmNKBqDLPxDkGwgGvE8e-"
		"5q7CNdLG7jdq0nTHLaFXgS07dZ77X6QIvUQlj5OsgycQTstlhUDjUa1btwTk8H8D9W1Unzd8tiU9M5yz7_roqukrvwxgcG_W3a-"
		"IzRZ3vkGg0u5pfucD2MhiDqvciy2RaiEbqMVAO7IQtXrowhwxVWhmqpAx6gnrYaWyuZmaZinmFFWvu5xXzdB8SfS17h7MZ-"
		"gOtlW7dmeu8eDF7FIDAyHFZpiphwu71mTLj71X5xwZ4NNyGknBSCL9GBM_0jI4Cl5fg";
	_cleanup_err_ struct err err = { 0 };
	_cleanup_(sign_key_unrefp) struct sign_key *k = NULL;
	size_t len = 0;
	_cleanup_free_ char *signature = base64url_decode(signature_text, strlen(signature_text), &len);

	if (sign_key_from_pem(pem, &k, &err) < 0)
		fail_msg("%s", err_message(&err));
	assert_string_equal(sign_key_algorithm(k), "RS256");
	assert_true(sign_verify(k, "a message", 9, (const unsigned char *)signature, len));
	assert_false(sign_verify(k, "A message", 9, (const unsigned char *)signature, len));
	_cleanup_free_ unsigned char *own = NULL;
	size_t own_len = 0;
	assert_int_equal(sign_data(k, "x", 1, &own, &own_len, &err), 0);
	assert_int_equal(own_len, 256);
	assert_true(sign_verify(k, "x", 1, own, own_len));
	_cleanup_json_ json_t *jwk = sign_key_jwk(k);
	assert_string_equal(json_get_str(jwk, "kty"), "RSA");
	assert_string_equal(json_get_str(jwk, "e"), "AQAB");
}

static void test_unfit_keys(void **state _unused_)
{
	static const char *const bad[] = {
		"",
		"no key",
		"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		/* ECDSA over P-384 */
		"-----BEGIN PUBLIC KEY-----\n"
		"MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEnqcDc74qE/Cpbz7Q5HwmMVajqbtnoSqr\n"
		"0qdEHwIGdeXI4rCk5Nigvv/oFWw4DSWQyCevn9ikquFjZZMAEAXUxpsXCkQnQN8b\n"
		"sg0GY2baPgvruT8AhQpTP5VReZi+eD0t\n"
		"-----END PUBLIC KEY-----\n",
		/* RSA of 1024 bits */
		"-----BEGIN PUBLIC KEY-----\n"
		"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDRjKw1t2se/I/12P34t9/GBisk\n"
		"yy1+/n4QOXsWcem9dohSHjmjqVHQ0ByaLle2tq1HkJc06s8ewmh60zU3AYIXTzXy\n"
		"BfqsVDlmW3PgW2pmk2Gf2svsRLJpoU+RRyOdf0CSId6j9bcYAc84fvv0Tt/c2mfl\n"
		"r6OmckrI1o2IPXDbPQIDAQAB\n"
		"-----END PUBLIC KEY-----\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_err_ struct err err = { 0 };
		struct sign_key *k;
		assert_int_equal(sign_key_from_pem(bad[i], &k, &err), -1);
		assert_int_equal(err.kind, ERR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign_and_verify),
		cmocka_unit_test(test_foreign_signature),
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_unfit_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
