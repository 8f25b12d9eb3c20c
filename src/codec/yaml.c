#include "codec/yaml.h"

#include "base/str.h"
#include "codec/pointer.h"
#include "yaml_compose.h"

#define _cleanup_composer_ _cleanup_(yaml_composer_done)

/* JSON is YAML, but not always libyaml's (tabs as indentation), and much faster to read as what it is. */
static json_t *parse_as_json(const char *text, size_t len)
{
	size_t i = 0;
	while (i < len && strchr(" \t\r\n", text[i]))
		i++;
	return i < len && text[i] == '{' ? json_parse(text, len, JSON_STRICT_KEYS, NULL) : NULL;
}

/* The documents that are not empty, as an array; with single, at most one. */
static json_t *compose_documents(struct yaml_composer *c, bool single)
{
	_cleanup_json_ json_t *documents = json_array();
	for (;;) {
		bool end;
		_cleanup_json_ json_t *v = yaml_composer_next(c, &end);
		if (end)
			return TAKE_PTR(documents);
		if (!v)
			return NULL;
		if (json_is_null(v))
			continue;
		if (single && json_array_size(documents) > 0)
			return yaml_composer_fail(c, &c->document, "a second document begins here; only one is expected"), NULL;
		json_array_append(documents, v);
	}
}

static json_t *parse_documents(const char *text, size_t len, const char *name, bool single, bool is_core,
                               struct err *err)
{
	json_t *documents = NULL, *json = parse_as_json(text, len);
	if (json) {
		documents = json_array();
		json_array_append_new(documents, json);
		return documents;
	}
	_cleanup_composer_ struct yaml_composer c;
	_cleanup_err_ struct err own = { 0 };
	int r = yaml_composer_init(&c, text, len, name, &own);
	c.is_core = is_core;
	if (r == 0)
		documents = compose_documents(&c, single);
	if (!documents)
		err_move(err, &own);
	return documents;
}

json_t *yaml_parse_all(const char *text, size_t len, const char *name, struct err *err)
{
	return parse_documents(text, len, name, false, false, err);
}

static json_t *parse_one(const char *text, size_t len, const char *name, bool is_core, struct err *err)
{
	_cleanup_json_ json_t *documents = parse_documents(text, len, name, true, is_core, err);
	if (!documents)
		return NULL;
	json_t *v = json_array_get(documents, 0);
	return v ? json_incref(v) : json_null();
}

json_t *yaml_parse(const char *text, size_t len, const char *name, struct err *err)
{
	return parse_one(text, len, name, false, err);
}

json_t *yaml_parse_core(const char *text, size_t len, const char *name, struct err *err)
{
	return parse_one(text, len, name, true, err);
}

json_t *yaml_parse_like_go(const char *text, size_t len, char ***ret_repeated, struct err *err)
{
	_cleanup_json_ json_t *json = parse_as_json(text, len);
	_cleanup_composer_ struct yaml_composer c = { 0 };
	_cleanup_err_ struct err own = { 0 };
	bool end = false;

	if (json)
		return json_incref(json);
	int r = yaml_composer_init(&c, text, len, NULL, &own);
	c.repeated = ret_repeated;
	json_t *v = r == 0 ? yaml_composer_next(&c, &end) : NULL;
	if (!v && end)
		return json_null();
	if (!v)
		err_move(err, &own);
	return v;
}

bool yaml_locate(const char *text, size_t len, const char *pointer, int *ret_line, int *ret_column)
{
	_cleanup_strv_ char **want = json_pointer_split(pointer);
	_cleanup_composer_ struct yaml_composer c = { 0 };
	_cleanup_err_ struct err ignored = { 0 };
	bool end;
	if (!want || yaml_composer_init(&c, text, len, NULL, &ignored) < 0)
		return false;
	c.want = want;
	c.want_len = strv_len(want);
	_cleanup_json_ json_t *v = yaml_composer_next(&c, &end);
	if (!c.located || (v && !json_pointer_get(v, pointer)))
		return false;
	*ret_line = (int)c.place.line + 1;
	*ret_column = (int)c.place.column + 1;
	return true;
}
