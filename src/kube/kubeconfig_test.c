#include "kubeconfig.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "exec_credential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static char *make_dir(void)
{
	const char *tmp = getenv("TMPDIR");
	char *dir = xasprintf("%s/kubeconfig-test-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(dir));
	return dir;
}

static void remove_dir(char *dir)
{
	fs_remove_tree(dir, NULL);
	free(dir);
}

static void write_file(const char *dir, const char *name, const char *text, mode_t mode)
{
	_cleanup_free_ char *path = fs_join(dir, name);
	_cleanup_err_ struct err e = { 0 };
	if (fs_write_atomic(path, text, strlen(text), mode, &e) < 0)
		fail_msg("%s", err_message(&e));
}

static void add(struct kubeconfig *k, const char *path, const char *text)
{
	_cleanup_err_ struct err e = { 0 };
	if (kubeconfig_add(k, path, text, strlen(text), &e) < 0)
		fail_msg("%s", err_message(&e));
}

#define CONTEXT(name, cluster, user) "- name: " name "\n  context: {cluster: " cluster ", user: " user "}\n"

static void test_kubeconfig_resolves_a_context(void **state)
{
	(void)state;
	_cleanup_(kubeconfig_clear) struct kubeconfig k = { 0 };
	_cleanup_err_ struct err e = { 0 };
	add(&k, "/x/config",
	    "apiVersion: v1\nkind: Config\npreferences: {}\nsomething-new: [1, 2]\ncurrent-context: one\n"
	    "clusters:\n- name: c\n  cluster: {server: 'https://h:1/prefix/', certificate-authority-data: Q0E=, "
	    "tls-server-name: name, "
	    "proxy-url: 'http://p:3128', extra: 1}\n"
	    "users:\n- name: u\n  user: {client-certificate-data: \"Q0VS\\nVA==\", client-key-data: S0VZ, token: t, "
	    "username: alice, password: p}\n"
	    "contexts:\n- name: one\n  context: {cluster: c, user: u, namespace: team-a}\n" CONTEXT("two", "c", "u"));
	struct kube_client_config out = { 0 };
	if (kubeconfig_resolve(&k, NULL, &out, &e) < 0)
		fail_msg("%s", err_message(&e));
	assert_string_equal(out.server, "https://h:1/prefix");
	assert_string_equal(out.ca_pem, "CA");
	assert_string_equal(out.cert_pem, "CERT");
	assert_string_equal(out.key_pem, "KEY");
	assert_string_equal(out.token, "t");
	assert_string_equal(out.username, "alice");
	assert_string_equal(out.tls_server_name, "name");
	assert_string_equal(out.proxy_url, "http://p:3128");
	assert_string_equal(out.namespace_default, "team-a");
	kube_client_config_clear(&out);
	assert_int_equal(kubeconfig_resolve(&k, "two", &out, &e), 0);
	assert_string_equal(out.namespace_default, "default");
	kube_client_config_clear(&out);
}

static void test_kubeconfig_first_file_wins(void **state)
{
	(void)state;
	_cleanup_(kubeconfig_clear) struct kubeconfig k = { 0 };
	add(&k, "/1/config", "clusters: [{name: c, cluster: {server: 'https://one'}}]\n");
	add(&k, "/2/config", "");
	add(&k, "/3/config",
	    "current-context: x\nclusters: [{name: c, cluster: {server: 'https://three', insecure-skip-tls-verify: "
	    "true}}]\n"
	    "users: [{name: u, user: {token: three}}]\ncontexts:\n" CONTEXT("x", "c", "u"));
	add(&k, "/4/config", "current-context: other\nusers: [{name: u, user: {token: four}}]\n");
	struct kube_client_config out = { 0 };
	assert_int_equal(kubeconfig_resolve(&k, NULL, &out, NULL), 0);
	assert_string_equal(out.server, "https://one");
	assert_false(out.insecure_skip_verify); /* values of two entries are not mixed */
	assert_string_equal(out.token, "three");
	kube_client_config_clear(&out);
}

static void test_kubeconfig_paths_are_relative_to_their_file(void **state)
{
	(void)state;
	char *dir = make_dir();
	_cleanup_free_ char *path = fs_join(dir, "config"), *token_file = fs_join(dir, "sub/token"),
						*plugin = fs_join(dir, "bin/plugin");
	write_file(dir, "ca.pem", "CA", 0600);
	write_file(dir, "cert.pem", "CERT", 0600);
	write_file(dir, "key.pem", "KEY", 0600);
	write_file(dir, "config",
	           "current-context: x\nclusters: [{name: c, cluster: {server: 'h:6443', certificate-authority: ca.pem}}]\n"
	           "users:\n- name: u\n  user:\n    client-certificate: ./cert.pem\n    client-key: key.pem\n    "
	           "tokenFile: sub/token\n"
	           "    exec: {apiVersion: client.authentication.k8s.io/v1beta1, command: bin/plugin, args: [a, 'b c'], "
	           "provideClusterInfo: true,\n"
	           "      env: [{name: A, value: b}], installHint: install it}\n"
	           "contexts:\n" CONTEXT("x", "c", "u"),
	           0600);
	struct kube_client_config out = { 0 };
	_cleanup_err_ struct err e = { 0 };
	if (kube_config_load(path, NULL, &out, &e) < 0)
		fail_msg("%s", err_message(&e));
	assert_string_equal(out.server, "https://h:6443"); /* a CA means TLS */
	assert_string_equal(out.ca_pem, "CA");
	assert_string_equal(out.cert_pem, "CERT");
	assert_string_equal(out.token_file, token_file);
	assert_string_equal(out.exec_argv[0], plugin);
	assert_string_equal(out.exec_argv[2], "b c");
	assert_null(out.exec_argv[3]);
	assert_string_equal(out.exec_env[0], "A=b");
	assert_string_equal(out.exec_install_hint, "install it");
	assert_true(out.exec_provide_cluster_info);
	kube_client_config_clear(&out);
	remove_dir(dir);
}

static void test_kubeconfig_list_of_files(void **state)
{
	(void)state;
	char *dir = make_dir();
	write_file(dir, "one", "clusters: [{name: c, cluster: {server: 'https://one'}}]\n", 0600);
	write_file(dir, "two", "current-context: x\ncontexts: [{name: x, context: {cluster: c}}]\n", 0600);
	_cleanup_free_ char *list = xasprintf("%s/one::%s/missing:%s/two", dir, dir, dir),
						*before = xstrdup_or_null(getenv("KUBECONFIG"));
	setenv("KUBECONFIG", list, 1);
	struct kube_client_config out = { 0 };
	_cleanup_err_ struct err e = { 0 };
	int r = kube_config_load(NULL, NULL, &out, &e);
	if (before)
		setenv("KUBECONFIG", before, 1);
	else
		unsetenv("KUBECONFIG");
	if (r < 0)
		fail_msg("%s", err_message(&e));
	assert_string_equal(out.server, "https://one");
	kube_client_config_clear(&out);
	_cleanup_free_ char *missing = fs_join(dir, "missing");
	assert_int_equal(kube_config_load(missing, NULL, &out, &e), -1); /* one that was asked for has to be there */
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	remove_dir(dir);
}

static void test_kubeconfig_impersonation(void **state)
{
	(void)state;
	_cleanup_(kubeconfig_clear) struct kubeconfig k = { 0 };
	add(&k, "/x/config",
	    "current-context: x\nclusters: [{name: c, cluster: {server: 'https://one'}}]\n"
	    "users: [{name: u, user: {as: jane, as-uid: '7', as-groups: [g1, g2], as-user-extra: {a/b: "
	    "[v]}}}]\ncontexts:\n" CONTEXT("x", "c", "u"));
	struct kube_client_config out = { 0 };
	assert_int_equal(kubeconfig_resolve(&k, NULL, &out, NULL), 0);
	_cleanup_free_ char *headers = strv_join(out.headers, "|");
	assert_string_equal(headers, "Impersonate-User: jane|Impersonate-Uid: 7|Impersonate-Group: g1|Impersonate-Group: "
	                             "g2|Impersonate-Extra-a%2Fb: v");
	kube_client_config_clear(&out);
}

#define CLUSTER "clusters: [{name: c, cluster: {server: 'https://one'}}]\n"
#define ONE_USER(user) \
	"current-context: x\n" CLUSTER "users: [{name: u, user: " user "}]\ncontexts:\n" CONTEXT("x", "c", "u")

static void test_kubeconfig_refuses(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says, *why;
	} cases[] = {
		{ "[1]", "must be a mapping", "not a mapping" },
		{ "a: [", "/x/config:2:1:", "not YAML: with the place" },
		{ "kind: Pod\napiVersion: v1", "expected v1 Config", "something else" },
		{ "{}", "no current-context", "no context chosen" },
		{ "current-context: other\ncontexts:\n" CONTEXT("x", "c", "u"), "there is no context 'other'; it has: x",
		  "unknown context" },
		{ "current-context: x\ncontexts:\n" CONTEXT("x", "c", "u"), "there is no cluster 'c'", "unknown cluster" },
		{ "current-context: x\n" CLUSTER "contexts:\n" CONTEXT("x", "c", "u"), "there is no user 'u'", "unknown user" },
		{ "current-context: x\ncontexts: [{name: x, context: {}}]", "names no cluster", "no cluster" },
		{ "current-context: x\nclusters: [{name: c, cluster: {}}]\ncontexts: [{name: x, context: {cluster: c}}]",
		  "no server", "no server" },
		{ "current-context: x\nclusters: [{name: c, cluster: {server: '/'}}]\ncontexts: [{name: x, context: {cluster: "
		  "c}}]",
		  "context x: server", "no host" },
		{ ONE_USER("{token: 12345}"), "token must be a string: put it in quotes", "a number as token" },
		{ ONE_USER("{client-certificate-data: '***', client-key-data: AA==}"), "client-certificate-data is not base64",
		  "bad base64" },
		{ ONE_USER("{client-certificate-data: AA==}"), "belong together", "half a pair" },
		{ ONE_USER("{client-certificate: missing.pem}"), "client-certificate: reading /x/missing.pem", "missing file" },
		{ ONE_USER("{auth-provider: {name: gcp}}"), "auth-provider 'gcp'", "removed mechanism" },
		{ ONE_USER("{exec: {command: x, apiVersion: client.authentication.k8s.io/v1alpha1}}"), "supported are",
		  "removed version" },
		{ ONE_USER("{exec: {command: x, apiVersion: client.authentication.k8s.io/v1}}"), "interactiveMode is required",
		  "v1 needs the mode" },
		{ ONE_USER("{exec: {command: x, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Always}}"),
		  "wants to talk to a person", "interactive" },
		{ ONE_USER("{exec: {command: x, apiVersion: client.authentication.k8s.io/v1, interactiveMode: Sometimes}}"),
		  "not one of", "unknown mode" },
		{ ONE_USER("{exec: {apiVersion: client.authentication.k8s.io/v1beta1}}"), "no command", "no command" },
		{ ONE_USER("{exec: {command: x, apiVersion: client.authentication.k8s.io/v1beta1, args: [1]}}"),
		  "args must be strings", "a number as argument" },
		{ "current-context: x\nclusters: [{name: c, cluster: {server: 'https://one', certificate-authority-data: AA==, "
		  "insecure-skip-tls-verify: true}}]\n"
		  "contexts: [{name: x, context: {cluster: c}}]",
		  "exclude each other", "contradiction" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_(kubeconfig_clear) struct kubeconfig k = { 0 };
		_cleanup_err_ struct err e = { 0 };
		struct kube_client_config out = { 0 };
		if (kubeconfig_add(&k, "/x/config", cases[i].text, strlen(cases[i].text), &e) == 0 &&
		    kubeconfig_resolve(&k, NULL, &out, &e) == 0)
			fail_msg("%s was accepted", cases[i].why);
		if (!str_contains(err_message(&e), cases[i].says))
			fail_msg("%s: %s", cases[i].why, err_message(&e));
		assert_false(str_contains(err_message(&e), "12345"));
	}
}

static void test_kubeconfig_in_cluster(void **state)
{
	(void)state;
	char *dir = make_dir();
	_cleanup_free_ char *token_file = fs_join(dir, "token");
	write_file(dir, "token", "secret\n", 0600);
	write_file(dir, "ca.crt", "CA", 0600);
	write_file(dir, "namespace", "team-a\n", 0600);
	struct kube_client_config out = { 0 };
	_cleanup_err_ struct err e = { 0 };
	assert_int_equal(kubeconfig_in_cluster(dir, "10.0.0.1", "443", &out, &e), 0);
	assert_string_equal(out.server, "https://10.0.0.1:443");
	assert_string_equal(out.token_file, token_file);
	assert_string_equal(out.namespace_default, "team-a");
	assert_string_equal(out.ca_pem, "CA");
	kube_client_config_clear(&out);
	assert_int_equal(kubeconfig_in_cluster(dir, "fd00::1", "443", &out, &e), 0);
	assert_string_equal(out.server, "https://[fd00::1]:443");
	kube_client_config_clear(&out);
	assert_int_equal(kubeconfig_in_cluster(dir, NULL, "443", &out, &e), -1);
	assert_int_equal(e.kind, ERR_NOT_FOUND);
	remove_dir(dir);
}

/* ---- credential plugins ---- */

#define V1 "client.authentication.k8s.io/v1"
#define CREDENTIAL(status) "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1 "\",\"status\":" status "}"

static void test_exec_credential_parse(void **state)
{
	(void)state;
	static const struct {
		const char *text, *says; /* NULL: good */
	} cases[] = {
		{ CREDENTIAL("{\"token\":\"hunter2\"}"), NULL },
		{ CREDENTIAL("{\"token\":\"hunter2\",\"expirationTimestamp\":\"2030-01-01T00:00:00Z\"}"), NULL },
		{ CREDENTIAL("{\"token\":\"hunter2\",\"expirationTimestamp\":\"9999-12-31T23:59:59Z\"}"), NULL },
		{ CREDENTIAL("{\"token\":\"hunter2\",\"expirationTimestamp\":\"9999-99-31T23:59:59Z\"}"), "RFC 3339" },
		{ CREDENTIAL("{\"clientCertificateData\":\"c\",\"clientKeyData\":\"hunter2\"}"), NULL },
		{ CREDENTIAL("{\"clientKeyData\":\"hunter2\"}"), "only one" },
		{ CREDENTIAL("{}"), "neither" },
		{ CREDENTIAL("{\"token\":\"hunter2\",\"expirationTimestamp\":\"soon\"}"), "RFC 3339" },
		{ "{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/"
		  "v1beta1\",\"status\":{\"token\":\"hunter2\"}}",
		  "another apiVersion" },
		{ "{\"kind\":\"Secret\",\"token\":\"hunter2\"}", "ExecCredential" },
		{ "hunter2", "JSON" },
		{ "", "JSON" },
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct exec_credential c = { 0 };
		_cleanup_err_ struct err e = { 0 };
		int r = exec_credential_parse(V1, cases[i].text, strlen(cases[i].text), &c, &e);
		if ((r == 0) != !cases[i].says || (r < 0 && !str_contains(err_message(&e), cases[i].says)))
			fail_msg("%s: %s", cases[i].text, err_message(&e));
		assert_false(str_contains(err_message(&e), "hunter2"));
		exec_credential_clear(&c);
	}
}

static int run_plugin(const char *script, struct kube_client_config *config, struct exec_credential *ret,
                      struct err *err)
{
	char *dir = make_dir();
	_cleanup_free_ char *path = fs_join(dir, "plugin");
	write_file(dir, "plugin", script, 0700);
	strv_push(&config->exec_argv, path);
	strv_push(&config->exec_argv, "argument");
	config->server = xstrdup("https://one");
	config->exec_api_version = xstrdup(V1);
	int r = exec_credential_run(config, NULL, ret, err);
	remove_dir(dir);
	return r;
}

static void test_exec_credential_run_gives_info(void **state)
{
	(void)state;
	struct kube_client_config config = { .ca_pem = xstrdup("CA"),
		                                 .exec_provide_cluster_info = true,
		                                 .exec_cluster_config = xstrdup("{\"audience\":\"a\"}") };
	strv_push(&config.exec_env, "EXTRA=extra");
	struct exec_credential c = { 0 };
	_cleanup_err_ struct err e = { 0 };
	int r = run_plugin("#!/bin/sh\nprintf '{\"kind\":\"ExecCredential\",\"apiVersion\":\"" V1
	                   "\",\"status\":{\"token\":\"%s-%s-%s\"}}' \"$1\" \"$EXTRA\" "
	                   "\"$(printf %s \"$KUBERNETES_EXEC_INFO\" | tr -d '\"\\\\')\"\n",
	                   &config, &c, &e);
	if (r < 0)
		fail_msg("%s", err_message(&e));
	assert_string_equal(c.token,
	                    "argument-extra-{kind:ExecCredential,apiVersion:" V1 ",spec:{cluster:{server:https://one,"
	                    "certificate-authority-data:Q0E=,config:{audience:a}},interactive:false}}");
	exec_credential_clear(&c);
	kube_client_config_clear(&config);
}

static void test_exec_credential_run_says_what_went_wrong(void **state)
{
	(void)state;
	struct kube_client_config config = { 0 };
	struct exec_credential c = { 0 };
	_cleanup_err_ struct err e = { 0 };
	assert_int_equal(
		run_plugin("#!/bin/sh\necho '{\"token\":\"hunter2\"'\necho 'log in first' >&2\nexit 3\n", &config, &c, &e), -1);
	assert_int_equal(e.kind, ERR_UNAUTHORIZED);
	assert_true(str_contains(err_message(&e), "it ended with exit code 3: log in first"));
	assert_false(str_contains(err_message(&e), "hunter2"));
	kube_client_config_clear(&config);
	err_clear(&e);
	config = (struct kube_client_config){ .server = xstrdup("https://one"),
		                                  .exec_api_version = xstrdup(V1),
		                                  .exec_install_hint = xstrdup("install it") };
	strv_push(&config.exec_argv, "no-such-plugin-anywhere");
	assert_int_equal(exec_credential_run(&config, NULL, &c, &e), -1);
	assert_true(str_contains(err_message(&e), "no-such-plugin-anywhere (install it)"));
	kube_client_config_clear(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kubeconfig_resolves_a_context),
		cmocka_unit_test(test_kubeconfig_first_file_wins),
		cmocka_unit_test(test_kubeconfig_paths_are_relative_to_their_file),
		cmocka_unit_test(test_kubeconfig_list_of_files),
		cmocka_unit_test(test_kubeconfig_impersonation),
		cmocka_unit_test(test_kubeconfig_refuses),
		cmocka_unit_test(test_kubeconfig_in_cluster),
		cmocka_unit_test(test_exec_credential_parse),
		cmocka_unit_test(test_exec_credential_run_gives_info),
		cmocka_unit_test(test_exec_credential_run_says_what_went_wrong),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
