#include "crd.h"

#include "base/clock.h"
#include "base/str.h"
#include "builtin.h"
#include "objects/invalid.h"
#include "kube/object.h"

static void put_default(json_t *obj, const char *key, char *value)
{
	_cleanup_free_ char *v = value;

	if (str_empty(json_get_str(obj, key)))
		json_put_str(obj, key, v);
}

static void fill_names(json_t *obj)
{
	json_t *spec = json_ensure_object(obj, "spec"), *names = json_ensure_object(spec, "names");
	const char *kind = json_get_str(names, "kind");

	if (kind) {
		char *singular = xstrdup(kind);
		str_lower(singular);
		put_default(names, "singular", singular);
		put_default(names, "listKind", xasprintf("%sList", kind));
	}
	if (!json_object_get(spec, "conversion"))
		json_put(spec, "conversion", json_pack("{s:s}", "strategy", "None"));
}

static const char *storage_version(const json_t *obj)
{
	size_t i;
	json_t *version;

	json_array_foreach (json_at(obj, "spec", "versions", NULL), i, version)
		if (json_get_bool(version, "storage", false))
			return json_get_str(version, "name");
	return NULL;
}

/* Every version that objects may be stored in is remembered until somebody says they are migrated. */
static void note_stored_version(json_t *obj)
{
	json_t *stored = json_ensure_array(json_ensure_object(obj, "status"), "storedVersions"), *item;
	const char *storage = storage_version(obj);
	size_t i;

	if (!storage)
		return;
	json_array_foreach (stored, i, item)
		if (str_eq(json_string_value(item), storage))
			return;
	json_push_str(stored, storage);
}

static void crd_create(json_t *obj)
{
	fill_names(obj);
	json_put(obj, "status",
	         json_pack("{s:[],s:{s:s,s:s},s:[]}", "conditions", "acceptedNames", "plural", "", "kind", "",
	                   "storedVersions"));
	note_stored_version(obj);
}

static void crd_update(json_t *obj, const json_t *old _unused_)
{
	fill_names(obj);
	note_stored_version(obj);
}

static void crd_delete(json_t *obj)
{
	kube_add_finalizer(obj, CRD_CLEANUP);
	crd_set_condition(obj, "Terminating", true, "InstanceDeletionPending",
	                  "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon");
}

bool crd_set_condition(json_t *obj, const char *type, bool yes, const char *reason, const char *message)
{
	return kube_set_condition(json_ensure_object(obj, "status"), type, yes ? "True" : "False", reason, message, 0,
	                          clock_wall_ns());
}

/* ---- validation ---- */

static void check_name(const json_t *obj, struct err *err)
{
	const char *plural = json_str_at(obj, "spec", "names", "plural", NULL),
			   *group = json_str_at(obj, "spec", "group", NULL);
	_cleanup_free_ char *wanted = xasprintf("%s.%s", plural ? plural : "", group ? group : "");

	if (strcmp(kube_name(obj), wanted) != 0)
		invalid_add(err, INVALID_VALUE, "metadata.name",
		            "Invalid value: \"%s\": must be spec.names.plural+\".\"+spec.group", kube_name(obj));
	if (str_empty(group) || !kube_is_dns_subdomain(group) || !strchr(group, '.'))
		invalid_add(err, INVALID_VALUE, "spec.group", "Invalid value: \"%s\": should be a domain with at least one dot",
		            group ? group : "");
}

static void check_label(const char *value, const char *field, struct err *err)
{
	if (str_empty(value))
		invalid_add(err, INVALID_REQUIRED, field, "Required value");
	else if (!kube_is_dns_label(value))
		invalid_add(err, INVALID_VALUE, field,
		            "Invalid value: \"%s\": a DNS-1035 label must consist of lower case alphanumeric characters or "
		            "'-', start with an "
		            "alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
		            "regex used for "
		            "validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
		            value);
}

static void check_names(const json_t *obj, struct err *err)
{
	const json_t *names = json_at(obj, "spec", "names", NULL), *list;
	static const char *const labels[] = { "plural", "singular" }, *const lists[] = { "shortNames", "categories" };
	size_t i;
	json_t *item;

	for (size_t k = 0; k < ARRAY_SIZE(labels); k++) {
		_cleanup_free_ char *field = xasprintf("spec.names.%s", labels[k]);
		check_label(json_get_str(names, labels[k]), field, err);
	}
	for (size_t k = 0; k < ARRAY_SIZE(lists); k++) {
		list = json_object_get(names, lists[k]);
		json_array_foreach (list, i, item) {
			_cleanup_free_ char *field = xasprintf("spec.names.%s[%zu]", lists[k], i);
			check_label(json_string_value(item), field, err);
		}
	}
	const char *kind = json_get_str(names, "kind"), *list_kind = json_get_str(names, "listKind");
	if (str_empty(kind))
		invalid_add(err, INVALID_REQUIRED, "spec.names.kind", "Required value");
	else if (str_eq(kind, list_kind))
		invalid_add(err, INVALID_VALUE, "spec.names.listKind",
		            "Invalid value: \"%s\": kind and listKind may not be the same", list_kind);
}

static void check_versions(const json_t *obj, struct err *err)
{
	const json_t *versions = json_at(obj, "spec", "versions", NULL);
	size_t storage = 0, i;
	json_t *v;

	json_array_foreach (versions, i, v) {
		const char *name = json_get_str(v, "name");
		_cleanup_free_ char *field = xasprintf("spec.versions[%zu]", i);
		_cleanup_free_ char *name_field = xasprintf("%s.name", field),
							*schema_field = xasprintf("%s.schema.openAPIV3Schema", field);
		storage += json_get_bool(v, "storage", false);
		check_label(name, name_field, err);
		if (!json_is_object(json_at(v, "schema", "openAPIV3Schema", NULL)))
			invalid_add(err, INVALID_REQUIRED, schema_field, "Required value: schemas are required");
		for (size_t k = 0; name && k < i; k++)
			if (str_eq(name, json_get_str(json_array_get(versions, k), "name")))
				invalid_add(err, INVALID_VALUE, "spec.versions", "Invalid value: must contain unique version names");
	}
	if (storage != 1)
		invalid_add(err, INVALID_VALUE, "spec.versions",
		            "Invalid value: must have exactly one version marked as storage version");
}

/* What was stored must stay readable. */
static void check_stored(const json_t *obj, struct err *err)
{
	size_t i, k;
	json_t *stored, *v;

	json_array_foreach (json_at(obj, "status", "storedVersions", NULL), i, stored) {
		bool there = false;
		json_array_foreach (json_at(obj, "spec", "versions", NULL), k, v)
			there = there || str_eq(json_get_str(v, "name"), json_string_value(stored));
		if (there)
			continue;
		_cleanup_free_ char *field = xasprintf("status.storedVersions[%zu]", i);
		invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": must appear in spec.versions",
		            json_string_value(stored));
	}
}

static int crd_validate(const json_t *obj, const json_t *old, struct err *err)
{
	_cleanup_err_ struct err schema = { 0 };
	const json_t *spec = json_object_get(obj, "spec");
	const char *scope = json_get_str(spec, "scope");

	check_name(obj, err);
	check_names(obj, err);
	check_versions(obj, err);
	check_stored(obj, err);
	if (old && !str_eq(scope, json_str_at(old, "spec", "scope", NULL)))
		invalid_add(err, INVALID_VALUE, "spec.scope", "Invalid value: \"%s\": field is immutable", scope ? scope : "");
	if (err_is_set(err))
		return -1;
	/* The schemas and columns, by making the type. What is unchanged was checked before. */
	if (old && json_same(spec, json_object_get(old, "spec")))
		return 0;
	_cleanup_(api_type_unrefp) struct api_type *t = registry_type_from_spec(spec, false, &schema);
	if (t)
		return 0;
	if (schema.kind == ERR_INVALID && schema.causes_len > 0)
		invalid_merge(err, &schema);
	else
		invalid_add(err, INVALID_VALUE, "spec.versions", "Invalid value: %s", err_message(&schema));
	return -1;
}

const struct api_strategy STRATEGY_CRD = {
	.generation = true,
	.prepare_create = crd_create,
	.prepare_update = crd_update,
	.prepare_delete = crd_delete,
	.validate = crd_validate,
};
