#include "kcl_settings.h"

#include "base/fs.h"
#include "base/str.h"
#include "codec/yaml.h"

#include <libgen.h>

#define SETTINGS_MAX ((size_t)10 * 1024 * 1024)

void kcl_settings_done(struct kcl_settings *s)
{
	json_decref(s->configs);
	json_decref(s->values);
	free(s->base);
	free(s->options);
	*s = (struct kcl_settings){ 0 };
}

static int invalid(struct err *err, const char *path)
{
	err_clear(err);
	return err_set(err, ERR_BAD_REQUEST, "Failed to load '%s', invalid setting file format", path);
}

static int take_options(struct kcl_settings *s, const json_t *options)
{
	size_t i;
	json_t *option;
	if (!options || json_is_null(options))
		return 0;
	if (!json_is_array(options))
		return -1;
	json_array_foreach (options, i, option) {
		const char *key = json_get_str(option, "key");
		const json_t *value = json_object_get(option, "value");
		if (!key || !value)
			return -1;
		json_put(s->values, key, json_clone(value));
	}
	return 0;
}

static int take_configs(struct kcl_settings *s, const json_t *configs, const char *path)
{
	if (!configs || json_is_null(configs))
		return 0;
	if (!json_is_object(configs))
		return -1;
	json_object_update(s->configs, json_unconst(configs));
	if (json_object_get(configs, "file") || json_object_get(configs, "files")) {
		_cleanup_free_ char *copy = xstrdup(path);
		free(s->base);
		s->base = xstrdup(dirname(copy));
	}
	return 0;
}

int kcl_settings_read(struct kcl_settings *s, const char *path, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	if (!s->configs)
		s->configs = json_object();
	if (!s->values)
		s->values = json_object();
	if (fs_read_file(path, SETTINGS_MAX, &text, &len, err) < 0)
		return err_wrap(err, "Failed to load '%s'", path);
	_cleanup_json_ json_t *settings = yaml_parse(text, len, path, err);
	if (!settings || (!json_is_object(settings) && !json_is_null(settings)))
		return invalid(err, path);
	if (take_configs(s, json_object_get(settings, "kcl_cli_configs"), path) < 0 ||
	    take_options(s, json_object_get(settings, "kcl_options")) < 0)
		return invalid(err, path);
	return 0;
}

static json_t *parse_value(const char *text)
{
	static const char *const constants[][2] = { { "True", "true" }, { "False", "false" }, { "None", "null" } };
	_cleanup_err_ struct err ignored = { 0 };
	for (size_t i = 0; i < ARRAY_SIZE(constants); i++) {
		if (strcmp(text, constants[i][0]) == 0)
			text = constants[i][1];
	}
	/* 12e1 may well be the beginning of a hash: it stays text. */
	bool is_exponent = strspn(text, "+-.0123456789eE") == strlen(text) && strpbrk(text, "eE");
	json_t *value = is_exponent ? NULL : json_parse(text, strlen(text), 0, &ignored);
	return value ? value : json_string_lossy(text, strlen(text));
}

int kcl_settings_define(struct kcl_settings *s, const char *definition, struct err *err)
{
	const char *equals = strchr(definition, '=');
	if (!s->values)
		s->values = json_object();
	if (!equals || equals == definition || !equals[1] ||
	    (strchr("\"'{[", equals[1]) == NULL && strchr(equals + 1, '=')))
		return err_set(err, ERR_BAD_REQUEST, "Invalid value for top level arguments: -D %s, want KEY=VALUE",
		               definition);
	_cleanup_free_ char *key = xstrndup(definition, (size_t)(equals - definition));
	json_put(s->values, key, parse_value(equals + 1));
	return 0;
}

void kcl_settings_finish(struct kcl_settings *s)
{
	const char *key;
	json_t *value;
	s->options = xcalloc(json_object_size(s->values) + 1, sizeof(*s->options));
	json_object_foreach (s->values, key, value)
		s->options[s->options_len++] = (struct kcl_option){ .name = key, .value = value };
}

bool kcl_settings_flag(const struct kcl_settings *s, const char *name)
{
	return json_is_true(json_object_get(s->configs, name));
}

void kcl_settings_strings(const struct kcl_settings *s, const char *name, char ***v)
{
	const json_t *list = json_object_get(s->configs, name);
	size_t i;
	json_t *item;
	if (json_is_string(list))
		strv_push(v, json_string_value(list));
	json_array_foreach (list, i, item) {
		if (json_is_string(item))
			strv_push(v, json_string_value(item));
	}
}
