#ifndef APISERVER_AUTHN_H
#define APISERVER_AUTHN_H
/* Authentication: client certificates of our CA, and bearer tokens of this process' components, of a token file, and of
 * service accounts. Thread-safe; nothing here blocks. */

#include "account_tokens.h"
#include "auth.h"

struct authn;
/* accounts is borrowed; NULL: there are none. */
struct authn *authn_new(struct account_tokens *accounts);
struct authn *authn_free(struct authn *a);
/* A new token for a component of this process (free()). */
char *authn_component_token(struct authn *a, const char *component);
/* Takes in a file of lines `token,user,uid,"group1,group2"` (CSV; the groups may be missing). Before requests come. */
int authn_load_token_file(struct authn *a, const char *path, struct err *err);
/* The same from its text; name is for messages. */
int authn_add_tokens(struct authn *a, const char *text, const char *name, struct err *err);

/* Whose token it is: 1 with *ret, and *ret_audiences (strv) those of `audiences` (NULL: the API's) that it is for; else
 * negative, ERR_UNAUTHORIZED says why (for TokenReviews: a request is told nothing). */
int authn_token(struct authn *a, const char *token, char *const *audiences, struct auth_user *ret,
                char ***ret_audiences, struct err *err);
/* ERR_UNAUTHORIZED when the request carries no valid credentials. */
int authn_request(struct authn *a, const struct http_request *http, struct auth_user *ret, struct err *err);

#endif
