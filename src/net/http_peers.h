#ifndef NET_HTTP_PEERS_H
#define NET_HTTP_PEERS_H
/* How many connections each client has, so that nobody takes all of a server's. A client is an IPv4 address, or an IPv6
 * network of 64 bits, which is the least that one gets. Any thread. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

union http_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

/* What a client is counted under. */
struct http_peer {
	unsigned char id[16];
};
struct http_peer http_peer_of(const union http_address *address);

struct http_peers;
/* max: connections of one client; 0: any number. */
struct http_peers *http_peers_new(size_t max);
struct http_peers *http_peers_free(struct http_peers *p);
/* One connection more; false, and not counted, when it has as many as it may. */
bool http_peers_enter(struct http_peers *p, const struct http_peer *peer);
void http_peers_leave(struct http_peers *p, const struct http_peer *peer);

#endif
