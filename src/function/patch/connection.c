#include "patch/patch.h"

#include "base/str.h"
#include "call.h"
#include "codec/base64.h"
#include "field_path.h"

static void put_encoded(json_t *out, const char *name, const char *text)
{
	_cleanup_free_ char *encoded = base64_encode(text, strlen(text));

	json_put_str(out, name, encoded);
}

/* Strings as they are, everything else as JSON. What is not there may come to be. */
static void from_field_path(const json_t *object, const char *path, const char *name, json_t *out)
{
	const json_t *value = field_path_get(object, path, NULL);

	if (!value)
		return;
	_cleanup_free_ char *text = json_is_string(value) ? xstrdup(json_string_value(value)) : json_canonical(value);
	put_encoded(out, name, text);
}

json_t *connection_extract(const json_t *object, const json_t *details, const json_t *configs, struct err *err)
{
	_cleanup_json_ json_t *out = json_object();
	json_t *config;
	size_t i;

	json_array_foreach (configs, i, config) {
		const char *name = json_get_str(config, "name"), *type = json_get_str(config, "type");
		const char *key = json_get_str(config, "fromConnectionSecretKey"), *value = json_get_str(config, "value");
		const char *path = json_get_str(config, "fromFieldPath");

		if (patch_validate_connection_detail(config, err) < 0) {
			err_wrap(err, "invalid");
			return NULL;
		}
		if (str_eq(type, "FromValue"))
			put_encoded(out, name, value ? value : "");
		else if (str_eq(type, "FromFieldPath"))
			from_field_path(object, path ? path : "", name, out);
		else if (key && json_object_get(details, key))
			json_object_set(out, name, json_object_get(details, key));
	}
	return TAKE_PTR(out);
}

/* What the composite asks for, else what the input says, else names made from the composite's. */
static json_t *base_reference(const json_t *xr, const json_t *ref)
{
	const json_t *own = json_at(xr, "spec", "writeConnectionSecretToRef", NULL);
	json_t *out = json_pack("{ss,ss}", "apiVersion", "v1", "kind", "SecretReference");
	const char *name, *ns;

	if (!own && (!str_empty(json_get_str(ref, "name")) || !str_empty(json_get_str(ref, "namespace"))))
		own = ref;
	name = json_get_str(own, "name");
	ns = json_get_str(own, "namespace");
	if (own) {
		json_put_str(out, "name", name ? name : "");
		json_put_str(out, "namespace", ns ? ns : "");
	} else {
		json_put(out, "name", json_strf("%s-connection", object_name(xr)));
		json_put_str(out, "namespace", object_namespace(xr));
	}
	return out;
}

static int patch_reference(const json_t *xr, const json_t *patches, json_t *reference, struct err *err)
{
	json_t *patch;
	size_t i;

	json_array_foreach (patches, i, patch) {
		const char *type = patch_type(patch);
		_cleanup_err_ struct err failed = { 0 };
		int r;

		if (str_eq(type, "FromCompositeFieldPath"))
			r = patch_apply_from_field_path(patch, xr, reference, &failed);
		else if (str_eq(type, "CombineFromComposite"))
			r = patch_apply_combine(patch, xr, reference, &failed);
		else
			return err_set(err, ERR_INVALID, "unsupported patch type %s at index %zu", type, i);
		if (r == 0 || (str_eq(type, "FromCompositeFieldPath") && !patch_is_required(patch)))
			continue;
		err_wrap(&failed, "cannot apply patch type %s at index %zu", type, i);
		err_move(err, &failed);
		return err_wrap(err, "cannot apply connection secret patches");
	}
	return 0;
}

json_t *connection_secret(const json_t *xr, const json_t *details, const json_t *ref, struct err *err)
{
	_cleanup_json_ json_t *reference = base_reference(xr, ref);
	json_t *secret;
	const char *name, *ns;

	if (patch_reference(xr, json_object_get(ref, "patches"), reference, err) < 0) {
		err_wrap(err, "cannot generate connection secret reference");
		return NULL;
	}
	name = json_get_str(reference, "name");
	ns = json_get_str(reference, "namespace");
	secret = json_pack("{ss,ss,s{ss},sO,ss}", "apiVersion", "v1", "kind", "Secret", "metadata", "name",
	                   name ? name : "", "data", json_unconst(details), "type", "connection.crossplane.io/v1alpha1");
	if (!str_empty(ns))
		json_put_str(json_object_get(secret, "metadata"), "namespace", ns);
	return secret;
}
