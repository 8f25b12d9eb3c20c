#ifndef APISERVER_AUDIT_H
#define APISERVER_AUDIT_H
/* The audit log (audit.k8s.io/v1): who did what, as a policy wants it written. docs/internals/audit.md */

#include "audit_log.h"
#include "audit_policy.h"

struct api_request;
struct auth_user;
struct auth_attributes;
struct audit;

struct audit_config {
	const char *policy_path; /* NULL: no audit log */
	struct audit_log_config log;
};
/* *ret is NULL without a policy. */
int audit_start(const struct audit_config *config, struct audit **ret, struct err *err);
struct audit *audit_stop(struct audit *a);

/* What is kept about one request; NULL when nothing of it is written. */
struct audit_record;
struct audit_record *audit_record_free(struct audit_record *r);

/* Each request's identity, for the Audit-Id header: what the client gave, or a new one. Borrowed buffer. */
#define AUDIT_ID_SIZE 65
void audit_id_of(const struct api_request *req, char ret[static AUDIT_ID_SIZE]);

/* The request is understood and permitted: the policy decides, the stage RequestReceived is written. */
void audit_received(struct api_request *req);
/* The name of the object that is created, once it is known. */
void audit_object_name(struct api_request *req, const char *name);
/* A stream begins. */
void audit_response_started(struct api_request *req, int code);
/* The answer; body NULL: it is not known. The first call for a request counts; without audit_received() before it, the
 * request was refused on its way in. */
void audit_response_complete(struct api_request *req, int code, const char *content_type, struct bytes *body);

/* A write of the server's own, which no request brought (audit_internal.c). */
struct audit_internal {
	const struct auth_user *user;
	const struct auth_attributes *what;
	struct bytes *object;     /* as it is afterwards; NULL: none. References are taken */
	const struct err *failed; /* NULL: it was done */
	bool allowed;
	const char *reason; /* for which it is, or is not */
};
void audit_internal(struct audit *a, const struct audit_internal *write);

#endif
