#include "kcl/kcl_function.h"

#include "base/fs.h"
#include "base/str.h"

static bool is_remote(const char *source)
{
	static const char *const prefixes[] = { "http://", "https://",    "git://",      "git::",         "git@",
		                                    "ssh://",  "github.com/", "gitlab.com/", "bitbucket.org/" };

	for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (str_starts_with(source, prefixes[i]))
			return true;
	return false;
}

bool kcl_source_is_inline(const char *source)
{
	/* As upstream has it: a path begins with '/' or '.', which no program does. */
	return !str_starts_with(source, "oci://") && source[0] != '/' && source[0] != '.' && !is_remote(source);
}

/* oci://HOST/PATH/NAME?tag=TAG, or NAME:TAG, vendored: where kcl would have put it. */
static char *find_vendored(const struct kcl_files *f, const char *reference, struct err *err)
{
	_cleanup_free_ char *path = xstrdup(reference), *tag = NULL;
	char *question = strchr(path, '?'), *name, *colon;
	const char *tag_at = question ? strstr(question, "tag=") : NULL;

	if (tag_at)
		tag = xstrndup(tag_at + 4, strcspn(tag_at + 4, "&"));
	if (question)
		*question = '\0';
	name = strrchr(path, '/');
	colon = name ? strchr(name, ':') : NULL;
	if (colon) {
		free(tag);
		tag = xstrdup(colon + 1);
		*colon = '\0';
	}
	name = name ? name + 1 : path;
	const char *const forms[] = { tag ? "%1$s/%3$s" : "%1$s",
		                          tag ? "%2$s_%3$s" : "%2$s",
		                          tag ? "vendor/%2$s_%3$s" : "vendor/%2$s",
		                          "%1$s",
		                          "%2$s",
		                          "vendor/%2$s" };
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		_cleanup_free_ char *candidate = xasprintf(forms[i], path, name, tag ? tag : "");
		char *found = kcl_files_resolve(f, candidate, NULL);

		if (found && fs_is_dir(found))
			return found;
		free(found);
	}
	err_set(err, ERR_NOT_FOUND,
	        "oci://%s is not vendored here: programs are not fetched from a network; put the module into a folder of "
	        "--root as %s, %s_%s or vendor/%s_%s",
	        reference, path, name, tag ? tag : "VERSION", name, tag ? tag : "VERSION");
	return NULL;
}

char *kcl_source_folder(const struct kcl_files *f, const char *source, struct err *err)
{
	if (is_remote(source)) {
		err_set(err, ERR_INVALID,
		        "%s: programs are not fetched from a network; give them inline, or vendored in a folder of --root",
		        source);
		return NULL;
	}
	const char *reference = str_after(source, "oci://");
	return reference ? find_vendored(f, reference, err) : kcl_files_resolve(f, source, err);
}
