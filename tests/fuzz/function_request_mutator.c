/* How libFuzzer changes requests of Crossplane: half of the time by bytes, otherwise by the values that they encode. */

#include "json_mutate.h"

#include "function/function.h"

#include <stddef.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	_cleanup_json_ json_t *request = seed % 2 ? pb_decode(FUNCTION_REQUEST, data, size, NULL) : NULL;
	_cleanup_buf_ struct buf out = BUF_INIT(max);

	if (!request)
		return LLVMFuzzerMutate(data, size, max);
	/* a value of another type than the message's has no encoding: another one is tried */
	for (unsigned i = 0; i < 4; i++) {
		_cleanup_json_ json_t *changed = json_deep_copy(request);

		json_mutate(changed, seed / 2 + i * 7919);
		buf_reset(&out);
		if (pb_encode(FUNCTION_REQUEST, changed, &out, NULL) == 0 && out.len > 0) {
			memcpy(data, out.data, out.len);
			return out.len;
		}
	}
	return LLVMFuzzerMutate(data, size, max);
}
