#ifndef APISERVER_AUTH_H
#define APISERVER_AUTH_H
/* Who asks (authentication) and what they may do (authorisation). */

#include "base/err.h"
#include "codec/json.h"
#include "net/http_server.h"

struct auth_user {
	char *name, *uid;
	char **groups; /* NULL-terminated */
	json_t *extra; /* key → array of strings; NULL: none */
};
void auth_user_clear(struct auth_user *u);
/* A copy, to be cleared. */
struct auth_user auth_user_copy(const struct auth_user *u);
bool auth_user_in(const struct auth_user *u, const char *group);
/* As in SelfSubjectReview: {username, uid, groups, extra}. */
json_t *auth_user_json(const struct auth_user *u);

/* One question to the authorizer. Strings are never NULL. */
struct auth_attributes {
	const char *verb, *group, *version, *resource, *subresource, *ns, *name;
	const char *path;
	bool non_resource; /* it is about the path; else about the resource, which may be "" in questions of reviews */
};

/* Decides. allow() is called on event threads and must not block; the reason of either answer (free(), may be NULL) is
 * only worked out when ret_reason is not NULL. rules() appends to two arrays what the user may do in a namespace
 * (SelfSubjectRulesReview). */
struct authorizer {
	bool (*allow)(void *self, const struct auth_user *user, const struct auth_attributes *a, char **ret_reason);
	void (*rules)(void *self, const struct auth_user *user, const char *ns, json_t *resource_rules,
	              json_t *non_resource_rules);
	void *self;
};
/* The Status of a refusal, whose details name what was asked for; a new reference. */
json_t *auth_denial(const struct auth_attributes *a, const struct err *err);
/* Sets ERR_FORBIDDEN in Kubernetes' words. Returns -1. */
int auth_set_forbidden(const struct auth_user *user, const struct auth_attributes *a, const char *reason,
                       struct err *err);

#endif
