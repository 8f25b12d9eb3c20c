/* Is a CustomResourceDefinition right? Rules, words and places are those of apiextensions.k8s.io/v1. There, what all
 * versions have in common is told of the spec as a whole: "spec.validation" is the schema of every version, for example
 * when there is only one. */
#include "base/str.h"
#include "crd.h"
#include "kube/object.h"
#include "objects/field_checks.h"
#include "objects/invalid.h"
#include "schema/schema.h"

#define VERSIONS_MAX 100
#define LABEL_WORDS                                                                                                    \
	"a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, " \
	"and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is "             \
	"'[a-z]([-a-z0-9]*[a-z0-9])?')"
#define SUBDOMAIN_WORDS                                                                                              \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start " \
	"and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "                      \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"

/* ---- names ---- */

static const char *label_fault(const char *s)
{
	bool form = *s && kube_is_dns_label(s) && !(*s >= '0' && *s <= '9');

	if (strlen(s) > 63)
		return strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(s) && s[strlen(s) - 1] != '-' && *s >= 'a'
		           ? "must be no more than 63 characters"
		           : "must be no more than 63 characters," LABEL_WORDS;
	return form ? NULL : LABEL_WORDS;
}

static void check_label(const json_t *value, const char *field, struct err *err)
{
	const char *text = json_string_value(value), *fault = text ? label_fault(text) : NULL;

	if (fault)
		invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": %s", text, fault);
}

static void check_kind(const json_t *names, const char *key, const char *at, struct err *err)
{
	const char *kind = json_get_str(names, key);
	_cleanup_free_ char *lower = xstrdup(kind ? kind : ""), *field = xasprintf("%s.%s", at, key);

	str_lower(lower);
	const char *fault = *lower ? label_fault(lower) : NULL;
	if (fault)
		invalid_add(err, INVALID_VALUE, field,
		            "Invalid value: \"%s\": may have mixed case, but should otherwise match: %s", kind, fault);
}

static void check_labels(const json_t *names, const char *key, const char *at, struct err *err)
{
	size_t i;
	json_t *item;

	json_array_foreach (json_object_get(names, key), i, item) {
		_cleanup_free_ char *field = xasprintf("%s.%s[%zu]", at, key, i);
		check_label(item, field, err);
	}
}

static void check_names(const json_t *names, const char *at, struct err *err)
{
	static const char *const LABELS[] = { "plural", "singular" };
	const char *kind = json_get_str(names, "kind"), *list_kind = json_get_str(names, "listKind");

	for (size_t i = 0; i < ARRAY_SIZE(LABELS); i++) {
		_cleanup_free_ char *field = xasprintf("%s.%s", at, LABELS[i]);
		if (!str_empty(json_get_str(names, LABELS[i])))
			check_label(json_object_get(names, LABELS[i]), field, err);
	}
	check_kind(names, "kind", at, err);
	check_kind(names, "listKind", at, err);
	check_labels(names, "shortNames", at, err);
	if (!str_empty(kind) && str_eq(kind, list_kind)) {
		_cleanup_free_ char *field = xasprintf("%s.listKind", at);
		invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": kind and listKind may not be the same", kind);
	}
	check_labels(names, "categories", at, err);
}

static void check_filled(const json_t *obj, const char *key, const char *at, struct err *err)
{
	_cleanup_free_ char *field = xasprintf("%s.%s", at, key);

	if (str_empty(json_get_str(obj, key)))
		invalid_add(err, INVALID_REQUIRED, field, "Required value");
}

static void check_scope(const json_t *spec, struct err *err)
{
	const char *scope = json_get_str(spec, "scope");

	check_filled(spec, "scope", "spec", err);
	if (!str_empty(scope) && strcmp(scope, "Cluster") != 0 && strcmp(scope, "Namespaced") != 0)
		invalid_add(err, INVALID_NOT_SUPPORTED, "spec.scope",
		            "Unsupported value: \"%s\": supported values: \"Cluster\", \"Namespaced\"", scope);
}

static void check_group(const json_t *spec, struct err *err)
{
	const char *group = json_get_str(spec, "group");

	check_filled(spec, "group", "spec", err);
	if (str_empty(group))
		return;
	if (strlen(group) > 253)
		invalid_add(err, INVALID_VALUE, "spec.group", "Invalid value: \"%s\": must be no more than 253 characters",
		            group);
	else if (!kube_is_dns_subdomain(group))
		invalid_add(err, INVALID_VALUE, "spec.group", "Invalid value: \"%s\": " SUBDOMAIN_WORDS, group);
	else if (!strchr(group, '.'))
		invalid_add(err, INVALID_VALUE, "spec.group", "Invalid value: \"%s\": should be a domain with at least one dot",
		            group);
}

static void check_own_name(const json_t *obj, struct err *err)
{
	const char *plural = json_str_at(obj, "spec", "names", "plural", NULL),
			   *group = json_str_at(obj, "spec", "group", NULL);
	_cleanup_free_ char *wanted = xasprintf("%s.%s", plural ? plural : "", group ? group : "");

	if (strcmp(kube_name(obj), wanted) != 0)
		invalid_add(err, INVALID_VALUE, "metadata.name",
		            "Invalid value: \"%s\": must be spec.names.plural+\".\"+spec.group", kube_name(obj));
}

/* ---- versions ---- */

/* What all versions have in common under this key is told of at `common`, else of each version by itself. */
struct part {
	const char *key, *common;
};
static const struct part SCHEMA = { "schema", "spec.validation" },
						 SUBRESOURCES = { "subresources", "spec.subresources" },
						 COLUMNS = { "additionalPrinterColumns", "spec.additionalPrinterColumns" },
						 SELECTABLE = { "selectableFields", "spec.selectableFields" };

static bool is_common(const json_t *versions, const struct part *part)
{
	const json_t *first = json_object_get(json_array_get(versions, 0), part->key);
	size_t i;
	json_t *v;

	json_array_foreach (versions, i, v) {
		const json_t *other = json_object_get(v, part->key);
		if (first != other && !(first && other && json_same(first, other)))
			return false;
	}
	return true;
}

/* NULL: the common part was told already. free() */
static char *place_of(const json_t *versions, const struct part *part, size_t i)
{
	if (!is_common(versions, part))
		return xasprintf("spec.versions[%zu].%s", i, part->key);
	return i == 0 ? xstrdup(part->common) : NULL;
}

/* Keywords that a schema may have at its root when the status can be written by itself. */
static bool is_allowed_beside_status(const char *key)
{
	static const char *const ALLOWED[] = { "description",
		                                   "type",
		                                   "format",
		                                   "title",
		                                   "maximum",
		                                   "exclusiveMaximum",
		                                   "minimum",
		                                   "exclusiveMinimum",
		                                   "maxLength",
		                                   "minLength",
		                                   "pattern",
		                                   "maxItems",
		                                   "minItems",
		                                   "uniqueItems",
		                                   "multipleOf",
		                                   "required",
		                                   "items",
		                                   "properties",
		                                   "externalDocs",
		                                   "example",
		                                   "x-kubernetes-preserve-unknown-fields",
		                                   "x-kubernetes-validations",
		                                   NULL };

	return str_in(key, ALLOWED);
}

static void check_status_root(const json_t *schema, const char *at, struct err *err)
{
	const char *key, *type = json_get_str(schema, "type");
	json_t *v;

	if (type && strcmp(type, "object") != 0) {
		_cleanup_free_ char *field = xasprintf("%s.type", at);
		invalid_add(
			err, INVALID_VALUE, field,
			"Invalid value: \"%s\": only \"object\" is allowed as the type at the root of the schema if the status "
			"subresource is enabled",
			type);
		return;
	}
	json_object_foreach ((json_t *)(uintptr_t)schema, key, v) {
		if (is_allowed_beside_status(key))
			continue;
		_cleanup_free_ char *text = json_to_str(schema);
		invalid_add(
			err, INVALID_VALUE, at,
			"Invalid value: %.1000s: only [Description Type Format Title Maximum ExclusiveMaximum Minimum "
			"ExclusiveMinimum "
			"MaxLength MinLength Pattern MaxItems MinItems UniqueItems MultipleOf Required Items Properties "
			"ExternalDocs "
			"Example XPreserveUnknownFields XValidations] fields are allowed at the root of the schema if the status "
			"subresource is enabled",
			text);
		return;
	}
}

static bool has_status(const json_t *versions, size_t i, bool any)
{
	size_t k;
	json_t *v;

	json_array_foreach (versions, k, v)
		if ((any || k == i) && json_is_object(json_at(v, "subresources", "status", NULL)))
			return true;
	return false;
}

static void check_schema(const json_t *versions, size_t i, struct err *err)
{
	const json_t *schema = json_at(json_array_get(versions, i), "schema", "openAPIV3Schema", NULL);
	_cleanup_free_ char *at = place_of(versions, &SCHEMA, i), *path = at ? xasprintf("%s.openAPIV3Schema", at) : NULL;
	_cleanup_err_ struct err found = { 0 };

	if (!at || !json_is_object(schema))
		return;
	if (has_status(versions, i, is_common(versions, &SCHEMA)))
		check_status_root(schema, path, err);
	schema_unref(schema_compile(schema, path, &found));
	invalid_merge(err, &found);
}

/* "must only contain printable UTF-8 characters": what JSON lets through and a header does not. */
static void check_deprecation(const json_t *v, const char *at, struct err *err)
{
	const char *text = json_get_str(v, "deprecationWarning");
	_cleanup_free_ char *field = xasprintf("%s.deprecationWarning", at);

	if (!text)
		return;
	if (!json_get_bool(v, "deprecated", false)) {
		invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": can only be set for deprecated versions", text);
		return;
	}
	if (strlen(text) > 256)
		invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": must be <= 256 characters long", text);
	if (!*text)
		invalid_add(err, INVALID_VALUE, field, "Invalid value: \"\": must not be an empty string");
	for (const char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f) {
			invalid_add(
				err, INVALID_VALUE, field,
				"Invalid value: %s: must only contain printable UTF-8 characters; non-printable character found at "
				"index %zu",
				field, (size_t)(p - text));
			return;
		}
}

static void check_version(const json_t *versions, size_t i, struct err *err)
{
	const json_t *v = json_array_get(versions, i);
	_cleanup_free_ char *at = xasprintf("spec.versions[%zu]", i), *name = xasprintf("%s.name", at);
	_cleanup_free_ char *columns = place_of(versions, &COLUMNS, i),
						*subresources = place_of(versions, &SUBRESOURCES, i);
	_cleanup_free_ char *selectable = place_of(versions, &SELECTABLE, i);

	check_label(json_object_get(v, "name"), name, err);
	check_deprecation(v, at, err);
	check_schema(versions, i, err);
	if (subresources)
		crd_validate_subresources(json_object_get(v, "subresources"), subresources, err);
	if (columns)
		crd_validate_columns(json_object_get(v, "additionalPrinterColumns"), columns, err);
	if (selectable)
		crd_validate_selectable(json_object_get(v, "selectableFields"), json_at(v, "schema", "openAPIV3Schema", NULL),
		                        selectable, err);
}

/* A version as Kubernetes shows it: as its own type, without what all have in common. Other parts are pointers there,
 * which nobody can compare. */
static void write_version(const json_t *versions, const json_t *v, struct buf *out)
{
	static const struct {
		const struct part *part;
		const char *name, *none;
	} PARTS[] = { { &SCHEMA, "Schema", "(*apiextensions.CustomResourceValidation)" },
		          { &SUBRESOURCES, "Subresources", "(*apiextensions.CustomResourceSubresources)" },
		          { &COLUMNS, "AdditionalPrinterColumns", "[]apiextensions.CustomResourceColumnDefinition" } };
	const char *warning = json_get_str(v, "deprecationWarning"), *name = json_get_str(v, "name");

	buf_printf(out,
	           "apiextensions.CustomResourceDefinitionVersion{Name:\"%s\", Served:%s, Storage:%s, Deprecated:%s, "
	           "DeprecationWarning:(*string)(%s)",
	           name ? name : "", json_get_bool(v, "served", false) ? "true" : "false",
	           json_get_bool(v, "storage", false) ? "true" : "false",
	           json_get_bool(v, "deprecated", false) ? "true" : "false", warning ? "0xc0" : "nil");
	for (size_t i = 0; i < ARRAY_SIZE(PARTS); i++) {
		bool there = json_object_get(v, PARTS[i].part->key) && !is_common(versions, PARTS[i].part);
		buf_printf(out, ", %s:%s(%s)", PARTS[i].name, PARTS[i].none, there ? "0xc0" : "nil");
	}
	buf_putc(out, '}');
}

static char *versions_text(const json_t *versions)
{
	struct buf out = BUF_INIT(65536);
	size_t i;
	json_t *v;

	buf_puts(&out, "[]apiextensions.CustomResourceDefinitionVersion{");
	json_array_foreach (versions, i, v) {
		buf_puts(&out, i ? ", " : "");
		write_version(versions, v, &out);
	}
	buf_putc(&out, '}');
	return buf_steal(&out);
}

static void check_version_set(const json_t *versions, struct err *err)
{
	_cleanup_(map_freep) struct map *names = map_new(NULL);
	size_t storage = 0, i;
	bool unique = true;
	json_t *v;

	json_array_foreach (versions, i, v) {
		const char *name = json_get_str(v, "name");
		storage += json_get_bool(v, "storage", false);
		unique = map_add(names, name ? name : "") && unique;
	}
	_cleanup_free_ char *text = unique && storage == 1 ? NULL : versions_text(versions);
	if (!unique)
		invalid_add(err, INVALID_VALUE, "spec.versions", "Invalid value: %s: must contain unique version names", text);
	if (storage != 1)
		invalid_add(err, INVALID_VALUE, "spec.versions",
		            "Invalid value: %s: must have exactly one version marked as storage version", text);
}

static void check_versions(const json_t *versions, struct err *err)
{
	size_t i;
	json_t *v;

	json_array_foreach (versions, i, v)
		if (!json_is_object(json_at(v, "schema", "openAPIV3Schema", NULL))) {
			_cleanup_free_ char *field = xasprintf("spec.versions[%zu].schema.openAPIV3Schema", i);
			invalid_add(err, INVALID_REQUIRED, field, "Required value: schemas are required");
		}
	for (i = 0; i < json_array_size(versions); i++)
		check_version(versions, i, err);
	check_version_set(versions, err);
	/* Kubernetes keeps the first one's name a second time. */
	check_label(json_object_get(json_array_get(versions, 0), "name"), "spec.version", err);
}

static bool has_version(const json_t *versions, const char *name)
{
	size_t i;
	json_t *v;

	json_array_foreach (versions, i, v)
		if (str_eq(json_get_str(v, "name"), name))
			return true;
	return false;
}

/* No version before it has its name. */
static bool is_first(const json_t *versions, size_t i)
{
	const char *name = json_get_str(json_array_get(versions, i), "name");

	while (i-- > 0)
		if (str_eq(json_get_str(json_array_get(versions, i), "name"), name))
			return false;
	return true;
}

/* What was stored must stay readable. */
static void check_stored(const json_t *obj, struct err *err)
{
	const json_t *list = json_at(obj, "status", "storedVersions", NULL),
				 *versions = json_at(obj, "spec", "versions", NULL);
	size_t i;
	json_t *v;

	if (json_array_size(list) == 0) {
		invalid_add(err, INVALID_VALUE, "status.storedVersions",
		            "Invalid value: []string(nil): must have at least one stored version");
		return;
	}
	json_array_foreach (versions, i, v) {
		_cleanup_buf_ struct buf text = BUF_INIT(65536);
		if (!json_get_bool(v, "storage", false) ||
		    (json_has_str(list, json_get_str(v, "name")) && is_first(versions, i)))
			continue;
		write_version(versions, v, &text);
		invalid_add(err, INVALID_VALUE, "status.storedVersions", "Invalid value: %s: must have the storage version %s",
		            buf_str(&text), json_get_str(v, "name"));
	}
	json_array_foreach (list, i, v) {
		_cleanup_free_ char *field = xasprintf("status.storedVersions[%zu]", i);
		if (!has_version(versions, json_string_value(v)))
			invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": must appear in spec.versions",
			            json_string_value(v));
	}
}

/* ---- the whole ---- */

static bool has_default(const json_t *v)
{
	const char *key;
	json_t *item;
	size_t i;

	json_object_foreach ((json_t *)(uintptr_t)v, key, item)
		if ((strcmp(key, "default") == 0 && !json_is_null(item)) || has_default(item))
			return true;
	json_array_foreach (v, i, item)
		if (has_default(item))
			return true;
	return false;
}

static void check_preserve(const json_t *spec, const json_t *old, struct err *err)
{
	if (!json_get_bool(spec, "preserveUnknownFields", false) ||
	    (old && json_get_bool(json_object_get(old, "spec"), "preserveUnknownFields", false)))
		return;
	invalid_add(err, INVALID_VALUE, "spec.preserveUnknownFields",
	            "Invalid value: true: cannot set to true, set x-kubernetes-preserve-unknown-fields to true in "
	            "spec.versions[*].schema instead");
}

static void check_approval(const json_t *obj, const json_t *old, struct err *err)
{
	static const char FIELD[] = "metadata.annotations[" CRD_APPROVED "]";
	_cleanup_free_ char *words = NULL, *old_words = NULL;

	if (!crd_group_is_protected(json_str_at(obj, "spec", "group", NULL)))
		return;
	enum crd_approval now = crd_approval(obj, &words);
	if (old && crd_approval(old, &old_words) == now)
		return;
	if (now == CRD_APPROVAL_MISSING)
		invalid_add(err, INVALID_REQUIRED, FIELD, "Required value: %s", words);
	else if (now == CRD_APPROVAL_INVALID)
		invalid_add(err, INVALID_VALUE, FIELD, "Invalid value: \"%s\": %s",
		            json_str_at(obj, "metadata", "annotations", CRD_APPROVED, NULL), words);
}

static void check_fixed(const json_t *obj, const json_t *old, const char *a, const char *b, struct err *err)
{
	const char *now = json_str_at(obj, "spec", a, b, NULL), *before = json_str_at(old, "spec", a, b, NULL);
	_cleanup_free_ char *field = xasprintf("spec.%s%s%s", a, b ? "." : "", b ? b : "");

	if (!str_eq(now, before))
		invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": field is immutable", now ? now : "");
}

static void check_spec(const json_t *obj, const json_t *old, struct err *err)
{
	static const char *const NAMES[] = { "plural", "singular", "kind", "listKind" };
	const json_t *spec = json_object_get(obj, "spec"), *names = json_object_get(spec, "names");
	bool established = old && kube_condition_is(old, "Established", "True");

	check_group(spec, err);
	check_scope(spec, err);
	if (json_get_bool(spec, "preserveUnknownFields", false) && has_default(json_object_get(spec, "versions")))
		invalid_add(err, INVALID_VALUE, "spec.preserveUnknownFields",
		            "Invalid value: true: must be false in order to use defaults in the schema");
	check_versions(json_object_get(spec, "versions"), err);
	for (size_t i = 0; i < ARRAY_SIZE(NAMES); i++)
		check_filled(names, NAMES[i], "spec.names", err);
	check_names(names, "spec.names", err);
	crd_validate_conversion(spec, established, err);
	if (established) {
		check_fixed(obj, old, "scope", NULL, err);
		check_fixed(obj, old, "names", "kind", err);
	}
	if (old) {
		check_fixed(obj, old, "group", NULL, err);
		check_fixed(obj, old, "names", "plural", err);
	}
}

int crd_validate(const json_t *obj, const json_t *old, struct err *err)
{
	/* Versions are compared with each other. */
	if (!check_at_most(err, json_array_size(json_at(obj, "spec", "versions", NULL)), VERSIONS_MAX, "spec.versions"))
		return -1;
	if (!old)
		check_own_name(obj, err);
	/* What did not change was checked before. */
	bool changed = !old || !json_same(json_object_get(obj, "spec"), json_object_get(old, "spec"));
	if (changed)
		check_spec(obj, old, err);
	check_names(json_at(obj, "status", "acceptedNames", NULL), "status.acceptedNames", err);
	if (changed)
		check_stored(obj, err);
	check_approval(obj, old, err);
	check_preserve(json_object_get(obj, "spec"), old, err);
	return err_is_set(err) ? -1 : 0;
}
