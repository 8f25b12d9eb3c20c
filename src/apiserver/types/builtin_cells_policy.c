/* Printer columns of kinds that rule over others: roles, webhooks, quotas, network policies. */
#include "base/str.h"
#include "builtin_types.h"
#include "kube/object.h"

#include <string.h>

#define CELL_MAX ((size_t)64 * 1024)

static json_t *cell_of(struct buf *text, const char *otherwise)
{
	json_t *cell = text->len ? json_string_lossy(buf_str(text), text->len) : json_string(otherwise);

	buf_clear(text);
	return cell;
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

/* ---- RBAC ---- */

static json_t *role_ref(const json_t *obj, int64_t now_ns _unused_)
{
	return json_strf("%s/%s", or_empty(json_str_at(obj, "roleRef", "kind", NULL)),
	                 or_empty(json_str_at(obj, "roleRef", "name", NULL)));
}

static json_t *subjects_of(const json_t *obj, const char *kind)
{
	struct buf out = BUF_INIT(CELL_MAX);
	const json_t *subjects = json_object_get(obj, "subjects");
	size_t i;
	json_t *subject;

	json_array_foreach (subjects, i, subject) {
		if (!str_eq(json_get_str(subject, "kind"), kind))
			continue;
		buf_puts(&out, out.len ? ", " : "");
		if (strcmp(kind, "ServiceAccount") == 0)
			buf_printf(&out, "%s/", or_empty(json_get_str(subject, "namespace")));
		buf_puts(&out, or_empty(json_get_str(subject, "name")));
	}
	return cell_of(&out, "");
}

static json_t *subject_users(const json_t *obj, int64_t now_ns _unused_)
{
	return subjects_of(obj, "User");
}

static json_t *subject_groups(const json_t *obj, int64_t now_ns _unused_)
{
	return subjects_of(obj, "Group");
}

static json_t *subject_accounts(const json_t *obj, int64_t now_ns _unused_)
{
	return subjects_of(obj, "ServiceAccount");
}

/* ---- admission ---- */

static json_t *webhooks_count(const json_t *obj, int64_t now_ns _unused_)
{
	return json_integer((json_int_t)json_array_size(json_object_get(obj, "webhooks")));
}

static json_t *validations_count(const json_t *obj, int64_t now_ns _unused_)
{
	return json_integer((json_int_t)json_array_size(json_at(obj, "spec", "validations", NULL)));
}

static json_t *param_kind(const json_t *obj, int64_t now_ns _unused_)
{
	const json_t *kind = json_at(obj, "spec", "paramKind", NULL);

	if (!json_is_object(kind))
		return json_string("<unset>");
	return json_strf("%s/%s", or_empty(json_get_str(kind, "apiVersion")), or_empty(json_get_str(kind, "kind")));
}

static json_t *param_ref(const json_t *obj, int64_t now_ns _unused_)
{
	const json_t *ref = json_at(obj, "spec", "paramRef", NULL);
	const char *ns = json_get_str(ref, "namespace"), *name = json_get_str(ref, "name");

	if (!json_is_object(ref))
		return json_string("<unset>");
	return !str_empty(ns) ? json_strf("%s/%s", ns, or_empty(name)) : json_string(or_empty(name));
}

/* ---- quotas ---- */

/* "cpu: 1/2, pods: 0/10" of the resources that are limits, or of the others. */
static json_t *quota_of(const json_t *obj, bool limits)
{
	json_t *hard = json_at(obj, "status", "hard", NULL), *v;
	struct buf out = BUF_INIT(CELL_MAX);
	_cleanup_strv_ char **names = NULL;
	const char *key;

	json_object_foreach (hard, key, v)
		if (str_starts_with(key, "limits") == limits)
			strv_push(&names, key);
	strv_sort(names);
	for (size_t i = 0; names && names[i]; i++) {
		const char *used = json_str_at(obj, "status", "used", names[i], NULL);
		buf_printf(&out, "%s%s: %s/%s", i ? ", " : "", names[i], used ? used : "0",
		           or_empty(json_get_str(hard, names[i])));
	}
	return cell_of(&out, "");
}

static json_t *quota_requests(const json_t *obj, int64_t now_ns _unused_)
{
	return quota_of(obj, false);
}

static json_t *quota_limits(const json_t *obj, int64_t now_ns _unused_)
{
	return quota_of(obj, true);
}

builtin_cell_fn builtin_cell_of_policy(const char *name)
{
	static const struct {
		const char *name;
		builtin_cell_fn cell;
	} CELLS[] = {
		{ "role-ref", role_ref },
		{ "subject-users", subject_users },
		{ "subject-groups", subject_groups },
		{ "subject-accounts", subject_accounts },
		{ "webhooks-count", webhooks_count },
		{ "validations-count", validations_count },
		{ "param-kind", param_kind },
		{ "param-ref", param_ref },
		{ "quota-requests", quota_requests },
		{ "quota-limits", quota_limits },
	};

	for (size_t i = 0; i < ARRAY_SIZE(CELLS); i++)
		if (strcmp(CELLS[i].name, name) == 0)
			return CELLS[i].cell;
	return NULL;
}
