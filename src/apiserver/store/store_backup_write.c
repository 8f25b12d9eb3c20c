#include "base/clock.h"
#include "base/fault.h"
#include "base/str.h"
#include "store_backup_internal.h"
#include "store_internal.h"
#include "store_keys.h"

#include <gnutls/crypto.h>
#include <inttypes.h>

struct store_backup_writer {
	struct store_backup_sink sink;
	gnutls_hash_hd_t hash; /* of everything that went to the sink */
	uint64_t objects, files;
	bool begun;
};

void store_backup_put_u64(unsigned char *at, uint64_t n)
{
	for (int i = 0; i < 8; i++)
		at[i] = (unsigned char)(n >> 8 * i);
}

uint64_t store_backup_get_u64(const unsigned char *at)
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n |= (uint64_t)at[i] << 8 * i;
	return n;
}

uint64_t store_backup_checksum(char type, const void *payload, size_t len)
{
	return store_checksum((uint64_t)(unsigned char)type, payload, len);
}

struct store_backup_writer *store_backup_writer_new(const struct store_backup_sink *sink)
{
	struct store_backup_writer *w = new0(struct store_backup_writer);

	w->sink = *sink;
	if (gnutls_hash_init(&w->hash, GNUTLS_DIG_SHA256) < 0)
		out_of_memory(0); /* the only way this fails */
	return w;
}

struct store_backup_writer *store_backup_writer_free(struct store_backup_writer *w)
{
	if (!w)
		return NULL;
	gnutls_hash_deinit(w->hash, NULL);
	free(w);
	return NULL;
}

int store_backup_put_raw(struct store_backup_writer *w, const void *data, size_t len, struct err *err)
{
	w->begun = true;
	if (gnutls_hash(w->hash, data, len) < 0)
		return err_set(err, ERR_INTERNAL, "hashing the backup failed");
	return w->sink.write(w->sink.self, data, len, err);
}

static int put_record(struct store_backup_writer *w, char type, const void *payload, size_t len, struct err *err)
{
	unsigned char head[STORE_BACKUP_HEAD], checksum[STORE_BACKUP_CHECKSUM];

	if (len > STORE_BACKUP_RECORD_MAX)
		return err_set(err, ERR_TOO_LARGE, "backup: a record of %zu bytes is too large", len);
	head[0] = (unsigned char)type;
	store_backup_put_u64(head + 1, len);
	store_backup_put_u64(checksum, store_backup_checksum(type, payload, len));
	if (store_backup_put_raw(w, head, sizeof(head), err) < 0 || store_backup_put_raw(w, payload, len, err) < 0)
		return -1;
	return store_backup_put_raw(w, checksum, sizeof(checksum), err);
}

static int put_json(struct store_backup_writer *w, char type, json_t *v, struct err *err)
{
	_cleanup_json_ json_t *value = v;
	_cleanup_free_ char *text = json_to_str(value);

	return put_record(w, type, text, strlen(text), err);
}

int store_backup_put_header(struct store_backup_writer *w, uint64_t version, struct err *err)
{
	json_t *v = json_object();
	char time[RFC3339_SIZE];

	json_put_int(v, "format", 1);
	json_put(v, "version", json_strf("%" PRIu64, version));
	json_put_str(v, "created", rfc3339_format(clock_wall_ns(), time));
	json_put_str(v, "program", "scia " SCIA_VERSION);
	if (store_backup_put_raw(w, STORE_BACKUP_MAGIC, STORE_BACKUP_MAGIC_LEN, err) < 0) {
		json_decref(v);
		return -1;
	}
	return put_json(w, 'H', v, err);
}

int store_backup_put_row(struct store_backup_writer *w, const struct store_row *row, struct err *err)
{
	const struct {
		const void *data;
		size_t len;
	} parts[] = {
		{ row->resource, strlen(row->resource) },
		{ row->ns, strlen(row->ns) },
		{ row->name, strlen(row->name) },
		{ row->uid, strlen(row->uid) },
		{ row->key, row->key ? strlen(row->key) : 0 },
		{ row->labels, store_pairs_size(row->labels) },
		{ row->fields, store_pairs_size(row->fields) },
		{ row->text, row->text_len },
	};
	_cleanup_buf_ struct buf out = BUF_INIT(STORE_BACKUP_RECORD_MAX);
	unsigned char number[8];

	if (fault_point("store.backup.object"))
		return err_set(err, ERR_INTERNAL, "backup: fault at an object");
	store_backup_put_u64(number, row->version);
	buf_append(&out, number, 8);
	store_backup_put_u64(number, row->text_version_offset);
	buf_append(&out, number, 8);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		store_backup_put_u64(number, parts[i].len);
		buf_append(&out, number, 8);
		buf_append(&out, parts[i].data, parts[i].len);
	}
	if (out.failed)
		return err_set(err, ERR_TOO_LARGE, "backup: %s %s/%s is too large", row->resource, row->ns, row->name);
	w->objects++;
	return put_record(w, 'O', out.data, out.len, err);
}

int store_backup_put_file(struct store_backup_writer *w, const char *name, mode_t mode, const void *data, size_t len,
                          struct err *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(STORE_BACKUP_RECORD_MAX);

	buf_append(&out, name, strlen(name) + 1);
	buf_printf(&out, "%o", (unsigned)mode & 0777);
	buf_append(&out, "", 1);
	buf_append(&out, data, len);
	if (out.failed)
		return err_set(err, ERR_TOO_LARGE, "backup: %s is too large", name);
	w->files++;
	int r = put_record(w, 'F', out.data, out.len, err);
	explicit_bzero(out.data, out.len);
	return r;
}

int store_backup_put_end(struct store_backup_writer *w, struct err *err)
{
	unsigned char digest[32];
	char hex[65];
	gnutls_hash_hd_t copy = gnutls_hash_copy(w->hash);

	if (!copy)
		return err_set(err, ERR_INTERNAL, "hashing the backup failed");
	gnutls_hash_deinit(copy, digest);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	json_t *v = json_object();
	json_put_int(v, "objects", (int64_t)w->objects);
	json_put_int(v, "files", (int64_t)w->files);
	json_put_str(v, "sha256", hex);
	return put_json(w, 'E', v, err);
}

/* ---- a store's objects ---- */

/* All resources as of one moment. */
struct moment {
	uint64_t version;
	struct store_snapshot *snapshots;
	size_t len;
};

static void moment_take(struct store *s, struct moment *ret)
{
	void *value;
	size_t iter = 0;

	pthread_rwlock_rdlock(&s->lock);
	*ret = (struct moment){ .version = s->version,
		                    .snapshots = xcalloc(map_len(s->resources), sizeof(struct store_snapshot)) };
	while (map_next(s->resources, &iter, NULL, &value)) {
		const struct store_resource *r = value;
		store_index_snapshot(&r->index, "", NULL, NULL, &ret->snapshots[ret->len++]);
	}
	pthread_rwlock_unlock(&s->lock);
}

static void moment_clear(struct moment *m)
{
	for (size_t i = 0; i < m->len; i++)
		store_snapshot_clear(&m->snapshots[i]);
	free(m->snapshots);
}

static int put_object(struct store *s, struct store_backup_writer *w, struct store_object *o, struct err *err)
{
	_cleanup_buf_ struct buf out = { 0 };
	struct store_row row = store_object_row(o), sealed;

	if (store_keys_seal(s->keys, &row, &out, &sealed, err) < 0)
		return -1;
	return store_backup_put_row(w, &sealed, err);
}

int store_backup(struct store *s, struct store_backup_writer *w, struct err *err)
{
	_cleanup_(moment_clear) struct moment m;
	struct store_object *o;

	moment_take(s, &m);
	if (store_backup_put_header(w, m.version, err) < 0)
		return -1;
	for (size_t i = 0; i < m.len; i++)
		while ((o = store_snapshot_next(&m.snapshots[i])))
			if (put_object(s, w, o, err) < 0)
				return -1;
	return store_backup_put_end(w, err);
}
