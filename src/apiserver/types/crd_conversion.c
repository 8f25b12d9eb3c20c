/* spec.conversion of a CRD: strategy and webhook, checked as apiextensions.k8s.io/v1 does. Kubernetes tells of the
 * parts of "webhook" one level higher. */
#include "base/str.h"
#include "codec/base64.h"
#include "crd.h"
#include "kube/object.h"
#include "objects/invalid.h"
#include "schema/schema_internal.h"

#define AT "spec.conversion"
#define CLIENT AT ".webhookClientConfig"
#define REVIEWS AT ".conversionReviewVersions"
#define URL_FORM "; desired format: https://host[/path]"
#define STEP_WORDS                                                                                                   \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start " \
	"and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "                      \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

static void check_url(const char *url, struct err *err)
{
	static const char FIELD[] = CLIENT ".url";
	size_t scheme = strcspn(url, ":");
	const char *host = strncmp(url + scheme, "://", 3) == 0 ? url + scheme + 3 : "";
	size_t host_len = strcspn(host, "/?#");

	if (!*host)
		scheme = 0;
	if (scheme != 5 || strncmp(url, "https", 5) != 0)
		invalid_add(err, INVALID_VALUE, FIELD,
		            "Invalid value: \"%.*s\": 'https' is the only allowed URL scheme" URL_FORM, (int)scheme, url);
	if (host_len == 0)
		invalid_add(err, INVALID_VALUE, FIELD, "Invalid value: \"\": host must be specified" URL_FORM);
	const char *at = memchr(host, '@', host_len), *query = strchr(url, '?'), *fragment = strchr(url, '#');
	if (at)
		invalid_add(err, INVALID_VALUE, FIELD, "Invalid value: \"%.*s\": user information is not permitted in the URL",
		            (int)(at - host), host);
	if (fragment && fragment[1])
		invalid_add(err, INVALID_VALUE, FIELD, "Invalid value: \"%s\": fragments are not permitted in the URL",
		            fragment + 1);
	if (query && (!fragment || query < fragment) && query[1] && query[1] != '#')
		invalid_add(err, INVALID_VALUE, FIELD, "Invalid value: \"%.*s\": query parameters are not permitted in the URL",
		            (int)strcspn(query + 1, "#"), query + 1);
}

static void check_step(const char *path, const char *step, size_t len, size_t i, struct err *err)
{
	static const char FIELD[] = CLIENT ".service.path";
	_cleanup_free_ char *text = xstrndup(step, len);

	if (len == 0)
		invalid_add(err, INVALID_VALUE, FIELD, "Invalid value: \"%s\": segment[%zu] may not be empty", path, i);
	else if (!kube_is_dns_subdomain(text))
		invalid_add(err, INVALID_VALUE, FIELD, "Invalid value: \"%s\": segment[%zu]: " STEP_WORDS, path, i);
}

static void check_path(const char *path, struct err *err)
{
	static const char FIELD[] = CLIENT ".service.path";
	size_t i = 0;

	if (!*path || strcmp(path, "/") == 0)
		return;
	if (strcmp(path, "//") == 0) {
		invalid_add(err, INVALID_VALUE, FIELD, "Invalid value: \"//\": segment[0] may not be empty");
		return;
	}
	if (*path != '/')
		invalid_add(err, INVALID_VALUE, FIELD, "Invalid value: \"%s\": must start with a '/'", path);
	const char *end = path + strlen(path) - (str_ends_with(path, "/") ? 1 : 0);
	for (const char *step = path + 1; step <= end; i++) {
		size_t len = strcspn(step, "/");
		if (step + len > end)
			len = (size_t)(end - step);
		check_step(path, step, len, i, err);
		step += len + 1;
	}
}

static void check_service(const json_t *service, struct err *err)
{
	static const char *const NAMES[] = { "name", "namespace" };
	int64_t port = json_get_int(service, "port", 443);
	const char *path = json_get_str(service, "path");

	for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++) {
		_cleanup_free_ char *field = xasprintf("%s.service.%s", CLIENT, NAMES[i]);
		if (str_empty(json_get_str(service, NAMES[i])))
			invalid_add(err, INVALID_REQUIRED, field, "Required value: service %s is required", NAMES[i]);
	}
	if (port < 1 || port > 65535)
		invalid_add(err, INVALID_VALUE, CLIENT ".service.port",
		            "Invalid value: %lld: port is not valid: must be between 1 and 65535, inclusive", (long long)port);
	if (path)
		check_path(path, err);
}

/* Good enough to tell a certificate from nothing: whether it is one, the client for webhooks finds out. */
static void check_bundle(const char *encoded, struct err *err)
{
	size_t len = 0;
	_cleanup_free_ char *text = base64_decode(encoded, strlen(encoded), &len);

	if (text && strspn(text, " \t\r\n") < len && !memmem(text, len, "-----BEGIN CERTIFICATE-----", 27))
		invalid_add(err, INVALID_VALUE, CLIENT ".caBundle",
		            "Invalid value: \"%s\": unable to load root certificates: unable to parse bytes as PEM block",
		            encoded);
}

static void check_client(const json_t *config, bool established, struct err *err)
{
	const char *url = json_get_str(config, "url"), *bundle = json_get_str(config, "caBundle");
	const json_t *service = json_object_get(config, "service");

	if (!json_is_object(config))
		invalid_add(err, INVALID_REQUIRED, CLIENT, "Required value: required when strategy is set to Webhook");
	else if (!url == !json_is_object(service))
		invalid_add(err, INVALID_REQUIRED, CLIENT, "Required value: exactly one of url or service is required");
	else if (url)
		check_url(url, err);
	else
		check_service(service, err);
	if (!str_empty(bundle) && established)
		check_bundle(bundle, err);
}

static bool is_dns_1035(const char *s)
{
	return kube_is_dns_label(s) && !(*s >= '0' && *s <= '9');
}

static void check_reviews(const json_t *versions, struct err *err)
{
	bool known = false;
	size_t i;
	json_t *v;
	_cleanup_(map_freep) struct map *seen = map_new(NULL);

	if (json_array_size(versions) == 0) {
		invalid_add(err, INVALID_REQUIRED, REVIEWS, "Required value");
		return;
	}
	json_array_foreach (versions, i, v) {
		_cleanup_free_ char *field = xasprintf("%s[%zu]", REVIEWS, i);
		const char *name = json_string_value(v) ? json_string_value(v) : "";
		known = known || strcmp(name, "v1") == 0 || strcmp(name, "v1beta1") == 0;
		if (!map_add(seen, name))
			invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": duplicate version", name);
		else if (!is_dns_1035(name))
			invalid_add(
				err, INVALID_VALUE, field,
				"Invalid value: \"%s\": a DNS-1035 label must consist of lower case alphanumeric characters or '-', "
				"start "
				"with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
				"regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
				name);
	}
	_cleanup_free_ char *text = known ? NULL : schema_show_strings(versions);
	if (!known)
		invalid_add(err, INVALID_VALUE, REVIEWS, "Invalid value: %s: must include at least one of v1, v1beta1", text);
}

void crd_validate_conversion(const json_t *spec, bool established, struct err *err)
{
	const json_t *conversion = json_object_get(spec, "conversion"), *webhook = json_object_get(conversion, "webhook");
	const char *strategy = json_get_str(conversion, "strategy");

	if (!conversion)
		return;
	if (str_empty(strategy))
		invalid_add(err, INVALID_REQUIRED, AT ".strategy", "Required value");
	else if (strcmp(strategy, "None") != 0 && strcmp(strategy, "Webhook") != 0)
		invalid_add(err, INVALID_NOT_SUPPORTED, AT ".strategy",
		            "Unsupported value: \"%s\": supported values: \"None\", \"Webhook\"", strategy);
	if (str_eq(strategy, "Webhook")) {
		if (json_get_bool(spec, "preserveUnknownFields", false))
			invalid_add(err, INVALID_VALUE, AT ".strategy",
			            "Invalid value: \"Webhook\": must be None if spec.preserveUnknownFields is true");
		check_client(json_object_get(webhook, "clientConfig"), established, err);
		check_reviews(json_object_get(webhook, "conversionReviewVersions"), err);
		return;
	}
	if (json_object_get(webhook, "clientConfig"))
		invalid_add(err, INVALID_FORBIDDEN, CLIENT, "Forbidden: should not be set when strategy is not set to Webhook");
	if (json_array_size(json_object_get(webhook, "conversionReviewVersions")) > 0)
		invalid_add(err, INVALID_FORBIDDEN, REVIEWS,
		            "Forbidden: should not be set when strategy is not set to Webhook");
}
