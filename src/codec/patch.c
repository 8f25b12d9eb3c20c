#include "codec/patch.h"

#include "base/str.h"
#include "codec/go_json.h"

#include <string.h>

#define TOKENS_MAX 1024
#define MISSING "missing value"

/* One JSON Patch being applied to our own copy of the document. */
struct patcher {
	json_t *doc;
	size_t budget; /* bytes of text that operations may still bring in */
	struct err *err;
	const json_t *operation; /* the one at work */
	const char *path;        /* as it was written */
	char **to;               /* the path's tokens */
};

_printf_(2, 3) static int fail(struct patcher *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_free_ char *what = xvasprintf(fmt, ap);
	va_end(ap);
	return err_set(p->err, ERR_INVALID, "%s", what);
}

/* ---- bounds ---- */

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

/* Whether a value may be put at the path. Values brought in are paid for by their size; one that only moves costs the
 * work of looking at it. */
static int admit(struct patcher *p, const json_t *value, bool moved)
{
	int depth;
	size_t size = measure(value, &depth);
	size_t price = moved ? size / 16 : size;

	if (strv_len(p->to) + (size_t)depth > JSON_DEPTH_MAX)
		return fail(p, "the result would be nested deeper than %d levels", JSON_DEPTH_MAX);
	if (price > p->budget)
		return fail(p, "the result would be larger than %zu bytes", JSON_TEXT_MAX);
	p->budget -= price;
	return 0;
}

/* ---- paths ---- */

/* ~1 and ~0 replaced; any other ~ stands for itself. */
static char *unescape(const char *s, size_t len)
{
	char *token = xmalloc(len + 1), *out = token;

	for (size_t i = 0; i < len; i++) {
		bool escape = s[i] == '~' && i + 1 < len && (s[i + 1] == '0' || s[i + 1] == '1');
		*out++ = !escape ? s[i] : s[i + 1] == '1' ? '/' : '~';
		i += escape;
	}
	*out = '\0';
	return token;
}

/* What stands behind each '/'; whatever is before the first does not matter. NULL: there is none (the whole document).
 */
static char **split(const char *path)
{
	const char *at = strchr(path, '/');
	size_t len = 0, n = 0;

	for (const char *c = at; c; c = strchr(c + 1, '/'))
		len++;
	if (len == 0 || len > TOKENS_MAX)
		return NULL;
	char **tokens = xcalloc(len + 1, sizeof(*tokens));
	while (at) {
		const char *end = strchr(++at, '/');
		tokens[n++] = unescape(at, end ? (size_t)(end - at) : strlen(at));
		at = end;
	}
	return tokens;
}

/* As strconv.Atoi() reads it, counted from the end when negative; false when it is no place below size. */
static bool index_of(const char *token, size_t size, size_t *ret)
{
	const char *digits = token + (*token == '+' || *token == '-');
	int64_t n;

	if (*digits < '0' || *digits > '9' || !str_to_i64(digits, 0, INT64_MAX, &n))
		return false;
	if (*token == '-')
		n = n ? (int64_t)size - n : 0;
	if (n < 0 || (size_t)n >= size)
		return false;
	*ret = (size_t)n;
	return true;
}

/* The object or array that holds the last of the tokens; NULL when there is none. */
static json_t *container(const struct patcher *p, char *const *tokens)
{
	size_t len = strv_len(tokens), index;
	json_t *at = p->doc;

	if (len == 0)
		return NULL;
	for (size_t i = 0; i + 1 < len; i++)
		at = json_is_object(at)                                 ? json_object_get(at, tokens[i])
		     : index_of(tokens[i], json_array_size(at), &index) ? json_array_get(at, index)
		                                                        : NULL;
	return json_is_object(at) || json_is_array(at) ? at : NULL;
}

static const char *last_of(char *const *tokens)
{
	return tokens[strv_len(tokens) - 1];
}

static const char *index_error(const char *token, char text[static 160])
{
	int64_t n;

	if (str_to_i64(token + (*token == '+' || *token == '-'), 0, INT64_MAX, &n))
		snprintf(text, 160, "Unable to access invalid index: %.100s: invalid index referenced", token);
	else
		snprintf(text, 160, "strconv.Atoi: parsing \"%.100s\": invalid syntax", token);
	return text;
}

/* The value under a key, NULL when an object has none; false when it is no index of the array. */
static bool get(const json_t *in, const char *key, json_t **ret)
{
	size_t index;

	if (json_is_object(in)) {
		*ret = json_object_get(in, key);
		return true;
	}
	if (!index_of(key, json_array_size(in), &index))
		return false;
	*ret = json_array_get(in, index);
	return true;
}

/* Takes value. */
static bool add(json_t *in, const char *key, json_t *value)
{
	size_t index;

	if (json_is_object(in))
		return json_object_set_new_nocheck(in, key, value) == 0;
	if (str_eq(key, "-"))
		index = json_array_size(in);
	else if (!index_of(key, json_array_size(in) + 1, &index)) {
		json_decref(value);
		return false;
	}
	return json_array_insert_new(in, index, value) == 0;
}

static int take_out(struct patcher *p, json_t *in, const char *key, const char *what, const char *path)
{
	char text[160];
	size_t index;

	if (json_is_object(in))
		return json_object_del(in, key) == 0
		           ? 0
		           : fail(p, "error in %s for path: '%s': Unable to remove nonexistent key: %s: " MISSING, what, path,
		                  key);
	if (!index_of(key, json_array_size(in), &index))
		return fail(p, "error in %s for path: '%s': %s", what, path, index_error(key, text));
	json_array_remove(in, index);
	return 0;
}

/* ---- operations ---- */

static json_t *new_value(const struct patcher *p)
{
	json_t *value = json_object_get(p->operation, "value");

	return value ? json_clone(value) : json_null();
}

static int do_add(struct patcher *p)
{
	json_t *in = container(p, p->to);
	char text[160];

	if (!in)
		return fail(p, "add operation does not apply: doc is missing path: \"%s\": " MISSING, p->path);
	if (admit(p, json_object_get(p->operation, "value"), false) < 0)
		return -1;
	if (!add(in, last_of(p->to), new_value(p)))
		return fail(p, "error in add for path: '%s': %s", p->path, index_error(last_of(p->to), text));
	return 0;
}

static int do_remove(struct patcher *p)
{
	json_t *in = container(p, p->to);

	if (!in)
		return fail(p, "remove operation does not apply: doc is missing path: \"%s\": " MISSING, p->path);
	return take_out(p, in, last_of(p->to), "remove", p->path);
}

static int replace_document(struct patcher *p)
{
	const json_t *value = json_object_get(p->operation, "value");

	if (!json_is_object(value) && !json_is_array(value))
		return fail(p, "replace operation value must be object or array");
	if (admit(p, value, false) < 0)
		return -1;
	json_decref(p->doc);
	p->doc = json_clone(value);
	return 0;
}

/* A member that is not there is added: only a place in an array must be there. */
static int do_replace(struct patcher *p)
{
	json_t *in = container(p, p->to), *old;
	size_t index;

	if (!*p->path)
		return replace_document(p);
	if (!in)
		return fail(p, "replace operation does not apply: doc is missing path: %s: " MISSING, p->path);
	if (!get(in, last_of(p->to), &old))
		return fail(p, "replace operation does not apply: doc is missing key: %s: " MISSING, p->path);
	if (admit(p, json_object_get(p->operation, "value"), false) < 0)
		return -1;
	if (json_is_object(in))
		json_object_set_new_nocheck(in, last_of(p->to), new_value(p));
	else if (index_of(last_of(p->to), json_array_size(in), &index))
		json_array_set_new(in, index, new_value(p));
	return 0;
}

static int do_move(struct patcher *p)
{
	const char *from = json_get_str(p->operation, "from");
	_cleanup_strv_ char **tokens = from ? split(from) : NULL;
	json_t *in = container(p, tokens), *found = NULL;
	char text[160];

	if (!from)
		return fail(p, "move operation failed to decode from: operation, missing from field: " MISSING);
	if (!in)
		return fail(p, "move operation does not apply: doc is missing from path: %s: " MISSING, from);
	if (!get(in, last_of(tokens), &found))
		return fail(p, "error in move for path: '%s': %s", last_of(tokens), index_error(last_of(tokens), text));
	_cleanup_json_ json_t *value = json_incref(found);
	if (take_out(p, in, last_of(tokens), "move", last_of(tokens)) < 0)
		return -1;
	in = container(p, p->to);
	if (!in)
		return fail(p, "move operation does not apply: doc is missing destination path: %s: " MISSING, p->path);
	if (admit(p, value, true) < 0)
		return -1;
	if (!add(in, last_of(p->to), json_incref(value)))
		return fail(p, "error in move for path: '%s': %s", p->path, index_error(last_of(p->to), text));
	return 0;
}

static int do_copy(struct patcher *p)
{
	const char *from = json_get_str(p->operation, "from");
	_cleanup_strv_ char **tokens = from ? split(from) : NULL;
	json_t *in = container(p, tokens), *found = NULL, *to = container(p, p->to);
	char text[160];

	if (!from)
		return fail(p, "copy operation failed to decode from: operation, missing from field: " MISSING);
	if (!in)
		return fail(p, "copy operation does not apply: doc is missing from path: %s: " MISSING, from);
	if (!get(in, last_of(tokens), &found))
		return fail(p, "error in copy for from: '%s': %s", from, index_error(last_of(tokens), text));
	if (!to)
		return fail(p, "copy operation does not apply: doc is missing destination path: %s: " MISSING, p->path);
	if (admit(p, found, false) < 0)
		return -1;
	if (!add(to, last_of(p->to), found ? json_clone(found) : json_null()))
		return fail(p, "error while adding value during copy: %s", index_error(last_of(p->to), text));
	return 0;
}

/* What is not there equals null. The message does not show the values: they may be secret. */
static int do_test(struct patcher *p)
{
	const json_t *value = json_object_get(p->operation, "value");
	json_t *in = container(p, p->to), *found = p->doc;
	char text[160];

	if (*p->path && !in)
		return fail(p, "test operation does not apply: is missing path: %s: " MISSING, p->path);
	if (*p->path && !get(in, last_of(p->to), &found))
		return fail(p, "error in test for path: '%s': %s", p->path, index_error(last_of(p->to), text));
	bool nothing = !found || json_is_null(found), none = !value || json_is_null(value);
	if (nothing || none ? nothing != none : !json_equal(found, value))
		return fail(p, "testing value %s failed: test failed", p->path);
	return 0;
}

static int apply_operation(struct patcher *p)
{
	static const struct {
		const char *name;
		int (*apply)(struct patcher *p);
	} operations[] = {
		{ "add", do_add },   { "remove", do_remove }, { "replace", do_replace },
		{ "move", do_move }, { "copy", do_copy },     { "test", do_test },
	};
	const char *op = json_get_str(p->operation, "op");

	p->path = json_get_str(p->operation, "path");
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		if (!str_eq(op, operations[i].name))
			continue;
		if (!p->path)
			return fail(p, "%s operation failed to decode path: " MISSING, op);
		_cleanup_strv_ char **tokens = split(p->path);
		p->to = tokens;
		return operations[i].apply(p);
	}
	return fail(p, "Unexpected kind: %s", op ? op : "unknown");
}

/* ---- the whole ---- */

static int check_form(const json_t *patch, struct err *err)
{
	static const char *const texts[] = { "op", "path", "from" };
	size_t i;
	json_t *operation;

	if (!json_is_array(patch) && !json_is_null(patch))
		return err_set(err, ERR_BAD_REQUEST, "json: cannot unmarshal %s into Go value of type []handlers.jsonPatchOp",
		               go_json_type(patch));
	if (json_array_size(patch) > JSON_PATCH_OPS_MAX)
		return err_set(err, ERR_TOO_LARGE,
		               "Request entity is too large: The allowed maximum operations in a JSON patch is %d, got %zu",
		               JSON_PATCH_OPS_MAX, json_array_size(patch));
	json_array_foreach (patch, i, operation) {
		if (!json_is_object(operation) && !json_is_null(operation))
			return err_set(err, ERR_BAD_REQUEST, "json: cannot unmarshal %s into Go value of type handlers.jsonPatchOp",
			               go_json_type(operation));
		for (size_t k = 0; k < ARRAY_SIZE(texts); k++) {
			const json_t *member = json_object_get(operation, texts[k]);
			if (member && !json_is_string(member) && !json_is_null(member))
				return err_set(err, ERR_BAD_REQUEST,
				               "json: cannot unmarshal %s into Go struct field jsonPatchOp.%s of type string",
				               go_json_type(member), texts[k]);
		}
	}
	return 0;
}

json_t *json_patch_apply(const json_t *doc, const json_t *patch, struct err *err)
{
	int depth;
	size_t size, i;
	json_t *operation;

	if (check_form(patch, err) < 0)
		return NULL;
	size = measure(doc, &depth);
	struct patcher p = { .doc = json_clone(doc),
		                 .budget = size < JSON_TEXT_MAX ? JSON_TEXT_MAX - size : 0,
		                 .err = err };
	json_array_foreach (patch, i, operation) {
		p.operation = operation;
		if (apply_operation(&p) < 0) {
			json_decref(p.doc);
			return NULL;
		}
	}
	return p.doc;
}

/* ---- merge patch ---- */

/* A copy without the null members of its objects, also of those in arrays. */
static json_t *without_nulls(const json_t *v)
{
	json_t *members = json_unconst(v), *copy;

	if (json_is_object(v)) {
		copy = json_object();
		for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i))
			if (!json_is_null(json_object_iter_value(i)))
				json_object_set_new_nocheck(copy, json_object_iter_key(i), without_nulls(json_object_iter_value(i)));
		return copy;
	}
	if (!json_is_array(v))
		return json_clone(v);
	copy = json_array();
	for (size_t i = 0; i < json_array_size(v); i++)
		json_array_append_new(copy, without_nulls(json_array_get(v, i)));
	return copy;
}

/* Puts patch over target (an object that is ours alone, or NULL), giving a new reference. */
static json_t *merge(json_t *target, const json_t *patch)
{
	json_t *members = json_unconst(patch);

	if (!json_is_object(target))
		return without_nulls(patch);
	if (!json_is_object(patch))
		return json_clone(patch);
	for (void *i = json_object_iter(members); i; i = json_object_iter_next(members, i)) {
		const char *key = json_object_iter_key(i);
		json_t *value = json_object_iter_value(i);
		if (json_is_null(value))
			json_object_del(target, key);
		else
			json_object_set_new_nocheck(target, key, merge(json_object_get(target, key), value));
	}
	return json_incref(target);
}

json_t *json_merge_patch_apply(const json_t *doc, const json_t *patch)
{
	_cleanup_json_ json_t *copy = json_is_object(doc) && json_is_object(patch) ? json_clone(doc) : NULL;

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
