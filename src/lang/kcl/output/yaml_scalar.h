#ifndef LANG_KCL_OUTPUT_YAML_SCALAR_H
#define LANG_KCL_OUTPUT_YAML_SCALAR_H
/* Private to output/: how YAML shows a string. */

#include "value/text.h"

enum kcl_yaml_style { KCL_YAML_PLAIN, KCL_YAML_SINGLE, KCL_YAML_DOUBLE, KCL_YAML_LITERAL };

/* In a key nothing has several lines. */
enum kcl_yaml_style kcl_yaml_style(const struct kcl_str *s, bool is_key);
/* Whether it has line breaks. */
bool kcl_yaml_is_multiline(const struct kcl_str *s);
/* Plain or in quotes. */
void kcl_yaml_put_flow(struct kcl_text *t, const struct kcl_str *s, enum kcl_yaml_style style, size_t indent);
/* "|", what it says about the end, and the lines. True when empty lines at the end belong to it. */
bool kcl_yaml_put_literal(struct kcl_text *t, const struct kcl_str *s, size_t indent);

#endif
