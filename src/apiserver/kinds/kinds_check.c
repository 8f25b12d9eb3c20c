/* What the tables say about values: required fields, choices, forms, exactly one of several; and the rules they name.
 */
#include "base/str.h"
#include "kinds.h"
#include "kinds_rules.h"
#include "objects/field_checks.h"
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
	_cleanup_free_ char *field = schema_step_text(at);
	check_one_of(err, text, (const char *const *)list, "%s", field);
}

static void check_value(const struct kinds_field *f, const json_t *v, const struct schema_step *at, struct err *err)
{
	if (f->type == KINDS_MESSAGE) {
		check_message(kinds_message_of(f), v, at, err);
		return;
	}
	if (f->choices)
		check_choice(f, v, at, err);
	if (f->format == KINDS_ANY_FORM || f->format == KINDS_LABELS || !v || json_is_null(v))
		return;
	_cleanup_free_ char *field = schema_step_text(at);
	kinds_check_format(f->format, v, field, err);
}

static void check_list(const struct kinds_field *f, const json_t *list, const struct schema_step *at, struct err *err)
{
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item) {
		const struct schema_step step = { .up = at, .index = i };
		check_value(f, item, f->flags & KINDS_UNINDEXED ? at : &step, err);
	}
}

static void check_map(const struct kinds_field *f, const json_t *map, const struct schema_step *at, struct err *err)
{
	const char *key;
	json_t *item;

	if (f->format == KINDS_LABELS) {
		_cleanup_free_ char *field = schema_step_text(at);
		kinds_check_format(f->format, map, field, err);
	}
	json_object_foreach (json_unconst(map), key, item) {
		const struct schema_step step = { .up = at, .key = key, .bracket = true };
		check_value(f, item, &step, err);
	}
}

static void check_there(const struct kinds_field *f, const json_t *v, const struct schema_step *at, struct err *err)
{
	bool checked = f->type == KINDS_STRING || f->shape == KINDS_LIST;
	bool required = (f->flags & KINDS_REQUIRED && !(f->flags & KINDS_LAX)) || f->flags & KINDS_NONEMPTY;

	if (!checked || !required || !is_empty(v))
		return;
	_cleanup_free_ char *field = schema_step_text(at);
	check_required(err, kinds_text(f->missing), "%s", field);
}

static void check_field(const struct kinds_field *f, const json_t *v, const struct schema_step *at, struct err *err)
{
	check_there(f, v, at, err);
	if (f->shape == KINDS_ONE)
		check_value(f, v, at, err);
	else if (f->shape == KINDS_LIST)
		check_list(f, v, at, err);
	else if (f->shape == KINDS_MAP)
		check_map(f, v, at, err);
}

/* Exactly one of the fields: the first that is there is looked at, further ones are too many. */
static void check_one(const struct kinds_message *m, const json_t *obj, const struct schema_step *at, struct err *err)
{
	const char *what = kinds_text(m->one_of);
	bool found = false;

	for (size_t i = 0; i < m->len; i++) {
		const struct kinds_field *f = &kinds_fields(m)[i];
		const struct schema_step here = { .up = at, .key = kinds_text(f->name) };
		const json_t *v = json_object_get(obj, here.key);
		if (!v)
			continue;
		_cleanup_free_ char *field = found ? schema_step_text(&here) : NULL;
		if (found)
			invalid_add(err, INVALID_FORBIDDEN, field, "Forbidden: may not specify more than 1 %s", what);
		else
			check_field(f, v, &here, err);
		found = true;
	}
	if (found)
		return;
	_cleanup_free_ char *field = schema_step_text(at), *detail = xasprintf("must specify a %s", what);
	check_required(err, detail, "%s", field);
}

static void check_rule(const struct kinds_message *m, const json_t *obj, const struct schema_step *at, struct err *err)
{
	kinds_rule_fn rule = kinds_rule(m->rule);

	if (!rule)
		return;
	_cleanup_free_ char *field = schema_step_text(at);
	rule(obj, field, err);
}

static bool is_checked(const struct kinds_field *f, const struct schema_step *at)
{
	const char *name = kinds_text(f->name);

	return !(f->flags & KINDS_UNCHECKED) && strcmp(name, "metadata") != 0 && (at || strcmp(name, "status") != 0);
}

static void check_fields(const struct kinds_message *m, const json_t *obj, const struct schema_step *at,
                         struct err *err)
{
	for (size_t i = 0; i < m->len; i++) {
		const struct kinds_field *f = &kinds_fields(m)[i];
		bool drop_index = f->flags & KINDS_UNINDEXED && f->shape != KINDS_LIST && at && !at->key;
		const struct schema_step here = { .up = drop_index ? at->up : at, .key = kinds_text(f->name) };
		if (f->flags & KINDS_INLINE)
			check_message(kinds_message_of(f), obj, at, err);
		else if (is_checked(f, at))
			check_field(f, json_object_get(obj, here.key), &here, err);
	}
}

static void check_message(const struct kinds_message *m, const json_t *obj, const struct schema_step *at,
                          struct err *err)
{
	if (!json_is_object(obj))
		return;
	if (m->one_of)
		check_one(m, obj, at, err);
	else
		check_fields(m, obj, at, err);
	check_rule(m, obj, at, err);
}

void kinds_check(const struct kinds_message *m, const json_t *obj, struct err *err)
{
	check_message(m, obj, NULL, err);
}
