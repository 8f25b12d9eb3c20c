#include "grpc_internal.h"

static struct grpc_call *take(struct grpc_server *s)
{
	MUTEX_GUARD(&s->lock);

	while (!s->queue && !s->ended)
		pthread_cond_wait(&s->work, &s->lock);
	struct grpc_call *call = s->queue;
	if (!call)
		return NULL;
	s->queue = call->queue_next;
	if (!s->queue)
		s->queue_last = &s->queue;
	s->queue_len--;
	return call;
}

static void give_back(struct grpc_server *s, struct grpc_call *call)
{
	bool first;

	pthread_mutex_lock(&s->lock);
	first = !s->done;
	call->queue_next = NULL;
	*s->done_last = call;
	s->done_last = &call->queue_next;
	pthread_mutex_unlock(&s->lock);
	if (first)
		grpc_server_wake(s);
}

static void answer(struct grpc_call *call, unsigned worker)
{
	static const uint8_t prefix[GRPC_PREFIX_SIZE];
	size_t max = call->server->config.message_max;
	_cleanup_(bytes_unrefp) struct bytes *expanded = NULL;

	if (grpc_call_is_cancelled(call) ||
	    grpc_framing_expand(&call->in, max, &expanded, &call->reply_status, &call->reply_message) < 0)
		return;
	/* The prefix is written when the length is known. */
	call->reply = BUF_INIT(max + GRPC_PREFIX_SIZE);
	buf_append(&call->reply, prefix, sizeof(prefix));
	call->reply_status = call->method->unary(
		call->method->self, call, worker, expanded ? (const char *)expanded->data : buf_str(&call->in.message),
		expanded ? expanded->len : call->in.message.len, &call->reply, &call->reply_message);
	if (call->reply_status == GRPC_OK && call->reply.failed) {
		call->reply_status = GRPC_RESOURCE_EXHAUSTED;
		call->reply_message = xasprintf("grpc: trying to send message larger than max (%zu)", max);
	}
	if (call->reply_status == GRPC_OK)
		grpc_prefix_write((uint8_t *)call->reply.data, call->reply.len - GRPC_PREFIX_SIZE);
}

static void *worker_main(void *arg)
{
	struct grpc_worker *w = arg;
	struct grpc_call *call;

	while ((call = take(w->server)) != NULL) {
		answer(call, w->number);
		give_back(w->server, call);
	}
	return NULL;
}

bool grpc_workers_queue(struct grpc_server *s, struct grpc_call *call)
{
	MUTEX_GUARD(&s->lock);

	if (s->queue_len >= s->config.queue_max)
		return false;
	atomic_fetch_add(&call->refs, 1);
	call->queue_next = NULL;
	*s->queue_last = call;
	s->queue_last = &call->queue_next;
	s->queue_len++;
	pthread_cond_signal(&s->work);
	return true;
}

struct grpc_call *grpc_workers_done(struct grpc_server *s)
{
	MUTEX_GUARD(&s->lock);
	struct grpc_call *call = s->done;

	if (!call)
		return NULL;
	s->done = call->queue_next;
	if (!s->done)
		s->done_last = &s->done;
	return call;
}

int grpc_workers_start(struct grpc_server *s, struct err *err)
{
	s->workers = xcalloc(s->config.threads, sizeof(*s->workers));
	for (unsigned i = 0; i < s->config.threads; i++) {
		struct grpc_worker *w = &s->workers[i];

		*w = (struct grpc_worker){ .server = s, .number = i };
		if (thread_start(&w->thread, "grpc-worker", worker_main, w, err) < 0) {
			s->config.threads = i;
			grpc_workers_stop(s);
			return -1;
		}
	}
	return 0;
}

void grpc_workers_stop(struct grpc_server *s)
{
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	pthread_cond_broadcast(&s->work);
	pthread_mutex_unlock(&s->lock);
	for (unsigned i = 0; i < s->config.threads; i++)
		pthread_join(s->workers[i].thread, NULL);
	free(s->workers);
	s->workers = NULL;
}
