#include "patch/patch.h"

#include "base/quantity.h"
#include "base/str.h"
#include "codec/go_format.h"

#include <errno.h>
#include <math.h>

#define EXACT_MAX 9.2e18

/* ---- numbers ---- */

static json_t *map_numbers(const json_t *v, json_t *(*number)(const json_t *v))
{
	const char *key;
	json_t *member, *out;
	size_t i;

	if (json_is_object(v)) {
		out = json_object();
		json_object_foreach (json_unconst(v), key, member)
			json_object_set_new_nocheck(out, key, map_numbers(member, number));
		return out;
	}
	if (json_is_array(v)) {
		out = json_array();
		json_array_foreach (v, i, member)
			json_array_append_new(out, map_numbers(member, number));
		return out;
	}
	return json_is_number(v) ? number(v) : json_incref(json_unconst(v));
}

static json_t *as_real(const json_t *v)
{
	return json_real(json_number_value(v));
}

static json_t *as_json(const json_t *v)
{
	double f = json_number_value(v);

	if (json_is_integer(v) || f != trunc(f) || f < -EXACT_MAX || f > EXACT_MAX)
		return json_incref(json_unconst(v));
	return json_integer((json_int_t)f);
}

json_t *numbers_as_reals(const json_t *v)
{
	return map_numbers(v, as_real);
}

json_t *numbers_as_json(const json_t *v)
{
	return map_numbers(v, as_json);
}

const char *transform_type_name(const json_t *v)
{
	return go_type_name(v);
}

/* ---- math ---- */

static json_t *transform_math(const json_t *math, const json_t *input, struct err *err)
{
	const char *type = json_get_str(math, "type");

	if (!json_is_number(input)) {
		err_set(err, ERR_INVALID, "input is required to be a number for math transformer, got %s",
		        transform_type_name(input));
		return NULL;
	}
	if (str_eq(type, "Multiply")) {
		int64_t by = json_int(json_object_get(math, "multiply"), 0), product;

		if (!json_is_integer(input))
			return json_real(json_real_value(input) * (double)by);
		/* Wraps around, as Go's integers do. */
		__builtin_mul_overflow((int64_t)json_integer_value(input), by, &product);
		return json_integer(product);
	}
	bool is_min = str_eq(type, "ClampMin");
	int64_t bound = json_int(json_object_get(math, is_min ? "clampMin" : "clampMax"), 0);
	double number = trunc(json_number_value(input));

	if (is_min ? number < (double)bound : number > (double)bound)
		return json_integer(bound);
	return json_incref(json_unconst(input));
}

/* ---- map ---- */

static json_t *transform_map(const json_t *map, const json_t *input, struct err *err)
{
	const json_t *found;

	if (!json_is_string(input)) {
		err_set(err, ERR_INVALID, "type %s is not supported for map transform", transform_type_name(input));
		return NULL;
	}
	found = json_object_get(map, json_string_value(input));
	if (!found) {
		err_set(err, ERR_INVALID, "key %s is not found in map", json_string_value(input));
		return NULL;
	}
	return numbers_as_reals(found);
}

/* ---- match ---- */

static int unsupported_input(const json_t *input, struct err *err)
{
	return err_set(err, ERR_INVALID, "unsupported input type '%s'", transform_type_name(input));
}

/* 1, 0; -1: err. */
static int matches(const json_t *pattern, const json_t *input, struct err *err)
{
	const char *type = json_get_str(pattern, "type"), *regexp = json_get_str(pattern, "regexp");
	_cleanup_err_ struct err failed = { 0 };

	if (str_eq(type, "literal"))
		return json_is_string(input) ? str_eq(json_string_value(input), json_get_str(pattern, "literal"))
		                             : unsupported_input(input, err);
	if (!str_eq(type, "regexp"))
		return err_set(err, ERR_INVALID, "unsupported pattern type '%s'", type ? type : "");
	if (!json_is_string(input))
		return json_is_null(input) ? err_set(err, ERR_INVALID, "unsupported input type 'null'")
		                           : unsupported_input(input, err);
	_cleanup_json_ json_t *groups = transform_regexp(regexp ? regexp : "", json_string_value(input), &failed);
	if (err_is_set(&failed)) {
		err_move(err, &failed);
		return err_wrap(err, "cannot compile regexp");
	}
	return groups != NULL;
}

static json_t *transform_match(const json_t *match, const json_t *input, struct err *err)
{
	const json_t *fallback = json_object_get(match, "fallbackValue");
	json_t *pattern;
	size_t i;

	json_array_foreach (json_object_get(match, "patterns"), i, pattern) {
		int r = matches(pattern, input, err);
		const json_t *result = json_object_get(pattern, "result");

		if (r < 0) {
			err_wrap(err, "cannot match pattern at index %zu", i);
			return NULL;
		}
		if (r > 0)
			return result ? numbers_as_reals(result) : json_null();
	}
	if (!str_eq(json_get_str(match, "fallbackTo"), "Input"))
		return fallback ? numbers_as_reals(fallback) : json_null();
	if (fallback) {
		err_set(err, ERR_INVALID, "cannot set both a fallback value and the fallback to input flag");
		return NULL;
	}
	return json_incref(json_unconst(input));
}

/* ---- convert ---- */

static json_t *parse_failed(const char *function, const char *text, bool out_of_range, struct err *err)
{
	_cleanup_buf_ struct buf quoted = BUF_INIT(4096);

	go_quote(text, strlen(text), 1024, &quoted);
	err_set(err, ERR_INVALID, "strconv.%s: parsing %s: %s", function, buf_str(&quoted),
	        out_of_range ? "value out of range" : "invalid syntax");
	return NULL;
}

static json_t *text_to_integer(const char *text, struct err *err)
{
	char *end;
	long long value;

	errno = 0;
	value = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || (text[0] != '-' && text[0] != '+' && (text[0] < '0' || text[0] > '9')))
		return parse_failed("ParseInt", text, false, err);
	return errno == ERANGE ? parse_failed("ParseInt", text, true, err) : json_integer(value);
}

static json_t *text_to_bool(const char *text, struct err *err)
{
	static const char *const yes[] = { "1", "t", "T", "TRUE", "true", "True", NULL };
	static const char *const no[] = { "0", "f", "F", "FALSE", "false", "False", NULL };

	if (str_in(text, yes))
		return json_true();
	return str_in(text, no) ? json_false() : parse_failed("ParseBool", text, false, err);
}

static json_t *text_to_real(const char *text, struct err *err)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end != '\0' || text[0] == ' ')
		return parse_failed("ParseFloat", text, false, err);
	return isfinite(value) ? json_real(value) : parse_failed("ParseFloat", text, true, err);
}

static json_t *quantity_to_real(const char *text, struct err *err)
{
	int64_t milli;

	if (quantity_parse_milli(text, &milli))
		return json_real((double)milli / 1000);
	err_set(err, ERR_INVALID,
	        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
	return NULL;
}

static json_t *parse_json(const char *text, bool wants_object, struct err *err)
{
	_cleanup_json_ json_t *value = json_parse(text, strlen(text), 0, err);

	if (!value)
		return NULL;
	if (wants_object ? !json_is_object(value) : !json_is_array(value)) {
		err_set(err, ERR_INVALID, "json: cannot unmarshal %s into Go value of type %s", go_type_name(value),
		        wants_object ? "map[string]interface {}" : "[]interface {}");
		return NULL;
	}
	return numbers_as_reals(value);
}

static json_t *convert_text(const char *text, const char *to, const char *format, struct err *err)
{
	if (str_eq(format, "quantity"))
		return str_eq(to, "float64") ? quantity_to_real(text, err) : NULL;
	if (str_eq(format, "json"))
		return str_eq(to, "object") || str_eq(to, "array") ? parse_json(text, str_eq(to, "object"), err) : NULL;
	if (str_eq(to, "int64"))
		return text_to_integer(text, err);
	if (str_eq(to, "bool"))
		return text_to_bool(text, err);
	return str_eq(to, "float64") ? text_to_real(text, err) : NULL;
}

static json_t *real_to_text(double value)
{
	for (int precision = 0; precision < 340; precision++) {
		_cleanup_free_ char *text = xasprintf("%.*f", precision, value);

		if (strtod(text, NULL) == value)
			return json_string(text);
	}
	return json_strf("%g", value);
}

static json_t *convert_number(const json_t *input, const char *to)
{
	double value = json_number_value(input);

	if (str_eq(to, "string"))
		return json_is_integer(input) ? json_strf("%lld", (long long)json_integer_value(input)) : real_to_text(value);
	if (str_eq(to, "bool"))
		return json_boolean(value == 1);
	if (str_eq(to, "float64"))
		return json_real(value);
	if (str_eq(to, "int64"))
		return json_integer(value >= EXACT_MAX ? INT64_MAX : value <= -EXACT_MAX ? INT64_MIN : (json_int_t)value);
	return NULL;
}

static json_t *convert_bool(const json_t *input, const char *to)
{
	bool value = json_is_true(input);

	if (str_eq(to, "string"))
		return json_string(value ? "true" : "false");
	if (str_eq(to, "int64"))
		return json_integer(value);
	return str_eq(to, "float64") ? json_real(value) : NULL;
}

static json_t *transform_convert(const json_t *convert, const json_t *input, struct err *err)
{
	const char *to = json_get_str(convert, "toType"), *format = json_get_str(convert, "format");
	const char *from = transform_type_name(input);
	json_t *out = NULL;

	format = format ? format : "none";
	if (str_eq(to, "int"))
		to = "int64";
	if (json_is_object(input) || json_is_array(input) || json_is_null(input)) {
		err_set(err, ERR_INVALID, "invalid input type %s", from);
		return NULL;
	}
	if (str_eq(from, to))
		return json_incref(json_unconst(input));
	if (json_is_string(input))
		out = convert_text(json_string_value(input), to, format, err);
	else if (str_eq(format, "none"))
		out = json_is_number(input) ? convert_number(input, to) : convert_bool(input, to);
	if (!out && err && !err_is_set(err))
		err_set(err, ERR_INVALID, "conversion from %s to %s is not supported with format %s", from, to, format);
	return out;
}

/* ---- all ---- */

static json_t *transform_one(const json_t *transform, const json_t *input, struct err *err)
{
	static const struct {
		const char *type;
		json_t *(*resolve)(const json_t *config, const json_t *input, struct err *err);
	} kinds[] = {
		{ "math", transform_math },     { "map", transform_map },         { "match", transform_match },
		{ "string", transform_string }, { "convert", transform_convert },
	};
	const char *type = json_get_str(transform, "type");

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (!str_eq(type, kinds[i].type))
			continue;
		const json_t *config = json_object_get(transform, type);
		json_t *out = config ? kinds[i].resolve(config, input, err) : NULL;

		if (!config)
			err_set(err, ERR_INVALID, "given transform type %s requires configuration", type);
		else if (!out)
			err_wrap(err, "%s transform could not resolve", type);
		return out;
	}
	err_set(err, ERR_INVALID, "transform type %s is not supported", type ? type : "");
	return NULL;
}

json_t *transform_all(const json_t *transforms, const json_t *value, struct err *err)
{
	_cleanup_json_ json_t *at = numbers_as_reals(value);
	_cleanup_err_ struct err failed = { 0 };
	json_t *transform;
	size_t i;

	json_array_foreach (transforms, i, transform) {
		json_t *out = transform_one(transform, at, &failed);

		if (!out) {
			err_wrap(&failed, "transform at index %zu returned error", i);
			err_move(err, &failed);
			return NULL;
		}
		json_decref(at);
		at = out;
	}
	return TAKE_PTR(at);
}
