/* URLs, percent coding and queries: what is accepted must mean the same after it was taken apart and put together. */

#include "net/http.h"

#include "base/str.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool condition)
{
	if (!condition)
		abort();
}

static void try_url(const char *text)
{
	struct http_url url = { 0 };
	struct http_url again = { 0 };
	struct err err = { 0 };

	if (http_url_parse(text, &url, &err) < 0) {
		check(err.kind == ERR_BAD_REQUEST);
		check(!url.scheme && !url.host && !url.path);
		err_clear(&err);
		return;
	}
	check(url.port >= 0 && url.port <= 65535);
	check(url.path[0] == '/');
	check(strpbrk(url.host, "/?#@\\ %") == NULL);

	bool ipv6 = strchr(url.host, ':') != NULL;
	char *port = url.port ? xasprintf(":%d", url.port) : xstrdup("");
	char *back = xasprintf("%s://%s%s%s%s%s%s%s", url.scheme, ipv6 ? "[" : "", url.host, ipv6 ? "]" : "", port,
	                       url.path, url.query ? "?" : "", url.query ? url.query : "");

	/* the longest URLs may grow past the maximum by the port's default */
	if (http_url_parse(back, &again, NULL) == 0) {
		check(str_eq(again.host, url.host) && again.port == url.port);
		check(str_eq(again.path, url.path) && str_eq(again.query, url.query));
	} else {
		check(strlen(back) > 60000);
	}
	free(port);
	free(back);
	http_url_clear(&again);
	http_url_clear(&url);
}

static void try_escape(const char *text)
{
	struct buf query = BUF_INIT(SIZE_MAX);
	char *decoded = xstrdup(text);
	char *value;

	if (http_unescape(decoded, false))
		check(strlen(decoded) <= strlen(text));
	free(decoded);

	buf_puts(&query, "first=1&v=");
	http_escape(&query, text);
	buf_puts(&query, "&last=2");
	value = http_query_get(buf_str(&query), "v");
	check(str_eq(value, text));
	free(value);
	buf_clear(&query);
}

static void try_query(const char *text)
{
	static const char *const names[] = { "watch", "a", "", "labelSelector" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		free(http_query_get(text, names[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xstrndup((const char *)data, size);

	try_url(text);
	try_escape(text);
	try_query(text);
	free(text);
	return 0;
}
