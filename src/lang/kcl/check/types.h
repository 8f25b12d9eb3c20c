#ifndef LANG_KCL_CHECK_TYPES_H
#define LANG_KCL_CHECK_TYPES_H
/* Making types and relating them. Simple types that are the same are one object, so that most comparisons are of
 * pointers; schemas are told apart by package and name. */

#include "check/type.h"
#include "stop.h"

#include <string.h>

/* Types share their parts, so that a few lines can name one that is larger than any memory. What is made of more than
 * this many is any. */
#define KCL_TYPE_WEIGHT_MAX 65536
/* Types compared with each other for one program; afterwards everything fits, and shows when the program runs. */
#define KCL_COMPARISONS_MAX 50000000

/* Keys of literals that are known for one program; those of further ones are not. Each `{**a, b = 1}` knows all of a's.
 */
#define KCL_ATTRS_MAX 1000000

struct kcl_types {
	struct arena *arena;
	struct kcl_type **slots; /* a hash table of the types that are shared */
	uint32_t len, mask;
	uint32_t comparisons, attrs; /* so far */
	struct kcl_stop *stop;       /* NULL */
};

void kcl_types_init(struct kcl_types *ts, struct arena *arena);
void kcl_types_done(struct kcl_types *ts);

/* ---- making ---- */

/* ANY, NONE, BOOL, INT, FLOAT, STR, UNIT, VOID. */
const struct kcl_type *kcl_type_basic(enum kcl_type_tag tag);
const struct kcl_type *kcl_type_bool(struct kcl_types *ts, bool b);
/* A literal int, float or number with a unit. */
const struct kcl_type *kcl_type_number(struct kcl_types *ts, const struct kcl_number *number);
/* s is not copied. */
const struct kcl_type *kcl_type_str(struct kcl_types *ts, const char *s);
const struct kcl_type *kcl_type_list(struct kcl_types *ts, const struct kcl_type *element);
const struct kcl_type *kcl_type_dict(struct kcl_types *ts, const struct kcl_type *key, const struct kcl_type *value);
const struct kcl_type *kcl_type_dict_of(struct kcl_types *ts, const struct kcl_type *key, const struct kcl_type *value,
                                        const struct kcl_attr_type *attrs, uint32_t len);
/* As written: nothing is left out. */
const struct kcl_type *kcl_type_union(struct kcl_types *ts, const struct kcl_type *const *items, uint32_t len);
/* The smallest type that holds them all: without repetitions and what others hold; ANY for none (and for more than
 * could be compared with each other in reasonable time). */
const struct kcl_type *kcl_type_sup(struct kcl_types *ts, const struct kcl_type *const *items, size_t len);
const struct kcl_type *kcl_type_sup2(struct kcl_types *ts, const struct kcl_type *a, const struct kcl_type *b);
const struct kcl_type *kcl_type_module(struct kcl_types *ts, const char *package);
/* What a variable has that is initialised with a value of type t: literals become their types, None any. */
const struct kcl_type *kcl_type_infer(struct kcl_types *ts, const struct kcl_type *t);

/* ---- asking ---- */

/* Of that basic type, or a literal of it. */
static inline bool kcl_type_is(const struct kcl_type *t, enum kcl_type_tag tag)
{
	return t->tag == tag || (t->tag == KCL_T_LITERAL && t->literal.of == tag);
}
static inline bool kcl_type_is_literal_str(const struct kcl_type *t)
{
	return t->tag == KCL_T_LITERAL && t->literal.of == KCL_T_STR;
}
static inline bool kcl_type_is_number(const struct kcl_type *t)
{
	return kcl_type_is(t, KCL_T_INT) || kcl_type_is(t, KCL_T_FLOAT);
}
/* Strings and unions of them. */
bool kcl_type_is_key(const struct kcl_type *t);
bool kcl_type_is_iterable(const struct kcl_type *t);
/* Whether t, or each type of the union t, is of one of the tags, whose bits (1 << tag) are set. */
bool kcl_type_all_of(const struct kcl_type *t, unsigned tags);

/* Counts a comparison: false when there have been too many, or there is no time. */
static inline bool kcl_types_count(struct kcl_types *ts)
{
	return ts->comparisons < KCL_COMPARISONS_MAX && ++ts->comparisons && !kcl_stopped(ts->stop);
}
/* A value of type a may stand where b is asked for. any_left: any may, too. */
bool kcl_type_subsumes(struct kcl_types *ts, const struct kcl_type *a, const struct kcl_type *b, bool any_left);
/* b's values are all of type a. */
static inline bool kcl_type_is_upper_bound(struct kcl_types *ts, const struct kcl_type *a, const struct kcl_type *b)
{
	return kcl_type_subsumes(ts, b, a, false);
}
/* Whether a value of type `from` may stand where `to` is asked for. */
bool kcl_type_assignable(struct kcl_types *ts, const struct kcl_type *from, const struct kcl_type *to);
bool kcl_type_same(struct kcl_types *ts, const struct kcl_type *a, const struct kcl_type *b);

/* As messages name it: "str(a)", "[int]", "{str:int}", "A | B". */
const char *kcl_type_shown(const struct kcl_type *t, struct arena *arena);
/* The same with schemas' packages. */
const char *kcl_type_shown_full(const struct kcl_type *t, struct arena *arena);
/* As an annotation, with "@" before a schema's package when at_sign. */
const char *kcl_type_annotation(const struct kcl_type *t, struct arena *arena);

#endif
