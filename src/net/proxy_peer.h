#ifndef NET_PROXY_PEER_H
#define NET_PROXY_PEER_H

#include <stdbool.h>

/* fd: a TCP connection over loopback whose peer has sent FIN. Tells a program that closed its socket, and can never
 * read what is sent to it, from one that only said that it has nothing more to send (shutdown): TCP looks the same for
 * both, but as the peer is on this machine, the kernel knows (NETLINK_SOCK_DIAG). False when it cannot be known. */
bool proxy_peer_is_gone(int fd);

#endif
