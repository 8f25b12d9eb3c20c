#include "invalid.h"

#include "base/buf.h"
#include "base/str.h"

#define MESSAGE_MAX ((size_t)64 * 1024)

void invalid_add(struct err *err, const char *reason, const char *field, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_free_ char *message = xvasprintf(fmt, ap);
	va_end(ap);
	if (!err_is_set(err))
		err_set(err, ERR_INVALID, "%s: %s", field, message);
	err_add_cause(err, reason, field, "%s", message);
}

void invalid_merge(struct err *err, struct err *other)
{
	if (!err_is_set(other))
		return;
	if (!err_is_set(err) || other->kind != ERR_INVALID) {
		err_clear(err);
		err_move(err, other);
		return;
	}
	for (size_t i = 0; i < other->causes_len; i++)
		err_add_cause(err, other->causes[i].reason, other->causes[i].field, "%s", other->causes[i].message);
	err_clear(other);
}

static void add_cause_text(struct buf *out, const struct err_cause *cause)
{
	if (str_empty(cause->field))
		buf_puts(out, cause->message ? cause->message : "");
	else
		buf_printf(out, "%s: %s", cause->field, cause->message ? cause->message : "");
}

/* As an aggregate of errors prints them: each text once. */
static bool is_repeated(const struct err *err, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (str_eq(err->causes[i].field, err->causes[at].field) &&
		    str_eq(err->causes[i].message, err->causes[at].message))
			return true;
	return false;
}

int invalid_finish(struct err *err, const char *kind, const char *group, const char *name)
{
	_cleanup_buf_ struct buf out = BUF_INIT(MESSAGE_MAX);

	if (!err_is_set(err))
		return 0;
	if (err->kind != ERR_INVALID)
		return -1;
	if (err->causes_len == 0)
		buf_puts(&out, err_message(err));
	size_t texts = 0;
	for (size_t i = 0; i < err->causes_len; i++) {
		if (is_repeated(err, i))
			continue;
		buf_puts(&out, texts++ ? ", " : "");
		add_cause_text(&out, &err->causes[i]);
	}
	_cleanup_free_ char *list = texts > 1 ? xasprintf("[%s]", buf_str(&out)) : xstrdup(buf_str(&out));
	free(err->message);
	err->message = xasprintf("%s%s%s \"%s\" is invalid: %s", kind, *group ? "." : "", group, name,
	                         err->causes_len ? list : buf_str(&out));
	return -1;
}
