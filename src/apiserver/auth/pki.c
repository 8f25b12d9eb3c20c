/* DIR/pki: the CA, the serving certificate, the administrator's certificate; and the kubeconfig made of them. */
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "codec/base64.h"
#include "codec/yaml.h"
#include "pki.h"
#include "server.h"
#include "token_keys.h"

#define CA_DAYS 3650
#define CERT_DAYS 365
#define RENEW_NS (30 * 86400 * NS_PER_S)
#define PEM_MAX ((size_t)64 * 1024)

int server_write_file(const char *path, const char *text, mode_t mode, struct err *err)
{
	_cleanup_free_ char *there = NULL;

	if (fs_read_file(path, PEM_MAX * 4, &there, NULL, NULL) == 0 && strcmp(there, text) == 0)
		return 0;
	return fs_write_atomic(path, text, strlen(text), mode, err);
}

static int read_pair(struct pki *p, const char *name, struct tls_pair *ret, struct err *err)
{
	_cleanup_free_ char *cert = xasprintf("%s/pki/%s.crt", p->data_dir, name),
						*key = xasprintf("%s/pki/%s.key", p->data_dir, name);

	if (!fs_exists(cert) || !fs_exists(key))
		return 0;
	if (fs_read_file(cert, PEM_MAX, &ret->cert_pem, NULL, err) < 0 ||
	    fs_read_file(key, PEM_MAX, &ret->key_pem, NULL, err) < 0)
		return -1;
	return 0;
}

static int write_pair(struct pki *p, const char *name, const struct tls_pair *pair, struct err *err)
{
	_cleanup_free_ char *cert = xasprintf("%s/pki/%s.crt", p->data_dir, name),
						*key = xasprintf("%s/pki/%s.key", p->data_dir, name);

	/* The key first: a certificate without its key is of no use. */
	if (fs_write_atomic(key, pair->key_pem, strlen(pair->key_pem), 0600, err) < 0)
		return -1;
	return fs_write_atomic(cert, pair->cert_pem, strlen(pair->cert_pem), 0644, err);
}

void pki_clear(struct pki *p)
{
	tls_pair_clear(&p->ca);
	tls_pair_clear(&p->serving);
	tls_pair_clear(&p->admin);
}

int pki_read_ca(const char *data_dir, struct tls_pair *ret, struct err *err)
{
	struct pki p = { .data_dir = data_dir };

	if (read_pair(&p, "ca", ret, err) < 0)
		return -1;
	return ret->cert_pem ? 0 : err_set(err, ERR_NOT_FOUND, "%s/pki has no certificate authority", data_dir);
}

static bool is_fresh(const struct tls_pair *pair)
{
	return pair->cert_pem && tls_cert_expiry(pair->cert_pem) > (clock_wall_ns() + RENEW_NS) / NS_PER_S;
}

static int prepare_ca(struct pki *p, struct err *err)
{
	if (read_pair(p, "ca", &p->ca, err) < 0)
		return -1;
	if (is_fresh(&p->ca))
		return 0;
	tls_pair_clear(&p->ca);
	if (tls_ca_new("scia", CA_DAYS, &p->ca, err) < 0)
		return -1;
	return write_pair(p, "ca", &p->ca, err);
}

/* Keeps the one there is while it is of our CA, for these names and not about to expire. */
static int prepare_cert(struct pki *p, const char *name, const struct tls_cert_spec *spec, struct tls_pair *ret,
                        struct err *err)
{
	static const char *const no_names[] = { NULL };

	if (read_pair(p, name, ret, err) < 0)
		return -1;
	if (is_fresh(ret) && tls_cert_matches(ret->cert_pem, p->ca.cert_pem, spec->names ? spec->names : no_names))
		return 0;
	tls_pair_clear(ret);
	if (tls_cert_issue(&p->ca, spec, ret, err) < 0)
		return -1;
	return write_pair(p, name, ret, err);
}

bool pki_must_renew(const struct pki *p)
{
	return !is_fresh(&p->serving) || !is_fresh(&p->admin);
}

int pki_prepare(struct pki *p, const char *const *names, struct err *err)
{
	static const char *const masters[] = { "system:masters", NULL };
	_cleanup_free_ char *dir = xasprintf("%s/pki", p->data_dir);
	const struct tls_cert_spec serving = { .common_name = "scia", .names = names, .days = CERT_DAYS, .server = true };
	const struct tls_cert_spec admin = {
		.common_name = "admin", .organizations = masters, .days = CERT_DAYS, .client = true
	};

	if (fs_mkdir_p(dir, 0700, err) < 0 || prepare_ca(p, err) < 0)
		return err_wrap(err, "preparing %s", dir);
	if (prepare_cert(p, "serving", &serving, &p->serving, err) < 0 ||
	    prepare_cert(p, "admin", &admin, &p->admin, err) < 0)
		return err_wrap(err, "preparing %s", dir);
	return 0;
}

static void put_base64(json_t *obj, const char *key, const char *pem)
{
	_cleanup_free_ char *text = base64_encode(pem, strlen(pem));

	json_put_str(obj, key, text);
}

/* A kubeconfig of one cluster and one user (free()). */
static char *kubeconfig_text(const char *url, const char *ca_pem, const char *name, const struct tls_pair *pair,
                             struct err *err)
{
	json_t *cluster = json_pack("{s:s}", "server", url), *user = json_object();
	struct buf out = BUF_INIT(PEM_MAX * 4);

	put_base64(cluster, "certificate-authority-data", ca_pem);
	put_base64(user, "client-certificate-data", pair->cert_pem);
	put_base64(user, "client-key-data", pair->key_pem);
	_cleanup_json_ json_t *config = json_pack(
		"{s:s,s:s,s:[{s:s,s:o}],s:[{s:s,s:o}],s:[{s:s,s:{s:s,s:s}}],s:s,s:{}}", "apiVersion", "v1", "kind", "Config",
		"clusters", "name", "scia", "cluster", cluster, "users", "name", name, "user", user, "contexts", "name", "scia",
		"context", "cluster", "scia", "user", name, "current-context", "scia", "preferences");
	if (!config || yaml_write(config, &out) < 0) {
		buf_clear(&out);
		err_set(err, ERR_INTERNAL, "the kubeconfig cannot be written: is the name UTF-8?");
		return NULL;
	}
	return buf_steal(&out);
}

int pki_write_kubeconfig(struct apiserver *s, struct err *err)
{
	_cleanup_free_ char *text = kubeconfig_text(s->url, s->pki.ca.cert_pem, "admin", &s->pki.admin, err);

	return text ? server_write_file(s->kubeconfig_path, text, 0600, err) : -1;
}

/* Where the server is, as the administrator's kubeconfig says (free()). */
static char *server_url(const char *data_dir, struct err *err)
{
	_cleanup_free_ char *path = fs_join(data_dir, "kubeconfig"), *text = NULL;
	size_t len;

	if (fs_read_file(path, PEM_MAX * 4, &text, &len, err) < 0)
		return NULL;
	_cleanup_json_ json_t *config = yaml_parse(text, len, path, err);
	if (!config)
		return NULL;
	const json_t *cluster = json_array_get(json_object_get(config, "clusters"), 0);
	const char *url = json_str_at(cluster, "cluster", "server", NULL);
	if (!url)
		err_set(err, ERR_INVALID, "%s names no server", path);
	return xstrdup_or_null(url);
}

char *apiserver_user_kubeconfig(const char *data_dir, const char *name, const char *const *groups, int days,
                                struct err *err)
{
	const struct tls_cert_spec spec = { .common_name = name, .organizations = groups, .days = days, .client = true };
	struct pki p = { .data_dir = data_dir };
	_cleanup_tls_pair_ struct tls_pair pair = { 0 };
	_cleanup_free_ char *url = server_url(data_dir, err);
	char *text = NULL;

	if (url && read_pair(&p, "ca", &p.ca, err) == 0) {
		if (!p.ca.cert_pem)
			err_set(err, ERR_NOT_FOUND, "%s/pki has no certificate authority: start `scia up` once", data_dir);
		else if (tls_cert_issue(&p.ca, &spec, &pair, err) == 0)
			text = kubeconfig_text(url, p.ca.cert_pem, name, &pair, err);
	}
	pki_clear(&p);
	return text;
}

int apiserver_rotate_token_keys(const char *data_dir, struct err *err)
{
	_cleanup_free_ char *dir = fs_join(data_dir, "pki");

	return token_keys_rotate(dir, err);
}
