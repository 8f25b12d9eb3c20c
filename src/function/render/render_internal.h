#ifndef FUNCTION_RENDER_RENDER_INTERNAL_H
#define FUNCTION_RENDER_RENDER_INTERNAL_H
/* What the parts of rendering share. pipeline.c: steps, and what they ask for; runtime.c: calling one function, here or
 * over gRPC; metadata.c: names, labels, owners; render.c: the documents. */

#include "function/render.h"

#define RENDER_RESOURCE_NAME "crossplane.io/composition-resource-name"

struct render {
	struct functions *functions;
	const struct render_input *in;
	json_t *observed; /* State: composite and resources */
	/* After each step: what the next begins with. */
	json_t *desired, *context;
	json_t *conditions, *results; /* of all steps */
};

/* Runs all steps. */
int render_pipeline(struct render *r, struct err *err);
/* One call of the function of that name: in this process, or over gRPC. NULL: err. */
json_t *render_call(struct render *r, const char *function, const json_t *request, struct err *err);

/* Name, labels, annotation and owner of a composed resource, from its composite. */
int render_metadata(const struct render_input *in, json_t *object, const json_t *observed, const char *name,
                    struct err *err);
/* Sets status.conditions: replaces the one of the same type, or appends. */
void render_set_condition(json_t *object, json_t *condition);
/* A new reference. message: NULL or "" for none. */
json_t *render_condition(const char *type, const char *status, const char *reason, const char *message);

#endif
