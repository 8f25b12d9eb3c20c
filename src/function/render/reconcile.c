/* What Crossplane prints from 2.3 on is what one reconcile of the composite leaves behind, in a cluster that has
 * nothing but the files that were given. */

#include "render/render_internal.h"

#include "base/str.h"
#include "call.h"
#include "codec/sha256.h"

#include <gnutls/crypto.h>
#include <stdlib.h>

#define NAME_MAX_LEN 63
#define NAME_HASH_LEN 12
#define CONTROLLER_MISMATCH "observed resource %s has a controller ref but is not controlled by the XR"
#define NAMESPACE_MISMATCH "observed resource %s is not in the same namespace as the XR"

/* ---- the composite, before ---- */

/* RFC 9562's version 5, of its kind, namespace and name below the nil uuid. */
static void make_uid(json_t *xr)
{
	const char *version = json_get_str(xr, "apiVersion"), *kind = json_get_str(xr, "kind"), *slash;
	_cleanup_buf_ struct buf text = BUF_INIT((size_t)1024 * 1024);
	static const char nil[16] = { 0 };
	unsigned char hash[20];
	char uid[37];

	slash = strchr(version, '/');
	buf_append(&text, nil, sizeof(nil));
	buf_printf(&text, "%s%s, Kind=%s", slash ? "" : "/", version, kind);
	buf_append(&text, "", 1);
	buf_puts(&text, object_namespace(xr));
	buf_append(&text, "", 1);
	buf_puts(&text, object_name(xr));
	gnutls_hash_fast(GNUTLS_DIG_SHA1, buf_str(&text), text.len, hash);
	hash[6] = (unsigned char)((hash[6] & 0x0f) | 0x50);
	hash[8] = (unsigned char)((hash[8] & 0x3f) | 0x80);
	for (size_t i = 0, at = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			uid[at++] = '-';
		at += (size_t)snprintf(uid + at, sizeof(uid) - at, "%02x", hash[i]);
	}
	json_put_str(json_object_get(xr, "metadata"), "uid", uid);
}

/* Where a composite refers to its composition and resources; made. */
static json_t *references(const struct render *r, json_t *xr)
{
	json_t *spec = json_ensure_object(xr, "spec");

	return r->is_legacy ? spec : json_ensure_object(spec, "crossplane");
}

/* namespace: NULL: none, as those of a namespaced composite are all in its own. */
static json_t *reference(const json_t *object, bool with_namespace)
{
	static const char *const fields[] = { "name", "namespace", "uid" };
	json_t *ref = json_object();

	json_put_str(ref, "apiVersion", json_get_str(object, "apiVersion"));
	json_put_str(ref, "kind", json_get_str(object, "kind"));
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *value = json_str_at(object, "metadata", fields[i], NULL);

		if (!str_empty(value) && (i != 1 || with_namespace))
			json_put_str(ref, fields[i], value);
	}
	return ref;
}

static bool is_of_another(const json_t *object, const char *uid)
{
	json_t *owner;
	size_t i;

	json_array_foreach (json_at(object, "metadata", "ownerReferences", NULL), i, owner)
		if (json_is_true(json_object_get(owner, "controller")))
			return !str_eq(json_get_str(owner, "uid"), uid);
	return false;
}

static int check_observed(const struct render *r, struct err *err)
{
	const char *uid = json_str_at(r->xr, "metadata", "uid", NULL), *ns = object_namespace(r->xr);
	json_t *object;
	size_t i;

	json_array_foreach (r->in->observed, i, object) {
		if (is_of_another(object, uid))
			return err_set(err, ERR_INVALID, "invalid observed resources: " CONTROLLER_MISMATCH, object_name(object));
		if (ns[0] != '\0' && !str_eq(object_namespace(object), ns))
			return err_set(err, ERR_INVALID, "invalid observed resources: " NAMESPACE_MISMATCH, object_name(object));
		if (!object_annotation(object, RENDER_RESOURCE_NAME))
			return err_set(err, ERR_INVALID,
			               "reconcile failed: cannot compose resources: cannot get existing composed resources: "
			               "encountered composed resource without required \"" RENDER_RESOURCE_NAME "\" annotation");
	}
	return 0;
}

static void refer_to_observed(const struct render *r)
{
	bool with_namespace = object_namespace(r->xr)[0] == '\0';
	json_t *refs = json_array(), *object;
	size_t i;

	json_array_foreach (r->in->observed, i, object) {
		json_t *ref = reference(object, with_namespace);

		json_object_del(ref, "uid");
		json_array_append_new(refs, ref);
	}
	if (json_array_size(refs) > 0)
		json_put(references(r, r->xr), "resourceRefs", refs);
	else
		json_decref(refs);
}

static void select_composition(struct render *r)
{
	const char *name = object_name(r->in->composition);
	json_t *refs = references(r, r->xr);
	const json_t *old = json_object_get(refs, "compositionRef");
	_cleanup_free_ char *message = xasprintf("Successfully selected composition: %s", name);

	if (!old || !str_eq(json_get_str(old, "name"), name))
		render_add_result(r, "", FUNCTION_NORMAL, "SelectComposition", message);
	json_put(refs, "compositionRef", json_pack("{ss}", "name", name));
}

static void add_responsive(const struct render *r)
{
	_cleanup_json_ json_t *condition = render_condition("Responsive", "True", "WatchCircuitClosed", NULL);
	int64_t generation = json_int(json_at(r->xr, "metadata", "generation", NULL), 0);

	if (generation != 0)
		json_put_int(condition, "observedGeneration", generation);
	render_set_condition(r->xr, condition);
}

/* That of a definition of Crossplane 1. A definition of 2 may still say LegacyCluster. */
static bool is_legacy(const json_t *xrd)
{
	const char *scope = json_str_at(xrd, "spec", "scope", NULL);

	if (!xrd)
		return false;
	return scope ? str_eq(scope, "LegacyCluster")
	             : str_eq(json_get_str(xrd, "apiVersion"), "apiextensions.crossplane.io/v1");
}

int render_reconcile_begin(struct render *r, struct err *err)
{
	json_t *xr = json_clone(r->in->xr), *metadata, *labels;

	json_decref(r->xr);
	r->xr = xr;
	r->is_legacy = is_legacy(r->in->xrd);
	metadata = json_ensure_object(xr, "metadata");
	if (str_empty(json_get_str(metadata, "uid")))
		make_uid(xr);
	json_put_str(metadata, "resourceVersion", "999");
	if (check_observed(r, err) < 0)
		return -1;
	refer_to_observed(r);
	add_responsive(r);
	select_composition(r);
	labels = json_ensure_object(metadata, "labels");
	if (str_empty(json_get_str(labels, RENDER_COMPOSITE_LABEL)))
		json_put_str(labels, RENDER_COMPOSITE_LABEL, object_name(xr));
	return 0;
}

/* ---- the composed resources ---- */

void render_generate_name(const struct render *r, json_t *object, const char *name)
{
	const char *uid = json_str_at(r->xr, "metadata", "uid", NULL);
	const char *parent = json_str_at(object, "metadata", "generateName", NULL);
	_cleanup_free_ char *seed = xasprintf("%s%s", uid ? uid : "", name);
	char hash[65];

	if (object_name(object)[0] != '\0' || str_empty(parent))
		return;
	sha256_hex(seed, strlen(seed), hash);
	size_t len = strlen(parent), max = NAME_MAX_LEN - NAME_HASH_LEN;
	bool has_hyphen = parent[len - 1] == '-';
	if (len + !has_hyphen > max) {
		has_hyphen = parent[max - 1] == '-';
		len = has_hyphen ? max : max - 1;
	}
	json_put(json_object_get(object, "metadata"), "name",
	         json_strf("%.*s%s%.*s", (int)len, parent, has_hyphen ? "" : "-", NAME_HASH_LEN, hash));
}

/* ---- the composite, after ---- */

static char *sort_key(const json_t *ref)
{
	static const char *const fields[] = { "apiVersion", "kind", "name", "namespace" };
	_cleanup_buf_ struct buf key = BUF_INIT((size_t)1024 * 1024);

	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *value = json_get_str(ref, fields[i]);

		buf_puts(&key, value ? value : "");
	}
	return buf_steal(&key);
}

static int by_key(const void *a, const void *b)
{
	_cleanup_free_ char *x = sort_key(*(const json_t *const *)a), *y = sort_key(*(const json_t *const *)b);

	return strcmp(x, y);
}

static json_t *sorted_references(const struct render *r, const json_t *resources)
{
	size_t len = json_array_size(resources), i;
	_cleanup_free_ json_t **refs = xcalloc(len + 1, sizeof(json_t *));
	bool with_namespace = object_namespace(r->xr)[0] == '\0';
	json_t *object, *out = json_array();

	json_array_foreach (resources, i, object)
		refs[i] = reference(object, with_namespace);
	qsort(refs, len, sizeof(*refs), by_key);
	for (i = 0; i < len; i++)
		json_array_append_new(out, refs[i]);
	return out;
}

json_t *render_reconcile_composite(struct render *r, const json_t *resources, json_t *ready)
{
	static const char *const reserved[] = { "Ready", "Synced", "Healthy", "UpToDate", "Responsive", NULL };
	const json_t *status = json_at(r->desired, "composite", "resource", "status", NULL);
	_cleanup_json_ json_t *synced = render_condition("Synced", "True", "ReconcileSuccess", NULL);
	json_t *out = json_object(), *metadata = json_object(), *condition;
	size_t i;

	json_object_set(out, "apiVersion", json_object_get(r->xr, "apiVersion"));
	json_object_set(out, "kind", json_object_get(r->xr, "kind"));
	json_object_set_new(out, "metadata", metadata);
	json_put_str(metadata, "name", object_name(r->xr));
	if (object_namespace(r->xr)[0] != '\0')
		json_put_str(metadata, "namespace", object_namespace(r->xr));
	json_object_set_new(references(r, out), "resourceRefs", sorted_references(r, resources));
	if (json_is_object(status))
		json_object_set_new(out, "status", json_clone(status));
	json_array_foreach (json_at(r->xr, "status", "conditions", NULL), i, condition)
		render_set_condition(out, condition);
	json_array_foreach (r->conditions, i, condition)
		if (!str_in(json_get_str(condition, "type"), reserved))
			render_set_condition(out, condition);
	render_set_condition(out, synced);
	render_set_condition(out, ready);
	return out;
}
