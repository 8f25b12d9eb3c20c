/* What keeps an object that was patched from becoming a Go type: such objects are not decoded but converted
 * (k8s.io/apimachinery/pkg/runtime/converter.go), which has words of its own. */
#include "base/str.h"
#include "codec/go_format.h"
#include "codec/go_json.h"
#include "kinds.h"

static char *message_fault(const struct kinds_message *m, const json_t *obj);

/* Go's kind of a value that was JSON. */
static const char *kind_of(const json_t *v)
{
	return json_is_object(v) ? "map" : json_is_array(v) ? "slice" : go_type_name(v);
}

static char *unrecognized(const char *wanted)
{
	return xasprintf("unrecognized type: %s", wanted);
}

static char *string_fault(const struct kinds_field *f, const json_t *v)
{
	if (json_is_string(v))
		return NULL;
	/* Go could make a letter of a number. */
	return json_is_integer(v) ? xasprintf("cannot convert int64 to %s", f->go_type ? kinds_text(f->go_type) : "string")
	                          : unrecognized("string");
}

static char *integer_fault(const char *wanted, const json_t *v)
{
	if (json_is_real(v) && json_real_value(v) != (double)(json_int_t)json_real_value(v))
		return xasprintf("cannot convert float64 to %s", wanted);
	return json_is_number(v) ? NULL : unrecognized(wanted);
}

static char *value_fault(const struct kinds_field *f, const json_t *v)
{
	if (json_is_null(v))
		return NULL;
	switch ((enum kinds_type)f->type) {
	case KINDS_STRING:
		return string_fault(f, v);
	case KINDS_BOOL:
		return json_is_boolean(v) ? NULL : unrecognized("bool");
	case KINDS_INT32:
		return integer_fault("int32", v);
	case KINDS_INT64:
		return integer_fault("int64", v);
	case KINDS_DOUBLE:
		return json_is_number(v) ? NULL : unrecognized("float64");
	case KINDS_INT_OR_STRING: /* reads JSON itself */
		return json_is_string(v) || json_is_number(v)
		           ? NULL
		           : xasprintf("json: cannot unmarshal %s into Go value of type int32", go_json_type(v));
	case KINDS_MESSAGE:
		return json_is_object(v) ? message_fault(kinds_message_of(f), v)
		                         : xasprintf("cannot restore struct from: %s", kind_of(v));
	default:
		return NULL; /* reads JSON itself, in words that decoding has too */
	}
}

static char *list_fault(const struct kinds_field *f, const json_t *v)
{
	char *fault = NULL;
	json_t *item;
	size_t i;

	if (json_is_null(v))
		return NULL;
	if (!json_is_array(v))
		return xasprintf("cannot restore slice from %s", kind_of(v));
	json_array_foreach (v, i, item)
		if (!fault)
			fault = value_fault(f, item);
	return fault;
}

static char *field_fault(const struct kinds_field *f, const json_t *v)
{
	char *fault = NULL;
	const char *key;
	json_t *item;

	if (json_is_null(v))
		return NULL;
	if (f->shape == KINDS_LIST)
		return list_fault(f, v);
	if (f->shape == KINDS_ONE)
		return value_fault(f, v);
	if (!json_is_object(v))
		return xasprintf("cannot restore map from %s", kind_of(v));
	json_object_foreach ((json_t *)(uintptr_t)v, key, item)
		if (!fault)
			fault = f->shape == KINDS_MAP ? value_fault(f, item) : list_fault(f, item);
	return fault;
}

static char *message_fault(const struct kinds_message *m, const json_t *obj)
{
	char *fault = NULL;

	for (size_t i = 0; i < m->len && !fault; i++) {
		const struct kinds_field *f = &kinds_fields(m)[i];
		const json_t *v = json_object_get(obj, kinds_text(f->name));
		if (f->flags & KINDS_INLINE)
			fault = message_fault(kinds_message_of(f), obj);
		else if (v)
			fault = field_fault(f, v);
	}
	return fault;
}

char *kinds_convert_fault(const struct kinds_message *m, const json_t *obj)
{
	return message_fault(m, obj);
}
