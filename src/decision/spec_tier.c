/* Tier 1: what the Deployment's fields say. */

#include "tiers.h"

#include "base/str.h"

/* A field of the spec and the field of config that it decides. */
static const struct {
	const char *object, *key; /* spec.OBJECT.KEY, or spec.KEY */
	const char *field;
	enum { STRING, NUMBER, QUANTITY } type;
} fields[] = {
	{ NULL, "region", "region", STRING },
	{ "overrides", "framework", "framework", STRING },
	{ "overrides", "installCommand", "installCommand", STRING },
	{ "overrides", "buildCommand", "buildCommand", STRING },
	{ "overrides", "startCommand", "startCommand", STRING },
	{ "overrides", "port", "appPort", NUMBER },
	{ "healthCheck", "path", "healthPath", STRING },
	{ "scaling", "min", "minReplicas", NUMBER },
	{ "scaling", "max", "maxReplicas", NUMBER },
	{ "scaling", "expectedRPS", "expectedRPS", NUMBER },
	{ "resources", "cpu", "cpu", QUANTITY },
	{ "resources", "memory", "memory", QUANTITY },
	{ "budget", "maxMonthlyCost", "maxMonthlyCost", NUMBER },
};

/* The value in the field's form (a new reference), or NULL when absent or of another type. */
static json_t *take(const json_t *value, int type)
{
	if (type == STRING)
		return json_is_string(value) && json_string_length(value) ? json_deep_copy(value) : NULL;
	if (type == NUMBER)
		return json_is_number(value) ? json_deep_copy(value) : NULL;
	if (json_is_string(value) && json_string_length(value))
		return json_deep_copy(value);
	if (json_is_integer(value))
		return json_strf("%lld", (long long)json_integer_value(value));
	return json_is_real(value) ? json_strf("%g", json_real_value(value)) : NULL;
}

int decision_spec_tier(void *self, const struct decision_input *input, struct decision_draft *d, struct err *err)
{
	const char *strategy = json_get_str(input->spec, "strategy");
	enum decision_strategy known;

	(void)self;
	if (!str_empty(strategy) && !str_eq(strategy, "auto")) {
		_cleanup_free_ char *text = xasprintf("spec.strategy: %.32s", strategy);
		if (!decision_strategy_parse(strategy, &known)) {
			err_set(err, ERR_INVALID, "spec.strategy: \"%.32s\" is none of auto, vm, kubernetes, serverless", strategy);
			return err_set_terminal(err);
		}
		decision_draft_wish(d, DECISION_SPEC, "strategy", json_string(strategy), text);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const json_t *object = fields[i].object ? json_object_get(input->spec, fields[i].object) : input->spec;
		json_t *value = take(json_object_get(object, fields[i].key), fields[i].type);
		_cleanup_free_ char *shown = NULL, *text = NULL;

		if (!value)
			continue;
		shown = json_to_str(value);
		text = xasprintf("spec.%s%s%s: %.100s", fields[i].object ? fields[i].object : "", fields[i].object ? "." : "",
		                 fields[i].key, shown);
		decision_draft_wish(d, DECISION_SPEC, fields[i].field, value, text);
	}
	return 0;
}
