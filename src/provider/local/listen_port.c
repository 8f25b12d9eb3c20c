#include "listen_port.h"

#include "base/fs.h"
#include "base/str.h"

#include <dirent.h>

#define SOCKETS_MAX 4096

struct listener {
	uint64_t inode;
	int port;
};

static char *read_proc(const char *path, size_t max)
{
	_cleanup_err_ struct err ignored = { 0 };
	char *text = NULL;
	fs_read_file(path, max, &text, NULL, &ignored);
	return text;
}

size_t process_tree(pid_t root, pid_t ret[static PROCESS_TREE_MAX])
{
	size_t len = 0, next = 0;
	ret[len++] = root;
	while (next < len) {
		char path[64];
		snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)ret[next], (int)ret[next]);
		next++;
		_cleanup_free_ char *text = read_proc(path, 65536);
		_cleanup_strv_ char **pids = text ? str_split(text, " \n") : NULL;
		for (size_t i = 0; i < strv_len(pids) && len < PROCESS_TREE_MAX; i++) {
			int64_t pid;
			if (str_to_i64(pids[i], 2, INT32_MAX, &pid))
				ret[len++] = (pid_t)pid;
		}
	}
	return len;
}

/* Listening sockets (state 0A) of one table; addresses are hexadecimal words in host order (proc(5), /proc/net/tcp). */
static size_t read_listeners(const char *path, struct listener *list, size_t len)
{
	_cleanup_free_ char *text = read_proc(path, 8 * 1024 * 1024);
	_cleanup_strv_ char **lines = text ? str_split(text, "\n") : NULL;
	for (size_t i = 1; i < strv_len(lines) && len < SOCKETS_MAX; i++) {
		char address[40];
		unsigned port, state;
		unsigned long long inode;
		if (sscanf(lines[i], " %*d: %39[0-9A-F]:%X %*[0-9A-F]:%*X %X %*s %*s %*s %*d %*d %llu", address, &port, &state,
		           &inode) != 4)
			continue;
		if (state != 0x0A)
			continue;
		list[len++] = (struct listener){ .inode = inode, .port = (int)port };
	}
	return len;
}

static int port_of_inode(const struct listener *list, size_t len, uint64_t inode)
{
	for (size_t i = 0; i < len; i++) {
		if (list[i].inode == inode)
			return list[i].port;
	}
	return 0;
}

/* The better of two ports: the preferred one, else the lower. */
static int better_port(int a, int b, int preferred)
{
	if (a == 0 || b == 0)
		return a ? a : b;
	if (a == preferred || b == preferred)
		return preferred;
	return a < b ? a : b;
}

static int port_of_process(pid_t pid, const struct listener *list, size_t len, int preferred)
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
			best = better_port(best, port_of_inode(list, len, inode), preferred);
	}
	closedir(dir);
	return best;
}

int listen_port_of(pid_t root, int preferred)
{
	_cleanup_free_ pid_t *pids = xcalloc(PROCESS_TREE_MAX, sizeof(*pids));
	_cleanup_free_ struct listener *list = xcalloc(SOCKETS_MAX, sizeof(*list));
	size_t len = read_listeners("/proc/net/tcp", list, 0);
	len = read_listeners("/proc/net/tcp6", list, len);
	size_t count = process_tree(root, pids);
	int best = 0;
	for (size_t i = 0; i < count; i++)
		best = better_port(best, port_of_process(pids[i], list, len, preferred), preferred);
	return best;
}
