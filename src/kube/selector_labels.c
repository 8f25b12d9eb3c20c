/* Label selectors as text: the grammar and the words of k8s.io/apimachinery/pkg/labels. */
#include "base/str.h"
#include "kube/label_fault.h"
#include "selector_internal.h"

#define OPERATORS "in, notin, =, ==, !=, gt, lt"

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
	const char *pos;
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
	bool equals = *sc->pos && sc->pos[1] == '=';
	switch (*sc->pos) {
	case '\0':
		scan_take(sc, TOK_END, 0);
		return;
	case '=':
		scan_take(sc, TOK_EQUALS, equals ? 2 : 1);
		return;
	case '!':
		scan_take(sc, equals ? TOK_NOT_EQUALS : TOK_NOT, equals ? 2 : 1);
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

static int found(const struct scanner *sc, const char *wanted, struct err *err)
{
	return err_set(err, ERR_BAD_REQUEST, "found '%.*s'%s", (int)sc->lit_len, sc->lit, wanted);
}

static bool word_is(const struct scanner *sc, const char *word)
{
	return sc->token == TOK_WORD && sc->lit_len == strlen(word) && memcmp(sc->lit, word, sc->lit_len) == 0;
}

/* x, y, up to the closing parenthesis; a missing word is the empty value. */
static int parse_list(struct kube_selector *s, struct selector_requirement *r, struct scanner *sc, struct err *err)
{
	for (;;) {
		if (sc->token == TOK_WORD) {
			selector_add_value(s, r, sc->lit, sc->lit_len);
			scan_next(sc);
			if (sc->token == TOK_CLOSE)
				return 0;
			if (sc->token != TOK_COMMA)
				return found(sc, ", expected: ',' or ')'", err);
		} else if (sc->token != TOK_COMMA) {
			return found(sc, ", expected: ',', or identifier", err);
		} else {
			if (!r->values)
				selector_add_value(s, r, "", 0);
			scan_next(sc);
			if (sc->token == TOK_CLOSE || sc->token == TOK_COMMA)
				selector_add_value(s, r, "", 0);
			if (sc->token == TOK_CLOSE)
				return 0;
		}
		if (selector_check_limits(s, err) < 0)
			return -1;
	}
}

static int parse_set(struct kube_selector *s, struct selector_requirement *r, struct scanner *sc, struct err *err)
{
	if (sc->token != TOK_OPEN)
		return found(sc, " expected: '('", err);
	scan_next(sc);
	if (sc->token == TOK_CLOSE)
		selector_add_value(s, r, "", 0);
	else if (sc->token != TOK_WORD && sc->token != TOK_COMMA)
		return found(sc, ", expected: ',', ')' or identifier", err);
	else if (parse_list(s, r, sc, err) < 0)
		return -1;
	scan_next(sc);
	return 0;
}

static int parse_exact(struct kube_selector *s, struct selector_requirement *r, struct scanner *sc, struct err *err)
{
	if (sc->token == TOK_END || sc->token == TOK_COMMA) {
		selector_add_value(s, r, "", 0);
		return 0;
	}
	if (sc->token != TOK_WORD)
		return found(sc, ", expected: identifier", err);
	selector_add_value(s, r, sc->lit, sc->lit_len);
	scan_next(sc);
	return 0;
}

static int parse_operator(struct kube_selector *s, struct selector_requirement *r, struct scanner *sc, struct err *err)
{
	if (word_is(sc, "in") || word_is(sc, "notin")) {
		r->op = sc->lit_len == 2 ? OP_IN : OP_NOT_IN;
		scan_next(sc);
		return parse_set(s, r, sc, err);
	}
	switch (sc->token) {
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
		return found(sc, ", expected: " OPERATORS, err);
	}
	scan_next(sc);
	return parse_exact(s, r, sc, err);
}

static int check_key(const struct selector_requirement *r, struct err *err)
{
	_cleanup_strv_ char **faults = kube_label_key_faults(r->key);
	_cleanup_free_ char *fault = faults ? strv_join(faults, "; ") : NULL;

	return fault ? err_set(err, ERR_BAD_REQUEST, "<nil>: Invalid value: \"%s\": %s", r->key, fault) : 0;
}

static int parse_requirement(struct kube_selector *s, struct scanner *sc, struct err *err)
{
	bool absent = sc->token == TOK_NOT;

	if (absent)
		scan_next(sc);
	if (sc->token != TOK_WORD)
		return found(sc, ", expected: identifier", err);
	struct selector_requirement *r = selector_add(s, sc->lit, sc->lit_len, absent ? OP_NOT_EXISTS : OP_EXISTS);
	scan_next(sc);
	if (check_key(r, err) < 0)
		return -1;
	if (!absent && sc->token != TOK_END && sc->token != TOK_COMMA && parse_operator(s, r, sc, err) < 0)
		return -1;
	if (selector_check_requirement(r, err) < 0)
		return -1;
	return selector_check_limits(s, err);
}

static int parse(struct kube_selector *s, struct scanner *sc, struct err *err)
{
	scan_next(sc);
	while (sc->token != TOK_END) {
		if (sc->token != TOK_WORD && sc->token != TOK_NOT)
			return found(sc, ", expected: !, identifier, or 'end of string'", err);
		if (parse_requirement(s, sc, err) < 0)
			return err_wrap(err, "unable to parse requirement");
		if (sc->token == TOK_END)
			return 0;
		if (sc->token != TOK_COMMA)
			return found(sc, ", expected: ',' or 'end of string'", err);
		scan_next(sc);
		if (sc->token != TOK_WORD && sc->token != TOK_NOT)
			return found(sc, ", expected: identifier after ','", err);
	}
	return 0;
}

struct kube_selector *kube_selector_parse_labels(const char *text, struct err *err)
{
	_cleanup_(kube_selector_freep) struct kube_selector *s = new0(struct kube_selector);
	struct scanner sc = { .pos = text };

	if (selector_check_text(text, err) < 0 || parse(s, &sc, err) < 0)
		return NULL;
	return TAKE_PTR(s);
}
