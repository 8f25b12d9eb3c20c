#include "codec/patch.h"

#include "base/str.h"
#include "codec/pointer.h"

/* One JSON Patch being applied to our own copy of the document. */
struct patcher {
	json_t *doc;
	size_t budget; /* bytes of text that operations may still bring in */
	struct err *err;
	/* the operation at work */
	size_t index;
	const char *op, *path;
	const json_t *operation;
};

_printf_(3, 4) static int fail(struct patcher *p, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *what = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(p->err, kind, "JSON patch: operation %zu (%s \"%.200s\"): %s", p->index, p->op, p->path, what);
}

/* Roughly the length of the value's text, and how deeply it nests (a scalar: 0). */
static size_t measure(const json_t *v, int *ret_depth)
{
	size_t size = 8;
	int depth = 0, inner;
	if (json_is_object(v)) {
		json_t *object = json_unconst(v);
		for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
			size += json_object_iter_key_len(i) + 4 + measure(json_object_iter_value(i), &inner);
			depth = inner + 1 > depth ? inner + 1 : depth;
		}
		depth = depth ? depth : 1;
	} else if (json_is_array(v)) {
		for (size_t i = 0; i < json_array_size(v); i++) {
			size += measure(json_array_get(v, i), &inner);
			depth = inner + 1 > depth ? inner + 1 : depth;
		}
		depth = depth ? depth : 1;
	} else if (json_is_string(v)) {
		size += json_string_length(v);
	}
	*ret_depth = depth;
	return size;
}

/* Whether a value may be put at a path of that many tokens. Values brought in are paid for by their size; one that only
 * moves costs the work of looking at it. */
static int admit(struct patcher *p, const json_t *value, size_t tokens, bool moved)
{
	int depth;
	size_t size = measure(value, &depth);
	size_t price = moved ? size / 16 : size;
	if (tokens + (size_t)depth > JSON_DEPTH_MAX)
		return fail(p, ERR_INVALID, "the result would be nested deeper than %d levels", JSON_DEPTH_MAX);
	if (price > p->budget)
		return fail(p, ERR_INVALID, "the result would be larger than %zu bytes", JSON_TEXT_MAX);
	p->budget -= price;
	return 0;
}

/* A member of the operation that must be a JSON pointer. */
static char **operation_pointer(struct patcher *p, const char *member)
{
	const char *text = json_get_str(p->operation, member);
	char **tokens = text ? json_pointer_split(text) : NULL;
	if (!text)
		fail(p, ERR_BAD_REQUEST, "\"%s\" is missing or no string", member);
	else if (!tokens)
		fail(p, ERR_BAD_REQUEST, "\"%s\" is no valid JSON pointer: \"%.200s\"", member, text);
	return tokens;
}

static json_t *operation_value(struct patcher *p)
{
	json_t *value = json_object_get(p->operation, "value");
	if (!value)
		fail(p, ERR_BAD_REQUEST, "\"value\" is missing");
	return value;
}

static json_t *child(const json_t *v, const char *token)
{
	size_t index;
	if (json_is_object(v))
		return json_object_get(v, token);
	return json_pointer_index(token, json_array_size(v), &index) ? json_array_get(v, index) : NULL;
}

/* The value at the first n tokens, which must exist. */
static json_t *find(struct patcher *p, char **tokens, size_t n)
{
	json_t *at = p->doc;
	for (size_t i = 0; i < n; i++) {
		json_t *next = child(at, tokens[i]);
		if (!next) {
			if (json_is_array(at))
				fail(p, ERR_INVALID, "there is no element \"%.100s\" in the array of %zu", tokens[i],
				     json_array_size(at));
			else if (json_is_object(at))
				fail(p, ERR_INVALID, "there is no member \"%.100s\"", tokens[i]);
			else
				fail(p, ERR_INVALID, "\"%.100s\" is looked for in a value that is neither object nor array", tokens[i]);
			return NULL;
		}
		at = next;
	}
	return at;
}

/* Inserts or replaces as "add" does; steals value. */
static int put_new(struct patcher *p, char **tokens, json_t *value)
{
	_cleanup_json_ json_t *mine = value;
	size_t n = strv_len(tokens), index;
	if (n == 0) {
		json_decref(p->doc);
		p->doc = TAKE_PTR(mine);
		return 0;
	}
	json_t *parent = find(p, tokens, n - 1);
	const char *last = tokens[n - 1];
	if (!parent)
		return -1;
	if (json_is_object(parent)) {
		json_object_set_nocheck(parent, last, mine);
		return 0;
	}
	if (!json_is_array(parent))
		return fail(p, ERR_INVALID, "the parent is neither object nor array");
	if (str_eq(last, "-"))
		index = json_array_size(parent);
	else if (!json_pointer_index(last, json_array_size(parent) + 1, &index))
		return fail(p, ERR_INVALID, "\"%.100s\" is no place in the array of %zu", last, json_array_size(parent));
	json_array_insert(parent, index, mine);
	return 0;
}

/* Takes out the value, which must exist. */
static json_t *take(struct patcher *p, char **tokens)
{
	size_t n = strv_len(tokens), index;
	if (n == 0)
		return fail(p, ERR_INVALID, "the whole document cannot be removed"), NULL;
	json_t *v = find(p, tokens, n);
	if (!v)
		return NULL;
	json_incref(v);
	json_t *parent = find(p, tokens, n - 1);
	if (json_is_object(parent))
		json_object_del(parent, tokens[n - 1]);
	else if (json_pointer_index(tokens[n - 1], json_array_size(parent), &index))
		json_array_remove(parent, index);
	return v;
}

static int do_add(struct patcher *p, char **path)
{
	json_t *value = operation_value(p);
	if (!value || admit(p, value, strv_len(path), false) < 0)
		return -1;
	return put_new(p, path, json_clone(value));
}

static int do_remove(struct patcher *p, char **path)
{
	json_t *old = take(p, path);
	json_decref(old);
	return old ? 0 : -1;
}

static int do_replace(struct patcher *p, char **path)
{
	json_t *value = operation_value(p);
	size_t n = strv_len(path), index;
	if (!value || !find(p, path, n) || admit(p, value, n, false) < 0)
		return -1;
	json_t *parent = n ? find(p, path, n - 1) : NULL;
	if (json_is_array(parent) && json_pointer_index(path[n - 1], json_array_size(parent), &index)) {
		json_array_set_new(parent, index, json_clone(value));
		return 0;
	}
	return put_new(p, path, json_clone(value));
}

static int do_move(struct patcher *p, char **path)
{
	_cleanup_strv_ char **from = operation_pointer(p, "from");
	if (!from)
		return -1;
	size_t from_n = strv_len(from), path_n = strv_len(path), common = 0;
	while (common < from_n && common < path_n && str_eq(from[common], path[common]))
		common++;
	json_t *v = find(p, from, from_n);
	if (!v)
		return -1;
	if (common == from_n && from_n == path_n)
		return 0;
	if (common == from_n)
		return fail(p, ERR_INVALID, "\"from\" is the parent of \"path\": a value cannot move into itself");
	if (path_n > from_n && admit(p, v, path_n, true) < 0)
		return -1;
	v = take(p, from);
	return v ? put_new(p, path, v) : -1;
}

static int do_copy(struct patcher *p, char **path)
{
	_cleanup_strv_ char **from = operation_pointer(p, "from");
	json_t *v = from ? find(p, from, strv_len(from)) : NULL;
	if (!v || admit(p, v, strv_len(path), false) < 0)
		return -1;
	return put_new(p, path, json_clone(v));
}

/* The message does not show the values: they may be secret. */
static int do_test(struct patcher *p, char **path)
{
	json_t *value = operation_value(p), *found = value ? find(p, path, strv_len(path)) : NULL;
	if (!found)
		return -1;
	if (!json_same(found, value))
		return fail(p, ERR_INVALID, "the test failed: the value there is another");
	return 0;
}

static int apply_operation(struct patcher *p)
{
	static const struct {
		const char *name;
		int (*apply)(struct patcher *, char **path);
	} operations[] = {
		{ "add", do_add },   { "remove", do_remove }, { "replace", do_replace },
		{ "move", do_move }, { "copy", do_copy },     { "test", do_test },
	};
	p->op = "?";
	p->path = "";
	if (!json_is_object(p->operation))
		return fail(p, ERR_BAD_REQUEST, "an operation must be an object");
	const char *op = json_get_str(p->operation, "op"), *path = json_get_str(p->operation, "path");
	p->path = path ? path : "";
	if (!op)
		return fail(p, ERR_BAD_REQUEST, "\"op\" is missing or no string");
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		if (!str_eq(op, operations[i].name))
			continue;
		p->op = operations[i].name;
		_cleanup_strv_ char **tokens = operation_pointer(p, "path");
		return tokens ? operations[i].apply(p, tokens) : -1;
	}
	return fail(p, ERR_BAD_REQUEST, "\"%.40s\" is no operation: use add, remove, replace, move, copy or test", op);
}

json_t *json_patch_apply(const json_t *doc, const json_t *patch, struct err *err)
{
	if (!json_is_array(patch))
		return err_set(err, ERR_BAD_REQUEST, "JSON patch: it must be an array of operations"), NULL;
	if (json_array_size(patch) > JSON_PATCH_OPS_MAX)
		return err_set(err, ERR_BAD_REQUEST, "JSON patch: it has %zu operations; at most %d are allowed",
		               json_array_size(patch), JSON_PATCH_OPS_MAX),
		       NULL;
	int depth;
	size_t size = measure(doc, &depth);
	struct patcher p = { .doc = json_clone(doc),
		                 .budget = size < JSON_TEXT_MAX ? JSON_TEXT_MAX - size : 0,
		                 .err = err };
	for (p.index = 0; p.index < json_array_size(patch); p.index++) {
		p.operation = json_array_get(patch, p.index);
		if (apply_operation(&p) < 0) {
			json_decref(p.doc);
			return NULL;
		}
	}
	return p.doc;
}

/* Puts patch over target (an object that is ours alone, or NULL), giving a new reference. */
static json_t *merge(json_t *target, const json_t *patch)
{
	if (!json_is_object(patch))
		return json_clone(patch);
	json_t *result = json_is_object(target) ? json_incref(target) : json_object();
	json_t *members = json_unconst(patch);
	for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i)) {
		const char *key = json_object_iter_key(i);
		json_t *value = json_object_iter_value(i);
		if (json_is_null(value))
			json_object_del(result, key);
		else
			json_object_set_new_nocheck(result, key, merge(json_object_get(result, key), value));
	}
	return result;
}

json_t *json_merge_patch_apply(const json_t *doc, const json_t *patch)
{
	_cleanup_json_ json_t *copy = json_is_object(patch) ? json_clone(doc) : NULL;
	return merge(copy, patch);
}

json_t *json_merge_patch_diff(const json_t *from, const json_t *to)
{
	if (!json_is_object(from) || !json_is_object(to))
		return json_clone(to);
	json_t *diff = json_object(), *before = json_unconst(from), *after = json_unconst(to);
	for (void *i = json_object_iter(before); i; i = json_object_iter_next(before, i))
		if (!json_object_get(to, json_object_iter_key(i)))
			json_object_set_new_nocheck(diff, json_object_iter_key(i), json_null());
	for (void *i = json_object_iter(after); i; i = json_object_iter_next(after, i)) {
		const char *key = json_object_iter_key(i);
		json_t *value = json_object_iter_value(i), *old = json_object_get(from, key);
		if (!json_same(old, value))
			json_object_set_new_nocheck(diff, key, json_merge_patch_diff(old, value));
	}
	return diff;
}
