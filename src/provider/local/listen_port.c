#include "listen_port.h"

#include "base/fs.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define SOCKETS_MAX 65536
#define NETLINK_BUFFER 32768
#define TABLE_MAX ((size_t)64 * 1024 * 1024)

struct listener {
	uint64_t inode;
	int port;
};

struct listeners {
	struct listener *list; /* by inode */
	size_t len;
};

static char *read_proc(const char *path, size_t max)
{
	_cleanup_err_ struct err ignored = { 0 };
	char *text = NULL;
	fs_read_file(path, max, &text, NULL, &ignored);
	return text;
}

/* Children are listed by the thread that made them. */
static size_t add_children(pid_t pid, const char *thread, pid_t *list, size_t len)
{
	char path[96];
	snprintf(path, sizeof(path), "/proc/%d/task/%.20s/children", (int)pid, thread);
	_cleanup_free_ char *text = read_proc(path, 65536);
	_cleanup_strv_ char **pids = text ? str_split(text, " \n") : NULL;
	for (size_t i = 0; i < strv_len(pids) && len < PROCESS_TREE_MAX; i++) {
		int64_t child;
		if (str_to_i64(pids[i], 2, INT32_MAX, &child))
			list[len++] = (pid_t)child;
	}
	return len;
}

size_t process_tree(pid_t root, pid_t ret[static PROCESS_TREE_MAX])
{
	size_t len = 0;
	ret[len++] = root;
	for (size_t next = 0; next < len; next++) {
		char path[64];
		snprintf(path, sizeof(path), "/proc/%d/task", (int)ret[next]);
		DIR *dir = opendir(path);
		for (struct dirent *entry; dir && (entry = readdir(dir));) {
			if (entry->d_name[0] != '.')
				len = add_children(ret[next], entry->d_name, ret, len);
		}
		if (dir)
			closedir(dir);
	}
	return len;
}

static void add_listener(struct listeners *l, uint64_t inode, int port)
{
	if (l->len >= SOCKETS_MAX)
		return;
	if ((l->len & (l->len - 1)) == 0) /* room doubles at each power of two */
		l->list = xreallocarray(l->list, l->len ? l->len * 2 : 1, sizeof(*l->list));
	l->list[l->len++] = (struct listener){ .inode = inode, .port = port };
}

/* ---- from the kernel's socket diagnostics (sock_diag(7)): listening sockets only, however many others there are ----
 */

static bool ask_diagnostics(int fd, int family)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 request;
	} message = {
		.header = { .nlmsg_len = sizeof(message),
		            .nlmsg_type = SOCK_DIAG_BY_FAMILY,
		            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.request = { .sdiag_family = (uint8_t)family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = 1u << TCP_LISTEN },
	};
	return send(fd, &message, sizeof(message), 0) == (ssize_t)sizeof(message);
}

/* One piece of the answer: 1 more follows, 0 it was the last, -1 it failed. */
static int take_diagnostics(struct listeners *l, const struct nlmsghdr *h, size_t len)
{
	for (; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		if (h->nlmsg_type == NLMSG_DONE)
			return 0;
		if (h->nlmsg_type != SOCK_DIAG_BY_FAMILY || h->nlmsg_len < NLMSG_LENGTH(sizeof(struct inet_diag_msg)))
			return -1;
		const struct inet_diag_msg *socket = NLMSG_DATA(h);
		add_listener(l, socket->idiag_inode, ntohs(socket->id.idiag_sport));
	}
	return 1;
}

static bool read_diagnostics(struct listeners *l, int family)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	_cleanup_free_ char *data = xmalloc(NETLINK_BUFFER);
	if (fd < 0 || !ask_diagnostics(fd, family))
		return false;
	for (;;) {
		ssize_t n = TEMP_FAILURE_RETRY(recv(fd, data, NETLINK_BUFFER, 0));
		int r = n > 0 ? take_diagnostics(l, (const struct nlmsghdr *)(const void *)data, (size_t)n) : -1;
		if (r <= 0)
			return r == 0;
	}
}

/* ---- from /proc/net, where there are no diagnostics ---- */

/* One line of /proc/net/tcp or tcp6 (proc(5)). */
static void parse_listener(struct listeners *l, const char *line)
{
	char address[40];
	unsigned port, state;
	unsigned long long inode;
	if (sscanf(line, " %*d: %39[0-9A-F]:%X %*[0-9A-F]:%*X %X %*s %*s %*s %*d %*d %llu", address, &port, &state,
	           &inode) == 4 &&
	    state == TCP_LISTEN)
		add_listener(l, inode, (int)port);
}

static void read_table(struct listeners *l, const char *path)
{
	_cleanup_free_ char *text = read_proc(path, TABLE_MAX);
	for (char *line = text, *end; line; line = end) {
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		parse_listener(l, line);
	}
}

static int compare(const void *a, const void *b)
{
	uint64_t x = ((const struct listener *)a)->inode, y = ((const struct listener *)b)->inode;
	return (x > y) - (x < y);
}

struct listeners *listeners_read(void)
{
	struct listeners *l = new0(struct listeners);
	if (!read_diagnostics(l, AF_INET) || !read_diagnostics(l, AF_INET6)) {
		l->len = 0;
		read_table(l, "/proc/net/tcp");
		read_table(l, "/proc/net/tcp6");
	}
	if (l->len)
		qsort(l->list, l->len, sizeof(*l->list), compare);
	return l;
}

struct listeners *listeners_free(struct listeners *l)
{
	if (!l)
		return NULL;
	free(l->list);
	free(l);
	return NULL;
}

static int port_of_inode(const struct listeners *l, uint64_t inode)
{
	struct listener key = { .inode = inode };
	const struct listener *found = l->len ? bsearch(&key, l->list, l->len, sizeof(key), compare) : NULL;
	return found ? found->port : 0;
}

/* The better of two ports: the preferred one, else the expected one, else the lower. */
static int better_port(int a, int b, const int liked[2])
{
	if (a == 0 || b == 0)
		return a ? a : b;
	for (size_t i = 0; i < 2; i++) {
		if (a == liked[i] || b == liked[i])
			return liked[i];
	}
	return a < b ? a : b;
}

static int port_of_process(const struct listeners *l, pid_t pid, const int liked[2])
{
	char path[64];
	int best = 0;
	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	DIR *dir = opendir(path);
	if (!dir)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir));) {
		char target[64];
		unsigned long long inode;
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		if (n <= 0)
			continue;
		target[n] = '\0';
		if (sscanf(target, "socket:[%llu]", &inode) == 1)
			best = better_port(best, port_of_inode(l, inode), liked);
	}
	closedir(dir);
	return best;
}

int listen_port_of(const struct listeners *l, pid_t root, int preferred, int expected)
{
	const int liked[] = { preferred, expected };
	_cleanup_free_ pid_t *pids = xcalloc(PROCESS_TREE_MAX, sizeof(*pids));
	size_t count = l->len ? process_tree(root, pids) : 0;
	int best = 0;
	for (size_t i = 0; i < count && (best == 0 || best != preferred); i++)
		best = better_port(best, port_of_process(l, pids[i], liked), liked);
	return best;
}
