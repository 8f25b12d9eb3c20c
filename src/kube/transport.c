#include "transport.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/thread.h"
#include "codec/base64.h"
#include "exec_credential.h"

#include <sys/stat.h>

#define TOKEN_MAX ((size_t)(64 * 1024))

struct kube_transport {
	const struct kube_client_config *config;
	pthread_mutex_t lock; /* of everything below; held while a plugin runs, so that it runs once for all */
	struct http_client *http;
	struct exec_credential plugin; /* as far as has_plugin */
	bool has_plugin;
	unsigned credential; /* counts the credentials had */
	char *file_token;
	struct timespec file_time; /* of the token file that file_token is from */
	ino_t file_inode;
};

static int open_http(const struct kube_client_config *config, const char *cert_pem, const char *key_pem,
                     struct http_client **ret, struct err *err)
{
	struct http_client_config http = {
		.ca_pem = config->ca_pem,
		.cert_pem = cert_pem,
		.key_pem = key_pem,
		.insecure_skip_verify = config->insecure_skip_verify,
		.tls_server_name = config->tls_server_name,
		.proxy = config->proxy_url,
		.user_agent = config->user_agent ? config->user_agent : "scia/" SCIA_VERSION,
	};
	struct http_client *client = http_client_new(&http, err);
	if (!client)
		return err_wrap(err, "connecting to %s", config->server);
	*ret = client;
	return 0;
}

int kube_transport_new(const struct kube_client_config *config, struct kube_transport **ret, struct err *err)
{
	struct http_client *http = NULL;
	if (open_http(config, config->cert_pem, config->key_pem, &http, err) < 0)
		return -1;
	struct kube_transport *t = new0(struct kube_transport);
	t->config = config;
	t->http = http;
	pthread_mutex_init(&t->lock, NULL);
	*ret = t;
	return 0;
}

struct kube_transport *kube_transport_free(struct kube_transport *t)
{
	if (!t)
		return NULL;
	http_client_unref(t->http);
	exec_credential_clear(&t->plugin);
	if (t->file_token)
		explicit_bzero(t->file_token, strlen(t->file_token));
	free(t->file_token);
	pthread_mutex_destroy(&t->lock);
	free(t);
	return NULL;
}

/* A header must not carry what a file happens to hold. */
static bool is_header_safe(const char *s)
{
	for (; *s; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7F)
			return false;
	}
	return true;
}

/* Reads the token file again when it is another one than last time. A file that cannot be read for a moment, or is
 * empty, leaves the token as it was: rotation may be under way. */
static int refresh_file_token(struct kube_transport *t, struct err *err)
{
	const char *path = t->config->token_file;
	struct stat st = { 0 };
	bool seen = stat(path, &st) == 0;
	if (seen && t->file_token && st.st_ino == t->file_inode && st.st_mtim.tv_sec == t->file_time.tv_sec &&
	    st.st_mtim.tv_nsec == t->file_time.tv_nsec)
		return 0;
	_cleanup_free_ char *text = NULL;
	_cleanup_err_ struct err e = { 0 };
	if (fs_read_file(path, TOKEN_MAX, &text, NULL, &e) < 0 || !*str_strip(text)) {
		if (t->file_token || t->config->token)
			return 0;
		if (!err_is_set(&e))
			err_set(&e, ERR_UNAUTHORIZED, "it is empty");
		if (err)
			err_move(err, &e);
		return err_wrap(err, "token file %s", path);
	}
	free(t->file_token);
	t->file_token = xstrdup(str_strip(text));
	t->file_time = st.st_mtim;
	t->file_inode = st.st_ino;
	t->credential++;
	return 0;
}

static bool wants_plugin(const struct kube_client_config *config)
{
	return config->exec_argv && !config->token && !config->token_file && !config->username;
}

static int refresh_plugin(struct kube_transport *t, const atomic_bool *cancel, struct err *err)
{
	if (t->has_plugin && (!t->plugin.expires_wall_ns || clock_wall_ns() < t->plugin.expires_wall_ns))
		return 0;
	struct exec_credential fresh = { 0 };
	if (exec_credential_run(t->config, cancel, &fresh, err) < 0)
		return -1;
	if (!str_eq(fresh.cert_pem, t->plugin.cert_pem)) {
		struct http_client *http = NULL;
		const char *cert = fresh.cert_pem ? fresh.cert_pem : t->config->cert_pem,
				   *key = fresh.cert_pem ? fresh.key_pem : t->config->key_pem;
		if (open_http(t->config, cert, key, &http, err) < 0) {
			exec_credential_clear(&fresh);
			return err_wrap(err, "certificate of the credential plugin %s", t->config->exec_argv[0]);
		}
		http_client_unref(t->http); /* calls under way keep theirs */
		t->http = http;
	}
	exec_credential_clear(&t->plugin);
	t->plugin = fresh;
	t->has_plugin = true;
	t->credential++;
	return 0;
}

static int authorization(const struct kube_transport *t, char **ret, struct err *err)
{
	const struct kube_client_config *config = t->config;
	const char *token = t->file_token ? t->file_token : config->token ? config->token : t->plugin.token;
	*ret = NULL;
	if (token) {
		if (!is_header_safe(token))
			return err_set(err, ERR_UNAUTHORIZED, "the bearer token for %s holds control characters", config->server);
		*ret = xasprintf("Bearer %s", token);
	} else if (config->username) {
		_cleanup_free_ char *pair = xasprintf("%s:%s", config->username, config->password ? config->password : "");
		_cleanup_free_ char *encoded = base64_encode(pair, strlen(pair));
		*ret = xasprintf("Basic %s", encoded);
	}
	return 0;
}

int kube_transport_acquire(struct kube_transport *t, const atomic_bool *cancel, struct http_client **ret_http,
                           char **ret_authorization, unsigned *ret_credential, struct err *err)
{
	MUTEX_GUARD(&t->lock);
	if (t->config->token_file && refresh_file_token(t, err) < 0)
		return -1;
	if (wants_plugin(t->config) && refresh_plugin(t, cancel, err) < 0)
		return -1;
	if (authorization(t, ret_authorization, err) < 0)
		return -1;
	*ret_http = http_client_ref(t->http);
	*ret_credential = t->credential;
	return 0;
}

bool kube_transport_reject(struct kube_transport *t, unsigned credential)
{
	MUTEX_GUARD(&t->lock);
	if (t->credential != credential)
		return true; /* another call got a new one meanwhile */
	if (wants_plugin(t->config)) {
		t->has_plugin = false;
		return true;
	}
	if (t->config->token_file && t->file_token) {
		_cleanup_free_ char *text = NULL;
		if (fs_read_file(t->config->token_file, TOKEN_MAX, &text, NULL, NULL) < 0)
			return false;
		if (str_eq(str_strip(text), t->file_token))
			return false;
		t->file_time = (struct timespec){ 0 };
		return true;
	}
	return false;
}
