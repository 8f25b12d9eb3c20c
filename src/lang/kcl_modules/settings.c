#include "settings.h"

#include "base/str.h"
#include "codec/yaml.h"

void kcl_settings_done(struct kcl_settings *s)
{
	json_decref(s->values);
	strv_free(s->files);
	strv_free(s->overrides);
	strv_free(s->selectors);
	strv_free(s->packages);
	free(s->options);
	*s = (struct kcl_settings){ 0 };
}

static json_t *values_of(struct kcl_settings *s)
{
	if (!s->values)
		s->values = json_object();
	return s->values;
}

/* ---- settings files ---- */

static int invalid(struct err *err, const char *path, const char *what)
{
	err_clear(err);
	return err_set(err, ERR_BAD_REQUEST, "Failed to load '%s', invalid setting file format: %s", path, what);
}

/* The strings of a list (or one string) appended; false: it is something else. */
static bool take_strings(const json_t *list, char ***v)
{
	json_t *item;
	size_t i;

	if (!list || json_is_null(list))
		return true;
	if (json_is_string(list))
		strv_push(v, json_string_value(list));
	json_array_foreach (list, i, item) {
		if (!json_is_string(item))
			return false;
		strv_push(v, json_string_value(item));
	}
	return json_is_string(list) || json_is_array(list);
}

static bool take_flag(const json_t *configs, const char *name, bool *ret)
{
	const json_t *flag = json_object_get(configs, name);

	*ret |= json_is_true(flag);
	return !flag || json_is_boolean(flag) || json_is_null(flag);
}

/* The folder of a path, with a '/' behind it; "" for this one. free(). */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? xstrndup(path, (size_t)(slash - path) + 1) : xstrdup("");
}

static bool take_files(struct kcl_settings *s, const json_t *configs, const char *path)
{
	const json_t *files = json_object_get(configs, "files");
	_cleanup_free_ char *folder = folder_of(path);
	_cleanup_strv_ char **names = NULL;

	if (json_array_size(files) == 0)
		files = json_object_get(configs, "file");
	if (!take_strings(files, &names))
		return false;
	for (char *const *name = names; name && *name; name++) {
		bool is_whole = **name == '/' || str_starts_with(*name, "${");
		_cleanup_free_ char *full = xasprintf("%s%s", is_whole ? "" : folder, *name);

		strv_push(&s->files, full);
	}
	return true;
}

static bool take_packages(struct kcl_settings *s, const json_t *packages)
{
	const char *name;
	json_t *folder;

	json_object_foreach (json_unconst(packages), name, folder) {
		_cleanup_free_ char *pair = xasprintf("%s=%s", name, json_is_string(folder) ? json_string_value(folder) : "");

		if (!json_is_string(folder))
			return false;
		strv_push(&s->packages, pair);
	}
	return !packages || json_is_object(packages) || json_is_null(packages);
}

static int take_configs(struct kcl_settings *s, const json_t *configs, const char *path, struct err *err)
{
	const struct {
		const char *name;
		bool *target;
	} flags[] = {
		{ "strict_range_check", &s->strict_range_check },
		{ "disable_none", &s->disable_none },
		{ "debug", &s->debug },
		{ "sort_keys", &s->sort_keys },
		{ "show_hidden", &s->show_hidden },
		{ "include_schema_type_path", &s->include_schema_type_path },
	};

	if (!configs || json_is_null(configs))
		return 0;
	if (!json_is_object(configs))
		return invalid(err, path, "kcl_cli_configs is no mapping");
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if (!take_flag(configs, flags[i].name, flags[i].target)) {
			_cleanup_free_ char *what = xasprintf("%s is neither true nor false", flags[i].name);

			return invalid(err, path, what);
		}
	if (!take_files(s, configs, path))
		return invalid(err, path, "file and files are lists of paths");
	if (!take_strings(json_object_get(configs, "overrides"), &s->overrides) ||
	    !take_strings(json_object_get(configs, "path_selector"), &s->selectors))
		return invalid(err, path, "overrides and path_selector are lists of texts");
	return take_packages(s, json_object_get(configs, "package_maps"))
	           ? 0
	           : invalid(err, path, "package_maps is a mapping of names to folders");
}

static int take_options(struct kcl_settings *s, const json_t *options, const char *path, struct err *err)
{
	json_t *option;
	size_t i;

	if (!options || json_is_null(options))
		return 0;
	if (!json_is_array(options))
		return invalid(err, path, "kcl_options is no list");
	json_array_foreach (options, i, option) {
		const char *key = json_get_str(option, "key");
		const json_t *value = json_object_get(option, "value");

		if (!key || !value)
			return invalid(err, path, "each of kcl_options has a key and a value");
		json_put(values_of(s), key, json_clone(value));
	}
	return 0;
}

int kcl_settings_add(struct kcl_settings *s, const char *text, size_t len, const char *path, struct err *err)
{
	_cleanup_err_ struct err failed = { 0 };
	_cleanup_json_ json_t *settings = yaml_parse_core(text, len, path, &failed);

	if (!settings)
		return invalid(err, path, err_message(&failed));
	if (!json_is_object(settings) && !json_is_null(settings))
		return invalid(err, path, "it is no mapping");
	if (take_configs(s, json_object_get(settings, "kcl_cli_configs"), path, err) < 0)
		return -1;
	return take_options(s, json_object_get(settings, "kcl_options"), path, err);
}

int kcl_settings_add_profile(struct kcl_settings *s, const json_t *profile, struct err *err)
{
	static const char *const options[] = { "arguments", "options" };

	for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
		_cleanup_strv_ char **definitions = NULL;

		if (!take_strings(json_object_get(profile, options[i]), &definitions))
			return err_set(err, ERR_BAD_REQUEST, "kcl.mod: %s of [profile] is a list of texts", options[i]);
		for (char *const *d = definitions; d && *d; d++)
			if (kcl_settings_define(s, *d, err) < 0)
				return err_wrap(err, "kcl.mod");
	}
	if (!take_strings(json_object_get(profile, "overrides"), &s->overrides) ||
	    !take_strings(json_object_get(profile, "selectors"), &s->selectors))
		return err_set(err, ERR_BAD_REQUEST, "kcl.mod: overrides and selectors of [profile] are lists of texts");
	if (!take_flag(profile, "disable_none", &s->disable_none) || !take_flag(profile, "sort_keys", &s->sort_keys))
		return err_set(err, ERR_BAD_REQUEST, "kcl.mod: disable_none and sort_keys of [profile] are true or false");
	return 0;
}

/* ---- KEY=VALUE ---- */

static json_t *parse_value(const char *text)
{
	static const char *const constants[][2] = { { "True", "true" }, { "False", "false" }, { "None", "null" } };
	_cleanup_err_ struct err ignored = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(constants); i++)
		if (strcmp(text, constants[i][0]) == 0)
			text = constants[i][1];
	/* 12e1 may well be the beginning of a hash: it stays text. */
	bool is_exponent = strspn(text, "+-.0123456789eE") == strlen(text) && strpbrk(text, "eE");
	json_t *value = is_exponent ? NULL : json_parse(text, strlen(text), 0, &ignored);
	return value ? value : json_string_lossy(text, strlen(text));
}

int kcl_settings_define(struct kcl_settings *s, const char *definition, struct err *err)
{
	const char *equals = strchr(definition, '=');

	if (!equals || equals == definition || !equals[1] ||
	    (strchr("\"'{[", equals[1]) == NULL && strchr(equals + 1, '=')))
		return err_set(err, ERR_BAD_REQUEST, "Invalid value for top level arguments: -D %s, want KEY=VALUE",
		               definition);
	_cleanup_free_ char *key = xstrndup(definition, (size_t)(equals - definition));
	json_put(values_of(s), key, parse_value(equals + 1));
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
