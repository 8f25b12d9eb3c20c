#ifndef APISERVER_DISCOVERY_GROUPS_H
#define APISERVER_DISCOVERY_GROUPS_H
/* The groups of an API and their versions. */

#include "base/bytes.h"
#include "types/registry.h"

struct discovery_group {
	const char *name;
	bool custom;              /* has no built-in types */
	const char *versions[32]; /* preferred first */
	size_t len;
};

struct discovery_groups {
	struct discovery_group *list; /* free() */
	size_t len;
};

/* All groups but core, in the order of discovery; or core alone. Borrows from types (NULL-terminated). */
struct discovery_groups discovery_groups_of(struct api_type *const *types, bool core);
/* The text of /apis; key is not looked at. */
struct bytes *discovery_group_list(struct registry *r, const char *key);
/* The text of /apis/GROUP; NULL when there is no such group. */
struct bytes *discovery_group(struct registry *r, const char *key);

#endif
