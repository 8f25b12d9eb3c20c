#include "impersonate.h"

#include "base/str.h"
#include "service_account.h"

#define PREFIX "Impersonate-"
#define USER PREFIX "User"
#define GROUP PREFIX "Group"
#define UID PREFIX "Uid"
#define EXTRA PREFIX "Extra-"
#define MESSAGE_MAX ((size_t)64 * 1024)

static void note_header(void *self, const char *name, const char *value)
{
	if (strncasecmp(name, PREFIX, strlen(PREFIX)) == 0)
		http_headers_add(self, name, value);
}

void impersonate_headers(const struct http_request *http, struct http_headers *ret)
{
	http_request_each_header(http, note_header, ret);
}

/* One thing that the requester must be allowed to be. */
struct wanted {
	const struct authorizer *authorizer;
	const struct auth_user *user;
	struct auth_user who; /* as far as it is known */
	json_t **ret_denial;
	struct err *err;
};

static int check(const struct wanted *w, const char *group, const char *resource, const char *subresource,
                 const char *ns, const char *name)
{
	const struct auth_attributes a = {
		.verb = "impersonate",
		.group = group,
		.version = *group ? "v1" : "",
		.resource = resource,
		.subresource = subresource,
		.ns = ns,
		.name = name,
		.path = "",
	};
	_cleanup_free_ char *reason = NULL;

	if (w->authorizer->allow(w->authorizer->self, w->user, &a, NULL))
		return 0;
	w->authorizer->allow(w->authorizer->self, w->user, &a, &reason);
	auth_set_forbidden(w->user, &a, reason, w->err);
	if (w->ret_denial)
		*w->ret_denial = auth_denial(&a, w->err);
	return -1;
}

static int be_user(struct wanted *w, const char *name, bool groups_given)
{
	_cleanup_free_ char *ns = NULL, *account = NULL;

	w->who.name = xstrdup(name);
	if (!service_account_split(name, &ns, &account))
		return check(w, "", "users", "", "", name);
	if (!groups_given)
		service_account_groups(ns, &w->who.groups);
	return check(w, "", "serviceaccounts", "", ns, account);
}

/* "Impersonate-Extra-Acme.com%2Fproject" → "acme.com/project". */
static char *extra_key(const char *header)
{
	char *key = xstrdup(header + strlen(EXTRA)), *raw;

	str_lower(key);
	raw = xstrdup(key);
	if (http_unescape(key, false)) {
		free(raw);
		return key;
	}
	free(key);
	return raw;
}

static int be_extra(struct wanted *w, const struct http_header *h)
{
	_cleanup_free_ char *key = extra_key(h->name);

	if (!w->who.extra)
		w->who.extra = json_object();
	json_push_str(json_ensure_array(w->who.extra, key), h->value);
	return check(w, "authentication.k8s.io", "userextras", key, "", h->value);
}

static bool is(const struct http_header *h, const char *name)
{
	return strcasecmp(h->name, name) == 0;
}

static bool is_extra(const struct http_header *h)
{
	return strncasecmp(h->name, EXTRA, strlen(EXTRA)) == 0;
}

static int be_all(struct wanted *w, const struct http_headers *headers, const char *name)
{
	const char *uid = http_headers_get(headers, UID);

	if (be_user(w, name, http_headers_get(headers, GROUP)) < 0)
		return -1;
	for (size_t i = 0; i < headers->len; i++) {
		const struct http_header *h = &headers->list[i];
		if (is(h, GROUP)) {
			strv_push(&w->who.groups, h->value);
			if (check(w, "", "groups", "", "", h->value) < 0)
				return -1;
		}
	}
	for (size_t i = 0; i < headers->len; i++)
		if (is_extra(&headers->list[i]) && be_extra(w, &headers->list[i]) < 0)
			return -1;
	if (str_empty(uid))
		return 0;
	w->who.uid = xstrdup(uid);
	return check(w, "authentication.k8s.io", "uids", "", "", uid);
}

/* Whoever is somebody is authenticated, unless they said otherwise; nobody never is, whatever they said. */
static void add_authenticated(struct auth_user *who)
{
	if (auth_user_in(who, "system:unauthenticated"))
		return;
	if (strcmp(who->name, "system:anonymous") == 0)
		strv_push(&who->groups, "system:unauthenticated");
	else if (!auth_user_in(who, "system:authenticated"))
		strv_push(&who->groups, "system:authenticated");
}

/* As Go prints a list of object references, which is what Kubernetes answers. */
static int no_user(const struct http_headers *headers, struct err *err)
{
	_cleanup_buf_ struct buf out = BUF_INIT(MESSAGE_MAX);
	const char *uid = http_headers_get(headers, UID);

	for (size_t i = 0; i < headers->len; i++)
		if (is(&headers->list[i], GROUP))
			buf_printf(&out, "%s{Group  %s    }", out.len ? " " : "", headers->list[i].value);
	for (size_t i = 0; i < headers->len; i++) {
		if (!is_extra(&headers->list[i]))
			continue;
		_cleanup_free_ char *key = extra_key(headers->list[i].name);
		buf_printf(&out, "%s{UserExtra  %s  authentication.k8s.io/v1  %s}", out.len ? " " : "", headers->list[i].value,
		           key);
	}
	if (!str_empty(uid))
		buf_printf(&out, "%s{UID  %s  authentication.k8s.io/v1  }", out.len ? " " : "", uid);
	if (out.len == 0)
		return 0;
	return err_set(err, ERR_INTERNAL, "requested [%s] without impersonating a user", buf_str(&out));
}

int impersonate(const struct authorizer *authorizer, const struct auth_user *user, const struct http_headers *headers,
                struct auth_user *ret, json_t **ret_denial, struct err *err)
{
	const char *name = http_headers_get(headers, USER);
	struct wanted w = { .authorizer = authorizer, .user = user, .ret_denial = ret_denial, .err = err };

	if (str_empty(name))
		return headers->len > 0 ? no_user(headers, err) : 0;
	if (be_all(&w, headers, name) < 0) {
		auth_user_clear(&w.who);
		return -1;
	}
	add_authenticated(&w.who);
	*ret = w.who;
	return 1;
}
