#include "proxy_peer.h"

#include "base/mem.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

struct request {
	struct nlmsghdr header;
	struct inet_diag_req_v2 body;
};

/* The socket at the other end: its source is our destination. */
static bool fill_request(int fd, struct request *r)
{
	struct sockaddr_in own = { 0 }, peer = { 0 };
	socklen_t own_len = sizeof(own), peer_len = sizeof(peer);

	if (getsockname(fd, (struct sockaddr *)&own, &own_len) || getpeername(fd, (struct sockaddr *)&peer, &peer_len) ||
	    own.sin_family != AF_INET || peer.sin_family != AF_INET)
		return false;
	*r = (struct request){
		.header = { .nlmsg_len = sizeof(*r), .nlmsg_type = SOCK_DIAG_BY_FAMILY, .nlmsg_flags = NLM_F_REQUEST },
		.body = { .sdiag_family = AF_INET, .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0U },
	};
	r->body.id.idiag_sport = peer.sin_port;
	r->body.id.idiag_src[0] = peer.sin_addr.s_addr;
	r->body.id.idiag_dport = own.sin_port;
	r->body.id.idiag_dst[0] = own.sin_addr.s_addr;
	r->body.id.idiag_cookie[0] = r->body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
	return true;
}

bool proxy_peer_is_gone(int fd)
{
	_cleanup_close_ int netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
	union {
		struct nlmsghdr header;
		char bytes[4096];
	} answer;
	struct request request;
	struct inet_diag_msg found;

	if (netlink < 0 || !fill_request(fd, &request) ||
	    send(netlink, &request, sizeof(request), 0) != (ssize_t)sizeof(request))
		return false;
	/* The kernel has answered when send() returns. */
	ssize_t n = recv(netlink, &answer, sizeof(answer), 0);

	if (n < (ssize_t)NLMSG_LENGTH(sizeof(found)) || answer.header.nlmsg_type != SOCK_DIAG_BY_FAMILY)
		return false;
	memcpy(&found, NLMSG_DATA(&answer.header), sizeof(found));
	/* Without an inode no program holds it. */
	return found.idiag_inode == 0;
}
