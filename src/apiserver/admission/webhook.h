#ifndef APISERVER_WEBHOOK_H
#define APISERVER_WEBHOOK_H
/* Admission webhooks: configurations compiled once, an index of them that follows the store, matching, the review that
 * is sent and what comes back. */

#include "admission.h"
#include "kube/selector.h"
#include "webhook_client.h"

#define MUTATING_CONFIGURATIONS "admissionregistration.k8s.io/mutatingwebhookconfigurations"
#define VALIDATING_CONFIGURATIONS "admissionregistration.k8s.io/validatingwebhookconfigurations"

/* ---- compiled (webhook.c) ---- */

enum webhook_scope { SCOPE_ALL, SCOPE_CLUSTER, SCOPE_NAMESPACED };

struct webhook_rule {
	unsigned operations; /* enum admission_operation */
	char **groups, **versions, **resources;
	enum webhook_scope scope;
};

struct webhook {
	char *name, *configuration;
	const char *review_version; /* "v1", "v1beta1" */
	struct webhook_rule *rules;
	size_t rules_len;
	bool exact;        /* matchPolicy */
	bool fail_open;    /* failurePolicy Ignore */
	bool reinvoke;     /* reinvocationPolicy IfNeeded */
	bool dry_run_safe; /* sideEffects None, NoneOnDryRun */
	int64_t timeout_ns;
	struct kube_selector *namespaces, *objects;
	struct webhook_client *client; /* NULL: client_error says why it cannot be called */
	char *client_error;
};

/* A stored configuration; immutable, shared. */
struct webhook_configuration {
	atomic_int refs;
	char *name;
	struct webhook *hooks;
	size_t len;
};
/* Never fails: what a hook lacks makes its calls fail. */
struct webhook_configuration *webhook_configuration_new(const json_t *obj);
struct webhook_configuration *webhook_configuration_ref(struct webhook_configuration *c);
struct webhook_configuration *webhook_configuration_unref(struct webhook_configuration *c);

/* ---- the index (webhook_index.c) ---- */

/* All hooks of a kind at one moment, in the order of their calls; immutable. */
struct webhook_set {
	atomic_int refs;
	struct webhook_configuration **configurations;
	size_t configurations_len;
	const struct webhook **hooks;
	size_t len;
};
struct webhook_set *webhook_set_unref(struct webhook_set *s);
DEFINE_CLEANUP(struct webhook_set *, webhook_set_unref)

struct webhook_index;
int webhook_index_start(struct store *store, struct logger *log, struct webhook_index **ret, struct err *err);
struct webhook_index *webhook_index_stop(struct webhook_index *x);
/* A reference. */
struct webhook_set *webhook_index_get(struct webhook_index *x, bool mutating);
bool webhook_index_may_concern(struct webhook_index *x, const struct api_type *t, unsigned operations);

/* ---- matching (webhook_match.c) ---- */

/* In which form a hook wants the request; type and version may be an equivalent of the request's own. */
struct webhook_match {
	const struct api_type *type;
	const struct api_version *version;
	struct api_type *owned; /* the reference behind type, when it is another's */
};
/* 1: the hook is to be called; 0: not; negative: whether cannot be told (its namespace is gone). */
int webhook_match(const struct admission *ad, const struct webhook *hook, const struct admission_attributes *a,
                  struct webhook_match *ret, struct err *err);
void webhook_match_clear(struct webhook_match *m);
/* Whether the rules may match requests about the type, whatever their version, subresource and scope. */
bool webhook_rules_may_match(const struct webhook *hook, const struct api_type *t, unsigned operations);
/* Configurations of webhooks are beyond webhooks, so that a broken one can be repaired. */
bool webhook_is_exempt(const struct api_type *t);

/* ---- the review (webhook_review.c): pure functions ---- */

/* What is sent; object and old (NULL: none) are in the match's version. A new reference. */
json_t *webhook_review_request(const struct webhook *hook, const struct admission_attributes *a,
                               const struct webhook_match *m, const json_t *object, const json_t *old, const char *uid);

/* What came back, checked; borrowed from the answer. */
struct webhook_verdict {
	bool allowed;
	const json_t *status;      /* why not; may be NULL */
	const json_t *warnings;    /* array of strings or NULL */
	const json_t *annotations; /* object of strings or NULL */
	const char *patch;         /* base64 of a JSON patch, or NULL */
};
/* ERR_BAD_REQUEST in a kube-apiserver's words. */
int webhook_review_verdict(const json_t *answer, const char *review_version, bool mutating, const char *uid,
                           struct webhook_verdict *ret, struct err *err);
/* The Status of a denial: message, code and reason as a kube-apiserver completes them. A new reference. */
json_t *webhook_denial(const char *hook, const json_t *status);

/* ---- calls (webhook_call.c) ---- */

enum webhook_result {
	WEBHOOK_ALLOWED,
	WEBHOOK_DENIED, /* denial is set */
	WEBHOOK_FAILED, /* the call failed, so that failurePolicy decides: err is set */
	WEBHOOK_BROKEN, /* refused whatever the policy: denial is set */
};
/* One call, with all that has to be noted about it afterwards: calls run side by side. */
struct webhook_call_outcome {
	enum webhook_result result;
	struct err err;
	json_t *denial, *answer;
	struct webhook_verdict verdict; /* of answer */
	json_t *object;                 /* what was sent, in the match's version; NULL: none */
};
void webhook_call_run(struct admission *ad, const struct webhook *hook, bool mutating,
                      const struct admission_attributes *a, const struct webhook_match *m,
                      struct webhook_call_outcome *ret);
void webhook_call_outcome_clear(struct webhook_call_outcome *o);
/* Passes warnings and audit annotations on. */
void webhook_call_report(const struct webhook *hook, const struct webhook_call_outcome *o,
                         struct admission_attributes *a);
/* Ends the request for this outcome: a denial, or an internal error. Returns -1. */
int webhook_call_refuse(const struct webhook *hook, struct webhook_call_outcome *o, struct admission_attributes *a,
                        struct err *err);
/* A Status of an internal error, "Internal error occurred: …". */
json_t *webhook_internal_error(const char *message);
/* obj (NULL gives NULL) from the request's version to the match's, and back in place of *obj. Negative only when a
 * conversion webhook fails. */
int webhook_convert(const struct admission *ad, const struct admission_attributes *a, const struct webhook_match *m,
                    const json_t *obj, json_t **ret, struct err *err);
int webhook_convert_back(const struct admission *ad, const struct admission_attributes *a,
                         const struct webhook_match *m, json_t **obj, struct err *err);

/* ---- validation (webhook_validate.c) ---- */

/* What makes a configuration of either kind invalid beyond its kind's table: causes, as an api_strategy's validate().
 */
int webhook_configuration_validate(const json_t *obj, const json_t *old, struct err *err);

#endif
