#ifndef BASE_ERR_H
#define BASE_ERR_H
/* Errors that a person can act on.
 *
 * A function that can fail takes a `struct err *` last and returns a negative number on failure. The err is untouched
 * on success, and must be clear (err_init() or `struct err e = {0}`) when passed in. A NULL err is allowed everywhere:
 * the caller then only learns that it failed. Kinds equal Kubernetes' metav1.StatusReason, so an error crosses the API
 * without translation. Secrets never go into a message. */

#include "base/mem.h"

#include <stdbool.h>
#include <stddef.h>

enum err_kind {
	ERR_NONE = 0,
	ERR_INTERNAL,             /* InternalError 500 */
	ERR_BAD_REQUEST,          /* BadRequest 400 */
	ERR_UNAUTHORIZED,         /* Unauthorized 401 */
	ERR_FORBIDDEN,            /* Forbidden 403 */
	ERR_NOT_FOUND,            /* NotFound 404 */
	ERR_METHOD_NOT_ALLOWED,   /* MethodNotAllowed 405 */
	ERR_NOT_ACCEPTABLE,       /* NotAcceptable 406 */
	ERR_ALREADY_EXISTS,       /* AlreadyExists 409 */
	ERR_CONFLICT,             /* Conflict 409 */
	ERR_GONE,                 /* Gone 410 */
	ERR_EXPIRED,              /* Expired 410 */
	ERR_TOO_LARGE,            /* RequestEntityTooLarge 413 */
	ERR_UNSUPPORTED_MEDIA,    /* UnsupportedMediaType 415 */
	ERR_INVALID,              /* Invalid 422 */
	ERR_TOO_MANY_REQUESTS,    /* TooManyRequests 429 */
	ERR_UNAVAILABLE,          /* ServiceUnavailable 503 */
	ERR_TIMEOUT,              /* Timeout 504 */
	ERR_INSUFFICIENT_STORAGE, /* InsufficientStorage 507: not Kubernetes' own, it has no name for a full disk */
	ERR_UNKNOWN,              /* no reason, 500: what Kubernetes itself answers for want of a better one */
	ERR_KIND_COUNT
};

/* One field that was wrong: becomes an entry of Status.details.causes. */
struct err_cause {
	char *reason;  /* e.g. FieldValueRequired */
	char *field;   /* e.g. spec.budget.maxMonthlyCost */
	char *message; /* without the field */
};

struct err {
	enum err_kind kind;
	bool terminal; /* retrying cannot help: a controller must not retry it */
	char *message; /* "what was being done, to what: what went wrong[: what to do]"; the cause chain, outermost first */
	struct err_cause *causes;
	size_t causes_len; /* at most ERR_CAUSES_MAX; more are dropped */
};

#define ERR_CAUSES_MAX 64

static inline bool err_is_set(const struct err *e)
{
	return e->kind != ERR_NONE;
}

/* Sets the error (replacing what was there) and returns -1, so that `return err_set(...)` reads well. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...) _printf_(3, 4);
/* The same with ": strerror(errnum)" appended; kind ERR_INTERNAL (ENOSPC: ERR_INSUFFICIENT_STORAGE). */
int err_set_errno(struct err *err, int errnum, const char *fmt, ...) _printf_(3, 4);
/* Puts "fmt: " before the message of an error that is set. Returns -1. */
int err_wrap(struct err *err, const char *fmt, ...) _printf_(2, 3);
/* Marks it as not worth a retry. Returns -1. */
int err_set_terminal(struct err *err);
/* Adds one wrong field (or, with field NULL, another cause) to an error that is set. */
void err_add_cause(struct err *err, const char *reason, const char *field, const char *fmt, ...) _printf_(4, 5);
/* Moves src into dst; src is clear afterwards. */
void err_move(struct err *dst, struct err *src);
/* A copy; dst must be clear. */
void err_copy(struct err *dst, const struct err *src);
/* Frees and empties; stays usable. */
void err_clear(struct err *err);
#define _cleanup_err_ _cleanup_(err_clear)

/* Kubernetes' name ("NotFound") and HTTP code of a kind, and back (unknown: ERR_INTERNAL, or by code). */
const char *err_kind_reason(enum err_kind kind);
int err_kind_http_code(enum err_kind kind);
enum err_kind err_kind_from_reason(const char *reason, int http_code);

/* The message, never NULL. */
const char *err_message(const struct err *err);

#endif
