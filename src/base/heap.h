#ifndef BASE_HEAP_H
#define BASE_HEAP_H
/* How malloc()'s memory grows. Only hints: nothing depends on them. */

#include <stddef.h>

/* About so many bytes are about to be allocated by this thread, and stay: what a file holds, read into memory. The heap
 * grows by them at once, and in huge pages where the system gives them to who asks (transparent_hugepage "madvise" or
 * "always"): first touches of small pages are most of what reading a file costs, above all in a virtual machine. Does
 * nothing on a thread other than the main one, whose heap is the one that can grow so. */
void heap_expect(size_t bytes);
/* That was it: what is left of it goes back to the system as memory is freed, and growth is as it was. */
void heap_settle(void);

#endif
