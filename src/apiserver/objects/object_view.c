#include "object_view.h"

#include "admission/quota.h"
#include "base/str.h"
#include "kube/object.h"

#include <stdio.h>

#define PAIRS_MAX ((size_t)1 << 20)

/* Stored texts begin with {"apiVersion":"…" (object_text_for_store()). */
bool object_text_is_version(const struct bytes *text, const char *api_version)
{
	static const char head[] = "{\"apiVersion\":\"";
	size_t len = strlen(api_version);

	return text->len > sizeof(head) + len && memcmp(text->data, head, sizeof(head) - 1) == 0 &&
	       memcmp(text->data + sizeof(head) - 1, api_version, len) == 0 && text->data[sizeof(head) - 1 + len] == '"';
}

static bool is_as_stored(const struct api_type *t, const struct api_version *v, const struct store_object *o)
{
	return !v->from_storage && o->version >= t->defaults_since && object_text_is_version(o->text, v->api_version);
}

struct bytes *object_view_text(const struct api_type *t, const struct api_version *v, const struct store_object *o)
{
	if (is_as_stored(t, v, o))
		return bytes_ref(o->text);
	_cleanup_json_ json_t *obj = object_view_value(t, v, o);
	return json_to_bytes(obj);
}

static json_t *parse_stored(const struct store_object *o)
{
	json_t *obj = json_parse(o->text->data, o->text->len, 0, NULL);

	/* What is stored was written by us and its checksum was verified. */
	return obj ? obj : json_object();
}

void object_from_storage(const struct api_type *t _unused_, const struct api_version *v, json_t *obj)
{
	json_put_str(obj, "apiVersion", v->api_version);
	if (v->from_storage)
		v->from_storage(obj);
}

static const char *stored_api_version(const struct api_type *t)
{
	return t->stored_as ? t->stored_as : t->versions[t->storage].api_version;
}

/* Custom resources whose versions differ in their schemas only. */
static bool is_plain_view(const struct api_type *t, const struct api_version *v)
{
	return t->custom && !t->conversion && v != &t->versions[t->storage];
}

void object_to_storage(const struct api_type *t, const struct api_version *v, json_t *obj)
{
	if (v->to_storage)
		v->to_storage(obj);
	json_put_str(obj, "apiVersion", stored_api_version(t));
}

void object_store_form(const struct api_type *t, const struct api_version *v, json_t *obj)
{
	object_to_storage(t, v, obj);
	if (is_plain_view(t, v)) {
		schema_conform(t->versions[t->storage].schema, obj);
		schema_default(t->versions[t->storage].schema, obj);
	}
}

void object_settle(const struct api_type *t, const struct api_version *v, json_t *obj)
{
	if (!is_plain_view(t, v))
		return;
	object_store_form(t, v, obj);
	schema_conform(v->schema, obj);
	json_put_str(obj, "apiVersion", v->api_version);
}

/* What was stored under an older schema is seen with the present one. */
static void follow_schema(const struct api_type *t, const struct api_version *v, const struct store_object *o,
                          json_t *obj)
{
	if (!v->schema || o->version >= t->defaults_since)
		return;
	schema_default(v->schema, obj);
	schema_prune(v->schema, obj, NULL);
}

json_t *object_view_value(const struct api_type *t, const struct api_version *v, const struct store_object *o)
{
	json_t *obj = parse_stored(o);

	/* As in Kubernetes, defaults are those of the stored version. */
	if (is_plain_view(t, v)) {
		follow_schema(t, &t->versions[t->storage], o, obj);
		schema_conform(v->schema, obj);
	}
	object_from_storage(t, v, obj);
	if (!is_plain_view(t, v))
		follow_schema(t, v, o, obj);
	return obj;
}

json_t *object_stored_value(const struct api_type *t, const struct store_object *o)
{
	const struct api_version *v = &t->versions[t->storage];
	json_t *obj = parse_stored(o);

	/* With a webhook an object keeps the version it was stored in, until it is written in another one. */
	if (!t->conversion || str_eq(json_get_str(obj, "apiVersion"), stored_api_version(t))) {
		json_put_str(obj, "apiVersion", stored_api_version(t));
		if (!v->from_storage)
			follow_schema(t, v, o, obj);
	}
	return obj;
}

json_t *object_partial(const json_t *obj, bool v1beta1)
{
	json_t *partial = json_object();

	json_put_str(partial, "kind", "PartialObjectMetadata");
	json_put_str(partial, "apiVersion", v1beta1 ? "meta.k8s.io/v1beta1" : "meta.k8s.io/v1");
	json_t *meta = kube_meta(obj);
	json_put(partial, "metadata", meta ? json_incref(meta) : json_object());
	return partial;
}

/* ---- as text ---- */

/* Members that are written first. */
static const char *const META_FIRST[] = { "name", "generateName", "namespace", "uid", NULL };

static void add_member(struct buf *out, const char *key, size_t len, const json_t *v)
{
	_cleanup_json_ json_t *name = json_stringn_nocheck(key, len);

	if (out->data[out->len - 1] != '{')
		buf_append(out, ",", 1);
	json_write(name, out);
	buf_append(out, ":", 1);
	json_write(v, out);
}

static void add_named(struct buf *out, const json_t *obj, const char *key)
{
	const json_t *v = json_object_get(obj, key);

	if (v)
		add_member(out, key, strlen(key), v);
}

/* Small members that are looked at most often first, so that the version is found near the start, and never behind a
 * nested object that has one of its own. Returns where the version begins. */
static size_t write_meta(const json_t *meta, const char *version, struct buf *out)
{
	_cleanup_json_ json_t *number = json_string(version);
	const json_t *v;

	buf_putc(out, '{');
	for (size_t i = 0; META_FIRST[i]; i++)
		if (json_is_string(v = json_object_get(meta, META_FIRST[i])))
			add_member(out, META_FIRST[i], strlen(META_FIRST[i]), v);
	add_member(out, "resourceVersion", strlen("resourceVersion"), number);
	size_t offset = out->len - 1 - strlen(version);
	for (void *i = json_object_iter(json_unconst(meta)); i; i = json_object_iter_next(json_unconst(meta), i)) {
		const char *key = json_object_iter_key(i);
		v = json_object_iter_value(i);
		if (strcmp(key, "resourceVersion") != 0 && !(json_is_string(v) && str_in(key, META_FIRST)))
			add_member(out, key, json_object_iter_key_len(i), v);
	}
	buf_putc(out, '}');
	return offset;
}

/* version is of digits, or empty; *ret_offset (may be NULL) is where it stands. Written member by member: a value in
 * this order would be copies of three objects. */
static struct bytes *ordered_text(const json_t *obj, const char *version, size_t *ret_offset)
{
	_cleanup_buf_ struct buf out = BUF_INIT(SIZE_MAX / 2);

	buf_putc(&out, '{');
	add_named(&out, obj, "apiVersion");
	add_named(&out, obj, "kind");
	buf_puts(&out, out.len > 1 ? ",\"metadata\":" : "\"metadata\":");
	size_t offset = write_meta(json_object_get(obj, "metadata"), version, &out);
	for (void *i = json_object_iter(json_unconst(obj)); i; i = json_object_iter_next(json_unconst(obj), i)) {
		const char *key = json_object_iter_key(i);
		if (strcmp(key, "apiVersion") != 0 && strcmp(key, "kind") != 0 && strcmp(key, "metadata") != 0)
			add_member(&out, key, json_object_iter_key_len(i), json_object_iter_value(i));
	}
	buf_putc(&out, '}');
	if (ret_offset)
		*ret_offset = offset;
	return bytes_new(buf_str(&out), out.len);
}

struct bytes *object_text_ordered(const json_t *obj)
{
	return ordered_text(obj, kube_resource_version(obj), NULL);
}

struct bytes *object_text_for_store(const json_t *obj, size_t *ret_version_offset)
{
	return ordered_text(obj, "", ret_version_offset);
}

static void add_pair(struct buf *out, const char *key, const char *value)
{
	buf_append(out, key, strlen(key) + 1);
	buf_append(out, value, strlen(value) + 1);
}

static char *finish_pairs(struct buf *out)
{
	if (out->len == 0) {
		buf_clear(out);
		return NULL;
	}
	buf_putc(out, '\0');
	return buf_steal(out);
}

char *object_labels(const json_t *obj)
{
	struct buf out = BUF_INIT(PAIRS_MAX);
	const char *key;
	json_t *value;

	json_object_foreach (json_object_get(kube_meta(obj), "labels"), key, value)
		if (*key && json_is_string(value))
			add_pair(&out, key, json_string_value(value));
	return finish_pairs(&out);
}

/* ".spec.host" → "spec.host" and its value as text; simple paths only, as selectableFields are. */
static void add_selectable(const json_t *obj, const char *path, struct buf *out)
{
	_cleanup_strv_ char **steps = str_split(path, ".");
	const json_t *v = obj;

	for (size_t i = 0; steps && steps[i] && v; i++)
		v = json_object_get(v, steps[i]);
	if (json_is_string(v)) {
		add_pair(out, path + 1, json_string_value(v));
	} else if (json_is_integer(v) || json_is_boolean(v)) {
		_cleanup_free_ char *text = json_to_str(v);
		add_pair(out, path + 1, text);
	} else {
		add_pair(out, path + 1, "");
	}
}

static void add_owners(const json_t *obj, struct buf *out)
{
	_cleanup_buf_ struct buf uids = BUF_INIT(PAIRS_MAX / 2);
	size_t i;
	json_t *ref;

	json_array_foreach (json_object_get(kube_meta(obj), "ownerReferences"), i, ref)
		if (json_get_str(ref, "uid"))
			buf_printf(&uids, "%s%s", uids.len ? "," : "", json_get_str(ref, "uid"));
	if (uids.len > 0)
		add_pair(out, "@owners", buf_str(&uids));
}

/* Measured here, by whoever writes, and not by the committer, which counts. Of an empty object nothing: it is no field
 * to select by. */
static void add_usage(const struct api_type *t, const json_t *obj, struct buf *out)
{
	struct quota_usage usage;

	if (!quota_is_measured(t->resource) || !json_is_object(kube_spec(obj)))
		return;
	quota_usage_of(t->resource, obj, &usage);
	_cleanup_free_ char *text = quota_usage_text(&usage);
	quota_usage_clear(&usage);
	if (text)
		add_pair(out, QUOTA_USAGE_FIELD, text);
}

char *object_fields(const struct api_type *t, const json_t *obj)
{
	const struct api_version *v = &t->versions[t->storage];
	struct buf out = BUF_INIT(PAIRS_MAX);

	if (t->strategy->fields)
		t->strategy->fields(obj, &out);
	for (size_t i = 0; v->selectable && v->selectable[i]; i++)
		add_selectable(obj, v->selectable[i], &out);
	add_owners(obj, &out);
	add_usage(t, obj, &out);
	if (kube_is_deleting(obj) && kube_has_finalizer(obj, "orphan"))
		add_pair(&out, "@collect", "orphan");
	else if (kube_is_deleting(obj) && kube_has_finalizer(obj, "foregroundDeletion"))
		add_pair(&out, "@collect", "foregroundDeletion");
	return finish_pairs(&out);
}
