#include "patch/patch.h"

#include "base/str.h"
#include "codec/go_format.h"

#include <stdio.h>

struct check {
	struct buf path;
	struct err *err;
};

/* ---- where ---- */

static size_t enter(struct check *c, const char *field)
{
	size_t before = c->path.len;

	buf_printf(&c->path, "%s%s", before > 0 ? "." : "", field);
	return before;
}

static size_t enter_index(struct check *c, const char *field, size_t index)
{
	size_t before = enter(c, field);

	buf_printf(&c->path, "[%zu]", index);
	return before;
}

static void leave(struct check *c, size_t before)
{
	c->path.len = before;
	if (c->path.data)
		c->path.data[before] = '\0';
}

static int required(struct check *c, const char *field, const char *detail)
{
	return err_set(c->err, ERR_INVALID, "%s%s%s: Required value: %s", buf_str(&c->path), c->path.len > 0 ? "." : "",
	               field, detail);
}

static int invalid(struct check *c, const char *field, const char *value, const char *detail)
{
	_cleanup_buf_ struct buf quoted = BUF_INIT(4096);

	go_quote(value ? value : "", value ? strlen(value) : 0, 1024, &quoted);
	return err_set(c->err, ERR_INVALID, "%s%s%s: Invalid value: %s: %s", buf_str(&c->path), c->path.len > 0 ? "." : "",
	               field, buf_str(&quoted), detail);
}

static bool is_missing(const json_t *object, const char *field)
{
	const json_t *v = json_object_get(object, field);

	return !v || json_is_null(v);
}

static bool is_blank(const json_t *object, const char *field)
{
	return str_empty(json_get_str(object, field));
}

typedef int (*check_fn)(struct check *c, const json_t *value);

static int each(struct check *c, const json_t *object, const char *field, check_fn check)
{
	json_t *item;
	size_t i;

	json_array_foreach (json_object_get(object, field), i, item) {
		size_t before = enter_index(c, field, i);

		if (check(c, item) < 0)
			return -1;
		leave(c, before);
	}
	return 0;
}

static int within(struct check *c, const json_t *object, const char *field, check_fn check)
{
	size_t before = enter(c, field);

	if (check(c, json_object_get(object, field)) < 0)
		return -1;
	leave(c, before);
	return 0;
}

/* ---- transforms ---- */

static int check_math(struct check *c, const json_t *math)
{
	static const char *const kinds[][3] = {
		{ "Multiply", "multiply", "must specify a value if a multiply math transform is specified" },
		{ "ClampMin", "clampMin", "must specify a value if a clamp min math transform is specified" },
		{ "ClampMax", "clampMax", "must specify a value if a clamp max math transform is specified" },
	};
	const char *type = json_get_str(math, "type");

	if (str_empty(type))
		return required(c, "type", "math transform type is required");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_eq(type, kinds[i][0]))
			return is_missing(math, kinds[i][1]) ? required(c, kinds[i][1], kinds[i][2]) : 0;
	return invalid(c, "type", type, "unknown math transform type");
}

static int check_map(struct check *c, const json_t *map)
{
	return json_object_size(map) == 0
	           ? required(c, "pairs", "at least one pair must be specified if a map transform is specified")
	           : 0;
}

static int check_pattern(struct check *c, const json_t *pattern)
{
	const char *type = json_get_str(pattern, "type"), *regexp = json_get_str(pattern, "regexp");

	if (str_empty(type) || str_eq(type, "literal"))
		return is_missing(pattern, "literal") ? required(c, "literal", "literal pattern type requires a literal") : 0;
	if (!str_eq(type, "regexp"))
		return invalid(c, "type", type, "unknown pattern type");
	if (!regexp)
		return required(c, "regexp", "regexp pattern type requires a regexp");
	return transform_regexp_is_valid(regexp) ? 0 : invalid(c, "regexp", regexp, "invalid regexp");
}

static int check_match(struct check *c, const json_t *match)
{
	if (json_array_size(json_object_get(match, "patterns")) == 0)
		return required(c, "patterns", "at least one pattern must be specified if a match transform is specified");
	return each(c, match, "patterns", check_pattern);
}

static int check_string_regexp(struct check *c, const json_t *string)
{
	const char *match = json_str_at(string, "regexp", "match", NULL);

	if (is_missing(string, "regexp"))
		return required(c, "regexp", "regexp transform requires a regexp");
	if (str_empty(match))
		return required(c, "regexp.match", "regexp transform requires a match");
	return transform_regexp_is_valid(match) ? 0 : invalid(c, "regexp.match", match, "invalid regexp");
}

static int check_string_replace(struct check *c, const json_t *string)
{
	if (is_missing(string, "replace"))
		return required(c, "replace", "replace transform requires a replace");
	if (str_empty(json_str_at(string, "replace", "search", NULL)))
		return required(c, "replace.search", "replace transform requires a search");
	return 0;
}

static int check_string(struct check *c, const json_t *string)
{
	static const char *const kinds[][3] = {
		{ "Format", "fmt", "format transform requires a format" },
		{ "Convert", "convert", "convert transform requires a conversion type" },
		{ "TrimPrefix", "trim", "trim transform requires a trim value" },
		{ "TrimSuffix", "trim", "trim transform requires a trim value" },
		{ "Join", "join", "join transform requires a join" },
	};
	const char *type = json_get_str(string, "type");

	if (str_empty(type))
		return required(c, "type", "string transform type is required");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_eq(type, kinds[i][0]))
			return is_missing(string, kinds[i][1]) ? required(c, kinds[i][1], kinds[i][2]) : 0;
	if (str_eq(type, "Regexp"))
		return check_string_regexp(c, string);
	if (str_eq(type, "Replace"))
		return check_string_replace(c, string);
	return invalid(c, "type", type, "unknown string transform type");
}

static int check_convert(struct check *c, const json_t *convert)
{
	static const char *const formats[] = { "none", "quantity", "json", NULL };
	static const char *const types[] = { "string", "bool", "int", "int64", "float64", "object", "array", NULL };
	const char *format = json_get_str(convert, "format"), *type = json_get_str(convert, "toType");

	if (format && !str_in(format, formats))
		return invalid(c, "format", format, "invalid format");
	if (!type || !str_in(type, types))
		return invalid(c, "toType", type, "invalid type");
	return 0;
}

static int check_transform(struct check *c, const json_t *transform)
{
	static const struct {
		const char *type;
		check_fn check;
	} kinds[] = {
		{ "math", check_math },     { "map", check_map },         { "match", check_match },
		{ "string", check_string }, { "convert", check_convert },
	};
	const char *type = json_get_str(transform, "type");

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!str_eq(type, kinds[i].type))
			continue;
		if (is_missing(transform, type)) {
			_cleanup_free_ char *detail = xasprintf("given transform type %s requires configuration", type);

			return required(c, type, detail);
		}
		return within(c, transform, type, kinds[i].check);
	}
	return invalid(c, "type", type, "unknown transform type");
}

/* ---- patches ---- */

static int check_variable(struct check *c, const json_t *variable)
{
	return is_blank(variable, "fromFieldPath")
	           ? required(c, "fromFieldPath", "fromFieldPath must be set for each combine variable")
	           : 0;
}

static int check_combine(struct check *c, const json_t *combine)
{
	const char *strategy = json_get_str(combine, "strategy");

	if (str_empty(strategy))
		return required(c, "strategy", "a combine strategy must be provided");
	if (!str_eq(strategy, "string"))
		return invalid(c, "strategy", strategy, "unknown strategy type");
	if (is_missing(combine, "string"))
		return required(c, "string", "string must be set for combine strategy string");
	if (json_array_size(json_object_get(combine, "variables")) == 0)
		return required(c, "variables", "at least one variable must be provided");
	return each(c, combine, "variables", check_variable);
}

static int check_policy(struct check *c, const json_t *patch)
{
	static const char *const to[] = { "Replace",
		                              "MergeObjects",
		                              "MergeObjectsAppendArrays",
		                              "ForceMergeObjects",
		                              "ForceMergeObjectsAppendArrays",
		                              "MergeObject",
		                              "AppendArray",
		                              NULL };
	static const char *const from[] = { "Required", "Optional", NULL };
	const char *to_policy = json_str_at(patch, "policy", "toFieldPath", NULL);
	const char *from_policy = json_str_at(patch, "policy", "fromFieldPath", NULL);

	if (to_policy && !str_in(to_policy, to))
		return invalid(c, "policy.toFieldPathPolicy", to_policy, "unknown toFieldPathPolicy");
	if (from_policy && !str_in(from_policy, from))
		return invalid(c, "policy.fromFieldPathPolicy", from_policy, "unknown fromFieldPathPolicy");
	return 0;
}

static int check_combine_patch(struct check *c, const json_t *patch, const char *type)
{
	_cleanup_free_ char *combine = xasprintf("combine must be set for patch type %s", type);
	_cleanup_free_ char *to = xasprintf("toFieldPath must be set for patch type %s", type);

	if (is_missing(patch, "combine"))
		return required(c, "combine", combine);
	if (is_blank(patch, "toFieldPath") && is_blank(patch, "fromFieldPath"))
		return required(c, "toFieldPath", to);
	return within(c, patch, "combine", check_combine);
}

static int check_patch(struct check *c, const json_t *patch)
{
	static const char *const from_types[] = { "FromCompositeFieldPath", "ToCompositeFieldPath",
		                                      "FromEnvironmentFieldPath", "ToEnvironmentFieldPath", NULL };
	static const char *const combine_types[] = { "CombineFromComposite", "CombineToComposite", "CombineFromEnvironment",
		                                         "CombineToEnvironment", NULL };
	const char *type = patch_type(patch);

	if (str_in(type, combine_types))
		return check_combine_patch(c, patch, type);
	if (str_eq(type, "PatchSet")) {
		if (is_blank(patch, "patchSetName"))
			return required(c, "patchSetName", "patchSetName must be set for patch type PatchSet");
	} else if (!str_in(type, from_types)) {
		return invalid(c, "type", type, "unknown patch type");
	} else if (is_blank(patch, "fromFieldPath")) {
		_cleanup_free_ char *detail = xasprintf("fromFieldPath must be set for patch type %s", type);

		return required(c, "fromFieldPath", detail);
	}
	return each(c, patch, "transforms", check_transform) < 0 ? -1 : check_policy(c, patch);
}

static int check_environment_patch(struct check *c, const json_t *patch)
{
	static const char *const types[] = { "FromCompositeFieldPath",
		                                 "ToCompositeFieldPath",
		                                 "CombineFromComposite",
		                                 "CombineToComposite",
		                                 "FromEnvironmentFieldPath",
		                                 "ToEnvironmentFieldPath",
		                                 NULL };
	const char *type = patch_type(patch);

	if (str_in(type, types))
		return check_patch(c, patch);
	return err_set(c->err, ERR_INVALID, "%s[type]: Invalid value: \"%s\": invalid environment patch type",
	               buf_str(&c->path), type);
}

static int check_environment(struct check *c, const json_t *environment)
{
	return each(c, environment, "patches", check_environment_patch);
}

/* ---- templates ---- */

static int check_detail(struct check *c, const json_t *detail)
{
	static const char *const kinds[][3] = {
		{ "FromValue", "value", "value connection detail requires a value" },
		{ "FromConnectionSecretKey", "fromConnectionSecretKey",
		  "from connection secret key connection detail requires a key" },
		{ "FromFieldPath", "fromFieldPath", "from field path connection detail requires a field path" },
	};
	const char *type = json_get_str(detail, "type");

	if (str_empty(type))
		return required(c, "type", "connection detail type is required");
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!str_eq(type, kinds[i][0]))
			continue;
		if (is_blank(detail, "name"))
			return required(c, "name", "name is required");
		return is_missing(detail, kinds[i][1]) ? required(c, kinds[i][1], kinds[i][2]) : 0;
	}
	return invalid(c, "type", type, "unknown connection detail type");
}

static int check_condition(struct check *c, const json_t *condition)
{
	static const char detail[] = "cannot be empty for type MatchCondition";

	if (is_blank(condition, "type"))
		return required(c, "type", detail);
	return is_blank(condition, "status") ? required(c, "status", detail) : 0;
}

static int check_readiness(struct check *c, const json_t *check)
{
	static const char *const types[] = { "NonEmpty", "MatchString", "MatchInteger", "MatchTrue", "MatchFalse", NULL };
	const char *type = json_get_str(check, "type");

	if (str_eq(type, "None"))
		return 0;
	if (str_eq(type, "MatchCondition"))
		return is_missing(check, "matchCondition") ? 0 : within(c, check, "matchCondition", check_condition);
	if (!type || !str_in(type, types))
		return invalid(c, "type", type, "unknown readiness check type");
	if (str_eq(type, "MatchString") && is_missing(check, "matchString"))
		return required(c, "matchString", "cannot be nil for type MatchString");
	if (str_eq(type, "MatchInteger") && is_missing(check, "matchInteger"))
		return required(c, "matchInteger", "cannot be nil for type MatchInteger");
	return is_missing(check, "fieldPath") ? required(c, "fieldPath", "cannot be empty") : 0;
}

static int check_template(struct check *c, const json_t *template)
{
	if (is_blank(template, "name"))
		return required(c, "name", "name is required");
	if (each(c, template, "patches", check_patch) < 0 || each(c, template, "connectionDetails", check_detail) < 0)
		return -1;
	return each(c, template, "readinessChecks", check_readiness);
}

/* Upstream says where in a patch set it is, not in which. */
static int check_patch_sets(struct check *c, const json_t *sets)
{
	json_t *set;
	size_t i;

	json_array_foreach (sets, i, set) {
		if (is_blank(set, "name"))
			return required(c, "name", "name is required");
		if (each(c, set, "patches", check_patch) < 0)
			return -1;
	}
	return 0;
}

int patch_validate_input(const json_t *input, struct err *err)
{
	struct check c = { .path = BUF_INIT(4096), .err = err };
	int r = check_patch_sets(&c, json_object_get(input, "patchSets"));

	if (r == 0 && json_array_size(json_object_get(input, "resources")) == 0 &&
	    json_array_size(json_at(input, "environment", "patches", NULL)) == 0)
		r = required(&c, "resources", "resources or environment patches are required");
	if (r == 0)
		r = each(&c, input, "resources", check_template);
	if (r == 0)
		r = within(&c, input, "environment", check_environment);
	buf_clear(&c.path);
	return r;
}

static int validate(const json_t *value, check_fn check, struct err *err)
{
	struct check c = { .path = BUF_INIT(4096), .err = err };
	int r = check(&c, value);

	buf_clear(&c.path);
	return r;
}

int patch_validate_connection_detail(const json_t *detail, struct err *err)
{
	return validate(detail, check_detail, err);
}

int patch_validate_readiness_check(const json_t *check, struct err *err)
{
	return validate(check, check_readiness, err);
}
