#include "stdlib/pattern.h"

#include "stdlib/pattern_fault.h"
#include "stdlib/pattern_syntax.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

/* Upstream gives up after a million backtracks. How many a match took is not told, so it is tried with few of them
 * first and again with more, and what was in vain counts as steps of the evaluation. */
#define MATCH_LIMIT 1000000
#define MATCH_LIMIT_FIRST 1000
#define MATCH_LIMIT_GROWTH 4
#define BACKTRACKS_OF_A_STEP 2
/* In texts of so many bytes, how far each part of a pattern goes is counted, too: "a*+[bc]" looks for its end from each
 * character on without one backtrack. */
#define WATCHED_LEN 256
#define BYTES_OF_A_STEP 64
#define DEPTH_LIMIT 100000
#define HEAP_LIMIT_KIB 20000
#define CACHE_MAX 64
#define PATTERN_MAX ((size_t)64 * 1024)

struct kcl_pattern {
	char *text; /* as it was written, to find it again */
	size_t len;
	char *syntax; /* as PCRE2 has it */
	size_t syntax_len;
	pcre2_code *code;
	pcre2_code *watched; /* the same, with callouts; NULL: not needed yet */
	pcre2_match_data *data;
};

/* The most recently used one first. */
struct cache {
	struct kcl_pattern *items[CACHE_MAX];
	size_t len;
	pcre2_compile_context *compile;
	pcre2_match_context *match;
};

static void pattern_free(struct kcl_pattern *p)
{
	pcre2_match_data_free(p->data);
	pcre2_code_free(p->code);
	pcre2_code_free(p->watched);
	free(p->text);
	free(p->syntax);
	free(p);
}

static void cache_free(void *pointer)
{
	struct cache *c = pointer;

	for (size_t i = 0; i < c->len; i++)
		pattern_free(c->items[i]);
	pcre2_compile_context_free(c->compile);
	pcre2_match_context_free(c->match);
	free(c);
}

static struct cache *cache_of(struct kcl_heap *h)
{
	if (!h->kept) {
		struct cache *c = new0(struct cache);

		c->compile = pcre2_compile_context_create(NULL);
		c->match = pcre2_match_context_create(NULL);
		if (!c->compile || !c->match)
			out_of_memory(sizeof(*c));
		pcre2_set_max_pattern_length(c->compile, PATTERN_MAX);
		pcre2_set_match_limit(c->match, MATCH_LIMIT);
		pcre2_set_depth_limit(c->match, DEPTH_LIMIT);
		pcre2_set_heap_limit(c->match, HEAP_LIMIT_KIB);
		h->kept = c;
		h->kept_free = cache_free;
	}
	return h->kept;
}

static struct kcl_pattern *to_front(struct cache *c, size_t at)
{
	struct kcl_pattern *p = c->items[at];

	memmove(c->items + 1, c->items, at * sizeof(*c->items));
	c->items[0] = p;
	return p;
}

static void remember(struct cache *c, struct kcl_pattern *p)
{
	if (c->len == CACHE_MAX)
		pattern_free(c->items[--c->len]);
	c->items[c->len++] = p;
	to_front(c, c->len - 1);
}

static pcre2_code *compile_code(const struct cache *c, const char *text, size_t len, uint32_t options, int *ret_error,
                                PCRE2_SIZE *ret_where)
{
	return pcre2_compile((PCRE2_SPTR)text, len, PCRE2_UTF | PCRE2_UCP | PCRE2_DOLLAR_ENDONLY | options, ret_error,
	                     ret_where, c->compile);
}

static struct kcl_pattern *compile(struct kcl_heap *h, struct cache *c, const char *text, size_t len,
                                   bool is_valid_only)
{
	const char *fault = kcl_pattern_fault(h, text, len);

	if (fault && is_valid_only)
		return NULL;
	if (fault)
		kcl_raise(h, "called `Result::unwrap()` on an `Err` value: %s", fault);

	PCRE2_UCHAR reason[200];
	PCRE2_SIZE where = 0;
	int error = 0;
	size_t syntax_len;
	_cleanup_free_ char *syntax = kcl_pattern_syntax(text, len, &syntax_len);
	pcre2_code *code = compile_code(c, syntax, syntax_len, 0, &error, &where);

	if (!code && is_valid_only)
		return NULL;
	if (!code) {
		pcre2_get_error_message(error, reason, sizeof(reason));
		free(syntax);
		syntax = NULL;
		kcl_raise(h, "invalid regular expression '%.*s' at %zu: %s", len > 200 ? 200 : (int)len, text, (size_t)where,
		          (const char *)reason);
	}

	struct kcl_pattern *p = new0(struct kcl_pattern);

	*p = (struct kcl_pattern){ .text = xstrndup(text, len),
		                       .len = len,
		                       .syntax = syntax,
		                       .syntax_len = syntax_len,
		                       .code = code,
		                       .data = pcre2_match_data_create_from_pattern(code, NULL) };
	syntax = NULL;
	if (!p->data)
		out_of_memory(sizeof(*p));
	remember(c, p);
	return p;
}

static struct kcl_pattern *find_or_compile(struct kcl_heap *h, const char *text, size_t len, bool is_valid_only)
{
	struct cache *c = cache_of(h);

	for (size_t i = 0; i < c->len; i++)
		if (c->items[i]->len == len && memcmp(c->items[i]->text, text, len) == 0)
			return to_front(c, i);
	kcl_steps(h, 100 + len);
	return compile(h, c, text, len, is_valid_only);
}

struct kcl_pattern *kcl_pattern(struct kcl_heap *h, const struct kcl_str *text, bool is_valid_only)
{
	return find_or_compile(h, text->s, text->len, is_valid_only);
}

/* ---- matching ---- */

struct watch {
	uint64_t steps, steps_max;
	size_t at;
};

/* Called before each part of the pattern is tried. */
static int watch(pcre2_callout_block *block, void *data)
{
	struct watch *w = data;
	size_t at = block->current_position, moved = at > w->at ? at - w->at : w->at - at;

	w->at = at;
	w->steps += moved / BYTES_OF_A_STEP + (moved & 1); /* some of the short ways, too */
	return w->steps > w->steps_max ? PCRE2_ERROR_CALLOUT : 0;
}

/* PCRE2's result; what it costs is counted. */
static int match(struct kcl_heap *h, struct kcl_pattern *p, const struct kcl_str *s, size_t offset)
{
	struct cache *c = cache_of(h);
	bool is_watched = s->len - offset >= WATCHED_LEN;
	struct watch w = { .steps_max = kcl_steps_left(h), .at = offset };
	uint32_t options = offset ? PCRE2_NO_UTF_CHECK : 0, limit = MATCH_LIMIT_FIRST;
	PCRE2_SIZE where;
	int n;

	if (is_watched && !p->watched)
		p->watched = compile_code(c, p->syntax, p->syntax_len, PCRE2_AUTO_CALLOUT, &n, &where);
	pcre2_set_callout(c->match, is_watched ? watch : NULL, &w);
	for (;; limit *= MATCH_LIMIT_GROWTH) {
		pcre2_set_match_limit(c->match, limit < MATCH_LIMIT ? limit : MATCH_LIMIT);
		n = pcre2_match(is_watched && p->watched ? p->watched : p->code, (PCRE2_SPTR)s->s, s->len, offset, options,
		                p->data, c->match);
		if (n != PCRE2_ERROR_MATCHLIMIT || limit >= MATCH_LIMIT)
			break;
		kcl_steps(h, limit / BACKTRACKS_OF_A_STEP);
		options = PCRE2_NO_UTF_CHECK;
	}
	kcl_steps(h, w.steps + (n == PCRE2_ERROR_MATCHLIMIT ? limit / BACKTRACKS_OF_A_STEP : 0));
	return n;
}

uint32_t kcl_pattern_match(struct kcl_heap *h, struct kcl_pattern *p, const struct kcl_str *s, size_t offset,
                           const size_t **ret_groups)
{
	kcl_steps(h, 1 + (s->len - offset) / 16);

	int n = match(h, p, s, offset);

	if (n == PCRE2_ERROR_NOMATCH)
		return 0;
	if (n < 0) {
		PCRE2_UCHAR reason[200];

		pcre2_get_error_message(n, reason, sizeof(reason));
		kcl_raise(h, "matching the regular expression '%.200s' failed: %s", p->text, (const char *)reason);
	}
	if (ret_groups)
		*ret_groups = pcre2_get_ovector_pointer(p->data);
	return pcre2_get_ovector_count(p->data);
}

int kcl_pattern_group(const struct kcl_pattern *p, const char *name)
{
	int n = pcre2_substring_number_from_name(p->code, (PCRE2_SPTR)name);

	return n >= 0 ? n : -1;
}

bool kcl_pattern_test(struct kcl_heap *h, const char *pattern, const struct kcl_str *s)
{
	return kcl_pattern_match(h, find_or_compile(h, pattern, strlen(pattern), false), s, 0, NULL) > 0;
}
