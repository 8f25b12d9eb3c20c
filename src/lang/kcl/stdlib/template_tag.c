#include "stdlib/template.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\n' || c == '\r';
}

static const char *find_end(const char *p, const char *closing)
{
	return strstr(p, closing);
}

/* Whether nothing but blanks shares the line with a tag that shows nothing. */
static bool stands_alone(const char *start, const char *tag, const char *after)
{
	while (tag > start && is_blank(tag[-1]))
		tag--;
	while (is_blank(*after))
		after++;
	return (tag == start || tag[-1] == '\n') && (*after == '\0' || *after == '\n' || strncmp(after, "\r\n", 2) == 0);
}

static void take_line(const char *start, struct kcl_tag *tag)
{
	while (tag->text_end > start && is_blank(tag->text_end[-1]))
		tag->text_end--;
	while (is_blank(*tag->next))
		tag->next++;
	tag->next += *tag->next == '\r';
	tag->next += *tag->next == '\n';
}

static void trim_body(struct kcl_tag *tag)
{
	while (tag->body < tag->body_end && is_space(*tag->body))
		tag->body++;
	while (tag->body_end > tag->body && is_space(tag->body_end[-1]))
		tag->body_end--;
}

static void classify(struct kcl_tag *tag)
{
	trim_body(tag);

	char c = tag->body < tag->body_end ? *tag->body : '\0';

	tag->kind = c == '#' || c == '^' ? KCL_TAG_OPEN
	            : c == '/'           ? KCL_TAG_CLOSE
	            : c == '!'           ? KCL_TAG_COMMENT
	                                 : KCL_TAG_VALUE;
	tag->inverted = c == '^';
	tag->unescaped = tag->unescaped || c == '&';
	if (c != '\0' && strchr("#^/!&", c))
		tag->body++;
	trim_body(tag);
	if (tag->kind == KCL_TAG_OPEN && tag->inverted && tag->body == tag->body_end)
		tag->kind = KCL_TAG_ELSE; /* {{^}} */
	if (tag->kind == KCL_TAG_VALUE && tag->body_end - tag->body >= 4 && memcmp(tag->body, "else", 4) == 0 &&
	    (tag->body + 4 == tag->body_end || is_space(tag->body[4]))) {
		tag->kind = KCL_TAG_ELSE;
		tag->body += 4;
		trim_body(tag);
	}
}

bool kcl_tag_next(struct kcl_heap *h, const char *start, const char *p, struct kcl_tag *ret)
{
	const char *open = strstr(p, "{{");
	bool trim_left, trim_right, triple, comment;

	if (!open)
		return false;
	triple = open[2] == '{';
	ret->body = open + (triple ? 3 : 2);
	trim_left = !triple && *ret->body == '~';
	ret->body += trim_left;
	comment = strncmp(ret->body, "!--", 3) == 0;
	ret->body_end = find_end(ret->body, triple ? "}}}" : comment ? "--" : "}}");
	if (ret->body_end && comment)
		ret->body_end = find_end(ret->body + 3, "--}}")    ? find_end(ret->body + 3, "--}}") + 2
		                : find_end(ret->body + 3, "--~}}") ? find_end(ret->body + 3, "--~}}") + 3
		                                                   : NULL;
	if (!ret->body_end)
		kcl_raise(h, "register template failed: a tag is not closed: %.20s", open);
	ret->next = ret->body_end + (triple ? 3 : 2);
	trim_right = !triple && ret->body_end > ret->body && ret->body_end[-1] == '~';
	ret->body_end -= trim_right;
	ret->text_end = open;
	ret->unescaped = triple;
	classify(ret);
	if (ret->kind != KCL_TAG_VALUE && stands_alone(start, open, ret->next))
		take_line(start, ret);
	while (trim_left && ret->text_end > p && is_space(ret->text_end[-1]))
		ret->text_end--;
	while (trim_right && is_space(*ret->next))
		ret->next++;
	if (ret->text_end < p)
		ret->text_end = p;
	return true;
}
