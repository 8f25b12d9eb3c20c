#include "composed.h"

#include "base/str.h"

#define NAME_MAX_LEN 253

static char *composed_name(const char *composite, const char *resource)
{
	char *name = xasprintf("%s-%s", composite, resource);
	if (strlen(name) <= NAME_MAX_LEN)
		return name;
	_cleanup_json_ json_t *whole = json_string(name);
	char hash[65];
	json_hash(whole, hash);
	free(name);
	/* What is left must not end in a dot: no label begins with the dash that follows. */
	int kept = NAME_MAX_LEN - 11;
	while (kept > 1 && (composite[kept - 1] == '.' || composite[kept - 1] == '-'))
		kept--;
	return xasprintf("%.*s-%.10s", kept, composite, hash);
}

json_t *composed_render(const json_t *composite, const char *resource_name, const json_t *resource)
{
	json_t *object = json_deep_copy(resource);
	json_t *meta = json_ensure_object(object, "metadata");
	_cleanup_free_ char *name = composed_name(kube_name(composite), resource_name);
	static const char *const carried[] = { "scia.io/deployment", "scia.io/deployment-uid" };
	char hash[65];

	json_put_str(meta, "name", name);
	json_put_str(meta, "namespace", kube_namespace(composite));
	for (size_t i = 0; i < ARRAY_SIZE(carried); i++) {
		if (kube_label(composite, carried[i]))
			kube_set_label(object, carried[i], kube_label(composite, carried[i]));
	}
	if (kube_is_label_value(kube_name(composite)))
		kube_set_label(object, COMPOSED_OWNER_LABEL, kube_name(composite));
	json_hash(json_object_get(object, "spec"), hash);
	kube_set_annotation(object, COMPOSED_NAME_ANNOTATION, resource_name);
	kube_set_annotation(object, COMPOSED_HASH_ANNOTATION, hash);
	kube_set_controller(object, composite);
	return object;
}
