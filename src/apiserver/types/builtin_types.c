#include "builtin_types.h"

#include "base/str.h"
#include "codec/embedded.h"
#include "codec/json.h"

extern const struct embedded_file APISERVER_BUILTIN_FILES[];

static json_t *load(const struct embedded_file *f, struct err *err)
{
	json_t *v = json_parse(f->text, f->len, 0, err);

	if (v && !json_is_object(v)) {
		json_decref(v);
		err_set(err, ERR_INTERNAL, "%s: not a mapping", f->name);
		return NULL;
	}
	return v;
}

json_t *builtin_types_load(struct err *err)
{
	_cleanup_json_ json_t *types = json_array();

	for (const struct embedded_file *f = APISERVER_BUILTIN_FILES; f->name; f++) {
		json_t *v = load(f, err);
		if (!v)
			return NULL;
		if (json_object_get(v, "names"))
			json_array_append_new(types, v);
		else
			json_decref(v);
	}
	return json_incref(types);
}

const json_t *builtin_types_find(const json_t *types, const char *group, const char *plural)
{
	size_t i;
	json_t *v;

	json_array_foreach (types, i, v)
		if (str_eq(json_get_str(v, "group"), group) && str_eq(json_str_at(v, "names", "plural", NULL), plural))
			return v;
	return NULL;
}

json_t *builtin_object_meta(struct err *err)
{
	for (const struct embedded_file *f = APISERVER_BUILTIN_FILES; f->name; f++) {
		if (strcmp(f->name, "objectmeta.yaml") != 0)
			continue;
		_cleanup_json_ json_t *v = load(f, err);
		return v ? json_incref(json_object_get(v, "schema")) : NULL;
	}
	err_set(err, ERR_INTERNAL, "objectmeta.yaml is not part of the program");
	return NULL;
}
