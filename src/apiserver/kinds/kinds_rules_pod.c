/* Environment variables, references to config maps and secrets, tolerations. */
#include "base/str.h"
#include "kinds_rules.h"
#include "kube/label_fault.h"
#include "kube/name_fault.h"
#include "objects/field_checks.h"
#include "objects/invalid.h"

#include <string.h>

static const char *text_of(const json_t *obj, const char *key)
{
	const char *text = json_get_str(obj, key);

	return text ? text : "";
}

static void fail_text(struct err *err, const char *text, const char *detail, const char *at, const char *key)
{
	_cleanup_json_ json_t *shown = json_string(text);

	check_fail(err, shown, detail, "%s%s%s", at, *key ? "." : "", key);
}

/* ---- references ---- */

/* A key of a config map or a secret: an empty name is no name of one either. */
void kinds_rule_key_selector(const json_t *obj, const char *at, struct err *err)
{
	_cleanup_json_ json_t *name = json_string(text_of(obj, "name"));

	check_faults(err, kube_dns_subdomain_faults(json_string_value(name)), name, "%s.name", at);
}

void kinds_rule_named(const json_t *obj, const char *at, struct err *err)
{
	if (!*text_of(obj, "name"))
		check_required(err, "", "%s.name", at);
}

void kinds_rule_named_subdomain(const json_t *obj, const char *at, struct err *err)
{
	if (!*text_of(obj, "name"))
		check_required(err, "", "%s.name", at);
	else
		kinds_rule_key_selector(obj, at, err);
}

/* ---- fields of the pod as values ---- */

/* NAME['KEY']: the key (free()), *ret_path_len the length of NAME; NULL: there is none. */
static char *subscript_of(const char *path, size_t *ret_path_len)
{
	const char *open = strstr(path, "['");
	size_t len = strlen(path);

	if (!open || len < 2 || strcmp(path + len - 2, "']") != 0 || open + 2 > path + len - 2)
		return NULL;
	*ret_path_len = (size_t)(open - path);
	return xstrndup(open + 2, (size_t)(path + len - 2 - (open + 2)));
}

static bool is_map_of_labels(const char *path, size_t len)
{
	return (len == 20 && strncmp(path, "metadata.annotations", len) == 0) ||
	       (len == 15 && strncmp(path, "metadata.labels", len) == 0);
}

static void check_subscript(const char *path, size_t len, char *key, const char *at, struct err *err)
{
	if (!is_map_of_labels(path, len)) {
		_cleanup_free_ char *why = xasprintf("error converting fieldPath: field label does not support subscript: %s",
		                                     path);
		fail_text(err, path, why, at, "fieldPath");
		return;
	}
	if (len == 20) /* annotations */
		str_lower(key);
	_cleanup_json_ json_t *shown = json_string(key);
	check_faults(err, kube_label_key_faults(key), shown, "%s", at);
}

static void check_field_ref(const json_t *ref, const char *at, struct err *err)
{
	static const char *const ALLOWED[] = {
		"metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName",
		"status.hostIP", "status.hostIPs",     "status.podIP", "status.podIPs", NULL
	};
	static const char *const KNOWN[] = { "metadata.annotations", "metadata.labels", "spec.restartPolicy",
		                                 "spec.schedulerName",   "status.phase",    NULL };
	const char *path = text_of(ref, "fieldPath"), *version = text_of(ref, "apiVersion");
	size_t len = 0;

	if (!*path)
		return;
	if (strcmp(version, "v1") != 0) {
		_cleanup_free_ char *why = xasprintf("error converting fieldPath: unsupported pod version: %s", version);
		fail_text(err, path, why, at, "fieldPath");
		return;
	}
	_cleanup_free_ char *key = subscript_of(path, &len);
	if (key) {
		check_subscript(path, len, key, at, err);
	} else if (str_in(path, KNOWN)) {
		check_one_of(err, path, ALLOWED, "%s.fieldPath", at);
	} else if (!str_in(path, ALLOWED) && strcmp(path, "spec.host") != 0) {
		_cleanup_free_ char *why = xasprintf("error converting fieldPath: field label not supported: %s", path);
		fail_text(err, path, why, at, "fieldPath");
	}
}

static void check_resource_ref(const json_t *ref, const char *at, struct err *err)
{
	static const char *const ALLOWED[] = { "limits.cpu",
		                                   "limits.ephemeral-storage",
		                                   "limits.memory",
		                                   "requests.cpu",
		                                   "requests.ephemeral-storage",
		                                   "requests.memory",
		                                   NULL };
	const char *resource = text_of(ref, "resource");

	if (*resource && !str_starts_with(resource, "limits.hugepages-") &&
	    !str_starts_with(resource, "requests.hugepages-"))
		check_one_of(err, resource, ALLOWED, "%s.resource", at);
}

/* ---- environment variables ---- */

static size_t count(const json_t *obj, const char *const *names)
{
	size_t n = 0;

	for (; *names; names++)
		n += json_is_object(json_object_get(obj, *names));
	return n;
}

void kinds_rule_env_var(const json_t *obj, const char *at, struct err *err)
{
	static const char *const SOURCES[] = { "fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", NULL };
	const json_t *from = json_object_get(obj, "valueFrom");
	_cleanup_free_ char *field = xasprintf("%s.valueFrom", at), *field_ref = xasprintf("%s.fieldRef", field),
						*resource_ref = xasprintf("%s.resourceFieldRef", field);

	if (!json_is_object(from) || json_object_get(from, "fileKeyRef"))
		return;
	check_field_ref(json_object_get(from, "fieldRef"), field_ref, err);
	if (json_object_get(from, "resourceFieldRef"))
		check_resource_ref(json_object_get(from, "resourceFieldRef"), resource_ref, err);
	size_t sources = count(from, SOURCES);
	if (sources == 0)
		fail_text(err, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`",
		          field, "");
	else if (*text_of(obj, "value"))
		fail_text(err, "", "may not be specified when `value` is not empty", field, "");
	else if (sources > 1)
		fail_text(err, "", "may not have more than one field specified at a time", field, "");
}

void kinds_rule_env_from(const json_t *obj, const char *at, struct err *err)
{
	static const char *const SOURCES[] = { "configMapRef", "secretRef", NULL };
	const char *index = strrchr(at, '['); /* told of the whole list */
	_cleanup_free_ char *list = xstrndup(at, index ? (size_t)(index - at) : strlen(at));
	size_t sources = count(obj, SOURCES);

	if (sources == 0)
		fail_text(err, "", "must specify one of: `configMapRef` or `secretRef`", list, "");
	else if (sources > 1)
		fail_text(err, "", "may not have more than one field specified at a time", list, "");
}

/* ---- tolerations ---- */

void kinds_rule_toleration(const json_t *obj, const char *at, struct err *err)
{
	const char *key = text_of(obj, "key"), *operator= text_of(obj, "operator"), *value = text_of(obj, "value"),
			   *effect = text_of(obj, "effect");

	if (!*key && strcmp(operator, "Exists") != 0)
		fail_text(err, operator,
		          "operator must be Exists when `key` is empty, which means \"match all values and all keys\"", at,
		          "operator");
	if (json_is_integer(json_object_get(obj, "tolerationSeconds")) && strcmp(effect, "NoExecute") != 0)
		fail_text(err, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set", at, "effect");
	if (!*operator|| strcmp(operator, "Equal") == 0) {
		_cleanup_json_ json_t *shown = json_string(value);
		_cleanup_strv_ char **faults = kube_label_value_faults(value);
		_cleanup_free_ char *all = faults ? strv_join(faults, ";") : NULL;
		if (all)
			check_fail(err, shown, all, "%s.operator", at);
	}
}
