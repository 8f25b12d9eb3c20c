#include "conversion_review.h"

#include "base/str.h"

#define GROUP "apiextensions.k8s.io/"

json_t *conversion_review_new(const char *review, const char *uid, const char *api_version,
                              const struct conversion_batch *batch)
{
	json_t *v = json_object(), *request = json_ensure_object(v, "request"), *objects;

	json_put_str(v, "kind", "ConversionReview");
	json_put(v, "apiVersion", json_strf(GROUP "%s", review));
	json_put_str(request, "uid", uid);
	json_put_str(request, "desiredAPIVersion", api_version);
	objects = json_ensure_array(request, "objects");
	for (size_t i = 0; i < batch->len; i++)
		json_array_append(objects, *batch->objs[i]);
	return v;
}

/* Is it an answer to this question, and a good one? */
static int check_answer(const char *review, const char *uid, const json_t *answer, struct err *err)
{
	const char *api_version = json_get_str(answer, "apiVersion"), *kind = json_get_str(answer, "kind");
	const json_t *response = json_object_get(answer, "response"), *result = json_object_get(response, "result");
	const char *status = json_get_str(result, "status"), *message = json_get_str(result, "message");
	_cleanup_free_ char *wanted = xasprintf(GROUP "%s", review);
	bool v1 = strcmp(review, "v1") == 0;

	if (v1 && (!str_eq(api_version, wanted) || !str_eq(kind, "ConversionReview")))
		return err_set(err, ERR_INTERNAL,
		               "failed: expected webhook response of %s, Kind=ConversionReview, got %.200s, Kind=%.200s",
		               wanted, api_version ? api_version : "/", kind ? kind : "");
	if (!json_is_object(response))
		return err_set(err, ERR_INTERNAL, "failed: no response provided");
	const char *said = json_get_str(response, "uid") ? json_get_str(response, "uid") : "";
	if (v1 && strcmp(said, uid) != 0)
		return err_set(err, ERR_INTERNAL, "failed: expected response.uid=\"%s\", got \"%.200s\"", uid, said);
	if (str_eq(status, "Success"))
		return 0;
	if (!str_empty(message))
		return err_set(err, ERR_INTERNAL, "failed: %.4000s", message);
	return err_set(err, ERR_INTERNAL, "failed: response.result.status was '%.200s', not 'Success'",
	               status ? status : "");
}

/* "invalid converted object at index N" of a batch, "invalid object at index 0" of one. */
static int bad_object(const struct conversion_batch *batch, size_t i, struct err *err, const char *fmt,
                      const char *wanted, const char *got)
{
	_cleanup_free_ char *where = batch->len > 1 ? xasprintf("converted object at index %zu", i)
	                                            : xstrdup("object at index 0");

	return err_set(err, ERR_INTERNAL, "returned invalid %s: invalid %s (expected %s, received %.200s)", where, fmt,
	               wanted, got);
}

static int check_object(const struct conversion_batch *batch, size_t i, const char *api_version, const json_t *original,
                        json_t *converted, struct err *err)
{
	const char *version = json_get_str(converted, "apiVersion"), *kind = json_get_str(converted, "kind");
	const char *wanted = json_get_str(original, "kind") ? json_get_str(original, "kind") : "";
	_cleanup_free_ char *place = batch->len > 1 ? xasprintf(" at index %zu", i) : xstrdup("");

	if (!json_is_object(converted))
		return err_set(err, ERR_INTERNAL, "returned invalid converted object at index %zu: Object 'Kind' is missing",
		               i);
	if (!str_eq(version, api_version))
		return bad_object(batch, i, err, "groupVersion", api_version, version ? version : "");
	if (!str_eq(kind, wanted))
		return bad_object(batch, i, err, "kind", wanted, kind ? kind : "");
	_cleanup_free_ char *invalid = batch->len > 1 ? xasprintf("returned invalid converted object%s", place)
	                                              : xstrdup("returned invalid object");
	_cleanup_free_ char *meta = batch->len > 1 ? xasprintf("returned invalid metadata in object%s", place)
	                                           : xstrdup("returned invalid metadata");
	return conversion_take_meta(original, converted, invalid, meta, err);
}

int conversion_review_take(const char *review, const char *uid, const json_t *answer, const char *api_version,
                           const struct conversion_batch *batch, struct err *err)
{
	if (check_answer(review, uid, answer, err) < 0)
		return -1;
	const json_t *list = json_at(answer, "response", "convertedObjects", NULL);
	if (json_array_size(list) != batch->len)
		return err_set(err, ERR_INTERNAL, "returned %zu objects, expected %zu", json_array_size(list), batch->len);
	_cleanup_json_ json_t *converted = json_clone(list);
	for (size_t i = 0; i < batch->len; i++)
		if (check_object(batch, i, api_version, *batch->objs[i], json_array_get(converted, i), err) < 0)
			return -1;
	for (size_t i = 0; i < batch->len; i++) {
		json_decref(*batch->objs[i]);
		*batch->objs[i] = json_incref(json_array_get(converted, i));
	}
	return 0;
}
