#include "http_peers.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/thread.h"

#include <string.h>

#define NETWORK_BYTES 8 /* of an IPv6 address */

struct http_peers {
	size_t max;
	pthread_mutex_t lock;
	struct map *counts; /* id in hexadecimal → how many */
};

struct http_peer http_peer_of(const union http_address *address)
{
	const struct in6_addr *six = &address->in6.sin6_addr;
	struct http_peer peer = { { 0 } };

	if (address->any.sa_family == AF_INET)
		memcpy(peer.id + 12, &address->in.sin_addr, 4);
	else if (address->any.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(six))
		memcpy(peer.id + 12, six->s6_addr + 12, 4);
	else if (address->any.sa_family == AF_INET6)
		memcpy(peer.id, six, NETWORK_BYTES);
	return peer;
}

struct http_peers *http_peers_new(size_t max)
{
	struct http_peers *p = new0(struct http_peers);

	p->max = max;
	pthread_mutex_init(&p->lock, NULL);
	p->counts = map_new(NULL);
	return p;
}

struct http_peers *http_peers_free(struct http_peers *p)
{
	if (!p)
		return NULL;
	map_free(p->counts);
	pthread_mutex_destroy(&p->lock);
	free(p);
	return NULL;
}

#define KEY_SIZE (2 * sizeof(struct http_peer) + 1)

static void key_of(const struct http_peer *peer, char ret[static KEY_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	char *at = ret;

	for (size_t i = 0; i < sizeof(peer->id); i++) {
		*at++ = digits[peer->id[i] >> 4];
		*at++ = digits[peer->id[i] & 15];
	}
	*at = '\0';
}

bool http_peers_enter(struct http_peers *p, const struct http_peer *peer)
{
	char key[KEY_SIZE];

	if (!p->max)
		return true;
	key_of(peer, key);
	MUTEX_GUARD(&p->lock);
	uintptr_t n = (uintptr_t)map_get(p->counts, key);
	if (n >= p->max)
		return false;
	map_set(p->counts, key, (void *)(n + 1));
	return true;
}

void http_peers_leave(struct http_peers *p, const struct http_peer *peer)
{
	char key[KEY_SIZE];

	if (!p->max)
		return;
	key_of(peer, key);
	MUTEX_GUARD(&p->lock);
	uintptr_t n = (uintptr_t)map_get(p->counts, key);
	if (n > 1)
		map_set(p->counts, key, (void *)(n - 1));
	else
		map_del(p->counts, key);
}
