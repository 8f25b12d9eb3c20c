#include "request.h"

#include "base/str.h"

#include <stdio.h>

#define PARTS_MAX 16

/* ---- paths ---- */

static char *copy_or_empty(const char *s)
{
	return xstrdup(s ? s : "");
}

/* The parts behind the version: [namespaces/NS/]RESOURCE[/NAME[/SUBRESOURCE…]]. */
static int parse_rest(char **parts, size_t len, struct api_path *ret, struct err *err)
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
	if (len > 3)
		return err_set(err, ERR_NOT_FOUND, "the server could not find the requested resource");
	ret->ns = copy_or_empty(ns);
	ret->resource = copy_or_empty(len > 0 ? parts[0] : NULL);
	ret->name = copy_or_empty(len > 1 ? parts[1] : NULL);
	ret->subresource = copy_or_empty(len > 2 ? parts[2] : NULL);
	return 0;
}

int api_path_parse(const char *path, struct api_path *ret, struct err *err)
{
	_cleanup_strv_ char **parts = str_split(path, "/");
	struct api_path p = { 0 };
	size_t len = strv_len(parts), head = 0;

	if (len > PARTS_MAX)
		return err_set(err, ERR_NOT_FOUND, "the server could not find the requested resource");
	for (size_t i = 0; i < len; i++)
		if (!http_unescape(parts[i], false) || strchr(parts[i], '/'))
			return err_set(err, ERR_BAD_REQUEST, "the path %s is not valid", path);
	if (len >= 2 && strcmp(parts[0], "api") == 0)
		head = 2;
	else if (len >= 3 && strcmp(parts[0], "apis") == 0)
		head = 3;
	if (head == 0) {
		p.group = xstrdup("");
		p.version = xstrdup("");
		p.ns = xstrdup("");
		p.resource = xstrdup("");
		p.name = xstrdup("");
		p.subresource = xstrdup("");
		*ret = p;
		return 0;
	}
	/* The deprecated /watch/ before the rest, which is a watch whatever the query says. */
	p.watch = len > head + 1 && strcmp(parts[head], "watch") == 0;
	if (parse_rest(parts + head + p.watch, len - head - p.watch, &p, err) < 0)
		return -1;
	p.is_api = true;
	p.group = xstrdup(head == 3 ? parts[1] : "");
	p.version = xstrdup(parts[head - 1]);
	*ret = p;
	return 0;
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
