#ifndef APISERVER_ADMIT_H
#define APISERVER_ADMIT_H
/* Where requests and the admission chain meet: what is shown to the chain, and what its answers become. */

#include "request.h"
#include "write.h"

/* On an event thread: whether the request may have to wait for webhooks. */
bool admit_may_wait(struct api_request *req);

/* The wanted state, after defaults and managed fields. 1: in->obj was replaced by a new reference (the old one stays
 * the caller's), which needs shaping again; 0: nothing changed. Negative: refused. */
int admit_mutate(struct api_request *req, struct api_op *op, struct write_input *in, struct err *err);
/* The final state, valid. */
int admit_validate(struct api_request *req, struct api_op *op, const struct write_input *in, struct err *err);
/* Whether a stored object may be deleted. in_collection: the request names none. */
int admit_delete(struct api_request *req, const struct store_object *o, bool in_collection, struct err *err);

#endif
