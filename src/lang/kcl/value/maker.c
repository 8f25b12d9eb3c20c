#include "value/maker.h"

/* A dict or list that is being made. */
struct level {
	struct level *outer;
	struct kcl_value value;
	const struct kcl_str *key; /* of a dict: whose value comes next */
};

struct kcl_maker {
	struct kcl_heap *heap;
	struct level *level; /* NULL: the outermost value */
	struct kcl_value result;
};

struct kcl_value kcl_run_maker(struct kcl_heap *h, void (*make)(void *self, struct kcl_maker *m), void *self)
{
	struct kcl_maker m = { .heap = h, .result = kcl_undefined() };

	make(self, &m);
	return m.result;
}

static void add(struct kcl_maker *m, struct kcl_value v)
{
	struct level *level = m->level;

	kcl_steps(m->heap, 1);
	if (!level)
		m->result = v;
	else if (level->value.kind == KCL_LIST)
		kcl_list_push(m->heap, level->value.list, v);
	else if (level->key)
		kcl_dict_append(m->heap, level->value.dict, level->key, v);
}

static void begin(struct kcl_maker *m, struct kcl_value v)
{
	struct level *level = kcl_alloc_raw(m->heap, sizeof(*level));

	add(m, v);
	*level = (struct level){ .outer = m->level, .value = v };
	m->level = level;
}

/* Of what the caller expects: more grows, so a wrong number does no harm. */
static uint32_t room(size_t n)
{
	return n < UINT32_MAX / 64 ? (uint32_t)n : UINT32_MAX / 64;
}

void kcl_make_dict(struct kcl_maker *m, size_t n)
{
	begin(m, kcl_dict(m->heap, room(n)));
}

void kcl_make_list(struct kcl_maker *m, size_t n)
{
	begin(m, kcl_list(m->heap, room(n)));
}

void kcl_make_end(struct kcl_maker *m)
{
	if (m->level)
		m->level = m->level->outer;
}

void kcl_make_key(struct kcl_maker *m, const char *name)
{
	if (m->level)
		m->level->key = kcl_strz(m->heap, name).str;
}

void kcl_make_text(struct kcl_maker *m, const char *text, size_t len)
{
	add(m, kcl_str(m->heap, text, len));
}

void kcl_make_json(struct kcl_maker *m, const json_t *v)
{
	add(m, kcl_from_json(m->heap, v));
}

void kcl_make_struct(struct kcl_maker *m, const void *data, size_t len)
{
	add(m, kcl_from_struct(m->heap, data, len));
}
