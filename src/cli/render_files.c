#include "render_files.h"

#include "apiserver/schema/schema.h"
#include "base/fs.h"
#include "base/str.h"
#include "codec/yaml.h"

#include <dirent.h>
#include <errno.h>

#define FILE_MAX ((size_t)64 * 1024 * 1024)
#define FILES_MAX 10000
#define FOLDERS_MAX 20 /* one within the other */

void render_files_clear(struct render_files *f)
{
	json_t *const all[] = { f->xr,    f->composition, f->functions, f->observed, f->required,
		                    f->extra, f->credentials, f->context,   f->schemas,  f->xrd };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		json_decref(all[i]);
}

static int load_file(const char *path, json_t *into, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len = 0;

	if (fs_read_file(path, FILE_MAX, &text, &len, err) < 0)
		return -1;
	_cleanup_json_ json_t *documents = yaml_parse_all(text, len, path, err);
	return documents ? json_array_extend(into, documents) : -1;
}

/* The .yaml and .yml files of a folder, sorted; strv_free(). */
static char **yaml_files(const char *dir)
{
	DIR *d = opendir(dir);
	char **names = NULL;
	size_t n = 0;

	for (const struct dirent *entry; d && (entry = readdir(d)) != NULL && n < FILES_MAX;) {
		_cleanup_free_ char *path = fs_join(dir, entry->d_name);

		if ((str_ends_with(entry->d_name, ".yaml") || str_ends_with(entry->d_name, ".yml")) && !fs_is_dir(path)) {
			strv_push(&names, path);
			n++;
		}
	}
	if (d)
		closedir(d);
	strv_sort(names);
	return names;
}

/* All documents of a file, or of the files of a folder, added to *list (made when it is NULL). */
static int load_stream(const char *path, json_t **list, struct err *err)
{
	if (!*list)
		*list = json_array();
	if (!fs_is_dir(path))
		return load_file(path, *list, err);
	_cleanup_strv_ char **names = yaml_files(path);
	if (!names)
		return err_set(err, ERR_NOT_FOUND, "no YAML files found in \"%s\" (.yaml or .yml)", path);
	for (char *const *name = names; *name; name++)
		if (load_file(*name, *list, err) < 0)
			return -1;
	return 0;
}

static int load_optional(const char *path, json_t **list, const char *what, struct err *err)
{
	if (!path || load_stream(path, list, err) == 0)
		return 0;
	return err_wrap(err, "cannot load %s from \"%s\"", what, path);
}

static int load_each(char *const *paths, json_t **list, const char *what, struct err *err)
{
	for (; paths && *paths; paths++)
		if (load_optional(*paths, list, what, err) < 0)
			return -1;
	return 0;
}

/* The first document; a new reference. */
static int load_one(const char *path, const char *what, json_t **ret, struct err *err)
{
	_cleanup_json_ json_t *list = json_array();

	if (load_file(path, list, err) < 0)
		return err_wrap(err, "cannot load %s from \"%s\"", what, path);
	*ret = json_incref(json_array_get(list, 0));
	return *ret ? 0 : err_set(err, ERR_INVALID, "cannot load %s from \"%s\": it is empty", what, path);
}

static int load_functions(const char *path, json_t **list, struct err *err)
{
	json_t *function;
	size_t i;

	if (load_optional(path, list, "functions", err) < 0)
		return -1;
	json_array_foreach (*list, i, function)
		if (!str_eq(json_get_str(function, "kind"), "Function"))
			return err_set(err, ERR_INVALID, "cannot load functions from \"%s\": not a function: %s/%s", path,
			               json_get_str(function, "kind"), json_str_at(function, "metadata", "name", NULL));
	return 0;
}

/* "key=TEXT" or, with files, "key=FILE"; JSON or YAML. */
static int load_context(char *const *pairs, bool from_files, json_t *context, struct err *err)
{
	for (; pairs && *pairs; pairs++) {
		const char *equals = strchr(*pairs, '=');
		_cleanup_free_ char *key = equals ? xstrndup(*pairs, (size_t)(equals - *pairs)) : NULL, *text = NULL;
		size_t len;

		if (!equals)
			return err_set(err, ERR_INVALID, "\"%s\" is no context: KEY=VALUE is wanted", *pairs);
		if (!from_files)
			text = xstrdup(equals + 1);
		else if (fs_read_file(equals + 1, FILE_MAX, &text, NULL, err) < 0)
			return err_wrap(err, "cannot read context value for key \"%s\"", key);
		len = strlen(text);
		json_t *value = yaml_parse(text, len, NULL, err);
		if (!value)
			return err_wrap(err, "cannot unmarshal YAML/JSON for context key \"%s\"", key);
		json_object_set_new(context, key, value);
	}
	return 0;
}

/* ---- functions ---- */

static int annotate(char *const *annotations, const json_t *functions, struct err *err)
{
	json_t *function;
	size_t i;

	for (; annotations && *annotations; annotations++) {
		const char *equals = strchr(*annotations, '=');

		if (!equals)
			return err_set(err, ERR_INVALID,
			               "cannot apply function annotation overrides: invalid function annotation format \"%s\", "
			               "expected key=value",
			               *annotations);
		_cleanup_free_ char *key = xstrndup(*annotations, (size_t)(equals - *annotations));
		json_array_foreach (functions, i, function)
			json_put_str(json_ensure_object(json_ensure_object(function, "metadata"), "annotations"), key, equals + 1);
	}
	return 0;
}

/* ---- schemas ---- */

/* The OpenAPI documents (.json) of a folder and those within. */
static int load_schemas(const char *dir, unsigned depth, json_t *into, struct err *err)
{
	DIR *d = opendir(dir);
	int r = d ? 0 : err_set(err, ERR_NOT_FOUND, "cannot walk directory: %s: %s", dir, strerror(errno));

	for (const struct dirent *entry; r == 0 && d && (entry = readdir(d)) != NULL;) {
		_cleanup_free_ char *path = fs_join(dir, entry->d_name), *text = NULL;
		size_t len = 0;

		if (entry->d_name[0] == '.')
			continue;
		if (fs_is_dir(path) && depth > 0) {
			r = load_schemas(path, depth - 1, into, err);
		} else if (str_ends_with(entry->d_name, ".json")) {
			r = fs_read_file(path, FILE_MAX, &text, &len, err);
			json_t *document = r == 0 ? json_parse(text, len, 0, err) : NULL;
			if (document)
				json_array_append_new(into, document);
			else
				r = err_wrap(err, "cannot parse OpenAPI JSON from \"%s\"", path);
		}
	}
	if (d)
		closedir(d);
	return r;
}

/* ---- defaults ---- */

static const json_t *find_version(const json_t *xrd, const char *api_version)
{
	const char *group = json_str_at(xrd, "spec", "group", NULL);
	json_t *version;
	size_t i;

	json_array_foreach (json_at(xrd, "spec", "versions", NULL), i, version) {
		const char *name = json_get_str(version, "name");
		_cleanup_free_ char *full = xasprintf("%s/%s", group ? group : "", name ? name : "");

		if (str_eq(full, api_version))
			return version;
	}
	return NULL;
}

/* The schema that Crossplane makes of a definition's, as far as defaults go: those of spec's and status' fields, and
 * how compositions are updated. */
static json_t *schema_with_defaults(const json_t *xrd, const json_t *version)
{
	const json_t *properties = json_at(version, "schema", "openAPIV3Schema", "properties", NULL);
	const char *policy = json_str_at(xrd, "spec", "defaultCompositionUpdatePolicy", NULL);
	static const char *const parts[] = { "spec", "status" };
	json_t *schema = json_pack("{ss,s{}}", "type", "object", "properties"), *own;

	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		json_t *part = json_pack("{ss}", "type", "object");
		const json_t *fields = json_at(properties, parts[i], "properties", NULL);

		json_object_set_new(part, "properties", fields ? json_clone(fields) : json_object());
		json_object_set_new(json_object_get(schema, "properties"), parts[i], part);
	}
	own = json_at(schema, "properties", "spec", "properties", NULL);
	if (policy)
		json_object_set_new(own, "compositionUpdatePolicy", json_pack("{ss,ss}", "type", "string", "default", policy));
	return schema;
}

static int apply_defaults(const json_t *xrd, json_t *xr, struct err *err)
{
	const char *api_version = json_get_str(xr, "apiVersion");
	const json_t *version = find_version(xrd, api_version);

	if (!version)
		return err_set(err, ERR_INVALID, "the specified API version '%s' does not exist in the XRD", api_version);
	_cleanup_json_ json_t *openapi = schema_with_defaults(xrd, version);
	_cleanup_(schema_unrefp) struct schema *schema = schema_compile(openapi, "", err);
	if (!schema)
		return -1;
	schema_default(schema, xr);
	return 0;
}

/* ---- all ---- */

static int load_lists(const struct render_paths *p, struct render_files *f, struct err *err)
{
	if (load_optional(p->observed, &f->observed, "observed composed resources", err) < 0 ||
	    load_each(p->extra, &f->extra, "extra resources", err) < 0 ||
	    load_each(p->required, &f->required, "required resources", err) < 0 ||
	    load_optional(p->credentials, &f->credentials, "secrets", err) < 0)
		return -1;
	if (!p->schemas)
		return 0;
	f->schemas = json_array();
	if (load_schemas(p->schemas, FOLDERS_MAX, f->schemas, err) < 0)
		return err_wrap(err, "cannot load OpenAPI schemas from \"%s\"", p->schemas);
	if (json_array_size(f->schemas) == 0)
		return err_set(err, ERR_NOT_FOUND, "cannot load OpenAPI schemas from \"%s\": no JSON files found in \"%s\"",
		               p->schemas, p->schemas);
	return 0;
}

int render_files_load(const struct render_paths *p, struct render_files *f, struct err *err)
{
	f->context = json_object();
	if (load_one(p->xr, "composite resource", &f->xr, err) < 0 ||
	    load_one(p->composition, "Composition", &f->composition, err) < 0 ||
	    load_functions(p->functions, &f->functions, err) < 0 || annotate(p->annotations, f->functions, err) < 0)
		return -1;
	if (p->xrd && load_one(p->xrd, "XRD", &f->xrd, err) < 0)
		return -1;
	if (f->xrd && apply_defaults(f->xrd, f->xr, err) < 0) {
		const char *name = json_str_at(f->xr, "metadata", "name", NULL);

		return err_wrap(err, "cannot default values for XR \"%s\"", name ? name : "");
	}
	if (load_lists(p, f, err) < 0 || load_context(p->context_files, true, f->context, err) < 0)
		return -1;
	return load_context(p->context_values, false, f->context, err);
}
