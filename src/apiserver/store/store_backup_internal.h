#ifndef APISERVER_STORE_BACKUP_INTERNAL_H
#define APISERVER_STORE_BACKUP_INTERNAL_H
/* What writing and reading of backups share. */

#include "store_backup.h"

#define STORE_BACKUP_MAGIC "SCIABAK1"
#define STORE_BACKUP_MAGIC_LEN 8
#define STORE_BACKUP_HEAD 9 /* type and length */
#define STORE_BACKUP_CHECKSUM 8
#define STORE_BACKUP_RECORD_MAX ((size_t)64 * 1024 * 1024)

void store_backup_put_u64(unsigned char *at, uint64_t n);
uint64_t store_backup_get_u64(const unsigned char *at);
uint64_t store_backup_checksum(char type, const void *payload, size_t len);

#endif
