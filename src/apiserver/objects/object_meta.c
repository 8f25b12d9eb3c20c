#include "object_meta.h"

#include "base/clock.h"
#include "base/map.h"
#include "invalid.h"
#include "base/str.h"
#include "codec/go_format.h"
#include "codec/go_json.h"
#include "codec/go_time.h"
#include "kube/object.h"
#include "net/tls.h"

#include <stdio.h>

#define SUFFIX_LEN 5
#define GENERATED_BASE_MAX (63 - SUFFIX_LEN)

enum meta_type { META_STRING, META_INT, META_STRINGS, META_STRING_MAP, META_OBJECTS };

static const struct {
	const char *name;
	enum meta_type type;
	const char *go_type; /* of a value, or of an item */
} META_FIELDS[] = {
	{ "name", META_STRING, "string" },
	{ "generateName", META_STRING, "string" },
	{ "namespace", META_STRING, "string" },
	{ "selfLink", META_STRING, "string" },
	{ "uid", META_STRING, "types.UID" },
	{ "resourceVersion", META_STRING, "string" },
	{ "generation", META_INT, "int64" },
	{ "creationTimestamp", META_STRING, "string" },
	{ "deletionTimestamp", META_STRING, "string" },
	{ "deletionGracePeriodSeconds", META_INT, "int64" },
	{ "labels", META_STRING_MAP, "string" },
	{ "annotations", META_STRING_MAP, "string" },
	{ "ownerReferences", META_OBJECTS, "v1.OwnerReference" },
	{ "finalizers", META_STRINGS, "string" },
	{ "managedFields", META_OBJECTS, "v1.ManagedFieldsEntry" },
};

/* The first value of the wrong type, or NULL; then *ret_item tells whether it is one within v. */
static const json_t *wrong_member(const json_t *v, enum meta_type type, bool *ret_item)
{
	const char *key;
	json_t *item;
	size_t i;

	*ret_item = false;
	switch (type) {
	case META_STRING:
		return json_is_string(v) ? NULL : v;
	case META_INT:
		return json_is_integer(v) ? NULL : v;
	case META_STRING_MAP:
		if (!json_is_object(v))
			return v;
		*ret_item = true;
		json_object_foreach ((json_t *)(uintptr_t)v, key, item)
			if (!json_is_string(item))
				return item;
		return NULL;
	default:
		if (!json_is_array(v))
			return v;
		*ret_item = true;
		json_array_foreach (v, i, item)
			if (type == META_STRINGS ? !json_is_string(item) : !json_is_object(item))
				return item;
		return NULL;
	}
}

static int meta_field(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(META_FIELDS); i++)
		if (strcmp(META_FIELDS[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* A value that Go's decoder would stop at; the document around a custom resource's metadata is decoded by itself. */
static int wrong_type(const char *prefix, int field, const json_t *wrong, bool item, struct err *err)
{
	enum meta_type type = META_FIELDS[field].type;
	const char *around = item || type == META_STRING || type == META_INT ? ""
	                     : type == META_STRING_MAP                       ? "map[string]"
	                                                                     : "[]";

	return err_set(err, ERR_BAD_REQUEST, "json: cannot unmarshal %s into Go struct field ObjectMeta.%s%s of type %s%s",
	               go_json_type(wrong), prefix, META_FIELDS[field].name, around, META_FIELDS[field].go_type);
}

char *object_meta_fault(const json_t *meta)
{
	_cleanup_err_ struct err err = { 0 };
	const char *key;
	json_t *value;
	bool item;

	if (!json_is_object(meta))
		return xasprintf("json: cannot unmarshal %s into Go value of type v1.ObjectMeta", go_json_type(meta));
	json_object_foreach (json_unconst(meta), key, value) {
		int field = meta_field(key);
		const json_t *wrong = field < 0 || json_is_null(value) ? NULL
		                                                       : wrong_member(value, META_FIELDS[field].type, &item);
		if (wrong && !json_is_null(wrong)) {
			wrong_type("", field, wrong, item, &err);
			return xstrdup(err_message(&err));
		}
	}
	return NULL;
}

/* Null values of a map of strings are empty strings in Go. */
static void fill_null_strings(json_t *map)
{
	const char *key;
	json_t *value;
	void *next;

	json_object_foreach_safe (map, next, key, value)
		if (json_is_null(value))
			json_object_set_new(map, key, json_string(""));
}

/* Go leaves out what is empty. */
static bool is_empty(const json_t *v, enum meta_type type)
{
	switch (type) {
	case META_STRING:
		return json_is_null(v) || (json_is_string(v) && json_string_length(v) == 0);
	case META_INT:
		return json_is_null(v);
	case META_STRING_MAP:
		return json_is_null(v) || (json_is_object(v) && json_object_size(v) == 0);
	default:
		return json_is_null(v) || (json_is_array(v) && json_array_size(v) == 0);
	}
}

/* Any offset and fraction is accepted; what is kept is whole seconds of UTC, as metav1.Time does. */
static int decode_time(json_t *obj, const char *key, struct err *err)
{
	const char *text = json_get_str(obj, key);
	_cleanup_free_ char *fault = go_time_fault(text, false);
	char normal[RFC3339_SIZE];
	int64_t time;

	if (fault || !rfc3339_parse(text, &time))
		return err_set(err, ERR_BAD_REQUEST, "%s", fault ? fault : "the time is out of range");
	json_put_str(obj, key, rfc3339_format(time, normal));
	return 0;
}

static int decode_meta(const struct api_type *t, json_t *meta, json_t *dropped, struct err *err)
{
	const char *key;
	json_t *value;
	void *next;
	bool item;
	size_t i;

	json_object_foreach_safe (meta, next, key, value) {
		int field = meta_field(key);
		if (field < 0) {
			if (dropped)
				json_array_append_new(dropped, json_strf("metadata.%s", key));
			json_object_del(meta, key);
			continue;
		}
		enum meta_type type = META_FIELDS[field].type;
		if (is_empty(value, type)) {
			/* An empty managedFields is a wish: forget all managers. */
			if (strcmp(key, "managedFields") != 0 || json_is_null(value))
				json_object_del(meta, key);
			continue;
		}
		if (type == META_STRING_MAP && json_is_object(value))
			fill_null_strings(value);
		const json_t *wrong = wrong_member(value, type, &item);
		if (wrong)
			return wrong_type(t->custom ? "" : "metadata.", field, wrong, item, err);
		if (str_ends_with(key, "Timestamp") && decode_time(meta, key, err) < 0)
			return -1;
	}
	json_array_foreach (json_object_get(meta, "managedFields"), i, value)
		if (json_get_str(value, "time") && decode_time(value, "time", err) < 0)
			return -1;
	return 0;
}

/* In Go's typed objects null is the same as absent, but within lists and maps: kinds_normalize() knows which is which.
 * Where a schema is the content, null may be a value. */
static void drop_nulls(json_t *v)
{
	const char *key;
	json_t *member;
	void *next;
	size_t i;

	json_object_foreach_safe (v, next, key, member) {
		if (json_is_null(member))
			json_object_del(v, key);
		else if (strcmp(key, "openAPIV3Schema") != 0 && strcmp(key, "managedFields") != 0)
			drop_nulls(member);
	}
	json_array_foreach (v, i, member)
		drop_nulls(member);
}

/* Of a custom resource this is a matter of its content. */
static int wrong_kind(const struct api_type *t, const char *kind, const json_t *obj, struct err *err)
{
	_cleanup_err_ struct err found = { 0 };

	invalid_add(&found, INVALID_VALUE, "kind", "Invalid value: \"%s\": must be %s", kind, t->kind);
	invalid_finish(&found, kind, t->group, kube_name(obj));
	err_move(err, &found);
	return -1;
}

int object_meta_identify(const struct api_type *t, const struct api_version *v, json_t *obj, struct err *err)
{
	const char *api_version = json_get_str(obj, "apiVersion"), *kind = json_get_str(obj, "kind");

	if (!json_is_object(obj))
		return err_set(err, ERR_BAD_REQUEST, "the body of the request must be one object of kind %s", t->kind);
	if (str_empty(api_version) && !(t->custom && !str_empty(kind)))
		json_put_str(obj, "apiVersion", v->api_version);
	else if (!str_eq(api_version, v->api_version))
		return err_set(err, ERR_BAD_REQUEST,
		               "the API version in the data (%s) does not match the expected API version (%s)",
		               api_version ? api_version : "", v->api_version);
	if (str_empty(kind))
		json_put_str(obj, "kind", t->kind);
	else if (!str_eq(kind, t->kind) && t->custom)
		return wrong_kind(t, kind, obj, err);
	else if (!str_eq(kind, t->kind))
		return err_set(err, ERR_BAD_REQUEST, "the kind in the data (%s) does not match the expected kind (%s)", kind,
		               t->kind);
	return 0;
}

int object_meta_read(const struct api_type *t, json_t *obj, json_t *dropped, struct err *err)
{
	json_t *meta = json_object_get(obj, "metadata");

	if (json_is_null(meta))
		json_object_del(obj, "metadata");
	else if (meta && !json_is_object(meta) && t->custom)
		return err_set(err, ERR_BAD_REQUEST, "json: cannot unmarshal %s into Go value of type v1.ObjectMeta",
		               go_json_type(meta));
	else if (meta && !json_is_object(meta))
		return err_set(err, ERR_BAD_REQUEST,
		               "json: cannot unmarshal %s into Go struct field %s.metadata of type v1.ObjectMeta",
		               go_json_type(meta), t->kind);
	if (!t->custom)
		drop_nulls(api_type_has_messages(t) ? json_at(obj, "metadata", "ownerReferences", NULL) : obj);
	return decode_meta(t, json_ensure_object(obj, "metadata"), dropped, err);
}

int object_meta_cannot_handle(const struct api_type *t, const struct api_version *v, struct err *err)
{
	return err_wrap(err, "%s in version \"%s\" cannot be handled as a %s", t->kind, v->name, t->kind);
}

int object_meta_decode(const struct api_type *t, const struct api_version *v, json_t *obj, json_t *dropped,
                       struct err *err)
{
	if (object_meta_identify(t, v, obj, err) < 0)
		return -1;
	return object_meta_read(t, obj, dropped, err) < 0 ? object_meta_cannot_handle(t, v, err) : 0;
}

int object_meta_check_has_name(const json_t *obj, const char *name, struct err *err)
{
	if (*kube_name(obj))
		return 0;
	return err_set(err, ERR_BAD_REQUEST,
	               "the name of the object (%s based on URL) was undeterminable: name must be provided", name);
}

int object_meta_check_name(const json_t *obj, const char *name, struct err *err)
{
	const char *own = kube_name(obj);

	if (object_meta_check_has_name(obj, name, err) < 0)
		return -1;
	if (strcmp(own, name) != 0)
		return err_set(err, ERR_BAD_REQUEST, "the name of the object (%s) does not match the name on the URL (%s)", own,
		               name);
	return 0;
}

int object_meta_version(const json_t *obj, uint64_t *ret, struct err *err)
{
	const char *text = kube_resource_version(obj);
	int64_t version = 0;

	if (*text && !str_to_i64(text, 0, INT64_MAX, &version)) {
		_cleanup_buf_ struct buf quoted = BUF_INIT(4096);
		bool digits = strspn(text, "0123456789") == strlen(text);
		go_quote(text, strlen(text), 1024, &quoted);
		return err_set(err, ERR_UNKNOWN, "strconv.ParseUint: parsing %s: %s", buf_str(&quoted),
		               digits ? "value out of range" : "invalid syntax");
	}
	*ret = (uint64_t)version;
	return 0;
}

char **object_meta_dedup_owners(json_t *obj)
{
	json_t *refs = json_object_get(kube_meta(obj), "ownerReferences");
	_cleanup_(map_freep) struct map *seen = NULL;
	_cleanup_json_ json_t *once = NULL;
	char **twice = NULL;
	size_t i;
	json_t *ref;

	if (json_array_size(refs) < 2)
		return NULL;
	seen = map_new(NULL);
	once = json_array();
	json_array_foreach (refs, i, ref) {
		char hash[65];
		json_hash(ref, hash);
		if (map_get(seen, hash)) {
			strv_push(&twice, json_get_str(ref, "uid") ? json_get_str(ref, "uid") : "");
			continue;
		}
		map_set(seen, hash, ref);
		json_array_append(once, ref);
	}
	if (twice)
		json_object_set(kube_meta(obj), "ownerReferences", once);
	return twice;
}

int object_meta_check_namespace(const struct api_type *t, const json_t *obj, const char *ns, struct err *err)
{
	const char *own = kube_namespace(obj);

	if (!t->namespaced || !*own || strcmp(own, ns) == 0)
		return 0;
	return err_set(err, ERR_BAD_REQUEST,
	               "the namespace of the provided object does not match the namespace sent on the request");
}

int object_meta_address(const struct api_type *t, json_t *obj, const char *ns, const char *name, struct err *err)
{
	json_t *meta = json_ensure_object(obj, "metadata");

	if (object_meta_check_namespace(t, obj, ns, err) < 0)
		return -1;
	if (!t->namespaced)
		json_object_del(meta, "namespace");
	else
		json_put_str(meta, "namespace", ns);
	if (!*name)
		return 0;
	if (!*kube_name(obj))
		json_put_str(meta, "name", name);
	return object_meta_check_name(obj, name, err);
}

/* Letters and digits that form no words. */
static void random_suffix(char ret[SUFFIX_LEN + 1])
{
	static const char alphabet[] = "bcdfghjklmnpqrstvwxz2456789";
	unsigned char random[SUFFIX_LEN];

	tls_random(random, sizeof(random));
	for (size_t i = 0; i < SUFFIX_LEN; i++)
		ret[i] = alphabet[random[i] % (sizeof(alphabet) - 1)];
	ret[SUFFIX_LEN] = '\0';
}

/* Each request has one, as its audit id: written by hand, since printf() was a third of what a GET took. */
json_t *object_meta_uid(void)
{
	static const char hex[] = "0123456789abcdef";
	unsigned char r[16];
	char text[36], *at = text;

	tls_random(r, sizeof(r));
	r[6] = (unsigned char)((r[6] & 0x0f) | 0x40);
	r[8] = (unsigned char)((r[8] & 0x3f) | 0x80);
	for (size_t i = 0; i < sizeof(r); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		*at++ = hex[r[i] >> 4];
		*at++ = hex[r[i] & 15];
	}
	return json_stringn_nocheck(text, sizeof(text));
}

void object_meta_create(const struct api_type *t, json_t *obj, int64_t now_ns)
{
	static const char *const servers[] = { "selfLink", "resourceVersion", "deletionTimestamp",
		                                   "deletionGracePeriodSeconds", "generation" };
	json_t *meta = json_ensure_object(obj, "metadata");
	const char *base = json_get_str(meta, "generateName");
	char suffix[SUFFIX_LEN + 1], now[RFC3339_SIZE];

	for (size_t i = 0; i < ARRAY_SIZE(servers); i++)
		json_object_del(meta, servers[i]);
	if (!*kube_name(obj) && !str_empty(base)) {
		random_suffix(suffix);
		json_put(meta, "name", json_strf("%.*s%s", GENERATED_BASE_MAX, base, suffix));
	}
	json_put(meta, "uid", object_meta_uid());
	json_put_str(meta, "creationTimestamp", rfc3339_format(now_ns, now));
	if (t->strategy->generation)
		json_put_int(meta, "generation", 1);
}

static void keep(json_t *meta, const json_t *old_meta, const char *key)
{
	json_t *v = json_object_get(old_meta, key);

	if (v)
		json_object_set(meta, key, v);
	else
		json_object_del(meta, key);
}

/* Without metadata and, when it is a subresource of its own, status. */
static bool content_differs(const struct api_version *v, const json_t *a, const json_t *b)
{
	_cleanup_json_ json_t *x = json_copy((json_t *)(uintptr_t)a), *y = json_copy((json_t *)(uintptr_t)b);

	json_object_del(x, "metadata");
	json_object_del(y, "metadata");
	if (v->has_status) {
		json_object_del(x, "status");
		json_object_del(y, "status");
	}
	return !json_same(x, y);
}

void object_meta_update(const struct api_type *t, const struct api_version *v, json_t *obj, const json_t *old)
{
	static const char *const kept[] = { "generation", "deletionTimestamp", "deletionGracePeriodSeconds",
		                                "generateName" };
	json_t *meta = json_ensure_object(obj, "metadata");
	const json_t *old_meta = kube_meta(old);

	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		keep(meta, old_meta, kept[i]);
	static const char *const fixed[] = { "uid", "creationTimestamp" };
	for (size_t i = 0; i < ARRAY_SIZE(fixed); i++) /* another one is refused later, by validation */
		if (!json_object_get(meta, fixed[i]))
			keep(meta, old_meta, fixed[i]);
	keep(meta, old_meta, "name");
	json_object_del(meta, "selfLink");
	json_object_del(meta, "resourceVersion");
	if (t->strategy->generation && content_differs(v, obj, old))
		json_put_int(meta, "generation", kube_generation(old) + 1);
}

bool object_meta_is_finished(const json_t *obj)
{
	return kube_is_deleting(obj) && json_array_size(json_object_get(kube_meta(obj), "finalizers")) == 0 &&
	       json_get_int(kube_meta(obj), "deletionGracePeriodSeconds", 0) == 0;
}
