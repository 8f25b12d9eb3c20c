#include "patch/patch.h"

#include "base/str.h"
#include "call.h"
#include "field_path.h"

static bool matches_text(const json_t *value, const json_t *wanted)
{
	return json_is_string(value) && str_eq(json_string_value(value), json_string_value(wanted));
}

/* 1, 0; -1: the value is of another type. */
static int matches(const char *type, const char *path, const json_t *value, const json_t *check, struct err *err)
{
	if (str_eq(type, "NonEmpty"))
		return 1;
	if (str_eq(type, "MatchString")) {
		if (!json_is_string(value))
			return err_set(err, ERR_INVALID, "%s: not a string", path);
		return matches_text(value, json_object_get(check, "matchString"));
	}
	if (str_eq(type, "MatchInteger")) {
		if (!json_is_integer(value))
			return err_set(err, ERR_INVALID, "%s: not a (int64) number", path);
		return json_same(value, json_object_get(check, "matchInteger"));
	}
	if (!json_is_boolean(value))
		return err_set(err, ERR_INVALID, "%s: not a bool", path);
	return json_is_true(value) == str_eq(type, "MatchTrue");
}

static int run_check(const json_t *object, const json_t *check, struct err *err)
{
	const char *type = json_get_str(check, "type"), *path = json_get_str(check, "fieldPath");
	_cleanup_err_ struct err missing = { 0 };

	if (patch_validate_readiness_check(check, err) < 0)
		return err_wrap(err, "invalid");
	if (str_eq(type, "None"))
		return 1;
	if (str_eq(type, "MatchCondition")) {
		const json_t *condition = json_object_get(check, "matchCondition");
		const char *kind = json_get_str(condition, "type"), *status = object_condition(object, kind ? kind : "Ready");

		return str_eq(status[0] ? status : "Unknown", json_get_str(condition, "status"));
	}
	const json_t *value = field_path_get(object, path ? path : "", &missing);
	if (value)
		return matches(type, path, value, check, err);
	if (missing.kind == ERR_NOT_FOUND)
		return 0;
	err_move(err, &missing);
	return -1;
}

int readiness_is_ready(const json_t *object, const json_t *checks, struct err *err)
{
	_cleanup_err_ struct err failed = { 0 };
	json_t *check;
	size_t i;

	if (json_array_size(checks) == 0)
		return str_eq(object_condition(object, "Ready"), "True");
	json_array_foreach (checks, i, check) {
		int r = run_check(object, check, &failed);

		if (r < 0) {
			err_wrap(&failed, "cannot run readiness check at index %zu", i);
			err_move(err, &failed);
			return -1;
		}
		if (r == 0)
			return 0;
	}
	return 1;
}
