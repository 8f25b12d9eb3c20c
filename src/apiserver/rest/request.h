#ifndef APISERVER_REQUEST_H
#define APISERVER_REQUEST_H
/* A request to the API, taken apart: what is asked of which resource, with which options, in which form. */

#include "auth/auth.h"
#include "base/err.h"
#include "net/http_server.h"
#include "types/registry.h"

struct apiserver;

enum api_media {
	MEDIA_JSON,
	MEDIA_YAML,
	MEDIA_PROTO_OPENAPI_V2, /* only for /openapi/v2 */
};
enum api_form {
	FORM_OBJECT,
	FORM_TABLE,        /* as=Table */
	FORM_PARTIAL,      /* as=PartialObjectMetadata(List) */
	FORM_DISCOVERY_V2, /* as=APIGroupDiscoveryList */
	FORM_DISCOVERY_V2BETA1,
};

/* What the client accepts: the first of its wishes that can be served. */
struct api_accept {
	enum api_media media;
	enum api_form form;
	bool v1beta1; /* of Table and PartialObjectMetadata */
};
/* accept NULL: JSON. ERR_NOT_ACCEPTABLE. forms: a bit (1 << FORM_…) for each that this request may have. */
int api_accept_parse(const char *accept, unsigned forms, struct api_accept *ret, struct err *err);

enum field_validation { VALIDATION_WARN, VALIDATION_STRICT, VALIDATION_IGNORE };
enum propagation { PROPAGATION_DEFAULT, PROPAGATION_BACKGROUND, PROPAGATION_FOREGROUND, PROPAGATION_ORPHAN };

/* Query parameters (and DeleteOptions). Strings are owned; NULL: not given. */
struct api_options {
	bool watch, pretty, dry_run, force, bookmarks, ignore_store_errors;
	int send_initial_events; /* -1: not said */
	char *label_selector, *field_selector, *resource_version, *version_match, *continue_token, *field_manager;
	char *include_object;
	int64_t limit, timeout_s; /* 0: none; -1: not said */
	enum field_validation validation;
	bool validation_said;
	enum propagation propagation;
	char *precondition_uid, *precondition_version;
};
int api_options_parse(const char *query, struct api_options *ret, struct err *err);
/* The DeleteOptions of a request's body; they go before the query. */
int api_options_from_delete_body(const json_t *body, struct api_options *options, struct err *err);
void api_options_clear(struct api_options *o);

/* A path below /api or /apis, taken apart. */
struct api_path {
	bool is_api; /* below /api/VERSION or /apis/GROUP/VERSION */
	char *group, *version;
	char *ns, *resource, *name, *subresource; /* "" when absent; ns also for a namespace's own paths */
};
/* ERR_BAD_REQUEST for bad percent encoding; ERR_NOT_FOUND when it has too many parts. */
int api_path_parse(const char *path, struct api_path *ret, struct err *err);
void api_path_clear(struct api_path *p);

/* get, list, watch, create, update, patch, delete, deletecollection; for other paths the method in lower case. */
const char *api_verb_of(const char *method, const struct api_path *path, const struct api_options *options);

struct api_request {
	struct apiserver *server;
	struct http_request *http;
	int64_t start_ns;
	struct auth_user user;
	struct api_path path;
	struct api_options options;
	struct api_accept accept;
	const char *verb;
	struct api_type *type; /* a reference; NULL when it is no resource */
	const struct api_version *version;
	char **warnings;
	char **duplicates; /* repeated fields of the body, unless fieldValidation ignores them; NULL: none */
	bool deferred;
	bool may_wait;       /* for webhooks: runs on a thread that may */
	int64_t deadline_ns; /* monotonic: when the client no longer waits for an answer */
	json_t *denial;      /* the Status to answer with in place of what the error says; NULL: none */
	json_t *annotations; /* for the audit log; NULL: none */
	void (*run)(struct api_request *req); /* what a worker does next */
	struct api_op *op;                    /* a write under way */
};
struct api_request *api_request_new(struct apiserver *server, struct http_request *http);
struct api_request *api_request_free(struct api_request *req);
/* A warning for the client, once each; at most 32. */
void api_request_warn(struct api_request *req, const char *fmt, ...) _printf_(2, 3);
/* The body as a value: JSON, YAML or Kubernetes' protobuf by Content-Type. Repeated keys of JSON are noted in
 * duplicates. */
json_t *api_request_body(struct api_request *req, struct err *err);
/* The field manager: what the query says, else the user agent's first word. Borrowed buffer. */
const char *api_request_manager(const struct api_request *req, char ret[static 129]);

#endif
