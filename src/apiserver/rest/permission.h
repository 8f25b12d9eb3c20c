#ifndef APISERVER_PERMISSION_H
#define APISERVER_PERMISSION_H
/* Who asks, in whose name, and whether they may: in this order, as in Kubernetes. On an event thread. */

#include "request.h"

/* Sets req->user; ERR_UNAUTHORIZED. */
int permission_authenticate(struct api_request *req, struct err *err);
/* Acts on the headers Impersonate-*: req->user is then who is meant. True when it was answered, because they may not.
 */
bool permission_impersonate(struct api_request *req);
/* ERR_FORBIDDEN. req->verb, path and options are known. */
int permission_authorize(struct api_request *req, struct err *err);

#endif
