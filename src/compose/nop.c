/* The composition that makes a resource which stands for nothing. */

#include "nop.h"

#define NOP_NAME "nop"

static int compose_nop(void *self _unused_, const json_t *request, json_t **ret, struct err *err _unused_)
{
	json_t *parameters = json_at(request, "observed", "composite", "resource", "spec", "parameters", NULL);
	const char *policy = json_get_str(parameters, "deletionPolicy");
	json_t *resource = kube_object_new(&SCIA_NOP, "", "");
	/* From its first moment on, or its provider would have to begin with another write. */
	json_put(resource, "metadata", json_pack("{s:[s]}", "finalizers", SCIA_MANAGED_FINALIZER));
	json_put(resource, "spec",
	         json_pack("{s:s, s:o}", "deletionPolicy", policy ? policy : "Delete", "forProvider",
	                   parameters ? json_incref(parameters) : json_object()));
	*ret = json_pack("{s:{s:{s:{s:o}}}, s:[]}", "desired", "resources", NOP_NAME, "resource", resource, "results");
	return 0;
}

static const struct compose_function PIPELINE[] = { { .name = "nop", .run = compose_nop } };

const struct compose_composition COMPOSE_NOP = { "infrastructure-none", PIPELINE, ARRAY_SIZE(PIPELINE) };
