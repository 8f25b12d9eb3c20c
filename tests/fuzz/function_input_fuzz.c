/* A step's input as JSON text, with a composite that has something of everything. */

#include "function/function.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char COMPOSITE[] =
	"{\"composite\":{\"resource\":{\"apiVersion\":\"example.org/"
	"v1\",\"kind\":\"XR\",\"metadata\":{\"name\":\"x\"},\"spec\":{"
	"\"s\":\"text\",\"n\":3,\"f\":1.5,\"b\":true,\"z\":null,\"l\":[1,{\"a\":\"b\"}],\"m\":{\"k\":\"v\"}}}},"
	"\"resources\":{"
	"\"r\":{\"resource\":{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"r\"}}}}}";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum function_kind kinds[] = { FUNCTION_PATCH_AND_TRANSFORM, FUNCTION_ENVIRONMENT_CONFIGS,
		                                        FUNCTION_AUTO_READY, FUNCTION_KCL };
	const struct functions_config config = { .workers = 1, .steps_max = 100000, .memory_max = 16 << 20 };
	_cleanup_json_ json_t *input = json_parse((const char *)data, size, 0, NULL);
	_cleanup_json_ json_t *state = json_parse(COMPOSITE, strlen(COMPOSITE), 0, NULL);

	if (!json_is_object(input))
		return 0;
	_cleanup_json_ json_t *request = json_pack("{sO,sO,sO,s{s{s[{s{s{ss}}}]}}}", "input", input, "observed", state,
	                                           "desired", state, "required_resources", "environment-config-0", "items",
	                                           "resource", "data", "k", "v");
	struct functions *f = functions_new(&config);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		json_decref(function_run(f, 0, kinds[i], request, NULL));
	functions_free(f);
	return 0;
}
