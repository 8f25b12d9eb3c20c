#include "service_account.h"

#include "base/str.h"
#include "kube/object.h"

bool service_account_split(const char *username, char **ret_ns, char **ret_name)
{
	const char *rest = str_after(username, SERVICE_ACCOUNT_USER), *colon = rest ? strchr(rest, ':') : NULL;

	if (!colon)
		return false;
	_cleanup_free_ char *ns = xstrndup(rest, (size_t)(colon - rest));
	if (!kube_is_dns_label(ns) || !kube_is_dns_subdomain(colon + 1))
		return false;
	*ret_ns = TAKE_PTR(ns);
	*ret_name = xstrdup(colon + 1);
	return true;
}

void service_account_groups(const char *ns, char ***groups)
{
	_cleanup_free_ char *own = xasprintf("system:serviceaccounts:%s", ns);

	strv_push(groups, "system:serviceaccounts");
	strv_push(groups, own);
}
