/* Bytes of a client to a gRPC server: nothing may crash or hang, and the server must answer afterwards. */

#include "net/grpc.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum grpc_status echo(void *self _unused_, struct grpc_call *call _unused_, unsigned worker _unused_,
                             const void *message, size_t len, struct buf *out, char **ret_message _unused_)
{
	buf_append(out, message, len);
	return GRPC_OK;
}

static int port(void)
{
	static const struct grpc_method methods[] = { { .path = "/a.B/C", .unary = echo } };
	static struct grpc_server *server;
	const struct grpc_server_config config = {
		.address = "127.0.0.1", .threads = 1, .message_max = 1 << 20, .methods = methods, .methods_len = 1
	};

	if (!server && grpc_server_start(&config, &server, NULL) < 0)
		abort();
	return grpc_server_port(server);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port()) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char answer[4096];

	inet_pton(AF_INET, "127.0.0.1", &to.sin_addr);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		abort();
	if (send(fd, preface, sizeof(preface) - 1, MSG_NOSIGNAL) > 0 &&
	    (size == 0 || send(fd, data, size, MSG_NOSIGNAL) > 0))
		shutdown(fd, SHUT_WR);
	while (recv(fd, answer, sizeof(answer), 0) > 0)
		;
	close(fd);
	return 0;
}
