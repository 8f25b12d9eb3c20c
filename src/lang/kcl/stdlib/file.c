#include "stdlib/library.h"

#include "base/str.h"

/* All that is read and written is so by the caller of the evaluation (kcl_eval_options.files), who may refuse. What it
 * has no call for, listing and moving, is refused here. */

struct reading {
	struct bytes *content;
	struct err error;
};

static void reading_free(void *p)
{
	struct reading *r = p;

	bytes_unref(r->content);
	err_clear(&r->error);
	free(r);
}

/* NULL when it cannot be read. */
static struct reading *try_read(struct kcl_vm *vm, const struct kcl_str *path)
{
	const struct kcl_loader *files = kcl_vm_options(vm)->files;
	struct reading *r = new0(struct reading);

	kcl_heap_own(kcl_vm_heap(vm), r, reading_free);
	if (files && files->read)
		r->content = files->read(files->self, path->s, &r->error);
	else
		err_set(&r->error, ERR_FORBIDDEN, "this evaluation may read no files");
	return r;
}

const struct kcl_str *kcl_file_content(struct kcl_vm *vm, const struct kcl_str *path, const char *verb)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct reading *r = try_read(vm, path);
	uint32_t c;

	if (!r->content)
		kcl_raise(h, "failed to %s the file '%s': %s", verb, path->s, r->error.message ? r->error.message : "");

	const char *s = (const char *)r->content->data;
	size_t len = r->content->len;

	kcl_steps(h, len / 64);
	for (size_t at = 0, n; at < len; at += n) {
		n = utf8_next(s + at, len - at, &c);
		if (n == 0 || c == 0)
			kcl_raise(h, "failed to %s the file '%s': it holds no text in UTF-8", verb, path->s);
	}

	const struct kcl_str *text = kcl_str(h, s, len).str;

	kcl_heap_release(h, r);
	return text;
}

static void error_free(void *p)
{
	err_clear(p);
	free(p);
}

void kcl_file_write(struct kcl_vm *vm, const struct kcl_str *path, const char *text, size_t len, const char *verb)
{
	const struct kcl_loader *files = kcl_vm_options(vm)->files;
	struct err *err = kcl_heap_own(kcl_vm_heap(vm), new0(struct err), error_free);
	bool may_write = files && files->write;

	if (!may_write || files->write(files->self, path->s, text, len, err) < 0)
		kcl_raise(kcl_vm_heap(vm), "%s '%s': %s", verb, path->s,
		          !may_write     ? "this evaluation may write no files"
		          : err->message ? err->message
		                         : "");
	kcl_heap_release(kcl_vm_heap(vm), err);
}

static KCL_BUILTIN(file_write)
{
	const struct kcl_str *path = kcl_arg_need_str(vm, args, 0, "filepath", "write() missing 'filepath' argument");
	const struct kcl_str *content = kcl_arg_need_str(vm, args, 1, "content", "write() missing 'content' argument");

	(void)self;
	kcl_file_write(vm, path, content->s, content->len, "Failed to write to");
	return kcl_none();
}

static KCL_BUILTIN(file_append)
{
	const struct kcl_str *path = kcl_arg_need_str(vm, args, 0, "filepath", "append() requires 'filepath' argument");
	const struct kcl_str *content = kcl_arg_need_str(vm, args, 1, "content", "append() requires 'content' argument");
	struct reading *r = try_read(vm, path);
	struct kcl_text t = { .h = kcl_vm_heap(vm) };

	(void)self;
	if (r->content)
		kcl_text_put(&t, r->content->data, r->content->len);
	kcl_heap_release(t.h, r);
	kcl_text_put_str(&t, content);
	kcl_file_write(vm, path, t.data ? t.data : "", t.len, "Failed to append to file");
	return kcl_none();
}

static KCL_BUILTIN(file_read)
{
	(void)self;
	return kcl_str_value(kcl_file_content(
		vm, kcl_arg_need_str(vm, args, 0, "filepath", "read() takes exactly one argument (0 given)"), "access"));
}

static KCL_BUILTIN(file_exists)
{
	const struct kcl_str *path = kcl_arg_need_str(vm, args, 0, "filepath",
	                                              "read() takes exactly one argument (0 given)");

	(void)self;
	return kcl_bool(try_read(vm, path)->content != NULL);
}

static KCL_BUILTIN(file_size)
{
	const struct kcl_str *path = kcl_arg_need_str(vm, args, 0, "filepath",
	                                              "size() takes exactly one argument (0 given)");
	struct reading *r = try_read(vm, path);

	(void)self;
	if (!r->content)
		kcl_raise(kcl_vm_heap(vm), "failed to get size of '%s': %s", path->s, r->error.message ? r->error.message : "");
	return kcl_int((int64_t)r->content->len);
}

/* Only a path that is absolute already: where relative ones begin is the caller's to know. */
static KCL_BUILTIN(file_abs)
{
	const struct kcl_str *path = kcl_arg_need_str(vm, args, 0, "filepath",
	                                              "read() takes exactly one argument (0 given)");

	(void)self;
	if (path->s[0] != '/')
		kcl_raise(kcl_vm_heap(vm), "Could not get the absolute path of %s", path->s);
	return kcl_str_value(path);
}

static KCL_BUILTIN(file_nowhere)
{
	(void)self;
	(void)args;
	return kcl_str(kcl_vm_heap(vm), "", 0);
}

static KCL_BUILTIN(file_read_env)
{
	(void)vm;
	(void)self;
	(void)args;
	return kcl_undefined();
}

static KCL_BUILTIN(file_forbidden)
{
	(void)self;
	(void)args;
	kcl_raise(kcl_vm_heap(vm), "this evaluation may neither list nor change files");
}

const struct kcl_builtin kcl_file_rows[] = {
	{ "read", "(filepath: str) -> str", file_read, NULL, "The text of a file." },
	{ "glob", "(pattern: str) -> [str]", file_forbidden, NULL, "Not allowed here." },
	{ "modpath", "() -> str", file_nowhere, NULL, "Empty: an evaluation has no folder." },
	{ "workdir", "() -> str", file_nowhere, NULL, "Empty: an evaluation has no folder." },
	{ "current", "() -> str", file_nowhere, NULL, "Empty: an evaluation has no folder." },
	{ "exists", "(filepath: str) -> bool", file_exists, NULL, "Whether a file can be read." },
	{ "abs", "(filepath: str) -> str", file_abs, NULL, "The absolute path." },
	{ "append", "(filepath: str, content: str) -> any", file_append, NULL, "Adds to a file." },
	{ "mkdir", "(directory: str, exists?: bool) -> any", file_forbidden, NULL, "Not allowed here." },
	{ "delete", "(filepath: str) -> any", file_forbidden, NULL, "Not allowed here." },
	{ "cp", "(src: str, dest: str) -> any", file_forbidden, NULL, "Not allowed here." },
	{ "mv", "(src: str, dest: str) -> any", file_forbidden, NULL, "Not allowed here." },
	{ "size", "(filepath: str) -> int", file_size, NULL, "The size of a file in bytes." },
	{ "write", "(filepath: str, content: str) -> any", file_write, NULL, "Writes a file." },
	{ "read_env", "(key: str) -> str", file_read_env, NULL, "Undefined: an evaluation has no environment." },
	{ 0 },
};
