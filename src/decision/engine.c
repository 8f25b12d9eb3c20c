#include "catalogue.h"
#include "facts.h"
#include "tiers.h"

#include "base/fs.h"
#include "base/str.h"
#include "codec/embedded.h"

#define BUILTIN_TIERS 3

/* config/rules/default.yaml, made part of the program by the build. */
extern const struct embedded_file decision_default_rules[];

struct decision_engine {
	struct decision_rules rules;
	struct decision_tier *tiers; /* the built-in ones first */
	size_t tiers_len;
	char *version;
};

static int load_rules(const struct decision_engine_config *config, struct decision_rules *ret, struct err *err)
{
	const char *path = config ? config->rules_path : NULL;
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (config && config->rules_text)
		return decision_rules_parse(config->rules_text, strlen(config->rules_text), path ? path : "rules", ret, err);
	if (!path)
		return decision_rules_parse(decision_default_rules[0].text, decision_default_rules[0].len,
		                            decision_default_rules[0].name, ret, err);
	if (fs_read_file(path, RULES_TEXT_MAX, &text, &len, err) < 0)
		return err_wrap(err, "decision rules");
	return decision_rules_parse(text, len, path, ret, err);
}

static char *make_version(const struct decision_engine *e)
{
	struct buf out = BUF_INIT(4096);

	buf_printf(&out, "%.64s@%.12s", e->rules.name, e->rules.digest);
	for (size_t i = BUILTIN_TIERS; i < e->tiers_len; i++)
		buf_printf(&out, "+%.64s", e->tiers[i].name);
	return buf_steal(&out);
}

int decision_engine_new(const struct decision_engine_config *config, struct decision_engine **ret, struct err *err)
{
	struct decision_engine *e = new0(struct decision_engine);
	size_t extra = config ? config->tiers_len : 0;

	if (load_rules(config, &e->rules, err) < 0) {
		decision_engine_free(e);
		return -1;
	}
	e->tiers_len = BUILTIN_TIERS + extra;
	e->tiers = xcalloc(e->tiers_len, sizeof(*e->tiers));
	e->tiers[0] = (struct decision_tier){ .name = "spec", .decide = decision_spec_tier };
	e->tiers[1] = (struct decision_tier){ .name = "prompt", .decide = decision_prompt_tier };
	e->tiers[2] = (struct decision_tier){ .name = "rules", .decide = decision_rules_tier, .self = &e->rules };
	for (size_t i = 0; i < extra; i++)
		e->tiers[BUILTIN_TIERS + i] = config->tiers[i];
	e->version = make_version(e);
	*ret = e;
	return 0;
}

struct decision_engine *decision_engine_free(struct decision_engine *e)
{
	if (!e)
		return NULL;
	decision_rules_clear(&e->rules);
	free(e->tiers);
	free(e->version);
	free(e);
	return NULL;
}

const char *decision_engine_version(const struct decision_engine *e)
{
	return e->version;
}

static const char *catalogue_of(const struct decision_input *input)
{
	return str_empty(input->catalogue_version) ? CATALOGUE_VERSION : input->catalogue_version;
}

static int check_input(const struct decision_input *input, struct err *err)
{
	enum catalogue_cloud cloud;

	if (!json_is_object(input->spec))
		err_set(err, ERR_INVALID, "deciding: the Deployment's spec is no object");
	else if (input->analysis && !json_is_object(input->analysis))
		err_set(err, ERR_INVALID, "deciding: the analysis is no object");
	else if (!catalogue_cloud_parse(input->provider_type, &cloud))
		err_set(err, ERR_INVALID, "deciding: provider type \"%.32s\" is none of local, aws, gcp, azure, none",
		        input->provider_type ? input->provider_type : "");
	else
		return 0;
	return err_set_terminal(err);
}

int decision_decide(const struct decision_engine *e, const struct decision_input *input, json_t **ret, struct err *err)
{
	_cleanup_decision_draft_ struct decision_draft draft = { .constraints = NULL };

	if (check_input(input, err) < 0)
		return -1;
	decision_draft_init(&draft);
	decision_facts_collect(input, draft.facts);
	for (size_t i = 0; i < e->tiers_len; i++) {
		if (e->tiers[i].decide(e->tiers[i].self, input, &draft, err) < 0)
			return err_wrap(err, "deciding (%s)", e->tiers[i].name);
	}
	*ret = decision_outcome(&draft, input);
	json_put_str(*ret, "rules", e->version);
	json_put_str(*ret, "catalogue", catalogue_of(input));
	return 0;
}

/* A copy without what says nothing: null, "", empty lists and maps. NULL when nothing is left. */
static json_t *without_nothing(const json_t *value)
{
	json_t *out, *entry, *kept;
	const char *key;
	size_t i;

	if (json_is_object(value)) {
		out = json_object();
		json_object_foreach ((json_t *)(uintptr_t)value, key, entry) {
			if ((kept = without_nothing(entry)))
				json_put(out, key, kept);
		}
	} else if (json_is_array(value)) {
		out = json_array();
		json_array_foreach (value, i, entry) {
			if ((kept = without_nothing(entry)))
				json_array_append_new(out, kept);
		}
	} else {
		return !value || json_is_null(value) || (json_is_string(value) && !json_string_length(value))
		           ? NULL
		           : json_deep_copy(value);
	}
	if ((json_is_object(out) && !json_object_size(out)) || (json_is_array(out) && !json_array_size(out))) {
		json_decref(out);
		return NULL;
	}
	return out;
}

void decision_input_hash(const struct decision_engine *e, const struct decision_input *input, char ret[static 65])
{
	static const char *const matter[] = { "prompt", "cloudProvider", "region",      "strategy", "policies",
		                                  "env",    "overrides",     "healthCheck", "scaling",  "resources" };
	_cleanup_json_ json_t *all = json_object();
	json_t *repository = without_nothing(json_object_get(input->spec, "repository")),
		   *spec = json_ensure_object(all, "spec");
	const json_t *budget = json_object_get(input->spec, "budget");

	for (size_t i = 0; i < ARRAY_SIZE(matter); i++)
		json_put(spec, matter[i], without_nothing(json_object_get(input->spec, matter[i])));
	if (str_eq(json_get_str(spec, "strategy"), "auto"))
		json_put(spec, "strategy", NULL);
	if (repository)
		json_put(repository, "ref", NULL); /* the commit is what it stands for */
	json_put(spec, "repository", repository);
	json_put(spec, "maxMonthlyCost", without_nothing(json_object_get(budget, "maxMonthlyCost")));
	json_put(spec, "enforcementMode", without_nothing(json_object_get(budget, "enforcementMode")));
	json_put_str(all, "commit", input->commit);
	json_put_str(all, "providerType", input->provider_type);
	json_put_str(all, "defaultRegion", str_empty(input->default_region) ? NULL : input->default_region);
	json_put_str(all, "rules", e->version);
	json_put_str(all, "catalogue", catalogue_of(input));
	json_put_str(all, "redecide", str_empty(input->redecide) ? NULL : input->redecide);
	json_hash(all, ret);
}
