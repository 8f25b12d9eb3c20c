#ifndef APISERVER_AUDIT_POLICY_H
#define APISERVER_AUDIT_POLICY_H
/* audit.k8s.io/v1 Policy: what of a request is written into the audit log. Compiled once, immutable. */

#include "base/err.h"

enum audit_level { AUDIT_NONE, AUDIT_METADATA, AUDIT_REQUEST, AUDIT_REQUEST_RESPONSE };
const char *audit_level_name(enum audit_level level);

enum audit_stage {
	AUDIT_REQUEST_RECEIVED = 1,
	AUDIT_RESPONSE_STARTED = 2,
	AUDIT_RESPONSE_COMPLETE = 4,
	AUDIT_PANIC = 8, /* may be named; nothing panics here */
};
const char *audit_stage_name(enum audit_stage stage);

struct audit_policy;
/* YAML or JSON; name is for messages. ERR_INVALID or ERR_BAD_REQUEST. */
int audit_policy_parse(const char *text, size_t len, const char *name, struct audit_policy **ret, struct err *err);
struct audit_policy *audit_policy_free(struct audit_policy *p);
DEFINE_CLEANUP(struct audit_policy *, audit_policy_free)

/* What a rule may ask about a request. Strings are never NULL, groups may be. */
struct audit_question {
	const char *user, *verb, *group, *resource, *subresource, *ns, *name, *path;
	char *const *groups;
	bool about_resource;
};
struct audit_decision {
	enum audit_level level;
	unsigned omitted; /* stages */
	bool omit_managed_fields;
};
/* By the first rule that matches; without any, nothing is written. */
struct audit_decision audit_policy_decide(const struct audit_policy *p, const struct audit_question *q);

#endif
