#ifndef CODEC_XML_H
#define CODEC_XML_H
/* XML as a small tree, over expat: for pom.xml and *.csproj. Entities other than the five of XML are refused, and
 * there is no DTD processing and no I/O. */

#include "base/err.h"

struct xml_node {
	char *name; /* local name, without prefix */
	char *text; /* its own character data, stripped; never NULL */
	int line;
	char **attributes;                   /* name, value, name, value, …, NULL */
	struct xml_node *first_child, *next; /* document order */
};

/* NULL on failure: ERR_BAD_REQUEST "NAME:LINE:COLUMN: …". At most 200,000 nodes and depth 200. */
struct xml_node *xml_parse(const char *text, size_t len, const char *name, struct err *err);
struct xml_node *xml_free(struct xml_node *root);
DEFINE_CLEANUP(struct xml_node *, xml_free)

/* First child / next sibling with that name, or NULL (also for a NULL node). */
const struct xml_node *xml_child(const struct xml_node *node, const char *name);
const struct xml_node *xml_next(const struct xml_node *node, const char *name);
/* Text of a child, or NULL. */
const char *xml_child_text(const struct xml_node *node, const char *name);
const char *xml_attribute(const struct xml_node *node, const char *name);

#endif
