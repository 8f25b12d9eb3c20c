#ifndef APISERVER_STORE_BACKUP_H
#define APISERVER_STORE_BACKUP_H
/* Backups: one file with all objects at one version, and further files that a data folder needs.
 *
 * The file is the eight bytes "SCIABAK1" and records: a type (1 byte), the payload's length (8 bytes, little endian),
 * the payload, its checksum (8 bytes).
 *   H  JSON: {"format":1,"version":"…","created":"…","program":"…"}; the first record
 *   O  an object's row as it is on the disk (sealed rows stay sealed)
 *   F  a file: its name, a NUL, its mode in octal, a NUL, its content
 *   E  JSON: {"objects":N,"files":N,"sha256":"…"} of everything before it; the last record. Files may be added behind
 *      an E, with an E of their own behind them */

#include "base/err.h"
#include "codec/json.h"
#include "store_row.h"

#include <sys/types.h>

struct store;
struct store_keys;

/* ---- writing ---- */

struct store_backup_writer;

/* Where the bytes go. */
struct store_backup_sink {
	int (*write)(void *self, const void *data, size_t len, struct err *err);
	void *self;
};

struct store_backup_writer *store_backup_writer_new(const struct store_backup_sink *sink);
struct store_backup_writer *store_backup_writer_free(struct store_backup_writer *w);
DEFINE_CLEANUP(struct store_backup_writer *, store_backup_writer_free)
int store_backup_put_header(struct store_backup_writer *w, uint64_t version, struct err *err);
int store_backup_put_row(struct store_backup_writer *w, const struct store_row *row, struct err *err);
int store_backup_put_file(struct store_backup_writer *w, const char *name, mode_t mode, const void *data, size_t len,
                          struct err *err);
int store_backup_put_end(struct store_backup_writer *w, struct err *err);
/* Bytes that another writer made, up to and with its E: they are passed on, and counted in the next E. */
int store_backup_put_raw(struct store_backup_writer *w, const void *data, size_t len, struct err *err);

/* Header, all objects of one moment, end. Takes no lock while it writes: writers do not wait. Encrypted resources are
 * sealed with today's key. Any thread. */
int store_backup(struct store *s, struct store_backup_writer *w, struct err *err);

/* ---- reading ---- */

struct store_backup_visitor {
	/* Borrowed; each may be NULL; negative ends the reading. */
	int (*header)(void *self, uint64_t version, const json_t *header, struct err *err);
	int (*row)(void *self, const struct store_row *row, struct err *err);
	int (*file)(void *self, const char *name, mode_t mode, const void *data, size_t len, struct err *err);
	/* What is wrong, when reading is to go on as far as possible; NULL: the first damage is the error. */
	void (*damage)(void *self, const char *what);
	void *self;
};
/* True when the file begins like a backup. */
bool store_backup_is(const char *path);
/* Reads all of it and checks every checksum; with damage set 0 although something is damaged. */
int store_backup_read(const char *path, const struct store_backup_visitor *visitor, struct err *err);

#endif
