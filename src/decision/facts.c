#include "facts.h"

#include "base/str.h"

static const struct {
	const char *name;
	enum fact_type type;
} facts_known[] = {
	{ "framework", FACT_STRING },      { "language", FACT_STRING },        { "packageManager", FACT_STRING },
	{ "runtimeVersion", FACT_STRING }, { "dependencyCount", FACT_NUMBER }, { "dependencies", FACT_LIST },
	{ "hasDockerfile", FACT_BOOL },    { "hasCompose", FACT_BOOL },        { "hasStartCommand", FACT_BOOL },
	{ "isStatic", FACT_BOOL },         { "appPort", FACT_NUMBER },         { "datastores", FACT_LIST },
	{ "services", FACT_NUMBER },       { "serviceFrameworks", FACT_LIST }, { "analysisConfidence", FACT_NUMBER },
	{ "providerType", FACT_STRING },   { "region", FACT_STRING },          { "policies", FACT_LIST },
	{ "strategy", FACT_STRING },       { "expectedRPS", FACT_NUMBER },     { "maxMonthlyCost", FACT_NUMBER },
	{ "replicas", FACT_NUMBER },       { "minReplicas", FACT_NUMBER },     { "maxReplicas", FACT_NUMBER },
	{ "nodes", FACT_NUMBER },          { "volumeSize", FACT_NUMBER },      { "instanceType", FACT_STRING },
	{ "prompt", FACT_LIST },           { "promptWords", FACT_LIST },
};

enum fact_type decision_fact_type(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(facts_known); i++) {
		if (str_eq(name, facts_known[i].name))
			return facts_known[i].type;
	}
	return FACT_UNKNOWN;
}

char *decision_fact_names(void)
{
	_cleanup_strv_ char **names = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(facts_known); i++)
		strv_push(&names, facts_known[i].name);
	return strv_join(names, ", ");
}

/* to[name] = from[name], when it has the fact's type. */
static void copy(json_t *to, const json_t *from, const char *name)
{
	json_t *value = json_object_get(from, name);
	enum fact_type type = decision_fact_type(name);

	if ((type == FACT_STRING && json_is_string(value)) || (type == FACT_NUMBER && json_is_number(value)) ||
	    (type == FACT_BOOL && json_is_boolean(value)))
		json_object_set(to, name, value);
}

/* The key's values in a list of objects, without repetition. */
static json_t *pluck(const json_t *list, const char *key)
{
	json_t *out = json_array(), *entry, *have;
	size_t i, k;

	json_array_foreach (list, i, entry) {
		json_t *value = json_object_get(entry, key);
		bool known = !json_is_string(value);
		json_array_foreach (out, k, have)
			known = known || json_equal(have, value);
		if (!known)
			json_array_append(out, value);
	}
	return out;
}

static void from_analysis(const json_t *analysis, json_t *facts)
{
	static const char *const same[] = { "framework", "language", "packageManager", "runtimeVersion",
		                                "dependencyCount" };
	const json_t *services = json_object_get(analysis, "services");
	size_t count = json_array_size(services);

	for (size_t i = 0; i < ARRAY_SIZE(same); i++)
		copy(facts, analysis, same[i]);
	json_put_bool(facts, "hasDockerfile", json_get_bool(analysis, "hasDockerfile", false));
	json_put_bool(facts, "hasCompose", json_get_bool(analysis, "hasCompose", false));
	json_put_bool(facts, "hasStartCommand", json_get_str(analysis, "startCommand") != NULL);
	json_put_bool(facts, "isStatic", json_get_str(analysis, "staticDir") != NULL);
	if (json_is_integer(json_object_get(analysis, "port")))
		json_object_set(facts, "appPort", json_object_get(analysis, "port"));
	json_put(facts, "dependencies", pluck(json_object_get(analysis, "dependencies"), "name"));
	json_put(facts, "datastores", pluck(json_object_get(analysis, "datastores"), "type"));
	json_put(facts, "serviceFrameworks", pluck(services, "framework"));
	json_put_int(facts, "services", count ? (int64_t)count : 1);
	if (json_is_number(json_object_get(analysis, "confidence")))
		json_object_set(facts, "analysisConfidence", json_object_get(analysis, "confidence"));
}

void decision_facts_collect(const struct decision_input *input, json_t *facts)
{
	json_t *policies = json_object_get(input->spec, "policies"), *entry;
	json_t *list = json_array();
	size_t i;

	from_analysis(input->analysis, facts);
	json_put_str(facts, "providerType", input->provider_type);
	if (!str_empty(input->default_region))
		json_put_str(facts, "region", input->default_region);
	json_array_foreach (policies, i, entry) {
		if (json_is_string(entry))
			json_array_append(list, entry);
	}
	json_put(facts, "policies", list);
	json_put(facts, "prompt", json_array());
	json_put(facts, "promptWords", json_array());
}
