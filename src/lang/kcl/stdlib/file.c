#include "stdlib/library.h"

#include "base/str.h"

/* Everything is done by the caller of the evaluation (kcl_eval_options.files), who may refuse. */

static void error_free(void *p)
{
	err_clear(p);
	free(p);
}

/* One that a failure, which is a jump, does not leak. */
static struct err *new_error(struct kcl_vm *vm)
{
	return kcl_heap_own(kcl_vm_heap(vm), new0(struct err), error_free);
}

static const char *reason(const struct err *err)
{
	return err->message ? err->message : "";
}

/* What the evaluation may do; an error when it may do nothing, or the path is none. */
static const struct kcl_file_access *access_to(struct kcl_vm *vm, const struct kcl_str *path, struct err *err)
{
	const struct kcl_file_access *files = kcl_vm_options(vm)->files;

	if (!files)
		err_set(err, ERR_FORBIDDEN, "this evaluation may touch no files");
	else if (strlen(path->s) != path->len)
		err_set(err, ERR_INVALID, "file name contained an unexpected NUL byte");
	return err_is_set(err) ? NULL : files;
}

/* The result of what has none. */
static struct kcl_value done(struct kcl_vm *vm, struct err *err)
{
	kcl_heap_release(kcl_vm_heap(vm), err);
	return kcl_none();
}

/* ---- contents ---- */

static void release(void *content)
{
	bytes_unref(content);
}

const struct kcl_str *kcl_file_content(struct kcl_vm *vm, const struct kcl_str *path, const char *verb)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct err *err = new_error(vm);
	const struct kcl_file_access *files = access_to(vm, path, err);
	struct bytes *content = files ? files->read(files->self, path->s, err) : NULL;
	uint32_t c;

	if (!content)
		kcl_raise(h, "failed to %s the file '%s': %s", verb, path->s, reason(err));
	kcl_heap_own(h, content, release);
	kcl_steps(h, content->len / 64);
	for (size_t at = 0, n; at < content->len; at += n) {
		n = utf8_next(content->data + at, content->len - at, &c);
		if (n == 0)
			kcl_raise(h, "failed to %s the file '%s': stream did not contain valid UTF-8", verb, path->s);
	}

	const struct kcl_str *text = kcl_str(h, content->data, content->len).str;

	kcl_heap_release(h, content);
	kcl_heap_release(h, err);
	return text;
}

static int write_file(struct kcl_vm *vm, const struct kcl_str *path, const char *text, size_t len, bool append,
                      struct err *err)
{
	const struct kcl_file_access *files = access_to(vm, path, err);

	return files ? files->write(files->self, path->s, text, len, append, err) : -1;
}

void kcl_file_write(struct kcl_vm *vm, const struct kcl_str *path, const char *text, size_t len, const char *verb)
{
	struct err *err = new_error(vm);

	if (write_file(vm, path, text, len, false, err) < 0)
		kcl_raise(kcl_vm_heap(vm), "%s '%s': %s", verb, path->s, reason(err));
	kcl_heap_release(kcl_vm_heap(vm), err);
}

static KCL_BUILTIN(file_write)
{
	const struct kcl_str *path = kcl_arg_need_str(vm, args, 0, "filepath", "write() missing 'filepath' argument");
	const struct kcl_str *content = kcl_arg_need_str(vm, args, 1, "content", "write() missing 'content' argument");

	(void)self;
	kcl_file_write(vm, path, content->s, content->len, "Failed to create file");
	return kcl_none();
}

static KCL_BUILTIN(file_append)
{
	const struct kcl_str *path = kcl_arg_need_str(vm, args, 0, "filepath", "append() requires 'filepath' argument");
	const struct kcl_str *content = kcl_arg_need_str(vm, args, 1, "content", "append() requires 'content' argument");
	struct err *err = new_error(vm);

	(void)self;
	if (write_file(vm, path, content->s, content->len, true, err) < 0)
		kcl_raise(kcl_vm_heap(vm), "Failed to open or create file '%s': %s", path->s, reason(err));
	return done(vm, err);
}

static KCL_BUILTIN(file_read)
{
	(void)self;
	return kcl_str_value(kcl_file_content(
		vm, kcl_arg_need_str(vm, args, 0, "filepath", "read() takes exactly one argument (0 given)"), "access"));
}

/* ---- what is there ---- */

static KCL_BUILTIN(file_exists)
{
	const struct kcl_str *path = kcl_arg_need_str(vm, args, 0, "filepath",
	                                              "read() takes exactly one argument (0 given)");
	struct err *err = new_error(vm);
	const struct kcl_file_access *files = access_to(vm, path, err);
	uint64_t size;

	(void)self;
	bool exists = files && files->size(files->self, path->s, &size, err) == 0;
	kcl_heap_release(kcl_vm_heap(vm), err);
	return kcl_bool(exists);
}

static KCL_BUILTIN(file_size)
{
	const struct kcl_str *path = kcl_arg_need_str(vm, args, 0, "filepath",
	                                              "size() takes exactly one argument (0 given)");
	struct err *err = new_error(vm);
	const struct kcl_file_access *files = access_to(vm, path, err);
	uint64_t size;

	(void)self;
	if (!files || files->size(files->self, path->s, &size, err) < 0)
		kcl_raise(kcl_vm_heap(vm), "failed to get size of '%s': %s", path->s, reason(err));
	kcl_heap_release(kcl_vm_heap(vm), err);
	return kcl_int((int64_t)size);
}

static KCL_BUILTIN(file_abs)
{
	const struct kcl_str *path = kcl_arg_need_str(vm, args, 0, "filepath",
	                                              "read() takes exactly one argument (0 given)");
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct err *err = new_error(vm);
	const struct kcl_file_access *files = access_to(vm, path, err);
	char *absolute = files ? files->absolute(files->self, path->s, err) : NULL;

	(void)self;
	if (!absolute)
		kcl_raise(h, "Could not get the absolute path of %s", path->s);
	kcl_heap_own(h, absolute, free);
	struct kcl_value v = kcl_strz(h, absolute);
	kcl_heap_release(h, absolute);
	kcl_heap_release(h, err);
	return v;
}

static void names_free(void *names)
{
	strv_free(names);
}

static KCL_BUILTIN(file_glob)
{
	const struct kcl_str *pattern = kcl_arg_need_str(vm, args, 0, "pattern",
	                                                 "glob() takes exactly one argument (0 given)");
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct err *err = new_error(vm);
	const struct kcl_file_access *files = access_to(vm, pattern, err);
	char **names = files ? files->glob(files->self, pattern->s, err) : NULL;
	size_t len = strv_len(names);
	struct kcl_value list;

	(void)self;
	if (!names)
		kcl_raise(h, "Failed to read glob pattern: %s", reason(err));
	kcl_heap_own(h, names, names_free);
	kcl_steps(h, len);
	list = kcl_list(h, (uint32_t)len);
	for (size_t i = 0; i < len; i++)
		kcl_list_push(h, list.list, kcl_strz(h, names[i]));
	kcl_heap_release(h, names);
	kcl_heap_release(h, err);
	return list;
}

/* ---- changes ---- */

static KCL_BUILTIN(file_mkdir)
{
	const struct kcl_str *path = kcl_arg_need_str(vm, args, 0, "directory",
	                                              "mkdir() takes exactly one argument (0 given)");
	struct err *err = new_error(vm);
	const struct kcl_file_access *files = access_to(vm, path, err);

	(void)self;
	if ((!files || files->make_folder(files->self, path->s, err) < 0) &&
	    !(err->kind == ERR_ALREADY_EXISTS && kcl_arg_bool(args, 1, "exists", false)))
		kcl_raise(kcl_vm_heap(vm), "Failed to create directory '%s': %s", path->s, reason(err));
	return done(vm, err);
}

static KCL_BUILTIN(file_delete)
{
	const struct kcl_str *path = kcl_arg_need_str(vm, args, 0, "filepath",
	                                              "delete() takes exactly one argument (0 given)");
	struct err *err = new_error(vm);
	const struct kcl_file_access *files = access_to(vm, path, err);

	(void)self;
	if (!files || files->remove(files->self, path->s, err) < 0)
		kcl_raise(kcl_vm_heap(vm), "failed to delete '%s': %s", path->s, reason(err));
	return done(vm, err);
}

static KCL_BUILTIN(file_cp)
{
	const struct kcl_str *from = kcl_arg_need_str(vm, args, 0, "src", "cp() missing 'src_path' argument");
	const struct kcl_str *to = kcl_arg_need_str(vm, args, 1, "dest", "cp() missing 'dest_path' argument");
	struct err *err = new_error(vm);
	const struct kcl_file_access *files = access_to(vm, from, err);

	(void)self;
	if (!files || !access_to(vm, to, err) || files->copy(files->self, from->s, to->s, err) < 0)
		kcl_raise(kcl_vm_heap(vm), "Failed to copy from '%s' to '%s': %s", from->s, to->s, reason(err));
	return done(vm, err);
}

static KCL_BUILTIN(file_mv)
{
	const struct kcl_str *from = kcl_arg_need_str(vm, args, 0, "src", "mv() missing 'src_path' argument");
	const struct kcl_str *to = kcl_arg_need_str(vm, args, 1, "dest", "mv() missing 'dest_path' argument");
	struct err *err = new_error(vm);
	const struct kcl_file_access *files = access_to(vm, from, err);

	(void)self;
	if (!files || !access_to(vm, to, err) || files->move(files->self, from->s, to->s, err) < 0)
		kcl_raise(kcl_vm_heap(vm), "Failed to move '%s' to '%s': %s", from->s, to->s, reason(err));
	return done(vm, err);
}

/* ---- where it runs ---- */

static KCL_BUILTIN(file_modpath)
{
	const struct kcl_file_access *files = kcl_vm_options(vm)->files;

	(void)self;
	(void)args;
	return kcl_strz(kcl_vm_heap(vm), files && files->module_path ? files->module_path : "");
}

static KCL_BUILTIN(file_workdir)
{
	const struct kcl_file_access *files = kcl_vm_options(vm)->files;

	(void)self;
	(void)args;
	return kcl_strz(kcl_vm_heap(vm), files && files->work_dir ? files->work_dir : "");
}

static KCL_BUILTIN(file_current)
{
	(void)self;
	(void)args;
	return kcl_strz(kcl_vm_heap(vm), kcl_vm_file(vm));
}

static KCL_BUILTIN(file_read_env)
{
	const struct kcl_str *key = kcl_arg_need_str(vm, args, 0, "key", "read_env() requires 'key' argument");
	const struct kcl_file_access *files = kcl_vm_options(vm)->files;
	const char *value = files ? files->environment(files->self, key->s) : NULL;
	uint32_t c;

	(void)self;
	for (size_t at = 0, n; value && value[at]; at += n) {
		n = utf8_next(value + at, strlen(value + at), &c);
		if (n == 0)
			return kcl_undefined();
	}
	return value ? kcl_strz(kcl_vm_heap(vm), value) : kcl_undefined();
}

const struct kcl_builtin kcl_file_rows[] = {
	{ "read", "(filepath: str) -> str", file_read, NULL, "The text of a file." },
	{ "glob", "(pattern: str) -> [str]", file_glob, NULL, "The paths that match a pattern of *, ?, [a-z] and **." },
	{ "modpath", "() -> str", file_modpath, NULL, "The folder of kcl.mod." },
	{ "workdir", "() -> str", file_workdir, NULL, "The folder that relative paths begin at." },
	{ "current", "() -> str", file_current, NULL, "The file that this is written in." },
	{ "exists", "(filepath: str) -> bool", file_exists, NULL, "Whether there is a file or folder." },
	{ "abs", "(filepath: str) -> str", file_abs, NULL, "The absolute path, without links." },
	{ "append", "(filepath: str, content: str) -> any", file_append, NULL, "Adds to a file." },
	{ "mkdir", "(directory: str, exists?: bool) -> any", file_mkdir, NULL, "Makes a folder, and those above it." },
	{ "delete", "(filepath: str) -> any", file_delete, NULL, "Removes a file, or an empty folder." },
	{ "cp", "(src: str, dest: str) -> any", file_cp, NULL, "Copies a file, or a folder with all in it." },
	{ "mv", "(src: str, dest: str) -> any", file_mv, NULL, "Moves a file or folder." },
	{ "size", "(filepath: str) -> int", file_size, NULL, "The size of a file in bytes." },
	{ "write", "(filepath: str, content: str) -> any", file_write, NULL, "Writes a file." },
	{ "read_env", "(key: str) -> str", file_read_env, NULL, "A variable of the environment." },
	{ 0 },
};
