#ifndef CODEC_YAML_H
#define CODEC_YAML_H
/* YAML 1.2 (core schema, plus what Kubernetes users rely on) to and from JSON values, over libyaml.
 *
 * Bounded: text length, depth (JSON_DEPTH_MAX), number of nodes, and expansion of aliases (YAML_NODES_MAX in total, so
 * "billion laughs" ends early). Plain scalars become null, bool, int or float as sigs.k8s.io/yaml would read them; mapping keys become
 * strings; merge keys (<<) are honoured; a repeated key is an error. */

#include "codec/json.h"

#define YAML_NODES_MAX 1000000

/* Exactly one document (an empty text is null). Errors are ERR_BAD_REQUEST "NAME:LINE:COLUMN: …"; name may be NULL. */
json_t *yaml_parse(const char *text, size_t len, const char *name, struct err *err);
/* All documents as an array; empty ones are left out. */
json_t *yaml_parse_all(const char *text, size_t len, const char *name, struct err *err);
/* Appends block style, two-space indentation, keys sorted as kubectl prints; strings that would read as something
 * else are quoted; multi-line strings as literal blocks. */
int yaml_write(const json_t *v, struct buf *out);

/* Line and column (from 1) of the node at a JSON pointer in a text that parses; false when it cannot be found.
 * For evidence and for errors found after parsing. */
bool yaml_locate(const char *text, size_t len, const char *pointer, int *ret_line, int *ret_column);

#endif
