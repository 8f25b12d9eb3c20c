#ifndef APISERVER_WRITE_FIELDS_H
#define APISERVER_WRITE_FIELDS_H
/* What managed fields need to know of a request and its type. */

#include "patch/apply.h"
#include "request.h"

struct write_fields {
	struct apply_request request;
	struct apply_versions versions;
	char manager[129];
};

/* Filled for a write through the subresource ("": none); the parts point into each other, so it may not be moved. */
void write_fields_init(struct write_fields *f, const struct api_request *req, const char *subresource);
#endif
