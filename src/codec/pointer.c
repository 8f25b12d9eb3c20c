#include "codec/pointer.h"

#include "base/str.h"

/* One token up to its '/' or the end; NULL when an escape is malformed. */
static char *unescape(const char *from, const char *end)
{
	char *token = xmalloc((size_t)(end - from) + 1), *p = token;
	for (; from < end; from++) {
		if (*from != '~') {
			*p++ = *from;
		} else if (from + 1 < end && (from[1] == '0' || from[1] == '1')) {
			*p++ = *++from == '0' ? '~' : '/';
		} else {
			free(token);
			return NULL;
		}
	}
	*p = '\0';
	return token;
}

char **json_pointer_split(const char *pointer)
{
	size_t count = 0;
	for (const char *p = pointer; *p; p++)
		count += *p == '/';
	if ((*pointer && *pointer != '/') || count > JSON_POINTER_TOKENS_MAX)
		return NULL;
	_cleanup_strv_ char **tokens = xcalloc(count + 1, sizeof(*tokens));
	for (size_t i = 0; i < count; i++) {
		const char *end = strchrnul(++pointer, '/');
		tokens[i] = unescape(pointer, end);
		if (!tokens[i])
			return NULL;
		pointer = end;
	}
	return TAKE_PTR(tokens);
}

bool json_pointer_index(const char *token, size_t size, size_t *ret)
{
	size_t v = 0;
	if (!*token || (token[0] == '0' && token[1]))
		return false;
	for (; *token; token++) {
		if (*token < '0' || *token > '9' || !size_mul(v, 10, &v) || !size_add(v, (size_t)(*token - '0'), &v))
			return false;
	}
	if (v >= size)
		return false;
	*ret = v;
	return true;
}

json_t *json_pointer_get(const json_t *doc, const char *pointer)
{
	_cleanup_strv_ char **tokens = json_pointer_split(pointer);
	if (!tokens)
		return NULL;
	json_t *at = json_unconst(doc);
	for (char **t = tokens; *t && at; t++) {
		size_t index;
		if (json_is_object(at))
			at = json_object_get(at, *t);
		else
			at = json_pointer_index(*t, json_array_size(at), &index) ? json_array_get(at, index) : NULL;
	}
	return at;
}

void json_pointer_escape(struct buf *out, const char *token)
{
	for (; *token; token++) {
		if (*token == '~')
			buf_puts(out, "~0");
		else if (*token == '/')
			buf_puts(out, "~1");
		else
			buf_putc(out, *token);
	}
}
