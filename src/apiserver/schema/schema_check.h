#ifndef APISERVER_SCHEMA_CHECK_H
#define APISERVER_SCHEMA_CHECK_H
/* What the files schema_check*.c share: where the check of a JSON schema is, and small questions about a node. */

#include "schema_internal.h"

struct place {
	/* Kubernetes finds violations in two rounds, and tells those of the first one in order of their texts. */
	struct schema_errors structural; /* what keeps the schema from being structural */
	struct schema_errors form;       /* what is wrong with a keyword */
	size_t nodes, patterns;
	bool unsupported; /* a keyword that is not allowed: then structure does not matter */
};

/* Where a default may not be, and why. */
enum schema_meta_place { META_OUTSIDE, META_ROOT_FIELD, META_EMBEDDED_FIELD };

static inline char *below(const char *at, const char *name)
{
	return xasprintf("%s.%s", at, name);
}

/* There, and not null. */
bool schema_has(const json_t *s, const char *key);
/* A keyword that holds something: not null, "", [], {} or false. */
bool schema_says(const json_t *s, const char *key);

/* schema_check_words.c. False: keywords have the wrong type, further checks would stumble. */
bool schema_check_words(struct place *p, const json_t *s, const char *at);
/* A node that is not an object. */
void schema_check_not_object(struct place *p, const json_t *v, const char *at);

/* schema_check_lists.c: x-kubernetes-list-type, -list-map-keys and -map-type. */
void schema_check_lists(struct place *p, const json_t *s, const char *at);

/* schema_check_rules.c: the form of x-kubernetes-validations. */
void schema_check_rules(struct place *p, const json_t *s, const char *at);
/* What allOf, anyOf, oneOf and not of s speak about is declared outside of them. */
void schema_check_complete(struct place *p, const json_t *s, const char *at);

#endif
