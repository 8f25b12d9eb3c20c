#include "kubeconfig.h"

#include "base/fs.h"
#include "base/str.h"
#include "codec/base64.h"
#include "codec/yaml.h"
#include "net/http.h"

#define SERVICE_ACCOUNT_DIR "/var/run/secrets/kubernetes.io/serviceaccount"

void kubeconfig_clear(struct kubeconfig *k)
{
	for (size_t i = 0; i < k->len; i++) {
		free(k->files[i].path);
		free(k->files[i].dir);
		json_decref(k->files[i].doc);
	}
	k->len = 0;
}

void kube_client_config_clear(struct kube_client_config *config)
{
	char *strings[] = { config->server,
		                config->ca_pem,
		                config->cert_pem,
		                config->token_file,
		                config->username,
		                config->exec_api_version,
		                config->exec_install_hint,
		                config->exec_cluster_config,
		                config->namespace_default,
		                config->tls_server_name,
		                config->proxy_url,
		                config->user_agent,
		                config->field_manager };
	char *secrets[] = { config->key_pem, config->token, config->password };
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		free(strings[i]);
	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		if (secrets[i])
			explicit_bzero(secrets[i], strlen(secrets[i]));
		free(secrets[i]);
	}
	strv_free(config->exec_argv);
	strv_free(config->exec_env);
	strv_free(config->headers);
	*config = (struct kube_client_config){ 0 };
}

int kubeconfig_add(struct kubeconfig *k, const char *path, const char *text, size_t len, struct err *err)
{
	if (k->len == KUBECONFIG_FILES_MAX)
		return err_set(err, ERR_INVALID, "kubeconfig: more than %d files", KUBECONFIG_FILES_MAX);
	_cleanup_json_ json_t *doc = yaml_parse(text, len, path, err);
	if (!doc)
		return err_wrap(err, "kubeconfig");
	if (json_is_null(doc)) { /* an empty file is an empty configuration */
		json_decref(doc);
		doc = json_object();
	}
	if (!json_is_object(doc))
		return err_set(err, ERR_INVALID, "kubeconfig %s: must be a mapping with clusters, users and contexts", path);
	const char *kind = json_get_str(doc, "kind"), *version = json_get_str(doc, "apiVersion");
	if ((kind && *kind && !str_eq(kind, "Config")) || (version && *version && !str_eq(version, "v1")))
		return err_set(err, ERR_INVALID, "kubeconfig %s: it is a %s %s, expected v1 Config", path,
		               version ? version : "", kind ? kind : "");
	const char *slash = strrchr(path, '/');
	k->files[k->len++] = (struct kubeconfig_file){
		.path = xstrdup(path),
		.dir = slash ? xstrndup(path, slash == path ? 1 : (size_t)(slash - path)) : xstrdup("."),
		.doc = TAKE_PTR(doc),
	};
	return 0;
}

/* One cluster's, user's or context's settings, with what is needed to read them and to speak about them. */
struct section {
	const json_t *v;
	const struct kubeconfig_file *file;
	char what[320]; /* "kubeconfig PATH: user admin" */
};

static int find_section(const struct kubeconfig *k, const char *list, const char *member, const char *name,
                        struct section *ret, struct err *err)
{
	for (size_t f = 0; f < k->len; f++) {
		size_t i;
		json_t *entry;
		json_array_foreach (json_object_get(k->files[f].doc, list), i, entry) {
			if (!str_eq(json_get_str(entry, "name"), name))
				continue;
			*ret = (struct section){ .v = json_object_get(entry, member), .file = &k->files[f] };
			snprintf(ret->what, sizeof(ret->what), "kubeconfig %s: %s %s", k->files[f].path, member, name);
			return 0;
		}
	}
	_cleanup_strv_ char **known = NULL;
	for (size_t f = 0; f < k->len; f++) {
		size_t i;
		json_t *entry;
		json_array_foreach (json_object_get(k->files[f].doc, list), i, entry) {
			if (json_get_str(entry, "name") && strv_len(known) < 20)
				strv_push(&known, json_get_str(entry, "name"));
		}
	}
	_cleanup_free_ char *names = known ? strv_join(known, ", ") : xstrdup("none");
	return err_set(err, ERR_NOT_FOUND, "kubeconfig%s%s: there is no %s '%s'; it has: %s", k->len ? " " : "",
	               k->len ? k->files[0].path : "", member, name, names);
}

/* A string member into *ret (untouched when absent or empty). */
static int take_str(const struct section *s, const char *key, char **ret, struct err *err)
{
	const json_t *v = json_object_get(s->v, key);
	if (!v || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0))
		return 0;
	if (!json_is_string(v))
		return err_set(err, ERR_INVALID, "%s: %s must be a string: put it in quotes", s->what, key);
	free(*ret);
	*ret = xstrdup(json_string_value(v));
	return 0;
}

static char *absolute_path(const struct kubeconfig_file *file, const char *path)
{
	return path[0] == '/' ? xstrdup(path) : fs_join(file->dir, path);
}

/* KEY-data (base64) goes before the file that KEY names, as in client-go. */
static int take_pem(const struct section *s, const char *key, char **ret, struct err *err)
{
	_cleanup_free_ char *data_key = xasprintf("%s-data", key), *data = NULL, *path = NULL;
	if (take_str(s, data_key, &data, err) < 0 || take_str(s, key, &path, err) < 0)
		return -1;
	if (data) {
		size_t n = 0, len = 0;
		for (const char *p = data; *p; p++) { /* wrapped lines are fine */
			if (*p != '\n' && *p != '\r' && *p != ' ')
				data[n++] = *p;
		}
		char *pem = base64_decode(data, n, &len);
		if (!pem)
			return err_set(err, ERR_INVALID, "%s: %s is not base64", s->what, data_key);
		free(*ret);
		*ret = pem;
		return 0;
	}
	if (!path)
		return 0;
	_cleanup_free_ char *absolute = absolute_path(s->file, path);
	char *pem;
	if (fs_read_file(absolute, KUBECONFIG_FILE_MAX, &pem, NULL, err) < 0)
		return err_wrap(err, "%s: %s", s->what, key);
	free(*ret);
	*ret = pem;
	return 0;
}

static int resolve_cluster(const struct kubeconfig *k, const char *name, struct kube_client_config *ret,
                           struct err *err)
{
	struct section s;
	if (find_section(k, "clusters", "cluster", name, &s, err) < 0)
		return -1;
	if (take_str(&s, "server", &ret->server, err) < 0 || take_pem(&s, "certificate-authority", &ret->ca_pem, err) < 0 ||
	    take_str(&s, "tls-server-name", &ret->tls_server_name, err) < 0 ||
	    take_str(&s, "proxy-url", &ret->proxy_url, err) < 0)
		return -1;
	ret->insecure_skip_verify = json_get_bool(s.v, "insecure-skip-tls-verify", false);
	if (!ret->server)
		return err_set(err, ERR_INVALID, "%s: it has no server", s.what);
	if (ret->insecure_skip_verify && ret->ca_pem)
		return err_set(err, ERR_INVALID, "%s: certificate-authority and insecure-skip-tls-verify exclude each other",
		               s.what);
	size_t i;
	json_t *extension;
	json_array_foreach (json_object_get(s.v, "extensions"), i, extension) {
		if (str_eq(json_get_str(extension, "name"), "client.authentication.k8s.io/exec") &&
		    json_object_get(extension, "extension"))
			ret->exec_cluster_config = json_to_str(json_object_get(extension, "extension"));
	}
	return 0;
}

static int resolve_exec_env(const struct section *s, const json_t *exec, struct kube_client_config *ret,
                            struct err *err)
{
	size_t i;
	json_t *item;
	json_array_foreach (json_object_get(exec, "env"), i, item) {
		const char *name = json_get_str(item, "name"), *value = json_get_str(item, "value");
		if (str_empty(name) || strchr(name, '=') || !value)
			return err_set(err, ERR_INVALID, "%s: exec.env: each entry needs a name and a value, both strings",
			               s->what);
		_cleanup_free_ char *pair = xasprintf("%s=%s", name, value);
		strv_push(&ret->exec_env, pair);
	}
	return 0;
}

static int resolve_exec(const struct section *s, const json_t *exec, struct kube_client_config *ret, struct err *err)
{
	struct section plugin = *s;
	plugin.v = exec;
	_cleanup_free_ char *command = NULL, *mode = NULL;
	if (take_str(&plugin, "command", &command, err) < 0 ||
	    take_str(&plugin, "apiVersion", &ret->exec_api_version, err) < 0 ||
	    take_str(&plugin, "interactiveMode", &mode, err) < 0 ||
	    take_str(&plugin, "installHint", &ret->exec_install_hint, err) < 0)
		return -1;
	if (!command)
		return err_set(err, ERR_INVALID, "%s: exec has no command", s->what);
	if (!str_eq(ret->exec_api_version, "client.authentication.k8s.io/v1") &&
	    !str_eq(ret->exec_api_version, "client.authentication.k8s.io/v1beta1"))
		return err_set(err, ERR_INVALID,
		               "%s: exec.apiVersion is %s; supported are client.authentication.k8s.io/v1 and v1beta1", s->what,
		               ret->exec_api_version ? ret->exec_api_version : "missing");
	if (!mode && str_eq(ret->exec_api_version, "client.authentication.k8s.io/v1"))
		return err_set(err, ERR_INVALID, "%s: exec.interactiveMode is required in v1 (Never, IfAvailable or Always)",
		               s->what);
	if (mode && !str_eq(mode, "Never") && !str_eq(mode, "IfAvailable") && !str_eq(mode, "Always"))
		return err_set(err, ERR_INVALID, "%s: exec.interactiveMode '%s' is not one of Never, IfAvailable, Always",
		               s->what, mode);
	if (str_eq(mode, "Always"))
		return err_set(err, ERR_INVALID,
		               "%s: the plugin %s wants to talk to a person (interactiveMode Always), which is not possible "
		               "here: use a plugin that works without",
		               s->what, command);
	/* A command with a slash is relative to the file, one without is looked up in PATH. */
	_cleanup_free_ char *program = strchr(command, '/') ? absolute_path(s->file, command) : xstrdup(command);
	strv_push(&ret->exec_argv, program);
	size_t i;
	json_t *arg;
	json_array_foreach (json_object_get(exec, "args"), i, arg) {
		if (!json_is_string(arg))
			return err_set(err, ERR_INVALID, "%s: exec.args must be strings: put them in quotes", s->what);
		strv_push(&ret->exec_argv, json_string_value(arg));
	}
	ret->exec_provide_cluster_info = json_get_bool(exec, "provideClusterInfo", false);
	return resolve_exec_env(s, exec, ret, err);
}

static void add_header(struct kube_client_config *ret, const char *name, const char *value)
{
	_cleanup_free_ char *line = xasprintf("%s: %s", name, value);
	strv_push(&ret->headers, line);
}

/* as, as-uid, as-groups, as-user-extra become the Impersonate-* headers. */
static int resolve_impersonation(const struct section *s, struct kube_client_config *ret, struct err *err)
{
	_cleanup_free_ char *user = NULL, *uid = NULL;
	if (take_str(s, "as", &user, err) < 0 || take_str(s, "as-uid", &uid, err) < 0)
		return -1;
	if (!user)
		return 0;
	add_header(ret, "Impersonate-User", user);
	if (uid)
		add_header(ret, "Impersonate-Uid", uid);
	size_t i;
	json_t *group, *values;
	json_array_foreach (json_object_get(s->v, "as-groups"), i, group) {
		if (json_is_string(group))
			add_header(ret, "Impersonate-Group", json_string_value(group));
	}
	const char *key;
	json_object_foreach (json_object_get(s->v, "as-user-extra"), key, values) {
		_cleanup_buf_ struct buf name = BUF_INIT(4096);
		buf_puts(&name, "Impersonate-Extra-");
		for (const char *p = key; *p; p++) /* keys may hold slashes, header names may not */
			(isalnum((unsigned char)*p) || *p == '-' || *p == '.' || *p == '_')
				? buf_putc(&name, *p)
				: buf_printf(&name, "%%%02X", (unsigned char)*p);
		json_t *value;
		json_array_foreach (values, i, value) {
			if (json_is_string(value) && !name.failed)
				add_header(ret, buf_str(&name), json_string_value(value));
		}
	}
	return 0;
}

static int resolve_user(const struct kubeconfig *k, const char *name, struct kube_client_config *ret, struct err *err)
{
	struct section s;
	if (find_section(k, "users", "user", name, &s, err) < 0)
		return -1;
	_cleanup_free_ char *token_file = NULL;
	if (take_pem(&s, "client-certificate", &ret->cert_pem, err) < 0 ||
	    take_pem(&s, "client-key", &ret->key_pem, err) < 0 || take_str(&s, "token", &ret->token, err) < 0 ||
	    take_str(&s, "tokenFile", &token_file, err) < 0 || take_str(&s, "username", &ret->username, err) < 0 ||
	    take_str(&s, "password", &ret->password, err) < 0)
		return -1;
	if (!ret->cert_pem != !ret->key_pem)
		return err_set(err, ERR_INVALID, "%s: client-certificate and client-key belong together, one is missing",
		               s.what);
	if (token_file)
		ret->token_file = absolute_path(s.file, token_file);
	const json_t *exec = json_object_get(s.v, "exec");
	if (json_is_object(exec) && resolve_exec(&s, exec, ret, err) < 0)
		return -1;
	const char *provider = json_get_str(json_object_get(s.v, "auth-provider"), "name");
	if (provider && !ret->exec_argv && !ret->token && !ret->token_file && !ret->cert_pem)
		return err_set(err, ERR_INVALID,
		               "%s: auth-provider '%s' no longer exists in Kubernetes clients; use an exec plugin instead",
		               s.what, provider);
	return resolve_impersonation(&s, ret, err);
}

/* Without a scheme the server speaks TLS exactly if there is something TLS would need. */
static int complete_server(struct kube_client_config *ret, struct err *err)
{
	if (!strstr(ret->server, "://")) {
		bool tls = ret->ca_pem || ret->cert_pem || ret->insecure_skip_verify;
		char *full = xasprintf("%s://%s", tls ? "https" : "http", ret->server);
		free(ret->server);
		ret->server = full;
	}
	struct http_url url;
	if (http_url_parse(ret->server, &url, err) < 0)
		return -1;
	http_url_clear(&url);
	for (size_t n = strlen(ret->server); n > 0 && ret->server[n - 1] == '/'; n--)
		ret->server[n - 1] = '\0';
	return 0;
}

static const char *current_context(const struct kubeconfig *k)
{
	for (size_t f = 0; f < k->len; f++) {
		const char *name = json_get_str(k->files[f].doc, "current-context");
		if (!str_empty(name))
			return name;
	}
	return NULL;
}

static int resolve_into(const struct kubeconfig *k, const char *context, struct kube_client_config *out,
                        struct err *err)
{
	struct section s;
	_cleanup_free_ char *cluster = NULL, *user = NULL;
	if (find_section(k, "contexts", "context", context, &s, err) < 0)
		return -1;
	if (take_str(&s, "cluster", &cluster, err) < 0 || take_str(&s, "user", &user, err) < 0 ||
	    take_str(&s, "namespace", &out->namespace_default, err) < 0)
		return -1;
	if (!cluster)
		return err_set(err, ERR_INVALID, "%s: it names no cluster", s.what);
	if (resolve_cluster(k, cluster, out, err) < 0 || (user && resolve_user(k, user, out, err) < 0))
		return -1;
	if (!out->namespace_default)
		out->namespace_default = xstrdup("default");
	return complete_server(out, err) < 0 ? err_wrap(err, "%s: server", s.what) : 0;
}

int kubeconfig_resolve(const struct kubeconfig *k, const char *context, struct kube_client_config *ret, struct err *err)
{
	if (!context)
		context = current_context(k);
	if (!context)
		return err_set(
			err, ERR_NOT_FOUND,
			"kubeconfig%s%s: no current-context is set: choose one with --context or `kubectl config use-context`",
			k->len ? " " : "", k->len ? k->files[0].path : "");
	struct kube_client_config out = { 0 };
	if (resolve_into(k, context, &out, err) < 0) {
		kube_client_config_clear(&out);
		return -1;
	}
	*ret = out;
	return 0;
}

/* ---- where configurations come from ---- */

int kubeconfig_in_cluster(const char *dir, const char *host, const char *port, struct kube_client_config *ret,
                          struct err *err)
{
	if (str_empty(host) || str_empty(port))
		return err_set(err, ERR_NOT_FOUND,
		               "not in a cluster: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set");
	_cleanup_free_ char *token_file = fs_join(dir, "token"), *ca_file = fs_join(dir, "ca.crt"),
						*ns_file = fs_join(dir, "namespace");
	_cleanup_free_ char *token = NULL, *ca = NULL, *ns = NULL;
	if (fs_read_file(token_file, KUBECONFIG_FILE_MAX, &token, NULL, err) < 0)
		return err_wrap(err, "in-cluster configuration");
	if (fs_exists(ca_file) && fs_read_file(ca_file, KUBECONFIG_FILE_MAX, &ca, NULL, err) < 0)
		return err_wrap(err, "in-cluster configuration");
	if (fs_exists(ns_file) && fs_read_file(ns_file, 4096, &ns, NULL, err) < 0)
		return err_wrap(err, "in-cluster configuration");
	bool ipv6 = strchr(host, ':');
	const char *ns_name = ns ? str_strip(ns) : "";
	*ret = (struct kube_client_config){
		.server = xasprintf("https://%s%s%s:%s", ipv6 ? "[" : "", host, ipv6 ? "]" : "", port),
		.ca_pem = TAKE_PTR(ca),
		.token_file = TAKE_PTR(token_file),
		.namespace_default = xstrdup(*ns_name ? ns_name : "default"),
	};
	return 0;
}

int kube_config_in_cluster(struct kube_client_config *ret, struct err *err)
{
	return kubeconfig_in_cluster(SERVICE_ACCOUNT_DIR, getenv("KUBERNETES_SERVICE_HOST"),
	                             getenv("KUBERNETES_SERVICE_PORT"), ret, err);
}

static int add_file(struct kubeconfig *k, const char *path, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;
	if (fs_read_file(path, KUBECONFIG_FILE_MAX, &text, &len, err) < 0)
		return err_wrap(err, "kubeconfig");
	return kubeconfig_add(k, path, text, len, err);
}

/* The files of $KUBECONFIG, else ~/.kube/config; those that do not exist are left out. */
static int add_default_files(struct kubeconfig *k, struct err *err)
{
	_cleanup_strv_ char **paths = NULL;
	const char *list = getenv("KUBECONFIG"), *home = getenv("HOME");
	if (!str_empty(list)) {
		paths = str_split(list, ":");
	} else if (!str_empty(home)) {
		_cleanup_free_ char *path = fs_join(home, ".kube/config");
		strv_push(&paths, path);
	}
	for (size_t i = 0; i < strv_len(paths); i++) {
		if (fs_exists(paths[i]) && add_file(k, paths[i], err) < 0)
			return -1;
	}
	return 0;
}

int kube_config_load(const char *path, const char *context, struct kube_client_config *ret, struct err *err)
{
	_cleanup_(kubeconfig_clear) struct kubeconfig k = { 0 };
	if (path)
		return add_file(&k, path, err) < 0 ? -1 : kubeconfig_resolve(&k, context, ret, err);
	if (add_default_files(&k, err) < 0)
		return -1;
	if (k.len > 0)
		return kubeconfig_resolve(&k, context, ret, err);
	if (kube_config_in_cluster(ret, NULL) == 0)
		return 0;
	return err_set(err, ERR_NOT_FOUND,
	               "no cluster is known: there is no ~/.kube/config; set KUBECONFIG or give --kubeconfig");
}
