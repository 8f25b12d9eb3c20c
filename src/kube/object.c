#include "kube/object.h"

#include "base/clock.h"
#include "base/str.h"
#include "codec/base64.h"

#define CONDITION_MESSAGE_MAX (32 * 1024)
#define STATUS_EXCERPT_MAX 300

const struct kube_type KUBE_NAMESPACE = { "", "v1", "Namespace", "namespaces", false };
const struct kube_type KUBE_SECRET = { "", "v1", "Secret", "secrets", true };
const struct kube_type KUBE_CONFIGMAP = { "", "v1", "ConfigMap", "configmaps", true };
const struct kube_type KUBE_EVENT = { "", "v1", "Event", "events", true };
const struct kube_type KUBE_LEASE = { "coordination.k8s.io", "v1", "Lease", "leases", true };
const struct kube_type KUBE_CRD = { "apiextensions.k8s.io", "v1", "CustomResourceDefinition",
	                                "customresourcedefinitions", false };

const struct kube_type SCIA_DEPLOYMENT = { "scia.io", "v1alpha1", "Deployment", "deployments", true };
const struct kube_type SCIA_REVISION = { "scia.io", "v1alpha1", "DeploymentRevision", "deploymentrevisions", true };
const struct kube_type SCIA_INFRASTRUCTURE = { "scia.io", "v1alpha1", "Infrastructure", "infrastructures", true };
const struct kube_type SCIA_PROVIDER = { "scia.io", "v1alpha1", "CloudProvider", "cloudproviders", true };
const struct kube_type SCIA_PROCESS = { "local.scia.io", "v1alpha1", "Process", "processes", true };
const struct kube_type SCIA_NOP = { "nop.scia.io", "v1alpha1", "NopResource", "nopresources", true };

char *kube_type_api_version(const struct kube_type *type)
{
	return *type->group ? xasprintf("%s/%s", type->group, type->version) : xstrdup(type->version);
}

/* ---- keys ---- */

struct kube_key kube_key_of(const json_t *obj)
{
	return (struct kube_key){ .ns = xstrdup(kube_namespace(obj)), .name = xstrdup(kube_name(obj)) };
}

void kube_key_clear(struct kube_key *key)
{
	free(key->ns);
	free(key->name);
	*key = (struct kube_key){ 0 };
}

char *kube_key_str(const char *ns, const char *name)
{
	return str_empty(ns) ? xstrdup(name) : xasprintf("%s/%s", ns, name);
}

bool kube_key_parse(const char *s, struct kube_key *ret)
{
	const char *slash = strchr(s, '/');
	const char *name = slash ? slash + 1 : s;
	if (!*name || strchr(name, '/') || slash == s)
		return false;
	ret->ns = slash ? xstrndup(s, (size_t)(slash - s)) : xstrdup("");
	ret->name = xstrdup(name);
	return true;
}

/* ---- metadata ---- */

json_t *kube_object_new(const struct kube_type *type, const char *ns, const char *name)
{
	json_t *obj = json_object();
	_cleanup_free_ char *api_version = kube_type_api_version(type);
	json_put_str(obj, "apiVersion", api_version);
	json_put_str(obj, "kind", type->kind);
	json_t *meta = json_ensure_object(obj, "metadata");
	json_put_str(meta, "name", name);
	if (!str_empty(ns))
		json_put_str(meta, "namespace", ns);
	return obj;
}

json_t *kube_meta(const json_t *obj)
{
	json_t *meta = json_object_get(obj, "metadata");
	return json_is_object(meta) ? meta : NULL;
}

static const char *meta_str(const json_t *obj, const char *key)
{
	const char *s = json_get_str(kube_meta(obj), key);
	return s ? s : "";
}

const char *kube_name(const json_t *obj)
{
	return meta_str(obj, "name");
}

const char *kube_namespace(const json_t *obj)
{
	return meta_str(obj, "namespace");
}

const char *kube_uid(const json_t *obj)
{
	return meta_str(obj, "uid");
}

const char *kube_resource_version(const json_t *obj)
{
	return meta_str(obj, "resourceVersion");
}

int64_t kube_generation(const json_t *obj)
{
	return json_get_int(kube_meta(obj), "generation", 0);
}

bool kube_is_deleting(const json_t *obj)
{
	return *meta_str(obj, "deletionTimestamp");
}

json_t *kube_spec(const json_t *obj)
{
	return json_object_get(obj, "spec");
}

json_t *kube_status(const json_t *obj)
{
	return json_object_get(obj, "status");
}

const char *kube_label(const json_t *obj, const char *name)
{
	return json_get_str(json_object_get(kube_meta(obj), "labels"), name);
}

const char *kube_annotation(const json_t *obj, const char *name)
{
	return json_get_str(json_object_get(kube_meta(obj), "annotations"), name);
}

static void meta_map_set(json_t *obj, const char *map, const char *name, const char *value)
{
	json_t *meta = json_ensure_object(obj, "metadata");
	if (!value && !json_object_get(meta, map))
		return;
	json_put_str(json_ensure_object(meta, map), name, value);
}

void kube_set_label(json_t *obj, const char *name, const char *value)
{
	meta_map_set(obj, "labels", name, value);
}

void kube_set_annotation(json_t *obj, const char *name, const char *value)
{
	meta_map_set(obj, "annotations", name, value);
}

/* ---- finalizers ---- */

static json_t *finalizers(const json_t *obj)
{
	return json_object_get(kube_meta(obj), "finalizers");
}

bool kube_has_finalizer(const json_t *obj, const char *finalizer)
{
	return json_has_str(finalizers(obj), finalizer);
}

struct map *kube_finalizers(const json_t *obj)
{
	return json_str_set(finalizers(obj));
}

bool kube_add_finalizer(json_t *obj, const char *finalizer)
{
	if (kube_has_finalizer(obj, finalizer))
		return false;
	json_push_str(json_ensure_array(json_ensure_object(obj, "metadata"), "finalizers"), finalizer);
	return true;
}

bool kube_remove_finalizer(json_t *obj, const char *finalizer)
{
	json_t *list = finalizers(obj);
	bool changed = false;
	for (size_t i = json_array_size(list); i-- > 0;) {
		if (str_eq(json_string_value(json_array_get(list, i)), finalizer)) {
			json_array_remove(list, i);
			changed = true;
		}
	}
	return changed;
}

/* ---- owners ---- */

void kube_set_controller(json_t *obj, const json_t *owner)
{
	json_t *refs = json_ensure_array(json_ensure_object(obj, "metadata"), "ownerReferences");
	json_t *mine = NULL;
	size_t i;
	json_t *ref;
	json_array_foreach (refs, i, ref) {
		if (str_eq(json_get_str(ref, "uid"), kube_uid(owner)))
			mine = ref;
		else if (json_get_bool(ref, "controller", false))
			json_put_bool(ref, "controller", false); /* the API allows one controller only */
	}
	if (!mine) {
		mine = json_object();
		json_array_append_new(refs, mine);
	}
	json_put_str(mine, "apiVersion", json_get_str(owner, "apiVersion"));
	json_put_str(mine, "kind", json_get_str(owner, "kind"));
	json_put_str(mine, "name", kube_name(owner));
	json_put_str(mine, "uid", kube_uid(owner));
	json_put_bool(mine, "controller", true);
	json_put_bool(mine, "blockOwnerDeletion", true);
}

const json_t *kube_controller_of(const json_t *obj)
{
	size_t i;
	json_t *ref;
	json_array_foreach (json_object_get(kube_meta(obj), "ownerReferences"), i, ref) {
		if (json_get_bool(ref, "controller", false))
			return ref;
	}
	return NULL;
}

bool kube_is_controlled_by(const json_t *obj, const json_t *owner)
{
	const json_t *ref = kube_controller_of(obj);
	return ref && *kube_uid(owner) && str_eq(json_get_str(ref, "uid"), kube_uid(owner));
}

/* ---- conditions ---- */

static json_t *find_condition(const json_t *status, const char *type)
{
	size_t i;
	json_t *condition;
	json_array_foreach (json_object_get(status, "conditions"), i, condition) {
		if (str_eq(json_get_str(condition, "type"), type))
			return condition;
	}
	return NULL;
}

const json_t *kube_condition(const json_t *obj, const char *type)
{
	return find_condition(kube_status(obj), type);
}

bool kube_condition_is(const json_t *obj, const char *type, const char *status)
{
	const json_t *condition = kube_condition(obj, type);
	return condition && str_eq(json_get_str(condition, "status"), status);
}

/* Length of s, cut to max bytes without splitting a UTF-8 sequence. */
static size_t utf8_cut(const char *s, size_t max)
{
	size_t len = strlen(s);
	if (len <= max)
		return len;
	while (max > 0 && ((unsigned char)s[max] & 0xC0) == 0x80)
		max--;
	return max;
}

/* Sets obj[key] to value; true when it was another one. */
static bool put_changed(json_t *obj, const char *key, json_t *value)
{
	bool changed = !json_same(json_object_get(obj, key), value);
	json_put(obj, key, value);
	return changed;
}

bool kube_set_condition(json_t *status, const char *type, const char *status_value, const char *reason,
                        const char *message, int64_t observed_generation, int64_t now_wall_ns)
{
	json_t *condition = find_condition(status, type);
	if (!condition) {
		condition = json_object();
		json_put_str(condition, "type", type);
		json_array_append_new(json_ensure_array(status, "conditions"), condition);
	}
	if (!message)
		message = "";
	bool changed = put_changed(condition, "status", json_string_lossy(status_value, strlen(status_value)));
	if (changed || !json_get_str(condition, "lastTransitionTime")) {
		char now[RFC3339_SIZE];
		json_put_str(condition, "lastTransitionTime", rfc3339_format(now_wall_ns, now));
	}
	/* metav1.Condition requires a reason. */
	if (str_empty(reason))
		reason = "Unknown";
	changed |= put_changed(condition, "reason", json_string_lossy(reason, strlen(reason)));
	changed |= put_changed(condition, "message", json_string_lossy(message, utf8_cut(message, CONDITION_MESSAGE_MAX)));
	if (observed_generation > 0)
		changed |= put_changed(condition, "observedGeneration", json_integer(observed_generation));
	return changed;
}

/* ---- names ---- */

static bool is_lower_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
	return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

/* [a-z0-9]([-a-z0-9]*[a-z0-9])? */
static bool is_label_part(const char *s, size_t len)
{
	if (len == 0 || !is_lower_alnum(s[0]) || !is_lower_alnum(s[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_lower_alnum(s[i]) && s[i] != '-')
			return false;
	}
	return true;
}

bool kube_is_dns_label(const char *s)
{
	size_t len = strnlen(s, 64);
	return len <= 63 && is_label_part(s, len);
}

static bool is_subdomain(const char *s, size_t len)
{
	if (len > 253)
		return false;
	for (;;) {
		const char *dot = memchr(s, '.', len);
		size_t part = dot ? (size_t)(dot - s) : len;
		if (!is_label_part(s, part))
			return false;
		if (!dot)
			return true;
		s += part + 1;
		len -= part + 1;
	}
}

bool kube_is_dns_subdomain(const char *s)
{
	return is_subdomain(s, strnlen(s, 254));
}

bool kube_is_label_value(const char *s)
{
	size_t len = strnlen(s, 64);
	if (len == 0)
		return true;
	if (len > 63 || !is_alnum(s[0]) || !is_alnum(s[len - 1]))
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_alnum(s[i]) && s[i] != '-' && s[i] != '_' && s[i] != '.')
			return false;
	}
	return true;
}

bool kube_is_qualified_name(const char *s)
{
	const char *slash = strchr(s, '/');
	if (slash) {
		if (!is_subdomain(s, (size_t)(slash - s)))
			return false;
		s = slash + 1;
	}
	return *s && kube_is_label_value(s);
}

/* ---- errors ---- */

json_t *kube_status_from_err(const struct err *err, const char *details_group, const char *details_kind,
                             const char *details_name)
{
	json_t *status = json_object();
	json_put_str(status, "kind", "Status");
	json_put_str(status, "apiVersion", "v1");
	json_put(status, "metadata", json_object());
	json_put_str(status, "status", "Failure");
	json_put(status, "message", json_string_lossy(err_message(err), strlen(err_message(err))));
	if (*err_kind_reason(err->kind))
		json_put_str(status, "reason", err_kind_reason(err->kind));
	json_t *details = json_object();
	if (!str_empty(details_name))
		json_put_str(details, "name", details_name);
	if (!str_empty(details_group))
		json_put_str(details, "group", details_group);
	if (!str_empty(details_kind))
		json_put_str(details, "kind", details_kind);
	for (size_t i = 0; i < err->causes_len; i++) {
		const struct err_cause *cause = &err->causes[i];
		json_t *entry = json_object();
		if (!str_empty(cause->reason))
			json_put_str(entry, "reason", cause->reason);
		if (cause->message)
			json_put(entry, "message", json_string_lossy(cause->message, strlen(cause->message)));
		if (cause->field)
			json_put(entry, "field", json_string_lossy(cause->field, strlen(cause->field)));
		json_array_append_new(json_ensure_array(details, "causes"), entry);
	}
	if (err->kind == ERR_TOO_MANY_REQUESTS || err->kind == ERR_TIMEOUT)
		json_put_int(details, "retryAfterSeconds", 1);
	if (json_object_size(details) > 0)
		json_put(status, "details", json_incref(details));
	json_decref(details);
	json_put_int(status, "code", err_kind_http_code(err->kind));
	return status;
}

/* What a proxy or a broken server said, made fit for one line. */
static void err_from_plain_body(struct err *err, int http_status, const char *body, size_t len)
{
	char excerpt[STATUS_EXCERPT_MAX + 1];
	size_t n = 0;
	for (size_t i = 0; i < len && n < STATUS_EXCERPT_MAX; i++) {
		unsigned char c = (unsigned char)body[i];
		if (c > ' ' && c < 0x7F)
			excerpt[n++] = (char)c;
		else if (n > 0 && excerpt[n - 1] != ' ')
			excerpt[n++] = ' ';
	}
	while (n > 0 && excerpt[n - 1] == ' ')
		n--;
	excerpt[n] = '\0';
	enum err_kind kind = err_kind_from_reason("", http_status);
	if (n == 0)
		err_set(err, kind, "the server answered with HTTP status %d and no explanation", http_status);
	else
		err_set(err, kind, "the server answered with HTTP status %d: %s", http_status, excerpt);
}

int kube_err_from_status(struct err *err, int http_status, const char *body, size_t len)
{
	if (!err)
		return -1;
	_cleanup_json_ json_t *status = len ? json_parse(body, len, 0, NULL) : NULL;
	const char *message = json_get_str(status, "message");
	if (!str_eq(json_get_str(status, "kind"), "Status") || str_eq(json_get_str(status, "status"), "Success")) {
		err_from_plain_body(err, http_status, body, len);
		return -1;
	}
	const char *reason = json_get_str(status, "reason");
	int64_t code = json_get_int(status, "code", http_status);
	enum err_kind kind = err_kind_from_reason(reason ? reason : "",
	                                          code >= 400 && code <= 599 ? (int)code : http_status);
	if (str_empty(message))
		message = reason ? reason : "the server gave no explanation";
	err_set(err, kind, "%s", message);
	size_t i;
	json_t *cause;
	json_array_foreach (json_at(status, "details", "causes", NULL), i, cause) {
		const char *cause_reason = json_get_str(cause, "reason"), *field = json_get_str(cause, "field");
		const char *text = json_get_str(cause, "message");
		err_add_cause(err, cause_reason ? cause_reason : "", field ? field : "", "%s", text ? text : "");
	}
	return -1;
}

json_t *kube_deployment_of(const json_t *obj)
{
	const char *name = kube_label(obj, "scia.io/deployment");
	if (!name)
		return NULL;
	json_t *deployment = kube_object_new(&SCIA_DEPLOYMENT, kube_namespace(obj), name);
	json_put_str(kube_meta(deployment), "uid", kube_label(obj, "scia.io/deployment-uid"));
	return deployment;
}

char *kube_secret_text(const json_t *secret, const char *key)
{
	const char *encoded = json_str_at(secret, "data", key, NULL);
	size_t len;
	char *text = encoded ? base64_decode(encoded, strlen(encoded), &len) : NULL;
	if (text && strlen(text) != len) {
		free(text);
		return NULL;
	}
	return text;
}
