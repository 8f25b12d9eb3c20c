#include "auth.h"

#include "base/map.h"
#include "base/str.h"
#include "base/thread.h"
#include "codec/sha256.h"
#include "net/tls.h"

#include <stdio.h>

#define TOKEN_BYTES 32

struct authn {
	pthread_mutex_t lock;
	struct map *tokens; /* SHA-256 of the token → component's name: looking one up leaks nothing by its time */
};

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

struct authn *authn_new(void)
{
	struct authn *a = new0(struct authn);

	pthread_mutex_init(&a->lock, NULL);
	a->tokens = map_new(free);
	return a;
}

struct authn *authn_free(struct authn *a)
{
	if (!a)
		return NULL;
	map_free(a->tokens);
	pthread_mutex_destroy(&a->lock);
	free(a);
	return NULL;
}

char *authn_component_token(struct authn *a, const char *component)
{
	char digest[65];
	char *token = tls_random_hex(TOKEN_BYTES);

	sha256_hex(token, strlen(token), digest);
	MUTEX_GUARD(&a->lock);
	map_set(a->tokens, digest, xasprintf("system:scia:%s", component));
	return token;
}

bool authn_token(struct authn *a, const char *token, struct auth_user *ret)
{
	char digest[65];

	sha256_hex(token, strlen(token), digest);
	MUTEX_GUARD(&a->lock);
	const char *name = map_get(a->tokens, digest);
	if (!name)
		return false;
	*ret = (struct auth_user){ .name = xstrdup(name) };
	strv_push(&ret->groups, "system:masters");
	strv_push(&ret->groups, "system:authenticated");
	return true;
}

int authn_request(struct authn *a, const struct http_request *http, struct auth_user *ret, struct err *err)
{
	const char *peer = http_request_peer_name(http), *header = http_request_header(http, "Authorization");
	char *const *orgs = http_request_peer_orgs(http);

	if (!str_empty(peer)) {
		*ret = (struct auth_user){ .name = xstrdup(peer) };
		for (size_t i = 0; orgs && orgs[i]; i++)
			strv_push(&ret->groups, orgs[i]);
		strv_push(&ret->groups, "system:authenticated");
		return 0;
	}
	if (header && strncasecmp(header, "Bearer ", 7) == 0 && authn_token(a, header + 7, ret))
		return 0;
	return err_set(err, ERR_UNAUTHORIZED, "Unauthorized");
}

/* ---- authorisation ---- */

int auth_set_forbidden(const struct auth_user *user, const struct auth_attributes *a, const char *reason,
                       struct err *err)
{
	char words[512];
	const char *tail = str_empty(reason) ? "" : ": ";

	reason = reason ? reason : "";
	if (!*a->resource)
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
