#include "check/graph.h"

#include <string.h>

void kcl_graph_done(struct kcl_graph *g)
{
	for (uint32_t i = 0; i < g->len; i++)
		free(g->nodes[i].to);
	free(g->nodes);
	*g = (struct kcl_graph){ 0 };
}

static uint32_t find(struct kcl_graph *g, const char *name)
{
	/* what is looked for is mostly what was added last */
	for (uint32_t i = g->len; i > 0; i--)
		if (strcmp(g->nodes[i - 1].name, name) == 0)
			return i - 1;
	if (g->len == g->cap) {
		g->cap = g->cap ? g->cap * 2 : 16;
		g->nodes = xreallocarray(g->nodes, g->cap, sizeof(*g->nodes));
	}
	g->nodes[g->len] = (struct kcl_graph_node){ .name = name };
	return g->len++;
}

void kcl_graph_add(struct kcl_graph *g, const char *from, const char *to, const char *file, const struct kcl_span *span)
{
	uint32_t i = find(g, from), j = find(g, to);
	struct kcl_graph_node *node = &g->nodes[i];

	node->file = file;
	node->span = *span;
	for (uint32_t k = 0; k < node->to_len; k++)
		if (node->to[k] == j)
			return;
	if (node->to_len == node->to_cap) {
		node->to_cap = node->to_cap ? node->to_cap * 2 : 4;
		node->to = xreallocarray(node->to, node->to_cap, sizeof(*node->to));
	}
	node->to[node->to_len++] = j;
}

/* Marks what is reached from start, start itself only when a path leads back to it. True when one does. */
static bool reach(struct kcl_graph *g, uint32_t start, uint32_t goal)
{
	uint32_t *stack = xcalloc(g->len + 1, sizeof(*stack)), n = 0;

	g->mark++;
	stack[n++] = start;
	while (n > 0) {
		const struct kcl_graph_node *node = &g->nodes[stack[--n]];

		for (uint32_t k = 0; k < node->to_len; k++) {
			struct kcl_graph_node *next = &g->nodes[node->to[k]];

			if (next->mark == g->mark)
				continue;
			next->mark = g->mark;
			stack[n++] = node->to[k];
		}
	}
	free(stack);
	return g->nodes[goal].mark == g->mark;
}

const struct kcl_graph_node **kcl_graph_circle(struct kcl_graph *g, const char *from, uint32_t *ret_len)
{
	uint32_t start = find(g, from), n = 0;

	if (!reach(g, start, start))
		return NULL;

	bool *reached = xcalloc(g->len, sizeof(*reached));
	const struct kcl_graph_node **nodes = xcalloc(g->len, sizeof(*nodes));

	for (uint32_t i = 0; i < g->len; i++)
		reached[i] = g->nodes[i].mark == g->mark;
	for (uint32_t i = 0; i < g->len; i++)
		if (i == start || (reached[i] && reach(g, i, start)))
			nodes[n++] = &g->nodes[i];
	free(reached);
	*ret_len = n;
	if (n > 1)
		return nodes;
	free(nodes);
	return NULL;
}
