#include "listen_port.h"

#include "base/fs.h"
#include "base/str.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#define SOCKETS_MAX 65536
#define TABLE_MAX ((size_t)64 * 1024 * 1024)
#define TCP_LISTEN 0x0A

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

/* One line of /proc/net/tcp or tcp6 (proc(5)); false when it is no listening socket. */
static bool parse_listener(const char *line, struct listener *ret)
{
	char address[40];
	unsigned port, state;
	unsigned long long inode;
	if (sscanf(line, " %*d: %39[0-9A-F]:%X %*[0-9A-F]:%*X %X %*s %*s %*s %*d %*d %llu", address, &port, &state,
	           &inode) != 4 ||
	    state != TCP_LISTEN)
		return false;
	*ret = (struct listener){ .inode = inode, .port = (int)port };
	return true;
}

static void read_table(const char *path, struct listeners *l)
{
	_cleanup_free_ char *text = read_proc(path, TABLE_MAX);
	for (char *line = text, *end; line && l->len < SOCKETS_MAX; line = end) {
		struct listener found;
		end = strchr(line, '\n');
		if (end)
			*end++ = '\0';
		if (!parse_listener(line, &found))
			continue;
		if ((l->len & (l->len - 1)) == 0) /* room doubles at each power of two */
			l->list = xreallocarray(l->list, l->len ? l->len * 2 : 1, sizeof(*l->list));
		l->list[l->len++] = found;
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
	read_table("/proc/net/tcp", l);
	read_table("/proc/net/tcp6", l);
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
