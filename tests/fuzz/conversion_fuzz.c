/* The answer of a conversion webhook to one object. Beyond not crashing: what is taken has the version that was asked
 * for and is the same object, what is refused leaves the object as it was. */

#include "apiserver/conversion/conversion_review.h"

#include "kube/object.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char SENT[] =
		"{\"apiVersion\":\"g.h/v1\",\"kind\":\"K\",\"metadata\":{\"name\":\"a\",\"namespace\":\"n\",\"uid\":\"u\"}}";
	_cleanup_json_ json_t *answer = json_parse((const char *)data, size, 0, NULL);
	_cleanup_json_ json_t *obj = json_parse(SENT, strlen(SENT), 0, NULL), *before = json_clone(obj);
	json_t **place = &obj;
	const struct conversion_batch batch = { .objs = &place, .len = 1 };
	_cleanup_err_ struct err err = { 0 };

	if (!answer)
		return 0;
	const char *review = size % 2 ? "v1" : "v1beta1";
	if (conversion_review_take(review, "id", answer, "g.h/v2", &batch, &err) < 0) {
		require(err_is_set(&err) && json_equal(obj, before));
		return 0;
	}
	require(strcmp(json_get_str(obj, "apiVersion"), "g.h/v2") == 0 && strcmp(json_get_str(obj, "kind"), "K") == 0);
	require(strcmp(kube_name(obj), "a") == 0 && strcmp(kube_uid(obj), "u") == 0);
	return 0;
}
