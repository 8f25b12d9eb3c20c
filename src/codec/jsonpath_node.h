#ifndef CODEC_JSONPATH_NODE_H
#define CODEC_JSONPATH_NODE_H
/* Private to codec/: a parsed JSONPath template. */

#include "codec/jsonpath.h"

enum jsonpath_type {
	JSONPATH_LITERAL,   /* "text", 1, 2.5, true */
	JSONPATH_FIELD,     /* .name, ['name'] */
	JSONPATH_SLICE,     /* [1], [-1:], [0:4:2], [*] */
	JSONPATH_WILDCARD,  /* .* */
	JSONPATH_RECURSIVE, /* .. */
	JSONPATH_UNION,     /* ['a', 'b'], [0, 2] */
	JSONPATH_FILTER,    /* [?(@.a=="b")] */
};

enum jsonpath_operator {
	JSONPATH_EXISTS,
	JSONPATH_EQUAL,
	JSONPATH_NOT_EQUAL,
	JSONPATH_LESS,
	JSONPATH_LESS_EQUAL,
	JSONPATH_GREATER,
	JSONPATH_GREATER_EQUAL,
};

/* Steps applied one after the other. */
struct jsonpath_list {
	struct jsonpath_node *nodes;
	size_t len;
};

struct jsonpath_node {
	enum jsonpath_type type;
	char *name;                  /* FIELD; "" is the value itself */
	json_t *literal;             /* LITERAL */
	int64_t from, to, step;      /* SLICE; to counts only with has_to */
	bool has_to, single;         /* single: [from], to is from + 1 */
	struct jsonpath_list *parts; /* UNION: its alternatives; FILTER: left and right side */
	size_t parts_len;
	enum jsonpath_operator operator;
};

enum jsonpath_item_type {
	JSONPATH_TEXT,  /* between the braces */
	JSONPATH_PATH,  /* {…} */
	JSONPATH_RANGE, /* {range …} up to its {end} */
};

struct jsonpath_item {
	enum jsonpath_item_type type;
	char *text;
	struct jsonpath_list path;
	size_t end; /* RANGE: the item behind its last one */
};

struct jsonpath {
	struct jsonpath_item *items;
	size_t len;
};

#define JSONPATH_TEXT_MAX (64 * 1024)
#define JSONPATH_NESTING_MAX 16 /* filters and unions in each other, ranges in each other */
#define JSONPATH_VISITED_MAX 1000000

#endif
