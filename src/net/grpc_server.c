#include "grpc_internal.h"

#include "base/clock.h"
#include "base/str.h"
#include "http_server_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS_MAX 128
#define ACCEPTS_MAX 64
#define TICK_NS NS_PER_S
#define RELOAD_NS (5 * NS_PER_S)
/* Between "use another connection" and the last word: what a client had sent by then is still answered. */
#define NOTICE_NS (100 * NS_PER_MS)

#define DEFAULT_MEMORY ((size_t)256 * 1024 * 1024)
#define DEFAULT_CONNECTIONS 1024
#define DEFAULT_QUEUE 1024
#define DESCRIPTORS_FOR_OTHERS 128

void grpc_server_wake(struct grpc_server *s)
{
	static const uint64_t one = 1;

	while (write(s->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

const struct grpc_method *grpc_server_find(const struct grpc_server *s, const char *path)
{
	for (size_t i = 0; i < s->methods_len; i++)
		if (str_eq(s->methods[i].path, path))
			return &s->methods[i];
	return NULL;
}

int grpc_server_port(const struct grpc_server *s)
{
	return s->port;
}

unsigned grpc_default_threads(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return processors > 0 ? (unsigned)processors : 1;
}

/* ---- the event loop ---- */

static void accept_all(struct grpc_server *s)
{
	static const int one = 1;

	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t len = sizeof(from);
		int fd = accept4(s->listener, (struct sockaddr *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		if (s->connections_len >= s->config.connections_max) {
			close(fd);
			continue;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));

		struct grpc_connection *c = grpc_connection_new(s, fd);
		if (from.ss_family == AF_INET)
			inet_ntop(AF_INET, &((struct sockaddr_in *)&from)->sin_addr, c->remote, sizeof(c->remote));
		else
			inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&from)->sin6_addr, c->remote, sizeof(c->remote));
		if (!c->dead)
			grpc_connection_drive(c, true);
		if (c->dead)
			grpc_connection_free(c);
	}
}

/* What the worker said is the answer, unless its time is over: the loop may not have looked at the clock yet. */
static void take_answer(struct grpc_call *call)
{
	if (call->deadline_ns > 0 && clock_mono_ns() >= call->deadline_ns) {
		free(call->reply_message);
		call->reply_message = xstrdup("grpc: the deadline passed");
		call->reply_status = GRPC_DEADLINE_EXCEEDED;
	}
	/* Clients that do not read must not fill the memory with what they asked for. */
	if (call->reply_status == GRPC_OK &&
	    call->server->memory - call->counted + call->reply.len > call->server->config.memory_max) {
		call->reply_message = xstrdup("grpc: the server holds too many answers, try again");
		call->reply_status = GRPC_RESOURCE_EXHAUSTED;
	}
	if (call->reply_status == GRPC_OK && call->reply.len > 0) {
		buf_clear(&call->out);
		call->out = call->reply;
		call->reply = (struct buf){ 0 };
	}
}

/* Answers of the workers go to their streams. */
static void deliver(struct grpc_server *s)
{
	struct grpc_call *call;

	while ((call = grpc_workers_done(s)) != NULL) {
		struct grpc_connection *c = call->conn;

		if (c && !call->ended) {
			take_answer(call);
			grpc_call_returned(call);
			grpc_call_finish(call, call->reply_status, TAKE_PTR(call->reply_message));
			grpc_connection_drive(c, false);
			if (c->dead)
				grpc_connection_free(c);
		} else {
			grpc_call_returned(call);
		}
	}
}

static void reload(struct grpc_server *s, int64_t now_ns)
{
	_cleanup_err_ struct err err = { 0 };
	struct http_tls *fresh = NULL;
	uint64_t stamp;

	if (!s->tls_dir || now_ns < s->next_reload_ns)
		return;
	s->next_reload_ns = now_ns + RELOAD_NS;
	stamp = grpc_credentials_stamp(s->tls_dir);
	if (stamp == s->credentials_stamp)
		return;
	s->credentials_stamp = stamp;
	/* Half of a new pair may be there: the old one stays until the next change. */
	if (grpc_credentials_load(s->tls_dir, &fresh, &err) < 0) {
		log_warn(s->config.log, "grpc: the old certificates stay: %s", err_message(&err));
		return;
	}
	http_tls_unref(s->credentials);
	s->credentials = fresh;
	log_info(s->config.log, "grpc: the certificates changed");
}

static void tick(struct grpc_server *s, int64_t now_ns)
{
	struct grpc_connection *next;

	s->next_deadline_ns = 0;
	for (struct grpc_connection *c = s->connections; c; c = next) {
		next = c->next;
		grpc_connection_tick(c, now_ns);
		if (c->dead)
			grpc_connection_free(c);
	}
	reload(s, now_ns);
}

static void drain(struct grpc_server *s)
{
	struct grpc_connection *next;

	for (struct grpc_connection *c = s->connections; c; c = next) {
		next = c->next;
		grpc_connection_drain(c);
		grpc_connection_drive(c, false);
		if (c->dead)
			grpc_connection_free(c);
	}
}

/* 1: notice; 2: the last word. Returns whether the loop ends. */
static bool advance_stop(struct grpc_server *s, int *phase, int64_t *last_word_ns, int64_t now_ns)
{
	if (!atomic_load(&s->stopping))
		return false;
	if (*phase == 0) {
		*phase = 1;
		*last_word_ns = now_ns + NOTICE_NS;
		close_watched(s->epoll, &s->listener);
		grpc_health_tell(s);
		drain(s);
	} else if (*phase == 1 && now_ns >= *last_word_ns) {
		*phase = 2;
		drain(s);
	}
	return !s->connections || now_ns >= atomic_load(&s->kill_at_ns);
}

static int wait_ms(const struct grpc_server *s, int64_t next_tick_ns, int phase, int64_t last_word_ns)
{
	int64_t until = next_tick_ns, now = clock_mono_ns();

	if (s->next_deadline_ns > 0 && s->next_deadline_ns < until)
		until = s->next_deadline_ns;
	if (phase == 1 && last_word_ns < until)
		until = last_word_ns;
	if (phase > 0 && atomic_load(&s->kill_at_ns) < until)
		until = atomic_load(&s->kill_at_ns);
	return until <= now ? 0 : (int)((until - now) / NS_PER_MS) + 1;
}

static void handle_events(struct grpc_server *s, const struct epoll_event *events, int n)
{
	bool accepts = false;

	for (int i = 0; i < n; i++) {
		struct grpc_connection *c = events[i].data.ptr;

		if ((void *)c == (void *)&s->listener) {
			accepts = true;
		} else if ((void *)c == (void *)&s->wake) {
			uint64_t count;

			if (read(s->wake, &count, sizeof(count)) < 0)
				continue;
		} else {
			grpc_connection_drive(c, (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR | EPOLLRDHUP)) != 0);
		}
	}
	/* Only now: an event behind it may be for a connection that is gone. */
	for (int i = 0; i < n; i++) {
		struct grpc_connection *c = events[i].data.ptr;

		if ((void *)c != (void *)&s->listener && (void *)c != (void *)&s->wake && c->dead)
			grpc_connection_free(c);
	}
	if (accepts && s->listener >= 0)
		accept_all(s);
}

static void *loop_main(void *arg)
{
	struct grpc_server *s = arg;
	struct epoll_event events[EVENTS_MAX];
	int64_t next_tick_ns = clock_mono_ns() + TICK_NS, last_word_ns = 0;
	int phase = 0;

	for (;;) {
		int n = epoll_wait(s->epoll, events, EVENTS_MAX, wait_ms(s, next_tick_ns, phase, last_word_ns));
		int64_t now = clock_mono_ns();

		handle_events(s, events, n > 0 ? n : 0);
		deliver(s);
		if (now >= next_tick_ns || (s->next_deadline_ns > 0 && now >= s->next_deadline_ns)) {
			next_tick_ns = now + TICK_NS;
			tick(s, now);
		}
		if (advance_stop(s, &phase, &last_word_ns, now))
			return NULL;
	}
}

/* ---- start and stop ---- */

static int open_listener(struct grpc_server *s, struct err *err)
{
	static const int one = 1;
	const char *address = s->config.address ? s->config.address : "0.0.0.0";
	struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons((uint16_t)s->config.port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)s->config.port) };
	bool is_v4 = inet_pton(AF_INET, address, &v4.sin_addr) == 1;
	struct sockaddr *sa = is_v4 ? (struct sockaddr *)&v4 : (struct sockaddr *)&v6;
	socklen_t len = is_v4 ? sizeof(v4) : sizeof(v6);

	if (!is_v4 && inet_pton(AF_INET6, address, &v6.sin6_addr) != 1)
		return err_set(err, ERR_INVALID, "grpc: %s is no IP address to listen at", address);
	s->listener = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->listener < 0)
		return err_set_errno(err, errno, "grpc: opening a socket");
	setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(s->listener, sa, len) < 0 || listen(s->listener, 512) < 0 || getsockname(s->listener, sa, &len) < 0)
		return err_set_errno(err, errno, "grpc: listening at %s:%d", address, s->config.port);
	s->port = ntohs(is_v4 ? v4.sin_port : v6.sin6_port);
	return 0;
}

static int open_epoll(struct grpc_server *s, struct err *err)
{
	struct epoll_event listener = { .events = EPOLLIN, .data.ptr = &s->listener };
	struct epoll_event wake = { .events = EPOLLIN, .data.ptr = &s->wake };

	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (s->epoll < 0 || s->wake < 0 || epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->listener, &listener) < 0 ||
	    epoll_ctl(s->epoll, EPOLL_CTL_ADD, s->wake, &wake) < 0)
		return err_set_errno(err, errno, "grpc: setting up the event loop");
	return 0;
}

/* With none left, a client that waits to be accepted could only be looked at again and again. */
static size_t connections_possible(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY)
		return SIZE_MAX;
	return limit.rlim_cur > 2 * DESCRIPTORS_FOR_OTHERS ? limit.rlim_cur - DESCRIPTORS_FOR_OTHERS : limit.rlim_cur / 2;
}

static void set_config(struct grpc_server *s, const struct grpc_server_config *config)
{
	s->config = *config;
	s->config.log = logger_ref(config->log);
	if (s->config.threads == 0)
		s->config.threads = grpc_default_threads();
	if (s->config.message_max == 0)
		s->config.message_max = GRPC_MESSAGE_MAX;
	if (s->config.memory_max == 0)
		s->config.memory_max = DEFAULT_MEMORY;
	if (s->config.connections_max == 0)
		s->config.connections_max = DEFAULT_CONNECTIONS;
	if (s->config.connections_max > connections_possible())
		s->config.connections_max = connections_possible();
	if (s->config.queue_max == 0)
		s->config.queue_max = DEFAULT_QUEUE;
	s->tls_dir = xstrdup_or_null(config->tls_dir);
}

static void set_methods(struct grpc_server *s)
{
	const struct grpc_method own[] = {
		{ .path = "/grpc.health.v1.Health/Check", .stream = grpc_health_check, .self = s },
		{ .path = "/grpc.health.v1.Health/Watch", .stream = grpc_health_watch, .stays = true, .self = s },
		{ .path = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
		  .stream = grpc_reflection_info,
		  .self = s->reflection },
		{ .path = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
		  .stream = grpc_reflection_info,
		  .self = s->reflection },
	};
	size_t own_len = s->reflection ? ARRAY_SIZE(own) : 2;

	s->methods = xcalloc(s->config.methods_len + own_len, sizeof(*s->methods));
	if (s->config.methods_len > 0)
		memcpy(s->methods, s->config.methods, s->config.methods_len * sizeof(*s->methods));
	memcpy(s->methods + s->config.methods_len, own, own_len * sizeof(*s->methods));
	s->methods_len = s->config.methods_len + own_len;
}

static void server_free(struct grpc_server *s)
{
	while (s->connections)
		grpc_connection_free(s->connections);
	/* Calls that were answered after the end, or never. */
	for (struct grpc_call *call; (call = grpc_workers_done(s)) != NULL;)
		grpc_call_unref(call);
	closep(&s->listener);
	closep(&s->epoll);
	closep(&s->wake);
	grpc_reflection_free(s->reflection);
	http_tls_unref(s->credentials);
	logger_unref(s->config.log);
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->work);
	free(s->methods);
	free(s->tls_dir);
	free(s);
}

int grpc_server_start(const struct grpc_server_config *config, struct grpc_server **ret, struct err *err)
{
	struct grpc_server *s = new0(struct grpc_server);

	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->work, NULL);
	s->listener = s->epoll = s->wake = -1;
	s->queue_last = &s->queue;
	s->done_last = &s->done;
	set_config(s, config);
	if (config->descriptors)
		s->reflection = grpc_reflection_new(config->descriptors);
	set_methods(s);
	if (s->tls_dir)
		s->credentials_stamp = grpc_credentials_stamp(s->tls_dir);
	if ((s->tls_dir && grpc_credentials_load(s->tls_dir, &s->credentials, err) < 0) || open_listener(s, err) < 0 ||
	    open_epoll(s, err) < 0 || grpc_workers_start(s, err) < 0) {
		server_free(s);
		return -1;
	}
	if (thread_start(&s->loop, "grpc-loop", loop_main, s, err) < 0) {
		grpc_workers_stop(s);
		server_free(s);
		return -1;
	}
	*ret = s;
	return 0;
}

struct grpc_server *grpc_server_stop(struct grpc_server *s, int64_t grace_ns)
{
	if (!s)
		return NULL;
	atomic_store(&s->kill_at_ns, clock_mono_ns() + grace_ns);
	atomic_store(&s->stopping, true);
	grpc_server_wake(s);
	pthread_join(s->loop, NULL);
	/* Workers that still run for nobody see that they are cancelled once their connections are gone. */
	while (s->connections)
		grpc_connection_free(s->connections);
	grpc_workers_stop(s);
	server_free(s);
	return NULL;
}
