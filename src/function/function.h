#ifndef FUNCTION_FUNCTION_H
#define FUNCTION_FUNCTION_H
/* Composition functions: what Crossplane calls a step of a pipeline. Four are built in, under the names of those that
 * they stand for: function-kcl, function-auto-ready, function-environment-configs, function-patch-and-transform.
 *
 * A request and a response are JSON objects whose members are named as in api/proto/fn/v1/run_function.proto; resources
 * are what they are in Kubernetes, bytes are base64. Where a request comes as bytes, resources that nobody looks into
 * stay bytes until they are in the answer (function_answer()). */

#include "base/buf.h"
#include "base/log.h"
#include "codec/json.h"
#include "codec/protobuf.h"

/* Of the protocol, which are numbers there. */
enum { FUNCTION_FATAL = 1, FUNCTION_WARNING = 2, FUNCTION_NORMAL = 3 };                     /* Severity */
enum { FUNCTION_READY_UNSPECIFIED = 0, FUNCTION_READY_TRUE = 1, FUNCTION_READY_FALSE = 2 }; /* Ready */

enum function_kind {
	FUNCTION_KCL,
	FUNCTION_AUTO_READY,
	FUNCTION_ENVIRONMENT_CONFIGS,
	FUNCTION_PATCH_AND_TRANSFORM,
	FUNCTION_ANY, /* chosen by the request's input: see function_of_input() */
};

/* "kcl", "auto-ready", "environment-configs", "patch-and-transform" (each also with "function-" before it, and as the
 * last part of an image's name, without its tag), "all". False: none of these. */
bool function_kind_parse(const char *name, enum function_kind *ret);

struct functions_config {
	unsigned workers;           /* that call at the same time; 0: 1 */
	const char *default_source; /* KCL for inputs without spec.source; NULL: none */
	const char *dependencies;   /* [dependencies] of a kcl.mod for every KCL program; NULL */
	const char *const *roots;   /* folders that programs may be loaded from (spec.source, vendored packages);
	                               NULL-terminated, NULL: none */
	const char *const
		*oci_layouts; /* folders of OCI image layouts, with programs and packages; NULL-terminated, NULL */
	const char *const *environment; /* variables that option("env") shows; NULL-terminated; "*": all; NULL: none */
	const char *const *file_roots;  /* folders that the file module may touch; NULL-terminated; NULL: none */
	bool plain_messages; /* of KCL: the first error's sentence alone, without the place in a program that the reader
	                        does not know */
	size_t cache_max;    /* bytes of compiled programs that are kept; 0: 64 MiB */
	uint64_t steps_max;  /* of one evaluation; 0: the language's default */
	size_t memory_max;   /* bytes of one evaluation; 0: 256 MiB */
	struct logger *log;
};

/* The functions with what they keep between calls: compiled programs, heaps. Each worker is one thread at a time. */
struct functions;
struct functions *functions_new(const struct functions_config *config);
struct functions *functions_free(struct functions *f);
DEFINE_CLEANUP(struct functions *, functions_free)

struct function_limits {
	int64_t deadline_ns;           /* monotonic; 0: none */
	const _Atomic bool *cancelled; /* set by another thread: nobody waits for the answer; NULL */
};

/* A new reference, always: what is wrong is a result of severity FATAL in the response. */
json_t *function_run(struct functions *f, unsigned worker, enum function_kind kind, const json_t *request,
                     const struct function_limits *limits);

/* The same from the bytes of a RunFunctionRequest to those of the answer, which are appended. -1: the request is
 * malformed (ERR_BAD_REQUEST), or the answer cannot be written (any other kind: ERR_TOO_LARGE when it passes the
 * buffer's bound). */
int function_answer(struct functions *f, unsigned worker, enum function_kind kind, const void *request, size_t len,
                    const struct function_limits *limits, struct buf *answer, struct err *err);

/* The function that an input is for: by its apiVersion; no input: auto-ready, or KCL's where a default source is. */
enum function_kind function_of_input(const struct functions *f, const json_t *input);

/* For codec/protobuf.h. */
extern const struct pb_field FUNCTION_REQUEST[], FUNCTION_RESPONSE[];

/* ---- serving (function_server.c) ---- */

struct function_server;

struct function_server_config {
	const char *address;
	int port;
	const char *tls_dir; /* NULL: plain */
	size_t message_max;
	unsigned threads;
	enum function_kind kind;
	struct functions_config functions; /* workers is set from threads */
};

int function_server_start(const struct function_server_config *config, struct function_server **ret, struct err *err);
int function_server_port(const struct function_server *s);
struct function_server *function_server_stop(struct function_server *s, int64_t grace_ns);

#endif
