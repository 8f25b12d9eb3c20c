/* scia describe and explain: one Deployment, for people. */

#include "commands.h"

#include "base/str.h"

static void print_field(const char *name, const char *value)
{
	if (str_empty(value))
		return;
	_cleanup_free_ char *text = harmless(value);
	printf("%-14s %s\n", name, text);
}

static void print_conditions(const json_t *deployment)
{
	static const char *const headers[] = { "CONDITION", "STATUS", "REASON", "SINCE", "MESSAGE", NULL };
	struct text_table *t = text_table_new(headers);
	size_t i;
	json_t *c;
	json_array_foreach (json_at(deployment, "status", "conditions", NULL), i, c) {
		char age[32];
		text_table_row(t, (const char *const[]){ json_get_str(c, "type"), json_get_str(c, "status"),
		                                         json_get_str(c, "reason"),
		                                         age_of(json_get_str(c, "lastTransitionTime"), age, sizeof(age)),
		                                         json_get_str(c, "message") });
	}
	printf("\n");
	text_table_print(t, stdout);
}

static void print_root_cause(const json_t *deployment)
{
	const json_t *cause = json_at(deployment, "status", "rootCause", NULL);
	const char *on = use_colour(stdout) ? "\033[31m" : "", *off = use_colour(stdout) ? "\033[0m" : "";
	if (!cause)
		return;
	_cleanup_free_ char *message = harmless(json_get_str(cause, "message") ? json_get_str(cause, "message") : "");
	printf("%sWhat is wrong: %s (%s): %s%s\n", on, json_get_str(cause, "resource"), json_get_str(cause, "reason"),
	       message, off);
}

static void print_summary(const json_t *d)
{
	const json_t *status = kube_status(d), *analysis = json_object_get(status, "analysis"),
				 *decision = json_object_get(status, "deployment");
	_cleanup_free_ char *name = xasprintf("%s/%s", kube_namespace(d), kube_name(d));
	_cleanup_free_ char *revision = xasprintf("%lld", (long long)json_get_int(status, "currentRevision", 0));
	size_t i;
	json_t *endpoint;

	print_field("Deployment:", name);
	print_field("Phase:", json_get_str(status, "phase"));
	print_root_cause(d);
	json_array_foreach (json_object_get(status, "endpoints"), i, endpoint)
		print_field("URL:", json_get_str(endpoint, "url"));
	print_field("Repository:", json_str_at(d, "spec", "repository", "url", NULL));
	print_field("Commit:", json_get_str(status, "commit"));
	print_field("Framework:", json_get_str(analysis, "framework"));
	print_field("Strategy:", json_get_str(decision, "strategy"));
	print_field("Why:", json_get_str(decision, "reason"));
	print_field("Revision:", revision);
}

int command_describe(int argc, char **argv)
{
	struct session s = { 0 };
	char **args;
	const struct cli_option options[] = { CLIENT_OPTIONS(s.client_options), { 0 } };
	int r = session_begin(&s, &COMMAND_DESCRIBE, options, argc, argv, &args);
	if (r == 0 && !args[0])
		r = cli_usage(&COMMAND_DESCRIBE, "the name of a Deployment is missing");
	_cleanup_json_ json_t *deployment = r == 0 ? session_get_deployment(&s, args[0]) : NULL;
	if (deployment) {
		print_summary(deployment);
		print_conditions(deployment);
		printf("\n");
		print_events(&s, args[0], false);
	}
	return session_end(&s, r);
}

/* ---- explain ---- */

static void print_list(const char *title, const json_t *list, const char *const *fields, const char *const *headers)
{
	size_t i;
	json_t *item;
	if (json_array_size(list) == 0)
		return;
	printf("\n%s\n", title);
	struct text_table *t = text_table_new(headers);
	json_array_foreach (list, i, item) {
		_cleanup_strv_ char **cells = NULL;
		for (size_t n = 0; fields[n]; n++) {
			const json_t *v = json_object_get(item, fields[n]);
			_cleanup_free_ char *text = json_is_string(v) ? xstrdup(json_string_value(v))
			                            : v               ? json_to_str(v)
			                                              : xstrdup("");
			strv_push(&cells, text);
		}
		text_table_row(t, (const char *const *)cells);
	}
	text_table_print(t, stdout);
}

static void explain_revision(const json_t *revision)
{
	const json_t *spec = kube_spec(revision), *decision = json_object_get(spec, "decision"),
				 *analysis = json_object_get(spec, "analysis");
	_cleanup_free_ char *config = json_to_str(json_object_get(decision, "config"));

	printf("Revision %lld of %s, commit %.12s\n\n", (long long)json_get_int(spec, "revision", 0),
	       json_get_str(spec, "deployment"), json_get_str(spec, "commit"));
	printf("It is %s (%s), confidence %.2f.\n", json_get_str(analysis, "framework"), json_get_str(analysis, "language"),
	       json_number(json_object_get(analysis, "confidence"), 0));
	printf("Decision: %s, confidence %.2f. %s\n", json_get_str(decision, "strategy"),
	       json_number(json_object_get(decision, "confidence"), 0), json_get_str(decision, "reason"));
	print_field("Sizing:", config);
	print_list("What was asked for:", json_object_get(decision, "constraints"),
	           (const char *const[]){ "field", "value", "source", "text", NULL },
	           (const char *const[]){ "FIELD", "VALUE", "FROM", "WORDS", NULL });
	print_list("Rules that fired:", json_object_get(spec, "rulesFired"),
	           (const char *const[]){ "name", "priority", "effect", "why", NULL },
	           (const char *const[]){ "RULE", "PRIORITY", "EFFECT", "WHY", NULL });
	print_list("Alternatives:", json_object_get(decision, "alternativeStrategies"),
	           (const char *const[]){ "strategy", "confidence", "reason", NULL },
	           (const char *const[]){ "STRATEGY", "CONFIDENCE", "WHY NOT", NULL });
	print_list("Evidence:", json_object_get(analysis, "evidence"), (const char *const[]){ "file", "line", "why", NULL },
	           (const char *const[]){ "FILE", "LINE", "WHAT IT SAYS", NULL });
	print_list("It could also be:", json_object_get(analysis, "runnersUp"),
	           (const char *const[]){ "framework", "confidence", "why", NULL },
	           (const char *const[]){ "FRAMEWORK", "CONFIDENCE", "WHY", NULL });
}

int command_explain(int argc, char **argv)
{
	struct session s = { 0 };
	int64_t number = 0;
	char **args;
	const struct cli_option options[] = { { "revision", 'r', CLI_NUMBER, &number, "N",
		                                    "another revision than the newest" },
		                                  OUTPUT_OPTION(s.client_options),
		                                  CLIENT_OPTIONS(s.client_options),
		                                  { 0 } };
	int r = session_begin(&s, &COMMAND_EXPLAIN, options, argc, argv, &args);
	if (r == 0 && !args[0])
		r = cli_usage(&COMMAND_EXPLAIN, "the name of a Deployment is missing");
	_cleanup_json_ json_t *deployment = r == 0 ? session_get_deployment(&s, args[0]) : NULL, *revision = NULL;
	if (deployment && number == 0)
		number = json_get_int(kube_status(deployment), "latestRevision", 0);
	if (deployment && number == 0) {
		print_root_cause(deployment);
		printf("Nothing was decided yet (phase %s).\n", json_get_str(kube_status(deployment), "phase"));
	} else if (deployment) {
		revision = session_get_revision(&s, args[0], number);
	}
	if (revision && s.client_options.output)
		print_object(revision, s.client_options.output, stdout, &s.err);
	else if (revision)
		explain_revision(revision);
	return session_end(&s, r);
}
