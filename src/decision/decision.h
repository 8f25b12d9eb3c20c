#ifndef DECISION_DECISION_H
#define DECISION_DECISION_H
/* What should become of an analysed repository: which strategy, how large, where, and why. Pure and deterministic: no
 * I/O after the rules are loaded, and the same input gives the same bytes.
 *
 * A decision is made by tiers, one after the other, over one draft:
 *
 *   1. spec     what the Deployment's fields say
 *   2. prompt   what its prompt says in words
 *   3. rules    a rule set (config/rules/default.yaml, or the user's own)
 *   4. further tiers of the engine's configuration: retrieved cases, then a language model
 *
 * Tiers 1 and 2 give wishes, which always win (the spec's over the prompt's); tiers 3 and 4 give points to strategies
 * and fill in what nobody wished for, the earlier before the later. What was overruled is said in the reason. */

#include "base/err.h"
#include "codec/json.h"

#define DECISION_PROMPT_MAX 8192 /* bytes; what is beyond is not read, and a warning says so */

/* What a decision depends on; all borrowed. */
struct decision_input {
	const char *commit;            /* only for the hash; may be NULL */
	const json_t *spec;            /* a Deployment's spec */
	const json_t *analysis;        /* as documented in analyzer/analyzer.h; NULL: nothing is known */
	const char *provider_type;     /* local, aws, gcp, azure, none */
	const char *default_region;    /* of the CloudProvider; may be NULL */
	const char *catalogue_version; /* of prices and instance types; NULL: the built-in one */
	const char *redecide;          /* the annotation scia.io/redecide; only for the hash; may be NULL */
};

enum decision_strategy { DECISION_VM, DECISION_SERVERLESS, DECISION_KUBERNETES, DECISION_STRATEGIES };
/* "vm", "serverless", "kubernetes". */
const char *decision_strategy_name(enum decision_strategy strategy);
/* False for any other word, "auto" too. */
bool decision_strategy_parse(const char *name, enum decision_strategy *ret);

/* The state of a decision while tiers work on it. */
struct decision_draft;

enum decision_source { DECISION_SPEC, DECISION_PROMPT };

/* An explicit wish: field is a member of config ("replicas", "region", …) or "strategy". Steals value. text: the words
 * it comes from. A wish of the prompt against one of the spec is recorded as overruled; of two wishes of the same
 * source the first holds. */
void decision_draft_wish(struct decision_draft *d, enum decision_source source, const char *field, json_t *value,
                         const char *text);
/* "Not this one": a wish as well. */
void decision_draft_wish_against(struct decision_draft *d, enum decision_source source, enum decision_strategy strategy,
                                 const char *text);
/* Points for (or, negative, against) a strategy, and why, for people. */
void decision_draft_score(struct decision_draft *d, enum decision_strategy strategy, double points, const char *why);
/* It would not work; why, for people. A wish for it still wins, with why as a warning. */
void decision_draft_exclude(struct decision_draft *d, enum decision_strategy strategy, const char *why);
/* Fills in config[field] (or "size": cpu and memory) unless that was wished for or suggested before; false when it was.
 * Steals value. */
bool decision_draft_suggest(struct decision_draft *d, const char *field, json_t *value);
/* A sentence the user should see. */
void decision_draft_warn(struct decision_draft *d, const char *fmt, ...) _printf_(2, 3);
/* What is known so far, as rules see it (docs/rules.md lists the names); borrowed. */
const json_t *decision_draft_facts(const struct decision_draft *d);
/* Adds (or, when it is there, changes) a fact for the tiers that follow. Steals value. */
void decision_draft_fact(struct decision_draft *d, const char *name, json_t *value);
/* Adds an entry to the decision's rulesFired. */
void decision_draft_fired(struct decision_draft *d, const char *name, int64_t priority, const char *effect,
                          const char *why);

/* One tier. decide() is required, may be called from several threads at once, and must give the same for the same input
 * (a tier that asks a model freezes its answer outside). Negative: the decision fails with err. */
struct decision_tier {
	const char *name;
	int (*decide)(void *self, const struct decision_input *input, struct decision_draft *draft, struct err *err);
	void *self;
};

struct decision_engine_config {
	const char *rules_path;            /* a YAML file (docs/rules.md); NULL: the built-in rules */
	const char *rules_text;            /* or its content (then rules_path is only its name in messages); may be NULL */
	const struct decision_tier *tiers; /* run after the rules, in this order; copied. NULL: none */
	size_t tiers_len;
};

/* Immutable once made: any thread may use it. */
struct decision_engine;

/* Loads and checks the rules. ERR_INVALID (terminal) with "FILE:LINE:COLUMN: …" for each mistake, which the causes
 * list too; ERR_NOT_FOUND when there is no such file. config may be NULL. */
int decision_engine_new(const struct decision_engine_config *config, struct decision_engine **ret, struct err *err);
struct decision_engine *decision_engine_free(struct decision_engine *e);
DEFINE_CLEANUP(struct decision_engine *, decision_engine_free)
/* Name and digest of the rule set and the names of further tiers; part of the input hash. */
const char *decision_engine_version(const struct decision_engine *e);

/* The decision, a new reference:
 *
 *   strategy               vm, serverless or kubernetes
 *   reason                 sentences for people: why, and which wishes were met or overruled
 *   confidence             0..1, two decimals; 1 when the strategy was asked for
 *   alternativeStrategies  [{strategy, reason, confidence}] the other two, best first
 *   config                 what to build and run, named as the Infrastructure's parameters: framework, replicas,
 *                          minReplicas, maxReplicas, cpu, memory, instanceType, volumeSize (GiB), nodes, nodeType,
 * region, appPort, installCommand, buildCommand, startCommand, staticDir, healthPath, scaleToZero, idleSeconds,
 * expectedRPS, maxMonthlyCost; absent when unknown or without meaning for the strategy and provider rulesFired [{name,
 * priority, effect, why}] in the order in which they count constraints            [{field, value, source: spec|prompt,
 * text, overruled?}] warnings               [sentences]; absent when there are none rules decision_engine_version()
 *   catalogue              version of the catalogue
 *
 * ERR_INVALID (terminal) when the input is malformed, e.g. an unknown provider type. */
int decision_decide(const struct decision_engine *e, const struct decision_input *input, json_t **ret, struct err *err);

/* SHA-256 (64 hexadecimal digits) over all that a decision and what is built from it depend on: commit, repository
 * (but not its ref, which the commit stands for), prompt, the spec's cloudProvider, region, strategy, budget, policies,
 * env, overrides, healthCheck, scaling and resources, provider type and default region, the engine's version, the
 * catalogue's, redecide. The same hash: the decision still holds. Absent, null and default values ("auto") are the
 * same. */
void decision_input_hash(const struct decision_engine *e, const struct decision_input *input, char ret[static 65]);

#endif
