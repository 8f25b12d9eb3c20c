/* function-environment-configs: asks for EnvironmentConfigs by name or by labels, and puts their data, merged, into the
 * context, where patch-and-transform and others find the composition's environment. */

#include "call.h"
#include "codec/go_format.h"
#include "field_path.h"

#include "base/str.h"

#include <stdio.h>

#define CONFIG_VERSION "apiextensions.crossplane.io/v1beta1"

static bool is_selector(const json_t *config)
{
	return str_eq(json_get_str(config, "type"), "Selector");
}

static void requirement_name(size_t index, char ret[static 48])
{
	snprintf(ret, 48, "environment-config-%zu", index);
}

/* ---- what is needed ---- */

/* One label of a selector into labels; -1: what it comes from is not there, and must be. */
static int add_label(const json_t *matcher, const json_t *xr, json_t *labels, struct err *err)
{
	_cleanup_err_ struct err missing = { 0 };
	const char *key = json_get_str(matcher, "key"), *path = json_get_str(matcher, "valueFromFieldPath");
	const char *value = json_get_str(matcher, "value");

	if (!str_eq(json_get_str(matcher, "type"), "Value")) {
		const json_t *found = field_path_get(xr, path ? path : "", &missing);

		if (found && !json_is_string(found))
			err_set(&missing, ERR_INVALID, "%s: not a string", path ? path : "");
		if (err_is_set(&missing)) {
			if (str_eq(json_get_str(matcher, "fromFieldPathPolicy"), "Optional"))
				return 0;
			err_move(err, &missing);
			return err_wrap(err, "cannot get value from field path \"%s\"", path ? path : "");
		}
		value = json_string_value(found);
	}
	json_put_str(labels, key ? key : "", value ? value : "");
	return 0;
}

/* The labels of a selector, empty when it selects nothing; NULL: err. */
static json_t *selector_labels(const json_t *config, const json_t *xr, struct err *err)
{
	_cleanup_json_ json_t *labels = json_object();
	json_t *matcher;
	size_t i;

	json_array_foreach (json_at(config, "selector", "matchLabels", NULL), i, matcher)
		if (add_label(matcher, xr, labels, err) < 0)
			return NULL;
	return TAKE_PTR(labels);
}

static json_t *build_requirements(const json_t *configs, const json_t *xr, struct err *err)
{
	_cleanup_json_ json_t *resources = json_object();
	json_t *config;
	size_t i;

	json_array_foreach (configs, i, config) {
		json_t *selector = json_pack("{ss,ss}", "api_version", CONFIG_VERSION, "kind", "EnvironmentConfig");
		char name[48];

		requirement_name(i, name);
		json_object_set_new(resources, name, selector);
		if (!is_selector(config)) {
			const char *wanted = json_str_at(config, "ref", "name", NULL);

			json_put_str(selector, "match_name", wanted ? wanted : "");
			continue;
		}
		json_t *labels = selector_labels(config, xr, err);
		if (!labels)
			return NULL;
		if (json_object_size(labels) == 0)
			json_object_del(resources, name);
		json_object_set_new(selector, "match_labels", json_pack("{so}", "labels", labels));
	}
	return TAKE_PTR(resources);
}

/* ---- what was found ---- */

struct keyed {
	const json_t *object, *key;
	size_t order;
};

static int compare_keyed(const void *left, const void *right)
{
	const struct keyed *a = left, *b = right;
	int r = 0;

	if (json_is_string(a->key) || json_is_string(b->key))
		r = strcmp(a->key ? json_string_value(a->key) : "", b->key ? json_string_value(b->key) : "");
	else if (json_number_value(a->key) != json_number_value(b->key))
		r = json_number_value(a->key) < json_number_value(b->key) ? -1 : 1;
	return r != 0 ? r : a->order < b->order ? -1 : 1;
}

/* Fills keys with what path gives of each object; -1: they cannot be ordered. */
static int read_keys(struct keyed *list, size_t len, const char *path, struct err *err)
{
	const json_t *first = NULL;

	for (size_t i = 0; i < len; i++) {
		_cleanup_err_ struct err missing = { 0 };
		const json_t *key = field_path_get(list[i].object, path, &missing);

		if (!key && missing.kind != ERR_NOT_FOUND) {
			err_move(err, &missing);
			return -1;
		}
		if (!key || json_is_null(key))
			continue;
		list[i].key = key;
		if (first && json_is_number(first) != json_is_number(key))
			return err_set(err, ERR_INVALID, "cannot sort values of different types \"%s\" and \"%s\"",
			               json_is_number(first) ? "float64" : go_type_name(first),
			               json_is_number(key) ? "float64" : go_type_name(key));
		if (!json_is_string(key) && !json_is_number(key))
			return err_set(err, ERR_INVALID, "unsupported type \"%s\" for sorting", go_type_name(key));
		first = key;
	}
	return 0;
}

/* A new array of the objects, ordered by the path, at most max of them. */
static json_t *sorted(const json_t *items, const char *path, size_t max, struct err *err)
{
	size_t len = json_array_size(items);
	_cleanup_free_ struct keyed *list = xcalloc(len + 1, sizeof(*list));
	json_t *out;

	for (size_t i = 0; i < len; i++)
		list[i] = (struct keyed){ .object = json_at(json_array_get(items, i), "resource", NULL), .order = i };
	if (read_keys(list, len, path, err) < 0)
		return NULL;
	qsort(list, len, sizeof(*list), compare_keyed);
	out = json_array();
	for (size_t i = 0; i < len && i < max; i++)
		json_array_append(out, json_unconst(list[i].object));
	return out;
}

static json_t *select_many(const json_t *selector, const json_t *items, struct err *err)
{
	const char *path = json_get_str(selector, "sortByFieldPath");
	int64_t least = json_get_int(selector, "minMatch", 0), most = json_get_int(selector, "maxMatch", INT64_MAX);

	if ((int64_t)json_array_size(items) < least) {
		err_set(err, ERR_INVALID, "expected at least %lld required resources, got %zu", (long long)least,
		        json_array_size(items));
		return NULL;
	}
	return sorted(items, str_empty(path) ? "metadata.name" : path, most < 0 ? 0 : (size_t)most, err);
}

static json_t *select_by_labels(const json_t *config, const json_t *items, struct err *err)
{
	const json_t *selector = json_object_get(config, "selector");
	const char *mode = json_get_str(selector, "mode");

	if (str_eq(mode, "Multiple"))
		return select_many(selector, items, err);
	if (!str_empty(mode) && !str_eq(mode, "Single")) {
		err_set(err, ERR_INVALID, "unknown selector mode \"%s\"", mode);
		return NULL;
	}
	if (json_array_size(items) != 1) {
		err_set(err, ERR_INVALID, "expected exactly one required resource, got %zu", json_array_size(items));
		return NULL;
	}
	return sorted(items, "metadata.name", 1, err);
}

static json_t *select_by_name(const json_t *config, const json_t *items, bool optional, struct err *err)
{
	const char *name = json_str_at(config, "ref", "name", NULL);
	size_t len = json_array_size(items);

	if (len == 1 || (len == 0 && optional))
		return sorted(items, "metadata.name", 1, err);
	if (len == 0)
		err_set(err, ERR_INVALID, "Required environment config \"%s\" not found", name ? name : "");
	else
		err_set(err, ERR_INVALID, "expected exactly one required resource \"%s\", got %zu", name ? name : "", len);
	return NULL;
}

/* The configs of one source; NULL: err. */
static json_t *select_source(const json_t *config, const char *requirement, const json_t *items, bool optional,
                             struct err *err)
{
	json_t *found = is_selector(config) ? select_by_labels(config, items, err)
	                                    : select_by_name(config, items, optional, err);

	if (!found && is_selector(config))
		err_wrap(err, "cannot process environment config \"%s\" by selector", requirement);
	else if (!found)
		err_wrap(err, "cannot process environment config \"%s\" by reference, \"%s\"",
		         json_str_at(config, "ref", "name", NULL), requirement);
	return found;
}

static int merge_config(const char *to, const json_t *config, json_t *merged, struct err *err)
{
	static const struct field_path_merge replace = { 0 };
	_cleanup_json_ json_t *at_path = json_object();
	json_t *data = json_object_get(config, "data");

	if (str_empty(to)) {
		if (!data)
			return err_set(err, ERR_INVALID, "cannot get data from environment config \"%s\": data: no such field",
			               object_name(config));
		json_merge_members(merged, data, &replace);
		return 0;
	}
	if (field_path_set(at_path, to, data ? data : json_null(), NULL) < 0)
		return err_set(err, ERR_INVALID, "cannot get data from environment config %s into path \"%s\"",
		               object_name(config), to);
	json_merge_members(merged, at_path, &replace);
	return 0;
}

/* The data of all selected configs, in the order of the input; NULL: fatal, and said so. */
static json_t *merge_all(struct function_call *call, const json_t *spec)
{
	const json_t *required = json_object_get(call->request, "required_resources");
	bool optional = str_eq(json_str_at(spec, "policy", "resolution", NULL), "Optional");
	_cleanup_json_ json_t *merged = json_object();
	_cleanup_err_ struct err err = { 0 };
	json_t *config, *object;
	size_t i, j;

	json_array_foreach (json_object_get(spec, "environmentConfigs"), i, config) {
		char name[48];

		requirement_name(i, name);
		if (!json_object_get(required, name))
			continue;
		_cleanup_json_ json_t *found = select_source(config, name, json_at(required, name, "items", NULL), optional,
		                                             &err);
		if (!found) {
			call_fatal(call, "cannot get selected environment configs: %s", err_message(&err));
			return NULL;
		}
		json_array_foreach (found, j, object)
			if (merge_config(json_get_str(config, "toFieldPath"), object, merged, &err) < 0) {
				call_fatal(call, "cannot merge environment data: %s", err_message(&err));
				return NULL;
			}
	}
	return TAKE_PTR(merged);
}

/* A new object: below with the members of above merged into it. */
static json_t *overlay(const json_t *below, const json_t *above)
{
	static const struct field_path_merge replace = { 0 };
	json_t *out = json_is_object(below) ? json_copy(json_unconst(below)) : json_object();

	json_merge_members(out, above, &replace);
	return out;
}

void environment_configs_run(struct function_call *call)
{
	const json_t *spec = json_at(call->request, "input", "spec", NULL);
	const json_t *configs = json_object_get(spec, "environmentConfigs");
	_cleanup_err_ struct err err = { 0 };
	json_t *requirements;

	if (!json_is_array(configs))
		return;
	requirements = build_requirements(configs, call_composite(call, "observed"), &err);
	if (!requirements) {
		call_fatal(call, "cannot build requirements: %s", err_message(&err));
		return;
	}
	json_object_set_new(call->response, "requirements", json_pack("{so}", "resources", requirements));
	/* They come with the next call. */
	if (!json_object_get(call->request, "required_resources"))
		return;
	_cleanup_json_ json_t *merged = merge_all(call, spec);
	if (!merged)
		return;
	_cleanup_json_ json_t *with_input = overlay(call_context(call, FUNCTION_ENVIRONMENT_KEY), merged);
	json_t *environment = overlay(json_object_get(spec, "defaultData"), with_input);
	if (!json_object_get(environment, "apiVersion") && !json_object_get(environment, "kind")) {
		json_put_str(environment, "apiVersion", "internal.crossplane.io/v1alpha1");
		json_put_str(environment, "kind", "Environment");
	}
	call_set_context(call, FUNCTION_ENVIRONMENT_KEY, environment);
}
