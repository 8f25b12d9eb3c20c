#ifndef APISERVER_CONTINUE_TOKEN_H
#define APISERVER_CONTINUE_TOKEN_H
/* Tokens that continue a list in pages, in the form Kubernetes gives them (k8s.io/apiserver/pkg/storage/continue.go):
 * base64url, without padding, of {"v":"meta.k8s.io/v1","rv":N,"start":KEY}. KEY is the last key of the page before:
 * "NAME", or "NAMESPACE/NAME" in a list of all namespaces. */

#include "request.h"

#define CONTINUE_INCONSISTENT INT64_C(-1) /* a token's version: whatever is there now */

struct continue_token {
	int64_t version;
	char *ns, *name; /* the list goes on behind these */
};

/* The namespace of a list whose keys are names only ("" for cluster-scoped types); NULL: keys hold the namespace. */
const char *continue_scope(const struct api_request *req);
/* free(). */
char *continue_token_write(int64_t version, const char *ns, const char *name, const char *scope);
/* ERR_BAD_REQUEST. */
int continue_token_read(const char *text, const char *scope, struct continue_token *ret, struct err *err);
void continue_token_clear(struct continue_token *t);

#endif
