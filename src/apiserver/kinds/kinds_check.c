/* What the tables alone can say about values: required fields, choices. */
#include "base/str.h"
#include "kinds.h"
#include "objects/invalid.h"
#include "schema/schema_internal.h"

#include <string.h>

static void check_message(const struct kinds_message *m, const json_t *obj, const struct schema_step *at,
                          struct err *err);

static bool is_empty(const json_t *v)
{
	return !v || json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0) ||
	       (json_is_array(v) && json_array_size(v) == 0);
}

static bool is_choice(const char *choices, const char *text)
{
	_cleanup_strv_ char **list = str_split(choices, "|");

	return !*text || (list && str_in(text, (const char *const *)list));
}

static void check_choice(const struct kinds_field *f, const json_t *v, const struct schema_step *at, struct err *err)
{
	const char *text = json_string_value(v), *choices = kinds_text(f->choices);

	if (!text || is_choice(choices, text))
		return;
	_cleanup_strv_ char **list = str_split(choices, "|");
	_cleanup_buf_ struct buf supported = BUF_INIT(4096);
	_cleanup_free_ char *field = schema_step_text(at), *shown = schema_show(v);
	for (size_t i = 0; list && list[i]; i++)
		buf_printf(&supported, "%s\"%s\"", i ? ", " : "", list[i]);
	invalid_add(err, INVALID_NOT_SUPPORTED, field, "Unsupported value: %s: supported values: %s", shown,
	            buf_str(&supported));
}

static void check_value(const struct kinds_field *f, const json_t *v, const struct schema_step *at, struct err *err)
{
	if (f->type == KINDS_MESSAGE)
		check_message(kinds_message_of(f), v, at, err);
	else if (f->choices)
		check_choice(f, v, at, err);
}

static void check_field(const struct kinds_field *f, const json_t *v, const struct schema_step *at, struct err *err)
{
	bool checked = f->type == KINDS_STRING || f->shape == KINDS_LIST;
	const char *key;
	json_t *item;
	size_t i;

	if (checked && (f->flags & KINDS_REQUIRED) && !(f->flags & KINDS_LAX) && is_empty(v)) {
		_cleanup_free_ char *field = schema_step_text(at);
		invalid_add(err, INVALID_REQUIRED, field, "Required value");
	}
	if (f->shape == KINDS_ONE) {
		check_value(f, v, at, err);
	} else if (f->shape == KINDS_LIST) {
		json_array_foreach (v, i, item) {
			const struct schema_step step = { .up = at, .index = i };
			check_value(f, item, &step, err);
		}
	} else if (f->shape == KINDS_MAP) {
		json_object_foreach (json_unconst(v), key, item) {
			const struct schema_step step = { .up = at, .key = key };
			check_value(f, item, &step, err);
		}
	}
}

static void check_message(const struct kinds_message *m, const json_t *obj, const struct schema_step *at,
                          struct err *err)
{
	if (!json_is_object(obj))
		return;
	for (size_t i = 0; i < m->len; i++) {
		const struct kinds_field *f = &kinds_fields(m)[i];
		const char *name = kinds_text(f->name);
		const struct schema_step here = { .up = at, .key = name };
		if (f->flags & KINDS_INLINE)
			check_message(kinds_message_of(f), obj, at, err);
		else if (strcmp(name, "metadata") != 0 && (at || strcmp(name, "status") != 0))
			check_field(f, json_object_get(obj, name), &here, err);
	}
}

void kinds_check(const struct kinds_message *m, const json_t *obj, struct err *err)
{
	check_message(m, obj, NULL, err);
}
