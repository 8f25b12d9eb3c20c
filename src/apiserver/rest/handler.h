#ifndef APISERVER_HANDLER_H
#define APISERVER_HANDLER_H
/* Requests that are no resources. */

#include "request.h"

/* /healthz, /livez, /readyz; /version. True when the path is one of these; needs no credentials. */
bool handle_public(struct api_request *req);
void handle_metrics(struct api_request *req);
/* On a worker. */
void handle_backup(struct api_request *req);

/* The check named in a path below /healthz, /livez or /readyz; NULL: of all checks, or (*ret_kind is NULL) no such
 * path.
 */
const char *health_check_of(const char *path, const char **ret_kind);
/* Answers for "healthz", "livez" or "readyz"; only: the name of a single check, or NULL. */
void respond_health(struct api_request *req, const char *kind, const char *only);

#endif
