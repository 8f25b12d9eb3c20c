#ifndef CODEC_YAML_SCALAR_H
#define CODEC_YAML_SCALAR_H
/* Private to codec/: what a plain YAML scalar means. The reader and the writer must agree on it, so it stands once. */

#include "codec/json.h"

enum yaml_kind {
	YAML_STRING,
	YAML_NULL,
	YAML_BOOL,
	YAML_NUMBER,
	YAML_NOT_FINITE, /* .inf, .nan: JSON has no such numbers */
};

/* Resolves a plain scalar as sigs.k8s.io/yaml does (YAML 1.1: yes/no/on/off/y/n, 0x, 0o and leading-zero octal, 0b,
 * '_' between digits). *ret is a new reference for YAML_NULL, YAML_BOOL and YAML_NUMBER, else NULL.
 *
 * Numbers go the way they would go through JSON: 1.0 and 1e3 become integers. An integer that neither 64 bits nor a
 * double hold exactly stays a string: no digit is lost silently. */
enum yaml_kind yaml_scalar_resolve(const char *s, size_t len, json_t **ret);

/* Whether the text, written without quotes, reads as a string everywhere: here, in YAML 1.1 (sexagesimal numbers,
 * dates) and 1.2. Says nothing about characters that need quotes. */
bool yaml_scalar_is_string(const char *s, size_t len);

#endif
