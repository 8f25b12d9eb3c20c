#include "json_split.h"

#include <string.h>

#define DEPTH_MAX 1024

void json_split_clear(struct json_split *s)
{
	buf_clear(&s->value);
	buf_clear(&s->rest);
}

/* True while the bytes belong to a value that will be given out; the others belong to the rest of a list. */
static bool in_value(const struct json_split *s)
{
	return s->mode == JSON_SPLIT_VALUES || (s->in_items && s->depth >= 3);
}

static void keep(struct json_split *s, const char *data, size_t len)
{
	buf_append(in_value(s) ? &s->value : &s->rest, data, len);
}

/* The bytes of a string up to its closing quote; returns how many were used. */
static size_t feed_string(struct json_split *s, const char *data, size_t len)
{
	size_t n = 0;
	while (n < len && s->in_string) {
		char c = data[n++];
		if (s->escaped)
			s->escaped = false;
		else if (c == '\\')
			s->escaped = true;
		else if (c == '"')
			s->in_string = false;
		if (s->in_string && s->depth == 1 && s->key_len < sizeof(s->key))
			s->key[s->key_len++] = c;
	}
	keep(s, data, n);
	return n;
}

static int open_bracket(struct json_split *s, char c, struct err *err)
{
	if (s->done || (s->depth == 0 && c != '{'))
		return err_set(err, ERR_BAD_REQUEST, "reading JSON: expected an object");
	if (s->in_items && s->depth == 2 && c != '{')
		return err_set(err, ERR_BAD_REQUEST, "reading JSON: the items of a list must be objects");
	if (++s->depth > DEPTH_MAX)
		return err_set(err, ERR_BAD_REQUEST, "reading JSON: nested deeper than %d", DEPTH_MAX);
	keep(s, &c, 1);
	if (s->mode == JSON_SPLIT_ITEMS && s->depth == 2 && c == '[' && s->key_is_items)
		s->in_items = true;
	return 0;
}

static int give_out(struct json_split *s, struct err *err)
{
	if (s->value.failed)
		return err_set(err, ERR_TOO_LARGE, "reading JSON: an object is larger than %zu bytes", s->value.max);
	if (!s->on_value(s->self, buf_str(&s->value), s->value.len))
		s->stopped = true;
	buf_reset(&s->value);
	return 0;
}

static int close_bracket(struct json_split *s, char c, struct err *err)
{
	if (s->depth == 0)
		return err_set(err, ERR_BAD_REQUEST, "reading JSON: '%c' closes nothing", c);
	if (s->in_items && s->depth == 2 && c != ']')
		return err_set(err, ERR_BAD_REQUEST, "reading JSON: the items of a list end with '%c'", c);
	if (s->in_items && s->depth == 2)
		s->in_items = false;
	keep(s, &c, 1);
	bool piece = s->mode == JSON_SPLIT_VALUES ? s->depth == 1 : s->in_items && s->depth == 3;
	s->depth--;
	if (s->mode == JSON_SPLIT_ITEMS && s->depth == 0)
		s->done = true;
	return piece ? give_out(s, err) : 0;
}

static int feed_byte(struct json_split *s, char c, struct err *err)
{
	switch (c) {
	case ' ':
	case '\t':
	case '\r':
	case '\n':
		return 0;
	case '{':
	case '[':
		return open_bracket(s, c, err);
	case '}':
	case ']':
		return close_bracket(s, c, err);
	default:
		break;
	}
	if (s->depth == 0)
		return err_set(err, ERR_BAD_REQUEST, "reading JSON: expected an object");
	if (s->in_items && s->depth == 2)
		return c == ',' ? 0 : err_set(err, ERR_BAD_REQUEST, "reading JSON: the items of a list must be objects");
	if (c == '"') {
		s->in_string = true;
		if (s->depth == 1)
			s->key_len = 0;
	} else if (c == ':' && s->depth == 1) {
		s->key_is_items = s->key_len == 5 && memcmp(s->key, "items", 5) == 0;
	} else if (c == ',' && s->depth == 1) {
		s->key_is_items = false;
	}
	keep(s, &c, 1);
	return 0;
}

int json_split_feed(struct json_split *s, const char *data, size_t len, struct err *err)
{
	for (size_t i = 0; i < len && !s->stopped;) {
		if (s->in_string)
			i += feed_string(s, data + i, len - i);
		else if (feed_byte(s, data[i++], err) < 0)
			return -1;
		if (s->value.failed || s->rest.failed)
			return err_set(err, ERR_TOO_LARGE, "reading JSON: an object is larger than %zu bytes",
			               s->value.failed ? s->value.max : s->rest.max);
	}
	return 0;
}

int json_split_end(const struct json_split *s, struct err *err)
{
	if (s->stopped || (s->depth == 0 && (s->mode == JSON_SPLIT_VALUES || s->done)))
		return 0;
	return err_set(err, ERR_UNAVAILABLE, "the answer was cut off");
}
