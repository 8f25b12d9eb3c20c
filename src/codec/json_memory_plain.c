#include "json_memory.h"

#include "base/mem.h"

void *json_memory_take(size_t size)
{
	return xmalloc(size);
}

void json_memory_give(void *p)
{
	free(p);
}
