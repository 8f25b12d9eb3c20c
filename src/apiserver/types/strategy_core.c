/* What namespaces, secrets, config maps, service accounts and leases do differently. */
#include "base/str.h"
#include "builtin.h"
#include "codec/base64.h"
#include "kube/name_fault.h"
#include "kube/object.h"
#include "objects/field_checks.h"
#include "objects/invalid.h"

#define DATA_MAX ((size_t)1024 * 1024)
#define NAME_LABEL "kubernetes.io/metadata.name"

/* ---- namespaces ---- */

/* The label is a default, which belongs to whoever writes; a generated name comes too late for that. */
static void namespace_decode(json_t *obj, json_t *dropped)
{
	(void)dropped;
	if (*kube_name(obj))
		kube_set_label(obj, NAME_LABEL, kube_name(obj));
}

static void namespace_create(json_t *obj)
{
	kube_set_label(obj, NAME_LABEL, kube_name(obj));
}

static void namespace_complete(json_t *obj)
{
	json_t *spec = json_ensure_object(obj, "spec"), *finalizers = json_ensure_array(spec, "finalizers");

	if (!json_has_str(finalizers, "kubernetes"))
		json_array_append_new(finalizers, json_string("kubernetes"));
	json_put(obj, "status", json_pack("{s:s}", "phase", "Active"));
}

static void namespace_update(json_t *obj, const json_t *old)
{
	json_t *finalizers = json_at(old, "spec", "finalizers", NULL);

	json_put(json_ensure_object(obj, "spec"), "finalizers", json_deep_copy(finalizers));
	kube_set_label(obj, NAME_LABEL, kube_name(obj));
}

static void namespace_delete(json_t *obj)
{
	json_put_str(json_ensure_object(obj, "status"), "phase", "Terminating");
}

static bool namespace_held(const json_t *obj)
{
	return json_array_size(json_at(obj, "spec", "finalizers", NULL)) > 0;
}

static int namespace_check_delete(const char *name, struct err *err)
{
	static const char *const kept[] = { "default", "kube-system", "kube-public", "scia-system", NULL };

	if (str_in(name, kept))
		return err_set(err, ERR_FORBIDDEN, "namespaces \"%s\" is forbidden: this namespace may not be deleted", name);
	return 0;
}

const struct api_strategy STRATEGY_NAMESPACE = {
	.unconditional_update = true,
	.name_label = true,
	.decode = namespace_decode,
	.prepare_create = namespace_create,
	.complete_create = namespace_complete,
	.prepare_update = namespace_update,
	.prepare_delete = namespace_delete,
	.check_delete = namespace_check_delete,
	.held = namespace_held,
};

/* ---- secrets and config maps ---- */

/* stringData is only for writing: it becomes data, before anybody looks at who manages what. */
static void secret_decode(json_t *obj, json_t *dropped)
{
	(void)dropped;
	json_t *strings = json_object_get(obj, "stringData"), *value;
	const char *key;

	if (json_object_size(strings) > 0) {
		json_t *data = json_ensure_object(obj, "data");
		json_object_foreach (strings, key, value) {
			if (!json_is_string(value))
				continue;
			_cleanup_free_ char *encoded = base64_encode(json_string_value(value), json_string_length(value));
			json_put_str(data, key, encoded);
		}
	}
	json_object_del(obj, "stringData");
	if (str_empty(json_get_str(obj, "type")))
		json_put_str(obj, "type", "Opaque");
}

static void check_key(const char *field, const char *key, struct err *err)
{
	_cleanup_json_ json_t *shown = json_string(key);

	check_faults(err, kube_config_key_faults(key), shown, "%s[%s]", field, key);
}

/* Size of the decoded values. */
static size_t check_base64(const json_t *data, const char *field, struct err *err)
{
	const char *key;
	json_t *value;
	size_t total = 0;

	json_object_foreach ((json_t *)(uintptr_t)data, key, value) {
		size_t len = 0;
		_cleanup_free_ char *decoded = base64_decode(json_string_value(value) ? json_string_value(value) : "",
		                                             json_string_length(value), &len);
		check_key(field, key, err);
		if (!decoded) {
			_cleanup_free_ char *path = xasprintf("%s[%s]", field, key);
			invalid_add(err, INVALID_VALUE, path, "Invalid value: \"<redacted>\": illegal base64 data");
		}
		total += len;
	}
	return total;
}

static void check_immutable(const json_t *obj, const json_t *old, const char *const *fields, struct err *err)
{
	if (!json_get_bool(old, "immutable", false))
		return;
	if (!json_get_bool(obj, "immutable", false))
		invalid_add(err, INVALID_FORBIDDEN, "immutable", "Forbidden: field is immutable when `immutable` is set");
	for (; *fields; fields++) {
		const json_t *a = json_object_get(obj, *fields), *b = json_object_get(old, *fields);
		if (a != b && !(a && b && json_same(a, b)))
			invalid_add(err, INVALID_FORBIDDEN, *fields, "Forbidden: field is immutable when `immutable` is set");
	}
}

static void require_data(const json_t *obj, const char *key, struct err *err)
{
	_cleanup_free_ char *field = xasprintf("data[%s]", key);

	if (!json_object_get(json_object_get(obj, "data"), key))
		invalid_add(err, INVALID_REQUIRED, field, "Required value");
}

static void check_json(const json_t *obj, const char *key, struct err *err)
{
	const char *encoded = json_str_at(obj, "data", key, NULL);
	size_t len = 0;
	_cleanup_free_ char *text = encoded ? base64_decode(encoded, strlen(encoded), &len) : NULL;
	_cleanup_json_ json_t *v = text ? json_parse(text, len, 0, NULL) : NULL;
	_cleanup_free_ char *field = xasprintf("data[%s]", key);

	if (text && !json_is_object(v))
		invalid_add(err, INVALID_VALUE, field, "Invalid value: \"<secret contents redacted>\": not a JSON object");
}

/* Types that Kubernetes knows promise certain keys. */
static void check_secret_type(const json_t *obj, const char *type, struct err *err)
{
	static const struct {
		const char *type, *keys[2];
		bool json, any;
	} types[] = {
		{ "kubernetes.io/tls", { "tls.crt", "tls.key" }, false, false },
		{ "kubernetes.io/dockerconfigjson", { ".dockerconfigjson", NULL }, true, false },
		{ "kubernetes.io/dockercfg", { ".dockercfg", NULL }, true, false },
		{ "kubernetes.io/ssh-auth", { "ssh-privatekey", NULL }, false, false },
		{ "kubernetes.io/basic-auth", { "username", "password" }, false, true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		if (!str_eq(type, types[i].type))
			continue;
		const json_t *data = json_object_get(obj, "data");
		if (types[i].any && (json_object_get(data, types[i].keys[0]) || json_object_get(data, types[i].keys[1])))
			return;
		for (size_t k = 0; k < 2 && types[i].keys[k]; k++)
			require_data(obj, types[i].keys[k], err);
		if (types[i].json)
			check_json(obj, types[i].keys[0], err);
	}
}

static int secret_validate(const json_t *obj, const json_t *old, struct err *err)
{
	static const char *const fields[] = { "data", NULL };
	const char *type = json_get_str(obj, "type");

	if (check_base64(json_object_get(obj, "data"), "data", err) > DATA_MAX)
		invalid_add(err, INVALID_TOO_LONG, "data", "Too long: must have at most %zu bytes", DATA_MAX);
	check_secret_type(obj, type, err);
	if (str_eq(type, "kubernetes.io/service-account-token") &&
	    str_empty(json_str_at(obj, "metadata", "annotations", "kubernetes.io/service-account.name", NULL)))
		invalid_add(err, INVALID_REQUIRED, "metadata.annotations[kubernetes.io/service-account.name]",
		            "Required value");
	if (old && !str_eq(type, json_get_str(old, "type")))
		invalid_add(err, INVALID_VALUE, "type", "Invalid value: \"%s\": field is immutable", type ? type : "");
	if (old)
		check_immutable(obj, old, fields, err);
	return err_is_set(err) ? -1 : 0;
}

const struct api_strategy STRATEGY_SECRET = {
	.unconditional_update = true,
	.decode = secret_decode,
	.validate = secret_validate,
};

static int configmap_validate(const json_t *obj, const json_t *old, struct err *err)
{
	static const char *const fields[] = { "data", "binaryData", NULL };
	json_t *data = json_object_get(obj, "data"), *binary = json_object_get(obj, "binaryData"), *value;
	size_t total = check_base64(binary, "binaryData", err);
	const char *key;

	json_object_foreach (data, key, value) {
		check_key("data", key, err);
		total += json_string_length(value);
		if (json_object_get(binary, key)) {
			_cleanup_free_ char *path = xasprintf("data[%s]", key);
			invalid_add(err, INVALID_VALUE, path, "Invalid value: \"%s\": duplicate of key present in binaryData", key);
		}
	}
	if (total > DATA_MAX)
		invalid_add(err, INVALID_TOO_LONG, "", "Too long: must have at most %zu bytes", DATA_MAX);
	if (old)
		check_immutable(obj, old, fields, err);
	return err_is_set(err) ? -1 : 0;
}

const struct api_strategy STRATEGY_CONFIGMAP = {
	.unconditional_update = true,
	.validate = configmap_validate,
};

const struct api_strategy STRATEGY_SERVICE_ACCOUNT = { .unconditional_update = true };
static int lease_validate(const json_t *obj, const json_t *old _unused_, struct err *err)
{
	const json_t *spec = json_object_get(obj, "spec"), *duration = json_object_get(spec, "leaseDurationSeconds");

	if (json_is_integer(duration) && json_integer_value(duration) <= 0)
		check_fail(err, duration, "must be greater than 0", "spec.leaseDurationSeconds");
	check_not_negative(err, json_object_get(spec, "leaseTransitions"), "spec.leaseTransitions");
	return check_result(err);
}

const struct api_strategy STRATEGY_LEASE = { .create_on_update = true, .validate = lease_validate };
