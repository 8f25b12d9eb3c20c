#ifndef APISERVER_TOKEN_REQUEST_H
#define APISERVER_TOKEN_REQUEST_H
/* serviceaccounts/NAME/token, and what others need to check such tokens. Handlers on a worker. */

#include "rest/request.h"

void handle_token_request(struct api_request *req);
/* /.well-known/openid-configuration and /openid/v1/jwks. */
void handle_openid_configuration(struct api_request *req);
void handle_jwks(struct api_request *req);

#endif
