#ifndef APISERVER_REQUEST_H
#define APISERVER_REQUEST_H
/* A request to the API, taken apart: what is asked of which resource, with which options, in which form. */

#include "audit/audit.h"
#include "auth/auth.h"
#include "base/err.h"
#include "limits.h"
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
	bool list;    /* PartialObjectMetadataList was asked for, not PartialObjectMetadata */
};
/* accept NULL: JSON. ERR_NOT_ACCEPTABLE. forms: a bit (1 << FORM_…) for each that this request may have. */
int api_accept_parse(const char *accept, unsigned forms, struct api_accept *ret, struct err *err);

enum field_validation { VALIDATION_WARN, VALIDATION_STRICT, VALIDATION_IGNORE };
enum propagation { PROPAGATION_DEFAULT, PROPAGATION_BACKGROUND, PROPAGATION_FOREGROUND, PROPAGATION_ORPHAN };

/* Query parameters (and DeleteOptions). Strings are owned; NULL: not given, or empty. */
struct api_options {
	bool watch, dry_run, force, bookmarks;
	int send_initial_events, orphan, pretty; /* -1: not said */
	char *label_selector, *field_selector, *resource_version, *version_match, *continue_token, *field_manager;
	char *include_object;
	int64_t limit, timeout_s; /* 0: none; timeout_s -1: not said */
	enum field_validation validation;
	bool validation_said;
	enum propagation propagation; /* known once api_options_check_delete() has passed */
	char *precondition_uid, *precondition_version;
	int64_t timeout_ns; /* how long the client waits for an answer; 0: not said */
	/* As they were written, for the checks. */
	char **dry_runs; /* strv; NULL: none */
	char *validation_text, *propagation_text;
	bool force_said;
	/* What is wrong with a number, which is told only where it is an option: of lists, of deletions, of all. */
	char *list_fault, *delete_fault, *timeout_fault;
	bool export; /* asks for what is no longer there */
};
/* Takes a query apart as Kubernetes' conversion of url.Values does. */
void api_options_parse(const char *query, struct api_options *ret);
/* The values of all parameters of a query with that name, at most 64; strv_free(). */
char **api_query_values(const char *query, const char *name);
/* The DeleteOptions of a request's body take the place of those in the query. */
int api_options_from_delete_body(const json_t *body, struct api_options *options, struct err *err);
void api_options_clear(struct api_options *o);

/* Whether the options may be together, for a verb; options_check.c. ERR_INVALID about the kind of options in *ret_kind
 * ("ListOptions", group meta.k8s.io), ERR_BAD_REQUEST for what is no number. Those of deletions may be in the body, and
 * those of a patch depend on its form, so they are checked apart. */
int api_options_check_patch(const struct api_options *o, bool apply, const char **ret_kind, struct err *err);
int api_options_check(const char *verb, const struct api_options *o, const char **ret_kind, struct err *err);
int api_options_check_delete(struct api_options *o, const char **ret_kind, struct err *err);
/* A resource version as text: "" and "0" are 0. ERR_UNKNOWN, as Kubernetes answers. */
int api_options_version(const char *text, uint64_t *ret, struct err *err);

/* A path below /api or /apis, taken apart. */
struct api_path {
	bool is_api; /* below /api/VERSION or /apis/GROUP/VERSION */
	bool watch;  /* below their /watch/ */
	bool longer; /* there are parts behind the subresource */
	char *group, *version;
	char *ns, *resource, *name, *subresource; /* "" when absent; ns also for a namespace's own paths */
};
/* The parts between the slashes, decoded (a slash that was encoded divides like any other); those within may be empty,
 * what is around the whole is trimmed. strv_free(); NULL: bad percent encoding. */
char **api_path_parts(const char *path);
/* False for bad percent encoding. */
bool api_path_parse(const char *path, struct api_path *ret);
/* Whether it is below a version, of whatever is or is not there. */
bool api_path_is_resource(const struct api_path *p);
void api_path_clear(struct api_path *p);

/* get, list, watch, create, update, patch, delete, deletecollection; for other paths the method in lower case. */
const char *api_verb_of(const char *method, const struct api_path *path, const struct api_options *options);

struct api_request {
	struct apiserver *server;
	struct http_request *http;
	int64_t start_ns;
	struct auth_user user;         /* in whose name it is done */
	struct auth_user impersonator; /* who asks, when that is somebody else; name NULL: it is not */
	struct api_path path;
	struct api_options options;
	struct api_accept accept;
	const char *verb;
	const char *options_kind; /* the kind of options that an ERR_INVALID is about; NULL: it is about the object */
	struct api_type *type;    /* a reference; NULL when it is no resource */
	const struct api_version *version;
	/* What a body is of: the same, but for a scale subresource. Borrowed. */
	const struct api_type *body_type;
	const struct api_version *body_version;
	char **warnings;
	char **duplicates;          /* repeated fields of the body, unless fieldValidation ignores them; NULL: none */
	char **repeated;            /* the same of a body in YAML, as sentences; NULL: none */
	const char *inflight_kind;  /* what it counts as while it is worked on; NULL: it does not */
	bool deferred, on_worker;   /* on_worker: the thread that has it now may compute for milliseconds */
	enum limits_kind place;     /* what it takes of the requests in flight */
	bool may_wait;              /* for webhooks: runs on a thread that may */
	int64_t deadline_ns;        /* monotonic: when the client no longer waits for an answer */
	json_t *denial;             /* the Status to answer with in place of what the error says; NULL: none */
	json_t *annotations;        /* for the audit log; NULL: none */
	char *authorization_reason; /* why it is permitted or not, for the same; NULL: not known */
	char audit_id[AUDIT_ID_SIZE];
	struct audit_record *audit;
	void (*run)(struct api_request *req); /* what a worker does next */
	struct api_op *op;                    /* a write under way */
};
struct api_request *api_request_new(struct apiserver *server, struct http_request *http);
struct api_request *api_request_free(struct api_request *req);
/* Gives its place among the requests in flight back: it has become a watch, or is over. */
void api_request_leave(struct api_request *req);
/* A warning for the client, once each; at most 32. */
void api_request_warn(struct api_request *req, const char *fmt, ...) _printf_(2, 3);
enum body_form { BODY_JSON, BODY_YAML, BODY_PROTOBUF, BODY_UNKNOWN };
enum body_form api_request_body_form(const struct api_request *req);
/* The body as a value: JSON, YAML or Kubernetes' protobuf by Content-Type. Repeated keys of JSON are noted in
 * duplicates. What is wrong with its syntax is told as Go's decoders do. */
json_t *api_request_body(struct api_request *req, struct err *err);
/* The field manager: what the query says, else the user agent's first word. Borrowed buffer. */
const char *api_request_manager(const struct api_request *req, char ret[static 129]);

/* Metrics: it is worked on from now; it was answered. request_metrics.c */
void api_request_begin(struct api_request *req);
void api_request_measure(const struct api_request *req, int code);
/* Whether JSON is put on lines: as the query says, else for people's own clients (curl, wget, browsers). */
bool api_request_is_pretty(const struct api_request *req);
/* Whether an answer of this size is worth compressing, and the client takes gzip. */
bool api_request_takes_gzip(const struct api_request *req, size_t len);

#endif
