#ifndef FUNCTION_RENDER_H
#define FUNCTION_RENDER_H
/* A composition's pipeline run here, with no cluster, to the output of `crossplane render`. */

#include "function/function.h"

/* Where they differ: Crossplane 1.20 gives every resource a generateName; 2 only those without a name, puts
 * resources into their composite's namespace, and lets functions say whether the composite is ready; from 2.3 on what
 * is printed is what a reconcile of the composite leaves behind: uid and names are made (the same each time), the
 * composite refers to its resources and has all its conditions, results are events. */
enum render_form { RENDER_V1, RENDER_V2, RENDER_RECONCILE };

/* "v1", "1.20", "v2", "v2.1.3", "2.4", …: the form of that version's output. False: no version. */
bool render_form_parse(const char *version, enum render_form *ret);

struct render_input {
	const json_t *xr, *composition;
	const json_t *functions; /* an array: Functions of pkg.crossplane.io */
	const json_t *observed;  /* an array: composed resources, named by crossplane.io/composition-resource-name; NULL */
	const json_t *required;  /* an array: what functions may ask for; NULL */
	const json_t *extra;     /* likewise, but not for requirements of steps before 2.3; NULL */
	const json_t *schemas;   /* an array: OpenAPI v3 documents that functions may ask for; NULL */
	const json_t *xrd;       /* of the composite: tells whether it is one of Crossplane 1, in 2.3; NULL */
	const json_t *credentials; /* an array of Secrets; NULL */
	const json_t *context;     /* an object; NULL */
	enum render_form form;
	bool include_full_xr, include_results, include_context;
	int64_t deadline_ns; /* monotonic; of all steps */
};

/* *ret: a new array of the documents, the composite first. The functions run as worker 0. */
int render_run(struct functions *f, const struct render_input *in, json_t **ret, struct err *err);

#endif
