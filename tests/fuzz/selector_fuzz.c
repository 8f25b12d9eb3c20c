/* Label and field selectors, and those written as JSON. Beyond not crashing: parsing is repeatable, what is readable of
 * a requirement is there, and an object that has every "key=value" asked for and nothing else is decided the same
 * twice. */

#include "kube/selector.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* Labels with the values the selector asks for. */
static json_t *wanted_object(const struct kube_selector *s)
{
	json_t *obj = json_object(), *labels = json_ensure_object(json_ensure_object(obj, "metadata"), "labels");
	const char *key, *equals;
	for (size_t i = 0; kube_selector_requirement(s, i, &key, &equals); i++) {
		require(key != NULL);
		if (equals)
			json_put(labels, key, json_string_lossy(equals, strlen(equals)));
	}
	return obj;
}

static const char *lookup(const void *self, const char *name)
{
	return json_get_str(json_at(self, "metadata", "labels", NULL), name);
}

static void check(struct kube_selector *s, struct kube_selector *again, const struct err *err)
{
	require((s == NULL) == (again == NULL));
	require((s == NULL) == (err->kind == ERR_BAD_REQUEST));
	if (s) {
		_cleanup_json_ json_t *obj = wanted_object(s);
		require(kube_selector_matches_labels(s, obj) == kube_selector_matches(again, lookup, obj));
		if (kube_selector_is_empty(s))
			require(kube_selector_matches_labels(s, obj));
	}
	kube_selector_free(s);
	kube_selector_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xmalloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';
	struct err err = { 0 };
	struct kube_selector *s = kube_selector_parse_labels(text, &err);
	check(s, kube_selector_parse_labels(text, NULL), &err);
	err_clear(&err);
	s = kube_selector_parse_fields(text, &err);
	check(s, kube_selector_parse_fields(text, NULL), &err);
	err_clear(&err);
	_cleanup_json_ json_t *v = json_parse(text, size, 0, NULL);
	s = kube_selector_from_json(v, &err);
	check(s, kube_selector_from_json(v, NULL), &err);
	err_clear(&err);
	return 0;
}
