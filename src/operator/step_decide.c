/* From a commit to a frozen revision: analysis, decision, parameters. */

#include "deployment.h"

#include "base/clock.h"
#include "base/str.h"

/* What of the analysis the status shows: it is bounded already, the dependencies are many. */
#define STATUS_DEPENDENCIES_MAX 30

static int analyze(struct deployment_pass *p, json_t **ret)
{
	const json_t *repository = json_object_get(deployment_spec(p), "repository");
	*ret = source_known_analysis(p->op->sources, repository, p->commit);
	if (*ret)
		return 0;
	deployment_phase(p, "Analyzing");
	deployment_show_progress(p); /* may replace p->object: look into it only afterwards */
	repository = json_object_get(deployment_spec(p), "repository");
	if (source_analyze(p->op->sources, kube_namespace(p->object), repository, p->commit, p->pass->cancelled, ret,
	                   p->pass->err) < 0) {
		/* The step's own words are about decisions; this one is about the repository. */
		deployment_condition(p, "Analyzed", "False", "AnalysisFailed", "%s", err_message(p->pass->err));
		return err_wrap(p->pass->err, "analysing the repository");
	}
	return 0;
}

static int decide(struct deployment_pass *p, const json_t *analysis, json_t **ret)
{
	struct decision_input input = {
		.spec = deployment_spec(p),
		.analysis = analysis,
		.provider_type = json_str_at(p->provider, "spec", "type", NULL),
		.default_region = json_str_at(p->provider, "spec", "defaultRegion", NULL),
		.commit = p->commit,
		.redecide = kube_annotation(p->object, "scia.io/redecide"),
	};
	return decision_decide(p->op->decisions, &input, ret, p->pass->err);
}

static void carry(const json_t *from, const char *key, json_t *to, const char *as)
{
	json_t *value = json_object_get(from, key);
	if (value)
		json_object_set(to, as, value);
}

static json_t *health_check(const json_t *spec, const json_t *config)
{
	const json_t *said = json_object_get(spec, "healthCheck");
	json_t *check = said ? json_deep_copy(said) : json_object();
	if (!json_get_str(check, "path"))
		carry(config, "healthPath", check, "path");
	return check;
}

/* The parameters of the Infrastructure: frozen with the revision, so that going back gives exactly what was. */
static json_t *build_parameters(const struct deployment_pass *p, int64_t number, const json_t *decision)
{
	static const char *const from_config[] = {
		"framework",    "instanceType", "volumeSize",  "region",     "installCommand", "buildCommand",
		"startCommand", "staticDir",    "appPort",     "replicas",   "minReplicas",    "maxReplicas",
		"cpu",          "memory",       "expectedRPS", "idleSeconds"
	};
	const json_t *spec = deployment_spec(p), *config = json_object_get(decision, "config");
	const json_t *repository = json_object_get(spec, "repository");
	const char *secret = json_str_at(repository, "secretRef", "name", NULL);
	json_t *parameters = json_pack("{s:s, s:I, s:s, s:s, s:s}", "deployment", kube_name(p->object), "revision",
	                               (json_int_t)number, "providerType", json_str_at(p->provider, "spec", "type", NULL),
	                               "providerName", kube_name(p->provider), "commit", p->commit);

	carry(decision, "strategy", parameters, "strategy");
	for (size_t i = 0; i < ARRAY_SIZE(from_config); i++)
		carry(config, from_config[i], parameters, from_config[i]);
	carry(repository, "url", parameters, "repositoryUrl");
	carry(repository, "ref", parameters, "ref");
	carry(repository, "path", parameters, "path");
	json_put_str(parameters, "secretName", secret);
	carry(spec, "env", parameters, "env");
	carry(spec, "policies", parameters, "policies");
	carry(kube_spec(p->provider), "tags", parameters, "tags");
	json_put(parameters, "healthCheck", health_check(spec, config));
	return parameters;
}

static json_t *build_revision(const struct deployment_pass *p, int64_t number, const json_t *analysis,
                              const json_t *decision)
{
	_cleanup_free_ char *name = xasprintf("%s-r%lld", kube_name(p->object), (long long)number);
	json_t *revision = kube_object_new(&SCIA_REVISION, kube_namespace(p->object), name);
	_cleanup_json_ json_t *summary = json_copy((json_t *)decision);
	json_object_del(summary, "rulesFired");

	if (kube_is_label_value(kube_name(p->object)))
		kube_set_label(revision, "scia.io/deployment", kube_name(p->object));
	kube_set_controller(revision, p->object);
	json_put(revision, "spec",
	         json_pack("{s:s, s:I, s:s, s:s, s:O, s:O?, s:O, s:o}", "deployment", kube_name(p->object), "revision",
	                   (json_int_t)number, "inputHash", p->input_hash, "commit", p->commit, "analysis", analysis,
	                   "rulesFired", json_object_get(decision, "rulesFired"), "decision", summary, "parameters",
	                   build_parameters(p, number, decision)));
	return revision;
}

/* A revision of that name is there already: a crash came between creating it and remembering it, or it is another's. */
static int adopt_revision(struct deployment_pass *p, const char *name, json_t **ret)
{
	_cleanup_json_ json_t *found = NULL;
	if (kube_get(p->op->config.client, &SCIA_REVISION, kube_namespace(p->object), name, &found, p->pass->err) < 0)
		return -1;
	if (kube_is_controlled_by(found, p->object)) {
		kube_informer_observe(p->op->revisions, found);
		if (str_eq(json_str_at(found, "spec", "inputHash", NULL), p->input_hash)) {
			*ret = TAKE_PTR(found);
			return 0;
		}
	}
	return err_set(p->pass->err, ERR_CONFLICT, "revision %s is there already, and of another decision", name);
}

static int freeze(struct deployment_pass *p, const json_t *analysis, const json_t *decision, json_t **ret)
{
	json_t *newest = json_array_get(p->revisions, json_array_size(p->revisions) - 1);
	int64_t number = newest ? revision_number(newest) + 1 : 1;
	/* Numbers are never used twice, even when the newest revision was deleted by hand. */
	int64_t seen = json_get_int(p->status, "latestRevision", 0);
	if (number <= seen && !newest)
		number = seen + 1;
	_cleanup_json_ json_t *revision = build_revision(p, number, analysis, decision);
	if (kube_create(p->op->config.client, &SCIA_REVISION, revision, ret, p->pass->err) < 0) {
		if (p->pass->err->kind != ERR_ALREADY_EXISTS)
			return err_wrap(p->pass->err, "creating revision %s", kube_name(revision));
		err_clear(p->pass->err);
		return adopt_revision(p, kube_name(revision), ret);
	}
	kube_informer_observe(p->op->revisions, *ret);
	return 0;
}

static void announce(struct deployment_pass *p, const json_t *revision)
{
	const json_t *spec = kube_spec(revision);
	const json_t *analysis = json_object_get(spec, "analysis"), *decision = json_object_get(spec, "decision");
	const char *strategy = json_get_str(decision, "strategy");

	deployment_event(p, KUBE_EVENT_NORMAL, "AnalysisComplete", "commit %.12s is %s (%s), confidence %.2f", p->commit,
	                 json_get_str(analysis, "framework"), json_get_str(analysis, "language"),
	                 json_number(json_object_get(analysis, "confidence"), 0));
	deployment_event(p, KUBE_EVENT_NORMAL, "DecisionMade", "revision %lld: %s", (long long)revision_number(revision),
	                 json_get_str(decision, "reason"));
	metric_set(p->op->decision_confidence, json_number(json_object_get(decision, "confidence"), 0),
	           METRIC_LABELS(strategy));
}

/* The status shows what the wanted revision was decided on. */
static void show_revision(struct deployment_pass *p)
{
	const json_t *spec = kube_spec(p->wanted), *decision = json_object_get(spec, "decision");
	json_t *analysis = json_deep_copy(json_object_get(spec, "analysis"));
	json_t *dependencies = json_object_get(analysis, "dependencies");
	const char *framework = json_get_str(analysis, "framework"), *strategy = json_get_str(decision, "strategy");

	while (json_array_size(dependencies) > STATUS_DEPENDENCIES_MAX)
		json_array_remove(dependencies, json_array_size(dependencies) - 1);
	json_put(p->status, "analysis", analysis);
	json_put(p->status, "deployment",
	         json_pack("{s:O?, s:O?, s:O?, s:O?, s:O?}", "strategy", json_object_get(decision, "strategy"), "reason",
	                   json_object_get(decision, "reason"), "confidence", json_object_get(decision, "confidence"),
	                   "alternativeStrategies", json_object_get(decision, "alternativeStrategies"), "config",
	                   json_object_get(decision, "config")));
	json_put_int(p->status, "latestRevision",
	             revision_number(json_array_get(p->revisions, json_array_size(p->revisions) - 1)));
	deployment_condition(p, "Analyzed", "True", "AnalysisComplete", "%s, from commit %.12s",
	                     framework ? framework : "unknown", json_get_str(spec, "commit"));
	deployment_condition(p, "Decided", "True", p->is_pinned ? "Pinned" : "DecisionMade", "%s, revision %lld%s",
	                     strategy, (long long)revision_number(p->wanted), p->is_pinned ? " (spec.rollbackTo)" : "");
}

int step_decide(struct deployment_pass *p)
{
	if (!p->wanted) {
		_cleanup_json_ json_t *analysis = NULL, *decision = NULL, *revision = NULL;
		if (analyze(p, &analysis) < 0)
			return -1;
		deployment_phase(p, "Deciding");
		if (decide(p, analysis, &decision) < 0 || freeze(p, analysis, decision, &revision) < 0)
			return -1;
		json_array_append(p->revisions, revision);
		p->wanted = json_incref(revision);
		announce(p, revision);
	}
	show_revision(p);
	history_entry(p, p->wanted);
	return STEP_CONTINUE;
}
