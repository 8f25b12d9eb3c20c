#include "internal_identity.h"

#include "audit/audit.h"
#include "base/str.h"
#include "server.h"

#define ACCOUNT_PREFIX INTERNAL_ACCOUNT("")

static struct auth_user user_of(const struct internal_identity *as)
{
	struct auth_user user = { .name = xstrdup(as->user) };

	if (str_eq(as->user, INTERNAL_SERVER))
		strv_push(&user.groups, "system:masters");
	if (str_starts_with(as->user, ACCOUNT_PREFIX)) {
		strv_push(&user.groups, "system:serviceaccounts");
		strv_push(&user.groups, "system:serviceaccounts:kube-system");
	}
	strv_push(&user.groups, "system:authenticated");
	return user;
}

static struct auth_attributes attributes_of(const struct internal_act *act)
{
	const bool updates = str_eq(act->verb, "update");

	return (struct auth_attributes){
		.verb = act->verb,
		.group = act->type->group,
		.version = act->type->versions[act->type->storage].name,
		.resource = act->type->plural,
		.subresource = updates && act->as->subresource ? act->as->subresource : "",
		.ns = act->ns,
		.name = act->name,
		.path = "",
	};
}

int internal_permit(struct apiserver *s, const struct internal_act *act, struct err *err)
{
	const struct auth_attributes what = attributes_of(act);
	struct auth_user user = user_of(act->as);
	int r = 0;

	if (!s->authorizer.allow(s->authorizer.self, &user, &what, NULL))
		r = auth_set_forbidden(&user, &what, NULL, err);
	auth_user_clear(&user);
	return r;
}

void internal_note(struct apiserver *s, const struct internal_act *act, struct bytes *text, const struct err *failed)
{
	if (!s->audit)
		return;
	struct auth_user user = user_of(act->as);
	const struct auth_attributes what = attributes_of(act);
	_cleanup_free_ char *reason = NULL;
	const bool allowed = s->authorizer.allow(s->authorizer.self, &user, &what, &reason);

	audit_internal(s->audit, &(struct audit_internal){
								 .user = &user,
								 .what = &what,
								 .object = text,
								 .failed = failed,
								 .allowed = allowed,
								 .reason = reason ? reason : "",
							 });
	auth_user_clear(&user);
}
