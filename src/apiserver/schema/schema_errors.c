/* Violations in the words of k8s.io/apimachinery's field errors. */
#include "base/buf.h"
#include "base/str.h"
#include "codec/go_format.h"
#include "schema_internal.h"

#include <stdio.h>

#define SHOW_MAX 4096 /* bytes of a value in a message */

static void step_write(const struct schema_step *at, struct buf *out)
{
	if (!at)
		return;
	step_write(at->up, out);
	if (!at->key)
		buf_printf(out, "[%zu]", at->index);
	else if (at->bracket)
		buf_printf(out, "[%s]", at->key);
	else
		buf_printf(out, "%s%s", out->len ? "." : "", at->key);
}

char *schema_step_text(const struct schema_step *at)
{
	struct buf out = BUF_INIT(JSON_TEXT_MAX);

	step_write(at, &out);
	return buf_steal(&out);
}

void schema_errors_add(struct schema_errors *e, const char *reason, char *field, char *message)
{
	if (e->len >= ERR_CAUSES_MAX) {
		free(field);
		free(message);
		return;
	}
	e->causes = xreallocarray(e->causes, e->len + 1, sizeof(*e->causes));
	e->causes[e->len++] = (struct err_cause){
		.reason = xstrdup(reason),
		.field = field ? field : xstrdup("<nil>"),
		.message = message,
	};
}

void schema_errors_truncate(struct schema_errors *e, size_t len)
{
	while (e->len > len) {
		struct err_cause *c = &e->causes[--e->len];
		free(c->reason);
		free(c->field);
		free(c->message);
	}
	if (len == 0) {
		free(e->causes);
		e->causes = NULL;
	}
}

void schema_errors_append(struct schema_errors *e, struct schema_errors *from)
{
	for (size_t i = 0; i < from->len; i++) {
		struct err_cause *c = &from->causes[i];
		schema_errors_add(e, c->reason, TAKE_PTR(c->field), TAKE_PTR(c->message));
	}
	schema_errors_truncate(from, 0);
}

void schema_errors_take(struct schema_errors *e, struct err *from)
{
	for (size_t i = 0; i < from->causes_len; i++) {
		struct err_cause *c = &from->causes[i];
		schema_errors_add(e, c->reason, TAKE_PTR(c->field), TAKE_PTR(c->message));
	}
	err_clear(from);
}

void schema_errors_below(struct schema_errors *e, const char *path)
{
	for (size_t i = 0; i < e->len; i++) {
		struct err_cause *c = &e->causes[i];
		bool joined = !*c->field || *c->field == '[' || strcmp(c->field, "<nil>") == 0;
		char *field = xasprintf("%s%s%s", path, joined ? "" : ".", strcmp(c->field, "<nil>") == 0 ? "" : c->field);
		free(c->field);
		c->field = field;
	}
}

static bool said_before(const struct schema_errors *e, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(e->causes[k].field, e->causes[i].field) == 0 &&
		    strcmp(e->causes[k].message, e->causes[i].message) == 0)
			return true;
	return false;
}

int schema_errors_finish(struct schema_errors *e, struct err *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(JSON_TEXT_MAX);
	size_t said = 0;

	if (e->len == 0)
		return 0;
	for (size_t i = 0; i < e->len; i++)
		if (!said_before(e, i))
			buf_printf(&out, "%s%s: %s", said++ ? ", " : "", e->causes[i].field, e->causes[i].message);
	err_set(err, ERR_INVALID, said > 1 ? "[%s]" : "%s", buf_str(&out));
	for (size_t i = 0; i < e->len; i++)
		err_add_cause(err, e->causes[i].reason, e->causes[i].field, "%s", e->causes[i].message);
	schema_errors_truncate(e, 0);
	return -1;
}

/* As Go's %#v does. */
static void go_write(const json_t *v, struct buf *out)
{
	_cleanup_free_ char *text = json_is_string(v) ? NULL : go_format_syntax(v);

	if (text)
		buf_puts(out, text);
	else
		go_quote(json_string_value(v), json_string_length(v), SHOW_MAX, out);
}

char *schema_show_strings(const json_t *list)
{
	struct buf out = BUF_INIT(JSON_TEXT_MAX);
	size_t i;
	json_t *item;

	buf_puts(&out, json_is_array(list) ? "[]string{" : "[]string(nil)");
	json_array_foreach (list, i, item) {
		buf_puts(&out, i ? ", " : "");
		go_write(item, &out);
	}
	buf_puts(&out, json_is_array(list) ? "}" : "");
	return buf_steal(&out);
}

char *schema_show(const json_t *v)
{
	struct buf out = BUF_INIT(JSON_TEXT_MAX);

	if (!v || json_is_null(v))
		return xstrdup("\"null\"");
	go_write(v, &out);
	if (json_is_string(v))
		return buf_steal(&out);
	if (out.len > SHOW_MAX) {
		out.len = SHOW_MAX;
		while (out.len > 0 && ((unsigned char)out.data[out.len] & 0xc0) == 0x80)
			out.len--;
		out.data[out.len] = '\0';
		buf_puts(&out, "...");
	}
	return buf_steal(&out);
}

void schema_invalid(struct schema_errors *e, char *at, const json_t *value, char *detail)
{
	_cleanup_free_ char *shown = schema_show(value);

	schema_errors_add(e, "FieldValueInvalid", at, xasprintf("Invalid value: %s: %s", shown, detail));
	free(detail);
}

void schema_forbidden(struct schema_errors *e, char *at, const char *detail)
{
	schema_errors_add(e, "FieldValueForbidden", at, xasprintf("Forbidden: %s", detail));
}

void schema_required(struct schema_errors *e, char *at, const char *detail)
{
	schema_errors_add(e, "FieldValueRequired", at,
	                  *detail ? xasprintf("Required value: %s", detail) : xstrdup("Required value"));
}

void schema_unsupported(struct schema_errors *e, char *at, const json_t *value, const json_t *supported)
{
	struct buf out = BUF_INIT(JSON_TEXT_MAX);
	_cleanup_free_ char *shown = schema_show(value);
	size_t i;
	json_t *choice;

	buf_printf(&out, "Unsupported value: %s", shown);
	json_array_foreach (supported, i, choice) {
		buf_puts(&out, i ? ", " : ": supported values: ");
		_cleanup_free_ char *text = json_is_string(choice) ? NULL : schema_show(choice);
		if (text)
			go_quote(text, strlen(text), SHOW_MAX, &out);
		else
			go_quote(json_string_value(choice), json_string_length(choice), SHOW_MAX, &out);
	}
	schema_errors_add(e, "FieldValueNotSupported", at, buf_steal(&out));
}
