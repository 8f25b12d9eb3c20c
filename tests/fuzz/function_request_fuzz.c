/* A request of Crossplane as bytes, through whatever function it asks for: its answer is the same whether its Structs
 * stay bytes or become JSON first. */

#include "base/mem.h"
#include "function/function.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ANSWER_MAX ((size_t)64 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The two forms take different memory and steps, so one may end where the other does not. */
static bool is_fatal(const void *answer, size_t len)
{
	_cleanup_json_ json_t *response = pb_decode(FUNCTION_RESPONSE, answer, len, NULL);
	json_t *result;
	size_t i;

	if (!response)
		abort();
	json_array_foreach (json_object_get(response, "results"), i, result)
		if (json_get_int(result, "severity", 0) == FUNCTION_FATAL)
			return true;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct functions_config config = { .workers = 1, .steps_max = 100000, .memory_max = 16 << 20 };
	_cleanup_json_ json_t *request = pb_decode(FUNCTION_REQUEST, data, size, NULL), *response = NULL;
	_cleanup_buf_ struct buf a = BUF_INIT(ANSWER_MAX), b = BUF_INIT(ANSWER_MAX);
	_cleanup_(functions_freep) struct functions *f = functions_new(&config);
	int r = function_answer(f, 0, FUNCTION_ANY, data, size, NULL, &a, NULL);

	if (!request && r == 0)
		abort();
	if (!request || r < 0)
		return 0;
	response = function_run(f, 0, FUNCTION_ANY, request, NULL);
	if (pb_encode(FUNCTION_RESPONSE, response, &b, NULL) < 0)
		return 0;
	if ((a.len != b.len || memcmp(buf_str(&a), buf_str(&b), a.len) != 0) && !is_fatal(buf_str(&a), a.len) &&
	    !is_fatal(buf_str(&b), b.len))
		abort();
	return 0;
}
