#include "codec/json_indent.h"

#include <stdbool.h>
#include <string.h>

#define SPACES 2

/* Counts when there is no place to write to, so that the room is known beforehand. */
struct sink {
	char *at; /* NULL: only count */
	size_t len;
};

static void put(struct sink *s, const char *text, size_t len)
{
	if (s->at)
		s->at = mempcpy(s->at, text, len);
	s->len += len;
}

static void put_line(struct sink *s, size_t depth)
{
	put(s, "\n", 1);
	if (s->at) {
		memset(s->at, ' ', depth * SPACES);
		s->at += depth * SPACES;
	}
	s->len += depth * SPACES;
}

/* Length of the string at text, quotes included. */
static size_t string_len(const char *text, const char *end)
{
	const char *p = text + 1;

	while (p < end && *p != '"')
		p += *p == '\\' ? 2 : 1;
	return (size_t)((p < end ? p + 1 : end) - text);
}

/* An opening bracket; true when the closing one follows and was written too. */
static bool put_open(struct sink *s, const char *p, const char *end, size_t *depth)
{
	put(s, p, 1);
	if (p + 1 < end && (p[1] == '}' || p[1] == ']')) {
		put(s, p + 1, 1);
		return true;
	}
	put_line(s, ++*depth);
	return false;
}

static void run(const char *text, size_t len, struct sink *s)
{
	const char *end = text + len;
	size_t depth = 0;

	for (const char *p = text; p < end;) {
		size_t n = 1;
		switch (*p) {
		case '"':
			n = string_len(p, end);
			put(s, p, n);
			break;
		case '{':
		case '[':
			n = put_open(s, p, end, &depth) ? 2 : 1;
			break;
		case '}':
		case ']':
			depth -= depth > 0;
			put_line(s, depth);
			put(s, p, 1);
			break;
		case ',':
			put(s, p, 1);
			put_line(s, depth);
			break;
		case ':':
			put(s, ": ", 2);
			break;
		case '\n':
			break;
		default:
			put(s, p, 1);
		}
		p += n;
	}
}

struct bytes *json_indent_text(const char *text, size_t len)
{
	struct sink count = { 0 };

	run(text, len, &count);
	struct bytes *out = bytes_new(NULL, count.len);
	struct sink write = { .at = out->data };
	run(text, len, &write);
	out->data[count.len] = '\0';
	return out;
}
