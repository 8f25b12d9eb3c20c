#ifndef GIT_LINKS_H
#define GIT_LINKS_H
/* Symbolic links of a tree: which of them lead out of it? No I/O. */

#include "base/map.h"

/* links: path of a link (from the tree's root, without a leading slash) → its target (char *). True when following
 * links[path] leaves the tree at any step, through other links too, or never ends (more than 40 links). What does not
 * exist counts as a folder that a build may make later. */
bool git_link_escapes(const struct map *links, const char *path);

#endif
