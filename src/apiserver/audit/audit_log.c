#include "audit_log.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/thread.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define QUEUE_MAX 20000
#define QUEUE_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define COMPLAIN_NS (60 * NS_PER_S)

struct audit_log {
	char *path, *dir, *stem, *ext; /* DIR/STEM.EXT; rotated: DIR/STEM-TIME.EXT */
	size_t size_max, backups_max;
	struct logger *log;
	struct metric *written, *dropped;

	/* the writer's */
	int fd;
	size_t size;
	int64_t complained_ns;
	uint64_t lost; /* since the last complaint */

	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct audit_entry *first, **last;
	size_t len, bytes;
	bool stopping;
	pthread_t writer;
	bool runs;
};

void audit_entry_free(struct audit_entry *e)
{
	bytes_unref(e->request);
	bytes_unref(e->response);
	free(e->request_type);
	free(e->response_type);
	free(e->head);
	free(e->annotations);
	free(e);
}

static size_t entry_size(const struct audit_entry *e)
{
	return strlen(e->head) + (e->request ? e->request->len : 0) + (e->response ? e->response->len : 0);
}

static void drop(struct audit_log *l, const char *why, size_t count)
{
	metric_add(l->dropped, (double)count, METRIC_LABELS(why));
}

/* ---- files ---- */

static bool is_stdout(const struct audit_log *l)
{
	return strcmp(l->path, "-") == 0;
}

static int open_file(struct audit_log *l, struct err *err)
{
	struct stat st;

	if (is_stdout(l)) {
		l->fd = STDOUT_FILENO;
		return 0;
	}
	l->fd = open(l->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (l->fd < 0)
		return err_set_errno(err, errno, "opening the audit log %s", l->path);
	l->size = fstat(l->fd, &st) == 0 ? (size_t)st.st_size : 0;
	return 0;
}

static void close_file(struct audit_log *l)
{
	if (l->fd >= 0 && !is_stdout(l))
		close(l->fd);
	l->fd = -1;
}

/* STEM-2026-01-02T03-04-05.678.EXT of this log; times sort as texts. */
static bool is_backup(const struct audit_log *l, const char *name)
{
	const char *time = str_after(name, l->stem);

	return time && *time == '-' && strlen(time) > strlen(l->ext) && str_ends_with(time, l->ext) &&
	       strspn(time + 1, "0123456789-T.") + 1 >= strlen(time) - strlen(l->ext);
}

static void remove_old(struct audit_log *l)
{
	_cleanup_strv_ char **names = NULL;
	DIR *dir = l->backups_max > 0 ? opendir(l->dir) : NULL;
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir)))
		if (is_backup(l, entry->d_name))
			strv_push(&names, entry->d_name);
	closedir(dir);
	size_t len = strv_len(names);
	strv_sort(names);
	for (size_t i = 0; i + l->backups_max < len; i++) {
		_cleanup_free_ char *path = fs_join(l->dir, names[i]);
		unlink(path);
	}
}

static void rotate(struct audit_log *l)
{
	char now[RFC3339_SIZE];
	_cleanup_err_ struct err err = { 0 };

	rfc3339_format_micro(clock_wall_ns(), now);
	for (char *c = now; *c; c++)
		if (*c == ':')
			*c = '-';
	now[strcspn(now, "Z")] = '\0';
	_cleanup_free_ char *kept = xasprintf("%s/%s-%s%s", l->dir, l->stem, now, l->ext);
	close_file(l);
	if (rename(l->path, kept) < 0)
		log_warn(l->log, "audit log: renaming %s: %s", l->path, strerrordesc_np(errno));
	if (open_file(l, &err) < 0)
		log_error(l->log, "%s", err_message(&err));
	remove_old(l);
}

/* ---- the writer ---- */

static void complain(struct audit_log *l, int errnum, size_t lost)
{
	int64_t now = clock_mono_ns();

	l->lost += lost;
	if (l->complained_ns && now - l->complained_ns < COMPLAIN_NS)
		return;
	l->complained_ns = now;
	log_error(l->log, "audit log %s: %s: %ju events are lost", l->path, strerrordesc_np(errnum), (uintmax_t)l->lost);
	l->lost = 0;
}

static void write_out(struct audit_log *l, const struct buf *text, size_t count)
{
	_cleanup_err_ struct err err = { 0 };

	if (text->len == 0)
		return;
	if (l->fd < 0 && open_file(l, &err) < 0) {
		complain(l, EIO, count);
		drop(l, "write", count);
		return;
	}
	if (fs_write_all(l->fd, text->data, text->len) < 0) {
		complain(l, errno, count);
		drop(l, "write", count);
		return;
	}
	l->size += text->len;
	metric_add(l->written, (double)count, NULL);
	if (l->size_max > 0 && l->size >= l->size_max && !is_stdout(l))
		rotate(l);
}

#define WRITE_SIZE ((size_t)64 * 1024)

static void append_event(struct audit_entry *e, struct buf *out)
{
	_cleanup_buf_ struct buf one = BUF_INIT(AUDIT_EVENT_MAX);

	audit_entry_write(e, &one);
	if (one.failed) {
		buf_reset(&one);
		e->truncated = true;
		audit_entry_write(e, &one);
	}
	if (!one.failed)
		buf_append(out, one.data, one.len);
}

static void write_entries(struct audit_log *l, struct audit_entry *list)
{
	_cleanup_buf_ struct buf text = BUF_INIT(WRITE_SIZE + 2 * AUDIT_EVENT_MAX);
	size_t count = 0;

	while (list) {
		struct audit_entry *e = list;
		list = e->next;
		append_event(e, &text);
		audit_entry_free(e);
		count++;
		if (text.len >= WRITE_SIZE || !list) {
			write_out(l, &text, count);
			buf_reset(&text);
			count = 0;
		}
	}
}

static void *writer_main(void *arg)
{
	struct audit_log *l = arg;

	pthread_mutex_lock(&l->lock);
	while (l->first || !l->stopping) {
		if (!l->first) {
			cond_wait_until(&l->cond, &l->lock, -1);
			continue;
		}
		struct audit_entry *list = l->first;
		l->first = NULL;
		l->last = &l->first;
		l->len = l->bytes = 0;
		pthread_mutex_unlock(&l->lock);
		write_entries(l, list);
		pthread_mutex_lock(&l->lock);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

void audit_log_add(struct audit_log *l, struct audit_entry *e)
{
	size_t size = entry_size(e);

	e->next = NULL;
	pthread_mutex_lock(&l->lock);
	bool full = l->len >= QUEUE_MAX || (l->bytes + size > QUEUE_BYTES_MAX && l->len > 0);
	if (!full) {
		*l->last = e;
		l->last = &e->next;
		l->len++;
		l->bytes += size;
		pthread_cond_signal(&l->cond);
	}
	pthread_mutex_unlock(&l->lock);
	if (full) {
		drop(l, "queue", 1);
		audit_entry_free(e);
	}
}

/* ---- life ---- */

static void take_path_apart(struct audit_log *l)
{
	const char *slash = strrchr(l->path, '/'), *name = slash ? slash + 1 : l->path, *dot = strrchr(name, '.');

	l->dir = slash ? xstrndup(l->path, slash == l->path ? 1 : (size_t)(slash - l->path)) : xstrdup(".");
	l->stem = dot && dot != name ? xstrndup(name, (size_t)(dot - name)) : xstrdup(name);
	l->ext = xstrdup(dot && dot != name ? dot : "");
}

int audit_log_open(const struct audit_log_config *config, struct audit_log **ret, struct err *err)
{
	struct audit_log *l = new0(struct audit_log);

	l->path = xstrdup(config->path);
	l->size_max = config->size_max;
	l->backups_max = config->backups_max;
	l->log = config->log;
	l->fd = -1;
	l->last = &l->first;
	take_path_apart(l);
	pthread_mutex_init(&l->lock, NULL);
	cond_init_mono(&l->cond);
	if (config->metrics) {
		l->written = metrics_counter(config->metrics, "apiserver_audit_event_total", "Events written to the audit log.",
		                             "");
		l->dropped = metrics_counter(
			config->metrics, "apiserver_audit_dropped_total",
			"Events that are not in the audit log, because its queue was full or a write failed.", "reason");
	}
	if (open_file(l, err) < 0 || thread_start(&l->writer, "api-audit", writer_main, l, err) < 0) {
		audit_log_close(l);
		return -1;
	}
	l->runs = true;
	*ret = l;
	return 0;
}

struct audit_log *audit_log_close(struct audit_log *l)
{
	if (!l)
		return NULL;
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	pthread_cond_signal(&l->cond);
	pthread_mutex_unlock(&l->lock);
	if (l->runs)
		pthread_join(l->writer, NULL);
	close_file(l);
	pthread_cond_destroy(&l->cond);
	pthread_mutex_destroy(&l->lock);
	free(l->path);
	free(l->dir);
	free(l->stem);
	free(l->ext);
	free(l);
	return NULL;
}
