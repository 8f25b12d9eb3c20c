#include "functions.h"

#include "base/str.h"
#include "call.h"

static const struct {
	const char *name;
	function_fn run;
	const char *group; /* of the inputs */
	bool knows_kept;   /* requests whose Structs are bytes */
} KINDS[] = {
	[FUNCTION_KCL] = { "kcl", kcl_function_run, "krm.kcl.dev/", true },
	[FUNCTION_AUTO_READY] = { "auto-ready", auto_ready_run, "autoready.fn.crossplane.io/", true },
	[FUNCTION_ENVIRONMENT_CONFIGS] = { "environment-configs", environment_configs_run,
	                                   "environmentconfigs.fn.crossplane.io/", false },
	[FUNCTION_PATCH_AND_TRANSFORM] = { "patch-and-transform", patch_and_transform_run, "pt.fn.crossplane.io/", false },
};

bool function_kind_parse(const char *name, enum function_kind *ret)
{
	const char *last = strrchr(name, '/');
	_cleanup_free_ char *word = xstrdup(last ? last + 1 : name);
	const char *rest;

	/* :v1.2.3 or @sha256:… */
	word[strcspn(word, ":@")] = '\0';
	/* "crossplane-contrib-function-kcl" is what Crossplane names a Function that it installs as a dependency. */
	rest = strstr(word, "function-");
	rest = rest ? rest + strlen("function-") : word;
	if (str_eq(rest, "all")) {
		*ret = FUNCTION_ANY;
		return true;
	}
	for (size_t i = 0; i < ARRAY_SIZE(KINDS); i++)
		if (str_eq(rest, KINDS[i].name)) {
			*ret = (enum function_kind)i;
			return true;
		}
	return false;
}

enum function_kind function_of_input(const struct functions *f, const json_t *input)
{
	const char *version = json_get_str(input, "apiVersion");

	for (size_t i = 0; version && i < ARRAY_SIZE(KINDS); i++)
		if (str_starts_with(version, KINDS[i].group))
			return (enum function_kind)i;
	if (version)
		return FUNCTION_ANY;
	return functions_default_source(f) ? FUNCTION_KCL : FUNCTION_AUTO_READY;
}

/* A new reference. */
static json_t *run(struct function_call *call, enum function_kind kind, const struct function_limits *limits)
{
	if (limits)
		call->deadline_ns = limits->deadline_ns;
	call->cancelled = limits ? limits->cancelled : NULL;
	call_begin(call);
	if (kind == FUNCTION_ANY)
		kind = function_of_input(call->functions, json_object_get(call->request, "input"));
	if (kind == FUNCTION_ANY)
		call_fatal(call, "there is no function for an input of apiVersion %s here",
		           json_str_at(call->request, "input", "apiVersion", NULL));
	else
		KINDS[kind].run(call);
	return call->response;
}

json_t *function_run(struct functions *f, unsigned worker, enum function_kind kind, const json_t *request,
                     const struct function_limits *limits)
{
	struct function_call call = { .functions = f, .worker = worker, .request = request };

	return run(&call, kind, limits);
}

/* In the form that the function knows. Which one it is, the input says, which is decoded in either. */
static json_t *decode(struct function_call *call, enum function_kind *kind, const void *request, size_t len,
                      struct err *err)
{
	json_t *decoded = pb_decode_kept(FUNCTION_REQUEST, request, len, err);

	if (*kind == FUNCTION_ANY)
		*kind = function_of_input(call->functions, json_object_get(decoded, "input"));
	call->kept = *kind == FUNCTION_ANY || KINDS[*kind].knows_kept;
	if (!decoded || call->kept)
		return decoded;
	json_decref(decoded);
	return pb_decode(FUNCTION_REQUEST, request, len, err);
}

int function_answer(struct functions *f, unsigned worker, enum function_kind kind, const void *request, size_t len,
                    const struct function_limits *limits, struct buf *answer, struct err *err)
{
	struct function_call call = { .functions = f, .worker = worker };
	_cleanup_json_ json_t *decoded = decode(&call, &kind, request, len, err), *response = NULL;

	if (!decoded)
		return -1;
	call.request = decoded;
	response = run(&call, kind, limits);
	return call.kept ? pb_encode_kept(FUNCTION_RESPONSE, response, answer, err)
	                 : pb_encode(FUNCTION_RESPONSE, response, answer, err);
}
