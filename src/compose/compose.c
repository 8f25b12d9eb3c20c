/* Running a pipeline: each function gets what the ones before it desired. */

#include "compose/compose.h"

#include "base/str.h"
#include "function/function.h"

static json_t *first_request(const json_t *composite, const json_t *observed_resources)
{
	return json_pack("{s:{s:s}, s:{s:{s:O}, s:O}, s:{s:{s:{}}, s:{}}, s:{}, s:{}}", "meta", "tag", kube_uid(composite),
	                 "observed", "composite", "resource", composite, "resources", observed_resources, "desired",
	                 "composite", "resource", "resources", "context", "input");
}

/* The first fatal result ends the pipeline. */
static int check_results(const struct compose_function *function, const json_t *results, struct err *err)
{
	size_t i;
	json_t *result;
	json_array_foreach (results, i, result) {
		if (json_get_int(result, "severity", FUNCTION_NORMAL) != FUNCTION_FATAL)
			continue;
		const char *message = json_get_str(result, "message");
		err_set(err, ERR_INVALID, "composition function %s: %s", function->name,
		        message ? message : "failed without a message");
		return err_set_terminal(err);
	}
	return 0;
}

static int run_step(const struct compose_function *function, json_t *request, json_t *results, struct err *err)
{
	_cleanup_json_ json_t *response = NULL;
	if (function->run(function->self, request, &response, err) < 0) {
		err_wrap(err, "composition function %s", function->name);
		return err->kind == ERR_INVALID ? err_set_terminal(err) : -1;
	}
	const json_t *said = json_object_get(response, "results");
	if (json_is_array(said))
		json_array_extend(results, (json_t *)said);
	if (check_results(function, said, err) < 0)
		return -1;
	/* As in Crossplane, a response's desired state replaces the request's: a function hands on what it wants to keep.
	 */
	json_t *desired = json_object_get(response, "desired"), *context = json_object_get(response, "context");
	if (json_is_object(desired))
		json_object_set(request, "desired", desired);
	if (json_is_object(context))
		json_object_set(request, "context", context);
	return 0;
}

int compose_run(const struct compose_composition *composition, const json_t *composite,
                const json_t *observed_resources, json_t **ret_desired, json_t **ret_results, struct err *err)
{
	_cleanup_json_ json_t *request = first_request(composite, observed_resources);
	_cleanup_json_ json_t *results = json_array();

	for (size_t i = 0; i < composition->pipeline_len; i++) {
		if (run_step(&composition->pipeline[i], request, results, err) < 0)
			return err_wrap(err, "composition %s", composition->name);
	}
	json_t *desired = json_object_get(request, "desired");
	json_ensure_object(desired, "resources");
	*ret_desired = json_incref(desired);
	*ret_results = TAKE_PTR(results);
	return 0;
}
