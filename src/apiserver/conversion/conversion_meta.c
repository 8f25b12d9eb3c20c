/* What a webhook may change of an object's metadata: labels and annotations. */
#include "base/str.h"
#include "codec/go_format.h"
#include "conversion_review.h"
#include "kube/object.h"
#include "objects/object_meta.h"

static int check_same(const json_t *original, const json_t *converted, const char *words, struct err *err)
{
	static const struct {
		const char *key, *name;
	} FIELDS[] = { { "name", "name" }, { "namespace", "namespace" }, { "uid", "UID" } };

	for (size_t i = 0; i < ARRAY_SIZE(FIELDS); i++) {
		const char *a = json_get_str(kube_meta(original), FIELDS[i].key),
				   *b = json_get_str(kube_meta(converted), FIELDS[i].key);
		if (strcmp(a ? a : "", b ? b : "") != 0)
			return err_set(err, ERR_INTERNAL, "%s: must have the same %s: %s != %.300s", words, FIELDS[i].name,
			               a ? a : "", b ? b : "");
	}
	return 0;
}

/* Labels and annotations that were changed must be right. */
static int check_valid(const json_t *map, const char *key, const char *words, struct err *err)
{
	static const struct api_strategy ANY = { .name_any = true };
	const struct api_type t = { .strategy = &ANY };
	_cleanup_json_ json_t *obj = json_object();
	json_t *meta = json_ensure_object(obj, "metadata");
	_cleanup_err_ struct err found = { 0 };

	json_put_str(meta, "name", "x");
	json_put(meta, key, json_deep_copy(map));
	object_meta_validate(&t, obj, NULL, &found);
	if (!err_is_set(&found))
		return 0;
	return err_set(err, ERR_INTERNAL, "%s: %s: %s", words, found.causes_len ? found.causes[0].field : "metadata",
	               found.causes_len ? found.causes[0].message : err_message(&found));
}

static int take_map(json_t *meta, const json_t *given, const char *key, const char *words, struct err *err)
{
	json_t *map = json_object_get(given, key), *v;
	const char *name;

	if (!map || json_is_null(map)) {
		json_object_del(meta, key);
		return 0;
	}
	if (!json_is_object(map))
		return err_set(err, ERR_INTERNAL, "%s: invalid metadata.%s of type %s in converted object", words, key,
		               go_type_name(map));
	json_object_foreach (map, name, v)
		if (!json_is_string(v))
			return err_set(err, ERR_INTERNAL, "%s: metadata.%s[%.300s] must be a string, but is %s in converted object",
			               words, key, name, go_type_name(v));
	const json_t *before = json_object_get(meta, key);
	if (!(before && json_same(before, map)) && check_valid(map, key, words, err) < 0)
		return -1;
	json_object_set(meta, key, map);
	return 0;
}

int conversion_take_meta(const json_t *original, json_t *converted, const char *invalid_words, const char *meta_words,
                         struct err *err)
{
	const json_t *given = json_object_get(converted, "metadata");

	if (check_same(original, converted, invalid_words, err) < 0)
		return -1;
	if (!given)
		return err_set(err, ERR_INTERNAL, "%s: missing metadata in converted object", meta_words);
	if (!json_is_object(given))
		return err_set(err, ERR_INTERNAL, "%s: invalid metadata of type %s in converted object", meta_words,
		               go_type_name(given));
	_cleanup_json_ json_t *meta = json_clone(json_object_get(original, "metadata"));
	if (!meta)
		meta = json_object();
	if (take_map(meta, given, "labels", meta_words, err) < 0 ||
	    take_map(meta, given, "annotations", meta_words, err) < 0)
		return -1;
	json_object_set(converted, "metadata", meta);
	return 0;
}
