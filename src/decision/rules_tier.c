/* Tier 3: the rule set. Every rule whose condition holds counts: points add up, and of settings the rule with the
 * highest priority decides. Rules do not see each other's effects, so their order in the file only breaks ties. */

#include "tiers.h"

#include "base/str.h"

#define OUTRIGHT_POINTS 1e7 /* "strategy: kubernetes" instead of points; of several the highest priority */

/* "; " between the parts of an effect. */
static void part(struct buf *effect, const char *fmt, ...) _printf_(2, 3);

static void part(struct buf *effect, const char *fmt, ...)
{
	va_list ap;

	if (effect->len)
		buf_puts(effect, "; ");
	va_start(ap, fmt);
	buf_vprintf(effect, fmt, ap);
	va_end(ap);
}

static void apply_strategy(struct decision_draft *d, const json_t *strategy, const char *why, bool *decided,
                           struct buf *effect)
{
	enum decision_strategy s;

	if (json_is_string(strategy) && decision_strategy_parse(json_string_value(strategy), &s)) {
		part(effect, "strategy %s%s", json_string_value(strategy), *decided ? " (another rule decided)" : "");
		if (!*decided)
			decision_draft_score(d, s, OUTRIGHT_POINTS, why);
		*decided = true;
	}
	for (int i = 0; i < DECISION_STRATEGIES; i++) {
		const json_t *points = json_object_get(strategy, decision_strategy_name((enum decision_strategy)i));
		if (!points)
			continue;
		decision_draft_score(d, (enum decision_strategy)i, json_number_value(points), why);
		part(effect, "%s %+g", decision_strategy_name((enum decision_strategy)i), json_number_value(points));
	}
}

static void apply_exclude(struct decision_draft *d, const json_t *list, const char *why, struct buf *effect)
{
	enum decision_strategy s;
	json_t *entry;
	size_t i;

	json_array_foreach (list, i, entry) {
		if (!decision_strategy_parse(json_string_value(entry), &s))
			continue;
		decision_draft_exclude(d, s, why);
		part(effect, "not %s", json_string_value(entry));
	}
}

static void apply_set(struct decision_draft *d, const json_t *set, struct buf *effect)
{
	const char *field;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)set, field, value) {
		_cleanup_free_ char *shown = json_is_string(value) ? xstrdup(json_string_value(value)) : json_to_str(value);
		/* A size asked for says cpu and memory as well. */
		bool by_size = (str_eq(field, "cpu") || str_eq(field, "memory")) && decision_draft_wished(d, "size");
		bool is_quantity = (str_eq(field, "cpu") || str_eq(field, "memory")) && json_is_integer(value);
		/* A copy: the rules are everybody's, and counting references to them would be a race. */
		bool taken = !by_size &&
		             decision_draft_suggest(d, field, is_quantity ? json_string(shown) : json_deep_copy(value));
		part(effect, "%s %s%s", field, shown,
		     taken                                        ? ""
		     : decision_draft_wished(d, field) || by_size ? " (asked for otherwise)"
		                                                  : " (another rule decided)");
	}
}

static void apply_size(struct decision_draft *d, const char *size, struct buf *effect)
{
	bool taken;

	if (!size)
		return;
	taken = decision_draft_suggest(d, "size", json_string(size));
	part(effect, "size %s%s", size,
	     taken                              ? ""
	     : decision_draft_wished(d, "size") ? " (asked for otherwise)"
	                                        : " (another rule decided)");
}

int decision_rules_tier(void *self, const struct decision_input *input, struct decision_draft *d, struct err *err)
{
	const struct decision_rules *rules = self;
	bool decided = false;

	(void)input;
	(void)err;
	for (size_t i = 0; i < rules->len; i++) {
		const struct decision_rule *rule = &rules->rules[i];
		_cleanup_buf_ struct buf effect = BUF_INIT(4096);
		_cleanup_free_ char *why = NULL, *warning = NULL;

		if (!decision_rules_match(rule->when, decision_draft_facts(d)))
			continue;
		why = decision_rules_expand(json_get_str(rule->then, "reason"), decision_draft_facts(d));
		apply_strategy(d, json_object_get(rule->then, "strategy"), why, &decided, &effect);
		apply_exclude(d, json_object_get(rule->then, "exclude"), why, &effect);
		apply_size(d, json_get_str(rule->then, "size"), &effect);
		apply_set(d, json_object_get(rule->then, "set"), &effect);
		if (json_get_str(rule->then, "warn")) {
			warning = decision_rules_expand(json_get_str(rule->then, "warn"), decision_draft_facts(d));
			decision_draft_warn(d, "%s", warning);
			part(&effect, "a warning");
		}
		decision_draft_fired(d, rule->name, rule->priority, buf_str(&effect), why);
	}
	return 0;
}
