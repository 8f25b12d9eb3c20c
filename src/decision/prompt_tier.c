/* Tier 2: what the prompt says. */

#include "catalogue.h"
#include "prompt.h"
#include "tiers.h"

#include "base/str.h"

#define MAYBE_POINTS 15.0

/* What the prompt says of each strategy; the last word counts. */
struct opinion {
	const char *mood, *text;
};

static void apply_single(struct decision_draft *d, const struct opinion *opinions)
{
	for (int s = 0; s < DECISION_STRATEGIES; s++) {
		if (str_eq(opinions[s].mood, "want"))
			decision_draft_wish(d, DECISION_PROMPT, "strategy", json_string(decision_strategy_name(s)),
			                    opinions[s].text);
	}
}

/* "Kubernetes or serverless": whatever it is, not the third. */
static void apply_choice(struct decision_draft *d, const struct opinion *opinions)
{
	const char *text = "";

	for (int s = 0; s < DECISION_STRATEGIES; s++) {
		if (str_eq(opinions[s].mood, "want"))
			text = opinions[s].text;
	}
	for (int s = 0; s < DECISION_STRATEGIES; s++) {
		if (!str_eq(opinions[s].mood, "want") && !str_eq(opinions[s].mood, "against"))
			decision_draft_wish_against(d, DECISION_PROMPT, (enum decision_strategy)s, text);
	}
}

static void apply_strategies(struct decision_draft *d, const json_t *list)
{
	struct opinion opinions[DECISION_STRATEGIES] = { { NULL, NULL } };
	json_t *entry;
	size_t i;
	int wanted = 0;

	json_array_foreach (list, i, entry) {
		enum decision_strategy s;
		const char *mood = json_get_str(entry, "mood");
		if (!decision_strategy_parse(json_get_str(entry, "strategy"), &s))
			continue;
		/* A consideration does not take back a word. */
		if (opinions[s].mood && str_eq(mood, "maybe"))
			continue;
		if (opinions[s].mood && !str_eq(opinions[s].mood, mood) && !str_eq(opinions[s].mood, "maybe"))
			decision_draft_warn(
				d, "The prompt both asks for %s (\"%s\") and refuses it (\"%s\"): the last word counts.",
				decision_strategy_name(s), str_eq(mood, "want") ? json_get_str(entry, "text") : opinions[s].text,
				str_eq(mood, "want") ? opinions[s].text : json_get_str(entry, "text"));
		opinions[s] = (struct opinion){ mood, json_get_str(entry, "text") };
	}
	for (int s = 0; s < DECISION_STRATEGIES; s++) {
		wanted += str_eq(opinions[s].mood, "want");
		if (str_eq(opinions[s].mood, "against"))
			decision_draft_wish_against(d, DECISION_PROMPT, (enum decision_strategy)s, opinions[s].text);
		if (str_eq(opinions[s].mood, "maybe")) {
			_cleanup_free_ char *why = xasprintf("the prompt considers it (\"%s\")", opinions[s].text);
			decision_draft_score(d, (enum decision_strategy)s, MAYBE_POINTS, why);
		}
	}
	if (wanted == 1)
		apply_single(d, opinions);
	else if (wanted == 2)
		apply_choice(d, opinions);
}

/* A region as the provider calls it; NULL when it has none. */
static char *region_here(struct decision_draft *d, enum catalogue_cloud cloud, int place, const char *said)
{
	bool near;
	const char *code;

	if (cloud == CLOUD_NONE) {
		decision_draft_warn(d, "\"%s\": the provider runs everything in one place, so regions have no meaning here.",
		                    said);
		return NULL;
	}
	if (place < 0) {
		decision_draft_warn(d, "\"%s\" is no region of %s: ignored.", said, catalogue_cloud_title(cloud));
		return NULL;
	}
	code = catalogue_place_region(place, cloud, &near);
	if (near)
		decision_draft_warn(d, "%s has no region in %s: %s is the nearest.", catalogue_cloud_title(cloud),
		                    catalogue_place_name(place), code);
	return xstrdup(code);
}

static void apply_region(struct decision_draft *d, enum catalogue_cloud cloud, const char *field, const char *value,
                         const char *text)
{
	_cleanup_free_ char *region = NULL;
	enum catalogue_cloud code_cloud = CLOUD_NONE;
	char code[40] = "";

	if (str_eq(field, "place"))
		region = region_here(d, cloud, catalogue_place_find(value), text);
	else if (catalogue_region_parse(value, &code_cloud, code) && code_cloud == cloud)
		region = xstrdup(code);
	else
		region = region_here(d, cloud, catalogue_place_of(code_cloud, code), text);
	if (region)
		decision_draft_wish(d, DECISION_PROMPT, "region", json_string(region), text);
}

static void apply_fields(struct decision_draft *d, const json_t *list, enum catalogue_cloud cloud)
{
	json_t *entry;
	size_t i;

	json_array_foreach (list, i, entry) {
		const char *field = json_get_str(entry, "field"), *text = json_get_str(entry, "text");
		json_t *value = json_object_get(entry, "value");

		if (str_eq(field, "place") || str_eq(field, "region"))
			apply_region(d, cloud, field, json_string_value(value), text);
		else
			decision_draft_wish(d, DECISION_PROMPT, field, json_incref(value), text);
	}
}

int decision_prompt_tier(void *self, const struct decision_input *input, struct decision_draft *d, struct err *err)
{
	_cleanup_json_ json_t *parsed = prompt_parse(json_get_str(input->spec, "prompt"));
	json_t *hints = json_array(), *entry;
	enum catalogue_cloud cloud = CLOUD_NONE;
	size_t i;

	(void)self;
	(void)err;
	catalogue_cloud_parse(input->provider_type, &cloud);
	apply_strategies(d, json_object_get(parsed, "strategies"));
	apply_fields(d, json_object_get(parsed, "fields"), cloud);
	json_array_foreach (json_object_get(parsed, "hints"), i, entry)
		json_push_str(hints, json_get_str(entry, "hint"));
	decision_draft_fact(d, "prompt", hints);
	decision_draft_fact(d, "promptWords", json_incref(json_object_get(parsed, "words")));
	json_array_foreach (json_object_get(parsed, "warnings"), i, entry)
		decision_draft_warn(d, "%s", json_string_value(entry));
	return 0;
}
