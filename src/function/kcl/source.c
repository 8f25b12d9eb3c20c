#include "kcl/kcl_function.h"

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

char *kcl_source_folder(struct kcl_modules *m, const char *source, struct err *err)
{
	if (!is_remote(source))
		return kcl_modules_find(m, source, err);
	err_set(err, ERR_INVALID,
	        "%s: programs are not fetched from a network; give them inline, in a folder of --root, or as oci://… in an "
	        "OCI layout",
	        source);
	return NULL;
}
