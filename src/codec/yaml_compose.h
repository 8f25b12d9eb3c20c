#ifndef CODEC_YAML_COMPOSE_H
#define CODEC_YAML_COMPOSE_H
/* Private to codec/: one pass over a YAML text, document by document. */

#include "base/map.h"
#include "codec/json.h"

#include <yaml.h>

struct yaml_composer {
	yaml_parser_t parser;
	bool parser_ready;
	const char *text, *name;
	size_t nodes, alias_nodes; /* so far; the second: of them, those that aliases and merges repeated */
	int depth;
	struct map *anchors;  /* name → json_t */
	yaml_mark_t last;     /* where the node at work begins */
	yaml_mark_t document; /* where its document begins */
	struct err *err;      /* never NULL */
	bool is_core;         /* words and numbers are those of YAML 1.2's core schema */
	char ***repeated; /* NULL: a repeated key is an error; else the last one counts, and a sentence is appended here */

	/* When want is set: the place of the node that these tokens of a JSON pointer lead to, in the first document. */
	char **want;
	size_t want_len;
	bool located, located_exactly;
	yaml_mark_t place;
};

/* Text and name must stay until yaml_composer_done(), which must be called in any case. */
int yaml_composer_init(struct yaml_composer *c, const char *text, size_t len, const char *name, struct err *err);
void yaml_composer_done(struct yaml_composer *c);
/* The next document; NULL with *ret_end set at the end of the text, NULL with err set on failure. */
json_t *yaml_composer_next(struct yaml_composer *c, bool *ret_end);
/* Sets an error with that place; -1. */
int yaml_composer_fail(struct yaml_composer *c, const yaml_mark_t *at, const char *fmt, ...) _printf_(3, 4);

#endif
