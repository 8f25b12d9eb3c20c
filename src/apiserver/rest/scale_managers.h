#ifndef APISERVER_SCALE_MANAGERS_H
#define APISERVER_SCALE_MANAGERS_H
/* Managed fields across the scale subresource. path: of the replicas in the object, ".spec.replicas". */

#include "codec/json.h"

/* Gives a Scale the managers that own the number. */
void scale_managers_view(const json_t *obj, const char *path, json_t *scale);
/* Gives the object those that own it now, in its own version. */
void scale_managers_take(const json_t *scale, const char *api_version, const char *path, json_t *obj);

#endif
