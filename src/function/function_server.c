/* The functions behind gRPC: FunctionRunnerService in both versions of its protocol. */

#include "function/function.h"

#include "codec/embedded.h"
#include "net/grpc.h"

extern const struct embedded_file FUNCTION_DESCRIPTORS[];

struct function_server {
	struct functions *functions;
	enum function_kind kind;
	struct grpc_server *server;
	struct grpc_method methods[2];
};

static enum grpc_status run(void *self, struct grpc_call *call, unsigned worker, const void *message, size_t len,
                            struct buf *out, char **ret_message)
{
	struct function_server *s = self;
	const struct function_limits limits = { .deadline_ns = grpc_call_deadline_ns(call),
		                                    .cancelled = grpc_call_cancelled(call) };
	_cleanup_err_ struct err err = { 0 };

	if (function_answer(s->functions, worker, s->kind, message, len, &limits, out, &err) == 0)
		return GRPC_OK;
	if (err.kind == ERR_BAD_REQUEST) {
		*ret_message = xasprintf("the message is no RunFunctionRequest: %s", err_message(&err));
		return GRPC_INVALID_ARGUMENT;
	}
	*ret_message = xstrdup(err_message(&err));
	return err.kind == ERR_TOO_LARGE ? GRPC_RESOURCE_EXHAUSTED : GRPC_INTERNAL;
}

int function_server_start(const struct function_server_config *config, struct function_server **ret, struct err *err)
{
	struct function_server *s = new0(struct function_server);
	struct functions_config functions = config->functions;
	struct grpc_server_config grpc = {
		.address = config->address,
		.port = config->port,
		.threads = config->threads,
		.tls_dir = config->tls_dir,
		.message_max = config->message_max,
		.methods = s->methods,
		.methods_len = ARRAY_SIZE(s->methods),
		.descriptors = FUNCTION_DESCRIPTORS,
		.log = functions.log,
	};

	s->kind = config->kind;
	s->methods[0] = (struct grpc_method){ .path = "/apiextensions.fn.proto.v1.FunctionRunnerService/RunFunction",
		                                  .unary = run,
		                                  .self = s };
	s->methods[1] = s->methods[0];
	s->methods[1].path = "/apiextensions.fn.proto.v1beta1.FunctionRunnerService/RunFunction";
	functions.workers = grpc.threads = grpc.threads > 0 ? grpc.threads : grpc_default_threads();
	s->functions = functions_new(&functions);
	if (grpc_server_start(&grpc, &s->server, err) < 0) {
		function_server_stop(s, 0);
		return -1;
	}
	*ret = s;
	return 0;
}

int function_server_port(const struct function_server *s)
{
	return grpc_server_port(s->server);
}

struct function_server *function_server_stop(struct function_server *s, int64_t grace_ns)
{
	if (!s)
		return NULL;
	grpc_server_stop(s->server, grace_ns);
	functions_free(s->functions);
	free(s);
	return NULL;
}
