#include "kcl/kcl_function.h"

#include "base/str.h"
#include "field_path.h"

#define PATH_MAX_LEN ((size_t)64 * 1024)

struct setter {
	json_t *object;
	bool keep_names;
	struct buf path;
	struct err *err;
};

static int set_value(struct setter *s, const json_t *data);

static int set_leaf(struct setter *s, const json_t *data)
{
	static const char *const names[] = { "apiVersion", "kind", "metadata.name", NULL };
	const char *path = buf_str(&s->path);
	_cleanup_err_ struct err failed = { 0 };

	path += path[0] == '.';
	if (s->path.failed)
		return err_set(s->err, ERR_TOO_LARGE, "a field path is longer than %zu bytes", PATH_MAX_LEN);
	if (s->keep_names && str_in(path, names))
		return 0;
	if (field_path_set(s->object, path, json_unconst(data), &failed) == 0)
		return 0;
	err_wrap(&failed, "setting %s in dxr failed", path);
	err_move(s->err, &failed);
	return -1;
}

/* Back to the path of the parent. */
static void cut(struct setter *s, size_t len)
{
	s->path.len = len;
	if (s->path.data)
		s->path.data[len] = '\0';
}

static int set_members(struct setter *s, const json_t *data)
{
	const char *path = buf_str(&s->path), *key;
	/* Keys of these may hold points. */
	bool in_brackets = str_ends_with(path, ".metadata.annotations") || str_ends_with(path, ".metadata.labels");
	size_t len = s->path.len;
	json_t *value;

	json_object_foreach (json_unconst(data), key, value) {
		buf_printf(&s->path, in_brackets ? "[%s]" : ".%s", key);
		if (set_value(s, value) < 0)
			return -1;
		cut(s, len);
	}
	return 0;
}

static int set_elements(struct setter *s, const json_t *data)
{
	size_t len = s->path.len, i;
	json_t *value;

	json_array_foreach (data, i, value) {
		buf_printf(&s->path, "[%zu]", i);
		if (set_value(s, value) < 0)
			return -1;
		cut(s, len);
	}
	return 0;
}

static int set_value(struct setter *s, const json_t *data)
{
	if (json_is_object(data))
		return set_members(s, data);
	return json_is_array(data) ? set_elements(s, data) : set_leaf(s, data);
}

int kcl_set_data(json_t *object, const json_t *data, bool keep_names, struct err *err)
{
	struct setter s = { .object = object, .keep_names = keep_names, .path = BUF_INIT(PATH_MAX_LEN), .err = err };
	int r = set_value(&s, data);

	buf_clear(&s.path);
	return r;
}
