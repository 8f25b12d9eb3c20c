/* What is wrong in metadata, in Kubernetes' words (k8s.io/apimachinery/pkg/api/validation). */
#include "base/str.h"
#include "codec/go_format.h"
#include "invalid.h"
#include "kube/label_fault.h"
#include "kube/object.h"
#include "object_meta.h"

#include <string.h>

#define ANNOTATIONS_MAX ((size_t)256 * 1024)
#define SHOWN_MAX ((size_t)16 * 1024)
#define MESSAGE_MAX (4 * SHOWN_MAX + 8)

#define SUBDOMAIN_WORDS                                                                                              \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start " \
	"and end "                                                                                                       \
	"with an alphanumeric character (e.g. 'example.com', regex used for validation is "                              \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define LABEL_WORDS                                                                                                 \
	"a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end " \
	"with an "                                                                                                      \
	"alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "                          \
	"'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
static bool is_path_segment(const char *s)
{
	return *s && strcmp(s, ".") != 0 && strcmp(s, "..") != 0 && !strpbrk(s, "/%");
}

/* NULL: it may be a name. */
static const char *name_fault(const struct api_type *t, const char *name)
{
	if (t->strategy->name_any)
		return is_path_segment(name) ? NULL : "may not be '.', '..' or contain '/' or '%'";
	if (t->strategy->name_label)
		return strlen(name) > 63 ? "must be no more than 63 characters" : kube_is_dns_label(name) ? NULL : LABEL_WORDS;
	return strlen(name) > 253            ? "must be no more than 253 characters"
	       : kube_is_dns_subdomain(name) ? NULL
	                                     : SUBDOMAIN_WORDS;
}

/* A dash at the end is not the end of the name. */
static const char *base_fault(const struct api_type *t, const char *base)
{
	_cleanup_free_ char *masked = xstrdup(base);
	size_t len = strlen(masked);

	if (len > 1 && masked[len - 1] == '-')
		masked[len - 1] = 'a';
	return name_fault(t, masked);
}

static void validate_name(const struct api_type *t, const json_t *obj, struct err *err)
{
	const char *name = kube_name(obj), *base = json_get_str(kube_meta(obj), "generateName"), *fault;

	if (!str_empty(base) && (fault = base_fault(t, base)))
		invalid_add(err, INVALID_VALUE, "metadata.generateName", "Invalid value: \"%s\": %s", base, fault);
	if (*name && (fault = name_fault(t, name)))
		invalid_add(err, INVALID_VALUE, "metadata.name", "Invalid value: \"%s\": %s", name, fault);
	if (!*name && str_empty(base))
		invalid_add(err, INVALID_REQUIRED, "metadata.name", "Required value: name or generateName is required");
}

/* A cause for each fault of a qualified name or a label's value (strv, stolen); shown: as it was sent. */
static void add_faults(char **faults, const char *field, const char *shown, struct err *err)
{
	_cleanup_buf_ struct buf quoted = BUF_INIT(MESSAGE_MAX);

	if (faults)
		go_quote(shown, strlen(shown), SHOWN_MAX, &quoted);
	for (size_t i = 0; faults && faults[i]; i++)
		invalid_add(err, INVALID_VALUE, field, "Invalid value: %s: %s", buf_str(&quoted), faults[i]);
	strv_free(faults);
}

static void validate_labels(const json_t *labels, struct err *err)
{
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)labels, key, value) {
		add_faults(kube_label_key_faults(key), "metadata.labels", key, err);
		add_faults(kube_label_value_faults(json_string_value(value)), "metadata.labels", json_string_value(value), err);
	}
}

static void validate_annotations(const json_t *annotations, struct err *err)
{
	size_t total = 0;
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)(uintptr_t)annotations, key, value) {
		_cleanup_free_ char *lower = xstrdup(key);
		str_lower(lower);
		add_faults(kube_label_key_faults(lower), "metadata.annotations", key, err);
		total += strlen(key) + json_string_length(value);
	}
	if (total > ANNOTATIONS_MAX)
		invalid_add(err, INVALID_TOO_LONG, "metadata.annotations", "Too long: must have at most %zu bytes",
		            ANNOTATIONS_MAX);
}

/* "v1", "GROUP/v1" */
static bool has_version(const char *api_version)
{
	const char *slash = api_version ? strchr(api_version, '/') : NULL;

	return slash ? slash[1] && !strchr(slash + 1, '/') : !str_empty(api_version);
}

static const char *go_pointer(const json_t *ref, const char *name)
{
	return json_object_get(ref, name) ? "(*bool)(set)" : "(*bool)(nil)";
}

static void validate_owner(const json_t *ref, struct err *err)
{
	static const char *const required[] = { "apiVersion", "kind", "name", "uid" };

	for (size_t k = 0; k < ARRAY_SIZE(required); k++) {
		_cleanup_free_ char *field = xasprintf("metadata.ownerReferences.%s", required[k]);
		const char *value = json_get_str(ref, required[k]);
		if (k == 0 ? has_version(value) : !str_empty(value))
			continue;
		if (k == 0)
			invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": version must not be empty",
			            value ? value : "");
		else
			invalid_add(err, INVALID_VALUE, field, "Invalid value: \"\": %s must not be empty", required[k]);
	}
	if (str_eq(json_get_str(ref, "apiVersion"), "v1") && str_eq(json_get_str(ref, "kind"), "Event"))
		invalid_add(err, INVALID_VALUE, "metadata.ownerReferences",
		            "Invalid value: v1.OwnerReference{APIVersion:\"v1\", Kind:\"Event\", Name:\"%s\", UID:\"%s\", "
		            "Controller:%s, BlockOwnerDeletion:%s}: /v1, Kind=Event is disallowed from being an owner",
		            json_get_str(ref, "name") ? json_get_str(ref, "name") : "",
		            json_get_str(ref, "uid") ? json_get_str(ref, "uid") : "", go_pointer(ref, "controller"),
		            go_pointer(ref, "blockOwnerDeletion"));
}

static void validate_owners(const json_t *refs, struct err *err)
{
	const char *controller = NULL;
	size_t i;
	json_t *ref;

	json_array_foreach (refs, i, ref) {
		validate_owner(ref, err);
		if (!json_get_bool(ref, "controller", false))
			continue;
		if (controller)
			invalid_add(err, INVALID_VALUE, "metadata.ownerReferences",
			            "Invalid value: Only one reference can have Controller set to true. Found \"true\" in "
			            "references for %s and %s",
			            controller, json_get_str(ref, "name") ? json_get_str(ref, "name") : "");
		controller = json_get_str(ref, "name") ? json_get_str(ref, "name") : "";
	}
}

/* Of Kubernetes' own kinds: one that is not qualified by a domain must be one of those everybody knows. */
static void validate_standard(const char *finalizer, size_t i, struct err *err)
{
	static const char *const standard[] = { "kubernetes", "orphan", "foregroundDeletion", NULL };

	if (!finalizer || strchr(finalizer, '/') || str_in(finalizer, standard))
		return;
	_cleanup_free_ char *field = xasprintf("metadata.finalizers[%zu]", i);
	invalid_add(err, INVALID_VALUE, field,
	            "Invalid value: \"%s\": name is neither a standard finalizer name nor is it fully qualified",
	            finalizer);
}

static void validate_finalizers(const struct api_type *t, const json_t *obj, const json_t *old, struct err *err)
{
	const json_t *list = json_object_get(kube_meta(obj), "finalizers");
	/* Only of what is being deleted are they looked up. */
	_cleanup_(map_freep) struct map *before = old && kube_is_deleting(old) ? kube_finalizers(old) : NULL;
	_cleanup_buf_ struct buf added = BUF_INIT(4096);
	bool orphan = json_has_str(list, "orphan"), foreground = json_has_str(list, "foregroundDeletion");
	size_t i;
	json_t *item;

	json_array_foreach (list, i, item) {
		add_faults(kube_label_key_faults(json_string_value(item)), "metadata.finalizers", json_string_value(item), err);
		if (api_type_has_messages(t))
			validate_standard(json_string_value(item), i, err);
		if (before && json_is_string(item) && !map_has(before, json_string_value(item)))
			buf_printf(&added, "%s\"%s\"", added.len ? ", " : "", json_string_value(item));
	}
	if (orphan && foreground)
		invalid_add(err, INVALID_VALUE, "metadata.finalizers",
		            "Invalid value: [\"orphan\",\"foregroundDeletion\"]: finalizer orphan and foregroundDeletion "
		            "cannot be both set");
	if (added.len > 0)
		invalid_add(err, INVALID_FORBIDDEN, "metadata.finalizers",
		            "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers "
		            "[]string{%s}",
		            buf_str(&added));
}

static void validate_immutable(const json_t *obj, const json_t *old, struct err *err)
{
	static const char *const fixed[] = { "uid", "creationTimestamp" };

	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) {
		const char *now = json_get_str(kube_meta(obj), fixed[i]), *before = json_get_str(kube_meta(old), fixed[i]);
		if (str_eq(now, before))
			continue;
		_cleanup_free_ char *field = xasprintf("metadata.%s", fixed[i]);
		invalid_add(err, INVALID_VALUE, field, "Invalid value: \"%s\": field is immutable", now ? now : "");
	}
}

void object_meta_validate(const struct api_type *t, const json_t *obj, const json_t *old, struct err *err)
{
	const json_t *meta = kube_meta(obj);

	if (!old)
		validate_name(t, obj, err);
	validate_labels(json_object_get(meta, "labels"), err);
	validate_annotations(json_object_get(meta, "annotations"), err);
	validate_owners(json_object_get(meta, "ownerReferences"), err);
	validate_finalizers(t, obj, old, err);
	if (old)
		validate_immutable(obj, old, err);
}
