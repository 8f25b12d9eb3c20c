/* scia function: composition functions behind gRPC, for Crossplane to call. */

#include "commands.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "function/function.h"
#include "server_options.h"

#define STOP_GRACE_NS (20 * NS_PER_S)
#define MIB ((size_t)1024 * 1024)
#define MESSAGE_MAX_MIB 1024
#define DEPENDENCIES_MAX ((size_t)1024 * 1024)

struct function_options {
	const char *name, *address, *tls_dir, *dependencies;
	char **roots, **layouts, **variables, **file_roots;
	int64_t message_max, threads, steps, memory;
	bool insecure, debug;
};

static void options_done(struct function_options *o)
{
	strv_free(o->roots);
	strv_free(o->layouts);
	strv_free(o->variables);
	strv_free(o->file_roots);
}

/* ":9443", "127.0.0.1:9443", "[::1]:9443" */
static bool parse_address(const char *text, char **ret_host, int *ret_port)
{
	const char *colon = strrchr(text, ':');
	int64_t port;

	if (!colon || !str_to_i64(colon + 1, 0, 65535, &port))
		return false;
	bool bracketed = text[0] == '[' && colon > text + 2 && colon[-1] == ']';
	*ret_host = bracketed ? xstrndup(text + 1, (size_t)(colon - text) - 2) : xstrndup(text, (size_t)(colon - text));
	*ret_port = (int)port;
	return true;
}

static int serve(const struct function_options *o, const char *host, int port, enum function_kind kind, struct err *err)
{
	struct logger *log = logger_new(2, o->debug ? LOG_DEBUG : LOG_INFO, LOG_JSON);
	_cleanup_free_ char *dependencies = NULL;
	struct function_server *server = NULL;
	int r = o->dependencies ? fs_read_file(o->dependencies, DEPENDENCIES_MAX, &dependencies, NULL, err) : 0;
	const struct function_server_config config = {
		.address = str_empty(host) ? NULL : host,
		.port = port,
		.tls_dir = o->insecure ? NULL : o->tls_dir,
		.message_max = (size_t)o->message_max * MIB,
		.threads = (unsigned)o->threads,
		.kind = kind,
		.functions = { .default_source = getenv("FUNCTION_KCL_DEFAULT_SOURCE"),
		               .dependencies = dependencies,
		               .roots = (const char *const *)o->roots,
		               .oci_layouts = (const char *const *)o->layouts,
		               .environment = (const char *const *)o->variables,
		               .file_roots = (const char *const *)o->file_roots,
		               .steps_max = (uint64_t)o->steps,
		               .memory_max = (size_t)o->memory * MIB,
		               .log = log },
	};

	server_block_signals();
	if (r == 0)
		r = function_server_start(&config, &server, err);
	if (r == 0) {
		printf("serving composition functions on port %d\n", function_server_port(server));
		fflush(stdout);
		server_wait_for_signal();
		function_server_stop(server, STOP_GRACE_NS);
	}
	logger_unref(log);
	return r;
}

int command_function(int argc, char **argv)
{
	_cleanup_(options_done) struct function_options o = {
		.name = "all", .address = ":9443", .tls_dir = getenv("TLS_SERVER_CERTS_DIR"), .message_max = 4
	};
	_cleanup_err_ struct err err = { 0 };
	_cleanup_free_ char *host = NULL;
	enum function_kind kind;
	char **args;
	int port;
	const struct cli_option options[] = {
		{ "name", 0, CLI_STRING, &o.name, "NAME",
		  "kcl, auto-ready, environment-configs, patch-and-transform or all: by each input (all)" },
		{ "address", 0, CLI_STRING, &o.address, "ADDRESS", "where to listen (:9443)" },
		{ "tls-server-certs-dir", 0, CLI_STRING, &o.tls_dir, "DIR",
		  "folder of tls.crt, tls.key and ca.crt (default: $TLS_SERVER_CERTS_DIR)" },
		{ "insecure", 0, CLI_FLAG, &o.insecure, NULL, "without TLS" },
		{ "max-recv-message-size", 0, CLI_NUMBER, &o.message_max, "MIB", "of one request or response (4)" },
		{ "threads", 0, CLI_NUMBER, &o.threads, "N", "calls at a time (as many as there are processors)" },
		{ "dependencies", 0, CLI_STRING, &o.dependencies, "FILE", "[dependencies] of a kcl.mod for every KCL program" },
		{ "root", 0, CLI_STRINGS, &o.roots, "DIR", "where KCL programs and packages may be loaded from (nowhere)" },
		{ "oci-layout", 0, CLI_STRINGS, &o.layouts, "DIR", "OCI image layouts with KCL programs and packages (none)" },
		{ "env", 0, CLI_STRINGS, &o.variables, "NAME",
		  "a variable that KCL's option(\"env\") shows; * for all (none)" },
		{ "file-root", 0, CLI_STRINGS, &o.file_roots, "DIR", "what KCL's file module may read and write (nothing)" },
		{ "max-steps", 0, CLI_NUMBER, &o.steps, "N", "of one KCL program (100000000)" },
		{ "max-memory", 0, CLI_NUMBER, &o.memory, "MIB", "of one KCL program (256)" },
		{ "debug", 'd', CLI_FLAG, &o.debug, NULL, "more in the log" },
		{ 0 },
	};
	int r = cli_parse(&COMMAND_FUNCTION, options, argc, argv, &args);

	if (r != 0)
		return r == 1 ? CLI_OK : r;
	if (args[0])
		return cli_usage(&COMMAND_FUNCTION, "no arguments are wanted");
	if (!function_kind_parse(o.name, &kind))
		return cli_usage(&COMMAND_FUNCTION, "there is no function %s", o.name);
	if (o.message_max < 1 || o.message_max > MESSAGE_MAX_MIB || o.threads < 0 || o.threads > 1024 || o.steps < 0 ||
	    o.memory < 0 || !parse_address(o.address, &host, &port))
		return cli_usage(&COMMAND_FUNCTION, "an address like :9443 and sensible numbers are wanted");
	if (!o.insecure && str_empty(o.tls_dir))
		return cli_usage(&COMMAND_FUNCTION, "either --tls-server-certs-dir or --insecure is wanted");
	r = serve(&o, host, port, kind, &err);
	return r < 0 ? cli_fail(&err) : CLI_OK;
}
