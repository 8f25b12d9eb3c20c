#include "auth.h"

#include "base/str.h"

#include <stdio.h>

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

int auth_set_forbidden(const struct auth_user *user, const struct auth_attributes *a, const char *reason,
                       struct err *err)
{
	char words[512];
	const char *tail = str_empty(reason) ? "" : ": ";

	reason = reason ? reason : "";
	if (a->non_resource)
		return err_set(err, ERR_FORBIDDEN, "forbidden: User \"%s\" cannot %s path \"%s\"%s%s", user->name, a->verb,
		               a->path, tail, reason);
	snprintf(words, sizeof(words), "%s%s%s", a->resource, *a->group ? "." : "", a->group);
	_cleanup_free_ char *quoted = *a->name ? xasprintf(" \"%s\"", a->name) : xstrdup("");
	_cleanup_free_ char *scope = *a->ns ? xasprintf("in the namespace \"%s\"", a->ns) : xstrdup("at the cluster scope");
	return err_set(err, ERR_FORBIDDEN,
	               "%s%s is forbidden: User \"%s\" cannot %s resource \"%s%s%s\" in API group \"%s\" %s%s%s", words,
	               quoted, user->name, a->verb, a->resource, *a->subresource ? "/" : "", a->subresource, a->group,
	               scope, tail, reason);
}
