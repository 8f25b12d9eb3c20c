#ifndef LANG_KCL_MODULES_WATCH_H
#define LANG_KCL_MODULES_WATCH_H
/* Whether anything below some folders may have changed since the last look, as the kernel tells it (inotify(7)): one
 * system call for each folder, instead of some for each file below. Thread-safe. */

#include <stdint.h>

#include "base/mem.h"

struct kcl_watch;

/* folders: two lists, each NULL-terminated or NULL. They need not be there yet. */
struct kcl_watch *kcl_watch_new(const char *const *folders, const char *const *more);
struct kcl_watch *kcl_watch_free(struct kcl_watch *w);
DEFINE_CLEANUP(struct kcl_watch *, kcl_watch_free)

/* Another number than before when a file or folder may have been made, changed, renamed or removed since it was given,
 * also behind links. 0: the kernel cannot tell (a file system of another machine, too many folders, no watches left),
 * so that the caller has to look for itself. NULL gives 0. */
uint64_t kcl_watch_look(struct kcl_watch *w);

#endif
