#ifndef APISERVER_JWT_H
#define APISERVER_JWT_H
/* JSON Web Tokens in compact form (RFC 7519, RFC 7515): taking them apart, checking them, making them. No I/O. */

#include "net/sign.h"

/* Longer texts are no tokens; those of Kubernetes have about 1 KiB. */
#define JWT_MAX ((size_t)16 * 1024)

struct jwt {
	char *algorithm, *key_id; /* key_id may be NULL */
	json_t *claims;           /* an object */
	size_t signed_len;        /* the part of the token that is signed */
	unsigned char *signature;
	size_t signature_len;
};

/* Takes a token apart; nothing of it is to be believed before jwt_verify(). ERR_BAD_REQUEST. */
int jwt_parse(const char *token, struct jwt *ret, struct err *err);
void jwt_clear(struct jwt *j);
#define _cleanup_jwt_ _cleanup_(jwt_clear)
/* Whether the key signed it, with the algorithm that is the key's own: what the token says does not choose. */
bool jwt_verify(const struct jwt *j, const char *token, const struct sign_key *key);
/* The token of these claims (free()). */
char *jwt_issue(const struct sign_key *key, const json_t *claims, struct err *err);

enum jwt_time { JWT_VALID, JWT_EXPIRED, JWT_NOT_YET, JWT_FROM_THE_FUTURE };
/* Clocks may differ by so much. */
#define JWT_LEEWAY_S 60
/* By exp, nbf and iat, as far as they are there. */
enum jwt_time jwt_check_time(const json_t *claims, int64_t now_s);
/* The claim "aud", one or several (strv); NULL: none. */
char **jwt_audiences(const json_t *claims);

#endif
