/* What a list is asked for: the first line is a query, the second an Accept header, the third a continue token. Beyond
 * not crashing: what is refused says why, and a token that is understood is written and read back the same. */
#include "apiserver/rest/continue_token.h"
#include "base/str.h"
#include "kube/selector.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void try_options(const char *query)
{
	static const char *const verbs[] = { "list", "watch", "get", "create", "update", "patch", "deletecollection" };
	_cleanup_err_ struct err err = { 0 };
	struct api_options o;
	uint64_t version;

	api_options_parse(query, &o);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		const char *kind = NULL;
		int r = api_options_check(verbs[i], &o, &kind, &err);
		require((err.kind == ERR_INVALID) == (kind != NULL) && (r < 0) == err_is_set(&err));
		require(r == 0 || err.kind == ERR_BAD_REQUEST || err.causes_len > 0);
		err_clear(&err);
	}
	const char *kind = NULL;
	require((api_options_check_delete(&o, &kind, &err) < 0) == (kind != NULL));
	err_clear(&err);
	if (api_options_version(o.resource_version, &version, &err) < 0)
		require(err.kind == ERR_UNKNOWN);
	else
		require(version <= INT64_MAX);
	kube_selector_free(o.label_selector ? kube_selector_parse_labels(o.label_selector, NULL) : NULL);
	kube_selector_free(o.field_selector ? kube_selector_parse_fields(o.field_selector, NULL) : NULL);
	api_options_clear(&o);
}

static void try_accept(const char *accept)
{
	for (unsigned forms = 0; forms < 32; forms++) {
		_cleanup_err_ struct err err = { 0 };
		struct api_accept a;
		if (api_accept_parse(accept, forms, &a, &err) == 0)
			require(a.form == FORM_OBJECT || forms & (1u << a.form));
		else
			require(err.kind == ERR_NOT_ACCEPTABLE);
	}
}

static void try_token(const char *text, const char *scope)
{
	_cleanup_err_ struct err err = { 0 };
	_cleanup_(continue_token_clear) struct continue_token t = { 0 }, again = { 0 };

	if (continue_token_read(text, scope, &t, &err) < 0) {
		require(err.kind == ERR_BAD_REQUEST && str_starts_with(err_message(&err), "invalid continue token: "));
		return;
	}
	require(t.version != 0 && t.ns && t.name && (!scope || strcmp(t.ns, scope) == 0));
	if (!scope && (!*t.ns || !*t.name))
		return; /* half a key: no list ends with it */
	_cleanup_free_ char *written = continue_token_write(t.version, t.ns, t.name, scope);
	require(continue_token_read(written, scope, &again, NULL) == 0);
	require(again.version == t.version && strcmp(again.ns, t.ns) == 0 && strcmp(again.name, t.name) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xstrndup((const char *)data, size);
	char *accept = strchr(text, '\n'), *token = accept ? strchr(accept + 1, '\n') : NULL;

	if (!token)
		return 0;
	*accept++ = *token++ = '\0';
	try_options(text);
	try_accept(accept);
	try_token(token, NULL);
	try_token(token, "ns");
	return 0;
}
