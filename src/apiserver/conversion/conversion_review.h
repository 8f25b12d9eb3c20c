#ifndef APISERVER_CONVERSION_REVIEW_H
#define APISERVER_CONVERSION_REVIEW_H
/* ConversionReview (apiextensions.k8s.io v1 and v1beta1): the question, and whether the answer holds. Pure functions.
 */

#include "base/err.h"
#include "codec/json.h"

/* The objects that are sent, each in the caller's place. */
struct conversion_batch {
	json_t ***objs;
	size_t len;
};

json_t *conversion_review_new(const char *review, const char *uid, const char *api_version,
                              const struct conversion_batch *batch);
/* Checks the answer and puts its objects in the places of those that were sent, with their metadata but for labels and
 * annotations. On failure nothing is replaced, and err is what follows "conversion webhook for KIND ". */
int conversion_review_take(const char *review, const char *uid, const json_t *answer, const char *api_version,
                           const struct conversion_batch *batch, struct err *err);

/* conversion_meta.c: converted is the same object as original, and gets its metadata but for labels and annotations.
 * index: as it is named in a message. */
int conversion_take_meta(const json_t *original, json_t *converted, const char *invalid_words, const char *meta_words,
                         struct err *err);

#endif
