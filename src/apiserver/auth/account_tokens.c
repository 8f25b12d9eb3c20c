#include "account_tokens.h"

#include "base/clock.h"
#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"
#include "codec/base64.h"
#include "codec/sha256.h"
#include "jwt.h"
#include "objects/object_meta.h"
#include "service_account.h"

#include <stdio.h>

/* Tokens whose signature was checked. When there are more, all are forgotten: each costs one check then. */
#define VERIFIED_MAX 4096
#define LEGACY_CLAIM "kubernetes.io/serviceaccount/"

/* An object that a token names: it must be there, and be the same one. */
struct token_ref {
	char *name, *uid;
};

/* What a token says, once its signature was found good. Immutable. */
struct verified {
	atomic_size_t refs;
	json_t *claims;
	uint64_t generation; /* of the keys */
	char *ns, *token_id, **audiences;
	struct token_ref account, secret, pod, node; /* name NULL: none */
	bool legacy;
};

struct account_tokens {
	struct store *store;
	struct token_keys *keys;
	pthread_mutex_t lock;
	struct map *verified; /* SHA-256 of the token → struct verified */
};

/* ---- what a token says ---- */

static void ref_clear(struct token_ref *r)
{
	free(r->name);
	free(r->uid);
}

static void verified_unref(void *p)
{
	struct verified *v = p;

	if (!v || atomic_fetch_sub_explicit(&v->refs, 1, memory_order_acq_rel) != 1)
		return;
	json_decref(v->claims);
	free(v->ns);
	free(v->token_id);
	strv_free(v->audiences);
	ref_clear(&v->account);
	ref_clear(&v->secret);
	ref_clear(&v->pod);
	ref_clear(&v->node);
	free(v);
}
DEFINE_CLEANUP(struct verified *, verified_unref)

static struct token_ref ref_of(const json_t *v)
{
	return (struct token_ref){ .name = xstrdup_or_null(json_get_str(v, "name")),
		                       .uid = xstrdup_or_null(json_get_str(v, "uid")) };
}

static void read_bound(struct verified *v)
{
	const json_t *own = json_object_get(v->claims, "kubernetes.io");

	v->ns = xstrdup_or_null(json_get_str(own, "namespace"));
	v->token_id = xstrdup_or_null(json_get_str(v->claims, "jti"));
	v->account = ref_of(json_object_get(own, "serviceaccount"));
	v->secret = ref_of(json_object_get(own, "secret"));
	v->pod = ref_of(json_object_get(own, "pod"));
	v->node = ref_of(json_object_get(own, "node"));
	v->audiences = jwt_audiences(v->claims);
}

static void read_legacy(struct verified *v)
{
	v->legacy = true;
	v->ns = xstrdup_or_null(json_get_str(v->claims, LEGACY_CLAIM "namespace"));
	v->account.name = xstrdup_or_null(json_get_str(v->claims, LEGACY_CLAIM "service-account.name"));
	v->account.uid = xstrdup_or_null(json_get_str(v->claims, LEGACY_CLAIM "service-account.uid"));
	v->secret.name = xstrdup_or_null(json_get_str(v->claims, LEGACY_CLAIM "secret.name"));
	v->audiences = jwt_audiences(v->claims);
}

struct signed_token {
	const struct jwt *jwt;
	const char *token;
};

static bool signed_by(const void *self, const struct sign_key *key)
{
	const struct signed_token *s = self;

	/* Names of keys are digests: no other key can have made it. */
	if (s->jwt->key_id && strcmp(s->jwt->key_id, sign_key_id(key)) != 0)
		return false;
	return jwt_verify(s->jwt, s->token, key);
}

/* 1 and a reference; 0: it is not ours; negative: it was forged. */
static int verify(struct account_tokens *t, const char *token, uint64_t generation, struct verified **ret,
                  struct err *err)
{
	_cleanup_jwt_ struct jwt jwt = { 0 };

	if (jwt_parse(token, &jwt, NULL) < 0)
		return 0;
	const char *issuer = json_get_str(jwt.claims, "iss");
	if (!str_eq(issuer, TOKEN_ISSUER) && !str_eq(issuer, TOKEN_ISSUER_LEGACY))
		return 0;
	const struct signed_token s = { &jwt, token };
	_cleanup_(sign_key_unrefp) struct sign_key *key = token_keys_find(t->keys, signed_by, &s);
	if (!key)
		return err_set(err, ERR_UNAUTHORIZED, "invalid bearer token");
	struct verified *v = new0(struct verified);
	atomic_init(&v->refs, 1);
	v->generation = generation;
	v->claims = TAKE_PTR(jwt.claims);
	if (strcmp(issuer, TOKEN_ISSUER) == 0)
		read_bound(v);
	else
		read_legacy(v);
	*ret = v;
	return 1;
}

/* The same, without checking a signature twice. */
static int look_up(struct account_tokens *t, const char *token, struct verified **ret, struct err *err)
{
	uint64_t generation = token_keys_generation(t->keys);
	char digest[65];

	sha256_hex(token, strlen(token), digest);
	pthread_mutex_lock(&t->lock);
	struct verified *v = map_get(t->verified, digest);
	if (v && v->generation == generation)
		atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
	else
		v = NULL;
	pthread_mutex_unlock(&t->lock);
	if (v) {
		*ret = v;
		return 1;
	}
	int r = verify(t, token, generation, &v, err);
	if (r <= 0)
		return r;
	atomic_fetch_add_explicit(&v->refs, 1, memory_order_relaxed);
	*ret = v;
	MUTEX_GUARD(&t->lock);
	if (map_len(t->verified) >= VERIFIED_MAX)
		map_clear(t->verified);
	map_set(t->verified, digest, v);
	return 1;
}

/* ---- whether it still counts ---- */

static int refuse(struct err *err, const char *why)
{
	return err_set(err, ERR_UNAUTHORIZED, "%s", why);
}

static int check_time(const struct verified *v, struct err *err)
{
	switch (jwt_check_time(v->claims, clock_wall_ns() / NS_PER_S)) {
	case JWT_EXPIRED:
		return refuse(err, "service account token has expired");
	case JWT_NOT_YET:
		return refuse(err, "service account token is not valid yet");
	case JWT_FROM_THE_FUTURE:
		return refuse(err, "service account token is issued in the future");
	case JWT_VALID:
		break;
	}
	/* A token without an end would be good for ever. */
	if (!v->legacy && !json_object_get(v->claims, "exp"))
		return refuse(err, "service account token has expired");
	return 0;
}

static int check_account(struct account_tokens *t, const struct verified *v, struct err *err)
{
	if (str_empty(v->ns) || str_empty(v->account.name) || str_empty(v->account.uid))
		return refuse(err, "service account token names no service account");
	_cleanup_(store_object_unrefp) struct store_object *o = store_get(t->store, "/serviceaccounts", v->ns,
	                                                                  v->account.name);
	if (!o)
		return err_set(err, ERR_UNAUTHORIZED, "serviceaccounts \"%s\" not found", v->account.name);
	if (!str_eq(o->uid, v->account.uid))
		return err_set(err, ERR_UNAUTHORIZED, "service account UID (%s) does not match claim (%s)", o->uid,
		               v->account.uid);
	return 0;
}

static int check_bound(struct account_tokens *t, const char *resource, const char *ns, const struct token_ref *ref,
                       struct err *err)
{
	if (!ref->name)
		return 0;
	_cleanup_(store_object_unrefp) struct store_object *o = store_get(t->store, resource, ns, ref->name);
	if (!o || !str_eq(o->uid, ref->uid))
		return refuse(err, "service account token has been invalidated");
	return 0;
}

/* Without looking at where two texts differ. */
static bool same_secret(const char *a, const char *b)
{
	size_t len = strlen(a);
	unsigned char differ = 0;

	if (strlen(b) != len)
		return false;
	for (size_t i = 0; i < len; i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return differ == 0;
}

/* The secret must still hold this very token. */
static int check_legacy_secret(struct account_tokens *t, const struct verified *v, const char *token, struct err *err)
{
	_cleanup_(store_object_unrefp) struct store_object *o = store_get(t->store, "/secrets", v->ns,
	                                                                  v->secret.name ? v->secret.name : "");
	_cleanup_json_ json_t *secret = o ? json_parse(o->text->data, o->text->len, 0, NULL) : NULL;
	const char *encoded = json_str_at(secret, "data", "token", NULL);
	size_t len = 0;
	_cleanup_free_ char *kept = encoded ? base64_decode(encoded, strlen(encoded), &len) : NULL;
	bool same = kept && same_secret(kept, token);

	if (kept)
		explicit_bzero(kept, len);
	return same ? 0 : refuse(err, "service account token has been invalidated");
}

static char *quoted_list(char *const *v)
{
	_cleanup_buf_ struct buf out = BUF_INIT(JWT_MAX);

	buf_putc(&out, '[');
	for (size_t i = 0; v && v[i]; i++)
		buf_printf(&out, "%s\"%s\"", i ? " " : "", v[i]);
	buf_putc(&out, ']');
	return buf_steal(&out);
}

/* The wanted audiences among the token's. A token of a secret is for the API. */
static int check_audiences(const struct verified *v, char *const *wanted, char ***ret, struct err *err)
{
	static char api[] = TOKEN_ISSUER, *const own[] = { api, NULL };
	char *const *has = v->audiences ? v->audiences : own, **both = NULL;

	wanted = wanted && *wanted ? wanted : own;
	for (size_t i = 0; has[i]; i++)
		if (str_in(has[i], (const char *const *)wanted))
			strv_push(&both, has[i]);
	if (both) {
		*ret = both;
		return 0;
	}
	_cleanup_free_ char *a = quoted_list(has), *b = quoted_list(wanted);
	return err_set(err, ERR_UNAUTHORIZED, "token audiences %s is invalid for the target audiences %s", a, b);
}

static int check(struct account_tokens *t, const struct verified *v, const char *token, struct err *err)
{
	if (check_time(v, err) < 0 || check_account(t, v, err) < 0 || check_bound(t, "/pods", v->ns, &v->pod, err) < 0 ||
	    check_bound(t, "/nodes", "", &v->node, err) < 0)
		return -1;
	return v->legacy ? check_legacy_secret(t, v, token, err) : check_bound(t, "/secrets", v->ns, &v->secret, err);
}

static void add_extra(struct auth_user *u, const char *key, const char *value)
{
	if (!value)
		return;
	if (!u->extra)
		u->extra = json_object();
	json_push_str(json_ensure_array(u->extra, key), value);
}

static void describe_user(const struct verified *v, struct auth_user *u)
{
	*u = (struct auth_user){ .name = xasprintf(SERVICE_ACCOUNT_USER "%s:%s", v->ns, v->account.name),
		                     .uid = xstrdup(v->account.uid) };
	service_account_groups(v->ns, &u->groups);
	strv_push(&u->groups, "system:authenticated");
	if (v->token_id) {
		_cleanup_free_ char *id = xasprintf("JTI=%s", v->token_id);
		add_extra(u, "authentication.kubernetes.io/credential-id", id);
	}
	add_extra(u, "authentication.kubernetes.io/node-name", v->node.name);
	add_extra(u, "authentication.kubernetes.io/node-uid", v->node.uid);
	add_extra(u, "authentication.kubernetes.io/pod-name", v->pod.name);
	add_extra(u, "authentication.kubernetes.io/pod-uid", v->pod.uid);
}

int account_tokens_authenticate(struct account_tokens *t, const char *token, char *const *audiences,
                                struct auth_user *ret, char ***ret_audiences, struct err *err)
{
	_cleanup_(verified_unrefp) struct verified *v = NULL;
	_cleanup_strv_ char **both = NULL;
	int r = look_up(t, token, &v, err);

	if (r <= 0)
		return r;
	if (check_audiences(v, audiences, &both, err) < 0 || check(t, v, token, err) < 0)
		return -1;
	describe_user(v, ret);
	if (ret_audiences)
		*ret_audiences = TAKE_PTR(both);
	return 1;
}

/* ---- making tokens ---- */

struct account_tokens *account_tokens_new(struct store *store, struct token_keys *keys)
{
	struct account_tokens *t = new0(struct account_tokens);

	t->store = store;
	t->keys = keys;
	t->verified = map_new(verified_unref);
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

struct account_tokens *account_tokens_free(struct account_tokens *t)
{
	if (!t)
		return NULL;
	map_free(t->verified);
	pthread_mutex_destroy(&t->lock);
	free(t);
	return NULL;
}

static json_t *ref_json(const char *name, const char *uid)
{
	return json_pack("{s:s,s:s}", "name", name, "uid", uid);
}

static char *issue(struct account_tokens *t, const json_t *claims, struct err *err)
{
	_cleanup_(sign_key_unrefp) struct sign_key *key = token_keys_signer(t->keys);

	return jwt_issue(key, claims, err);
}

char *account_tokens_issue(struct account_tokens *t, const struct account_token_spec *spec, struct err *err)
{
	_cleanup_json_ json_t *claims = json_object();
	json_t *audiences = json_array(), *own = json_object();

	for (size_t i = 0; spec->audiences[i]; i++)
		json_push_str(audiences, spec->audiences[i]);
	json_put(claims, "aud", audiences);
	json_put_int(claims, "exp", spec->now_s + spec->seconds);
	json_put_int(claims, "iat", spec->now_s);
	json_put_str(claims, "iss", TOKEN_ISSUER);
	json_put(claims, "jti", object_meta_uid());
	json_put(claims, "kubernetes.io", own);
	json_put_str(own, "namespace", spec->ns);
	if (spec->bound_kind)
		json_put(own, spec->bound_kind, ref_json(spec->bound_name, spec->bound_uid));
	json_put(own, "serviceaccount", ref_json(spec->name, spec->uid));
	json_put_int(claims, "nbf", spec->now_s);
	json_put(claims, "sub", json_strf(SERVICE_ACCOUNT_USER "%s:%s", spec->ns, spec->name));
	return issue(t, claims, err);
}

char *account_tokens_issue_for_secret(struct account_tokens *t, const char *ns, const char *name, const char *uid,
                                      const char *secret, struct err *err)
{
	_cleanup_json_ json_t *claims = json_object();

	json_put_str(claims, "iss", TOKEN_ISSUER_LEGACY);
	json_put_str(claims, LEGACY_CLAIM "namespace", ns);
	json_put_str(claims, LEGACY_CLAIM "secret.name", secret);
	json_put_str(claims, LEGACY_CLAIM "service-account.name", name);
	json_put_str(claims, LEGACY_CLAIM "service-account.uid", uid);
	json_put(claims, "sub", json_strf(SERVICE_ACCOUNT_USER "%s:%s", ns, name));
	return issue(t, claims, err);
}
