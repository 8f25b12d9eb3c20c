#include "probe_http.h"

#include "base/str.h"
#include "net/http.h"

#include <stdio.h>
#include <strings.h>

char *probe_http_request(const char *path, const char *host)
{
	return xasprintf("GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: scia-health-check\r\nAccept: */*\r\nConnection: "
	                 "close\r\n\r\n",
	                 path, host ? host : "localhost");
}

/* The value of a header in the block, up to its line's end; NULL when it is not there (free()). */
static char *find_header(const char *block, const char *name)
{
	size_t len = strlen(name);
	for (const char *line = strchr(block, '\n'); line; line = strchr(line, '\n')) {
		line++;
		if (strncasecmp(line, name, len) != 0 || line[len] != ':')
			continue;
		_cleanup_free_ char *value = xstrndup(line + len + 1, strcspn(line + len + 1, "\r\n"));
		return xstrdup(str_strip(value));
	}
	return NULL;
}

/* The path when the location is one of the same application: relative, or on loopback without encryption. */
static char *local_path(const char *location)
{
	_cleanup_err_ struct err ignored = { 0 };
	struct http_url url = { 0 };
	char *path = NULL;
	if (location[0] == '/' && location[1] != '/')
		return xstrdup(location);
	if (http_url_parse(location, &url, &ignored) < 0)
		return NULL;
	if (str_eq(url.scheme, "http") && (str_eq(url.host, "localhost") || str_eq(url.host, "127.0.0.1")))
		path = url.query ? xasprintf("%s?%s", url.path, url.query) : xstrdup(url.path);
	http_url_clear(&url);
	return path;
}

static bool is_complete(const char *answer)
{
	return strstr(answer, "\r\n\r\n") || strstr(answer, "\n\n");
}

enum probe_verdict probe_http_judge(const char *data, size_t len, bool is_end, int *ret_status, char **ret_path)
{
	_cleanup_free_ char *answer = xstrndup(data, len);
	int status;

	if (!strchr(answer, '\n') && !is_end)
		return PROBE_MORE;
	if (sscanf(answer, "HTTP/1.%*1d %3d", &status) != 1)
		return PROBE_NO_HTTP;
	if (status < 300 || status > 399) {
		*ret_status = status;
		return status >= 200 && status < 300 ? PROBE_OK : PROBE_BAD;
	}
	/* Where a redirect leads is in a header. */
	if (!is_complete(answer) && !is_end)
		return PROBE_MORE;
	_cleanup_free_ char *location = find_header(answer, "Location");
	*ret_path = location ? local_path(location) : NULL;
	return *ret_path ? PROBE_REDIRECT : PROBE_OK;
}
