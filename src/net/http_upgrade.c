#include "http_server_internal.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

/* The handler gets a duplicate of the socket, so that stopping the server can take the connection away from
 * libmicrohttpd at any time without pulling a descriptor from under the handler's thread: that one sees the end of the
 * stream and closes in its own time. */
struct http_upgrade {
	struct http_server *server;
	struct http_request *req; /* until upgraded */
	void (*upgraded)(void *self, struct http_upgrade *up, int fd, const void *data, size_t len);
	void *self;
	int fd;
	int client_fd; /* under TLS: the socket behind libmicrohttpd, open as long as there is a handle; else -1 */
	bool client_left;
	struct MHD_UpgradeResponseHandle *handle; /* NULL when given back; under the server's lock */
	struct http_upgrade *next, *prev;
};

void http_upgrade_drop(struct http_upgrade *up)
{
	free(up);
}

/* False when the server has given up what was under way: its last look at the list may be over. */
static bool upgrade_link(struct http_upgrade *up)
{
	MUTEX_GUARD(&up->server->lock);
	if (atomic_load(&up->server->killed))
		return false;
	up->next = up->server->upgrades;
	if (up->next)
		up->next->prev = up;
	up->server->upgrades = up;
	return true;
}

static void upgrade_begin(void *cls, struct MHD_Connection *connection _unused_, void *req_cls _unused_,
                          const char *extra, size_t extra_len, MHD_socket fd, struct MHD_UpgradeResponseHandle *handle)
{
	struct http_upgrade *up = cls;
	struct http_request *req = TAKE_PTR(up->req);

	up->handle = handle;
	up->client_fd = fd == http_request_peer(req)->fd ? -1 : http_request_peer(req)->fd;
	http_server_ref(up->server);
	up->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (up->fd < 0 || fcntl(up->fd, F_SETFL, O_NONBLOCK) < 0 || !upgrade_link(up)) {
		log_debug(up->server->log, "http: a connection could not be upgraded");
		closep(&up->fd);
		MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
		http_request_upgraded(req);
		http_server_unref(up->server);
		http_upgrade_drop(up);
		return;
	}
	/* One that begins while the server stops is cut at once. */
	if (atomic_load(&up->server->stopping))
		shutdown(up->fd, SHUT_RDWR);
	up->upgraded(up->self, up, up->fd, extra, extra_len);
	http_request_upgraded(req);
}

void http_respond_upgrade(struct http_request *req, const struct http_headers *headers,
                          void (*upgraded)(void *self, struct http_upgrade *up, int fd, const void *data, size_t len),
                          void *self)
{
	struct http_upgrade *up;
	struct MHD_Response *response;

	if (!http_request_is_http11(req) || !headers || !http_headers_get(headers, "Upgrade")) {
		http_respond_text(req, 400, "text/plain; charset=utf-8", "This request cannot be upgraded.\n");
		return;
	}
	up = new0(struct http_upgrade);
	up->server = http_request_peer(req)->server;
	up->req = req;
	up->upgraded = upgraded;
	up->self = self;
	up->fd = -1;
	response = MHD_create_response_for_upgrade(upgrade_begin, up);
	http_request_set_upgrade(req, up);
	if (!http_request_answer(req, 101, headers, response))
		MHD_destroy_response(response);
}

/* With the server's lock held: the handle, when it is the caller's to close now. */
static struct MHD_UpgradeResponseHandle *take_handle(struct http_upgrade *up)
{
	struct MHD_UpgradeResponseHandle *handle = TAKE_PTR(up->handle);

	if (handle)
		atomic_fetch_add(&up->server->claims, 1);
	return handle;
}

static void close_handle(struct http_server *s, struct MHD_UpgradeResponseHandle *handle)
{
	if (!handle)
		return;
	MHD_upgrade_action(handle, MHD_UPGRADE_ACTION_CLOSE);
	atomic_fetch_sub(&s->claims, 1);
}

void http_upgrade_close(struct http_upgrade *up)
{
	struct http_server *s = up->server;
	struct MHD_UpgradeResponseHandle *handle;

	pthread_mutex_lock(&s->lock);
	handle = take_handle(up);
	if (up->prev)
		up->prev->next = up->next;
	else
		s->upgrades = up->next;
	if (up->next)
		up->next->prev = up->prev;
	pthread_mutex_unlock(&s->lock);

	close(up->fd);
	close_handle(s, handle);
	free(up);
	http_server_unref(s);
}

/* libmicrohttpd forwards what a TLS client sends, but not that it has left. It may still be forwarding when the
 * client's end arrives, so the handler is told at the second look. */
void http_upgrades_find_gone_clients(struct http_server *s)
{
	for (struct http_upgrade *up = s->upgrades; up; up = up->next) {
		struct pollfd p = { .fd = up->handle ? up->client_fd : -1, .events = POLLRDHUP };

		if (p.fd < 0 || poll(&p, 1, 0) != 1)
			continue;
		if (up->client_left)
			shutdown(up->fd, SHUT_RD);
		up->client_left = true;
	}
}

void http_upgrades_end(struct http_server *s)
{
	for (;;) {
		struct MHD_UpgradeResponseHandle *handle = NULL;

		pthread_mutex_lock(&s->lock);
		for (struct http_upgrade *up = s->upgrades; up && !handle; up = up->next) {
			handle = take_handle(up);
			if (handle)
				shutdown(up->fd, SHUT_RDWR);
		}
		pthread_mutex_unlock(&s->lock);
		if (!handle)
			return;
		close_handle(s, handle);
	}
}
