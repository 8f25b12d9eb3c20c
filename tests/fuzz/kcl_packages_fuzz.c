/* KCL programs of many files: the input is a tree of files, each begun by a line "### path", of which the first is the
 * main package. Imports in circles, of what is not there, out of the root and of external packages end as errors. */

#include "lang/kcl/kcl.h"

#include "base/str.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FILES_MAX 32

struct tree {
	struct kcl_source files[FILES_MAX];
	size_t len;
};

static void split(struct tree *t, char *text)
{
	char *at = text;

	while (t->len < FILES_MAX) {
		char *mark = strncmp(at, "### ", 4) == 0 ? at : strstr(at, "\n### "), *end;
		size_t before = mark ? (size_t)(mark - at) : strlen(at);

		if (t->len > 0 || before > 0) {
			struct kcl_source *file = &t->files[t->len > 0 ? t->len - 1 : t->len++];

			if (!file->name)
				file->name = "/main.k";
			file->text = at;
			file->len = before;
		}
		if (!mark || t->len == FILES_MAX)
			return;
		mark += *mark == '\n';
		end = strchrnul(mark, '\n');
		t->files[t->len++].name = mark + 4;
		at = *end ? end + 1 : end;
		*end = '\0';
	}
}

static char **list(void *self, const char *folder)
{
	struct tree *t = self;
	char **names = NULL;
	size_t n = strlen(folder);

	for (size_t i = 0; i < t->len; i++) {
		const char *name = t->files[i].name;

		if (strncmp(name, folder, n) == 0 && ((name[n] == '/' && !strchr(name + n + 1, '/')) || str_eq(name + n, ".k")))
			strv_push(&names, name);
	}
	return names;
}

static struct bytes *read_file(void *self, const char *path, struct err *err)
{
	struct tree *t = self;

	for (size_t i = 0; i < t->len; i++)
		if (str_eq(t->files[i].name, path) && t->files[i].text)
			return bytes_new(t->files[i].text, t->files[i].len);
	err_set(err, ERR_NOT_FOUND, "no such file");
	return NULL;
}

static char *external(void *self, const char *root, const char *package, struct err *err)
{
	(void)self;
	(void)root;
	(void)err;
	return package[0] == 'x' ? xasprintf("/%s", package) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = xstrndup(size ? (const char *)data : "", size);
	struct tree tree = { 0 };
	const struct kcl_loader loader = { .self = &tree, .list = list, .read = read_file, .external = external };
	struct kcl_diagnostics d = { 0 };

	split(&tree, text);
	if (tree.len == 0 || !tree.files[0].text)
		return 0;
	const struct kcl_compile_options options = {
		.sources = tree.files,
		.sources_len = 1,
		.root = "",
		.loader = &loader,
		.limits = { .modules = 100 },
	};
	const struct kcl_eval_options eval = {
		.limits = { .steps = 100000, .memory = (size_t)16 << 20, .depth = 200, .output = 1 << 20 },
	};
	struct kcl_program *p = kcl_compile(&options, &d);

	if ((p == NULL) != (d.errors > 0))
		abort();
	if (p) {
		struct kcl_context *c = kcl_context_new();

		kcl_result_free(kcl_evaluate(p, c, &eval, &d));
		kcl_context_free(c);
	}
	kcl_program_unref(p);
	kcl_diagnostics_clear(&d);
	return 0;
}
