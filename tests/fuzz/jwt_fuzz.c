/* Tokens as they come with requests. Beyond not crashing: what is taken apart lies within the text, no key of ours has
 * signed it, times are decided the same twice, and claims that were read can be signed and read again. */

#include "auth/jwt.h"
#include "base/str.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A P-256 key that signs nothing else. */
static const char *const PEM = "-----BEGIN PRIVATE KEY-----\n"
							   "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n"
							   "OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n"
							   "1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n"
							   "-----END PRIVATE KEY-----\n";

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void sign_again(const struct sign_key *key, const json_t *claims)
{
	_cleanup_free_ char *token = jwt_issue(key, claims, NULL);
	_cleanup_jwt_ struct jwt again = { 0 };

	require(token != NULL);
	if (strlen(token) > JWT_MAX)
		return;
	require(jwt_parse(token, &again, NULL) == 0);
	require(jwt_verify(&again, token, key));
	require(json_same(again.claims, claims));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sign_key *key;
	_cleanup_free_ char *token = xmalloc(size + 1);
	_cleanup_jwt_ struct jwt jwt = { 0 };
	struct err err = { 0 };

	if (!key)
		require(sign_key_from_pem(PEM, &key, NULL) == 0);
	memcpy(token, data, size);
	token[size] = '\0';
	if (jwt_parse(token, &jwt, &err) < 0) {
		require(err.kind == ERR_BAD_REQUEST);
		err_clear(&err);
		return 0;
	}
	require(jwt.signed_len < strlen(token) && token[jwt.signed_len] == '.');
	require(json_is_object(jwt.claims) && jwt.algorithm);
	require(!jwt_verify(&jwt, token, key));
	require(jwt_check_time(jwt.claims, 1000) == jwt_check_time(jwt.claims, 1000));
	strv_free(jwt_audiences(jwt.claims));
	sign_again(key, jwt.claims);
	return 0;
}
