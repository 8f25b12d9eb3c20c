#include "roots.h"

#include "base/mem.h"
#include "base/str.h"

#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

void kcl_roots_open(struct kcl_roots *r, const char *const *paths)
{
	size_t len = 0;

	*r = (struct kcl_roots){ .is_confined = paths != NULL };
	for (; paths && *paths; paths++) {
		char real[PATH_MAX];
		int fd = realpath(*paths, real) ? open(real, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

		if (fd < 0)
			continue;
		strv_push(&r->paths, real);
		r->folders = xreallocarray(r->folders, len + 1, sizeof(*r->folders));
		r->folders[len++] = fd;
	}
}

void kcl_roots_close(struct kcl_roots *r)
{
	for (size_t i = 0; i < strv_len(r->paths); i++)
		close(r->folders[i]);
	free(r->folders);
	strv_free(r->paths);
	*r = (struct kcl_roots){ 0 };
}

const char *kcl_roots_below(const struct kcl_roots *r, size_t i, const char *path)
{
	const char *root = r->paths[i], *rest = str_eq(root, "/") ? path : str_after(path, root);

	return rest && (*rest == '\0' || *rest == '/') ? rest + (*rest == '/') : NULL;
}
