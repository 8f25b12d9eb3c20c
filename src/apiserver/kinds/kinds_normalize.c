/* Objects as they come out of Kubernetes' Go types: encoding/json's rules for types and omitted values, and the
 * defaults. */
#include "base/clock.h"
#include "base/quantity.h"
#include "base/str.h"
#include "codec/go_json.h"
#include "codec/go_time.h"
#include "kinds.h"

#include <stdio.h>
#include <string.h>

/* Where a value lies: the names of the fields around it, linked from the inside out. */
struct place {
	const struct place *up;
	const char *message; /* the Go struct the field is of */
	const char *field;
};

static int normalize_message(const struct kinds_message *m, json_t *obj, const struct place *at, struct err *err);

static void append_path(const struct place *at, struct buf *out)
{
	if (!at)
		return;
	append_path(at->up, out);
	buf_printf(out, "%s%s", out->len ? "." : "", at->field);
}

/* encoding/json's words; number: the literal belongs to them. */
static int wrong_type(const struct place *at, const json_t *v, bool literal, const char *wanted, struct err *err)
{
	_cleanup_buf_ struct buf path = BUF_INIT(65536);
	_cleanup_free_ char *number = literal ? json_to_str(v) : NULL;

	append_path(at, &path);
	return err_set(err, ERR_BAD_REQUEST, "json: cannot unmarshal %s%s%s into Go struct field %s.%s of type %s",
	               go_json_type(v), number ? " " : "", number ? number : "", at->message, buf_str(&path), wanted);
}

/* "v1.PodSpec" */
static const char *go_message(const struct kinds_message *m)
{
	const char *word = kinds_message_word(m) - 1;

	while (word > kinds_text(m->name) && word[-1] != '.')
		word--;
	return word;
}

static const char *go_type(const struct kinds_field *f)
{
	static const char *const NAMES[] = {
		[KINDS_STRING] = "string",
		[KINDS_BOOL] = "bool",
		[KINDS_INT32] = "int32",
		[KINDS_INT64] = "int64",
		[KINDS_DOUBLE] = "float64",
		[KINDS_BYTES] = "[]uint8",
		[KINDS_TIME] = "v1.Time",
		[KINDS_MICRO_TIME] = "v1.MicroTime",
		[KINDS_DURATION] = "v1.Duration",
		[KINDS_QUANTITY] = "resource.Quantity",
		[KINDS_INT_OR_STRING] = "intstr.IntOrString",
		[KINDS_RAW] = "runtime.RawExtension",
		[KINDS_JSON] = "v1.JSON",
		[KINDS_FIELDS_V1] = "v1.FieldsV1",
	};

	if (f->go_type && f->type == KINDS_STRING)
		return kinds_text(f->go_type);
	return f->type == KINDS_MESSAGE ? go_message(kinds_message_of(f)) : NAMES[f->type];
}

static int normalize_quantity(json_t **v, struct err *err)
{
	_cleanup_free_ char *number = json_is_number(*v) ? json_to_str(*v) : NULL;
	const char *text = number ? number : json_string_value(*v);
	char canonical[QUANTITY_SIZE];

	if (!text || !quantity_canonical(text, canonical))
		return err_set(err, ERR_BAD_REQUEST,
		               "quantities must match the regular expression "
		               "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'");
	if (number || strcmp(canonical, text) != 0) {
		json_decref(*v);
		*v = json_string(canonical);
	}
	return 0;
}

static int normalize_time(json_t **v, bool micro, const struct place *at, struct err *err)
{
	const char *text = json_string_value(*v);
	char formatted[RFC3339_SIZE];
	int64_t ns;

	if (!text)
		return wrong_type(at, *v, false, "string", err);
	_cleanup_free_ char *fault = go_time_fault(text, micro);
	if (fault || !rfc3339_parse(text, &ns))
		return err_set(err, ERR_BAD_REQUEST, "%s", fault ? fault : "the time is out of range");
	if (micro)
		rfc3339_format_micro(ns, formatted);
	else
		rfc3339_format(ns, formatted);
	if (strcmp(formatted, text) != 0) {
		json_decref(*v);
		*v = json_string(formatted);
	}
	return 0;
}

static size_t skip_newlines(const char *s, size_t i)
{
	return i + strspn(s + i, "\r\n");
}

/* From the first '=' on; digits: those before it. */
static ptrdiff_t padding_fault(const char *s, size_t len, size_t i, size_t digits)
{
	if (digits % 4 < 2)
		return (ptrdiff_t)i;
	i = skip_newlines(s, i + 1);
	if (digits % 4 == 2) {
		if (i == len)
			return (ptrdiff_t)len;
		if (s[i] != '=')
			return (ptrdiff_t)i - 1;
		i = skip_newlines(s, i + 1);
	}
	return i == len ? -1 : (ptrdiff_t)i;
}

/* Where Go's decoder says that it stops; -1 when it does not. */
static ptrdiff_t base64_fault(const char *s, size_t len)
{
	size_t digits = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '\n' || s[i] == '\r')
			continue;
		if (s[i] == '=')
			return padding_fault(s, len, i, digits);
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') || (s[i] >= '0' && s[i] <= '9') ||
		      s[i] == '+' || s[i] == '/'))
			return (ptrdiff_t)i;
		digits++;
	}
	return digits % 4 == 0 ? -1 : (ptrdiff_t)(len - digits % 4);
}

static int normalize_bytes(const struct place *at, json_t *v, struct err *err)
{
	if (!json_is_string(v))
		return wrong_type(at, v, false, "[]uint8", err);
	ptrdiff_t fault = base64_fault(json_string_value(v), json_string_length(v));
	return fault < 0 ? 0 : err_set(err, ERR_BAD_REQUEST, "illegal base64 data at input byte %td", fault);
}

static int check_integer(const struct kinds_field *f, const json_t *v, const struct place *at, struct err *err)
{
	json_int_t n = json_integer_value(v);

	if (!json_is_integer(v))
		return wrong_type(at, v, json_is_real(v), go_type(f), err);
	if (f->type == KINDS_INT32 && (n < INT32_MIN || n > INT32_MAX))
		return wrong_type(at, v, true, "int32", err);
	return 0;
}

static int check_int_or_string(const json_t *v, const struct place *at, struct err *err)
{
	json_int_t n = json_integer_value(v);

	if (json_is_string(v) || (json_is_integer(v) && n >= INT32_MIN && n <= INT32_MAX))
		return 0;
	return wrong_type(at, v, json_is_number(v), "int32", err);
}

/* One value; *v may be replaced. */
static int normalize_value(const struct kinds_field *f, json_t **v, const struct place *at, struct err *err)
{
	switch ((enum kinds_type)f->type) {
	case KINDS_STRING:
	case KINDS_DURATION:
		return json_is_string(*v) ? 0 : wrong_type(at, *v, false, go_type(f), err);
	case KINDS_BOOL:
		return json_is_boolean(*v) ? 0 : wrong_type(at, *v, false, go_type(f), err);
	case KINDS_INT32:
	case KINDS_INT64:
		return check_integer(f, *v, at, err);
	case KINDS_DOUBLE:
		return json_is_number(*v) ? 0 : wrong_type(at, *v, false, go_type(f), err);
	case KINDS_BYTES:
		return normalize_bytes(at, *v, err);
	case KINDS_TIME:
	case KINDS_MICRO_TIME:
		return normalize_time(v, f->type == KINDS_MICRO_TIME, at, err);
	case KINDS_QUANTITY:
		return normalize_quantity(v, err);
	case KINDS_INT_OR_STRING:
		return check_int_or_string(*v, at, err);
	case KINDS_RAW:
	case KINDS_JSON:
	case KINDS_FIELDS_V1:
		return 0;
	case KINDS_MESSAGE:
		if (!json_is_object(*v))
			return wrong_type(at, *v, false, go_type(f), err);
		return normalize_message(kinds_message_of(f), *v, at, err);
	}
	return 0;
}

/* What Go puts in for a null within a list or a map. */
static json_t *zero_value(const struct kinds_field *f)
{
	switch ((enum kinds_type)f->type) {
	case KINDS_STRING:
	case KINDS_BYTES:
		return json_string("");
	case KINDS_BOOL:
		return json_false();
	case KINDS_INT32:
	case KINDS_INT64:
	case KINDS_INT_OR_STRING:
	case KINDS_DOUBLE:
		return json_integer(0);
	case KINDS_QUANTITY:
		return json_string("0");
	case KINDS_DURATION:
		return json_string("0s");
	case KINDS_MESSAGE:
		return json_object();
	default:
		return json_null();
	}
}

static json_t *item_of(const struct kinds_field *f, json_t *v)
{
	return json_is_null(v) ? zero_value(f) : json_incref(v);
}

static int normalize_list(const struct kinds_field *f, json_t *list, const struct place *at, struct err *err)
{
	size_t i;
	json_t *item;

	if (!json_is_array(list)) {
		_cleanup_free_ char *wanted = xasprintf("[]%s", go_type(f));
		return wrong_type(at, list, false, wanted, err);
	}
	json_array_foreach (list, i, item) {
		_cleanup_json_ json_t *v = item_of(f, item);
		if (normalize_value(f, &v, at, err) < 0)
			return -1;
		if (v != item)
			json_array_set(list, i, v);
	}
	return 0;
}

static int normalize_map(const struct kinds_field *f, json_t *map, const struct place *at, struct err *err)
{
	bool lists = f->shape == KINDS_MAP_OF_LISTS;
	const char *key;
	json_t *item;
	void *next;

	if (!json_is_object(map)) {
		_cleanup_free_ char *wanted = xasprintf("map[string]%s%s", lists ? "[]" : "", go_type(f));
		bool named = f->go_type && f->type != KINDS_STRING;
		return wrong_type(at, map, false, named ? kinds_text(f->go_type) : wanted, err);
	}
	json_object_foreach_safe (map, next, key, item) {
		if (lists) {
			if (!json_is_null(item) && normalize_list(f, item, at, err) < 0)
				return -1;
			continue;
		}
		_cleanup_json_ json_t *v = item_of(f, item);
		if (normalize_value(f, &v, at, err) < 0)
			return -1;
		if (v != item)
			json_object_set(map, key, v);
	}
	return 0;
}

/* Values that Go's omitempty leaves out. */
static bool is_zero(const struct kinds_field *f, const json_t *v)
{
	if (f->shape != KINDS_ONE)
		return json_is_array(v) ? json_array_size(v) == 0 : json_object_size(v) == 0;
	if (f->flags & KINDS_POINTER)
		return false;
	switch ((enum kinds_type)f->type) {
	case KINDS_STRING:
	case KINDS_BYTES:
		return json_string_length(v) == 0;
	case KINDS_BOOL:
		return json_is_false(v);
	case KINDS_INT32:
	case KINDS_INT64:
		return json_integer_value(v) == 0;
	case KINDS_DOUBLE:
		return json_number_value(v) == 0;
	default:
		return false;
	}
}

/* Structs that are no pointers are always written. */
static bool is_struct(const struct kinds_field *f)
{
	switch ((enum kinds_type)f->type) {
	case KINDS_TIME:
	case KINDS_MICRO_TIME:
	case KINDS_QUANTITY:
	case KINDS_INT_OR_STRING:
	case KINDS_RAW:
	case KINDS_JSON:
	case KINDS_MESSAGE:
		return f->shape == KINDS_ONE && !(f->flags & KINDS_POINTER);
	default:
		return false;
	}
}

/* A field that is not there, or as good as that: its default, or what is written for nothing; a new reference or NULL.
 */
static json_t *absent_value(const struct kinds_field *f)
{
	if (f->value) {
		const char *text = kinds_text(f->value);
		return json_parse(text, strlen(text), 0, NULL);
	}
	if (is_struct(f))
		return zero_value(f);
	if (!(f->flags & KINDS_ALWAYS))
		return NULL;
	return f->shape == KINDS_ONE ? zero_value(f) : json_null();
}

static int normalize_present(const struct kinds_field *f, json_t **v, const struct place *at, struct err *err)
{
	if (f->shape == KINDS_LIST)
		return normalize_list(f, *v, at, err);
	if (f->shape != KINDS_ONE)
		return normalize_map(f, *v, at, err);
	return normalize_value(f, v, at, err);
}

static int normalize_field(const struct kinds_field *f, json_t *obj, const struct place *at, struct err *err)
{
	const char *name = kinds_text(f->name);
	json_t *found = json_object_get(obj, name);
	_cleanup_json_ json_t *v = found && !json_is_null(found) ? json_incref(found) : NULL;

	if (v && normalize_present(f, &v, at, err) < 0)
		return -1;
	bool zero = !v || is_zero(f, v);
	if (zero) {
		json_decref(v);
		v = absent_value(f);
		if (f->type == KINDS_MESSAGE && json_is_object(v) && f->shape == KINDS_ONE &&
		    normalize_message(kinds_message_of(f), v, at, err) < 0)
			return -1;
	}
	if (v == found)
		return 0;
	if (v)
		json_object_set(obj, name, v);
	else
		json_object_del(obj, name);
	return 0;
}

static int normalize_fields(const struct kinds_message *m, const char *outer, json_t *obj, const struct place *at,
                            struct err *err)
{
	for (size_t i = 0; i < m->len; i++) {
		const struct kinds_field *f = &kinds_fields(m)[i];
		const struct place here = { .up = at, .message = outer, .field = kinds_text(f->name) };
		if (f->flags & KINDS_INLINE) {
			if (normalize_fields(kinds_message_of(f), outer, obj, at, err) < 0)
				return -1;
		} else if (at || strcmp(here.field, "metadata") != 0) {
			if (normalize_field(f, obj, &here, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int normalize_message(const struct kinds_message *m, json_t *obj, const struct place *at, struct err *err)
{
	return normalize_fields(m, kinds_message_word(m), obj, at, err);
}

int kinds_normalize(const struct kinds_message *m, json_t *obj, struct err *err)
{
	return normalize_message(m, obj, NULL, err);
}

static void add_zeros(const struct kinds_message *m, json_t *obj)
{
	for (size_t i = 0; i < m->len; i++) {
		const struct kinds_field *f = &kinds_fields(m)[i];
		const char *name = kinds_text(f->name);
		if (f->flags & KINDS_INLINE)
			add_zeros(kinds_message_of(f), obj);
		else if (is_struct(f))
			json_put(obj, name, f->type == KINDS_MESSAGE ? kinds_zero(kinds_message_of(f)) : zero_value(f));
		else if (f->flags & KINDS_ALWAYS)
			json_put(obj, name, f->shape == KINDS_ONE ? zero_value(f) : json_null());
	}
}

json_t *kinds_zero(const struct kinds_message *m)
{
	json_t *obj = json_object();

	add_zeros(m, obj);
	return obj;
}

void kinds_reset(const struct kinds_message *m, json_t *obj, const char *name)
{
	const struct kinds_field *f = kinds_find_field(m, name);
	const struct place here = { .message = kinds_message_word(m), .field = name };

	json_object_del(obj, name);
	if (f)
		normalize_field(f, obj, &here, NULL);
}
