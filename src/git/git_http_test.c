/* Against an HTTP server that runs git http-backend and demands a token. */

#include "git_testing.h"

#include "base/thread.h"
#include "codec/base64.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define TOKEN "tok3n-with:odd@chars/%41"

struct server {
	int fd, port;
	const char *root;    /* folder with the repositories */
	char *authorization; /* the header's value that is asked for; NULL: none */
	char *redirect;      /* "http://host:port": everything is sent there; NULL: not */
	atomic_int status;   /* answered to everything when not 0 */
	bool protocol_v0;    /* an old server */
	pthread_t thread;
	atomic_int authorized, with_authorization;
	atomic_bool leaked; /* the token was seen in a command line or an environment */
};

static void answer(int fd, int status, const char *headers, const char *body, size_t len)
{
	_cleanup_free_ char *head = xasprintf("HTTP/1.1 %d X\r\nConnection: close\r\nContent-Length: %zu\r\n%s\r\n", status,
	                                      len, headers);

	if (fs_write_all(fd, head, strlen(head)) == 0)
		fs_write_all(fd, body, len);
}

static bool file_has(const char *path, const char *needle)
{
	char data[65536];
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, data, sizeof(data));

	return len > 0 && memmem(data, (size_t)len, needle, strlen(needle));
}

/* While a request is being answered, the git that sent it is alive. */
static bool token_in_proc(void)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	bool found = false;

	while (d && (e = readdir(d))) {
		_cleanup_free_ char *cmdline = xasprintf("/proc/%s/cmdline", e->d_name);
		_cleanup_free_ char *environ_file = xasprintf("/proc/%s/environ", e->d_name);
		if (e->d_name[0] >= '0' && e->d_name[0] <= '9')
			found = found || file_has(cmdline, "tok3n") || file_has(environ_file, "tok3n");
	}
	if (d)
		closedir(d);
	return found;
}

/* The value of a header (free()), or NULL. */
static char *header(const char *head, const char *name)
{
	_cleanup_free_ char *key = xasprintf("\r\n%s:", name);
	const char *at = strcasestr(head, key);

	if (!at)
		return NULL;
	at += strlen(key);
	at += strspn(at, " ");
	return xstrndup(at, strcspn(at, "\r"));
}

static void env_push(char ***env, const char *name, const char *value)
{
	_cleanup_free_ char *pair = xasprintf("%s=%s", name, value ? value : "");

	strv_push(env, pair);
}

static void run_backend(struct server *s, int fd, const char *head, const struct buf *body)
{
	_cleanup_proc_result_ struct proc_result result = { 0 };
	_cleanup_free_ char *type = header(head, "Content-Type"), *encoding = header(head, "Content-Encoding");
	_cleanup_free_ char *protocol = header(head, "Git-Protocol"), *method = xstrndup(head, strcspn(head, " "));
	const char *target = strchr(head, ' ') + 1, *end;
	_cleanup_free_ char *path = xstrndup(target, strcspn(target, " ?")), *headers = NULL, *query = NULL;
	_cleanup_strv_ char **env = NULL, **argv = NULL;
	int status = 200;

	query = target[strlen(path)] == '?' ? xstrndup(target + strlen(path) + 1, strcspn(target + strlen(path) + 1, " "))
	                                    : NULL;
	strv_push(&argv, "git");
	strv_push(&argv, "http-backend");
	env_push(&env, "PATH", getenv("PATH"));
	env_push(&env, "GIT_PROJECT_ROOT", s->root);
	env_push(&env, "GIT_HTTP_EXPORT_ALL", "1");
	env_push(&env, "GIT_CONFIG_NOSYSTEM", "1");
	env_push(&env, "GIT_CONFIG_GLOBAL", "/dev/null");
	env_push(&env, "PATH_INFO", path);
	env_push(&env, "QUERY_STRING", query);
	env_push(&env, "REQUEST_METHOD", method);
	env_push(&env, "CONTENT_TYPE", type);
	env_push(&env, "HTTP_CONTENT_ENCODING", encoding);
	if (!s->protocol_v0)
		env_push(&env, "GIT_PROTOCOL", protocol);
	struct proc_spec spec = { .argv = argv,
		                      .env = env,
		                      .input = body->len ? body->data : NULL,
		                      .input_len = body->len,
		                      .output_max = 16 << 20,
		                      .timeout_ns = 30 * NS_PER_S };
	if (proc_run(&spec, &result, NULL) < 0 || !(end = memmem(result.out.data, result.out.len, "\r\n\r\n", 4)))
		return answer(fd, 500, "", "", 0);
	headers = xstrndup(result.out.data, (size_t)(end + 2 - result.out.data));
	if (str_starts_with(headers, "Status: "))
		status = (int)strtol(headers + 8, NULL, 10);
	answer(fd, status, headers, end + 4, result.out.len - (size_t)(end + 4 - result.out.data));
}

static void serve(struct server *s, int fd)
{
	_cleanup_buf_ struct buf in = BUF_INIT(16 << 20);
	_cleanup_free_ char *head = NULL, *length = NULL, *authorization = NULL;
	char *end = NULL;
	int64_t body_len = 0;

	while (!end || in.len < (size_t)body_len) {
		char *room = buf_reserve(&in, 65536);
		ssize_t n = read(fd, room, 65536);
		if (n <= 0)
			return;
		buf_commit(&in, (size_t)n);
		end = end ? end : memmem(in.data, in.len, "\r\n\r\n", 4);
		if (!end || head)
			continue;
		head = xstrndup(in.data, (size_t)(end + 2 - in.data));
		length = header(head, "Content-Length");
		str_to_i64(length ? length : "0", 0, 16 << 20, &body_len);
		buf_consume(&in, (size_t)(end + 4 - in.data));
	}
	authorization = header(head, "Authorization");
	if (authorization) {
		atomic_fetch_add(&s->with_authorization, 1);
		if (token_in_proc())
			atomic_store(&s->leaked, true);
	}
	if (s->status)
		return answer(fd, s->status, "", "", 0);
	if (s->redirect) {
		const char *target = strchr(head, ' ') + 1;
		_cleanup_free_ char *location = xasprintf("Location: %s%.*s\r\n", s->redirect, (int)strcspn(target, " "),
		                                          target);
		return answer(fd, 302, location, "", 0);
	}
	if (s->authorization && !str_eq(authorization, s->authorization))
		return answer(fd, 401, "WWW-Authenticate: Basic realm=\"x\"\r\n", "", 0);
	atomic_fetch_add(&s->authorized, 1);
	run_backend(s, fd, head, &in);
}

static void *server_main(void *arg)
{
	struct server *s = arg;
	int fd;

	while ((fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		serve(s, fd);
		close(fd);
	}
	return NULL;
}

static void server_start(struct server *s, const struct git_testing *t, const char *user, const char *token)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);

	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(s->fd >= 0 && bind(s->fd, (struct sockaddr *)&addr, len) == 0 && listen(s->fd, 16) == 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&addr, &len), 0);
	s->port = ntohs(addr.sin_port);
	s->root = t->dir;
	if (token) {
		_cleanup_free_ char *pair = xasprintf("%s:%s", user, token), *coded = base64_encode(pair, strlen(pair));
		s->authorization = xasprintf("Basic %s", coded);
	}
	assert_int_equal(thread_start(&s->thread, "server", server_main, s, NULL), 0);
}

static void server_stop(struct server *s)
{
	shutdown(s->fd, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->fd);
	free(s->authorization);
	free(s->redirect);
}

static char *server_url(const struct server *s)
{
	return xasprintf("http://127.0.0.1:%d/repo/.git", s->port);
}

static void test_git_http_token_arrives_and_does_not_leak(void **state)
{
	struct git_testing *t = *state;
	struct server s = { 0 };
	struct git_credentials credentials = { .username = "jane@example.com", .token = TOKEN "\n" };
	struct git_source source = { .credentials = &credentials, .allow_http = true };
	_cleanup_err_ struct err err = { 0 }, err2 = { 0 };
	_cleanup_free_ char *url = NULL;
	char commit[41];

	server_start(&s, t, "jane@example.com", TOKEN);
	source.url = url = server_url(&s);
	int rc = git_resolve(&source, NULL, commit, &err),
		rc2 = git_checkout(&source, NULL, t->cache, commit, t->dest, &err2);
	server_stop(&s);
	if (rc < 0 || rc2 < 0)
		fail_msg("%s %s", err_message(&err), err_message(&err2));
	testing_assert_file(t->dest, "README", "one\n");
	assert_true(s.authorized >= 2);
	assert_false(s.leaked);
	/* Nothing of it stays in the cache either. */
	TESTING_SH(t->dir, "! grep -r tok3n cache tmp");
}

static void test_git_http_default_user(void **state)
{
	struct git_testing *t = *state;
	struct server s = { 0 };
	struct git_credentials credentials = { .token = TOKEN };
	struct git_source source = { .credentials = &credentials, .allow_http = true };
	_cleanup_err_ struct err err = { 0 };
	_cleanup_free_ char *url = NULL;
	char commit[41];

	server_start(&s, t, "x-access-token", TOKEN);
	source.url = url = server_url(&s);
	int rc = git_resolve(&source, NULL, commit, &err);
	server_stop(&s);
	if (rc < 0)
		fail_msg("%s", err_message(&err));
}

static void test_git_http_refused_credentials(void **state)
{
	struct git_testing *t = *state;
	struct server s = { 0 };
	struct git_credentials wrong = { .token = "tok3n-wrong" };
	struct git_source without = { .allow_http = true }, with = { .allow_http = true, .credentials = &wrong };
	_cleanup_err_ struct err err = { 0 }, err2 = { 0 };
	_cleanup_free_ char *url = NULL;
	char commit[41];

	server_start(&s, t, "x-access-token", TOKEN);
	without.url = with.url = url = server_url(&s);
	int rc = git_resolve(&without, NULL, commit, &err), rc2 = git_resolve(&with, NULL, commit, &err2);
	server_stop(&s);
	assert_true(rc < 0 && err.kind == ERR_UNAUTHORIZED);
	assert_non_null(strstr(err_message(&err), "needs credentials"));
	assert_true(rc2 < 0 && err2.kind == ERR_UNAUTHORIZED);
	assert_non_null(strstr(err_message(&err2), "did not accept"));
	assert_null(strstr(err_message(&err2), "tok3n"));
	assert_false(s.leaked);
}

/* The token belongs to the URL's host; where that one redirects to does not get it. */
static void test_git_http_redirect_does_not_get_the_token(void **state)
{
	struct git_testing *t = *state;
	struct server first = { 0 }, second = { 0 };
	struct git_credentials credentials = { .token = TOKEN };
	struct git_source source = { .credentials = &credentials, .allow_http = true };
	_cleanup_err_ struct err err = { 0 };
	_cleanup_free_ char *url = NULL;
	char commit[41];

	server_start(&second, t, "x-access-token", TOKEN);
	first.redirect = xasprintf("http://127.0.0.1:%d", second.port);
	server_start(&first, t, NULL, NULL);
	source.url = url = server_url(&first);
	int rc = git_resolve(&source, NULL, commit, &err);
	server_stop(&first);
	server_stop(&second);
	assert_true(rc < 0 && err.kind == ERR_UNAUTHORIZED);
	assert_int_equal(second.with_authorization, 0);
}

/* Another user without credentials must not read from the cache what the first one's fetched. */
static void test_git_http_cache_is_per_credentials(void **state)
{
	struct git_testing *t = *state;
	struct server s = { 0 };
	struct git_credentials credentials = { .token = TOKEN };
	struct git_source source = { .credentials = &credentials, .allow_http = true };
	_cleanup_err_ struct err err = { 0 }, err2 = { 0 };
	_cleanup_free_ char *url = NULL, *other = fs_join(t->dir, "other");
	_cleanup_free_ char *commit = TESTING_GIT_OUT(t->repo, "rev-parse", "HEAD");

	server_start(&s, t, "x-access-token", TOKEN);
	source.url = url = server_url(&s);
	int rc = git_checkout(&source, NULL, t->cache, commit, t->dest, &err);
	source.credentials = NULL;
	int rc2 = git_checkout(&source, NULL, t->cache, commit, other, &err2);
	server_stop(&s);
	assert_int_equal(rc, 0);
	assert_true(rc2 < 0 && err2.kind == ERR_UNAUTHORIZED);
	assert_false(testing_has(t->dir, "other"));
}

/* Servers that only give what refs name: the ref's history is searched, then everything. */
static void test_git_http_server_without_commit_ids(void **state)
{
	struct git_testing *t = *state;
	struct server s = { .protocol_v0 = true };
	struct git_source source = { .allow_http = true };
	_cleanup_free_ char *url = NULL, *one = TESTING_GIT_OUT(t->repo, "rev-parse", "HEAD"), *two = NULL, *tip = NULL;

	TESTING_SH(t->repo,
	           "git checkout -qb side; echo two >README; git commit -qam two; echo 2b >README; git commit -qam 2b;"
	           "git checkout -q main; echo three >README; git commit -qam three");
	two = TESTING_GIT_OUT(t->repo, "rev-parse", "side~1");
	tip = TESTING_GIT_OUT(t->repo, "rev-parse", "main");
	const struct {
		const char *ref, *commit, *content; /* content NULL: not found */
	} cases[] = {
		{ "main", tip, "three\n" },
		{ "main", one, "one\n" },
		{ NULL, one, "one\n" },
		{ "main", two, "two\n" },
		{ one, one, "one\n" },
		{ "gone", one, "one\n" },
		{ "main", "0123456789012345678901234567890123456789", NULL },
	};
	server_start(&s, t, NULL, NULL);
	source.url = url = server_url(&s);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		assert_int_equal(fs_remove_tree(t->dest, NULL), 0);
		assert_int_equal(fs_remove_tree(t->cache, NULL), 0);
		source.ref = cases[i].ref;
		int rc = git_checkout(&source, NULL, t->cache, cases[i].commit, t->dest, &err);
		if ((rc == 0) != (cases[i].content != NULL))
			fail_msg("case %zu: %s", i, err_message(&err));
		if (rc == 0)
			testing_assert_file(t->dest, "README", cases[i].content);
		else
			assert_int_equal(err.kind, ERR_NOT_FOUND);
	}
	server_stop(&s);
}

static void test_git_http_statuses(void **state)
{
	static const struct {
		int status;
		enum err_kind kind;
	} cases[] = { { 404, ERR_NOT_FOUND },
		          { 403, ERR_FORBIDDEN },
		          { 503, ERR_UNAVAILABLE },
		          { 429, ERR_TOO_MANY_REQUESTS },
		          { 200, ERR_NOT_FOUND } };
	struct git_testing *t = *state;
	struct server s = { .status = 404 };
	struct git_source source = { .allow_http = true };
	_cleanup_free_ char *url = NULL;

	server_start(&s, t, NULL, NULL);
	source.url = url = server_url(&s);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		char commit[41];
		s.status = cases[i].status;
		assert_int_equal(git_resolve(&source, NULL, commit, &err), -1);
		if (err.kind != cases[i].kind)
			fail_msg("%d: %s %s", cases[i].status, err_kind_reason(err.kind), err_message(&err));
	}
	server_stop(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		testing_test(test_git_http_token_arrives_and_does_not_leak),
		testing_test(test_git_http_default_user),
		testing_test(test_git_http_refused_credentials),
		testing_test(test_git_http_redirect_does_not_get_the_token),
		testing_test(test_git_http_cache_is_per_credentials),
		testing_test(test_git_http_server_without_commit_ids),
		testing_test(test_git_http_statuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
