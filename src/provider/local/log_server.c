/* Logs of applications and builds, as they are and as they grow: one thread reads for all who ask. */

#include "app.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLLOWERS_MAX 256
#define CHUNK ((size_t)64 * 1024)
#define CHUNKS_AT_ONCE 32 /* a flood must not keep us from the others */
#define HISTORY_MAX ((size_t)4 * 1024 * 1024)
#define FOLLOW_LOOK_NS (100 * NS_PER_MS)

struct log_query {
	bool follow, build, previous;
	int64_t tail; /* lines; -1: all */
	int64_t replica;
};

/* Somebody who asks; who follows stays until the stream ends. */
struct reader {
	TAILQ_ENTRY(reader) next;
	char *key;
	struct log_query query;
	struct http_request *request; /* to be answered; NULL once it is */
	struct http_stream *stream;
	char *path; /* the file we are in */
	int fd;
	off_t offset;
};
TAILQ_HEAD(reader_list, reader);

struct log_server {
	struct local_provider *provider;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct reader_list queue; /* not looked at yet; guarded by lock */
	int readers;              /* all there are; guarded by lock */
	bool stopping;
	struct reader_list followers;
	pthread_t thread;
	bool is_running;
};

/* ---- files ---- */

/* The log that the query means now; NULL when there is none (free()). */
static char *find_log(struct local_provider *p, const char *key, const struct log_query *query)
{
	MUTEX_GUARD(&p->lock);
	const struct app *a = map_get(p->apps, key);
	if (!a)
		return NULL;
	if (query->build) {
		_cleanup_free_ char *dir = app_release_dir(a, a->build_id[0] ? a->build_id : a->release_id);
		return fs_join(dir, "build.log");
	}
	const struct instance *i, *found = NULL;
	TAILQ_FOREACH (i, &a->instances, next) {
		/* The newest one, unless a certain one is meant. */
		if (query->replica < 0 || i->replica == query->replica)
			found = i;
	}
	if (query->previous || !found)
		return query->replica < 0 ? fs_join(a->dir, "previous.log") : NULL;
	return fs_join(found->dir, "log");
}

static int open_log(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* Appends the last `max` bytes of the file's first `size` ones. */
static void read_end(int fd, off_t size, size_t max, struct buf *out)
{
	off_t begin = (uint64_t)size > max ? size - (off_t)max : 0;
	size_t len = (size_t)(size - begin);
	char *room = len ? buf_reserve(out, len) : NULL;
	ssize_t n = room ? pread(fd, room, len, begin) : 0;
	if (n > 0)
		buf_commit(out, (size_t)n);
}

/* Where the last `lines` lines of the text begin; negative: all of them. */
static size_t tail_offset(const char *text, size_t len, int64_t lines)
{
	if (lines < 0)
		return 0;
	if (lines == 0)
		return len;
	/* The newline at the very end closes the last line, it does not begin another. */
	for (size_t at = len; at-- > 0;) {
		if (text[at] == '\n' && at + 1 != len && --lines == 0)
			return at + 1;
	}
	return 0;
}

/* What was printed until the open file's size, older parts that were rotated away included; the wanted lines of it. */
static void read_history(const char *path, int fd, off_t size, int64_t lines, struct buf *out)
{
	_cleanup_free_ char *older = xasprintf("%s.1", path);
	_cleanup_close_ int older_fd = open_log(older);
	struct stat st;
	if ((uint64_t)size < HISTORY_MAX && older_fd >= 0 && fstat(older_fd, &st) == 0)
		read_end(older_fd, st.st_size, HISTORY_MAX - (size_t)size, out);
	read_end(fd, size, HISTORY_MAX, out);
	buf_consume(out, tail_offset(buf_str(out), out->len, lines));
}

/* ---- one reader ---- */

static void reader_free(struct reader *r)
{
	if (r->request)
		http_respond_text(r->request, 503, "text/plain", "the server is stopping\n");
	if (r->stream)
		http_stream_end(r->stream);
	closep(&r->fd);
	free(r->path);
	free(r->key);
	free(r);
}

static void answer(struct reader *r, const struct buf *text)
{
	struct http_headers headers = { 0 };
	http_headers_set(&headers, "Content-Type", "text/plain; charset=utf-8");
	if (r->query.follow) {
		r->stream = http_respond_stream(r->request, 200, &headers, NULL, NULL);
		if (text->len)
			http_stream_write(r->stream, text->data, text->len);
	} else {
		http_respond(r->request, 200, &headers, buf_str(text), text->len);
	}
	r->request = NULL;
	http_headers_clear(&headers);
}

static void begin(struct log_server *s, struct reader *r)
{
	_cleanup_buf_ struct buf text = BUF_INIT(HISTORY_MAX);
	struct stat st;
	r->path = find_log(s->provider, r->key, &r->query);
	r->fd = r->path ? open_log(r->path) : -1;
	if (r->fd >= 0 && fstat(r->fd, &st) == 0) {
		r->offset = st.st_size;
		read_history(r->path, r->fd, st.st_size, r->query.tail, &text);
	}
	answer(r, &text);
}

/* Sends what is new; *ret_all: there is no more for now. False when the client is gone. */
static bool send_news(struct reader *r, bool *ret_all)
{
	_cleanup_free_ char *data = xmalloc(CHUNK);
	bool alive = !http_stream_is_closed(r->stream);
	*ret_all = r->fd < 0;
	for (int n = 0; alive && !*ret_all && n < CHUNKS_AT_ONCE; n++) {
		ssize_t len = pread(r->fd, data, CHUNK, r->offset);
		*ret_all = len <= 0;
		if (len <= 0)
			break;
		r->offset += len;
		alive = http_stream_write(r->stream, data, (size_t)len);
	}
	return alive;
}

/* The file may have been rotated away or been renamed to previous.log, or another instance took over: go on in what is
 * the log now, from its start if it is another file. */
static void follow_rotation(struct log_server *s, struct reader *r)
{
	_cleanup_free_ char *path = find_log(s->provider, r->key, &r->query);
	_cleanup_close_ int fd = path ? open_log(path) : -1;
	struct stat now, before;
	if (fd < 0 || fstat(fd, &now) < 0)
		return;
	if (r->fd >= 0 && fstat(r->fd, &before) == 0 && before.st_ino == now.st_ino && before.st_dev == now.st_dev)
		return;
	closep(&r->fd);
	free(r->path);
	r->fd = TAKE_FD(fd);
	r->path = TAKE_PTR(path);
	r->offset = 0;
}

/* A build's log ends with the build; an application's when it goes. */
static bool is_over(struct log_server *s, const struct reader *r)
{
	MUTEX_GUARD(&s->provider->lock);
	const struct app *a = map_get(s->provider->apps, r->key);
	return !a || (r->query.build && a->build != BUILD_RUNNING);
}

/* False when it ends here. */
static bool follow(struct log_server *s, struct reader *r)
{
	bool over = is_over(s, r), all; /* asked first, so that what was written until then is sent */
	if (!send_news(r, &all))
		return false;
	if (all && !over)
		follow_rotation(s, r);
	return !all || !over;
}

/* ---- the thread ---- */

static void end_reader(struct log_server *s, struct reader *r)
{
	reader_free(r);
	MUTEX_GUARD(&s->lock);
	s->readers--;
}

/* Those that came since the last time; false when the thread is to end. */
static bool take_queue(struct log_server *s, struct reader_list *ret)
{
	MUTEX_GUARD(&s->lock);
	int64_t until = TAILQ_EMPTY(&s->followers) ? -1 : clock_mono_ns() + FOLLOW_LOOK_NS;
	while (!s->stopping && TAILQ_EMPTY(&s->queue) && cond_wait_until(&s->wake, &s->lock, until))
		;
	TAILQ_CONCAT(ret, &s->queue, next);
	return !s->stopping;
}

static void begin_all(struct log_server *s, struct reader_list *list)
{
	for (struct reader *r; (r = TAILQ_FIRST(list));) {
		TAILQ_REMOVE(list, r, next);
		begin(s, r);
		if (r->stream)
			TAILQ_INSERT_TAIL(&s->followers, r, next);
		else
			end_reader(s, r);
	}
}

static void end_all(struct log_server *s, struct reader_list *list)
{
	for (struct reader *r; (r = TAILQ_FIRST(list));) {
		TAILQ_REMOVE(list, r, next);
		end_reader(s, r);
	}
}

static void *log_server_main(void *arg)
{
	struct log_server *s = arg;
	struct reader_list fresh = TAILQ_HEAD_INITIALIZER(fresh);
	while (take_queue(s, &fresh)) {
		begin_all(s, &fresh);
		struct reader *r, *next;
		for (r = TAILQ_FIRST(&s->followers); r; r = next) {
			next = TAILQ_NEXT(r, next);
			if (follow(s, r))
				continue;
			TAILQ_REMOVE(&s->followers, r, next);
			end_reader(s, r);
		}
	}
	end_all(s, &fresh);
	end_all(s, &s->followers);
	return NULL;
}

struct log_server *log_server_new(struct local_provider *p, struct err *err)
{
	struct log_server *s = new0(struct log_server);
	s->provider = p;
	pthread_mutex_init(&s->lock, NULL);
	cond_init_mono(&s->wake);
	TAILQ_INIT(&s->queue);
	TAILQ_INIT(&s->followers);
	s->is_running = thread_start(&s->thread, "logs", log_server_main, s, err) == 0;
	return s->is_running ? s : log_server_free(s);
}

struct log_server *log_server_free(struct log_server *s)
{
	if (!s)
		return NULL;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (s->is_running)
		pthread_join(s->thread, NULL);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

/* ---- requests ---- */

static bool query_flag(const char *query, const char *name)
{
	_cleanup_free_ char *value = query ? http_query_get(query, name) : NULL;
	return value && (str_eq(value, "true") || str_eq(value, "1") || str_empty(value));
}

static int64_t query_number(const char *query, const char *name, int64_t otherwise)
{
	_cleanup_free_ char *value = query ? http_query_get(query, name) : NULL;
	int64_t number = otherwise;
	if (value)
		str_to_i64(value, 0, INT64_MAX, &number);
	return number;
}

/* On a thread of the server's that must not wait. */
void local_provider_serve_log(void *provider, const char *ns, const char *name, struct http_request *req)
{
	struct log_server *s = ((struct local_provider *)provider)->logs;
	const char *text = http_request_query(req);
	struct reader *r = new0(struct reader);
	*r = (struct reader){ .key = kube_key_str(ns, name), .fd = -1 };
	r->query = (struct log_query){
		.build = query_flag(text, "build"),
		.previous = query_flag(text, "previous"),
		.tail = query_number(text, "tailLines", -1),
		.replica = query_number(text, "replica", -1),
	};
	r->query.follow = query_flag(text, "follow") && !r->query.previous;

	pthread_mutex_lock(&s->lock);
	bool is_full = s->readers >= FOLLOWERS_MAX, is_refused = is_full || s->stopping;
	if (!is_refused) {
		http_request_defer(req);
		r->request = req;
		s->readers++;
		TAILQ_INSERT_TAIL(&s->queue, r, next);
		pthread_cond_signal(&s->wake);
	}
	pthread_mutex_unlock(&s->lock);
	if (!is_refused)
		return;
	reader_free(r);
	http_respond_text(req, is_full ? 429 : 503, "text/plain",
	                  is_full ? "too many clients read logs already\n" : "the server is stopping\n");
}
