#include "auth.h"

#include "base/str.h"
#include "kube/object.h"

#include <stdio.h>

#define PATH_TEXT_MAX ((size_t)256 * 1024)

void auth_user_clear(struct auth_user *u)
{
	free(u->name);
	free(u->uid);
	strv_free(u->groups);
	json_decref(u->extra);
	*u = (struct auth_user){ 0 };
}

struct auth_user auth_user_copy(const struct auth_user *u)
{
	return (struct auth_user){
		.name = xstrdup_or_null(u->name),
		.uid = xstrdup_or_null(u->uid),
		.groups = u->groups ? strv_copy(u->groups) : NULL,
		.extra = u->extra ? json_clone(u->extra) : NULL,
	};
}

bool auth_user_in(const struct auth_user *u, const char *group)
{
	return u->groups && str_in(group, (const char *const *)u->groups);
}

json_t *auth_user_json(const struct auth_user *u)
{
	json_t *v = json_object(), *groups = json_array();

	json_put_str(v, "username", u->name);
	if (u->uid)
		json_put_str(v, "uid", u->uid);
	for (size_t i = 0; u->groups && u->groups[i]; i++)
		json_push_str(groups, u->groups[i]);
	json_put(v, "groups", groups);
	if (u->extra)
		json_put(v, "extra", json_clone(u->extra));
	return v;
}

json_t *auth_denial(const struct auth_attributes *a, const struct err *err)
{
	json_t *status = a->non_resource ? kube_status_from_err(err, NULL, NULL, NULL)
	                                 : kube_status_from_err(err, a->group, a->resource, a->name);

	json_ensure_object(status, "details");
	return status;
}

/* Kubernetes escapes what could be taken for HTML. */
static char *escape_html(const char *s)
{
	struct buf out = BUF_INIT(PATH_TEXT_MAX);

	for (; *s; s++) {
		if (*s == '<' || *s == '>')
			buf_puts(&out, *s == '<' ? "&lt;" : "&gt;");
		else if (*s == '&')
			buf_puts(&out, "&amp;");
		else
			buf_putc(&out, *s);
	}
	return buf_steal(&out);
}

int auth_set_forbidden(const struct auth_user *user, const struct auth_attributes *a, const char *reason,
                       struct err *err)
{
	char words[512];
	const char *tail = str_empty(reason) ? "" : ": ";

	reason = reason ? reason : "";
	if (a->non_resource) {
		_cleanup_free_ char *path = escape_html(a->path);
		return err_set(err, ERR_FORBIDDEN, "forbidden: User \"%s\" cannot %s path \"%s\"%s%s", user->name, a->verb,
		               path, tail, reason);
	}
	snprintf(words, sizeof(words), "%s%s%s", a->resource, *a->group ? "." : "", a->group);
	_cleanup_free_ char *quoted = *a->name ? xasprintf(" \"%s\"", a->name) : xstrdup("");
	_cleanup_free_ char *scope = *a->ns ? xasprintf("in the namespace \"%s\"", a->ns) : xstrdup("at the cluster scope");
	return err_set(err, ERR_FORBIDDEN,
	               "%s%s is forbidden: User \"%s\" cannot %s resource \"%s%s%s\" in API group \"%s\" %s%s%s", words,
	               quoted, user->name, a->verb, a->resource, *a->subresource ? "/" : "", a->subresource, a->group,
	               scope, tail, reason);
}
