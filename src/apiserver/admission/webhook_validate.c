/* What a schema cannot say about webhook configurations (pkg/apis/admissionregistration/validation). Choices and
 * required members are checked by the kinds' tables. */
#include "base/buf.h"
#include "base/str.h"
#include "kube/object.h"
#include "net/http.h"
#include "objects/invalid.h"
#include "webhook.h"

#define URL_FORM "; desired format: https://host[/path]"
#define PATH_MAX_LEN 512
#define VALUE_MAX 4096

static const char SUBDOMAIN_RULE[] = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
									 "characters, '-' or '.', and must start and end "
									 "with an alphanumeric character (e.g. 'example.com', regex used for validation is "
									 "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
static const char LABEL_RULE[] =
	"a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, "
	"and "
	"end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "
	"'[a-z]([-a-z0-9]*[a-z0-9])?')";

/* A field: where it is, as text. */
struct at {
	char path[PATH_MAX_LEN];
};

static struct at child(const struct at *parent, const char *name)
{
	struct at a;

	snprintf(a.path, sizeof(a.path), "%.400s.%.100s", parent->path, name);
	return a;
}

static struct at entry(const struct at *parent, size_t i)
{
	struct at a;

	snprintf(a.path, sizeof(a.path), "%.480s[%zu]", parent->path, i);
	return a;
}

static void required(struct err *err, const struct at *at, const char *detail)
{
	invalid_add(err, INVALID_REQUIRED, at->path, "Required value%s%s", *detail ? ": " : "", detail);
}

static void invalid(struct err *err, const struct at *at, const char *value, const char *detail)
{
	invalid_add(err, INVALID_VALUE, at->path, "Invalid value: \"%.4096s\": %s", value, detail);
}

/* A list as Go prints it. */
static void invalid_list(struct err *err, const struct at *at, const char *type, const json_t *list, const char *detail)
{
	_cleanup_buf_ struct buf text = BUF_INIT(VALUE_MAX);
	size_t i;
	json_t *v;

	json_array_foreach (list, i, v)
		buf_printf(&text, "%s\"%s\"", i > 0 ? ", " : "", json_string_value(v) ? json_string_value(v) : "");
	invalid_add(err, INVALID_VALUE, at->path, "Invalid value: []%s{%s}: %s", type, buf_str(&text), detail);
}

/* ---- rules ---- */

/* Not empty, and "*" alone. */
static void check_list(const json_t *rule, const struct at *at, const char *name, const char *type, const char *others,
                       struct err *err)
{
	const json_t *list = json_object_get(rule, name);
	const struct at here = child(at, name);
	_cleanup_free_ char *detail = xasprintf("if '*' is present, must not specify other %s", others);

	if (json_array_size(list) == 0)
		required(err, &here, "");
	else if (json_array_size(list) > 1 && json_has_str(list, "*"))
		invalid_list(err, &here, type, list, detail);
}

/* One resource against those before it. */
static void check_resource(const json_t *list, size_t i, const struct at *at, struct err *err)
{
	const char *resource = json_string_value(json_array_get(list, i)), *slash = resource ? strchr(resource, '/') : NULL;
	const struct at here = entry(at, i);

	if (str_empty(resource)) {
		required(err, &here, "");
		return;
	}
	if (!slash)
		return;
	_cleanup_free_ char *all_subs = xasprintf("%.*s/*", (int)(slash - resource), resource);
	_cleanup_free_ char *all_resources = xasprintf("*%s", slash);
	for (size_t k = 0; k < i; k++) {
		const char *before = json_string_value(json_array_get(list, k));
		const char *wider = str_eq(before, all_subs) ? all_subs : str_eq(before, all_resources) ? all_resources : NULL;
		if (!wider)
			continue;
		_cleanup_free_ char *detail = xasprintf("if '%s' is present, must not specify %s", wider, resource);
		invalid(err, &here, resource, detail);
	}
}

static void check_resources(const json_t *rule, const struct at *at, struct err *err)
{
	const json_t *list = json_object_get(rule, "resources");
	const struct at here = child(at, "resources");
	bool plain = false;
	size_t i;
	json_t *v;

	if (json_array_size(list) == 0)
		required(err, &here, "");
	json_array_foreach (list, i, v) {
		const char *resource = json_string_value(v);
		check_resource(list, i, &here, err);
		plain = plain || (!str_empty(resource) && !strchr(resource, '/') && strcmp(resource, "*") != 0);
	}
	if (json_array_size(list) > 1 && json_has_str(list, "*/*"))
		invalid_list(err, &here, "string", list, "if '*/*' is present, must not specify other resources");
	if (json_has_str(list, "*") && plain)
		invalid_list(err, &here, "string", list,
		             "if '*' is present, must not specify other resources without subresources");
}

static void check_rules(const json_t *hook, const struct at *at, struct err *err)
{
	const struct at rules = child(at, "rules");
	size_t i, k;
	json_t *rule, *version;

	json_array_foreach (json_object_get(hook, "rules"), i, rule) {
		const struct at here = entry(&rules, i), versions = child(&here, "apiVersions");
		check_list(rule, &here, "operations", "admissionregistration.OperationType", "operations", err);
		check_list(rule, &here, "apiGroups", "string", "API groups", err);
		check_list(rule, &here, "apiVersions", "string", "API versions", err);
		json_array_foreach (json_object_get(rule, "apiVersions"), k, version) {
			const struct at one = entry(&versions, k);
			if (str_empty(json_string_value(version)))
				required(err, &one, "");
		}
		check_resources(rule, &here, err);
	}
}

/* ---- where it is ---- */

static void check_url(const char *text, const struct at *at, struct err *err)
{
	_cleanup_(http_url_clear) struct http_url url = { 0 };
	const char *fragment = strchr(text, '#'), *scheme_end = strstr(text, "://");
	_cleanup_err_ struct err broken = { 0 };

	if (scheme_end && strncasecmp(text, "https://", 8) != 0) {
		_cleanup_free_ char *scheme = xstrndup(text, (size_t)(scheme_end - text));
		invalid(err, at, scheme, "'https' is the only allowed URL scheme" URL_FORM);
		return;
	}
	if (!scheme_end) {
		invalid(err, at, "", "'https' is the only allowed URL scheme" URL_FORM);
		invalid(err, at, "", "host must be specified" URL_FORM);
		return;
	}
	_cleanup_free_ char *plain = fragment ? xstrndup(text, (size_t)(fragment - text)) : xstrdup(text);
	if (http_url_parse(plain, &url, &broken) < 0) {
		if (!scheme_end[3] || scheme_end[3] == '/')
			invalid(err, at, "", "host must be specified" URL_FORM);
		else
			required(err, at, "url must be a valid URL" URL_FORM);
		return;
	}
	if (url.user)
		invalid(err, at, url.user, "user information is not permitted in the URL");
	if (fragment && fragment[1])
		invalid(err, at, fragment + 1, "fragments are not permitted in the URL");
	if (!str_empty(url.query))
		invalid(err, at, url.query, "query parameters are not permitted in the URL");
}

static void check_segments(const char *path, const struct at *at, struct err *err)
{
	const char *p = path + 1;

	for (size_t i = 0;; i++) {
		size_t len = strcspn(p, "/");
		_cleanup_free_ char *segment = xstrndup(p, len);
		if (!p[len] && len == 0 && i > 0)
			return; /* a slash at the end */
		_cleanup_free_ char *detail = len == 0 ? xasprintf("segment[%zu] may not be empty", i)
		                                       : xasprintf("segment[%zu]: %s", i, SUBDOMAIN_RULE);
		if (len == 0 || !kube_is_dns_subdomain(segment))
			invalid(err, at, path, detail);
		if (!p[len])
			return;
		p += len + 1;
	}
}

static void check_service(const json_t *service, const struct at *at, struct err *err)
{
	const char *path = json_get_str(service, "path");
	int64_t port = json_get_int(service, "port", 443);
	const struct at name = child(at, "name"), ns = child(at, "namespace"), where = child(at, "path");
	const struct at port_at = child(at, "port");

	if (str_empty(json_get_str(service, "name")))
		required(err, &name, "service name is required");
	if (str_empty(json_get_str(service, "namespace")))
		required(err, &ns, "service namespace is required");
	if (port < 1 || port > 65535)
		invalid_add(err, INVALID_VALUE, port_at.path,
		            "Invalid value: %jd: port is not valid: must be between 1 and 65535, inclusive", (intmax_t)port);
	if (str_empty(path) || strcmp(path, "/") == 0)
		return;
	if (strcmp(path, "//") == 0)
		invalid(err, &where, path, "segment[0] may not be empty");
	else if (*path != '/')
		invalid(err, &where, path, "must start with a '/'");
	else
		check_segments(path, &where, err);
}

static void check_client(const json_t *hook, const struct at *at, struct err *err)
{
	const json_t *client = json_object_get(hook, "clientConfig"), *service = json_object_get(client, "service");
	const char *url = json_get_str(client, "url");
	const struct at here = child(at, "clientConfig"), url_at = child(&here, "url"),
					service_at = child(&here, "service");

	if (!url == !json_is_object(service))
		required(err, &here, "exactly one of url or service is required");
	else if (url)
		check_url(url, &url_at, err);
	else
		check_service(service, &service_at, err);
}

/* ---- the rest ---- */

static bool is_dns1035(const char *s)
{
	return kube_is_dns_label(s) && *s >= 'a' && *s <= 'z';
}

static void check_versions(const json_t *hook, const struct at *at, bool known_needed, struct err *err)
{
	const json_t *list = json_object_get(hook, "admissionReviewVersions");
	const struct at here = child(at, "admissionReviewVersions");
	_cleanup_(map_freep) struct map *seen = map_new(NULL);
	size_t i;
	json_t *v;

	if (json_array_size(list) == 0) {
		required(err, &here, "must specify one of v1, v1beta1");
		return;
	}
	json_array_foreach (list, i, v) {
		const char *version = json_string_value(v) ? json_string_value(v) : "";
		const struct at one = entry(&here, i);
		if (!map_add(seen, version))
			invalid(err, &one, version, "duplicate version");
		else if (!is_dns1035(version))
			invalid(err, &one, version, LABEL_RULE);
	}
	if (known_needed && !json_has_str(list, "v1") && !json_has_str(list, "v1beta1"))
		invalid_list(err, &here, "string", list, "must include at least one of v1, v1beta1");
}

static void check_name(const json_t *hook, struct map *seen, const struct at *at, struct err *err)
{
	const char *name = json_get_str(hook, "name");
	const struct at here = child(at, "name");
	size_t dots = 0;

	if (str_empty(name))
		return; /* required by the kind's table */
	for (const char *c = name; *c; c++)
		dots += *c == '.';
	if (!kube_is_dns_subdomain(name))
		invalid(err, &here, name, SUBDOMAIN_RULE);
	else if (dots < 2)
		invalid(err, &here, name, "should be a domain with at least three segments separated by dots");
	if (!map_add(seen, name))
		invalid_add(err, INVALID_DUPLICATE, here.path, "Duplicate value: \"%s\"", name);
}

static void check_selector(const json_t *hook, const struct at *at, const char *name, struct err *err)
{
	const json_t *selector = json_object_get(hook, name);
	const struct at here = child(at, name);
	_cleanup_err_ struct err broken = { 0 };

	if (!selector)
		return;
	struct kube_selector *s = kube_selector_from_json(selector, &broken);
	if (!s)
		invalid_add(err, INVALID_VALUE, here.path, "Invalid value: %s", err_message(&broken));
	kube_selector_free(s);
}

static void check_hook(const json_t *hook, const struct at *at, bool strict, struct err *err)
{
	const char *effects = json_get_str(hook, "sideEffects");
	const json_t *timeout = json_object_get(hook, "timeoutSeconds");
	const struct at effects_at = child(at, "sideEffects"), timeout_at = child(at, "timeoutSeconds");

	check_rules(hook, at, err);
	if (!effects)
		required(err, &effects_at, "must specify one of None, NoneOnDryRun");
	else if (strict && (str_eq(effects, "Some") || str_eq(effects, "Unknown")))
		invalid_add(err, INVALID_NOT_SUPPORTED, effects_at.path,
		            "Unsupported value: \"%s\": supported values: \"None\", \"NoneOnDryRun\"", effects);
	if (json_is_integer(timeout) && (json_integer_value(timeout) < 1 || json_integer_value(timeout) > 30))
		invalid_add(err, INVALID_VALUE, timeout_at.path,
		            "Invalid value: %jd: the timeout value must be between 1 and 30 seconds",
		            (intmax_t)json_integer_value(timeout));
	check_selector(hook, at, "namespaceSelector", err);
	check_selector(hook, at, "objectSelector", err);
	check_client(hook, at, err);
	check_versions(hook, at, strict, err);
}

int webhook_configuration_validate(const json_t *obj, const json_t *old, struct err *err)
{
	const json_t *hooks = json_object_get(obj, "webhooks");
	const struct at all = { "webhooks" };
	_cleanup_(map_freep) struct map *names = map_new(NULL);
	_cleanup_err_ struct err found = { 0 };
	size_t i;
	json_t *hook;

	json_array_foreach (hooks, i, hook) {
		const struct at here = entry(&all, i);
		check_name(hook, names, &here, &found);
		check_hook(hook, &here, !old, &found);
	}
	if (!err_is_set(&found))
		return 0;
	err_move(err, &found);
	return -1;
}
