#include "document.h"

#include "base/thread.h"
#include "codec/gzip.h"
#include "codec/sha256.h"

#include <stdio.h>
#include <string.h>

#define HASH_SIZE 32

struct document {
	atomic_size_t refs;
	size_t len;
	struct bytes *text; /* NULL: there are pieces */
	struct gzip_piece *pieces;
	size_t pieces_len;
	char tag[68];
	pthread_mutex_t lock; /* one thread compresses */
	struct bytes *packed; /* of text */
};

static struct document *new_document(const void *data, size_t len)
{
	struct document *d = new0(struct document);
	char hash[65];

	atomic_init(&d->refs, 1);
	pthread_mutex_init(&d->lock, NULL);
	sha256_hex(data, len, hash);
	snprintf(d->tag, sizeof(d->tag), "\"%s\"", hash);
	return d;
}

struct document *document_new(struct bytes *text)
{
	struct document *d = new_document(text->data, text->len);

	d->text = bytes_ref(text);
	d->len = text->len;
	return d;
}

/* Equal pieces make equal documents: what is hashed is a tenth of the text. */
struct document *document_of_pieces(struct gzip_piece *pieces, size_t len)
{
	_cleanup_free_ uint8_t *hashes = xmalloc(len * HASH_SIZE);

	for (size_t i = 0; i < len; i++)
		sha256(pieces[i].packed->data, pieces[i].packed->len, hashes + i * HASH_SIZE);
	struct document *d = new_document(hashes, len * HASH_SIZE);
	d->pieces = pieces;
	d->pieces_len = len;
	for (size_t i = 0; i < len; i++)
		d->len += pieces[i].len;
	return d;
}

struct document *document_ref(struct document *d)
{
	atomic_fetch_add_explicit(&d->refs, 1, memory_order_relaxed);
	return d;
}

struct document *document_unref(struct document *d)
{
	if (!d || atomic_fetch_sub_explicit(&d->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	bytes_unref(d->text);
	bytes_unref(d->packed);
	for (size_t i = 0; i < d->pieces_len; i++)
		gzip_piece_clear(&d->pieces[i]);
	free(d->pieces);
	pthread_mutex_destroy(&d->lock);
	free(d);
	return NULL;
}

size_t document_len(const struct document *d)
{
	return d->len;
}

struct bytes *document_kept_text(const struct document *d)
{
	return d->text;
}

struct bytes *document_text(const struct document *d)
{
	if (d->text)
		return bytes_ref(d->text);
	struct bytes *text = bytes_new(NULL, d->len);
	char *at = text->data;
	for (size_t i = 0; i < d->pieces_len; i++) {
		gzip_piece_read(&d->pieces[i], at);
		at += d->pieces[i].len;
	}
	return text;
}

const char *document_tag(const struct document *d)
{
	return d->tag;
}

static struct bytes *packed_text(struct document *d, int level)
{
	MUTEX_GUARD(&d->lock);
	if (!d->packed)
		d->packed = gzip_compress(d->text->data, d->text->len, level);
	return bytes_ref(d->packed);
}

struct bytes **document_packed(struct document *d, int level, size_t *ret_len)
{
	struct bytes **parts = xcalloc(d->pieces_len + 2, sizeof(*parts));
	size_t len = 0;

	if (d->text) {
		parts[len++] = packed_text(d, level);
	} else {
		parts[len++] = gzip_pieces_head();
		for (size_t i = 0; i < d->pieces_len; i++)
			parts[len++] = bytes_ref(d->pieces[i].packed);
		parts[len++] = gzip_pieces_tail(d->pieces, d->pieces_len);
	}
	*ret_len = len;
	return parts;
}
