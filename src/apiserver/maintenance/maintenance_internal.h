#ifndef APISERVER_MAINTENANCE_INTERNAL_H
#define APISERVER_MAINTENANCE_INTERNAL_H
/* What the files of this folder share. */

#include "maintenance.h"
#include "store/store_keys.h"

/* What belongs to a data folder beside the store, and is kept in backups: files of pki/, and these. */
extern const char *const MAINTENANCE_FILES[];

void maintenance_say(const struct maintenance *m, const char *fmt, ...) _printf_(2, 3);
/* The configured keys; *ret NULL when there is no configuration. */
int maintenance_keys(const struct maintenance *m, struct store_keys **ret, struct err *err);
/* fsync of a folder. */
int maintenance_sync_folder(const char *path, struct err *err);

#endif
