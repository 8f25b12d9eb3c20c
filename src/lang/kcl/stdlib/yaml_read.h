#ifndef LANG_KCL_STDLIB_YAML_READ_H
#define LANG_KCL_STDLIB_YAML_READ_H
/* YAML texts to values, as upstream's serde_yaml reads them (YAML 1.2's core words: no yes/no, 0644 stays a string;
 * keys are their texts; no merge keys; a repeated key's last value counts). Aliases share their values, so that none of
 * them costs more than one. */

#include "stdlib/stdlib.h"

/* All documents as a list. Raises "line 2 column 5: …". */
struct kcl_value kcl_yaml_read_all(struct kcl_heap *h, const struct kcl_str *text);
/* The only document, None of an empty text; raises when there are several. */
struct kcl_value kcl_yaml_read(struct kcl_heap *h, const struct kcl_str *text);
/* What a plain scalar means: null, bool, int, float or a string. */
struct kcl_value kcl_yaml_scalar(struct kcl_heap *h, const char *s, size_t len);

#endif
