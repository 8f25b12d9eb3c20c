#ifndef KUBE_SELECTOR_H
#define KUBE_SELECTOR_H
/* Label selectors (a=b, a!=b, a in (x,y), a notin (x), a, !a) and field selectors (metadata.name=x, a!=b). */

#include "base/err.h"
#include "codec/json.h"

struct kube_selector;

/* "" selects everything. ERR_BAD_REQUEST says where it went wrong. */
struct kube_selector *kube_selector_parse_labels(const char *text, struct err *err);
struct kube_selector *kube_selector_parse_fields(const char *text, struct err *err);
/* From a metav1.LabelSelector value (matchLabels, matchExpressions). */
struct kube_selector *kube_selector_from_json(const json_t *v, struct err *err);
struct kube_selector *kube_selector_free(struct kube_selector *s);
DEFINE_CLEANUP(struct kube_selector *, kube_selector_free)

bool kube_selector_is_empty(const struct kube_selector *s); /* NULL is empty too */
/* lookup gives the value of a label or field, or NULL when absent. */
bool kube_selector_matches(const struct kube_selector *s, const char *(*lookup)(const void *self, const char *name),
                           const void *self);
/* Against an object's labels. */
bool kube_selector_matches_labels(const struct kube_selector *s, const json_t *obj);
/* One requirement's key and, for a single "=", its value (else NULL); false past the end. */
bool kube_selector_requirement(const struct kube_selector *s, size_t i, const char **ret_key, const char **ret_equals);

#endif
