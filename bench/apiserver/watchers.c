#include "watchers.h"

#include "base/clock.h"
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define LINE_MAX_BYTES ((size_t)1024 * 1024)
#define WRITERS 8
#define SETTLE_NS (30 * NS_PER_S) /* for the last events after the last write */
#define OPENING_MAX 64            /* handshakes at a time */

struct watch {
	struct connection connection;
	struct fan *fan;
	struct buf line; /* an incomplete event */
};

struct writer {
	struct connection connection;
	struct fan *fan;
	bool idle;
};

struct fan {
	struct samples *samples;
	const struct watchers_spec *spec;
	struct watchers_result *result;
	struct loop loop;
	struct watch *watches;
	struct writer writers[WRITERS];
	unsigned ready, answered; /* watches connected; writes answered */
	unsigned sent;
	char path[512];
	char why[256];
};

/* ---- watches ---- */

/* The stamp is the last thing in the object: {"type":…,"object":{…,"zstamp":"123"}}} */
static uint64_t stamp_of(const char *line, size_t len)
{
	uint64_t value = 0, place = 1;
	size_t at = len, floor = len > 8 ? len - 8 : 0;

	while (at > floor && (line[at - 1] < '0' || line[at - 1] > '9'))
		at--;
	for (; at > 0 && line[at - 1] >= '0' && line[at - 1] <= '9'; at--, place *= 10)
		value += place * (uint64_t)(line[at - 1] - '0');
	return value;
}

static void take_event(struct fan *f, const char *line, size_t len, uint64_t now)
{
	uint64_t stamp = stamp_of(line, len);

	if (stamp == 0 || stamp > now)
		return;
	histogram_add(&f->result->latency, now - stamp);
	f->result->delivered++;
}

static void on_watch_body(struct connection *c, const char *data, size_t len)
{
	struct watch *w = c->self;
	uint64_t now = (uint64_t)clock_mono_ns();

	while (len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;

		if (!end || w->line.len > 0)
			buf_append(&w->line, data, n);
		if (!end)
			return;
		if (w->line.len > 0)
			take_event(w->fan, w->line.data, w->line.len, now);
		else
			take_event(w->fan, data, n, now);
		buf_reset(&w->line);
		data += n + 1;
		len -= n + 1;
	}
}

static void on_watch_ready(struct connection *c)
{
	struct watch *w = c->self;

	w->fan->ready++;
	connection_send(c, "GET", w->fan->path, NULL, NULL, 0);
}

static void on_watch_response(struct connection *c)
{
	struct watch *w = c->self;

	w->fan->result->errors++;
	snprintf(w->fan->why, sizeof(w->fan->why), "a watch ended with %d", c->response.status);
}

static void on_watch_failed(struct connection *c, const char *why)
{
	struct watch *w = c->self;

	w->fan->result->errors++;
	snprintf(w->fan->why, sizeof(w->fan->why), "a watch: %s", why);
}

static const struct connection_events WATCH_EVENTS = {
	.ready = on_watch_ready, .body = on_watch_body, .response = on_watch_response, .failed = on_watch_failed
};

/* ---- the writer ---- */

static void on_writer_ready(struct connection *c)
{
	struct writer *w = c->self;

	w->idle = true;
}

static void on_writer_response(struct connection *c)
{
	struct writer *w = c->self;

	w->idle = true;
	w->fan->answered++;
	if (c->response.status >= 300) {
		w->fan->result->errors++;
		snprintf(w->fan->why, sizeof(w->fan->why), "a write: %d", c->response.status);
	}
}

static void on_writer_failed(struct connection *c, const char *why)
{
	struct writer *w = c->self;

	w->idle = false;
	w->fan->result->errors++;
	snprintf(w->fan->why, sizeof(w->fan->why), "the writer: %s", why);
}

static const struct connection_events WRITER_EVENTS = { .ready = on_writer_ready,
	                                                    .response = on_writer_response,
	                                                    .failed = on_writer_failed };

static bool write_one(struct fan *f, int64_t due_ns)
{
	for (size_t i = 0; i < WRITERS; i++) {
		struct writer *w = &f->writers[i];
		char path[256], body[128];

		if (!w->idle)
			continue;
		w->idle = false;
		snprintf(path, sizeof(path), SAMPLES_API "/namespaces/%s/samples/sample-%07" PRIu64, f->samples->ns,
		         f->samples->first + f->sent % f->samples->count);
		int n = snprintf(body, sizeof(body), "{\"spec\":{\"zstamp\":\"%" PRId64 "\"}}", due_ns);
		connection_send(&w->connection, "PATCH", path, "application/merge-patch+json", body, (size_t)n);
		f->sent++;
		return true;
	}
	return false;
}

/* ---- the run ---- */

static int current_version(struct fan *f, struct err *err)
{
	_cleanup_free_ char *path = xasprintf(SAMPLES_API "/namespaces/%s/samples?limit=1", f->samples->ns);
	_cleanup_free_ char *body = NULL;
	int status = load_call(&f->samples->target->endpoint, "GET", path, NULL, NULL, &body, err);
	const char *at = status == 200 ? strstr(body, "\"resourceVersion\":\"") : NULL;

	/* The list's own version: its metadata goes before the items, or behind them without more fields of that name. */
	const char *items = at ? strstr(body, "\"items\":") : NULL;
	if (at && items && items < at)
		for (const char *more = at; (more = strstr(more + 1, "\"resourceVersion\":\"")); at = more)
			;
	if (!at)
		return status < 0 ? -1 : err_set(err, ERR_INTERNAL, "listing: %d", status);
	at += strlen("\"resourceVersion\":\"");
	snprintf(f->path, sizeof(f->path), SAMPLES_API "/namespaces/%s/samples?watch=1&resourceVersion=%.*s",
	         f->samples->ns, (int)strcspn(at, "\""), at);
	return 0;
}

static int open_all(struct fan *f, struct err *err)
{
	struct endpoint *e = &f->samples->target->endpoint;

	for (unsigned i = 0; i < f->spec->watches; i++) {
		f->watches[i].fan = f;
		f->watches[i].line = BUF_INIT(LINE_MAX_BYTES);
		if (connection_open(&f->watches[i].connection, &f->loop, e, &WATCH_EVENTS, &f->watches[i], err) < 0)
			return -1;
		while (i + 1 - f->ready > OPENING_MAX && f->result->errors == 0)
			loop_run_once(&f->loop, 1000);
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		f->writers[i].fan = f;
		if (connection_open(&f->writers[i].connection, &f->loop, e, &WRITER_EVENTS, &f->writers[i], err) < 0)
			return -1;
	}
	/* Until all heads of responses have come, plus a moment for the server to settle. */
	for (int64_t begin = clock_mono_ns(); clock_mono_ns() - begin < 2 * NS_PER_S || f->ready < f->spec->watches;) {
		loop_run_once(&f->loop, 100);
		if (f->result->errors > 0)
			return err_set(err, ERR_INTERNAL, "%s", f->why);
	}
	return 0;
}

static double process_cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void write_all(struct fan *f)
{
	int64_t begin = clock_mono_ns(), step = NS_PER_S / f->spec->rate, last = 0;
	double server = target_cpu_s(f->samples->target), client = process_cpu_s();

	f->result->expected = (uint64_t)f->spec->watches * f->spec->events;
	while (f->result->delivered < f->result->expected && f->result->errors == 0) {
		int64_t now = clock_mono_ns(), due = begin + (int64_t)f->sent * step;

		if (f->sent < f->spec->events && now >= due && write_one(f, due)) {
			last = now;
			continue;
		}
		if (f->sent == f->spec->events && now - last > SETTLE_NS)
			break;
		int64_t wait = f->sent < f->spec->events ? due - now : NS_PER_S;
		loop_run_once(&f->loop, wait > 0 ? (int)(wait / NS_PER_MS) : 0);
	}
	f->result->seconds = (double)(clock_mono_ns() - begin) / (double)NS_PER_S;
	f->result->server_cpu_s = target_cpu_s(f->samples->target) - server;
	f->result->client_cpu_s = process_cpu_s() - client;
}

int watchers_run(struct samples *s, const struct watchers_spec *spec, struct watchers_result *ret, struct err *err)
{
	struct fan f = { .samples = s, .spec = spec, .result = ret };
	double before = target_rss_mb(s->target);

	memset(ret, 0, sizeof(*ret));
	f.watches = xcalloc(spec->watches, sizeof(*f.watches));
	loop_init(&f.loop);
	int r = current_version(&f, err) < 0 ? -1 : open_all(&f, err);
	if (r == 0) {
		double after = target_rss_mb(s->target);
		ret->bytes_a_watch = after > before ? (after - before) * 1024 * 1024 / spec->watches : 0;
		write_all(&f);
		if (ret->errors > 0)
			r = err_set(err, ERR_INTERNAL, "%s", f.why);
	}
	for (unsigned i = 0; i < spec->watches; i++) {
		if (f.watches[i].connection.loop)
			connection_close(&f.watches[i].connection);
		buf_clear(&f.watches[i].line);
	}
	for (unsigned i = 0; i < WRITERS; i++)
		if (f.writers[i].connection.loop)
			connection_close(&f.writers[i].connection);
	loop_done(&f.loop);
	free(f.watches);
	return r < 0 ? err_wrap(err, "%s: watches", s->target->name) : 0;
}
