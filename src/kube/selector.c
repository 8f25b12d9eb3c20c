#include "kube/selector.h"

#include "base/str.h"
#include "kube/object.h"

#define SELECTOR_TEXT_MAX ((size_t)(64 * 1024))
#define SELECTOR_REQUIREMENTS_MAX 1000
#define SELECTOR_VALUES_MAX 10000

enum op { OP_IN, OP_NOT_IN, OP_EXISTS, OP_NOT_EXISTS, OP_GREATER, OP_LESS };

struct requirement {
	char *key;
	enum op op;
	char **values;
	int64_t number; /* for OP_GREATER, OP_LESS */
};

struct kube_selector {
	struct requirement *list;
	size_t len, values_len;
	bool fields;  /* an absent field equals "" */
	bool nothing; /* made from a null LabelSelector, which selects no object */
};

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

static struct requirement *selector_add(struct kube_selector *s, const char *key, size_t key_len, enum op op)
{
	s->list = xreallocarray(s->list, s->len + 1, sizeof(*s->list));
	struct requirement *r = &s->list[s->len++];
	*r = (struct requirement){ .key = xstrndup(key, key_len), .op = op };
	return r;
}

static int check_limits(const struct kube_selector *s, struct err *err)
{
	if (s->len > SELECTOR_REQUIREMENTS_MAX)
		return err_set(err, ERR_BAD_REQUEST, "selector: more than %d requirements", SELECTOR_REQUIREMENTS_MAX);
	if (s->values_len > SELECTOR_VALUES_MAX)
		return err_set(err, ERR_BAD_REQUEST, "selector: more than %d values", SELECTOR_VALUES_MAX);
	return 0;
}

/* Labels: the key and the values must be ones that an object may have, so that a typing error does not select nothing.
 */
static int check_requirement(struct requirement *r, struct err *err)
{
	if (!kube_is_qualified_name(r->key))
		return err_set(err, ERR_BAD_REQUEST,
		               "selector: '%s' is no label key: a key is [prefix/]name of letters, digits, '-', '_', '.', at "
		               "most 63 characters",
		               r->key);
	for (size_t i = 0; r->values && r->values[i]; i++) {
		if (!kube_is_label_value(r->values[i]))
			return err_set(
				err, ERR_BAD_REQUEST,
				"selector: '%s' is no label value (key '%s'): letters, digits, '-', '_', '.', at most 63 characters",
				r->values[i], r->key);
	}
	if ((r->op == OP_GREATER || r->op == OP_LESS) && !str_to_i64(r->values[0], INT64_MIN, INT64_MAX, &r->number))
		return err_set(err, ERR_BAD_REQUEST, "selector: '%s' must be compared with a whole number, not '%s'", r->key,
		               r->values[0]);
	return 0;
}

/* ---- label selectors: the grammar of k8s.io/apimachinery/pkg/labels ---- */

enum token {
	TOK_END,
	TOK_WORD,
	TOK_EQUALS,
	TOK_NOT_EQUALS,
	TOK_NOT,
	TOK_OPEN,
	TOK_CLOSE,
	TOK_COMMA,
	TOK_GREATER,
	TOK_LESS
};

struct scanner {
	const char *text, *pos;
	enum token token; /* the one ahead */
	const char *lit;
	size_t lit_len;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void scan_take(struct scanner *sc, enum token token, size_t len)
{
	sc->token = token;
	sc->lit = sc->pos;
	sc->lit_len = len;
	sc->pos += len;
}

static void scan_next(struct scanner *sc)
{
	while (is_space(*sc->pos))
		sc->pos++;
	switch (*sc->pos) {
	case '\0':
		scan_take(sc, TOK_END, 0);
		return;
	case '=':
		scan_take(sc, TOK_EQUALS, sc->pos[1] == '=' ? 2 : 1);
		return;
	case '!':
		if (sc->pos[1] == '=')
			scan_take(sc, TOK_NOT_EQUALS, 2);
		else
			scan_take(sc, TOK_NOT, 1);
		return;
	case '(':
		scan_take(sc, TOK_OPEN, 1);
		return;
	case ')':
		scan_take(sc, TOK_CLOSE, 1);
		return;
	case ',':
		scan_take(sc, TOK_COMMA, 1);
		return;
	case '>':
		scan_take(sc, TOK_GREATER, 1);
		return;
	case '<':
		scan_take(sc, TOK_LESS, 1);
		return;
	default:
		scan_take(sc, TOK_WORD, strcspn(sc->pos, "=!(),>< \t\r\n"));
	}
}

static int unexpected(const struct scanner *sc, const char *wanted, struct err *err)
{
	size_t at = (size_t)(sc->lit - sc->text) + 1;
	if (sc->token == TOK_END)
		return err_set(err, ERR_BAD_REQUEST, "selector: it ends where %s was expected", wanted);
	int shown = sc->lit_len > 80 ? 80 : (int)sc->lit_len;
	return err_set(err, ERR_BAD_REQUEST, "selector: found '%.*s' at character %zu, expected %s", shown, sc->lit, at,
	               wanted);
}

static bool word_is(const struct scanner *sc, const char *word)
{
	return sc->token == TOK_WORD && sc->lit_len == strlen(word) && memcmp(sc->lit, word, sc->lit_len) == 0;
}

static void add_value(struct kube_selector *s, struct requirement *r, const char *text, size_t len)
{
	_cleanup_free_ char *value = xstrndup(text, len);
	if (!r->values || !str_in(value, (const char *const *)r->values)) {
		strv_push(&r->values, value);
		s->values_len++;
	}
}

/* (x, y, ); a missing word is the empty value. */
static int parse_set(struct kube_selector *s, struct requirement *r, struct scanner *sc, struct err *err)
{
	if (sc->token != TOK_OPEN)
		return unexpected(sc, "'('", err);
	scan_next(sc);
	for (;;) {
		if (sc->token == TOK_WORD) {
			add_value(s, r, sc->lit, sc->lit_len);
			scan_next(sc);
		} else {
			add_value(s, r, "", 0);
		}
		if (sc->token == TOK_CLOSE)
			break;
		if (sc->token != TOK_COMMA)
			return unexpected(sc, "',' or ')'", err);
		if (check_limits(s, err) < 0)
			return -1;
		scan_next(sc);
	}
	scan_next(sc);
	return 0;
}

static int parse_exact(struct kube_selector *s, struct requirement *r, struct scanner *sc, struct err *err)
{
	if (sc->token == TOK_END || sc->token == TOK_COMMA) {
		add_value(s, r, "", 0);
		return 0;
	}
	if (sc->token != TOK_WORD)
		return unexpected(sc, "a value", err);
	add_value(s, r, sc->lit, sc->lit_len);
	scan_next(sc);
	return 0;
}

static int parse_operator(struct kube_selector *s, struct requirement *r, struct scanner *sc, struct err *err)
{
	if (word_is(sc, "in") || word_is(sc, "notin")) {
		r->op = sc->lit_len == 2 ? OP_IN : OP_NOT_IN;
		scan_next(sc);
		return parse_set(s, r, sc, err);
	}
	switch (sc->token) {
	case TOK_END:
	case TOK_COMMA:
		r->op = OP_EXISTS;
		return 0;
	case TOK_EQUALS:
		r->op = OP_IN;
		break;
	case TOK_NOT_EQUALS:
		r->op = OP_NOT_IN;
		break;
	case TOK_GREATER:
		r->op = OP_GREATER;
		break;
	case TOK_LESS:
		r->op = OP_LESS;
		break;
	default:
		return unexpected(sc, "one of =, ==, !=, in, notin, >, <", err);
	}
	scan_next(sc);
	return parse_exact(s, r, sc, err);
}

static int parse_requirement(struct kube_selector *s, struct scanner *sc, struct err *err)
{
	bool not = sc->token == TOK_NOT;
	if (not )
		scan_next(sc);
	if (sc->token != TOK_WORD)
		return unexpected(sc, "a label key", err);
	struct requirement *r = selector_add(s, sc->lit, sc->lit_len, OP_NOT_EXISTS);
	scan_next(sc);
	if (!not &&parse_operator(s, r, sc, err) < 0)
		return -1;
	if (check_requirement(r, err) < 0)
		return -1;
	return check_limits(s, err);
}

struct kube_selector *kube_selector_parse_labels(const char *text, struct err *err)
{
	if (strnlen(text, SELECTOR_TEXT_MAX + 1) > SELECTOR_TEXT_MAX) {
		err_set(err, ERR_BAD_REQUEST, "selector: longer than %zu bytes", SELECTOR_TEXT_MAX);
		return NULL;
	}
	_cleanup_(kube_selector_freep) struct kube_selector *s = new0(struct kube_selector);
	struct scanner sc = { .text = text, .pos = text };
	scan_next(&sc);
	while (sc.token != TOK_END) {
		if (parse_requirement(s, &sc, err) < 0)
			return NULL;
		if (sc.token == TOK_END)
			break;
		if (sc.token != TOK_COMMA) {
			unexpected(&sc, "',' or the end", err);
			return NULL;
		}
		scan_next(&sc);
		if (sc.token != TOK_WORD && sc.token != TOK_NOT) {
			unexpected(&sc, "a label key after ','", err);
			return NULL;
		}
	}
	return TAKE_PTR(s);
}

/* ---- field selectors: k8s.io/apimachinery/pkg/fields ---- */

/* Length of the term at s: to the next comma that no backslash escapes. */
static size_t term_len(const char *s)
{
	size_t n = 0;
	while (s[n] && s[n] != ',')
		n += s[n] == '\\' && s[n + 1] ? 2 : 1;
	return n;
}

static int unescape_value(const char *s, size_t len, char **ret, struct err *err)
{
	_cleanup_free_ char *out = xmalloc(len + 1);
	size_t n = 0;
	for (size_t i = 0; i < len; i++) {
		char c = s[i];
		if (c == '\\') {
			c = ++i < len ? s[i] : '\0';
			if (c != '\\' && c != ',' && c != '=')
				return err_set(err, ERR_BAD_REQUEST,
				               "field selector: a backslash must be followed by '\\', ',' or '='");
		} else if (c == '=') {
			return err_set(err, ERR_BAD_REQUEST, "field selector: '=' in a value must be written '\\='");
		}
		out[n++] = c;
	}
	out[n] = '\0';
	*ret = TAKE_PTR(out);
	return 0;
}

static int parse_field_term(struct kube_selector *s, const char *term, size_t len, struct err *err)
{
	size_t key_len = 0;
	while (key_len < len && term[key_len] != '=' &&
	       !(term[key_len] == '!' && key_len + 1 < len && term[key_len + 1] == '='))
		key_len++;
	int shown = len > 80 ? 80 : (int)len;
	if (key_len == 0 || key_len == len)
		return err_set(err, ERR_BAD_REQUEST, "field selector: '%.*s' is not of the form field=value or field!=value",
		               shown, term);
	bool not = term[key_len] == '!';
	size_t value_at = key_len + (not ? 2 : 1);
	if (!not &&value_at < len && term[value_at] == '=')
		value_at++;
	_cleanup_free_ char *value = NULL;
	if (unescape_value(term + value_at, len - value_at, &value, err) < 0)
		return -1;
	struct requirement *r = selector_add(s, term, key_len, not ? OP_NOT_IN : OP_IN);
	strv_push(&r->values, value);
	s->values_len++;
	return check_limits(s, err);
}

struct kube_selector *kube_selector_parse_fields(const char *text, struct err *err)
{
	if (strnlen(text, SELECTOR_TEXT_MAX + 1) > SELECTOR_TEXT_MAX) {
		err_set(err, ERR_BAD_REQUEST, "field selector: longer than %zu bytes", SELECTOR_TEXT_MAX);
		return NULL;
	}
	_cleanup_(kube_selector_freep) struct kube_selector *s = new0(struct kube_selector);
	s->fields = true;
	for (;;) {
		size_t len = term_len(text);
		if (len > 0 && parse_field_term(s, text, len, err) < 0)
			return NULL;
		if (!text[len])
			return TAKE_PTR(s);
		text += len + 1;
	}
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
		struct requirement *r = selector_add(s, key, strlen(key), OP_IN);
		add_value(s, r, json_string_value(value), json_string_length(value));
		if (check_requirement(r, err) < 0 || check_limits(s, err) < 0)
			return -1;
	}
	return 0;
}

static int add_expression(struct kube_selector *s, const json_t *expression, struct err *err)
{
	static const struct {
		const char *name;
		enum op op;
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
	struct requirement *r = selector_add(s, key, strlen(key), operators[o].op);
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
		add_value(s, r, json_string_value(value), json_string_length(value));
		if (check_limits(s, err) < 0)
			return -1;
	}
	if (check_requirement(r, err) < 0)
		return -1;
	return check_limits(s, err);
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

static bool requirement_matches(const struct requirement *r, const char *value)
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
	const struct requirement *r = &s->list[i];
	*ret_key = r->key;
	*ret_equals = r->op == OP_IN && strv_len(r->values) == 1 ? r->values[0] : NULL;
	return true;
}
