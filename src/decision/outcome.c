/* Which strategy it is, how sure that is, and how it is said. */

#include "catalogue.h"
#include "tiers.h"

#include "base/str.h"

#include <math.h>

#define REASON_MAX ((size_t)8 * 1024)
#define REASONS_SHOWN 3
#define CONFIDENCE_MAX 0.99 /* of what nobody asked for */

static const char *const titles[DECISION_STRATEGIES] = {
	[DECISION_VM] = "A VM", [DECISION_SERVERLESS] = "Serverless", [DECISION_KUBERNETES] = "Kubernetes"
};

static bool is_possible(const struct decision_draft *d, int s, bool with_excluded, bool with_refused)
{
	return (with_excluded || !d->strategies[s].excluded) && (with_refused || !d->strategies[s].against);
}

/* The best of those that are possible; ties go to the simpler strategy, which comes first. -1: none is. */
static int best_of(const struct decision_draft *d, bool with_excluded, bool with_refused)
{
	int best = -1;

	for (int s = 0; s < DECISION_STRATEGIES; s++) {
		if (is_possible(d, s, with_excluded, with_refused) &&
		    (best < 0 || d->strategies[s].score > d->strategies[best].score))
			best = s;
	}
	return best;
}

/* Wishes are given up last, and that is said. */
static enum decision_strategy choose_strategy(struct decision_draft *d)
{
	const json_t *wish = decision_draft_wished(d, "strategy");
	enum decision_strategy asked;
	int best;

	if (decision_strategy_parse(json_get_str(wish, "value"), &asked)) {
		if (d->strategies[asked].excluded)
			decision_draft_warn(d, "%s was asked for, but %s.", titles[asked], d->strategies[asked].excluded);
		return asked;
	}
	if ((best = best_of(d, false, false)) >= 0)
		return (enum decision_strategy)best;
	if ((best = best_of(d, true, false)) >= 0) {
		decision_draft_warn(d, "Every other strategy is refused or unsuited; %s remains, although %s.", titles[best],
		                    d->strategies[best].excluded);
		return (enum decision_strategy)best;
	}
	decision_draft_warn(d, "Every strategy is refused: the refusals were ignored.");
	best = best_of(d, false, true);
	return (enum decision_strategy)(best >= 0 ? best : best_of(d, true, true));
}

static double round2(double x)
{
	return round(x * 100) / 100;
}

/* A strategy's share of all points, each beginning with 5; how sure the analysis was counts as well. */
static double confidence_of(const struct decision_draft *d, int s, bool asked)
{
	double sum = 0, own = 0, sure = json_number(json_object_get(d->facts, "analysisConfidence"), 0.5);

	if (asked)
		return 1;
	if (d->strategies[s].excluded || d->strategies[s].against)
		return 0;
	for (int i = 0; i < DECISION_STRATEGIES; i++) {
		double points = d->strategies[i].score > 0 ? d->strategies[i].score + 5 : 5;
		if (d->strategies[i].excluded || d->strategies[i].against)
			points = 0;
		sum += points;
		own = i == s ? points : own;
	}
	sure = sure < 0 ? 0 : sure > 1 ? 1 : sure;
	own = own / sum * (0.6 + 0.4 * sure);
	return round2(own > CONFIDENCE_MAX ? CONFIDENCE_MAX : own);
}

/* The strongest reasons for (sign 1) or against (-1) a strategy, joined; how many there were. */
static size_t append_reasons(struct buf *out, const json_t *why, int sign)
{
	bool used[64] = { false };
	size_t count = json_array_size(why) < ARRAY_SIZE(used) ? json_array_size(why) : ARRAY_SIZE(used), shown = 0;

	while (shown < REASONS_SHOWN) {
		size_t best = count;
		double best_points = 0;
		for (size_t i = 0; i < count; i++) {
			double points = sign * json_number(json_object_get(json_array_get(why, i), "points"), 0);
			if (!used[i] && points > best_points) {
				best = i;
				best_points = points;
			}
		}
		if (best == count)
			break;
		used[best] = true;
		buf_printf(out, "%s%s", shown ? "; " : "", json_get_str(json_array_get(why, best), "why"));
		shown++;
	}
	return shown;
}

/* "spec" → "the spec says", "prompt" → "the prompt says (“…”)" */
static void append_source(struct buf *out, const json_t *constraint)
{
	bool is_spec = str_eq(json_get_str(constraint, "source"), "spec");

	if (is_spec)
		buf_puts(out, "the spec says");
	else
		buf_printf(out, "the prompt says (\"%s\")", json_get_str(constraint, "text"));
}

static void append_choice(struct buf *out, const struct decision_draft *d, enum decision_strategy strategy)
{
	const json_t *wish = decision_draft_wished(d, "strategy");

	if (wish) {
		buf_printf(out, "%s, as ", titles[strategy]);
		append_source(out, wish);
		buf_puts(out, ".");
	} else {
		buf_printf(out, "%s: ", titles[strategy]);
		if (append_reasons(out, d->strategies[strategy].why, 1) == 0)
			buf_puts(out, "it is what remains");
		buf_puts(out, ".");
	}
}

/* What was refused, what was overruled. */
static void append_conflicts(struct buf *out, const struct decision_draft *d)
{
	json_t *entry;
	size_t i;

	json_array_foreach (d->constraints, i, entry) {
		const char *overruled = json_get_str(entry, "overruled"), *field = json_get_str(entry, "field");
		const json_t *value = json_object_get(entry, "value");
		_cleanup_free_ char *shown = json_is_string(value) ? xstrdup(json_string_value(value)) : json_to_str(value);

		if (overruled)
			buf_printf(out, " The %s wants %s %s (\"%s\"), but %s, and that counts.", json_get_str(entry, "source"),
			           field, shown, json_get_str(entry, "text"), overruled);
		else if (str_eq(field, "strategy") && str_starts_with(shown, "not "))
			buf_printf(out, " N%s, as the %s says (\"%s\").", shown + 1, json_get_str(entry, "source"),
			           json_get_str(entry, "text"));
	}
}

/* "As asked for: replicas 3 (prompt), region eu-west-3 (spec)." */
static void append_wishes(struct buf *out, const struct decision_draft *d, const json_t *config)
{
	size_t shown = 0, i;
	json_t *entry;

	json_array_foreach (d->constraints, i, entry) {
		const char *field = json_get_str(entry, "field");
		const json_t *value = json_object_get(config, field);
		_cleanup_free_ char *text = NULL;

		if (!value || json_get_str(entry, "overruled") || str_ends_with(field, "Command") ||
		    !json_equal(value, json_object_get(entry, "value")))
			continue;
		text = json_is_string(value) ? xstrdup(json_string_value(value)) : json_to_str(value);
		buf_printf(out, "%s%s %s (%s)", shown++ ? ", " : " As asked for: ", field, text, json_get_str(entry, "source"));
	}
	if (shown)
		buf_puts(out, ".");
}

static json_t *alternatives(const struct decision_draft *d, enum decision_strategy chosen)
{
	json_t *out = json_array();
	bool used[DECISION_STRATEGIES] = { false };

	used[chosen] = true;
	for (int n = 1; n < DECISION_STRATEGIES; n++) {
		_cleanup_buf_ struct buf reason = BUF_INIT(REASON_MAX);
		json_t *entry = json_object();
		int best = -1;
		for (int s = 0; s < DECISION_STRATEGIES; s++) {
			if (!used[s] && (best < 0 || confidence_of(d, s, false) > confidence_of(d, best, false) ||
			                 (confidence_of(d, best, false) <= confidence_of(d, s, false) &&
			                  d->strategies[s].score > d->strategies[best].score)))
				best = s;
		}
		used[best] = true;
		if (d->strategies[best].against)
			buf_printf(&reason, "refused by the %s", json_get_str(d->strategies[best].against, "source"));
		else if (d->strategies[best].excluded)
			buf_puts(&reason, d->strategies[best].excluded);
		else if (append_reasons(&reason, d->strategies[best].why, -1) == 0 &&
		         append_reasons(&reason, d->strategies[best].why, 1) == 0)
			buf_puts(&reason, "possible, but nothing speaks for it");
		json_put_str(entry, "strategy", decision_strategy_name((enum decision_strategy)best));
		json_put(entry, "reason", json_string_lossy(buf_str(&reason), reason.len));
		json_put(entry, "confidence", json_real(confidence_of(d, best, false)));
		json_array_append_new(out, entry);
	}
	return out;
}

json_t *decision_outcome(struct decision_draft *d, const struct decision_input *input)
{
	enum decision_strategy strategy = choose_strategy(d);
	bool asked = decision_draft_wished(d, "strategy") != NULL;
	json_t *out = json_object(), *config = decision_config(d, input, strategy);
	_cleanup_buf_ struct buf reason = BUF_INIT(REASON_MAX);

	append_choice(&reason, d, strategy);
	append_conflicts(&reason, d);
	append_wishes(&reason, d, config);
	json_put_str(out, "strategy", decision_strategy_name(strategy));
	json_put(out, "reason", json_string_lossy(buf_str(&reason), reason.len));
	json_put(out, "confidence", json_real(confidence_of(d, strategy, asked)));
	json_put(out, "alternativeStrategies", alternatives(d, strategy));
	json_put(out, "config", config);
	json_put(out, "rulesFired", json_incref(d->fired));
	json_put(out, "constraints", json_incref(d->constraints));
	if (json_array_size(d->warnings))
		json_put(out, "warnings", json_incref(d->warnings));
	return out;
}
