#ifndef CODEC_JSON_H
#define CODEC_JSON_H
/* JSON over jansson: bounded parsing with good errors, compact and pretty writing, and getters that do not fail.
 *
 * Values are jansson's json_t with its reference counts; `_cleanup_json_` drops one. Getters borrow. */

#include "base/buf.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/map.h"

#include <jansson.h>

static inline void json_decrefp_(json_t **p)
{
	json_decref(*p);
}
#define _cleanup_json_ _cleanup_(json_decrefp_)

/* For jansson's functions that leave a value as it is and yet ask for one that is not const: its iterators, and
 * json_copy(). */
static inline json_t *json_unconst(const json_t *v)
{
	union {
		const json_t *given;
		json_t *wanted;
	} u = { .given = v };
	return u.wanted;
}

#define JSON_TEXT_MAX ((size_t)(16 * 1024 * 1024))
#define JSON_DEPTH_MAX 256

enum json_flags {
	JSON_STRICT_KEYS = 1, /* a repeated key is an error, not "the last one counts" */
	JSON_REPAIR_TEXT = 2, /* what is no character (halves of surrogate pairs, bytes that are no UTF-8) becomes U+FFFD,
	                       * as Go's encoding/json reads it, and is no error */
};

/* Parses exactly one value of any type. ERR_BAD_REQUEST with "line L, column C: …" (columns count characters, from 1).
 * Refuses depth over JSON_DEPTH_MAX, text over JSON_TEXT_MAX, invalid UTF-8 and NUL in strings. As in Kubernetes, a
 * number written as an integer that fits 64 bits is an integer, every other one a double (so 2^63 becomes
 * 9223372036854775808.0); one too large for a double is an error. NULL on failure, else a new reference. */
json_t *json_parse(const char *text, size_t len, unsigned flags, struct err *err);
/* Appends the compact form (keys in insertion order); 0, or -1 with nothing appended when the buffer is full. Doubles
 * are written like Go does: the shortest text that reads back, and 1.0 as 1. */
int json_write(const json_t *v, struct buf *out);
/* Four spaces and sorted keys, as kubectl prints; no newline at the end. */
int json_write_pretty(const json_t *v, struct buf *out);
/* Compact, as a new shared byte string. */
struct bytes *json_to_bytes(const json_t *v);
/* Compact, free(). */
char *json_to_str(const json_t *v);
/* Keys sorted at every level, compact: equal values give equal text (for hashes). free(). */
char *json_canonical(const json_t *v);
/* SHA-256 of the canonical form, 64 hexadecimal digits. */
void json_hash(const json_t *v, char ret[static 65]);
/* A deep copy that shares nothing with v. Like json_deep_copy(), without its costly search for values that contain
 * themselves. NULL gives NULL. */
json_t *json_clone(const json_t *v);
/* Deep equality as JSON means it: 1 equals 1.0 (json_equal() says no), the order of keys does not count. NULL equals
 * only NULL. */
bool json_same(const json_t *a, const json_t *b);

/* Walks object keys: json_at(dep, "status", "cost", NULL). NULL when any step is missing or no object. Borrowed. */
json_t *json_at(const json_t *v, ...) __attribute__((sentinel));
/* The same, giving a string or NULL / an integer (or a double without a fraction), number or bool or the default. */
const char *json_str_at(const json_t *v, ...) __attribute__((sentinel));
int64_t json_int(const json_t *v, int64_t otherwise);
double json_number(const json_t *v, double otherwise);
bool json_bool(const json_t *v, bool otherwise);
/* obj[key] as string, or NULL (also when obj is NULL or no object). */
const char *json_get_str(const json_t *obj, const char *key);
int64_t json_get_int(const json_t *obj, const char *key, int64_t otherwise);
bool json_get_bool(const json_t *obj, const char *key, bool otherwise);

/* Whether the array (NULL: an empty one) has this string. */
bool json_has_str(const json_t *array, const char *s);
/* An array of the strings of a vector; NULL: an empty one. */
json_t *json_strings(char *const *v);
/* Its strings (what they lead to is not NULL, and means nothing), for whoever asks for many of them. */
struct map *json_str_set(const json_t *array);

/* obj[key], made an empty object / array when missing or of another type. Borrowed. */
json_t *json_ensure_object(json_t *obj, const char *key);
json_t *json_ensure_array(json_t *obj, const char *key);
/* Sets obj[key]; a NULL value removes the key. */
void json_put_str(json_t *obj, const char *key, const char *value);
void json_put_int(json_t *obj, const char *key, int64_t value);
void json_put_bool(json_t *obj, const char *key, bool value);
/* Steals value; NULL removes the key. */
void json_put(json_t *obj, const char *key, json_t *value);
/* Appends a string. */
void json_push_str(json_t *array, const char *value);
/* A string value, made valid UTF-8 where it is not (bad bytes become U+FFFD) and free of NUL. Never NULL. */
json_t *json_string_lossy(const char *s, size_t len);
/* printf into a string value. */
json_t *json_strf(const char *fmt, ...) _printf_(1, 2);

#endif
