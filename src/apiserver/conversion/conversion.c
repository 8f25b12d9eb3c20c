#include "conversion.h"

#include "admission/webhook_client.h"
#include "base/clock.h"
#include "base/str.h"
#include "conversion_review.h"
#include "objects/object_meta.h"

#define CALL_NS (30 * NS_PER_S)

struct conversion {
	atomic_size_t refs;
	struct webhook_client *client;
	const char *review; /* the version of ConversionReview that is spoken; NULL: none that we know */
};

/* The first one that both sides know. */
static const char *pick_review(const json_t *versions)
{
	static const char *const KNOWN[] = { "v1", "v1beta1" };
	size_t i;
	json_t *v;

	json_array_foreach (versions, i, v)
		for (size_t k = 0; k < ARRAY_SIZE(KNOWN); k++)
			if (str_eq(json_string_value(v), KNOWN[k]))
				return KNOWN[k];
	return NULL;
}

int conversion_new(const json_t *webhook, struct conversion **ret, struct err *err)
{
	struct conversion *c = new0(struct conversion);

	atomic_init(&c->refs, 1);
	c->review = pick_review(json_object_get(webhook, "conversionReviewVersions"));
	if (webhook_client_new(json_object_get(webhook, "clientConfig"), &c->client, err) < 0) {
		conversion_unref(c);
		return -1;
	}
	*ret = c;
	return 0;
}

struct conversion *conversion_ref(struct conversion *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

struct conversion *conversion_unref(struct conversion *c)
{
	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return NULL;
	webhook_client_unref(c->client);
	free(c);
	return NULL;
}

/* From "example.org/v1" and the kind: what Kubernetes prints of such an object's kind. */
static char *kind_words(const json_t *obj)
{
	return xasprintf("%s, Kind=%s", json_get_str(obj, "apiVersion"), json_get_str(obj, "kind"));
}

static int call(const struct conversion *c, struct store *store, const char *api_version,
                struct conversion_batch *batch, struct err *err)
{
	_cleanup_json_ json_t *uid = object_meta_uid(), *answer = NULL;
	_cleanup_json_ json_t *review = conversion_review_new(c->review, json_string_value(uid), api_version, batch);
	const struct webhook_call webhook = { .store = store, .body = review, .deadline_ns = clock_mono_ns() + CALL_NS };
	_cleanup_free_ char *kind = kind_words(*batch->objs[0]);
	_cleanup_err_ struct err failed = { 0 };

	if (webhook_client_call(c->client, &webhook, &answer, &failed) < 0)
		return err_set(err, ERR_INTERNAL, "conversion webhook for %s failed: %s", kind, err_message(&failed));
	if (conversion_review_take(c->review, json_string_value(uid), answer, api_version, batch, &failed) < 0)
		return err_set(err, ERR_INTERNAL, "conversion webhook for %s %s", kind, err_message(&failed));
	return 0;
}

int conversion_run(struct conversion *c, struct store *store, const char *api_version, json_t **objs, size_t len,
                   struct err *err)
{
	struct conversion_batch batch = { .objs = xcalloc(len, sizeof(*batch.objs)) };
	int r = 0;

	for (size_t i = 0; i < len; i++)
		if (!str_eq(json_get_str(objs[i], "apiVersion"), api_version))
			batch.objs[batch.len++] = &objs[i];
	if (batch.len > 0 && !c->review)
		r = err_set(err, ERR_INTERNAL, "no supported conversion review versions");
	else if (batch.len > 0)
		r = call(c, store, api_version, &batch, err);
	free(batch.objs);
	return r;
}
