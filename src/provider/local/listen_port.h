#ifndef LOCAL_LISTEN_PORT_H
#define LOCAL_LISTEN_PORT_H
/* Which port does a program listen on? For programs that do not follow PORT. */

#include "base/mem.h"

#include <sys/types.h>

#define PROCESS_TREE_MAX 1024

/* The process and its descendants, parents first; how many were found (at most PROCESS_TREE_MAX). */
size_t process_tree(pid_t root, pid_t ret[static PROCESS_TREE_MAX]);

/* The TCP port that a process of the tree listens on, on loopback or on all addresses; `preferred` when it is among
 * several, else the lowest. 0: none. */
int listen_port_of(pid_t root, int preferred);

#endif
