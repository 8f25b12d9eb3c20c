#include "crd.h"

#include "base/clock.h"
#include "base/str.h"
#include "builtin.h"
#include "crd_type.h"
#include "kube/object.h"

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
	json_t *stored = json_ensure_array(json_ensure_object(obj, "status"), "storedVersions");
	const char *storage = storage_version(obj);

	if (storage && !json_has_str(stored, storage))
		json_push_str(stored, storage);
}

/* What the server writes itself has not been brought into form. */
static void crd_create(json_t *obj)
{
	crd_decode(obj, NULL);
	json_put(
		obj, "status",
		json_pack("{s:n,s:{s:s,s:s},s:[]}", "conditions", "acceptedNames", "plural", "", "kind", "", "storedVersions"));
	note_stored_version(obj);
}

static void crd_update(json_t *obj, const json_t *old _unused_)
{
	crd_decode(obj, NULL);
	note_stored_version(obj);
}

static void crd_delete(json_t *obj)
{
	kube_add_finalizer(obj, CRD_CLEANUP);
	crd_set_condition(obj, "Terminating", true, "InstanceDeletionPending",
	                  "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon");
}

/* Of an empty object nothing: it is not a field to select by. */
static void crd_fields(const json_t *obj, struct buf *out)
{
	if (!json_is_object(kube_spec(obj)))
		return;
	_cleanup_json_ json_t *summary = crd_summary(obj);
	_cleanup_free_ char *text = json_to_str(summary);
	buf_append(out, CRD_SUMMARY_FIELD, sizeof(CRD_SUMMARY_FIELD));
	buf_append(out, text, strlen(text) + 1);
}

bool crd_set_condition(json_t *obj, const char *type, bool yes, const char *reason, const char *message)
{
	return kube_set_condition(json_ensure_object(obj, "status"), type, yes ? "True" : "False", reason, message, 0,
	                          clock_wall_ns());
}

bool crd_group_is_protected(const char *group)
{
	return str_eq(group, "k8s.io") || str_eq(group, "kubernetes.io") ||
	       (group && (str_ends_with(group, ".k8s.io") || str_ends_with(group, ".kubernetes.io")));
}

static bool is_url(const char *s)
{
	size_t scheme = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

	return scheme > 0 && strncmp(s + scheme, "://", 3) == 0 && s[scheme + 3] && !strchr("/?#", s[scheme + 3]) &&
	       !strpbrk(s, " \t\r\n");
}

enum crd_approval crd_approval(const json_t *obj, char **ret_words)
{
	const char *text = json_str_at(obj, "metadata", "annotations", CRD_APPROVED, NULL);

	if (str_empty(text)) {
		*ret_words = xstrdup("protected groups must have approval annotation \"" CRD_APPROVED
		                     "\", see https://github.com/kubernetes/enhancements/pull/1111");
		return CRD_APPROVAL_MISSING;
	}
	if (str_starts_with(text, "unapproved")) {
		*ret_words = xasprintf("not approved: \"%s\"", text);
		return CRD_APPROVAL_BYPASSED;
	}
	if (is_url(text)) {
		*ret_words = xasprintf("approved in %s", text);
		return CRD_APPROVAL_GIVEN;
	}
	*ret_words = xstrdup("protected groups must have approval annotation \"" CRD_APPROVED
	                     "\" with either a URL or a reason starting with \"unapproved\", see "
	                     "https://github.com/kubernetes/enhancements/pull/1111");
	return CRD_APPROVAL_INVALID;
}

/* Structs that are no pointers are there before anything is said in them. */
static json_t *crd_zero(void)
{
	return json_pack("{s:{s:{}}}", "spec", "names");
}

const struct api_strategy STRATEGY_CRD = {
	.zero = crd_zero,
	.generation = true,
	.requires_itself = true,
	.fresh =
		"{\"metadata\":{\"creationTimestamp\":null},\"spec\":{\"group\":\"\",\"names\":{\"plural\":\"\",\"kind\":\"\"},"
		"\"scope\":\"\",\"versions\":null},\"status\":{\"conditions\":null,\"acceptedNames\":{\"plural\":\"\",\"kind\":"
		"\"\"},"
		"\"storedVersions\":null}}",
	.decode = crd_decode,
	.decode_fault = crd_decode_fault,
	.prepare_create = crd_create,
	.prepare_update = crd_update,
	.prepare_delete = crd_delete,
	.validate = crd_validate,
	.fields = crd_fields,
};
