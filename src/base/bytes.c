#include "base/bytes.h"

#include <string.h>

struct bytes *bytes_new(const void *data, size_t len)
{
	size_t size;
	if (!size_add(len, sizeof(struct bytes) + 1, &size))
		out_of_memory(len);
	struct bytes *b = xmalloc(size);
	atomic_init(&b->refs, 1);
	b->len = len;
	if (data)
		memcpy(b->data, data, len);
	b->data[len] = '\0';
	return b;
}

struct bytes *bytes_ref(struct bytes *b)
{
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

struct bytes *bytes_unref(struct bytes *b)
{
	if (b && atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) == 1)
		free(b);
	return NULL;
}
