#ifndef CODEC_TOML_PARSER_H
#define CODEC_TOML_PARSER_H
/* Private to codec/: what the two halves of the TOML parser share. */

#include "codec/json.h"

#define TOML_KEY_PARTS_MAX 64 /* a.b.c: parts of a key or header */

struct toml_parser {
	const char *text, *p, *end, *name;
	int depth; /* at most JSON_DEPTH_MAX: of the header's table, the key's parts and the value around t->p */
	struct err *err;
	char marks[3];     /* what the flags point to, by enum toml_flag */
	struct map *flags; /* of tables and arrays, by their address: enum toml_flag */
	json_t **pending;  /* tables that dotted keys opened, which the next header closes */
	size_t pending_len;
	json_t *root, *table; /* the table that key/value lines go to */
};

struct toml_key {
	char *parts[TOML_KEY_PARTS_MAX];
	size_t len;
};

void toml_key_clear(struct toml_key *key);
#define _cleanup_toml_key_ _cleanup_(toml_key_clear)

/* Sets an error with that place; -1. */
int toml_fail_at(struct toml_parser *t, const char *at, const char *fmt, ...) _printf_(3, 4);
/* "expected WANTED, found …" at t->p; -1. */
int toml_fail_expected(struct toml_parser *t, const char *wanted);

static inline char toml_peek(const struct toml_parser *t)
{
	return t->p < t->end ? *t->p : '\0';
}
/* Over spaces and tabs. */
void toml_skip_blanks(struct toml_parser *t);
/* Over white space, newlines and comments. */
int toml_skip_lines(struct toml_parser *t);

/* toml_value.c */
json_t *toml_parse_value(struct toml_parser *t);
/* A string of any of the four kinds, as a value; t->p is at its quote. */
json_t *toml_parse_string(struct toml_parser *t);

/* toml.c */
int toml_parse_key(struct toml_parser *t, struct toml_key *key);
/* key = value into table, as in a line or an inline table. */
int toml_parse_pair(struct toml_parser *t, json_t *table);
/* Nothing may be added to the array or table any more. */
void toml_freeze(struct toml_parser *t, json_t *v);

#endif
