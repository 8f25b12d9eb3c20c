#include "mod_file.h"

#include "base/str.h"
#include "codec/toml.h"

int kcl_mod_parse(const char *text, size_t len, const char *path, struct kcl_mod *ret, struct err *err)
{
	json_t *toml = toml_parse(text, len, path, err);
	const json_t *profile = json_object_get(toml, "profile"), *dependencies = json_object_get(toml, "dependencies");

	if (!toml)
		return -1;
	*ret = (struct kcl_mod){ .toml = toml,
		                     .name = json_str_at(toml, "package", "name", NULL),
		                     .version = json_str_at(toml, "package", "version", NULL),
		                     .profile = json_is_object(profile) ? profile : NULL,
		                     .entries = json_object_get(profile, "entries"),
		                     .dependencies = json_is_object(dependencies) ? dependencies : NULL };
	return 0;
}

void kcl_mod_clear(struct kcl_mod *m)
{
	json_decref(m->toml);
	*m = (struct kcl_mod){ 0 };
}

void kcl_dependency_read(const char *name, const json_t *value, struct kcl_dependency *ret)
{
	static const char *const references[] = { "tag", "version", "branch", "commit" };

	*ret = (struct kcl_dependency){ .name = name,
		                            .version = json_string_value(value),
		                            .package = json_get_str(value, "package"),
		                            .path = json_get_str(value, "path"),
		                            .oci = json_get_str(value, "oci"),
		                            .git = json_get_str(value, "git") };
	for (size_t i = 0; i < ARRAY_SIZE(references) && !ret->version; i++)
		ret->version = json_get_str(value, references[i]);
	if (!ret->oci)
		ret->oci = json_get_str(value, "repo");
}

/* The last part of a URL, without ".git" and a query. free(). */
static char *last_part(const char *url)
{
	_cleanup_free_ char *plain = xstrndup(url, strcspn(url, "?"));
	size_t len = strlen(plain);

	while (len > 0 && plain[len - 1] == '/')
		plain[--len] = '\0';
	if (str_ends_with(plain, ".git"))
		plain[len - 4] = '\0';
	char *slash = strrchr(plain, '/');
	return xstrdup(slash ? slash + 1 : plain);
}

char *kcl_dependency_folder(const struct kcl_dependency *d)
{
	if (d->oci || d->git)
		return last_part(d->oci ? d->oci : d->git);
	return xstrdup(d->package ? d->package : d->name);
}
