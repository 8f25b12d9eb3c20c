#include "document.h"

#include "base/thread.h"
#include "codec/gzip.h"
#include "codec/sha256.h"

#include <stdio.h>

struct document {
	atomic_size_t refs;
	struct bytes *text;
	char tag[68];
	pthread_mutex_t lock; /* one thread compresses */
	struct bytes *packed;
};

struct document *document_new(struct bytes *text)
{
	struct document *d = new0(struct document);
	char hash[65];

	atomic_init(&d->refs, 1);
	pthread_mutex_init(&d->lock, NULL);
	d->text = bytes_ref(text);
	sha256_hex(text->data, text->len, hash);
	snprintf(d->tag, sizeof(d->tag), "\"%s\"", hash);
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
	pthread_mutex_destroy(&d->lock);
	free(d);
	return NULL;
}

struct bytes *document_text(const struct document *d)
{
	return d->text;
}

const char *document_tag(const struct document *d)
{
	return d->tag;
}

struct bytes *document_packed(struct document *d, int level)
{
	MUTEX_GUARD(&d->lock);
	if (!d->packed)
		d->packed = gzip_compress(d->text->data, d->text->len, level);
	return d->packed;
}
