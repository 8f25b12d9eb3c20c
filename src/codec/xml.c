#include "codec/xml.h"

#include "base/buf.h"
#include "base/str.h"

#include <expat.h>

#define TEXT_MAX ((size_t)(16 * 1024 * 1024))
#define NODES_MAX 200000
#define DEPTH_MAX 200

/* An element that is not closed yet. */
struct frame {
	struct xml_node *node;
	struct xml_node **tail; /* where its next child goes */
	struct buf text;
};

struct builder {
	XML_Parser parser;
	const char *name;
	struct xml_node *root;
	struct frame frames[DEPTH_MAX];
	size_t depth, nodes;
	bool failed;
	struct err *err;
};

/* Stops the parse with an error at the place expat is at. */
_printf_(2, 3) static void fail(struct builder *b, const char *fmt, ...)
{
	if (b->failed)
		return;
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *what = xvasprintf(fmt, ap);
	va_end(ap);
	b->failed = true;
	err_set(b->err, ERR_BAD_REQUEST, "%s:%lu:%lu: %s", b->name, XML_GetCurrentLineNumber(b->parser),
	        XML_GetCurrentColumnNumber(b->parser) + 1, what);
	XML_StopParser(b->parser, XML_FALSE);
}

static char *local_name(const char *qualified)
{
	const char *colon = strrchr(qualified, ':');
	return xstrdup(colon ? colon + 1 : qualified);
}

static char **copy_attributes(const char **attributes)
{
	size_t n = 0;
	while (attributes[n])
		n++;
	char **copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i += 2) {
		copy[i] = local_name(attributes[i]);
		copy[i + 1] = xstrdup(attributes[i + 1]);
	}
	return copy;
}

static void on_start(void *data, const char *name, const char **attributes)
{
	struct builder *b = data;
	if (b->failed)
		return;
	if (b->depth == DEPTH_MAX || ++b->nodes > NODES_MAX) {
		if (b->depth == DEPTH_MAX)
			fail(b, "nested deeper than %d levels", DEPTH_MAX);
		else
			fail(b, "more than %d elements", NODES_MAX);
		return;
	}
	struct xml_node *node = new0(struct xml_node);
	node->name = local_name(name);
	node->line = (int)XML_GetCurrentLineNumber(b->parser);
	node->attributes = copy_attributes(attributes);
	if (b->depth == 0) {
		b->root = node;
	} else {
		struct frame *parent = &b->frames[b->depth - 1];
		*parent->tail = node;
		parent->tail = &node->next;
	}
	b->frames[b->depth++] = (struct frame){ node, &node->first_child, BUF_INIT(TEXT_MAX) };
}

static void close_frame(struct builder *b)
{
	struct frame *frame = &b->frames[--b->depth];
	_cleanup_free_ char *text = buf_steal(&frame->text);
	frame->node->text = xstrdup(str_strip(text));
}

static void on_end(void *data, const char *name)
{
	struct builder *b = data;
	(void)name;
	if (!b->failed)
		close_frame(b);
}

static void on_text(void *data, const char *text, int len)
{
	struct builder *b = data;
	if (!b->failed && b->depth > 0)
		buf_append(&b->frames[b->depth - 1].text, text, (size_t)len);
}

/* A DTD could declare entities ("billion laughs") and default attributes, which multiply just as well. One that is only
 * named is harmless, as it is not read. */
static void on_doctype(void *data, const char *name, const char *system_id, const char *public_id,
                       int has_internal_subset)
{
	(void)name, (void)system_id, (void)public_id;
	if (has_internal_subset)
		fail(data, "a document type with declarations of its own is not supported");
}

static void on_skipped_entity(void *data, const char *name, int is_parameter)
{
	(void)is_parameter;
	fail(data, "the entity \"%.100s\" is not known", name);
}

static void parse(struct builder *b, const char *text, size_t len)
{
	XML_SetUserData(b->parser, b);
	XML_SetElementHandler(b->parser, on_start, on_end);
	XML_SetCharacterDataHandler(b->parser, on_text);
	XML_SetStartDoctypeDeclHandler(b->parser, on_doctype);
	XML_SetSkippedEntityHandler(b->parser, on_skipped_entity);
	XML_SetParamEntityParsing(b->parser, XML_PARAM_ENTITY_PARSING_NEVER);
	if (XML_Parse(b->parser, text, (int)len, XML_TRUE) == XML_STATUS_ERROR)
		fail(b, "%s", XML_ErrorString(XML_GetErrorCode(b->parser)));
	while (b->depth > 0)
		close_frame(b);
}

struct xml_node *xml_parse(const char *text, size_t len, const char *name, struct err *err)
{
	if (!name)
		name = "XML";
	if (len > TEXT_MAX)
		return err_set(err, ERR_BAD_REQUEST, "%s: the text has %zu bytes; at most %zu are allowed", name, len,
		               TEXT_MAX),
		       NULL;
	struct builder *b = new0(struct builder);
	*b = (struct builder){ .parser = XML_ParserCreate(NULL), .name = name, .err = err };
	if (!b->parser)
		out_of_memory(0);
	parse(b, text, len);
	struct xml_node *root = b->failed ? xml_free(b->root) : b->root;
	XML_ParserFree(b->parser);
	free(b);
	return root;
}

struct xml_node *xml_free(struct xml_node *root)
{
	while (root) {
		struct xml_node *next = root->next;
		xml_free(root->first_child);
		strv_free(root->attributes);
		free(root->name);
		free(root->text);
		free(root);
		root = next;
	}
	return NULL;
}

const struct xml_node *xml_child(const struct xml_node *node, const char *name)
{
	const struct xml_node *child = node ? node->first_child : NULL;
	return !child || str_eq(child->name, name) ? child : xml_next(child, name);
}

const struct xml_node *xml_next(const struct xml_node *node, const char *name)
{
	if (!node)
		return NULL;
	do
		node = node->next;
	while (node && !str_eq(node->name, name));
	return node;
}

const char *xml_child_text(const struct xml_node *node, const char *name)
{
	const struct xml_node *child = xml_child(node, name);
	return child ? child->text : NULL;
}

const char *xml_attribute(const struct xml_node *node, const char *name)
{
	for (char **a = node ? node->attributes : NULL; a && *a; a += 2)
		if (str_eq(a[0], name))
			return a[1];
	return NULL;
}
