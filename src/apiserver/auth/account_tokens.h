#ifndef APISERVER_ACCOUNT_TOKENS_H
#define APISERVER_ACCOUNT_TOKENS_H
/* Tokens of service accounts (KEP-1205): bound ones with an end, which die with their account and with the object they
 * are bound to, and those of secrets of type kubernetes.io/service-account-token. Thread-safe; nothing here blocks. */

#include "auth.h"
#include "store/store.h"
#include "token_keys.h"

/* The issuer, which is also the audience of the API itself. */
#define TOKEN_ISSUER "https://kubernetes.default.svc.cluster.local"
/* That of secrets' tokens. */
#define TOKEN_ISSUER_LEGACY "kubernetes/serviceaccount"

struct account_tokens;
/* keys and store are borrowed. */
struct account_tokens *account_tokens_new(struct store *store, struct token_keys *keys);
struct account_tokens *account_tokens_free(struct account_tokens *t);

/* What a bound token says. */
struct account_token_spec {
	const char *ns, *name, *uid; /* of the account */
	char *const *audiences;      /* at least one */
	int64_t now_s, seconds;
	const char *bound_kind, *bound_name, *bound_uid; /* "pod", "secret", "node"; NULL: to the account only */
};
/* free(). */
char *account_tokens_issue(struct account_tokens *t, const struct account_token_spec *spec, struct err *err);
/* That of a secret, without an end (free()). */
char *account_tokens_issue_for_secret(struct account_tokens *t, const char *ns, const char *name, const char *uid,
                                      const char *secret, struct err *err);

/* Whose token it is: 1, with *ret, and *ret_audiences (strv) those of `audiences` (NULL: the API's) that it is for; 0
 * when it is no token of an account; negative when it is one that does not count: ERR_UNAUTHORIZED says why. */
int account_tokens_authenticate(struct account_tokens *t, const char *token, char *const *audiences,
                                struct auth_user *ret, char ***ret_audiences, struct err *err);

#endif
