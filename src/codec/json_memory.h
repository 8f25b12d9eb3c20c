#ifndef CODEC_JSON_MEMORY_H
#define CODEC_JSON_MEMORY_H
/* Memory for JSON values. A value of a Kubernetes object is some hundred small blocks that come and go together, many
 * more than a thread's cache in malloc holds (7 of a size), so most took its slow ways. Here each thread keeps up to
 * 1,024 of each size below 128 bytes, given back when it ends. Blocks are malloc()'s own and may be freed by any
 * thread.
 *
 * Not used under AddressSanitizer, which is to see every block. */

#include <stddef.h>

/* Never NULL. */
void *json_memory_take(size_t size);
void json_memory_give(void *p);

#endif
