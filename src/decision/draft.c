#include "catalogue.h"
#include "draft.h"

#include "base/str.h"

#define CONSTRAINTS_MAX 100
#define WARNINGS_MAX 50
#define FIRED_MAX 1000

void decision_draft_init(struct decision_draft *d)
{
	*d = (struct decision_draft){ .constraints = json_array(),
		                          .wishes = json_object(),
		                          .suggestions = json_object(),
		                          .facts = json_object(),
		                          .fired = json_array(),
		                          .warnings = json_array() };
	for (int i = 0; i < DECISION_STRATEGIES; i++)
		d->strategies[i].why = json_array();
}

void decision_draft_done(struct decision_draft *d)
{
	json_decref(d->wishes);
	json_decref(d->constraints);
	json_decref(d->suggestions);
	json_decref(d->facts);
	json_decref(d->fired);
	json_decref(d->warnings);
	for (int i = 0; i < DECISION_STRATEGIES; i++) {
		json_decref(d->strategies[i].why);
		free(d->strategies[i].excluded);
	}
	*d = (struct decision_draft){ .constraints = NULL };
}

static json_t *text_value(const char *text)
{
	return json_string_lossy(text, strlen(text));
}

static json_t *add_constraint(struct decision_draft *d, enum decision_source source, const char *field, json_t *value,
                              const char *text)
{
	json_t *entry;

	if (json_array_size(d->constraints) >= CONSTRAINTS_MAX) {
		json_decref(value);
		return NULL;
	}
	entry = json_object();
	json_put_str(entry, "field", field);
	json_put(entry, "value", value);
	json_put_str(entry, "source", source == DECISION_SPEC ? "spec" : "prompt");
	json_put(entry, "text", text_value(text));
	json_array_append_new(d->constraints, entry);
	return entry;
}

/* A prompt that refuses what the spec asks for, or the other way round. */
static void settle_strategy(struct decision_draft *d, json_t *entry)
{
	enum decision_strategy strategy;
	json_t *against;

	if (!decision_strategy_parse(json_get_str(entry, "value"), &strategy))
		return;
	against = d->strategies[strategy].against;
	if (against && !json_get_str(against, "overruled")) {
		json_put(against, "overruled",
		         json_strf("the %s asks for %s", json_get_str(entry, "source"), decision_strategy_name(strategy)));
		d->strategies[strategy].against = NULL;
	}
}

void decision_draft_wish(struct decision_draft *d, enum decision_source source, const char *field, json_t *value,
                         const char *text)
{
	const json_t *holds = json_object_get(d->wishes, field);
	bool same = holds && json_equal(json_object_get(holds, "value"), value);
	json_t *entry = add_constraint(d, source, field, value, text);
	_cleanup_free_ char *kept = NULL;

	if (!entry)
		return;
	if (!holds) {
		json_object_set(d->wishes, field, entry);
		if (str_eq(field, "strategy"))
			settle_strategy(d, entry);
		json_object_set(d->facts, field, json_object_get(entry, "value"));
		return;
	}
	if (same)
		return;
	kept = json_is_string(json_object_get(holds, "value")) ? xstrdup(json_get_str(holds, "value"))
	                                                       : json_to_str(json_object_get(holds, "value"));
	json_put(entry, "overruled", json_strf("the %s says %s", json_get_str(holds, "source"), kept));
}

void decision_draft_wish_against(struct decision_draft *d, enum decision_source source, enum decision_strategy strategy,
                                 const char *text)
{
	const char *name = decision_strategy_name(strategy);
	const json_t *wish = json_object_get(d->wishes, "strategy");
	json_t *entry = add_constraint(d, source, "strategy", json_strf("not %s", name), text);

	if (!entry)
		return;
	if (wish && str_eq(json_get_str(wish, "value"), name))
		json_put(entry, "overruled", json_strf("the %s says %s", json_get_str(wish, "source"), name));
	else if (!d->strategies[strategy].against)
		d->strategies[strategy].against = entry;
}

void decision_draft_score(struct decision_draft *d, enum decision_strategy strategy, double points, const char *why)
{
	json_t *entry = json_object();

	d->strategies[strategy].score += points;
	json_put(entry, "points", json_real(points));
	json_put(entry, "why", text_value(why));
	if (json_array_size(d->strategies[strategy].why) < FIRED_MAX)
		json_array_append_new(d->strategies[strategy].why, entry);
	else
		json_decref(entry);
}

void decision_draft_exclude(struct decision_draft *d, enum decision_strategy strategy, const char *why)
{
	if (!d->strategies[strategy].excluded)
		d->strategies[strategy].excluded = xstrdup(why);
}

/* A size is short for its CPUs and memory. */
static bool suggest_size(struct decision_draft *d, const char *size)
{
	int64_t cpu, memory;
	bool taken;

	if (decision_draft_wished(d, "size") || !catalogue_size(size, &cpu, &memory))
		return false;
	taken = decision_draft_suggest(d, "cpu", json_strf("%lldm", (long long)cpu));
	return decision_draft_suggest(d, "memory", json_strf("%lldMi", (long long)memory)) || taken;
}

bool decision_draft_suggest(struct decision_draft *d, const char *field, json_t *value)
{
	if (str_eq(field, "size")) {
		bool taken = suggest_size(d, json_string_value(value));
		json_decref(value);
		return taken;
	}
	bool free_field = !json_object_get(d->wishes, field) && !json_object_get(d->suggestions, field);

	if (free_field)
		json_put(d->suggestions, field, value);
	else
		json_decref(value);
	return free_field;
}

void decision_draft_warn(struct decision_draft *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_free_ char *text = xvasprintf(fmt, ap);
	va_end(ap);
	if (json_array_size(d->warnings) < WARNINGS_MAX)
		json_array_append_new(d->warnings, text_value(text));
}

const json_t *decision_draft_facts(const struct decision_draft *d)
{
	return d->facts;
}

void decision_draft_fact(struct decision_draft *d, const char *name, json_t *value)
{
	json_put(d->facts, name, value);
}

void decision_draft_fired(struct decision_draft *d, const char *name, int64_t priority, const char *effect,
                          const char *why)
{
	json_t *entry;

	if (json_array_size(d->fired) >= FIRED_MAX)
		return;
	entry = json_object();
	json_put(entry, "name", text_value(name));
	json_put_int(entry, "priority", priority);
	json_put(entry, "effect", text_value(effect));
	json_put(entry, "why", text_value(why));
	json_array_append_new(d->fired, entry);
}

const json_t *decision_draft_wished(const struct decision_draft *d, const char *field)
{
	return json_object_get(d->wishes, field);
}

const json_t *decision_draft_value(const struct decision_draft *d, const char *field)
{
	const json_t *wish = json_object_get(d->wishes, field);

	return wish ? json_object_get(wish, "value") : json_object_get(d->suggestions, field);
}
