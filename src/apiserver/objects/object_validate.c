#include "object_validate.h"

#include "base/str.h"
#include "codec/go_format.h"
#include "invalid.h"
#include "kinds/kinds.h"
#include "kube/object.h"
#include "object_meta.h"

/* ---- scale ---- */

/* ".spec.replicas" in obj; NULL: nothing there. The last step that is there but no object is *ret_wrong. */
static const json_t *value_at(const json_t *obj, const char *path)
{
	_cleanup_strv_ char **steps = str_split(path, ".");
	const json_t *v = obj;

	for (size_t i = 0; steps && steps[i] && v; i++)
		v = json_object_get(v, steps[i]);
	return v;
}

/* A value that is not what it should be, as Go's accessors say it. */
static void wrong_value(const char *path, const char *zero, const char *wanted, const json_t *v, struct err *err)
{
	_cleanup_free_ char *text = go_format_value(v);

	invalid_add(err, INVALID_VALUE, path, "Invalid value: %s: %s accessor error: %s is of the type %s, expected %s",
	            zero, path, text, go_type_name(v), wanted);
}

static void check_replicas(const json_t *obj, const char *path, struct err *err)
{
	const json_t *v = path ? value_at(obj, path) : NULL;

	if (!v)
		return;
	if (!json_is_integer(v)) {
		wrong_value(path, "0", "int64", v, err);
		return;
	}
	long long n = json_integer_value(v);
	if (n < 0)
		invalid_add(err, INVALID_VALUE, path, "Invalid value: %lld: should be a non-negative integer", n);
	else if (n > INT32_MAX)
		invalid_add(err, INVALID_VALUE, path, "Invalid value: %lld: should be less than or equal to %d", n, INT32_MAX);
}

struct checked {
	const struct api_version *version;
	bool status_only;
};

static void check_scale(const void *self, const json_t *obj, struct err *err)
{
	const struct checked *c = self;
	const struct api_scale *scale = c->version->scale;

	if (!scale)
		return;
	if (!c->status_only)
		check_replicas(obj, scale->spec_replicas, err);
	check_replicas(obj, scale->status_replicas, err);
	const json_t *selector = str_empty(scale->selector) ? NULL : value_at(obj, scale->selector);
	if (selector && !json_is_string(selector))
		wrong_value(scale->selector, "\"\"", "string", selector, err);
}

/* ---- embedded resources ---- */

static void check_meta(const json_t *resource, struct err *err)
{
	static const struct api_strategy ANY = { .name_any = true };
	const struct api_type t = { .strategy = &ANY };
	_cleanup_json_ json_t *named = NULL;

	/* One without a name is not wrong. */
	if (!*kube_name(resource)) {
		named = json_deep_copy(resource);
		json_put_str(json_ensure_object(named, "metadata"), "name", "fakename");
	}
	object_meta_validate(&t, named ? named : resource, NULL, err);
}

/* ---- the whole ---- */

/* What is missing or no choice, the strategy tells. */
static void forget_required(struct err *err)
{
	_cleanup_err_ struct err kept = { 0 };

	for (size_t i = 0; i < err->causes_len; i++) {
		const struct err_cause *c = &err->causes[i];
		if (strcmp(c->reason, INVALID_REQUIRED) != 0 && strcmp(c->reason, INVALID_NOT_SUPPORTED) != 0)
			invalid_add(&kept, c->reason, c->field, "%s", c->message);
	}
	err_clear(err);
	err_move(err, &kept);
}

/* Rules of CRDs are not looked at then. */
static bool has_blocking(const struct err *err)
{
	for (size_t i = 0; i < err->causes_len; i++)
		if (strcmp(err->causes[i].reason, INVALID_REQUIRED) == 0 ||
		    strcmp(err->causes[i].reason, INVALID_TOO_LONG) == 0)
			return true;
	return false;
}

int object_validate(const struct api_type *t, const struct api_version *v, const json_t *obj, const json_t *old,
                    const char *subresource, struct err *err)
{
	_cleanup_err_ struct err found = { 0 }, schema = { 0 }, own = { 0 }, part = { 0 };
	const struct checked checked = { .version = v, .status_only = t->custom && strcmp(subresource, "status") == 0 };
	struct schema_change change = { .obj = obj,
		                            .old = old,
		                            .status_only = checked.status_only,
		                            .check_more = t->custom ? check_scale : NULL,
		                            .check_meta = check_meta,
		                            .self = &checked };

	object_meta_validate(t, obj, old, &found);
	change.blocked = has_blocking(&found);
	if (old && err_is_set(&found)) /* Kubernetes looks at the metadata of an update twice, and tells twice */
		object_meta_validate(t, obj, old, &found);
	if (!v->message && schema_validate_change(v->schema, &change, &schema) < 0) {
		if (t->strategy->requires_itself)
			forget_required(&schema);
		invalid_merge(&found, &schema);
	}
	if (t->strategy->validate && t->strategy->validate(obj, old, &own) < 0)
		invalid_merge(&found, &own);
	if (*subresource && t->strategy->validate_subresource &&
	    t->strategy->validate_subresource(obj, old, subresource, &part) < 0)
		invalid_merge(&found, &part);
	if (v->message)
		kinds_check(v->message, obj, &found);
	if (invalid_finish(&found, t->kind, t->group, kube_name(obj)) == 0)
		return 0;
	err_move(err, &found);
	return -1;
}

/* ---- warnings ---- */

static void warn_finalizers(const json_t *obj, const json_t *old, char ***warnings)
{
	static const char *const STANDARD[] = { "orphan", "foregroundDeletion", "kubernetes", NULL };
	_cleanup_strv_ char **added = NULL;
	_cleanup_(map_freep) struct map *before = NULL; /* made when it is needed, which is seldom */
	size_t i;
	json_t *item;

	json_array_foreach (json_object_get(kube_meta(obj), "finalizers"), i, item) {
		const char *name = json_string_value(item);
		if (!name || strchr(name, '/') || str_in(name, STANDARD))
			continue;
		if (!before)
			before = kube_finalizers(old);
		if (!map_has(before, name))
			strv_push(&added, name);
	}
	strv_sort(added);
	for (i = 0; added && added[i]; i++) {
		_cleanup_free_ char *text = xasprintf("metadata.finalizers: \"%s\": prefer a domain-qualified finalizer name "
		                                      "%sto avoid accidental conflicts with other "
		                                      "finalizer writers",
		                                      added[i], strchr(added[i], '.') ? "including a path (/) " : "");
		strv_push(warnings, text);
	}
}

char **object_warnings(const struct api_type *t, const json_t *obj, const json_t *old)
{
	char **warnings = NULL;

	if (t->custom)
		warn_finalizers(obj, old, &warnings);
	if (t->strategy->warn)
		t->strategy->warn(obj, old, &warnings);
	return warnings;
}
