#include "decision.h"

#include "base/fs.h"
#include "base/str.h"
#include "codec/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>
#include <cmocka.h>

#define EXPRESS                                                                                                    \
	"{framework: express, language: javascript, dependencyCount: 3, dependencies: [{name: express}], port: 3000, " \
	"portFromEnv: true, installCommand: npm ci, startCommand: node index.js, healthPath: /healthz, confidence: 0.95}"
#define STATIC "{framework: static, language: html, staticDir: ., startCommand: scia serve ., confidence: 1}"
#define SQLITE \
	"{framework: flask, language: python, dependencyCount: 4, startCommand: flask run, datastores: [{type: sqlite}]}"
#define SERVICES                                                                                                     \
	"{framework: express, hasCompose: true, hasDockerfile: true, startCommand: x, services: [{framework: express}, " \
	"{framework: flask}, {framework: static}, {framework: go}], confidence: 0.8}"
#define SPRING \
	"{framework: spring-boot, language: java, dependencyCount: 30, startCommand: java -jar x.jar, confidence: 0.9}"
#define NOTHING "{framework: unknown, confidence: 0.1}"

static json_t *yaml(const char *text)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *value = yaml_parse(text, strlen(text), "test", &err);

	if (!value)
		fail_msg("%s: %s", text, err_message(&err));
	return value;
}

static int setup(void **state)
{
	struct decision_engine *e;
	_cleanup_err_ struct err err = { 0 };

	if (decision_engine_new(NULL, &e, &err) < 0) {
		print_error("%s\n", err_message(&err));
		return -1;
	}
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	decision_engine_free(*state);
	return 0;
}

static json_t *decide(const struct decision_engine *e, const char *spec_text, const char *analysis_text,
                      const char *provider)
{
	_cleanup_json_ json_t *spec = yaml(spec_text), *analysis = analysis_text ? yaml(analysis_text) : NULL;
	struct decision_input input = { .spec = spec, .analysis = analysis, .provider_type = provider };
	_cleanup_err_ struct err err = { 0 };
	json_t *decision;

	if (decision_decide(e, &input, &decision, &err) < 0)
		fail_msg("%s: %s", spec_text, err_message(&err));
	return decision;
}

/* All warnings and the reason in one text. */
static char *said(const json_t *decision)
{
	struct buf out = BUF_INIT(65536);
	json_t *entry;
	size_t i;

	buf_puts(&out, json_get_str(decision, "reason"));
	json_array_foreach (json_object_get(decision, "warnings"), i, entry)
		buf_printf(&out, " | %s", json_string_value(entry));
	return buf_steal(&out);
}

struct scenario {
	const char *spec, *analysis, *provider;
	const char *strategy;
	const char *config;  /* a map that config has at least; "" where it must not have the member: null */
	const char *says[3]; /* in the reason or a warning */
};

static const struct scenario scenarios[] = {
	/* What rules make of repositories. */
	{ "{}",
	  EXPRESS,
	  "local",
	  "vm",
	  "{framework: express, replicas: 1, appPort: 3000, startCommand: node index.js, installCommand: npm ci, "
	  "healthPath: /healthz,"
	  " cpu: 500m, memory: 512Mi, instanceType: null, volumeSize: null, region: null}",
	  { "A VM: one process is the simplest" } },
	{ "{}",
	  STATIC,
	  "local",
	  "serverless",
	  "{scaleToZero: true, minReplicas: 0, maxReplicas: 1, staticDir: ., idleSeconds: 300, memory: 256Mi}",
	  { "static files" } },
	{ "{}", SQLITE, "local", "vm", "{replicas: 1}", { "SQLite is a file" } },
	{ "{prompt: rarely used}", SQLITE, "local", "vm", "{}", { "SQLite" } },
	{ "{}", SERVICES, "local", "kubernetes", "{replicas: 1}", { "4 services" } },
	{ "{}", SPRING, "aws", "vm", "{instanceType: t3.small, volumeSize: 20}", { "JVM" } },
	{ "{}", NOTHING, "local", "vm", "{startCommand: null}", { "No start command was found" } },
	{ "{}", NULL, "none", "vm", "{framework: null}", { "A VM" } },
	{ "{scaling: {expectedRPS: 600}}",
	  EXPRESS,
	  "local",
	  "kubernetes",
	  "{replicas: 3, maxReplicas: 6, expectedRPS: 600}",
	  { "600 requests per second" } },
	{ "{prompt: 'expect 12k requests per second'}",
	  EXPRESS,
	  "aws",
	  "kubernetes",
	  "{replicas: 12, maxReplicas: 40}",
	  { "want a cluster" } },
	{ "{prompt: highly available}",
	  EXPRESS,
	  "gcp",
	  "kubernetes",
	  "{replicas: 3, nodes: 2, nodeType: e2-medium}",
	  { "must not go down" } },
	{ "{prompt: a rarely used hobby app}", EXPRESS, "local", "serverless", "{scaleToZero: true}", { "rarely used" } },
	{ "{budget: {maxMonthlyCost: 10}}",
	  EXPRESS,
	  "aws",
	  "vm",
	  "{maxMonthlyCost: 10, volumeSize: 8}",
	  { "cost little" } },
	/* Wishes of the spec. */
	{ "{strategy: kubernetes}", STATIC, "local", "kubernetes", "{replicas: 1}", { "Kubernetes, as the spec says." } },
	{ "{strategy: auto}", EXPRESS, "local", "vm", "{}", { NULL } },
	{ "{strategy: serverless}",
	  SQLITE,
	  "local",
	  "serverless",
	  "{}",
	  { "Serverless, as the spec says.", "asked for, but SQLite" } },
	{ "{strategy: serverless, scaling: {min: 1, max: 5}}",
	  EXPRESS,
	  "local",
	  "serverless",
	  "{minReplicas: 1, maxReplicas: 5, scaleToZero: false}",
	  { NULL } },
	{ "{overrides: {framework: flask, startCommand: ./run, buildCommand: make, installCommand: true it, port: 9000}, "
	  "healthCheck: {path: /up}}",
	  EXPRESS,
	  "local",
	  "vm",
	  "{framework: flask, startCommand: ./run, buildCommand: make, installCommand: true it, appPort: 9000, healthPath: "
	  "/up}",
	  { "appPort 9000 (spec)" } },
	{ "{overrides: {startCommand: ./run}}",
	  STATIC,
	  "local",
	  "serverless",
	  "{startCommand: ./run, staticDir: null}",
	  { NULL } },
	{ "{resources: {cpu: 2, memory: 3Gi}}",
	  EXPRESS,
	  "local",
	  "vm",
	  "{cpu: '2', memory: 3Gi}",
	  { "memory 3Gi (spec)" } },
	{ "{resources: {cpu: 1500m, memory: 1500Mi}, region: eu-west-1}",
	  EXPRESS,
	  "aws",
	  "vm",
	  "{cpu: 1500m, memory: 1500Mi, instanceType: t3.small, region: eu-west-1}",
	  { NULL } },
	{ "{strategy: kubernetes, scaling: {min: 2, max: 4}}",
	  EXPRESS,
	  "local",
	  "kubernetes",
	  "{replicas: 2, minReplicas: 2, maxReplicas: 4}",
	  { NULL } },
	{ "{strategy: kubernetes, scaling: {max: 2}, prompt: highly available}",
	  EXPRESS,
	  "local",
	  "kubernetes",
	  "{replicas: 2}",
	  { NULL } },
	/* Wishes of the prompt. */
	{ "{prompt: on kubernetes with 4 replicas}",
	  STATIC,
	  "local",
	  "kubernetes",
	  "{replicas: 4}",
	  { "Kubernetes, as the prompt says (\"on kubernetes\")", "replicas 4 (prompt)" } },
	{ "{prompt: 3 replicas please}", EXPRESS, "local", "kubernetes", "{replicas: 3}", { "several replicas" } },
	{ "{prompt: no kubernetes}", SERVICES, "local", "vm", "{}", { "Not kubernetes, as the prompt says" } },
	{ "{prompt: 'neither kubernetes nor a vm'}", EXPRESS, "local", "serverless", "{}", { "Not vm", "Not kubernetes" } },
	{ "{prompt: 'no vm, no kubernetes, no serverless'}",
	  EXPRESS,
	  "local",
	  "vm",
	  "{}",
	  { "Every strategy is refused" } },
	{ "{prompt: 'no vm, no kubernetes'}",
	  SQLITE,
	  "local",
	  "serverless",
	  "{}",
	  { "Serverless remains, although SQLite" } },
	{ "{prompt: kubernetes or serverless}", EXPRESS, "local", "serverless", "{}", { "Not vm" } },
	{ "{prompt: maybe serverless}", EXPRESS, "local", "serverless", "{}", { "the prompt considers it" } },
	{ "{prompt: 'kubernetes. Hmm, rather not kubernetes.'}",
	  SERVICES,
	  "local",
	  "vm",
	  "{}",
	  { "the last word counts" } },
	{ "{prompt: a t3.large in Paris with 100GB disk}",
	  EXPRESS,
	  "aws",
	  "vm",
	  "{instanceType: t3.large, region: eu-west-3, volumeSize: 100, memory: null}",
	  { "instanceType t3.large (prompt)", "region eu-west-3 (prompt)" } },
	{ "{prompt: in Ireland}", EXPRESS, "gcp", "vm", "{region: europe-west2}", { "no region in Ireland" } },
	{ "{prompt: in eu-west-3}", EXPRESS, "azure", "vm", "{region: francecentral}", { NULL } },
	{ "{prompt: in us-gov-east-1}", EXPRESS, "azure", "vm", "{region: null}", { "is no region of Azure" } },
	{ "{prompt: in Paris}", EXPRESS, "local", "vm", "{region: null}", { "regions have no meaning here" } },
	{ "{prompt: on a t3.small}",
	  EXPRESS,
	  "local",
	  "vm",
	  "{memory: 2Gi, cpu: '2', instanceType: null}",
	  { "limits the application to 2 CPUs and 2048 MiB" } },
	{ "{prompt: on a t3.large}",
	  EXPRESS,
	  "gcp",
	  "vm",
	  "{instanceType: e2-standard-2}",
	  { "e2-standard-2 is of the same size" } },
	{ "{prompt: on a p4d.24xlarge}",
	  EXPRESS,
	  "gcp",
	  "vm",
	  "{instanceType: e2-micro}",
	  { "the provider is Google Cloud: ignored" } },
	{ "{prompt: serverless on a t3.small}",
	  EXPRESS,
	  "aws",
	  "serverless",
	  "{instanceType: null}",
	  { "has no meaning for strategy serverless" } },
	{ "{prompt: 2 nodes}", EXPRESS, "local", "kubernetes", "{replicas: 2, nodes: null}", { NULL } },
	{ "{prompt: 'kubernetes, 5 n2-standard-4 nodes'}",
	  EXPRESS,
	  "gcp",
	  "kubernetes",
	  "{nodes: 5, nodeType: n2-standard-4}",
	  { NULL } },
	{ "{prompt: a large machine}", EXPRESS, "local", "vm", "{memory: 4Gi, cpu: '2'}", { NULL } },
	{ "{prompt: 'on a vm, 3 replicas'}", EXPRESS, "local", "vm", "{replicas: 1}", { "A VM runs one copy here" } },
	{ "{prompt: 'on a vm, 3 replicas'}", EXPRESS, "aws", "vm", "{replicas: 3}", { NULL } },
	/* Contradictions. */
	{ "{strategy: vm, prompt: run it on kubernetes}",
	  EXPRESS,
	  "local",
	  "vm",
	  "{}",
	  { "A VM, as the spec says.",
	    "The prompt wants strategy kubernetes (\"run it on kubernetes\"), but the spec says vm, and that counts." } },
	{ "{strategy: kubernetes, prompt: no kubernetes}",
	  EXPRESS,
	  "local",
	  "kubernetes",
	  "{}",
	  { "wants strategy not kubernetes", "spec says kubernetes" } },
	{ "{region: us-east-1, prompt: in Paris}",
	  EXPRESS,
	  "aws",
	  "vm",
	  "{region: us-east-1}",
	  { "wants region eu-west-3", "the spec says us-east-1" } },
	{ "{resources: {memory: 1Gi}, prompt: 2GB of memory}",
	  EXPRESS,
	  "local",
	  "vm",
	  "{memory: 1Gi}",
	  { "wants memory 2Gi" } },
	{ "{scaling: {min: 2, max: 3}, prompt: 8 replicas on kubernetes}",
	  EXPRESS,
	  "local",
	  "kubernetes",
	  "{replicas: 3}",
	  { "it is within that" } },
	{ "{scaling: {min: 5, max: 3}, strategy: kubernetes}",
	  EXPRESS,
	  "local",
	  "kubernetes",
	  "{replicas: 3}",
	  { "At least 5 and at most 3" } },
};

static void check_scenario(const struct decision_engine *e, const struct scenario *s)
{
	_cleanup_json_ json_t *decision = decide(e, s->spec, s->analysis, s->provider), *config = yaml(s->config);
	_cleanup_free_ char *text = said(decision), *whole = json_to_str(decision);
	const char *key;
	json_t *want;

	if (!str_eq(json_get_str(decision, "strategy"), s->strategy))
		fail_msg("%s: want %s, got %s", s->spec, s->strategy, whole);
	json_object_foreach (config, key, want) {
		json_t *got = json_object_get(json_object_get(decision, "config"), key);
		if (json_is_null(want) ? got != NULL : !json_equal(want, got))
			fail_msg("%s: config.%s: %s", s->spec, key, whole);
	}
	for (size_t i = 0; i < ARRAY_SIZE(s->says) && s->says[i]; i++) {
		if (!strstr(text, s->says[i]))
			fail_msg("%s: want \"%s\", got \"%s\"", s->spec, s->says[i], text);
	}
	assert_int_equal(json_array_size(json_object_get(decision, "alternativeStrategies")), 2);
	assert_true(json_array_size(json_object_get(decision, "rulesFired")) >= 1);
}

static void test_decision_scenarios(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++)
		check_scenario(*state, &scenarios[i]);
}

/* The same input gives the same bytes, from any engine, whatever the order of the spec's members. */
static void test_decision_is_deterministic(void **state)
{
	struct decision_engine *other;

	assert_int_equal(decision_engine_new(NULL, &other, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		_cleanup_json_ json_t *a = decide(*state, scenarios[i].spec, scenarios[i].analysis, scenarios[i].provider);
		_cleanup_json_ json_t *b = decide(other, scenarios[i].spec, scenarios[i].analysis, scenarios[i].provider);
		_cleanup_free_ char *x = json_to_str(a), *y = json_to_str(b);
		assert_string_equal(x, y);
	}
	_cleanup_json_ json_t *a = decide(*state, "{strategy: vm, prompt: cheap, region: x}", EXPRESS, "aws");
	_cleanup_json_ json_t *b = decide(*state, "{region: x, prompt: cheap, strategy: vm}", EXPRESS, "aws");
	_cleanup_free_ char *x = json_to_str(a), *y = json_to_str(b);
	assert_string_equal(x, y);
	decision_engine_free(other);
}

static void test_decision_confidence(void **state)
{
	_cleanup_json_ json_t *asked = decide(*state, "{strategy: vm}", EXPRESS, "local");
	_cleanup_json_ json_t *sure = decide(*state, "{prompt: highly available, scaling: {expectedRPS: 20000}}", EXPRESS,
	                                     "local");
	_cleanup_json_ json_t *unsure = decide(*state, "{}", EXPRESS, "local");
	_cleanup_json_ json_t *refused = decide(*state, "{prompt: no kubernetes}", EXPRESS, "local");
	double high = json_number(json_object_get(sure, "confidence"), -1),
		   low = json_number(json_object_get(unsure, "confidence"), -1);
	json_t *entry;
	size_t i;

	assert_true(json_number(json_object_get(asked, "confidence"), -1) >= 1);
	assert_true(high > 0.7 && high < 1);
	assert_true(low > 0.2 && low < 0.6);
	json_array_foreach (json_object_get(refused, "alternativeStrategies"), i, entry) {
		if (str_eq(json_get_str(entry, "strategy"), "kubernetes")) {
			assert_true(json_number(json_object_get(entry, "confidence"), 1) <= 0);
			assert_string_equal(json_get_str(entry, "reason"), "refused by the prompt");
		}
	}
}

static void test_decision_records_constraints_and_rules(void **state)
{
	_cleanup_json_ json_t *decision = decide(*state, "{strategy: vm, prompt: 'on kubernetes, 2GB of memory'}", EXPRESS,
	                                         "local");
	_cleanup_free_ char *constraints = json_to_str(json_object_get(decision, "constraints"));
	json_t *baseline = NULL, *entry;
	int64_t last = INT64_MAX;
	size_t i;

	assert_string_equal(
		constraints,
		"[{\"field\":\"strategy\",\"value\":\"vm\",\"source\":\"spec\",\"text\":\"spec.strategy: vm\"},"
		"{\"field\":\"strategy\",\"value\":\"kubernetes\",\"source\":\"prompt\",\"text\":\"on kubernetes\","
		"\"overruled\":\"the spec says vm\"},"
		"{\"field\":\"memory\",\"value\":\"2Gi\",\"source\":\"prompt\",\"text\":\"2GB of memory\"}]");
	json_array_foreach (json_object_get(decision, "rulesFired"), i, entry) {
		assert_true(json_get_int(entry, "priority", -1) <= last);
		last = json_get_int(entry, "priority", -1);
		if (str_eq(json_get_str(entry, "name"), "baseline"))
			baseline = entry;
	}
	assert_non_null(baseline);
	assert_string_equal(json_get_str(baseline, "effect"),
	                    "vm +10; size small; replicas 1; volumeSize 20; idleSeconds 300");
	assert_string_equal(json_get_str(baseline, "why"), "one process is the simplest thing that works");
}

static void test_decision_refuses_malformed_input(void **state)
{
	_cleanup_json_ json_t *spec = yaml("{strategy: nomad}"), *list = json_array();
	const struct decision_input inputs[] = {
		{ .spec = spec, .provider_type = "local" },
		{ .spec = list, .provider_type = "local" },
		{ .spec = NULL, .provider_type = "local" },
		{ .spec = json_object_get(spec, "x"), .provider_type = NULL },
		{ .spec = spec, .provider_type = "digitalocean" },
		{ .spec = spec, .analysis = list, .provider_type = "aws" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(inputs); i++) {
		_cleanup_err_ struct err err = { 0 };
		json_t *decision = NULL;
		assert_int_equal(decision_decide(*state, &inputs[i], &decision, &err), -1);
		assert_true(err.kind == ERR_INVALID && err.terminal);
		assert_null(decision);
	}
}

static void hash_of(const struct decision_engine *e, const char *spec_text, const char *commit, const char *provider,
                    const char *redecide, char ret[65])
{
	_cleanup_json_ json_t *spec = yaml(spec_text);
	struct decision_input input = { .spec = spec, .commit = commit, .provider_type = provider, .redecide = redecide };

	decision_input_hash(e, &input, ret);
}

static void test_decision_input_hash(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "{}", "{prompt: ''}", true },
		{ "{}", "{strategy: auto}", true },
		{ "{env: []}", "{overrides: {port: null}}", true },
		{ "{approval: Manual}", "{revisionHistoryLimit: 3, deletionPolicy: Orphan}", true },
		{ "{repository: {url: x, ref: main}}", "{repository: {url: x, ref: v1}}", true },
		{ "{budget: {alertThreshold: 0.5}}", "{budget: {alertThreshold: 0.8}}", true },
		{ "{prompt: a, region: b}", "{region: b, prompt: a}", true },
		{ "{prompt: a}", "{prompt: b}", false },
		{ "{strategy: vm}", "{strategy: auto}", false },
		{ "{repository: {url: x}}", "{repository: {url: y}}", false },
		{ "{repository: {path: x}}", "{repository: {path: y}}", false },
		{ "{env: [{name: A, value: '1'}]}", "{env: [{name: A, value: '2'}]}", false },
		{ "{region: a}", "{region: b}", false },
		{ "{budget: {maxMonthlyCost: 5}}", "{budget: {maxMonthlyCost: 6}}", false },
		{ "{policies: [a]}", "{policies: [b]}", false },
		{ "{scaling: {min: 1}}", "{scaling: {min: 2}}", false },
		{ "{overrides: {port: 1}}", "{overrides: {port: 2}}", false },
		{ "{resources: {cpu: 1}}", "{resources: {cpu: 2}}", false },
		{ "{healthCheck: {path: /a}}", "{healthCheck: {path: /b}}", false },
		{ "{cloudProvider: a}", "{cloudProvider: b}", false },
	};
	char a[65], b[65];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		hash_of(*state, cases[i].a, "c", "local", NULL, a);
		hash_of(*state, cases[i].b, "c", "local", NULL, b);
		if (str_eq(a, b) != cases[i].same)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
	}
	hash_of(*state, "{}", "c", "local", NULL, a);
	assert_int_equal(strlen(a), 64);
	hash_of(*state, "{}", "d", "local", NULL, b);
	assert_string_not_equal(a, b);
	hash_of(*state, "{}", "c", "aws", NULL, b);
	assert_string_not_equal(a, b);
	hash_of(*state, "{}", "c", "local", "1", b);
	assert_string_not_equal(a, b);
}

static int llm_decide(void *self, const struct decision_input *input, struct decision_draft *d, struct err *err)
{
	(void)input;
	if (self)
		return err_set(err, ERR_UNAVAILABLE, "no model");
	assert_true(json_is_object(decision_draft_facts(d)));
	decision_draft_score(d, DECISION_KUBERNETES, 100, "similar applications ran well there");
	assert_false(decision_draft_suggest(d, "replicas", json_integer(7)));
	assert_true(decision_draft_suggest(d, "healthPath", json_string("/ping")));
	return 0;
}

/* Tiers after the rules: they add points and fill gaps, but take nothing back. */
static void test_decision_further_tiers(void **state)
{
	const struct decision_tier works = { .name = "retrieval", .decide = llm_decide };
	const struct decision_tier fails = { .name = "llm", .decide = llm_decide, .self = state };
	struct decision_engine_config config = { .tiers = &works, .tiers_len = 1 };
	struct decision_engine *e;
	_cleanup_json_ json_t *spec = yaml("{}"), *decision = NULL;
	struct decision_input input = { .spec = spec, .provider_type = "local" };
	_cleanup_err_ struct err err = { 0 };

	assert_int_equal(decision_engine_new(&config, &e, NULL), 0);
	assert_true(str_starts_with(decision_engine_version(e), decision_engine_version(*state)));
	assert_true(str_ends_with(decision_engine_version(e), "+retrieval"));
	assert_int_equal(decision_decide(e, &input, &decision, NULL), 0);
	assert_string_equal(json_get_str(decision, "strategy"), "kubernetes");
	assert_string_equal(json_str_at(decision, "config", "healthPath", NULL), "/ping");
	assert_int_equal(json_int(json_at(decision, "config", "replicas", NULL), 0), 1);
	decision_engine_free(e);

	config.tiers = &fails;
	assert_int_equal(decision_engine_new(&config, &e, NULL), 0);
	json_t *none = NULL;
	assert_int_equal(decision_decide(e, &input, &none, &err), -1);
	assert_string_equal(err_message(&err), "deciding (llm): no model");
	decision_engine_free(e);
}

/* Users' own rules replace the built-in ones: outright strategies, exclusions, settings by priority. */
static void test_decision_own_rules(void **state)
{
	static const char text[] =
		"version: 1\nname: mine\nrules:\n"
		"- {name: all, priority: 1, then: {strategy: {vm: 900}, set: {replicas: 2, memory: 1}, reason: by default}}\n"
		"- {name: py, priority: 5, when: {language: python}, then: {strategy: kubernetes, set: {replicas: 5}, reason: "
		"'{language} it is'}}\n"
		"- {name: late, priority: 2, when: {language: python}, then: {strategy: serverless, exclude: [vm], warn: "
		"'beware of {framework}', reason: too late}}\n";
	char path[] = "/tmp/scia-rules-XXXXXX";
	int fd = mkstemp(path);
	struct decision_engine_config config = { .rules_path = path };
	struct decision_engine *e;
	_cleanup_err_ struct err err = { 0 };

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(fs_write_all(fd, text, strlen(text)), 0);
	close(fd);
	int rc = decision_engine_new(&config, &e, &err);
	unlink(path);
	if (rc < 0)
		fail_msg("%s", err_message(&err));
	_cleanup_json_ json_t *a = decide(e, "{}", "{language: python, framework: flask}", "local");
	_cleanup_free_ char *text_a = said(a), *fired = json_to_str(json_object_get(a, "rulesFired"));
	_cleanup_json_ json_t *b = decide(e, "{}", "{language: go}", "local");
	assert_string_equal(json_get_str(a, "strategy"), "kubernetes");
	assert_int_equal(json_int(json_at(a, "config", "replicas", NULL), 0), 5);
	assert_non_null(strstr(text_a, "python it is"));
	assert_non_null(strstr(text_a, "beware of flask"));
	assert_non_null(strstr(fired, "strategy serverless (another rule decided); not vm; a warning"));
	assert_non_null(strstr(fired, "replicas 2 (another rule decided)"));
	assert_string_equal(json_get_str(b, "strategy"), "vm");
	assert_true(str_starts_with(json_get_str(b, "rules"), "mine@"));
	decision_engine_free(e);

	config = (struct decision_engine_config){ .rules_path = "a ConfigMap", .rules_text = "version: 1" };
	assert_int_equal(decision_engine_new(&config, &e, &err), -1);
	assert_non_null(strstr(err_message(&err), "a ConfigMap:1:1: version, name and rules are needed"));
	err_clear(&err);
	config = (struct decision_engine_config){ .rules_path = "/nonexistent/rules.yaml" };
	assert_int_equal(decision_engine_new(&config, &e, &err), -1);
	assert_int_equal(err.kind, ERR_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decision_scenarios),
		cmocka_unit_test(test_decision_is_deterministic),
		cmocka_unit_test(test_decision_confidence),
		cmocka_unit_test(test_decision_records_constraints_and_rules),
		cmocka_unit_test(test_decision_refuses_malformed_input),
		cmocka_unit_test(test_decision_input_hash),
		cmocka_unit_test(test_decision_further_tiers),
		cmocka_unit_test(test_decision_own_rules),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
