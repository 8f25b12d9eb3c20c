#ifndef NET_HELD_SOCKETS_H
#define NET_HELD_SOCKETS_H
/* For unit tests only: what a child does to its parent's sockets between fork and exec. It has every one of them open,
 * so a close() by the parent ends nothing: an epoll set that was not told goes on reporting events of a socket whose
 * owner is freed. Holding them on purpose turns a race of microseconds into a certainty (for AddressSanitizer to see).
 */

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELD_SOCKETS_MAX 256

struct held_sockets {
	int fds[HELD_SOCKETS_MAX];
	int len;
};

/* How many sockets the process has open; those are put into fds (HELD_SOCKETS_MAX, or NULL). */
static inline int open_sockets(int *fds)
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	int len = 0;

	while (dir && (entry = readdir(dir)) && len < HELD_SOCKETS_MAX) {
		char what[16] = "";

		/* By its name: fstat() of what another thread is closing is a race to ThreadSanitizer. */
		if (readlinkat(dirfd(dir), entry->d_name, what, sizeof(what) - 1) < 0 || strncmp(what, "socket:", 7) != 0)
			continue;
		if (fds)
			fds[len] = (int)strtol(entry->d_name, NULL, 10);
		len++;
	}
	if (dir)
		closedir(dir);
	return len;
}

/* Opens every socket of the process a second time. */
static inline void held_sockets_take(struct held_sockets *held)
{
	held->len = open_sockets(held->fds);
	for (int i = 0; i < held->len; i++)
		held->fds[i] = fcntl(held->fds[i], F_DUPFD_CLOEXEC, 0);
}

static inline void held_sockets_release(struct held_sockets *held)
{
	while (held->len > 0)
		if (held->fds[--held->len] >= 0)
			close(held->fds[held->len]);
}

#endif
