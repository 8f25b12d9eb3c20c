#include "base/str.h"
#include "store_backup_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <inttypes.h>
#include <stdio.h>

struct reader {
	const struct store_backup_visitor *visitor;
	const char *path;
	FILE *file;
	gnutls_hash_hd_t hash;
	uint64_t number, objects, files; /* records */
	char type;                       /* of the last record */
	bool damaged;
};

/* Something is wrong that need not end the reading. -1: it does. */
static int damage(struct reader *r, struct err *err, const char *fmt, ...) _printf_(3, 4);

static int damage(struct reader *r, struct err *err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_free_ char *what = xvasprintf(fmt, ap);
	va_end(ap);
	r->damaged = true;
	if (!r->visitor->damage)
		return err_set(err, ERR_INTERNAL, "the backup %s is damaged: %s", r->path, what);
	r->visitor->damage(r->visitor->self, what);
	return 0;
}

/* 1: read; 0: the file ended before len bytes. */
static int read_exactly(struct reader *r, void *to, size_t len, struct err *err)
{
	size_t n = fread(to, 1, len, r->file);

	if (n == len)
		return 1;
	return ferror(r->file) ? err_set_errno(err, errno, "reading the backup %s", r->path) : 0;
}

static int visit_header(struct reader *r, const char *payload, size_t len, struct err *err)
{
	_cleanup_json_ json_t *v = json_parse(payload, len, 0, NULL);
	const char *version = json_get_str(v, "version");
	int64_t number = 0;

	if (json_get_int(v, "format", 0) > 1)
		return err_set(err, ERR_INTERNAL, "the backup %s has format %" PRId64 ": use the newer program", r->path,
		               json_get_int(v, "format", 0));
	if (!version || !str_to_i64(version, 0, INT64_MAX, &number))
		return damage(r, err, "its header says no version");
	return r->visitor->header ? r->visitor->header(r->visitor->self, (uint64_t)number, v, err) : 0;
}

/* Takes a part with its length off the front; NULL when there is none. */
static const char *take_part(const char **at, size_t *left, size_t *ret_len)
{
	if (*left < 8)
		return NULL;
	uint64_t len = store_backup_get_u64((const unsigned char *)*at);
	if (len > *left - 8)
		return NULL;
	const char *part = *at + 8;
	*at += 8 + len;
	*left -= 8 + (size_t)len;
	*ret_len = (size_t)len;
	return part;
}

#define PARTS 8

static int visit_row(struct reader *r, const char *payload, size_t len, struct err *err)
{
	const char *at = payload + 16, *parts[PARTS];
	size_t left = len - 16, lens[PARTS];
	bool ok = len >= 16;

	for (size_t i = 0; ok && i < PARTS; i++) {
		parts[i] = take_part(&at, &left, &lens[i]);
		/* Names hold no NUL. */
		ok = parts[i] && (i > 4 || !memchr(parts[i], '\0', lens[i]));
	}
	if (!ok || left > 0 || !store_pairs_valid(parts[5], lens[5]) || !store_pairs_valid(parts[6], lens[6]))
		return damage(r, err, "record %" PRIu64 " is no object", r->number);
	r->objects++;
	_cleanup_free_ char *resource = xstrndup(parts[0], lens[0]), *ns = xstrndup(parts[1], lens[1]),
						*name = xstrndup(parts[2], lens[2]), *uid = xstrndup(parts[3], lens[3]),
						*key = lens[4] ? xstrndup(parts[4], lens[4]) : NULL;
	const struct store_row row = {
		.id = (int64_t)r->objects,
		.version = store_backup_get_u64((const unsigned char *)payload),
		.text_version_offset = (size_t)store_backup_get_u64((const unsigned char *)payload + 8),
		.resource = resource,
		.ns = ns,
		.name = name,
		.uid = uid,
		.key = key,
		.labels = lens[5] ? parts[5] : NULL,
		.fields = lens[6] ? parts[6] : NULL,
		.text = parts[7],
		.text_len = lens[7],
	};
	if (!key && row.text_version_offset > row.text_len)
		return damage(r, err, "record %" PRIu64 " (%s %s/%s) is no object", r->number, resource, ns, name);
	return r->visitor->row ? r->visitor->row(r->visitor->self, &row, err) : 0;
}

static int visit_file(struct reader *r, const char *payload, size_t len, struct err *err)
{
	const char *name_end = memchr(payload, '\0', len);
	const char *mode = name_end ? name_end + 1 : payload;
	const char *mode_end = name_end ? memchr(mode, '\0', len - (size_t)(mode - payload)) : NULL;

	if (!mode_end)
		return damage(r, err, "record %" PRIu64 " is no file", r->number);
	r->files++;
	if (!r->visitor->file)
		return 0;
	return r->visitor->file(r->visitor->self, payload, (mode_t)strtoul(mode, NULL, 8) & 0777, mode_end + 1,
	                        len - (size_t)(mode_end + 1 - payload), err);
}

/* hash: of everything before this record. */
static int visit_end(struct reader *r, const char *payload, size_t len, const unsigned char digest[static 32],
                     struct err *err)
{
	_cleanup_json_ json_t *v = json_parse(payload, len, 0, NULL);
	char hex[65];

	for (size_t i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	if (!str_eq(json_get_str(v, "sha256"), hex))
		return damage(r, err, "its SHA-256 does not match");
	return 0;
}

static int visit(struct reader *r, const char *payload, size_t len, const unsigned char digest[static 32],
                 struct err *err)
{
	if ((r->number == 1) != (r->type == 'H'))
		return damage(r, err, "record %" PRIu64 " is of type %c", r->number, r->type);
	switch (r->type) {
	case 'H':
		return visit_header(r, payload, len, err);
	case 'O':
		return visit_row(r, payload, len, err);
	case 'F':
		return visit_file(r, payload, len, err);
	case 'E':
		return visit_end(r, payload, len, digest, err);
	default:
		return damage(r, err, "record %" PRIu64 " is of no known type", r->number);
	}
}

static bool known_type(unsigned char type)
{
	return type && strchr("HOFE", type);
}

/* 1: go on; 0: the end of the file, or nothing behind this can be told apart. */
static int read_record(struct reader *r, struct err *err)
{
	unsigned char head[STORE_BACKUP_HEAD], checksum[STORE_BACKUP_CHECKSUM], digest[32];
	int first = fgetc(r->file);

	if (first == EOF && !ferror(r->file))
		return 0;
	gnutls_hash_deinit(gnutls_hash_copy(r->hash), digest);
	head[0] = (unsigned char)first;
	int got = read_exactly(r, head + 1, sizeof(head) - 1, err);
	uint64_t len = store_backup_get_u64(head + 1);
	r->number++;
	if (got > 0 && (len > STORE_BACKUP_RECORD_MAX || !known_type(head[0])))
		return damage(r, err, "the head of record %" PRIu64 " is damaged; what follows cannot be read", r->number);
	_cleanup_free_ char *payload = xmalloc(got > 0 ? (size_t)len + 1 : 1);
	if (got > 0)
		got = read_exactly(r, payload, (size_t)len, err);
	if (got > 0)
		got = read_exactly(r, checksum, sizeof(checksum), err);
	if (got <= 0)
		return got < 0 ? -1 : damage(r, err, "it ends within record %" PRIu64, r->number);
	payload[len] = '\0';
	r->type = (char)head[0];
	gnutls_hash(r->hash, head, sizeof(head));
	gnutls_hash(r->hash, payload, (size_t)len);
	gnutls_hash(r->hash, checksum, sizeof(checksum));
	int result = 0;
	if (store_backup_get_u64(checksum) != store_backup_checksum(r->type, payload, (size_t)len))
		result = damage(r, err, "the checksum of record %" PRIu64 " does not match", r->number);
	if (result == 0)
		result = visit(r, payload, (size_t)len, digest, err);
	return result < 0 ? -1 : 1;
}

static int read_all(struct reader *r, struct err *err)
{
	char magic[STORE_BACKUP_MAGIC_LEN];
	int go_on = read_exactly(r, magic, sizeof(magic), err);

	if (go_on < 0)
		return -1;
	if (go_on == 0 || memcmp(magic, STORE_BACKUP_MAGIC, sizeof(magic)) != 0)
		return err_set(err, ERR_INVALID, "%s is not a backup", r->path);
	gnutls_hash(r->hash, magic, sizeof(magic));
	while ((go_on = read_record(r, err)) > 0)
		;
	if (go_on == 0 && r->type != 'E')
		return damage(r, err, "it is not complete: its end is missing");
	return go_on;
}

bool store_backup_is(const char *path)
{
	char magic[STORE_BACKUP_MAGIC_LEN];
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	return fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
	       memcmp(magic, STORE_BACKUP_MAGIC, sizeof(magic)) == 0;
}

int store_backup_read(const char *path, const struct store_backup_visitor *visitor, struct err *err)
{
	struct reader r = { .visitor = visitor, .path = path };

	r.file = fopen(path, "rbe");
	if (!r.file)
		return err_set_errno(err, errno, "opening the backup %s", path);
	if (gnutls_hash_init(&r.hash, GNUTLS_DIG_SHA256) < 0)
		out_of_memory(0);
	int result = read_all(&r, err);
	gnutls_hash_deinit(r.hash, NULL);
	fclose(r.file);
	return result;
}
