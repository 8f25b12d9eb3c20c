/* URL and ref of a repository, as users write them: the first byte holds the policy, a NUL parts URL from ref. */

#include "git/git.h"

#include "base/str.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void require_printable(const char *s)
{
	for (; *s; s++)
		require((unsigned char)*s >= 0x20 && *s != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct git_credentials credentials = { .token = "t", .ssh_private_key = "k", .known_hosts = "h" };
	_cleanup_err_ struct err err = { 0 };

	if (size == 0)
		return 0;
	_cleanup_free_ char *text = xstrndup((const char *)data + 1, size - 1);
	size_t url_len = strlen(text);
	_cleanup_free_ char *ref = url_len + 1 < size - 1 ? xstrndup((const char *)data + url_len + 2, size - url_len - 2)
	                                                  : NULL;
	_cleanup_free_ char *shown = git_url_redact(text);
	struct git_source source = {
		.url = text, .ref = ref, .credentials = &credentials, .allow_local = data[0] & 1, .allow_http = data[0] & 2
	};

	require_printable(shown);
	if (git_source_check(&source, &err) < 0) {
		require(err.terminal && err.kind == ERR_INVALID);
		require_printable(err_message(&err));
		return 0;
	}
	require_printable(text);
	require(text[0] != '-' && (!ref || ref[0] != '-'));
	require(source.allow_local || (text[0] != '/' && strncasecmp(text, "file:", 5) != 0));
	require(source.allow_http || strncasecmp(text, "http:", 5) != 0);
	if (ref)
		require_printable(ref);
	return 0;
}
