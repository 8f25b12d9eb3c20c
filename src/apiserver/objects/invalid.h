#ifndef APISERVER_INVALID_H
#define APISERVER_INVALID_H
/* Collects wrong fields and puts them into Kubernetes' words. An err of kind ERR_INVALID holds them as causes until
 * invalid_finish() writes its message. */

#include "base/err.h"

#define INVALID_VALUE "FieldValueInvalid"
#define INVALID_REQUIRED "FieldValueRequired"
#define INVALID_FORBIDDEN "FieldValueForbidden"
#define INVALID_NOT_SUPPORTED "FieldValueNotSupported"
#define INVALID_TOO_LONG "FieldValueTooLong"
#define INVALID_TOO_MANY "FieldValueTooMany"
#define INVALID_TYPE "FieldValueTypeInvalid"
#define INVALID_DUPLICATE "FieldValueDuplicate"
#define INVALID_NOT_FOUND "FieldValueNotFound"

/* Adds one. The message is what follows "FIELD: ", e.g. `Required value: name is missing`. */
void invalid_add(struct err *err, const char *reason, const char *field, const char *fmt, ...) _printf_(4, 5);
/* Moves the causes of another ERR_INVALID over; an error of another kind replaces err. */
void invalid_merge(struct err *err, struct err *other);
/* 0 when nothing was added; else writes the message `KIND.GROUP "NAME" is invalid: …` and returns -1. */
int invalid_finish(struct err *err, const char *kind, const char *group, const char *name);

#endif
