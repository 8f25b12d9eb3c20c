/* The policy's rules, and events as they are written. */
#include "audit_log.h"
#include "audit_policy.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "codec/json.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define HEAD "apiVersion: audit.k8s.io/v1\nkind: Policy\n"

static struct audit_policy *policy(const char *rules)
{
	_cleanup_free_ char *text = xasprintf(HEAD "%s", rules);
	_cleanup_err_ struct err err = { 0 };
	struct audit_policy *p;

	if (audit_policy_parse(text, strlen(text), "test", &p, &err) < 0)
		fail_msg("%s", err_message(&err));
	return p;
}

static char *const GROUPS[] = { (char[]){ "devs" }, (char[]){ "system:authenticated" }, NULL };

static enum audit_level level(const char *rules, struct audit_question q)
{
	_cleanup_(audit_policy_freep) struct audit_policy *p = policy(rules);
	const char **strings[] = { &q.user, &q.verb, &q.group, &q.resource, &q.subresource, &q.ns, &q.name, &q.path };

	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		if (!*strings[i])
			*strings[i] = "";
	q.groups = GROUPS;
	q.about_resource = *q.resource;
	return audit_policy_decide(p, &q).level;
}

static void test_audit_policy_rules(void **state)
{
	static const struct {
		const char *rule;
		struct audit_question q;
		bool matches;
	} cases[] = {
		{ "", { .path = "/x" }, true },
		{ "users: [a]", { .user = "a" }, true },
		{ "users: [a]", { .user = "b" }, false },
		{ "userGroups: [x, devs]", { .user = "b" }, true },
		{ "userGroups: [x]", { .user = "b" }, false },
		{ "verbs: [get]", { .verb = "get" }, true },
		{ "verbs: [get]", { .verb = "list" }, false },
		{ "namespaces: [a]", { .resource = "pods", .ns = "a" }, true },
		{ "namespaces: [a]", { .resource = "pods", .ns = "b" }, false },
		{ "namespaces: ['']", { .resource = "nodes" }, true },
		{ "namespaces: [a]", { .path = "/healthz" }, false },
		{ "resources: [{group: ''}]", { .resource = "pods" }, true },
		{ "resources: [{group: apps}]", { .resource = "pods" }, false },
		{ "resources: [{resources: [pods]}]", { .resource = "pods" }, true },
		{ "resources: [{resources: [pods]}]", { .resource = "pods", .subresource = "log" }, false },
		{ "resources: [{resources: [pods/log]}]", { .resource = "pods", .subresource = "log" }, true },
		{ "resources: [{resources: [pods/*]}]", { .resource = "pods", .subresource = "status" }, true },
		{ "resources: [{resources: ['*/status']}]", { .resource = "pods", .subresource = "status" }, true },
		{ "resources: [{resources: ['*/status']}]", { .resource = "pods" }, false },
		{ "resources: [{resources: ['*']}]", { .resource = "pods", .subresource = "status" }, true },
		{ "resources: [{resources: [pods], resourceNames: [a]}]", { .resource = "pods", .name = "a" }, true },
		{ "resources: [{resources: [pods], resourceNames: [a]}]", { .resource = "pods", .name = "b" }, false },
		{ "nonResourceURLs: ['/healthz*']", { .path = "/healthz/ping" }, true },
		{ "nonResourceURLs: ['/healthz']", { .path = "/healthz/ping" }, false },
		{ "nonResourceURLs: ['*']", { .resource = "pods", .path = "/api/v1/pods" }, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *rules = xasprintf("rules:\n- {level: Metadata, %s}\n", cases[i].rule);
		if ((level(rules, cases[i].q) == AUDIT_METADATA) != cases[i].matches)
			fail_msg("case %zu: %s", i, cases[i].rule);
	}
}

static void test_audit_policy_takes_the_first_rule(void **state)
{
	const char *rules = "omitStages: [RequestReceived]\nomitManagedFields: true\nrules:\n- {level: None, users: [a]}\n"
						"- {level: RequestResponse, omitStages: [ResponseStarted], omitManagedFields: false}\n";
	_cleanup_(audit_policy_freep) struct audit_policy *p = policy(rules);
	const struct audit_question q = { "b", "get", "", "", "", "", "", "/x", GROUPS, false };
	const struct audit_decision d = audit_policy_decide(p, &q);

	(void)state;
	assert_int_equal(level(rules, (struct audit_question){ .user = "a" }), AUDIT_NONE);
	assert_int_equal(d.level, AUDIT_REQUEST_RESPONSE);
	assert_int_equal(d.omitted, AUDIT_REQUEST_RECEIVED | AUDIT_RESPONSE_STARTED);
	assert_false(d.omit_managed_fields);
}

static void test_audit_policy_refuses_what_it_does_not_know(void **state)
{
	static const char *const cases[][2] = {
		{ "kind: Policy\napiVersion: audit.k8s.io/v2\nrules: [{level: None}]", "audit.k8s.io/v1" },
		{ HEAD "rules: []", "rules" },
		{ HEAD "rules: [{}]", "level" },
		{ HEAD "rules: [{level: All}]", "level: Unsupported value: \"All\"" },
		{ HEAD "rules: [{level: None, omitStages: [X]}]", "omitStages[0]" },
		{ HEAD "rules: [{level: None, users: 3}]", "users must be a list" },
		{ HEAD "rules: [{level: None, nonResourceURLs: [/x], namespaces: [a]}]",
		  "rules[0]: rules cannot apply to both" },
		{ HEAD "rules: [{level: None, resources: [{resourceNames: [a]}]}]", "resourceNames need resources" },
		{ "[", "test:" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_err_ struct err err = { 0 };
		struct audit_policy *p;
		assert_int_equal(audit_policy_parse(cases[i][0], strlen(cases[i][0]), "test", &p, &err), -1);
		if (!str_contains(err_message(&err), cases[i][1]))
			fail_msg("%s: %s", cases[i][0], err_message(&err));
	}
}

/* ---- events ---- */

static json_t *written(struct audit_entry *e)
{
	_cleanup_buf_ struct buf out = BUF_INIT(AUDIT_EVENT_MAX);

	audit_entry_write(e, &out);
	assert_int_equal(out.data[out.len - 1], '\n');
	json_t *v = json_parse(out.data, out.len, 0, NULL);
	assert_non_null(v);
	return v;
}

static void test_audit_event_shows_bodies_without_secrets(void **state)
{
	const char *secret = "kind: Secret\napiVersion: v1\nmetadata: {name: s, annotations: {last: hunter2}}\n"
						 "data: {k: aHVudGVyMg==}\nstringData: {k: hunter2}\n";
	struct audit_entry e = { .head = xstrdup("{\"level\":\"RequestResponse\""),
		                     .request = bytes_new(secret, strlen(secret)),
		                     .request_type = xstrdup("application/yaml"),
		                     .with_request = true,
		                     .sensitive = true,
		                     .code = 201 };

	(void)state;
	_cleanup_json_ json_t *v = written(&e);
	_cleanup_free_ char *text = json_to_str(v);
	assert_string_equal(json_str_at(v, "requestObject", "metadata", "name", NULL), "s");
	assert_null(strstr(text, "hunter2"));
	assert_null(strstr(text, "aHVudGVyMg"));
	assert_int_equal(json_int(json_at(v, "responseStatus", "code", NULL), 0), 201);
	e.sensitive = false;
	_cleanup_json_ json_t *open = written(&e);
	assert_string_equal(json_str_at(open, "requestObject", "stringData", "k", NULL), "hunter2");
	free(e.head);
	free(e.request_type);
	bytes_unref(e.request);
}

static void test_audit_event_tells_why_it_failed(void **state)
{
	const char *status =
		"{\"kind\":\"Status\",\"status\":\"Failure\",\"message\":\"no\",\"reason\":\"Forbidden\",\"code\":403}";
	struct audit_entry e = { .head = xstrdup("{\"level\":\"Metadata\""),
		                     .annotations = xstrdup("{\"a\":\"b\"}"),
		                     .response = bytes_new(status, strlen(status)),
		                     .code = 403 };

	(void)state;
	_cleanup_json_ json_t *v = written(&e);
	assert_string_equal(json_str_at(v, "responseStatus", "reason", NULL), "Forbidden");
	assert_string_equal(json_str_at(v, "annotations", "a", NULL), "b");
	assert_null(json_object_get(v, "responseObject"));
	free(e.head);
	free(e.annotations);
	bytes_unref(e.response);
}

static void test_audit_event_drops_what_is_too_large(void **state)
{
	struct audit_entry e = { .head = xstrdup("{\"level\":\"Request\""),
		                     .annotations = xstrdup("{\"a\":\"b\"}"),
		                     .request = bytes_new(NULL, AUDIT_BODY_MAX + 1),
		                     .with_request = true,
		                     .code = 200 };

	(void)state;
	memset(e.request->data, ' ', e.request->len);
	_cleanup_json_ json_t *v = written(&e);
	assert_string_equal(json_str_at(v, "annotations", "audit.k8s.io/truncated", NULL), "true");
	assert_string_equal(json_str_at(v, "annotations", "a", NULL), "b");
	free(e.head);
	free(e.annotations);
	bytes_unref(e.request);
}

/* ---- the file ---- */

static void add(struct audit_log *l, size_t padding)
{
	struct audit_entry *e = new0(struct audit_entry);
	_cleanup_free_ char *text = xcalloc(padding + 1, 1);

	memset(text, 'x', padding);
	e->head = xasprintf("{\"stage\":\"%s\"", text);
	audit_log_add(l, e);
}

static size_t count_files(const char *path)
{
	DIR *dir = opendir(path);
	size_t count = 0;
	struct dirent *entry;

	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static void test_audit_log_rotates_by_size(void **state)
{
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *dir = xasprintf("%s/audit-test-XXXXXX", tmp ? tmp : "/tmp");
	struct audit_log *l;

	(void)state;
	assert_non_null(mkdtemp(dir));
	_cleanup_free_ char *path = fs_join(dir, "audit.log");
	const struct audit_log_config config = { .path = path, .size_max = 10000, .backups_max = 2 };
	assert_int_equal(audit_log_open(&config, &l, NULL), 0);
	for (int i = 0; i < 10; i++) {
		add(l, 9990);
		clock_sleep_ns(5 * NS_PER_MS);
	}
	audit_log_close(l);
	assert_int_equal(count_files(dir), 3);
	fs_remove_tree(dir, NULL);
}

static void test_audit_log_writes_all_that_was_taken(void **state)
{
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *dir = xasprintf("%s/audit-test-XXXXXX", tmp ? tmp : "/tmp"), *text = NULL;
	struct audit_log *l;
	size_t lines = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	_cleanup_free_ char *path = fs_join(dir, "audit.log");
	const struct audit_log_config config = { .path = path };
	assert_int_equal(audit_log_open(&config, &l, NULL), 0);
	for (int i = 0; i < 5000; i++)
		add(l, 10);
	audit_log_close(l);
	assert_int_equal(fs_read_file(path, 1 << 20, &text, NULL, NULL), 0);
	for (const char *c = text; *c; c++)
		lines += *c == '\n';
	assert_int_equal(lines, 5000);
	fs_remove_tree(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_audit_policy_rules),
		cmocka_unit_test(test_audit_policy_takes_the_first_rule),
		cmocka_unit_test(test_audit_policy_refuses_what_it_does_not_know),
		cmocka_unit_test(test_audit_event_shows_bodies_without_secrets),
		cmocka_unit_test(test_audit_event_tells_why_it_failed),
		cmocka_unit_test(test_audit_event_drops_what_is_too_large),
		cmocka_unit_test(test_audit_log_rotates_by_size),
		cmocka_unit_test(test_audit_log_writes_all_that_was_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
