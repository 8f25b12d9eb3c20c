#include "regex.h"

#include "base/map.h"

#include <assert.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define MATCH_LIMIT 200000
#define OVECTOR_PAIRS 16
#define JIT_STACK_MAX ((size_t)512 * 1024)

struct regex_cache {
	struct map *codes; /* pattern → pcre2_code */
	pcre2_match_data *data;
	pcre2_match_context *context;
	pcre2_jit_stack *stack;
};

static void code_free(void *code)
{
	pcre2_code_free(code);
}

struct regex_cache *regex_cache_new(void)
{
	struct regex_cache *c = new0(struct regex_cache);

	c->codes = map_new(code_free);
	c->data = pcre2_match_data_create(OVECTOR_PAIRS, NULL);
	c->context = pcre2_match_context_create(NULL);
	c->stack = pcre2_jit_stack_create(32 * 1024, JIT_STACK_MAX, NULL);
	if (!c->data || !c->context || !c->stack)
		out_of_memory(JIT_STACK_MAX);
	pcre2_set_match_limit(c->context, MATCH_LIMIT);
	pcre2_set_depth_limit(c->context, MATCH_LIMIT);
	pcre2_jit_stack_assign(c->context, NULL, c->stack);
	return c;
}

struct regex_cache *regex_cache_free(struct regex_cache *c)
{
	if (!c)
		return NULL;
	map_free(c->codes);
	pcre2_match_data_free(c->data);
	pcre2_match_context_free(c->context);
	pcre2_jit_stack_free(c->stack);
	free(c);
	return NULL;
}

static pcre2_code *compile(struct regex_cache *c, const char *pattern)
{
	pcre2_code *code = map_get(c->codes, pattern);
	PCRE2_SIZE where = 0;
	int error = 0;

	if (code)
		return code;
	code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, PCRE2_MULTILINE | PCRE2_NEVER_UTF, &error, &where,
	                     NULL);
	assert(code);
	/* Where there is no JIT (another processor), the interpreter does the same, slower. */
	(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
	map_set(c->codes, pattern, code);
	return code;
}

bool regex_next(struct regex_cache *c, const char *pattern, const char *data, size_t len, size_t *pos,
                struct regex_match *ret)
{
	pcre2_code *code = compile(c, pattern);
	const PCRE2_SIZE *v;
	int groups;

	if (*pos > len)
		return false;
	groups = pcre2_match(code, (PCRE2_SPTR)data, len, *pos, 0, c->data, c->context);
	if (groups < 1)
		return false;
	v = pcre2_get_ovector_pointer(c->data);
	*ret = (struct regex_match){ .start = v[0], .end = v[1] };
	for (size_t i = 0; i < (size_t)groups && i < REGEX_GROUPS; i++) {
		if (v[2 * i] == PCRE2_UNSET)
			continue;
		ret->group[i] = data + v[2 * i];
		ret->len[i] = v[2 * i + 1] - v[2 * i];
	}
	*pos = v[1] > *pos ? v[1] : *pos + 1;
	return true;
}

char *regex_group(struct arena *arena, const struct regex_match *m, size_t group)
{
	return m->group[group] ? arena_strndup(arena, m->group[group], m->len[group]) : NULL;
}
