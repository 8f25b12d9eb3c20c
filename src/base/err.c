#include "base/err.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

static const struct {
	const char *reason;
	int http_code;
} kinds[ERR_KIND_COUNT] = {
	[ERR_NONE] = { "", 200 },
	[ERR_INTERNAL] = { "InternalError", 500 },
	[ERR_BAD_REQUEST] = { "BadRequest", 400 },
	[ERR_UNAUTHORIZED] = { "Unauthorized", 401 },
	[ERR_FORBIDDEN] = { "Forbidden", 403 },
	[ERR_NOT_FOUND] = { "NotFound", 404 },
	[ERR_METHOD_NOT_ALLOWED] = { "MethodNotAllowed", 405 },
	[ERR_NOT_ACCEPTABLE] = { "NotAcceptable", 406 },
	[ERR_ALREADY_EXISTS] = { "AlreadyExists", 409 },
	[ERR_CONFLICT] = { "Conflict", 409 },
	[ERR_GONE] = { "Gone", 410 },
	[ERR_EXPIRED] = { "Expired", 410 },
	[ERR_TOO_LARGE] = { "RequestEntityTooLarge", 413 },
	[ERR_UNSUPPORTED_MEDIA] = { "UnsupportedMediaType", 415 },
	[ERR_INVALID] = { "Invalid", 422 },
	[ERR_TOO_MANY_REQUESTS] = { "TooManyRequests", 429 },
	[ERR_UNAVAILABLE] = { "ServiceUnavailable", 503 },
	[ERR_TIMEOUT] = { "Timeout", 504 },
	[ERR_INSUFFICIENT_STORAGE] = { "InsufficientStorage", 507 },
	[ERR_UNKNOWN] = { "", 500 },
};

/* Takes the message. */
static int set_message(struct err *err, enum err_kind kind, char *message)
{
	err_clear(err);
	err->kind = kind;
	err->message = message;
	return -1;
}

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	if (!err)
		return -1;
	va_list ap;
	va_start(ap, fmt);
	char *message = xvasprintf(fmt, ap); /* before clearing: an argument may be the old message */
	va_end(ap);
	return set_message(err, kind, message);
}

int err_set_errno(struct err *err, int errnum, const char *fmt, ...)
{
	if (!err)
		return -1;
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *what = xvasprintf(fmt, ap);
	va_end(ap);
	const char *why = strerrordesc_np(errnum);
	char *message = why ? xasprintf("%s: %s", what, why) : xasprintf("%s: error %d", what, errnum);
	bool full = errnum == ENOSPC || errnum == EDQUOT;
	return set_message(err, full ? ERR_INSUFFICIENT_STORAGE : ERR_INTERNAL, message);
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	if (!err || !err_is_set(err))
		return -1;
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *outer = xvasprintf(fmt, ap);
	va_end(ap);
	char *message = xasprintf("%s: %s", outer, err_message(err));
	free(err->message);
	err->message = message;
	return -1;
}

int err_set_terminal(struct err *err)
{
	if (err)
		err->terminal = true;
	return -1;
}

void err_add_cause(struct err *err, const char *reason, const char *field, const char *fmt, ...)
{
	if (!err || !err_is_set(err) || err->causes_len >= ERR_CAUSES_MAX)
		return;
	va_list ap;
	va_start(ap, fmt);
	char *message = xvasprintf(fmt, ap);
	va_end(ap);
	err->causes = xreallocarray(err->causes, err->causes_len + 1, sizeof(*err->causes));
	err->causes[err->causes_len++] = (struct err_cause){ .reason = xstrdup(reason),
		                                                 .field = xstrdup_or_null(field),
		                                                 .message = message };
}

void err_move(struct err *dst, struct err *src)
{
	if (dst == src)
		return;
	if (!dst) {
		err_clear(src);
		return;
	}
	err_clear(dst);
	if (!src)
		return;
	*dst = *src;
	*src = (struct err){ 0 };
}

void err_copy(struct err *dst, const struct err *src)
{
	if (!dst || !src || dst == src)
		return;
	err_clear(dst);
	dst->kind = src->kind;
	dst->terminal = src->terminal;
	dst->message = xstrdup_or_null(src->message);
	if (src->causes_len)
		dst->causes = xcalloc(src->causes_len, sizeof(*dst->causes));
	for (; dst->causes_len < src->causes_len; dst->causes_len++) {
		const struct err_cause *from = &src->causes[dst->causes_len];
		dst->causes[dst->causes_len] = (struct err_cause){ .reason = xstrdup(from->reason),
			                                               .field = xstrdup_or_null(from->field),
			                                               .message = xstrdup(from->message) };
	}
}

void err_clear(struct err *err)
{
	if (!err)
		return;
	for (size_t i = 0; i < err->causes_len; i++) {
		free(err->causes[i].reason);
		free(err->causes[i].field);
		free(err->causes[i].message);
	}
	free(err->causes);
	free(err->message);
	*err = (struct err){ 0 };
}

const char *err_kind_reason(enum err_kind kind)
{
	return kinds[(unsigned)kind < ERR_KIND_COUNT ? kind : ERR_INTERNAL].reason;
}

int err_kind_http_code(enum err_kind kind)
{
	return kinds[(unsigned)kind < ERR_KIND_COUNT ? kind : ERR_INTERNAL].http_code;
}

enum err_kind err_kind_from_reason(const char *reason, int http_code)
{
	for (enum err_kind k = ERR_NONE + 1; !str_empty(reason) && k < ERR_KIND_COUNT; k++)
		if (str_eq(kinds[k].reason, reason))
			return k;
	switch (http_code) {
	case 409: /* AlreadyExists stands first, but says more than a bare code does */
		return ERR_CONFLICT;
	case 400 ... 408:
	case 410 ... 599:
		for (enum err_kind k = ERR_NONE + 1; k < ERR_KIND_COUNT; k++)
			if (kinds[k].http_code == http_code)
				return k;
	}
	return ERR_INTERNAL;
}

const char *err_message(const struct err *err)
{
	return err && err->message ? err->message : "";
}
