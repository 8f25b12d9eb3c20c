/* Field selectors as text: the grammar and the words of k8s.io/apimachinery/pkg/fields. */
#include "base/str.h"
#include "selector_internal.h"

/* Length of the term at s: to the next comma that no backslash escapes. */
static size_t term_len(const char *s)
{
	size_t n = 0;

	while (s[n] && s[n] != ',')
		n += s[n] == '\\' && s[n + 1] ? 2 : 1;
	return n;
}

static int bad_escape(const char *s, size_t len, struct err *err)
{
	return err_set(err, ERR_BAD_REQUEST, "invalid field selector: invalid escape sequence: %.*s", (int)len, s);
}

static int unescape_value(const char *s, size_t len, char **ret, struct err *err)
{
	_cleanup_free_ char *out = xmalloc(len + 1);
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '=')
			return err_set(err, ERR_BAD_REQUEST, "invalid field selector: unescaped character in value: %d", '=');
		if (s[i] == '\\') {
			bool known = i + 1 < len && strchr("\\,=", s[i + 1]);
			if (!known)
				return bad_escape(s + i, i + 1 < len ? 2 : 1, err);
			i++;
		}
		out[n++] = s[i];
	}
	out[n] = '\0';
	*ret = TAKE_PTR(out);
	return 0;
}

/* Length of the key, up to the first "=" or "!=". */
static size_t key_len(const char *term, size_t len)
{
	size_t n = 0;

	while (n < len && term[n] != '=' && !(term[n] == '!' && n + 1 < len && term[n + 1] == '='))
		n++;
	return n;
}

static int parse_term(struct kube_selector *s, const char *text, const char *term, size_t len, struct err *err)
{
	_cleanup_free_ char *value = NULL;
	size_t key = key_len(term, len);

	if (key == len)
		return err_set(err, ERR_BAD_REQUEST, "invalid selector: '%s'; can't understand '%.*s'", text, (int)len, term);
	bool unequal = term[key] == '!';
	size_t at = key + (unequal ? 2 : 1);
	if (!unequal && at < len && term[at] == '=')
		at++;
	if (unescape_value(term + at, len - at, &value, err) < 0)
		return -1;
	if (key == 0 && !*value) /* means nothing, as there */
		return 0;
	struct selector_requirement *r = selector_add(s, term, key, unequal ? OP_NOT_IN : OP_IN);
	strv_push(&r->values, value);
	s->values_len++;
	return selector_check_limits(s, err);
}

struct kube_selector *kube_selector_parse_fields(const char *text, struct err *err)
{
	_cleanup_(kube_selector_freep) struct kube_selector *s = new0(struct kube_selector);

	if (selector_check_text(text, err) < 0)
		return NULL;
	s->fields = true;
	for (const char *term = text;;) {
		size_t len = term_len(term);
		if (len > 0 && parse_term(s, text, term, len, err) < 0)
			return NULL;
		if (!term[len])
			return TAKE_PTR(s);
		term += len + 1;
	}
}
