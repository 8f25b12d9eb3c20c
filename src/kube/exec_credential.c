#include "exec_credential.h"

#include "base/clock.h"
#include "base/proc.h"
#include "base/str.h"
#include "codec/base64.h"

#define PLUGIN_OUTPUT_MAX ((size_t)(1024 * 1024))
#define PLUGIN_TIMEOUT_NS (60 * NS_PER_S)
#define PLUGIN_COMPLAINT_MAX 500

void exec_credential_clear(struct exec_credential *c)
{
	if (c->token)
		explicit_bzero(c->token, strlen(c->token));
	if (c->key_pem)
		explicit_bzero(c->key_pem, strlen(c->key_pem));
	free(c->token);
	free(c->cert_pem);
	free(c->key_pem);
	*c = (struct exec_credential){ 0 };
}

char *exec_credential_info(const struct kube_client_config *config)
{
	_cleanup_json_ json_t *info = json_object();
	json_put_str(info, "kind", "ExecCredential");
	json_put_str(info, "apiVersion", config->exec_api_version);
	json_t *spec = json_ensure_object(info, "spec");
	if (config->exec_provide_cluster_info) {
		json_t *cluster = json_ensure_object(spec, "cluster");
		json_put_str(cluster, "server", config->server);
		json_put_str(cluster, "tls-server-name", config->tls_server_name);
		if (config->insecure_skip_verify)
			json_put_bool(cluster, "insecure-skip-tls-verify", true);
		if (config->ca_pem) {
			_cleanup_free_ char *ca = base64_encode(config->ca_pem, strlen(config->ca_pem));
			json_put_str(cluster, "certificate-authority-data", ca);
		}
		json_put_str(cluster, "proxy-url", config->proxy_url);
		if (config->exec_cluster_config)
			json_put(cluster, "config",
			         json_parse(config->exec_cluster_config, strlen(config->exec_cluster_config), 0, NULL));
	}
	json_put_bool(spec, "interactive", false);
	return json_to_str(info);
}

/* Some plugins say "never" with the year 9999, which is past what nanoseconds can count. */
static bool parse_expiry(const char *text, int64_t *ret_wall_ns)
{
	if (rfc3339_parse(text, ret_wall_ns))
		return true;
	_cleanup_free_ char *near = xstrdup(text);
	if (strlen(near) < 4 || strncmp(near, "2262", 4) < 0)
		return false;
	memcpy(near, "2000", 4);
	if (strspn(text, "0123456789") != 4 || !rfc3339_parse(near, ret_wall_ns))
		return false;
	*ret_wall_ns = INT64_MAX;
	return true;
}

int exec_credential_parse(const char *api_version, const char *text, size_t len, struct exec_credential *ret,
                          struct err *err)
{
	/* What it printed may hold a secret, so no error quotes it: not even the JSON parser's. */
	_cleanup_json_ json_t *doc = json_parse(text, len, 0, NULL);
	if (!json_is_object(doc))
		return err_set(err, ERR_UNAUTHORIZED, "it did not print a JSON object");
	if (!str_eq(json_get_str(doc, "kind"), "ExecCredential"))
		return err_set(err, ERR_UNAUTHORIZED, "it did not print an ExecCredential");
	if (!str_eq(json_get_str(doc, "apiVersion"), api_version))
		return err_set(err, ERR_UNAUTHORIZED, "it printed another apiVersion than the configured %s", api_version);
	const json_t *status = json_object_get(doc, "status");
	const char *token = json_get_str(status, "token"), *expires = json_get_str(status, "expirationTimestamp");
	const char *cert = json_get_str(status, "clientCertificateData"), *key = json_get_str(status, "clientKeyData");
	int64_t expires_ns = 0;
	if (expires && !parse_expiry(expires, &expires_ns))
		return err_set(err, ERR_UNAUTHORIZED, "its expirationTimestamp is not an RFC 3339 time");
	if (str_empty(cert) != str_empty(key))
		return err_set(err, ERR_UNAUTHORIZED, "it gave only one of clientCertificateData and clientKeyData");
	if (str_empty(token) && str_empty(cert))
		return err_set(err, ERR_UNAUTHORIZED, "it gave neither a token nor a certificate");
	*ret = (struct exec_credential){
		.token = str_empty(token) ? NULL : xstrdup(token),
		.cert_pem = str_empty(cert) ? NULL : xstrdup(cert),
		.key_pem = str_empty(key) ? NULL : xstrdup(key),
		.expires_wall_ns = expires_ns,
	};
	return 0;
}

/* True when v holds a variable of the same name as pair ("NAME=..."). */
static bool env_has(char *const *v, const char *pair)
{
	size_t name_len = strcspn(pair, "=") + 1;
	for (size_t i = 0; v && v[i]; i++) {
		if (strncmp(v[i], pair, name_len) == 0)
			return true;
	}
	return false;
}

/* The configured variables, KUBERNETES_EXEC_INFO, then this process's own where they do not say otherwise. */
static char **plugin_env(const struct kube_client_config *config)
{
	char **env = NULL;
	_cleanup_free_ char *info = exec_credential_info(config), *pair = xasprintf("KUBERNETES_EXEC_INFO=%s", info);
	strv_push(&env, pair);
	for (size_t i = 0; config->exec_env && config->exec_env[i]; i++) {
		if (!env_has(env, config->exec_env[i]))
			strv_push(&env, config->exec_env[i]);
	}
	for (size_t i = 0; environ && environ[i]; i++) {
		if (!env_has(env, environ[i]))
			strv_push(&env, environ[i]);
	}
	return env;
}

static int plugin_failed(const struct proc_result *result, struct err *err)
{
	if (result->timed_out)
		return err_set(err, ERR_UNAUTHORIZED, "it did not end within %d s", (int)(PLUGIN_TIMEOUT_NS / NS_PER_S));
	if (result->cancelled)
		return err_set(err, ERR_TIMEOUT, "cancelled");
	if (result->truncated)
		return err_set(err, ERR_UNAUTHORIZED, "it printed more than %zu bytes", PLUGIN_OUTPUT_MAX);
	if (result->signal)
		return err_set(err, ERR_UNAUTHORIZED, "it was ended by signal %d", result->signal);
	/* Standard error is what the plugin says to the person; the credential is on standard output. */
	_cleanup_free_ char *said = xstrndup(buf_str(&result->err_out), PLUGIN_COMPLAINT_MAX);
	char *line = str_strip(said);
	return err_set(err, ERR_UNAUTHORIZED, "it ended with exit code %d%s%s", result->exit_code, *line ? ": " : "", line);
}

int exec_credential_run(const struct kube_client_config *config, const atomic_bool *cancel, struct exec_credential *ret,
                        struct err *err)
{
	_cleanup_strv_ char **env = plugin_env(config);
	_cleanup_proc_result_ struct proc_result result = { 0 };
	const char *hint = config->exec_install_hint;
	struct proc_spec spec = {
		.argv = config->exec_argv,
		.env = env,
		.timeout_ns = PLUGIN_TIMEOUT_NS,
		.output_max = PLUGIN_OUTPUT_MAX,
		.cancel = cancel,
	};
	if (proc_run(&spec, &result, err) < 0)
		return err_wrap(err, "credential plugin %s%s%s%s", config->exec_argv[0], hint ? " (" : "", hint ? hint : "",
		                hint ? ")" : "");
	int r = result.exit_code != 0 || result.truncated || result.timed_out || result.cancelled
	            ? plugin_failed(&result, err)
	            : exec_credential_parse(config->exec_api_version, buf_str(&result.out), result.out.len, ret, err);
	if (result.out.data)
		explicit_bzero(result.out.data, result.out.len);
	return r < 0 ? err_wrap(err, "credential plugin %s", config->exec_argv[0]) : 0;
}
