/* A request of Crossplane as bytes, through whatever function it asks for, and the answer written again. */

#include "function/function.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct functions_config config = { .workers = 1, .steps_max = 100000, .memory_max = 16 << 20 };
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *request = pb_decode(FUNCTION_REQUEST, data, size, &err);
	_cleanup_buf_ struct buf out = BUF_INIT((size_t)64 << 20);

	if (!request)
		return 0;
	struct functions *f = functions_new(&config);
	json_t *response = function_run(f, 0, FUNCTION_ANY, request, NULL);
	if (pb_encode(FUNCTION_RESPONSE, response, &out, &err) == 0)
		json_decref(pb_decode(FUNCTION_RESPONSE, buf_str(&out), out.len, &err));
	json_decref(response);
	functions_free(f);
	return 0;
}
