#include "request.h"

#include "base/str.h"

/* ---- paths ---- */

static char *copy_or_empty(const char *s)
{
	return xstrdup(s ? s : "");
}

char **api_path_parts(const char *path)
{
	_cleanup_free_ char *decoded = xstrdup(path);
	char **parts, *at = decoded;
	size_t count = 1;

	if (!http_unescape(decoded, false))
		return NULL;
	at += strspn(at, "/");
	for (size_t len = strlen(at); len > 0 && at[len - 1] == '/';)
		at[--len] = '\0';
	for (const char *c = at; *c; c++)
		count += *c == '/';
	parts = xcalloc(count + 1, sizeof(*parts));
	for (size_t i = 0; *at; i++) {
		size_t len = strcspn(at, "/");
		parts[i] = xstrndup(at, len);
		at += at[len] ? len + 1 : len;
	}
	return parts;
}

/* The parts behind the version: [namespaces/NS/]RESOURCE[/NAME[/SUBRESOURCE…]]. An empty namespace is none. */
static void parse_rest(char **parts, size_t len, struct api_path *ret)
{
	const char *ns = NULL;

	if (len >= 2 && strcmp(parts[0], "namespaces") == 0) {
		ns = parts[1];
		bool own = len == 2 || (len == 3 && (strcmp(parts[2], "status") == 0 || strcmp(parts[2], "finalize") == 0));
		if (!own) {
			parts += 2;
			len -= 2;
		}
	}
	ret->ns = copy_or_empty(ns);
	ret->resource = copy_or_empty(len > 0 ? parts[0] : NULL);
	ret->name = copy_or_empty(len > 1 ? parts[1] : NULL);
	ret->subresource = copy_or_empty(len > 2 ? parts[2] : NULL);
	ret->longer = len > 3;
}

bool api_path_parse(const char *path, struct api_path *ret)
{
	_cleanup_strv_ char **parts = api_path_parts(path);
	struct api_path p = { 0 };
	size_t len = strv_len(parts), head = 0;

	if (!parts)
		return false;
	if (len >= 2 && strcmp(parts[0], "api") == 0)
		head = 2;
	else if (len >= 3 && strcmp(parts[0], "apis") == 0 && *parts[1])
		head = 3;
	if (str_starts_with(path, "//"))
		head = 0;
	/* The deprecated /watch/ before the rest, which is a watch whatever the query says. */
	p.watch = head > 0 && len > head + 1 && strcmp(parts[head], "watch") == 0;
	if (head > 0)
		parse_rest(parts + head + p.watch, len - head - p.watch, &p);
	else
		parse_rest(NULL, 0, &p);
	p.is_api = head > 0;
	p.group = xstrdup(head == 3 ? parts[1] : "");
	p.version = xstrdup(head > 0 ? parts[head - 1] : "");
	*ret = p;
	return true;
}

bool api_path_is_resource(const struct api_path *p)
{
	return p->is_api && (*p->resource || *p->name);
}

void api_path_clear(struct api_path *p)
{
	free(p->group);
	free(p->version);
	free(p->ns);
	free(p->resource);
	free(p->name);
	free(p->subresource);
	*p = (struct api_path){ 0 };
}

static const char *lower_method(const char *method)
{
	static const char *const methods[] = { "get", "post", "put", "patch", "delete", "head", "options" };

	for (size_t i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcasecmp(methods[i], method) == 0)
			return methods[i];
	return "";
}

const char *api_verb_of(const char *method, const struct api_path *path, const struct api_options *options)
{
	bool named = path->name && *path->name, get = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;

	if (!path->is_api || !*path->resource)
		return lower_method(method);
	if (path->watch)
		return get ? "watch" : "";
	if (get)
		return named ? "get" : options->watch ? "watch" : "list";
	if (strcmp(method, "POST") == 0)
		return "create";
	if (strcmp(method, "PUT") == 0)
		return "update";
	if (strcmp(method, "PATCH") == 0)
		return "patch";
	if (strcmp(method, "DELETE") == 0)
		return named ? "delete" : "deletecollection";
	return "";
}
