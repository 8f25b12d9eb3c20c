#ifndef CODEC_YAML_H
#define CODEC_YAML_H
/* YAML to and from JSON values, over libyaml: what kubectl reads is read alike, what it prints is printed alike.
 *
 * Bounded: text length (JSON_TEXT_MAX), depth (JSON_DEPTH_MAX), number of nodes with those that aliases and merges
 * repeat (YAML_NODES_MAX in total, and only some of them repeated, so "billion laughs" ends early). Plain scalars
 * become null, bool, int or float as sigs.k8s.io/yaml reads them: y, yes, on, n, no, off are bools, also as keys;
 * 0644, 0o644, 0x1a4 and 0b11 are integers; whole floats (1.0, 1e3) become integers on the way to JSON; dates stay
 * strings. One difference: an integer that no 64 bits and no double hold exactly stays a string, where Kubernetes
 * rounds it. Mapping keys become strings; merge keys (<<) are honoured; a repeated key is an error. */

#include "codec/json.h"

#define YAML_NODES_MAX 1000000

/* Exactly one document (an empty text is null). Errors are ERR_BAD_REQUEST "NAME:LINE:COLUMN: …"; name may be NULL. */
json_t *yaml_parse(const char *text, size_t len, const char *name, struct err *err);
/* The same by YAML 1.2's core schema, as serde_yaml and go-yaml 3 read: yes, on, n, 0b1, 0644 and 1_000 are strings. */
json_t *yaml_parse_core(const char *text, size_t len, const char *name, struct err *err);
/* The same as Kubernetes' server reads a body: the first of several documents; of a repeated key the last one counts,
 * and each is told as `line 3: key "a" already set in map`, appended to *ret_repeated (strv). Errors in the syntax are
 * worded as go-yaml does: "yaml: line 2: did not find expected key". */
json_t *yaml_parse_like_go(const char *text, size_t len, char ***ret_repeated, struct err *err);
/* All documents as an array; empty ones (null) are left out. */
json_t *yaml_parse_all(const char *text, size_t len, const char *name, struct err *err);
/* Appends block style, two-space indentation, lists as far left as their key, keys sorted as kubectl prints; strings
 * that would read as something else are quoted; multi-line strings as literal blocks; lines longer than 80 characters
 * are folded. All of it is go-yaml 2's, to the byte.
 * yaml_parse() gives back the same value (json_same()). 0, or -1 with nothing appended when the buffer is full. */
int yaml_write(const json_t *v, struct buf *out);

/* Line and column (from 1) of the node at a JSON pointer in the first document of a text that parses (JSON as well);
 * false when it cannot be found. A node that comes from an alias or merge key is at that alias or key. For evidence and
 * for errors found after parsing. */
bool yaml_locate(const char *text, size_t len, const char *pointer, int *ret_line, int *ret_column);

#endif
