/* A connection to the HTTP server. The first byte chooses in what pieces the rest is sent. Beyond not crashing: the
 * handler gets exactly the requests that one strict reading of the bytes finds, whatever the pieces, and what comes
 * back is one well-formed response for each, in order, and at most one more that says what was wrong with the rest. */

#include "../../src/net/http1.h"
#include "../../src/net/http_server.h"

#include "base/buf.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(condition)  \
	do {                  \
		if (!(condition)) \
			abort();      \
	} while (0)
#define REQUESTS_MAX 4096
#define BODY_MAX ((size_t)1 << 20)

static struct http_server *server; /* libFuzzer keeps no state for a target */
static atomic_uint handled;

static void handler(void *self, struct http_request *req)
{
	size_t len;
	const char *body = http_request_body(req, &len), *path = http_request_path(req);

	(void)self;
	CHECK(strlen(body) <= len && !body[len]);
	CHECK(*path == '/' || strcmp(path, "*") == 0);
	CHECK(*http_request_method(req));
	CHECK(!http_request_header(req, "no such header"));
	atomic_fetch_add(&handled, 1);
	http_respond(req, 200, NULL, body, len);
}

struct reading {
	bool is_head[REQUESTS_MAX];
	unsigned len;
};

/* The requests that are complete. */
static void read_strictly(const char *data, size_t len, struct reading *ret)
{
	static struct http1_head head;
	struct http1_error error;
	struct http1_body body;
	struct http1_field field;

	for (size_t at = 0, used; ret->len < REQUESTS_MAX;) {
		size_t scanned = 0;
		ssize_t n = http1_parse_request(data + at, len - at, &scanned, &head, &error);
		enum http1_event e;

		if (n <= 0)
			return;
		at += (size_t)n;
		http1_body_init(&body, head.framing, head.content_length);
		do {
			e = http1_body_next(&body, data + at, len - at, &used, &field);
			at += used;
		} while (e == HTTP1_DATA || e == HTTP1_TRAILER);
		if (e != HTTP1_END)
			return;
		ret->is_head[ret->len++] = head.method.len == 4 && memcmp(head.method.p, "HEAD", 4) == 0;
		if (!head.keep_alive)
			return;
	}
}

static unsigned count_responses(const char *data, size_t len, const struct reading *requests)
{
	static struct http1_head head;
	struct http1_error error;
	struct http1_body body;
	struct http1_field field;
	unsigned count = 0;

	for (size_t at = 0, used; at < len;) {
		size_t scanned = 0;
		bool is_head = count < requests->len && requests->is_head[count];
		ssize_t n = http1_parse_response(data + at, len - at, &scanned, is_head, &head, &error);
		enum http1_event e;

		CHECK(n > 0);
		at += (size_t)n;
		if (head.status == 100)
			continue;
		CHECK(head.framing != HTTP1_UNTIL_CLOSE);
		http1_body_init(&body, head.framing, head.content_length);
		while ((e = http1_body_next(&body, data + at, len - at, &used, &field)) == HTTP1_DATA)
			at += used;
		CHECK(e == HTTP1_END);
		CHECK((head.status == 200) == (count < requests->len));
		count++;
	}
	return count;
}

static void start(void)
{
	static const struct http_server_config config = { .handler = handler, .threads = 1, .body_max = BODY_MAX };

	if (!server)
		CHECK(http_server_start(&config, &server, NULL) == 0);
}

static int connect_to_server(void)
{
	const struct sockaddr_in in = { .sin_family = AF_INET,
		                            .sin_port = htons((uint16_t)http_server_port(server)),
		                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	CHECK(connect(fd, (const struct sockaddr *)&in, sizeof(in)) == 0);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reading requests;
	struct buf in = BUF_INIT(64 << 20);
	size_t step = size > 0 && data[0] ? (size_t)data[0] : 65536;
	char piece[4096];
	ssize_t n;

	/* Small enough for the sockets: the answers are read when all is sent. */
	if (size < 1 || size > 16384)
		return 0;
	start();
	requests.len = 0;
	read_strictly((const char *)data + 1, size - 1, &requests);
	atomic_store(&handled, 0);
	int fd = connect_to_server();
	for (size_t at = 1; at < size; at += step)
		if (send(fd, data + at, size - at < step ? size - at : step, MSG_NOSIGNAL) < 0)
			break;
	shutdown(fd, SHUT_WR);
	while ((n = recv(fd, piece, sizeof(piece), 0)) > 0)
		buf_append(&in, piece, (size_t)n);
	close(fd);
	if (n == 0) {
		unsigned responses = count_responses(buf_str(&in), in.len, &requests);

		CHECK(atomic_load(&handled) == requests.len);
		CHECK(responses == requests.len || responses == requests.len + 1);
	}
	buf_clear(&in);
	return 0;
}
