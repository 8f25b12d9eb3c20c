#ifndef LOCAL_LISTEN_PORT_H
#define LOCAL_LISTEN_PORT_H
/* Which port does a program listen on? For programs that do not follow PORT. */

#include "base/mem.h"

#include <sys/types.h>

#define PROCESS_TREE_MAX 1024

/* The process and its descendants, parents first; how many were found (at most PROCESS_TREE_MAX). */
size_t process_tree(pid_t root, pid_t ret[static PROCESS_TREE_MAX]);

/* All listening TCP sockets of this machine at one moment: reading them costs more than looking into them, so one
 * reading serves many questions. */
struct listeners;
struct listeners *listeners_read(void);
struct listeners *listeners_free(struct listeners *l);
DEFINE_CLEANUP(struct listeners *, listeners_free)

/* The TCP port that a process of the tree listens on; of several `preferred`, else `expected`, else the lowest. 0:
 * none. */
int listen_port_of(const struct listeners *l, pid_t root, int preferred, int expected);

#endif
