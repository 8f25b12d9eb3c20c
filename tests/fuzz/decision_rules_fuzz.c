/* A rules file is either refused with a reason, or decides. */

#include "decision/decision.h"

#include "base/str.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xstrndup((const char *)data, size);
	struct decision_engine_config config = { .rules_path = "rules.yaml", .rules_text = text };
	_cleanup_(decision_engine_freep) struct decision_engine *engine = NULL;
	_cleanup_json_ json_t *spec = json_pack("{s:s, s:{s:i}}", "prompt", "cheap, in Paris", "scaling", "min", 2);
	_cleanup_json_ json_t *analysis = json_pack("{s:s, s:i, s:[{s:s}]}", "framework", "flask", "dependencyCount", 5,
	                                            "datastores", "type", "redis");
	_cleanup_json_ json_t *decision = NULL;
	_cleanup_err_ struct err err = { 0 };
	struct decision_input input = { .spec = spec, .analysis = analysis, .provider_type = "aws" };

	if (decision_engine_new(&config, &engine, &err) < 0) {
		if (err.kind != ERR_INVALID || !err.terminal || str_empty(err_message(&err)))
			abort();
		return 0;
	}
	if (decision_decide(engine, &input, &decision, NULL) < 0)
		abort();
	return 0;
}
