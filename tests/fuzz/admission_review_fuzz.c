/* Answers of webhooks. Beyond not crashing: what is taken for an answer is one (a denial becomes a Status that clients
 * can read, with a code from 400 to 599 that names the webhook), and a patch that is accepted came with its type. */

#include "admission/webhook.h"
#include "base/str.h"

#include <stdint.h>

#define UID "705ab4f5-6393-11e8-b7cc-42010a800002"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_denial(const json_t *status)
{
	_cleanup_json_ json_t *denial = webhook_denial("hook.example.org", status);
	int64_t code = json_get_int(denial, "code", 0);

	require(code >= 400 && code <= 599);
	require(
		str_starts_with(json_get_str(denial, "message"), "admission webhook \"hook.example.org\" denied the request"));
	require(str_eq(json_get_str(denial, "status"), "Failure"));
}

static void check(const json_t *answer, const char *version, bool mutating)
{
	_cleanup_err_ struct err err = { 0 };
	struct webhook_verdict v = { 0 };

	if (webhook_review_verdict(answer, version, mutating, UID, &v, &err) < 0) {
		require(err.kind == ERR_BAD_REQUEST && *err_message(&err));
		return;
	}
	require(!v.warnings || json_is_array(v.warnings));
	require(!v.annotations || json_is_object(v.annotations));
	require(!v.patch || mutating);
	if (str_eq(version, "v1")) {
		require(str_eq(json_str_at(answer, "response", "uid", NULL), UID));
		require(!v.patch || str_eq(json_str_at(answer, "response", "patchType", NULL), "JSONPatch"));
	}
	if (!v.allowed)
		check_denial(v.status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_json_ json_t *answer = json_parse((const char *)data, size, 0, NULL);

	if (!answer)
		return 0;
	check(answer, "v1", true);
	check(answer, "v1", false);
	check(answer, "v1beta1", true);
	return 0;
}
