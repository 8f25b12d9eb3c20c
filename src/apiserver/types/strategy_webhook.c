/* Configurations of admission webhooks, as admissionregistration.k8s.io/v1 checks them. */
#include "base/str.h"
#include "builtin.h"
#include "kube/object.h"
#include "objects/invalid.h"
#include "strategy_checks.h"

#include <string.h>

static void check_name(const json_t *webhook, const char *at, struct err *err)
{
	const char *name = json_get_str(webhook, "name");
	_cleanup_strv_ char **parts = str_split(name ? name : "", ".");

	if (str_empty(name))
		return;
	if (!kube_is_dns_subdomain(name))
		check_fail(err, json_object_get(webhook, "name"),
		           "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
		           "must start and "
		           "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
		           "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
		           "%s.name", at);
	else if (strv_len(parts) < 3)
		check_fail(err, json_object_get(webhook, "name"),
		           "should be a domain with at least three segments separated by dots", "%s.name", at);
}

static void check_versions(const json_t *webhook, const char *at, struct err *err)
{
	const json_t *versions = json_object_get(webhook, "admissionReviewVersions");
	bool known = false;
	size_t i;
	json_t *v;

	if (json_array_size(versions) == 0) {
		check_required(err, "must specify one of v1, v1beta1", "%s.admissionReviewVersions", at);
		return;
	}
	json_array_foreach (versions, i, v)
		known = known || str_eq(json_string_value(v), "v1") || str_eq(json_string_value(v), "v1beta1");
	if (!known)
		check_fail(err, versions, "must include at least one of v1, v1beta1", "%s.admissionReviewVersions", at);
}

static void check_client(const json_t *client, const char *at, struct err *err)
{
	const json_t *service = json_object_get(client, "service");
	const char *url = json_get_str(client, "url");

	if (!url == !json_is_object(service)) {
		check_required(err, "exactly one of url or service is required", "%s.clientConfig", at);
		return;
	}
	if (url && !str_starts_with(url, "https://"))
		check_fail(err, json_object_get(client, "url"), "'https' is the only allowed URL scheme", "%s.clientConfig.url",
		           at);
	const char *path = json_get_str(service, "path");
	if (path && *path && *path != '/')
		check_fail(err, json_object_get(service, "path"), "must start with a '/'", "%s.clientConfig.service.path", at);
}

static void check_rules(const json_t *rules, const char *at, struct err *err)
{
	static const char *const LISTS[] = { "operations", "apiGroups", "apiVersions", "resources" };
	size_t i;
	json_t *rule;

	json_array_foreach (rules, i, rule)
		for (size_t k = 0; k < ARRAY_SIZE(LISTS); k++)
			if (json_array_size(json_object_get(rule, LISTS[k])) == 0)
				check_required(err, "", "%s.rules[%zu].%s", at, i, LISTS[k]);
}

static void check_webhook(const json_t *webhook, const char *at, struct err *err)
{
	static const char *const EFFECTS[] = { "None", "NoneOnDryRun", NULL };
	const char *effects = json_get_str(webhook, "sideEffects");
	int64_t timeout = json_get_int(webhook, "timeoutSeconds", 10);

	check_name(webhook, at, err);
	check_rules(json_object_get(webhook, "rules"), at, err);
	if (!effects)
		check_required(err, "must specify one of None, NoneOnDryRun", "%s.sideEffects", at);
	else
		check_one_of(err, effects, EFFECTS, "%s.sideEffects", at);
	if (timeout < 1 || timeout > 30)
		check_fail(err, json_object_get(webhook, "timeoutSeconds"),
		           "the timeout value must be between 1 and 30 seconds", "%s.timeoutSeconds", at);
	check_client(json_object_get(webhook, "clientConfig"), at, err);
	check_versions(webhook, at, err);
}

static int webhooks_validate(const json_t *obj, const json_t *old _unused_, struct err *err)
{
	const json_t *webhooks = json_object_get(obj, "webhooks");
	size_t i;
	json_t *webhook;

	json_array_foreach (webhooks, i, webhook) {
		_cleanup_free_ char *at = xasprintf("webhooks[%zu]", i);
		check_webhook(webhook, at, err);
	}
	check_unique_names(err, webhooks, "webhooks");
	return check_result(err);
}

const struct api_strategy STRATEGY_WEBHOOKS = { .generation = true, .validate = webhooks_validate };
