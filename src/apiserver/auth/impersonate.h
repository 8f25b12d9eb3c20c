#ifndef APISERVER_IMPERSONATE_H
#define APISERVER_IMPERSONATE_H
/* Acting as somebody else: the headers Impersonate-User, -Group, -Uid and -Extra-KEY, as kubernetes' filter of that
 * name. */

#include "auth.h"
#include "net/http.h"

/* The request's headers that begin with Impersonate- (http_headers_clear()). */
void impersonate_headers(const struct http_request *http, struct http_headers *ret);

/* 1 and *ret when `user` may be whom the headers name; 0 when they name nobody. ERR_FORBIDDEN says what they may not
 * impersonate, and *ret_denial (may be NULL) is its Status; ERR_INTERNAL that the headers do not name a user (as
 * Kubernetes answers that). */
int impersonate(const struct authorizer *authorizer, const struct auth_user *user, const struct http_headers *headers,
                struct auth_user *ret, json_t **ret_denial, struct err *err);

#endif
