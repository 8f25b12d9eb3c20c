/* scia serve: a folder of static files over HTTP, for the sites the local provider runs. */

#include "commands.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "net/http_server.h"
#include "server_options.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define FILE_MAX ((size_t)256 * 1024 * 1024)
#define STOP_GRACE_NS (5 * NS_PER_S)

struct site {
	int dir;
	bool spa; /* unknown paths without an extension are the single page's */
};

static const char *content_type(const char *path)
{
	static const struct {
		const char *suffix, *type;
	} known[] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".htm", "text/html; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".mjs", "text/javascript; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".map", "application/json" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".jpg", "image/jpeg" },
		{ ".jpeg", "image/jpeg" },
		{ ".gif", "image/gif" },
		{ ".webp", "image/webp" },
		{ ".avif", "image/avif" },
		{ ".ico", "image/x-icon" },
		{ ".woff", "font/woff" },
		{ ".woff2", "font/woff2" },
		{ ".ttf", "font/ttf" },
		{ ".txt", "text/plain; charset=utf-8" },
		{ ".md", "text/plain; charset=utf-8" },
		{ ".xml", "application/xml" },
		{ ".pdf", "application/pdf" },
		{ ".wasm", "application/wasm" },
		{ ".webmanifest", "application/manifest+json" },
		{ ".mp4", "video/mp4" },
		{ ".webm", "video/webm" },
		{ ".mp3", "audio/mpeg" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (str_ends_with(path, known[i].suffix))
			return known[i].type;
	}
	return "application/octet-stream";
}

/* The file a path means, relative to the folder (free()); NULL when it may not be asked for: hidden files are nobody's
 * business (but .well-known is made for everybody). */
static char *file_of_path(const char *encoded)
{
	_cleanup_free_ char *path = xstrdup(encoded);
	if (!http_unescape(path, false))
		return NULL;
	_cleanup_strv_ char **parts = str_split(path, "/");
	for (size_t i = 0; i < strv_len(parts); i++) {
		if (parts[i][0] == '.' && !str_eq(parts[i], ".well-known"))
			return NULL;
	}
	char *joined = strv_len(parts) > 0 ? strv_join(parts, "/") : xstrdup(".");
	return joined;
}

static void respond_error(struct http_request *req, int status)
{
	_cleanup_free_ char *text = xasprintf("%d %s\n", status, http_status_text(status));
	http_respond_text(req, status, "text/plain; charset=utf-8", text);
}

static int respond_file(struct site *site, struct http_request *req, const char *file, int status)
{
	_cleanup_free_ char *data = NULL;
	_cleanup_err_ struct err ignored = { 0 };
	struct http_headers headers = { 0 };
	struct stat st;
	size_t len;
	if (fstatat(site->dir, file, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
		return -1;
	_cleanup_free_ char *etag = xasprintf(
		"\"%llx-%llx\"", (unsigned long long)st.st_mtim.tv_sec * 1000000000ULL + (unsigned long long)st.st_mtim.tv_nsec,
		(unsigned long long)st.st_size);
	http_headers_set(&headers, "ETag", etag);
	http_headers_set(&headers, "Cache-Control", "no-cache");
	if (status == 200 && str_eq(http_request_header(req, "If-None-Match"), etag)) {
		http_respond(req, 304, &headers, NULL, 0);
	} else if (fs_read_file_at(site->dir, file, FILE_MAX, &data, &len, &ignored) == 0) {
		http_headers_set(&headers, "Content-Type", content_type(file));
		http_headers_set(&headers, "X-Content-Type-Options", "nosniff");
		http_respond(req, status, &headers, data, len);
	} else {
		http_headers_clear(&headers);
		return -1;
	}
	http_headers_clear(&headers);
	return 0;
}

/* A folder's page; its URL must end in a slash, or relative links on it would go wrong. */
static int respond_folder(struct site *site, struct http_request *req, const char *folder)
{
	const char *path = http_request_path(req);
	_cleanup_free_ char *index = str_eq(folder, ".") ? xstrdup("index.html") : fs_join(folder, "index.html");
	struct stat st;
	if (fstatat(site->dir, index, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	if (str_ends_with(path, "/"))
		return respond_file(site, req, index, 200);
	struct http_headers headers = { 0 };
	_cleanup_free_ char *target = xasprintf("%s/", path);
	http_headers_set(&headers, "Location", target);
	http_respond(req, 301, &headers, NULL, 0);
	http_headers_clear(&headers);
	return 0;
}

static void handle(void *self, struct http_request *req)
{
	struct site *site = self;
	const char *method = http_request_method(req);
	struct stat st;
	if (!str_eq(method, "GET") && !str_eq(method, "HEAD")) {
		respond_error(req, 405);
		return;
	}
	_cleanup_free_ char *file = file_of_path(http_request_path(req));
	_cleanup_free_ char *page = file ? xasprintf("%s.html", file) : NULL;
	if (!file) {
		respond_error(req, 404);
		return;
	}
	bool found = fstatat(site->dir, file, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (found && S_ISDIR(st.st_mode) && respond_folder(site, req, file) == 0)
		return;
	if (found && respond_file(site, req, file, 200) == 0)
		return;
	if (respond_file(site, req, page, 200) == 0)
		return;
	if (site->spa && !strchr(file, '.') && respond_file(site, req, "index.html", 200) == 0)
		return;
	if (respond_file(site, req, "404.html", 404) < 0)
		respond_error(req, 404);
}

static int serve(const char *dir, const char *address, int port, bool spa, struct err *err)
{
	struct site site = { .dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), .spa = spa };
	struct http_server *server;
	if (site.dir < 0)
		return err_set_errno(err, errno, "serving %s", dir);
	struct http_server_config config = {
		.address = address, .port = port, .threads = 1, .handler = handle, .self = &site
	};
	server_block_signals();
	if (http_server_start(&config, &server, err) < 0) {
		close(site.dir);
		return err_wrap(err, "serving %s", dir);
	}
	printf("serving %s on http://%s:%d/\n", dir, address, http_server_port(server));
	fflush(stdout);
	server_wait_for_signal();
	http_server_stop(server, STOP_GRACE_NS);
	close(site.dir);
	return 0;
}

int command_serve(int argc, char **argv)
{
	const char *address = getenv("HOST"), *from_environment = getenv("PORT");
	int64_t port = 8080;
	bool spa = false;
	char **args;
	_cleanup_err_ struct err err = { 0 };
	if (from_environment)
		str_to_i64(from_environment, 0, 65535, &port);
	if (str_empty(address))
		address = "127.0.0.1";
	const struct cli_option options[] = {
		{ "spa", 0, CLI_FLAG, &spa, NULL, "unknown paths get index.html (single-page applications)" },
		{ "port", 'p', CLI_NUMBER, &port, "PORT", "default: $PORT, else 8080" },
		{ "address", 0, CLI_STRING, &address, "ADDRESS", "default: $HOST, else 127.0.0.1" },
		{ 0 },
	};
	int r = cli_parse(&COMMAND_SERVE, options, argc, argv, &args);
	if (r != 0)
		return r == 1 ? CLI_OK : r;
	if (port > 65535 || (args[0] && args[1]))
		return cli_usage(&COMMAND_SERVE, "one folder and a port below 65536 are wanted");
	r = serve(args[0] ? args[0] : ".", address, (int)port, spa, &err);
	return r < 0 ? cli_fail(&err) : CLI_OK;
}
