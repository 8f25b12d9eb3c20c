#include "load.h"

#include "base/clock.h"
#include "base/thread.h"

#include <stdio.h>
#include <time.h>

#define BODY_MAX ((size_t)64 * 1024 * 1024)
#define CALL_TIMEOUT_NS (300 * NS_PER_S)

/* Shared by the threads of one run. */
struct run {
	const struct load *load;
	atomic_uint_least64_t seq;
	atomic_int waiting; /* threads whose connections are not all there yet */
	atomic_int_least64_t begin_ns, end_ns;
	int64_t client_cpu_begin_ns;
};

struct lane {
	struct connection connection;
	struct thread *thread;
	uint64_t seq;
	int64_t sent_ns;
	bool busy;
	struct buf body;
};

struct thread {
	struct run *run;
	pthread_t id;
	struct loop loop;
	struct lane *lanes;
	unsigned len, ready, busy;
	struct load_request request;
	uint64_t requests, errors, bytes;
	char first_error[256];
	struct histogram latency;
};

static int64_t process_cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void begin_window(struct run *r)
{
	if (r->load->window)
		r->load->window(r->load->self, true);
	r->client_cpu_begin_ns = process_cpu_ns();
	atomic_store(&r->begin_ns, clock_mono_ns());
}

static bool take_seq(struct run *r, uint64_t *ret)
{
	const struct load *l = r->load;
	int64_t begin = atomic_load(&r->begin_ns);

	if (begin && l->time_ns && clock_mono_ns() - begin >= l->time_ns)
		return false;
	*ret = atomic_fetch_add(&r->seq, 1);
	if (*ret == l->warmup)
		begin_window(r);
	return !l->total || *ret < l->warmup + l->total;
}

static void note_error(struct thread *t, int status, const char *text)
{
	if (t->errors++ == 0)
		snprintf(t->first_error, sizeof(t->first_error), "%d %.200s", status, text);
}

static void send_next(struct lane *lane)
{
	struct thread *t = lane->thread;
	struct load_request *q = &t->request;

	if (!take_seq(t->run, &lane->seq))
		return;
	buf_reset(&q->path);
	buf_reset(&q->body);
	q->content_type = NULL;
	t->run->load->next(t->run->load->self, lane->seq, q);
	lane->busy = true;
	t->busy++;
	buf_reset(&lane->body);
	lane->sent_ns = clock_mono_ns();
	connection_send(&lane->connection, q->method, buf_str(&q->path), q->content_type, q->body.data, q->body.len);
}

static void on_ready(struct connection *c)
{
	struct lane *lane = c->self;

	lane->thread->ready++;
}

static void on_body(struct connection *c, const char *data, size_t len)
{
	struct lane *lane = c->self;

	if (lane->thread->run->load->keep_body || c->response.status >= 300)
		buf_append(&lane->body, data, len);
}

static void on_response(struct connection *c)
{
	struct lane *lane = c->self;
	struct thread *t = lane->thread;
	const struct load *l = t->run->load;
	int status = c->response.status;

	lane->busy = false;
	t->busy--;
	if (lane->seq >= l->warmup) {
		histogram_add(&t->latency, (uint64_t)(clock_mono_ns() - lane->sent_ns));
		t->requests++;
		t->bytes += c->response.body_len;
		if (status >= 300)
			note_error(t, status, buf_str(&lane->body));
	}
	if (l->done)
		l->done(l->self, lane->seq, status, buf_str(&lane->body), lane->body.len);
	send_next(lane);
}

static void on_failed(struct connection *c, const char *why)
{
	struct lane *lane = c->self;

	note_error(lane->thread, 0, why);
	if (lane->busy)
		lane->thread->busy--;
	lane->busy = false;
}

static const struct connection_events EVENTS = {
	.ready = on_ready, .body = on_body, .response = on_response, .failed = on_failed
};

static void *thread_main(void *arg)
{
	struct thread *t = arg;
	struct run *r = t->run;
	_cleanup_err_ struct err err = { 0 };

	for (unsigned i = 0; i < t->len; i++) {
		t->lanes[i] = (struct lane){ .thread = t, .body = BUF_INIT(BODY_MAX) };
		if (connection_open(&t->lanes[i].connection, &t->loop, r->load->endpoint, &EVENTS, &t->lanes[i], &err) < 0)
			note_error(t, 0, err_message(&err));
	}
	while (t->ready < t->loop.live)
		loop_run_once(&t->loop, 1000);
	/* All begin together, so that handshakes are no part of the figures. */
	atomic_fetch_sub(&r->waiting, 1);
	while (atomic_load(&r->waiting) > 0)
		clock_sleep_ns(NS_PER_MS);
	for (unsigned i = 0; i < t->len; i++)
		if (!t->lanes[i].connection.closed)
			send_next(&t->lanes[i]);
	while (t->busy > 0)
		loop_run_once(&t->loop, 1000);
	atomic_store(&r->end_ns, clock_mono_ns());
	for (unsigned i = 0; i < t->len; i++) {
		connection_close(&t->lanes[i].connection);
		buf_clear(&t->lanes[i].body);
	}
	return NULL;
}

static void thread_init(struct thread *t, struct run *r, unsigned connections)
{
	*t = (struct thread){ .run = r, .len = connections };
	t->lanes = xcalloc(connections, sizeof(*t->lanes));
	t->request.path = BUF_INIT(65536);
	t->request.body = BUF_INIT(1 << 20);
	loop_init(&t->loop);
}

static void collect(struct thread *t, struct load_result *ret)
{
	ret->requests += t->requests;
	ret->bytes += t->bytes;
	if (ret->errors == 0 && t->errors > 0)
		memcpy(ret->first_error, t->first_error, sizeof(ret->first_error));
	ret->errors += t->errors;
	histogram_merge(&ret->latency, &t->latency);
	buf_clear(&t->request.path);
	buf_clear(&t->request.body);
	loop_done(&t->loop);
	free(t->lanes);
}

int load_run(const struct load *load, struct load_result *ret, struct err *err)
{
	unsigned threads = load->threads && load->threads < load->connections ? load->threads : 1;
	struct thread *list = xcalloc(threads, sizeof(*list));
	struct run r = { .load = load, .waiting = (int)threads };

	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < threads; i++)
		thread_init(&list[i], &r, load->connections / threads + (i < load->connections % threads));
	for (unsigned i = 1; i < threads; i++)
		if (thread_start(&list[i].id, "bench-load", thread_main, &list[i], err) < 0)
			abort();
	thread_main(&list[0]);
	for (unsigned i = 1; i < threads; i++)
		pthread_join(list[i].id, NULL);
	int64_t begin = atomic_load(&r.begin_ns);
	ret->seconds = begin ? (double)(atomic_load(&r.end_ns) - begin) / (double)NS_PER_S : 0;
	ret->client_cpu_s = (double)(process_cpu_ns() - r.client_cpu_begin_ns) / (double)NS_PER_S;
	if (begin && load->window)
		load->window(load->self, false);
	for (unsigned i = 0; i < threads; i++)
		collect(&list[i], ret);
	free(list);
	if (ret->requests == 0)
		return err_set(err, ERR_INTERNAL, "no request was answered: %s", ret->first_error);
	return 0;
}

/* ---- one request ---- */

struct call {
	const char *method, *path, *content_type, *body;
	int status;
	char *response;
};

static void call_next(void *self, uint64_t seq _unused_, struct load_request *ret)
{
	const struct call *c = self;

	ret->method = c->method;
	ret->content_type = c->content_type;
	buf_puts(&ret->path, c->path);
	if (c->body)
		buf_puts(&ret->body, c->body);
}

static void call_done(void *self, uint64_t seq _unused_, int status, const char *body, size_t len)
{
	struct call *c = self;

	c->status = status;
	c->response = xstrndup(body, len);
}

int load_call(struct endpoint *e, const char *method, const char *path, const char *content_type, const char *body,
              char **ret_body, struct err *err)
{
	struct call c = { .method = method, .path = path, .content_type = content_type, .body = body };
	const struct load load = { .endpoint = e,
		                       .connections = 1,
		                       .total = 1,
		                       .time_ns = CALL_TIMEOUT_NS,
		                       .keep_body = true,
		                       .next = call_next,
		                       .done = call_done,
		                       .self = &c };
	struct load_result *result = new0(struct load_result);
	int r = load_run(&load, result, err);

	free(result);
	if (r < 0)
		return err_wrap(err, "%s %s", method, path);
	if (ret_body)
		*ret_body = c.response;
	else
		free(c.response);
	return c.status;
}
