#include "base/str.h"
#include "codec/go_format.h"
#include "kube/label_fault.h"
#include "kube/object.h"
#include "selector_internal.h"

struct kube_selector *kube_selector_free(struct kube_selector *s)
{
	if (!s)
		return NULL;
	for (size_t i = 0; i < s->len; i++) {
		free(s->list[i].key);
		strv_free(s->list[i].values);
	}
	free(s->list);
	free(s);
	return NULL;
}

struct selector_requirement *selector_add(struct kube_selector *s, const char *key, size_t key_len, enum selector_op op)
{
	s->list = xreallocarray(s->list, s->len + 1, sizeof(*s->list));
	struct selector_requirement *r = &s->list[s->len++];
	*r = (struct selector_requirement){ .key = xstrndup(key, key_len), .op = op };
	return r;
}

void selector_add_value(struct kube_selector *s, struct selector_requirement *r, const char *text, size_t len)
{
	_cleanup_free_ char *value = xstrndup(text, len);

	if (!r->values || !str_in(value, (const char *const *)r->values)) {
		strv_push(&r->values, value);
		s->values_len++;
	}
}

int selector_check_limits(const struct kube_selector *s, struct err *err)
{
	if (s->len > SELECTOR_REQUIREMENTS_MAX)
		return err_set(err, ERR_BAD_REQUEST, "selector: more than %d requirements", SELECTOR_REQUIREMENTS_MAX);
	if (s->values_len > SELECTOR_VALUES_MAX)
		return err_set(err, ERR_BAD_REQUEST, "selector: more than %d values", SELECTOR_VALUES_MAX);
	return 0;
}

int selector_check_text(const char *text, struct err *err)
{
	if (strnlen(text, SELECTOR_TEXT_MAX + 1) > SELECTOR_TEXT_MAX)
		return err_set(err, ERR_BAD_REQUEST, "selector: longer than %zu bytes", SELECTOR_TEXT_MAX);
	return 0;
}

/* One wrong part of a requirement, behind what is there already. */
static void add_fault(struct buf *out, const char *path, const char *value, const char *fault)
{
	buf_printf(out, "%s%s: Invalid value: ", out->len ? ", " : "", path);
	go_quote(value, strlen(value), SELECTOR_TEXT_MAX, out);
	buf_printf(out, ": %s", fault);
}

int selector_check_requirement(struct selector_requirement *r, struct err *err)
{
	_cleanup_strv_ char **key_faults = kube_label_key_faults(r->key);
	_cleanup_free_ char *key_fault = key_faults ? strv_join(key_faults, "; ") : NULL;
	_cleanup_buf_ struct buf faults = BUF_INIT(SELECTOR_TEXT_MAX * 4);
	size_t count = 0;

	if (key_fault) {
		add_fault(&faults, "key", r->key, key_fault);
		count++;
	}
	if ((r->op == OP_GREATER || r->op == OP_LESS) && !str_to_i64(r->values[0], INT64_MIN, INT64_MAX, &r->number)) {
		add_fault(&faults, "values[0]", r->values[0], "for 'Gt', 'Lt' operators, the value must be an integer");
		count++;
	}
	for (size_t i = 0; r->values && r->values[i]; i++) {
		_cleanup_strv_ char **found = kube_label_value_faults(r->values[i]);
		_cleanup_free_ char *fault = found ? strv_join(found, "; ") : NULL;
		_cleanup_free_ char *path = xasprintf("values[%zu][%s]", i, r->key);
		if (!fault)
			continue;
		add_fault(&faults, path, r->values[i], fault);
		count++;
	}
	if (count == 0)
		return 0;
	return err_set(err, ERR_BAD_REQUEST, count > 1 ? "[%s]" : "%s", buf_str(&faults));
}

/* ---- metav1.LabelSelector ---- */

static int add_match_labels(struct kube_selector *s, const json_t *v, struct err *err)
{
	const json_t *labels = json_object_get(v, "matchLabels");
	if (labels && !json_is_object(labels) && !json_is_null(labels))
		return err_set(err, ERR_BAD_REQUEST, "label selector: matchLabels must be an object");
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)(uintptr_t)labels, key, value) {
		if (!json_is_string(value))
			return err_set(err, ERR_BAD_REQUEST, "label selector: matchLabels.%s must be a string", key);
		struct selector_requirement *r = selector_add(s, key, strlen(key), OP_IN);
		selector_add_value(s, r, json_string_value(value), json_string_length(value));
		if (selector_check_requirement(r, err) < 0 || selector_check_limits(s, err) < 0)
			return -1;
	}
	return 0;
}

static int add_expression(struct kube_selector *s, const json_t *expression, struct err *err)
{
	static const struct {
		const char *name;
		enum selector_op op;
	} operators[] = {
		{ "In", OP_IN }, { "NotIn", OP_NOT_IN }, { "Exists", OP_EXISTS }, { "DoesNotExist", OP_NOT_EXISTS }
	};

	const char *key = json_get_str(expression, "key"), *name = json_get_str(expression, "operator");
	if (!key || !name)
		return err_set(err, ERR_BAD_REQUEST, "label selector: an expression needs key and operator");
	size_t o = 0;
	while (o < ARRAY_SIZE(operators) && !str_eq(operators[o].name, name))
		o++;
	if (o == ARRAY_SIZE(operators))
		return err_set(err, ERR_BAD_REQUEST,
		               "label selector: '%s' is no operator; use In, NotIn, Exists or DoesNotExist", name);
	struct selector_requirement *r = selector_add(s, key, strlen(key), operators[o].op);
	const json_t *values = json_object_get(expression, "values");
	bool wants_values = r->op == OP_IN || r->op == OP_NOT_IN;
	if (wants_values != (json_array_size(values) > 0))
		return err_set(err, ERR_BAD_REQUEST, "label selector: operator %s for key '%s' %s", name, key,
		               wants_values ? "needs values" : "takes no values");
	size_t i;
	json_t *value;
	json_array_foreach (values, i, value) {
		if (!json_is_string(value))
			return err_set(err, ERR_BAD_REQUEST, "label selector: values of key '%s' must be strings", key);
		selector_add_value(s, r, json_string_value(value), json_string_length(value));
		if (selector_check_limits(s, err) < 0)
			return -1;
	}
	if (selector_check_requirement(r, err) < 0)
		return -1;
	return selector_check_limits(s, err);
}

struct kube_selector *kube_selector_from_json(const json_t *v, struct err *err)
{
	_cleanup_(kube_selector_freep) struct kube_selector *s = new0(struct kube_selector);
	if (!v || json_is_null(v)) {
		s->nothing = true;
		return TAKE_PTR(s);
	}
	if (!json_is_object(v)) {
		err_set(err, ERR_BAD_REQUEST, "label selector: must be an object with matchLabels and matchExpressions");
		return NULL;
	}
	if (add_match_labels(s, v, err) < 0)
		return NULL;
	const json_t *expressions = json_object_get(v, "matchExpressions");
	if (expressions && !json_is_array(expressions) && !json_is_null(expressions)) {
		err_set(err, ERR_BAD_REQUEST, "label selector: matchExpressions must be an array");
		return NULL;
	}
	size_t i;
	json_t *expression;
	json_array_foreach (expressions, i, expression) {
		if (add_expression(s, expression, err) < 0)
			return NULL;
	}
	return TAKE_PTR(s);
}

/* ---- matching ---- */

bool kube_selector_is_empty(const struct kube_selector *s)
{
	return !s || (s->len == 0 && !s->nothing);
}

static bool requirement_matches(const struct selector_requirement *r, const char *value)
{
	int64_t number;
	switch (r->op) {
	case OP_IN:
		return value && str_in(value, (const char *const *)r->values);
	case OP_NOT_IN:
		return !value || !str_in(value, (const char *const *)r->values);
	case OP_EXISTS:
		return value;
	case OP_NOT_EXISTS:
		return !value;
	case OP_GREATER:
		return value && str_to_i64(value, INT64_MIN, INT64_MAX, &number) && number > r->number;
	case OP_LESS:
		return value && str_to_i64(value, INT64_MIN, INT64_MAX, &number) && number < r->number;
	}
	return false;
}

bool kube_selector_matches(const struct kube_selector *s, const char *(*lookup)(const void *self, const char *name),
                           const void *self)
{
	if (!s)
		return true;
	if (s->nothing)
		return false;
	for (size_t i = 0; i < s->len; i++) {
		const char *value = lookup(self, s->list[i].key);
		if (!value && s->fields)
			value = "";
		if (!requirement_matches(&s->list[i], value))
			return false;
	}
	return true;
}

static const char *lookup_label(const void *obj, const char *name)
{
	return kube_label(obj, name);
}

bool kube_selector_matches_labels(const struct kube_selector *s, const json_t *obj)
{
	return kube_selector_matches(s, lookup_label, obj);
}

bool kube_selector_requirement(const struct kube_selector *s, size_t i, const char **ret_key, const char **ret_equals)
{
	if (!s || i >= s->len)
		return false;
	const struct selector_requirement *r = &s->list[i];
	*ret_key = r->key;
	*ret_equals = r->op == OP_IN && strv_len(r->values) == 1 ? r->values[0] : NULL;
	return true;
}
