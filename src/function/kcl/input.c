/* The function's input: types of its fields, and what its target wants. */

#include "kcl/kcl_function.h"

#include "base/str.h"
#include "codec/go_json.h"

#define WHAT_IS_READ                                                                                             \
	"cannot get Function input from *v1.RunFunctionRequest: cannot get function input *v1alpha1.KCLInput from "  \
	"*v1.RunFunctionRequest: cannot unmarshal JSON from *structpb.Struct into *v1alpha1.KCLInput: json: cannot " \
	"unmarshal JSON %s into Go %s within \"%s\""

/* What may stand at a path. As in Go, null is nothing, and fields that are not known are not looked at. */
struct field {
	const char *path; /* JSON pointer; "*" for each element */
	json_type type;
	const char *go_type;
};

static const struct field FIELDS[] = {
	{ "/metadata", JSON_OBJECT, "v1.ObjectMeta" },
	{ "/spec", JSON_OBJECT, "v1alpha1.RunSpec" },
	{ "/spec/source", JSON_STRING, "string" },
	{ "/spec/target", JSON_STRING, "resource.Target" },
	{ "/spec/dependencies", JSON_STRING, "string" },
	{ "/spec/params", JSON_OBJECT, "map[string]runtime.RawExtension" },
	{ "/spec/resources", JSON_ARRAY, "v1alpha1.ResourceList" },
	{ "/spec/resources/*", JSON_OBJECT, "v1alpha1.Resource" },
	{ "/spec/resources/*/name", JSON_STRING, "string" },
	{ "/spec/credentials", JSON_OBJECT, "v1alpha1.CredSpec" },
	{ "/spec/credentials/url", JSON_STRING, "string" },
	{ "/spec/credentials/username", JSON_STRING, "string" },
	{ "/spec/credentials/password", JSON_STRING, "string" },
	{ "/spec/config", JSON_OBJECT, "v1alpha1.ConfigSpec" },
	{ "/spec/config/arguments", JSON_ARRAY, "[]string" },
	{ "/spec/config/arguments/*", JSON_STRING, "string" },
	{ "/spec/config/settings", JSON_ARRAY, "[]string" },
	{ "/spec/config/settings/*", JSON_STRING, "string" },
	{ "/spec/config/overrides", JSON_ARRAY, "[]string" },
	{ "/spec/config/overrides/*", JSON_STRING, "string" },
	{ "/spec/config/pathSelectors", JSON_ARRAY, "[]string" },
	{ "/spec/config/pathSelectors/*", JSON_STRING, "string" },
	{ "/spec/config/vendor", JSON_TRUE, "bool" },
	{ "/spec/config/sortKeys", JSON_TRUE, "bool" },
	{ "/spec/config/showHidden", JSON_TRUE, "bool" },
	{ "/spec/config/disableNone", JSON_TRUE, "bool" },
	{ "/spec/config/debug", JSON_TRUE, "bool" },
	{ "/spec/config/strictRangeCheck", JSON_TRUE, "bool" },
};

static bool has_type(const json_t *v, json_type type)
{
	return json_is_null(v) || json_typeof(v) == type || (type == JSON_TRUE && json_is_boolean(v));
}

static const char *json_kind(const json_t *v)
{
	return json_is_boolean(v) ? "boolean" : go_json_type(v);
}

/* pointer: what of the field's path is left; path: the whole way to v. */
static int check_field(const json_t *v, const struct field *f, const char *pointer, const char *path, struct err *err)
{
	if (!v)
		return 0;
	if (*pointer == '\0')
		return has_type(v, f->type) ? 0 : err_set(err, ERR_INVALID, WHAT_IS_READ, json_kind(v), f->go_type, path);

	size_t len = strcspn(pointer + 1, "/");
	_cleanup_free_ char *key = xstrndup(pointer + 1, len);
	const char *rest = pointer + 1 + len;

	if (!str_eq(key, "*")) {
		_cleanup_free_ char *inner = xasprintf("%s/%s", path, key);

		return check_field(json_object_get(v, key), f, rest, inner, err);
	}
	for (size_t i = 0; i < json_array_size(v); i++) {
		_cleanup_free_ char *inner = xasprintf("%s/%zu", path, i);

		if (check_field(json_array_get(v, i), f, rest, inner, err) < 0)
			return -1;
	}
	return 0;
}

int kcl_check_types(const json_t *input, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(FIELDS); i++)
		if (check_field(input, &FIELDS[i], FIELDS[i].path, "", err) < 0)
			return -1;
	return 0;
}

static int check_resources(const json_t *resources, struct err *err)
{
	json_t *resource;
	size_t i;

	if (json_array_size(resources) == 0)
		return err_set(err, ERR_INVALID,
		               "spec.Resources: Required value: PatchResources target requires at least one resource");
	json_array_foreach (resources, i, resource) {
		if (str_empty(json_get_str(resource, "name")))
			return err_set(err, ERR_INVALID, "spec.Resources[%zu].name: Required value: name cannot be empty", i);
		if (!json_is_object(json_object_get(resource, "base")))
			return err_set(err, ERR_INVALID, "spec.Resources[%zu].base: Required value: base cannot be empty", i);
	}
	return 0;
}

int kcl_check_input(const struct kcl_run *run, struct err *err)
{
	if (str_empty(run->source))
		return err_set(err, ERR_INVALID, "spec.source: Required value: kcl source cannot be empty");
	return run->target == KCL_PATCH_RESOURCES ? check_resources(json_object_get(run->spec, "resources"), err) : 0;
}
