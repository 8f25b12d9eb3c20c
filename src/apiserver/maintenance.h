#ifndef APISERVER_MAINTENANCE_H
#define APISERVER_MAINTENANCE_H
/* What is done to a data folder from outside a server: backup, restore, check, encrypting anew, compacting. */

#include "base/err.h"
#include "base/log.h"

#include <inttypes.h>

struct maintenance {
	const char *data_dir;
	const char *encryption_config; /* EncryptionConfiguration; NULL: DIR/pki/encryption.yaml, when it is there */
	/* Progress and findings, in words; may be NULL. */
	void (*say)(void *self, const char *text);
	/* check: each damage; needed there. */
	void (*damage)(void *self, const char *what);
	void *self;
	struct logger *log;
};

/* A backup under way. The objects come from a running server's answer to GET /scia/backup (pieces), or from the folder
 * itself when no server has it. The file, of mode 0600, appears when it is whole and has been read back. */
struct maintenance_backup;
int maintenance_backup_begin(const struct maintenance *m, const char *file, struct maintenance_backup **ret,
                             struct err *err);
int maintenance_backup_piece(struct maintenance_backup *b, const void *data, size_t len, struct err *err);
/* Objects from the folder. ERR_ALREADY_EXISTS: a server has it. */
int maintenance_backup_folder(struct maintenance_backup *b, struct err *err);
/* Adds DIR/pki, kubeconfig and port (unless objects_only), verifies and gives the file its name. Frees, whatever
 * happens. */
int maintenance_backup_finish(struct maintenance_backup *b, bool objects_only, struct err *err);
struct maintenance_backup *maintenance_backup_abort(struct maintenance_backup *b);
#define MAINTENANCE_BACKUP_PATH "/scia/backup"

/* Makes data_dir what the backup says; everything is verified before anything of data_dir is touched. A folder that is
 * not empty is refused unless replace is set: then what is there goes to DIR/before-restore-TIME. Resource versions go
 * on far behind any that were ever given out. After a crash in between, servers refuse the folder until the restore is
 * repeated. */
int maintenance_restore(const struct maintenance *m, const char *file, bool replace, struct err *err);

/* Checks the folder's store, or file (a backup or a store.db) when it is not NULL. The number of damages; negative: it
 * could not be checked. */
int64_t maintenance_check(const struct maintenance *m, const char *file, struct err *err);

/* Seals everything as the configuration says today. *ret: how many objects were not. */
int maintenance_reencrypt(const struct maintenance *m, int64_t *ret, struct err *err);

/* Rewrites the store's file without the pages that are free, for which there must be room beside it. Sizes in bytes. A
 * crash leaves it as it was. ERR_ALREADY_EXISTS: a server has it. */
int maintenance_compact(const struct maintenance *m, int64_t *ret_before, int64_t *ret_after, struct err *err);

#endif
