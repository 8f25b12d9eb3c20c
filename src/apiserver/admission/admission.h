#ifndef APISERVER_ADMISSION_H
#define APISERVER_ADMISSION_H
/* What else must agree before a request changes something: webhooks (and, one day, policies written in CEL). Who may
 * ask, whether the object is valid, and quotas are decided elsewhere. docs/internals/admission.md */

#include "auth/auth.h"
#include "base/log.h"
#include "base/metrics.h"
#include "store/store.h"
#include "types/registry.h"

struct admission;

struct admission_config {
	struct store *store;
	struct registry *registry;
	struct logger *log;
	struct metrics *metrics; /* may be NULL */
};
int admission_start(const struct admission_config *config, struct admission **ret, struct err *err);
/* Calls under way fail soon afterwards. */
void admission_cancel(struct admission *ad);
/* After the last request; before the store is closed. Returns NULL. */
struct admission *admission_free(struct admission *ad);

enum admission_operation {
	ADMISSION_CREATE = 1,
	ADMISSION_UPDATE = 2,
	ADMISSION_DELETE = 4,
	ADMISSION_CONNECT = 8,
	ADMISSION_ALL = 15,
};

/* The kind of the object a request carries, when it is not the type's own (autoscaling/v1 Scale). */
struct admission_kind {
	const char *group, *version, *kind;
};

/* One request as the chain sees it, and what came out of it. All pointers are the caller's, except the results. */
struct admission_attributes {
	enum admission_operation operation;
	const struct api_type *type;
	const struct api_version *version; /* of the request; object and old are in it */
	const struct admission_kind *kind; /* NULL: the type's own */
	const char *subresource, *ns, *name;
	const struct auth_user *user;
	const json_t *old;     /* NULL: none */
	const json_t *options; /* CreateOptions and so on */
	bool dry_run;
	int64_t deadline_ns; /* monotonic: the request's own */

	json_t *object; /* NULL: none. A reference; mutating replaces it */
	/* Results. denial: a whole Status in place of what err would make of itself, or NULL. */
	char **warnings;
	json_t *annotations; /* for the audit log: object of strings; NULL: none */
	json_t *denial;
};
/* Drops the results and the object. */
void admission_attributes_clear(struct admission_attributes *a);

/* Whether anything in the chain might have a say in such requests, so that they are worth a thread that may wait. Never
 * blocks. operations: a set of bits. */
bool admission_may_concern(struct admission *ad, const struct api_type *t, unsigned operations);
/* The chain's first half: a->object may become another one (*ret_changed). Blocks. Negative: refused, see a->denial. */
int admission_mutate(struct admission *ad, struct admission_attributes *a, bool *ret_changed, struct err *err);
/* Its second half, once the object is final and valid. Blocks. */
int admission_validate(struct admission *ad, struct admission_attributes *a, struct err *err);

/* ---- inside ---- */

/* A part of the chain. Either function may be NULL. */
struct admission_plugin {
	const char *name;
	int (*mutate)(struct admission *ad, struct admission_attributes *a, bool *ret_changed, struct err *err);
	int (*validate)(struct admission *ad, struct admission_attributes *a, struct err *err);
};
extern const struct admission_plugin ADMISSION_MUTATING_WEBHOOKS, ADMISSION_VALIDATING_WEBHOOKS;

struct webhook_index;
struct admission {
	struct admission_config config;
	struct webhook_index *webhooks;
	atomic_bool cancelled;
	struct metric *calls, *call_seconds;
};

void admission_warn(struct admission_attributes *a, const char *text);
void admission_annotate(struct admission_attributes *a, const char *key, json_t *value);

#endif
