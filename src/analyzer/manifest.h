#ifndef ANALYZER_MANIFEST_H
#define ANALYZER_MANIFEST_H
/* Parsed manifests, each file at most once. A file that does not parse gives NULL: an analysis never fails because of
 * what somebody wrote into a repository. Values belong to the analysis and are
 * not to be changed. */

#include "analysis.h"

#include "codec/json.h"
#include "codec/xml.h"

/* JSON with comments and trailing commas, which most tools that read such files accept. */
json_t *manifest_json(struct analysis *a, const struct text *t);
json_t *manifest_toml(struct analysis *a, const struct text *t);
/* The first document. */
json_t *manifest_yaml(struct analysis *a, const struct text *t);
const struct xml_node *manifest_xml(struct analysis *a, const struct text *t);

/* A string or a number as text, else NULL. */
const char *manifest_scalar(struct analysis *a, const json_t *v);

#endif
