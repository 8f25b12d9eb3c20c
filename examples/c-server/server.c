/* A web server that answers every request with one sentence. */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int listen_on(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons((unsigned short)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 64) < 0) {
		perror("listen");
		exit(1);
	}
	return fd;
}

static void answer(int client)
{
	static const char body[] = "Hello from C\n";
	char request[4096];
	char head[128];

	if (read(client, request, sizeof(request)) > 0) {
		int n = snprintf(head, sizeof(head),
		                 "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
		                 "Connection: close\r\n\r\n", sizeof(body) - 1);
		if (write(client, head, (size_t)n) < 0 || write(client, body, sizeof(body) - 1) < 0)
			perror("write");
	}
	close(client);
}

int main(void)
{
	const char *port = getenv("PORT");
	int fd = listen_on(port ? atoi(port) : 8080);

	signal(SIGPIPE, SIG_IGN);
	printf("listening\n");
	fflush(stdout);
	for (;;) {
		int client = accept(fd, NULL, NULL);
		if (client >= 0)
			answer(client);
	}
}
