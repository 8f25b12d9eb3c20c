/* Bodies of requests to the API: protobuf forms and the search for repeated fields. */
#include "apiserver/wire/duplicates.h"
#include "apiserver/wire/proto.h"
#include "base/str.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void try_protobuf(const char *data, size_t size)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *v = proto_decode(data, size, &err);

	check((v != NULL) != err_is_set(&err));
	if (!v)
		return;
	/* Whatever came in: the result can be written and read again. */
	_cleanup_free_ char *text = json_to_str(v);
	_cleanup_json_ json_t *again = json_parse(text, strlen(text), JSON_STRICT_KEYS, NULL);
	check(again && json_equal(v, again));
}

static void try_duplicates(const char *data, size_t size)
{
	_cleanup_json_ json_t *strict = json_parse(data, size, JSON_STRICT_KEYS, NULL);
	_cleanup_json_ json_t *lax = json_parse(data, size, 0, NULL);
	_cleanup_strv_ char **found = json_duplicate_fields(data, size);

	/* The parser compares keys after unescaping, the search before: it may miss some, but never invents one. */
	if (strict)
		check(found == NULL);
	if (found && lax)
		check(strict == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *copy = xmemdup(data, size); /* no terminator: reading past the end is seen */

	try_protobuf(copy, size);
	try_duplicates(copy, size);
	return 0;
}
