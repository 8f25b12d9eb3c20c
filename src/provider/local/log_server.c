/* Logs of applications and builds, as they are and as they grow. A client that follows costs a thread, so there is a
 * limit. */

#include "app.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define FOLLOWERS_MAX 64
#define CHUNK (64 * 1024)
#define TAIL_MAX (4 * 1024 * 1024)
#define FOLLOW_POLL_NS (200 * NS_PER_MS)

struct log_query {
	bool follow, build, previous;
	int64_t tail; /* lines; -1: all */
	int64_t replica;
};

/* A client that follows. */
struct follower {
	struct local_provider *provider;
	char *key;
	struct log_query query;
	struct http_stream *stream;
	char *path; /* the file we are in */
	int fd;
	off_t offset;
};

static bool query_flag(const char *query, const char *name)
{
	_cleanup_free_ char *value = http_query_get(query, name);
	return value && (str_eq(value, "true") || str_eq(value, "1") || str_empty(value));
}

static int64_t query_number(const char *query, const char *name, int64_t otherwise)
{
	_cleanup_free_ char *value = http_query_get(query, name);
	int64_t number = otherwise;
	if (value)
		str_to_i64(value, 0, INT64_MAX, &number);
	return number;
}

/* The log that the query means now; NULL when there is none (free()). */
static char *find_log(struct local_provider *p, const char *key, const struct log_query *query)
{
	MUTEX_GUARD(&p->lock);
	struct app *a = map_get(p->apps, key);
	if (!a)
		return NULL;
	if (query->build) {
		_cleanup_free_ char *dir = app_release_dir(a, a->build_id[0] ? a->build_id : a->release_id);
		return fs_join(dir, "build.log");
	}
	const struct instance *i, *found = NULL;
	int64_t n = 0;
	TAILQ_FOREACH (i, &a->instances, next) {
		/* The newest one, unless a certain one is meant. */
		if (query->replica < 0 || n++ == query->replica)
			found = i;
	}
	if (query->previous || !found)
		return fs_join(a->dir, "previous.log");
	return fs_join(found->dir, "log");
}

/* Where the last `lines` lines of the file begin. */
static off_t tail_offset(int fd, int64_t lines)
{
	struct stat st;
	if (lines < 0 || fstat(fd, &st) < 0)
		return 0;
	off_t begin = st.st_size > TAIL_MAX ? st.st_size - TAIL_MAX : 0;
	size_t len = (size_t)(st.st_size - begin);
	_cleanup_free_ char *data = xmalloc(len + 1);
	ssize_t n = pread(fd, data, len, begin);
	if (n <= 0)
		return st.st_size;
	/* The newline at the very end closes the last line, it does not begin another. */
	for (ssize_t at = n - 1; at >= 0; at--) {
		if (data[at] == '\n' && at != n - 1 && --lines <= 0)
			return begin + at + 1;
	}
	return lines == 0 ? st.st_size : begin;
}

static void open_log(struct follower *f, bool is_first)
{
	char *path = find_log(f->provider, f->key, &f->query);
	if (!path || (f->fd >= 0 && str_eq(path, f->path))) {
		free(path);
		return;
	}
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		free(path);
		return;
	}
	closep(&f->fd);
	free(f->path);
	f->fd = fd;
	f->path = path;
	f->offset = is_first ? tail_offset(fd, f->query.tail) : 0;
}

/* Sends what is new; false when the client is gone. */
static bool send_news(struct follower *f)
{
	static const int chunks_max = 64; /* a flood must not keep us from the others */
	char *data = xmalloc(CHUNK);
	bool alive = !http_stream_is_closed(f->stream);
	for (int n = 0; alive && f->fd >= 0 && n < chunks_max; n++) {
		ssize_t len = pread(f->fd, data, CHUNK, f->offset);
		if (len <= 0)
			break;
		f->offset += len;
		alive = http_stream_write(f->stream, data, (size_t)len);
	}
	free(data);
	return alive;
}

/* The file was rotated away, or another instance took over: its rest was sent, go on in the next one. */
static void follow_rotation(struct follower *f)
{
	struct stat open_file, named_file;
	if (f->fd >= 0 && fstat(f->fd, &open_file) == 0 && stat(f->path, &named_file) == 0 &&
	    open_file.st_ino == named_file.st_ino) {
		open_log(f, false);
		return;
	}
	free(f->path);
	f->path = NULL;
	open_log(f, false);
}

static void follower_free(struct follower *f)
{
	http_stream_end(f->stream);
	closep(&f->fd);
	free(f->path);
	free(f->key);
	free(f);
}

/* A build's log ends with the build; an application's when we end. */
static bool is_over(struct follower *f)
{
	struct local_provider *p = f->provider;
	MUTEX_GUARD(&p->lock);
	const struct app *a = map_get(p->apps, f->key);
	return p->stopping || !a || (f->query.build && a->build != BUILD_RUNNING);
}

static void *follow_main(void *arg)
{
	struct follower *f = arg;
	struct local_provider *p = f->provider;
	for (;;) {
		bool over = is_over(f); /* asked first, so that what was written until then is sent */
		if (!send_news(f) || over)
			break;
		clock_sleep_ns(FOLLOW_POLL_NS);
		follow_rotation(f);
	}
	follower_free(f);
	MUTEX_GUARD(&p->lock);
	p->followers--;
	pthread_cond_signal(&p->follower_gone);
	return NULL;
}

static void begin_following(struct local_provider *p, const char *key, const struct log_query *query,
                            struct http_request *req)
{
	struct http_headers headers = { 0 };
	_cleanup_err_ struct err err = { 0 };
	pthread_t thread;

	pthread_mutex_lock(&p->lock);
	bool too_many = p->stopping || p->followers >= FOLLOWERS_MAX;
	p->followers += !too_many;
	pthread_mutex_unlock(&p->lock);
	if (too_many) {
		http_respond_text(req, 429, "text/plain", "too many clients follow logs already\n");
		return;
	}
	struct follower *f = new0(struct follower);
	*f = (struct follower){ .provider = p, .key = xstrdup(key), .query = *query, .fd = -1 };
	http_headers_set(&headers, "Content-Type", "text/plain; charset=utf-8");
	f->stream = http_respond_stream(req, 200, &headers, NULL, NULL);
	http_headers_clear(&headers);
	open_log(f, true);
	if (thread_start(&thread, "log", follow_main, f, &err) == 0) {
		pthread_detach(thread);
		return;
	}
	follower_free(f);
	MUTEX_GUARD(&p->lock);
	p->followers--;
}

static void send_log(struct local_provider *p, const char *key, const struct log_query *query, struct http_request *req)
{
	_cleanup_free_ char *path = find_log(p, key, query);
	_cleanup_close_ int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0) {
		http_respond_text(req, 200, "text/plain; charset=utf-8", "");
		return;
	}
	off_t begin = tail_offset(fd, query->tail);
	if (st.st_size - begin > TAIL_MAX)
		begin = st.st_size - TAIL_MAX;
	_cleanup_free_ char *data = xmalloc((size_t)(st.st_size - begin) + 1);
	ssize_t n = pread(fd, data, (size_t)(st.st_size - begin), begin);
	struct http_headers headers = { 0 };
	http_headers_set(&headers, "Content-Type", "text/plain; charset=utf-8");
	http_respond(req, 200, &headers, data, n > 0 ? (size_t)n : 0);
	http_headers_clear(&headers);
}

void local_provider_serve_log(void *provider, const char *ns, const char *name, struct http_request *req)
{
	struct local_provider *p = provider;
	const char *text = http_request_query(req);
	_cleanup_free_ char *key = kube_key_str(ns, name);
	struct log_query query = {
		.follow = query_flag(text, "follow"),
		.build = query_flag(text, "build"),
		.previous = query_flag(text, "previous"),
		.tail = query_number(text, "tailLines", -1),
		.replica = query_number(text, "replica", -1),
	};
	if (query.follow && !query.previous)
		begin_following(p, key, &query, req);
	else
		send_log(p, key, &query, req);
}

void log_server_stop(struct local_provider *p)
{
	MUTEX_GUARD(&p->lock);
	while (p->followers > 0)
		pthread_cond_wait(&p->follower_gone, &p->lock);
}
