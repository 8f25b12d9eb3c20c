/* How libFuzzer changes JSON texts: half of the time by bytes, otherwise by values. */

#include "json_mutate.h"

#include <stddef.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	_cleanup_json_ json_t *v = seed % 2 ? json_parse((const char *)data, size, 0, NULL) : NULL;
	_cleanup_free_ char *text = NULL;

	if (!json_is_object(v))
		return LLVMFuzzerMutate(data, size, max);
	json_mutate(v, seed / 2);
	text = json_dumps(v, JSON_COMPACT);
	if (!text || strlen(text) > max)
		return LLVMFuzzerMutate(data, size, max);
	memcpy(data, text, strlen(text));
	return strlen(text);
}
