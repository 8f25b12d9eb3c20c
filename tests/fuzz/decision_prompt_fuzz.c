/* Any prompt is decided, the same way twice. */

#include "decision/decision.h"

#include "base/str.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *decide(const struct decision_engine *e, json_t *spec, const char *provider)
{
	struct decision_input input = { .spec = spec, .provider_type = provider };
	json_t *decision = NULL;
	enum decision_strategy strategy;
	char *text;

	if (decision_decide(e, &input, &decision, NULL) < 0 ||
	    !decision_strategy_parse(json_get_str(decision, "strategy"), &strategy))
		abort();
	text = json_to_str(decision);
	json_decref(decision);
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const providers[] = { "local", "aws", "gcp", "azure" };
	static struct decision_engine *engine; /* made once: the target is about prompts */
	_cleanup_json_ json_t *spec = json_object();

	if (!engine && decision_engine_new(NULL, &engine, NULL) < 0)
		abort();
	json_put(spec, "prompt", json_string_lossy((const char *)data, size));
	for (size_t i = 0; i < ARRAY_SIZE(providers); i++) {
		_cleanup_free_ char *once = decide(engine, spec, providers[i]), *twice = decide(engine, spec, providers[i]);
		if (!str_eq(once, twice))
			abort();
	}
	return 0;
}
