#include "rules.h"

#include "base/str.h"
#include "codec/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#define HEAD "version: 1\nname: t\nrules:\n"

static json_t *yaml(const char *text)
{
	_cleanup_err_ struct err err = { 0 };
	json_t *value = yaml_parse(text, strlen(text), "test", &err);

	if (!value)
		fail_msg("%s: %s", text, err_message(&err));
	return value;
}

static void test_rules_match(void **state)
{
	static const char *const facts_text =
		"{framework: flask, language: python, dependencyCount: 12, hasDockerfile: true, hasCompose: false,"
		" dependencies: [flask, psycopg2], datastores: [postgresql], services: 2, expectedRPS: 99.5, prompt: [cheap],"
		" promptWords: [], analysisConfidence: 0.9}";
	static const struct {
		const char *when;
		bool holds;
	} cases[] = {
		{ "{}", true },
		{ "framework: flask", true },
		{ "framework: django", false },
		{ "framework: [django, flask]", true },
		{ "framework: {in: [django, flask]}", true },
		{ "framework: {in: django}", false },
		{ "framework: {not: django}", true },
		{ "framework: {not: [django, flask]}", false },
		{ "framework: {exists: true}", true },
		{ "framework: {exists: false}", false },
		{ "packageManager: pip", false },
		{ "packageManager: {not: pip}", true },
		{ "packageManager: {exists: false}", true },
		{ "packageManager: {exists: true}", false },
		{ "dependencyCount: 12", true },
		{ "dependencyCount: 12.0", true },
		{ "dependencyCount: [1, 12]", true },
		{ "dependencyCount: {min: 12}", true },
		{ "dependencyCount: {min: 12.5}", false },
		{ "dependencyCount: {max: 12}", true },
		{ "dependencyCount: {min: 1, max: 11}", false },
		{ "dependencyCount: {not: 12}", false },
		{ "replicas: {min: 0}", false },
		{ "replicas: {max: 10}", false },
		{ "expectedRPS: {min: 99, max: 100}", true },
		{ "hasDockerfile: true", true },
		{ "hasCompose: true", false },
		{ "hasCompose: false", true },
		{ "isStatic: false", false },
		{ "isStatic: {exists: false}", true },
		{ "datastores: postgresql", true },
		{ "datastores: [mysql, postgresql]", true },
		{ "datastores: {any: [mysql]}", false },
		{ "datastores: {all: [postgresql]}", true },
		{ "datastores: {all: [postgresql, redis]}", false },
		{ "datastores: {none: [redis]}", true },
		{ "datastores: {none: [redis, postgresql]}", false },
		{ "datastores: {max: 0}", false },
		{ "datastores: {min: 1}", true },
		{ "promptWords: {max: 0}", true },
		{ "promptWords: {exists: true}", true },
		{ "dependencies: {any: flask}", true },
		{ "dependencies: {min: 2, all: [flask]}", true },
		{ "policies: {none: [x]}", true },
		{ "policies: {any: [x]}", false },
		{ "policies: x", false },
		{ "{framework: flask, services: 2}", true },
		{ "{framework: flask, services: 3}", false },
		{ "any: [{framework: django}, {services: 2}]", true },
		{ "any: [{framework: django}, {services: 3}]", false },
		{ "all: [{framework: flask}, {services: 2}]", true },
		{ "all: [{framework: flask}, {services: 3}]", false },
		{ "not: {framework: flask}", false },
		{ "not: {framework: flask, services: 3}", true },
		{ "{not: {any: [{hasCompose: true}, {services: {min: 9}}]}, prompt: {any: [cheap]}}", true },
	};
	_cleanup_json_ json_t *facts = yaml(facts_text);

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_json_ json_t *when = yaml(cases[i].when);
		_cleanup_json_ json_t *document = json_pack("{s:i,s:s,s:[{s:s,s:O,s:{s:s,s:s}}]}", "version", 1, "name", "n",
		                                            "rules", "name", "r", "when", when, "then", "size", "small",
		                                            "reason", "r");
		_cleanup_err_ struct err err = { 0 };
		assert_non_null(document);
		if (decision_rules_check(document, "", 0, "t", &err) < 0)
			fail_msg("%s", err_message(&err));
		if (decision_rules_match(when, facts) != cases[i].holds)
			fail_msg("%s", cases[i].when);
	}
	assert_true(decision_rules_match(NULL, facts));
}

static void test_rules_expand(void **state)
{
	_cleanup_json_ json_t *facts = yaml(
		"{framework: flask, expectedRPS: 1000, datastores: [a, b], hasCompose: true, services: 2.5}");
	static const struct {
		const char *text, *want;
	} cases[] = {
		{ "plain", "plain" },
		{ "{framework}!", "flask!" },
		{ "{expectedRPS}/{services}", "1000/2.5" },
		{ "{datastores}", "a, b" },
		{ "{hasCompose}", "yes" },
		{ "{language}", "unknown" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *got = decision_rules_expand(cases[i].text, facts);
		if (!str_eq(got, cases[i].want))
			fail_msg("%s: %s", cases[i].text, got);
	}
}

/* Each mistake is found, with its place. */
static void test_rules_mistakes(void **state)
{
	static const char *const then = "    then: {size: small, reason: r}\n";
	static const struct {
		const char *text; /* "%" stands for a valid "then" */
		const char *messages[3];
	} cases[] = {
		{ "[]", { "f:1:1: a rules file is a map" } },
		{ "", { "a rules file is a map" } },
		{ "version: 2\nname: x\nrules: [{name: a, then: {size: small, reason: r}}]", { "f:1:10: version is 1" } },
		{ "version: 1\nname: ''\nrules: []", { "f:2:7: name is a text", "f:3:8: rules is a list" } },
		{ "version: 1\nrules: []\nextra: 1", { "\"extra\" is unknown", "version, name and rules are needed" } },
		{ HEAD "  - 7\n", { "f:4:5: a rule is a map" } },
		{ HEAD "  - name: a\n    whem: {}\n%", { "f:5:11: \"whem\" is unknown" } },
		{ HEAD "  - priority: high\n%", { "f:4:15: priority is a whole number", "the name is missing" } },
		{ HEAD "  - name: a\n    priority: 1001\n%", { "priority is a whole number from 0 to 1000" } },
		{ HEAD "  - name: a\n%  - name: a\n%", { "f:6:11: there is another rule of the name \"a\"" } },
		{ HEAD "  - name: a\n", { "then is missing" } },
		{ HEAD "  - name: a\n    when: [x]\n%", { "f:5:11: a condition is a map" } },
		{ HEAD "  - name: a\n    when: {frame: x}\n%",
		  { "\"frame\" is unknown: use any, all, not or one of framework, " } },
		{ HEAD "  - name: a\n    when:\n      framework: 3\n%", { "f:6:18: framework is a text" } },
		{ HEAD "  - name: a\n    when: {framework: {min: 3}}\n%",
		  { "\"min\" is no operator for framework: use one of in not exists" } },
		{ HEAD "  - name: a\n    when: {dependencyCount: many}\n%", { "dependencyCount is a number" } },
		{ HEAD "  - name: a\n    when: {dependencyCount: {min: x}}\n%", { "min is a number" } },
		{ HEAD "  - name: a\n    when: {dependencyCount: {min: 3, max: 2}}\n%", { "this never holds" } },
		{ HEAD "  - name: a\n    when: {hasCompose: 'yes'}\n%", { "hasCompose is true or false" } },
		{ HEAD "  - name: a\n    when: {hasCompose: [true]}\n%", { "hasCompose is true or false" } },
		{ HEAD "  - name: a\n    when: {datastores: {in: [x]}}\n%", { "\"in\" is no operator for datastores" } },
		{ HEAD "  - name: a\n    when: {datastores: {any: []}}\n%", { "the list is empty" } },
		{ HEAD "  - name: a\n    when: {datastores: {any: [[x]]}}\n%", { "a list within a list" } },
		{ HEAD "  - name: a\n    when: {datastores: {}}\n%", { "datastores has no operator" } },
		{ HEAD "  - name: a\n    when: {framework: {exists: 1}}\n%", { "exists is true or false" } },
		{ HEAD "  - name: a\n    when: {any: {framework: x}}\n%", { "any is a list of conditions" } },
		{ HEAD "  - name: a\n    when: {not: [x]}\n%", { "a condition is a map" } },
		{ HEAD "  - name: a\n    when: {not: {not: {not: {not: {not: {not: {not: {not: {}}}}}}}}}\n%",
		  { "nested deeper than 8" } },
		{ HEAD "  - name: a\n    then: now\n", { "f:5:11: then is a map" } },
		{ HEAD "  - name: a\n    then: {size: small}\n", { "the reason is missing" } },
		{ HEAD "  - name: a\n    then: {reason: r}\n", { "nothing follows" } },
		{ HEAD "  - name: a\n    then: {reason: '', size: big}\n", { "reason is a text", "size is one of micro" } },
		{ HEAD "  - name: a\n    then: {reason: r, strategy: lambda}\n", { "\"lambda\" is no strategy" } },
		{ HEAD "  - name: a\n    then: {reason: r, strategy: {vm: lots, nomad: 1}}\n",
		  { "points are a number", "\"nomad\" is no strategy" } },
		{ HEAD "  - name: a\n    then: {reason: r, strategy: {vm: 1001}}\n",
		  { "points are a number from -1000 to 1000" } },
		{ HEAD "  - name: a\n    then: {reason: r, strategy: [vm]}\n", { "strategy is a strategy's name, or a map" } },
		{ HEAD "  - name: a\n    then: {reason: r, exclude: vm}\n", { "exclude is a list" } },
		{ HEAD "  - name: a\n    then: {reason: r, exclude: [vms, 3]}\n",
		  { "\"vms\" is no strategy", "a strategy is a text" } },
		{ HEAD "  - name: a\n    then: {reason: r, size: 3}\n", { "size is one of micro" } },
		{ HEAD "  - name: a\n    then: {reason: r, set: {}}\n", { "set is a map of settings" } },
		{ HEAD "  - name: a\n    then: {reason: r, set: {replica: 3}}\n", { "\"replica\" cannot be set" } },
		{ HEAD "  - name: a\n    then: {reason: r, set: {replicas: 1001, nodes: 0}}\n",
		  { "replicas is a whole number", "nodes is a whole number" } },
		{ HEAD "  - name: a\n    then: {reason: r, set: {memory: lots}}\n", { "memory is a quantity" } },
		{ HEAD "  - name: a\n    then: {reason: r, set: {healthPath: x}}\n", { "healthPath begins with /" } },
		{ HEAD "  - name: a\n    then: {reason: r, set: {scaleToZero: 1}}\n", { "scaleToZero is true or false" } },
		{ HEAD "  - name: a\n    then: {reason: 'a {thing}', size: small}\n", { "{thing} is no fact" } },
		{ HEAD "  - name: a\n    then: {reason: 'a {thing', size: small}\n", { "a { without its }" } },
		{ HEAD "  - name: a\n    then: {reason: r, size: small, do: it}\n", { "\"do\" is unknown" } },
		{ "a: b: c", { "f:1:" } },
		{ "version: 1\nversion: 1", { "f:2:" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct buf text = BUF_INIT(4096);
		_cleanup_err_ struct err err = { 0 };
		struct decision_rules rules;
		for (const char *p = cases[i].text; *p; p++)
			*p == '%' ? buf_puts(&text, then) : buf_putc(&text, *p);
		assert_int_equal(decision_rules_parse(buf_str(&text), text.len, "f", &rules, &err), -1);
		for (size_t k = 0; k < 3 && cases[i].messages[k]; k++) {
			if (!strstr(err_message(&err), cases[i].messages[k]))
				fail_msg("%s\nwant: %s\ngot: %s", buf_str(&text), cases[i].messages[k], err_message(&err));
		}
		assert_true(err.kind == ERR_INVALID && err.terminal);
		buf_clear(&text);
	}
}

static void test_rules_all_mistakes_become_causes(void **state)
{
	static const char text[] = HEAD "  - name: a\n    when: {frame: x}\n    then: {size: huge, reason: r}\n";
	_cleanup_err_ struct err err = { 0 };
	struct decision_rules rules;

	(void)state;
	assert_int_equal(decision_rules_parse(text, strlen(text), "f", &rules, &err), -1);
	assert_int_equal(err.causes_len, 2);
	assert_non_null(strstr(err_message(&err), "2 mistakes"));
	assert_non_null(strstr(err.causes[0].message, "f:5:"));
	assert_non_null(strstr(err.causes[1].message, "f:6:"));
}

static void test_rules_order(void **state)
{
	static const char text[] = HEAD "  - {name: low, priority: 1, then: {size: small, reason: r}}\n"
									"  - {name: first, priority: 9, then: {size: small, reason: r}}\n"
									"  - {name: none, then: {size: small, reason: r}}\n"
									"  - {name: second, priority: 9, then: {size: small, reason: r}}\n";
	static const char *const order[] = { "first", "second", "low", "none" };
	struct decision_rules rules;

	(void)state;
	assert_int_equal(decision_rules_parse(text, strlen(text), "f", &rules, NULL), 0);
	assert_int_equal(rules.len, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(rules.rules[i].name, order[i]);
	decision_rules_clear(&rules);
}

static void test_rules_too_large(void **state)
{
	_cleanup_free_ char *text = xmalloc(RULES_TEXT_MAX + 2);
	_cleanup_err_ struct err err = { 0 };
	struct decision_rules rules;

	(void)state;
	memset(text, '#', RULES_TEXT_MAX + 1);
	text[RULES_TEXT_MAX + 1] = '\0';
	assert_int_equal(decision_rules_parse(text, RULES_TEXT_MAX + 1, "f", &rules, &err), -1);
	assert_non_null(strstr(err_message(&err), "larger than 1024 KiB"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_match),    cmocka_unit_test(test_rules_expand),
		cmocka_unit_test(test_rules_mistakes), cmocka_unit_test(test_rules_all_mistakes_become_causes),
		cmocka_unit_test(test_rules_order),    cmocka_unit_test(test_rules_too_large),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
