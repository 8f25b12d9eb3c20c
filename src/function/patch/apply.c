#include "patch/patch.h"

#include "base/str.h"
#include "field_path.h"

const char *patch_type(const json_t *patch)
{
	const char *type = json_get_str(patch, "type");

	return str_empty(type) ? "FromCompositeFieldPath" : type;
}

bool patch_is_required(const json_t *patch)
{
	return str_eq(json_str_at(patch, "policy", "fromFieldPath", NULL), "Required");
}

static const char *from_path(const json_t *patch)
{
	const char *path = json_get_str(patch, "fromFieldPath");

	return path ? path : "";
}

static const char *to_path(const json_t *patch)
{
	const char *path = json_get_str(patch, "toFieldPath");

	return path ? path : from_path(patch);
}

/* NULL: replace. */
static const struct field_path_merge *merge_options(const json_t *patch)
{
	static const struct {
		const char *policy;
		struct field_path_merge options;
	} policies[] = {
		{ "MergeObjects", { .keep = true } },
		{ "MergeObject", { .keep = true } },
		{ "MergeObjectsAppendArrays", { .keep = true, .append = true } },
		{ "ForceMergeObjects", { 0 } },
		{ "ForceMergeObjectsAppendArrays", { .append = true } },
		{ "AppendArray", { .append = true } },
	};
	const char *policy = json_str_at(patch, "policy", "toFieldPath", NULL);

	for (size_t i = 0; policy && i < ARRAY_SIZE(policies); i++)
		if (str_eq(policy, policies[i].policy))
			return &policies[i].options;
	return NULL;
}

static int write_one(const json_t *patch, json_t *to, json_t *value, struct err *err)
{
	_cleanup_err_ struct err failed = { 0 };

	if (field_path_merge(to, to_path(patch), value, merge_options(patch), &failed) == 0)
		return 0;
	err_wrap(&failed, "cannot patch to object");
	err_move(err, &failed);
	return -1;
}

static int write_many(const json_t *patch, json_t *to, json_t *value, struct err *err)
{
	_cleanup_strv_ char **paths = field_path_expand(to, to_path(patch), err);

	if (!paths)
		return -1;
	if (!paths[0])
		return err_set(err, ERR_INVALID, "cannot expand ToFieldPath %s", to_path(patch));
	for (char *const *path = paths; *path; path++) {
		/* Each gets one of its own, as later patches may change one of them. */
		_cleanup_json_ json_t *own = json_clone(value);

		if (field_path_merge(to, *path, own, merge_options(patch), err) < 0)
			return -1;
	}
	return 0;
}

int patch_apply_from_field_path(const json_t *patch, const json_t *from, json_t *to, struct err *err)
{
	const json_t *in = field_path_get(from, from_path(patch), err);

	if (!in)
		return -1;
	_cleanup_json_ json_t *out = transform_all(json_object_get(patch, "transforms"), in, err);
	if (!out)
		return -1;
	_cleanup_json_ json_t *value = numbers_as_json(out);
	return strstr(to_path(patch), "[*]") ? write_many(patch, to, value, err) : write_one(patch, to, value, err);
}

/* The variables' values, new references in an array; NULL: one is not there, or err. */
static json_t *read_variables(const json_t *combine, const json_t *from, struct err *err)
{
	_cleanup_json_ json_t *values = json_array();
	json_t *variable;
	size_t i;

	json_array_foreach (json_object_get(combine, "variables"), i, variable) {
		const json_t *value = field_path_get(from, from_path(variable), err);

		if (!value)
			return NULL;
		json_array_append_new(values, numbers_as_reals(value));
	}
	return TAKE_PTR(values);
}

int patch_apply_combine(const json_t *patch, const json_t *from, json_t *to, struct err *err)
{
	const json_t *combine = json_object_get(patch, "combine");
	const char *format = json_str_at(combine, "string", "fmt", NULL);
	_cleanup_json_ json_t *values = read_variables(combine, from, err);

	if (!values)
		return -1;
	size_t len = json_array_size(values);
	_cleanup_free_ json_t **list = xcalloc(len + 1, sizeof(json_t *));
	for (size_t i = 0; i < len; i++)
		list[i] = json_array_get(values, i);
	_cleanup_free_ char *text = go_sprintf(format ? format : "", list, len);
	_cleanup_json_ json_t *combined = json_string_lossy(text, strlen(text));
	_cleanup_json_ json_t *out = transform_all(json_object_get(patch, "transforms"), combined, err);
	if (!out)
		return -1;
	_cleanup_json_ json_t *value = numbers_as_json(out);
	return write_one(patch, to, value, err);
}
