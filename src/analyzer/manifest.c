#include "manifest.h"

#include "base/map.h"
#include "base/str.h"
#include "codec/toml.h"
#include "codec/yaml.h"

/* A map value cannot be NULL; this one stands for "did not parse". */
static char unparsable;

static void json_free(void *v)
{
	json_decref(v);
}

static void xml_free_(void *v)
{
	xml_free(v);
}

/* True when the file was tried before; its value is *ret then. */
static bool known(struct analysis *a, const struct text *t, void **ret)
{
	void *v = map_get(a->manifests, t->path);

	*ret = v == &unparsable ? NULL : v;
	return v != NULL;
}

static void *remember(struct analysis *a, const struct text *t, void *v, void (*destroy)(void *))
{
	map_set(a->manifests, t->path, v ? v : &unparsable);
	return v ? arena_own(a->arena, v, destroy) : NULL;
}

/* The end of a string literal that begins at i. */
static size_t string_end(const char *s, size_t len, size_t i)
{
	for (i++; i < len && s[i] != '"'; i++)
		if (s[i] == '\\')
			i++;
	return i < len ? i + 1 : len;
}

static size_t comment_end(const char *s, size_t len, size_t i)
{
	const char *end;

	if (i + 1 >= len || s[i] != '/')
		return i;
	if (s[i + 1] == '/') {
		end = memchr(s + i, '\n', len - i);
		return end ? (size_t)(end - s) : len;
	}
	if (s[i + 1] != '*')
		return i;
	end = memmem(s + i + 2, len - i - 2, "*/", 2);
	return end ? (size_t)(end - s) + 2 : len;
}

/* Is the comma at i followed by a closing bracket? */
static bool trailing_comma(const char *s, size_t len, size_t i)
{
	for (i++; i < len;) {
		size_t end = comment_end(s, len, i);

		if (end > i)
			i = end;
		else if (s[i] == ' ' || s[i] == '\t' || s[i] == '\n' || s[i] == '\r')
			i++;
		else
			return s[i] == '}' || s[i] == ']';
	}
	return false;
}

/* Blanks comments and trailing commas, keeping every other byte where it was. */
static char *json_without_comments(struct analysis *a, const struct text *t)
{
	char *s = arena_alloc(a->arena, t->len + 1);

	memcpy(s, t->data, t->len);
	for (size_t i = 0; i < t->len;) {
		size_t end;

		if (s[i] == '"') {
			i = string_end(s, t->len, i);
			continue;
		}
		end = comment_end(s, t->len, i);
		for (size_t k = i; k < end; k++)
			if (s[k] != '\n')
				s[k] = ' ';
		if (s[i] == ',' && trailing_comma(s, t->len, i))
			s[i] = ' ';
		i = end > i ? end : i + 1;
	}
	return s;
}

json_t *manifest_json(struct analysis *a, const struct text *t)
{
	json_t *v;
	void *old;

	if (!t || known(a, t, &old))
		return t ? old : NULL;
	v = json_parse(t->data, t->len, 0, NULL);
	if (!v)
		v = json_parse(json_without_comments(a, t), t->len, 0, NULL);
	return remember(a, t, v, json_free);
}

json_t *manifest_toml(struct analysis *a, const struct text *t)
{
	void *old;

	if (!t || known(a, t, &old))
		return t ? old : NULL;
	return remember(a, t, toml_parse(t->data, t->len, t->path, NULL), json_free);
}

json_t *manifest_yaml(struct analysis *a, const struct text *t)
{
	json_t *all;
	void *old;

	if (!t || known(a, t, &old))
		return t ? old : NULL;
	all = remember(a, t, yaml_parse_all(t->data, t->len, t->path, NULL), json_free);
	if (all && json_array_size(all))
		map_set(a->manifests, t->path, json_array_get(all, 0));
	else
		map_set(a->manifests, t->path, &unparsable);
	return json_array_get(all, 0);
}

const struct xml_node *manifest_xml(struct analysis *a, const struct text *t)
{
	void *old;

	if (!t || known(a, t, &old))
		return t ? old : NULL;
	return remember(a, t, xml_parse(t->data, t->len, t->path, NULL), xml_free_);
}

const char *manifest_scalar(struct analysis *a, const json_t *v)
{
	if (json_is_string(v))
		return json_string_value(v);
	if (json_is_integer(v))
		return text_printf(a, "%lld", (long long)json_integer_value(v));
	if (json_is_real(v))
		return text_printf(a, "%g", json_real_value(v));
	return NULL;
}
