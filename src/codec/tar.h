#ifndef CODEC_TAR_H
#define CODEC_TAR_H
/* Reads tar archives that are in memory: POSIX ustar and pax, GNU's long names. What came from a stranger may be looked
 * at with it: nothing but files and folders is accepted, and no name that would leave the folder it is unpacked to. */

#include "base/buf.h"
#include "base/err.h"

#define TAR_NAME_MAX ((size_t)4096)

struct tar_entry {
	const char *name; /* below the archive's root, without "./" and a '/' at the end; valid until the next call */
	bool is_folder;
	const char *data; /* into the archive */
	size_t size;      /* 0 of a folder */
};

struct tar_reader {
	const char *at;
	size_t left;
	unsigned entries_left;
	struct buf name, long_name; /* long_name: of the next entry, if a header before it gave one */
	size_t long_size;           /* likewise; TAR_NO_SIZE */
};

/* entries_max: of all kinds, also those that only describe others. The archive stays the caller's. */
void tar_begin(struct tar_reader *t, const void *data, size_t len, unsigned entries_max);
/* 1: an entry, 0: the end. -1: the archive is damaged, or has what is not accepted (links, devices, sparse files, names
 * that are absolute or climb by "..", too many entries). */
int tar_next(struct tar_reader *t, struct tar_entry *ret, struct err *err);
void tar_end(struct tar_reader *t);
#define _cleanup_tar_ _cleanup_(tar_end)

#endif
