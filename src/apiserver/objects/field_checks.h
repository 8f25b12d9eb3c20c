#ifndef APISERVER_FIELD_CHECKS_H
#define APISERVER_FIELD_CHECKS_H
/* What the checks of built-in kinds have in common, in Kubernetes' words. Each adds causes to err (ERR_INVALID). Field
 * names are printf formats. */

#include "base/err.h"
#include "codec/json.h"

/* "Invalid value: VALUE: DETAIL", the value as JSON; NULL is null. */
void check_fail(struct err *err, const json_t *value, const char *detail, const char *field, ...) _printf_(4, 5);
/* The same with a list of strings, shown as one of Go's type []string. */
void check_fail_strings(struct err *err, const json_t *list, const char *detail, const char *field, ...) _printf_(4, 5);
/* The same with a map of strings and a label selector, shown as Go's fmt does: map[string]string{"a":"b"}. */
void check_fail_labels(struct err *err, const json_t *labels, const char *detail, const char *field);
void check_fail_selector(struct err *err, const json_t *selector, const char *detail, const char *field);
/* And with what is a number or a text. */
void check_fail_int_or_string(struct err *err, const json_t *v, const char *detail, const char *field);
void check_required(struct err *err, const char *detail, const char *field, ...) _printf_(3, 4);
void check_forbidden(struct err *err, const char *detail, const char *field, ...) _printf_(3, 4);
/* "Too many: NUMBER: must have at most MAX items"; false then. */
bool check_at_most(struct err *err, size_t number, size_t max, const char *field, ...) _printf_(4, 5);
/* "Unsupported value: VALUE: supported values: …"; supported is NULL-terminated. */
void check_one_of(struct err *err, const char *value, const char *const *supported, const char *field, ...)
	_printf_(4, 5);
/* Both may be NULL. "field is immutable" unless they are the same. */
void check_immutable_field(struct err *err, const json_t *now, const json_t *before, const char *field);
/* Nothing, or a number that is not below 0. */
void check_not_negative(struct err *err, const json_t *v, const char *field, ...) _printf_(3, 4);
/* A port number. */
void check_port(struct err *err, const json_t *v, const char *field, ...) _printf_(3, 4);
/* An "Invalid value" for each fault (strv, stolen; kube/name_fault.h). */
void check_faults(struct err *err, char **faults, const json_t *value, const char *field, ...) _printf_(4, 5);
/* A DNS label (RFC 1123), or nothing. */
void check_dns_label(struct err *err, const char *name, const char *field, ...) _printf_(3, 4);
/* Each name in a list of objects once: "Duplicate value". field: of the list. */
void check_unique_names(struct err *err, const json_t *list, const char *field);
/* Whether a label selector (matchLabels, matchExpressions) fits the labels; labels may be NULL. An empty one fits
 * everything. */
bool check_selector_matches(const json_t *selector, const json_t *labels);

/* 0 when err holds nothing, else -1: how a validate() ends. */
static inline int check_result(const struct err *err)
{
	return err_is_set(err) ? -1 : 0;
}

#endif
