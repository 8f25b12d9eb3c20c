#ifndef LANG_KCL_CHECK_GRAPH_H
#define LANG_KCL_CHECK_GRAPH_H
/* What depends on what, by name, to find circles. */

#include "syntax/ast.h"

struct kcl_graph_node {
	const char *name;
	const char *file; /* where it was said to depend on another one, NULL until then */
	struct kcl_span span;
	uint32_t *to, to_len, to_cap;
	uint32_t mark;
};

struct kcl_graph {
	struct kcl_graph_node *nodes;
	uint32_t len, cap, mark;
};

void kcl_graph_done(struct kcl_graph *g);
/* Names are borrowed. */
void kcl_graph_add(struct kcl_graph *g, const char *from, const char *to, const char *file,
                   const struct kcl_span *span);
/* The nodes of the circles through from, in the order in which they were added, as an array of *ret_len pointers
 * (free()); NULL when there is no circle of two or more. */
const struct kcl_graph_node **kcl_graph_circle(struct kcl_graph *g, const char *from, uint32_t *ret_len);

#endif
