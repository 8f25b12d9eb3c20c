#ifndef FUNCTION_RENDER_RENDER_INTERNAL_H
#define FUNCTION_RENDER_RENDER_INTERNAL_H
/* What the parts of rendering share. pipeline.c: steps; as_struct.c: what
 * functions see; requirements.c: what they ask for; runtime.c: calling one
 * function, here or over gRPC; metadata.c: names, labels, owners, conditions; reconcile.c: what Crossplane 2.3 does in
 * addition; render.c: the documents. */

#include "function/render.h"

#define RENDER_COMPOSITE_LABEL "crossplane.io/composite"
/* Any would do, as nothing was observed to change. */
#define RENDER_CONDITION_TIME "2024-01-01T00:00:00Z"
#define RENDER_RESOURCE_NAME "crossplane.io/composition-resource-name"

struct render {
	struct functions *functions;
	const struct render_input *in;
	json_t *xr;        /* the composite, as functions see it */
	json_t *observed;  /* State: composite and resources */
	json_t *resources; /* an array: all that functions may ask for */
	bool is_legacy;    /* a composite of Crossplane 1: references right below spec */
	/* After each step: what the next begins with. */
	json_t *desired, *context;
	json_t *conditions, *results; /* of all steps */
};

static inline bool render_is_v2(const struct render *r)
{
	return r->in->form != RENDER_V1;
}

/* Runs all steps. */
int render_pipeline(struct render *r, struct err *err);
/* One call of the function of that name: in this process, or over gRPC. NULL: err. */
json_t *render_call(struct render *r, const char *function, const json_t *request, struct err *err);

/* A new reference: what functions see of a value. */
json_t *render_as_struct(const json_t *v);
/* What a step's requirements and a response's ask for. */
json_t *render_bootstrap_resources(const struct render *r, const json_t *step);
json_t *render_bootstrap_schemas(const struct render *r, const json_t *step);
/* Adds what each selector finds to into[name]; what is not there is an empty answer. */
void render_fetch_resources(const struct render *r, const json_t *selectors, json_t *into);
void render_fetch_schemas(const struct render *r, const json_t *selectors, json_t *into);

/* Name, labels, annotation and owner of a composed resource, from its composite. */
int render_metadata(const struct render *r, json_t *object, const json_t *observed, const char *name, struct err *err);
/* metadata.FIELD; "" removes it, and makes no metadata for it. */
void render_set_metadata(json_t *object, const char *field, const char *value);
/* Sets status.conditions: replaces the one of the same type, or appends. */
void render_set_condition(json_t *object, json_t *condition);
/* A new reference. message: NULL or "" for none. */
json_t *render_condition(const char *type, const char *status, const char *reason, const char *message);
/* One result document; from 2.3 on an event. */
void render_add_result(struct render *r, const char *step, int64_t severity, const char *reason, const char *message);

/* ---- 2.3 ---- */

/* Makes the composite what functions see: with a uid, labels, its composition, and references to what is observed. */
int render_reconcile_begin(struct render *r, struct err *err);
/* A name for a resource without one: generateName and a hash of its owner and its name in the composition. */
void render_generate_name(const struct render *r, json_t *object, const char *name);
/* The composite that it leaves behind; resources: an array of the composed ones, as rendered. */
json_t *render_reconcile_composite(struct render *r, const json_t *resources, json_t *ready);

#endif
