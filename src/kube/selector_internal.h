#ifndef KUBE_SELECTOR_INTERNAL_H
#define KUBE_SELECTOR_INTERNAL_H
/* What the parsers of selectors share. */

#include "kube/selector.h"

#define SELECTOR_TEXT_MAX ((size_t)(64 * 1024))
#define SELECTOR_REQUIREMENTS_MAX 1000
#define SELECTOR_VALUES_MAX 10000

enum selector_op { OP_IN, OP_NOT_IN, OP_EXISTS, OP_NOT_EXISTS, OP_GREATER, OP_LESS };

struct selector_requirement {
	char *key;
	enum selector_op op;
	char **values;
	int64_t number; /* for OP_GREATER, OP_LESS */
};

struct kube_selector {
	struct selector_requirement *list;
	size_t len, values_len;
	bool fields;  /* an absent field equals "" */
	bool nothing; /* made from a null LabelSelector, which selects no object */
};

/* The pointer is valid until the next add. */
struct selector_requirement *selector_add(struct kube_selector *s, const char *key, size_t key_len,
                                          enum selector_op op);
/* A value, once. */
void selector_add_value(struct kube_selector *s, struct selector_requirement *r, const char *text, size_t len);
/* ERR_BAD_REQUEST when it has grown too large. */
int selector_check_limits(const struct kube_selector *s, struct err *err);
int selector_check_text(const char *text, struct err *err);
/* Labels: the key and the values must be ones that an object may have, so that a typing error does not select nothing.
 * Takes a number to compare with apart. */
int selector_check_requirement(struct selector_requirement *r, struct err *err);

#endif
