#include "render/render_internal.h"

#include "base/str.h"
#include "call.h"
#include "net/grpc.h"

#define DEFAULT_TARGET "localhost:9443"
#define ANSWER_MAX ((size_t)64 * 1024 * 1024)

static const json_t *find_function(const struct render *r, const char *name)
{
	json_t *function;
	size_t i;

	json_array_foreach (r->in->functions, i, function)
		if (str_eq(object_name(function), name))
			return function;
	return NULL;
}

static json_t *call_version(const char *target, const char *version, const struct buf *message, int64_t deadline_ns,
                            enum grpc_status *ret_status, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("/apiextensions.fn.proto.%s.FunctionRunnerService/RunFunction", version);
	_cleanup_(grpc_reply_clear) struct grpc_reply reply = { 0 };

	if (grpc_client_call(target, path, buf_str(message), message->len, ANSWER_MAX, deadline_ns, &reply, err) < 0)
		return NULL;
	*ret_status = reply.status;
	if (reply.status == GRPC_OK)
		return pb_decode(FUNCTION_RESPONSE, buf_str(&reply.body), reply.body.len, err);
	err_set(err, ERR_UNAVAILABLE, "rpc error: code = %d desc = %s", (int)reply.status,
	        reply.message ? reply.message : "");
	return NULL;
}

/* The function runs somewhere else: `render.crossplane.io/runtime: Development`. Old ones speak v1beta1 only. */
static json_t *call_remote(const struct render *r, const json_t *function, const json_t *request, struct err *err)
{
	const char *target = object_annotation(function, "render.crossplane.io/runtime-development-target");
	_cleanup_buf_ struct buf message = BUF_INIT(ANSWER_MAX);
	enum grpc_status status = GRPC_OK;
	json_t *response;

	if (str_empty(target))
		target = DEFAULT_TARGET;
	if (pb_encode(FUNCTION_REQUEST, request, &message, err) < 0)
		return NULL;
	response = call_version(target, "v1", &message, r->in->deadline_ns, &status, err);
	if (!response && status == GRPC_UNIMPLEMENTED) {
		err_clear(err);
		response = call_version(target, "v1beta1", &message, r->in->deadline_ns, &status, err);
	}
	return response;
}

json_t *render_call(struct render *r, const char *name, const json_t *request, struct err *err)
{
	const struct function_limits limits = { .deadline_ns = r->in->deadline_ns };
	const json_t *function = find_function(r, name);
	const char *package = json_str_at(function, "spec", "package", NULL);
	enum function_kind kind;

	if (!function) {
		err_set(err, ERR_NOT_FOUND, "unknown Function \"%s\" - does it exist in your Functions file?", name);
		return NULL;
	}
	if (str_eq(object_annotation(function, "render.crossplane.io/runtime"), "Development"))
		return call_remote(r, function, request, err);
	if (function_kind_parse(package ? package : name, &kind) || function_kind_parse(name, &kind))
		return function_run(r->functions, 0, kind, request, &limits);
	err_set(err, ERR_INVALID,
	        "Function \"%s\" (%s) is none of those that are built in (function-kcl, function-auto-ready, "
	        "function-environment-configs, function-patch-and-transform): run it, and annotate it with "
	        "render.crossplane.io/runtime: Development",
	        name, package ? package : "no package");
	return NULL;
}
