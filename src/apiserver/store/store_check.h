#ifndef APISERVER_STORE_CHECK_H
#define APISERVER_STORE_CHECK_H
/* The integrity check: reads everything of a store's file or of a backup, changes nothing, and tells every damage it
 * finds. */

#include "base/err.h"

#include <inttypes.h>

struct store_keys;

struct store_check_config {
	const char *path;              /* of store.db or of a backup */
	const struct store_keys *keys; /* NULL: none */
	/* Each damage, in words: the row, the object, what is wrong. */
	void (*damage)(void *self, const char *what);
	/* What was found, for people; may be NULL. */
	void (*note)(void *self, const char *what);
	void *self;
};

/* The number of damages (0: intact); negative: it could not be checked. The store must not be in use. */
int64_t store_check_file(const struct store_check_config *config, struct err *err);

#endif
