#ifndef FUNCTION_RENDER_H
#define FUNCTION_RENDER_H
/* A composition's pipeline run here, with no cluster, to the output of `crossplane render`. */

#include "function/function.h"

/* Where the two differ: Crossplane 1.20 gives every resource a generateName; 2 only those without a name, puts
 * resources into their composite's namespace, and lets functions say whether the composite is ready. */
enum render_form { RENDER_V2, RENDER_V1 };

struct render_input {
	const json_t *xr, *composition;
	const json_t *functions; /* an array: Functions of pkg.crossplane.io */
	const json_t *observed;  /* an array: composed resources, named by crossplane.io/composition-resource-name; NULL */
	const json_t *required;  /* an array: what functions may ask for; NULL */
	const json_t *credentials; /* an array of Secrets; NULL */
	const json_t *context;     /* an object; NULL */
	enum render_form form;
	bool include_full_xr, include_results, include_context;
	int64_t deadline_ns; /* monotonic; of all steps */
};

/* *ret: a new array of the documents, the composite first. The functions run as worker 0. */
int render_run(struct functions *f, const struct render_input *in, json_t **ret, struct err *err);

#endif
