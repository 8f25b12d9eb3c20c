#ifndef APISERVER_CRD_NAMES_H
#define APISERVER_CRD_NAMES_H
/* Which names a CRD may have: no two of a group share a name that kubectl or a client could mean. Names belong to whom
 * they were accepted for first. Not thread-safe. */

#include "codec/json.h"

struct crd_names;
struct crd_names *crd_names_new(void);
struct crd_names *crd_names_free(struct crd_names *n);

/* These names (status.acceptedNames) are the CRD's; it waits when it wants others that it cannot have. True when its
 * names were others before. */
bool crd_names_claim(struct crd_names *n, const char *crd, const char *group, const json_t *accepted, bool waits);
void crd_names_forget(struct crd_names *n, const char *crd);

/* Of the names a CRD wants, those it can have; the others stay as they were accepted before. */
struct crd_names_verdict {
	json_t *accepted;
	const char *reason; /* NULL: it has all of them; else "PluralConflict" and its like */
	char *message;
};
void crd_names_judge(const struct crd_names *n, const json_t *crd, struct crd_names_verdict *ret);
void crd_names_verdict_clear(struct crd_names_verdict *v);

/* The CRDs of its group that wait: only they can have more names once this one has fewer. */
void crd_names_each_waiting(const struct crd_names *n, const char *crd, void (*each)(void *self, const char *crd),
                            void *self);

#endif
