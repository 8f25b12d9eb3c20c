#ifndef KUBE_JSON_SPLIT_H
#define KUBE_JSON_SPLIT_H
/* Cuts a stream of JSON text into values without parsing it, so that a watch or a long list is parsed object by object:
 * the memory needed is that of one object, not of all. It counts brackets and knows strings; whether the pieces are
 * valid JSON is for their parser to say. Private to this folder. */

#include "base/buf.h"
#include "base/err.h"

enum json_split_mode {
	JSON_SPLIT_VALUES, /* objects one after another: a watch */
	JSON_SPLIT_ITEMS,  /* one object, whose member "items" is cut into its elements: a list */
};

struct json_split {
	enum json_split_mode mode;
	struct buf value; /* the piece being collected */
	struct buf rest;  /* items: the object without its items, complete after json_split_end() */
	int depth;
	bool in_string, escaped, in_items, done;
	bool key_is_items; /* the last key of the outermost object */
	char key[8];
	size_t key_len;
	/* A whole value; text is NUL-terminated and borrowed. false stops (feed returns 0 and does nothing more). */
	bool (*on_value)(void *self, const char *text, size_t len);
	void *self;
	bool stopped;
};

#define JSON_SPLIT_VALUE_MAX ((size_t)(16 * 1024 * 1024))
#define JSON_SPLIT_REST_MAX ((size_t)(1024 * 1024))

#define JSON_SPLIT_INIT(mode_, on_value_, self_)                   \
	((struct json_split){ .mode = (mode_),                         \
	                      .on_value = (on_value_),                 \
	                      .self = (self_),                         \
	                      .value = BUF_INIT(JSON_SPLIT_VALUE_MAX), \
	                      .rest = BUF_INIT(JSON_SPLIT_REST_MAX) })

/* ERR_BAD_REQUEST when it cannot be JSON, ERR_TOO_LARGE. */
int json_split_feed(struct json_split *s, const char *data, size_t len, struct err *err);
/* Whether the text ended where a text may end: ERR_UNAVAILABLE when it was cut off. */
int json_split_end(const struct json_split *s, struct err *err);
void json_split_clear(struct json_split *s);

#endif
