#ifndef LANG_KCL_VALUE_VALUE_H
#define LANG_KCL_VALUE_VALUE_H
/* What a program computes with. A value is two words, passed by value; what it points to lives in a heap and is shared
 * freely, as nothing changes a value that others can see: lists and dicts are built (by whoever made them) and then
 * only read; union and the like give new ones that share parts. */

#include "syntax/ast.h"
#include "value/heap.h"

enum kcl_kind {
	KCL_UNDEFINED,
	KCL_NONE,
	KCL_BOOL,
	KCL_INT,
	KCL_FLOAT,
	KCL_UNIT, /* number_multiplier: an int written with a unit */
	KCL_STR,
	KCL_LIST,
	KCL_DICT,
	KCL_SCHEMA,   /* an instance of a schema: a dict that knows its type */
	KCL_FUNCTION, /* a lambda, a built-in, a schema or rule (as constructor) */
	KCL_TYPE,     /* a schema's or alias' name as a value, for typeof() and `as` */
};

struct kcl_str {    /* UTF-8, NUL-terminated; a NUL inside is possible */
	uint32_t len;   /* bytes */
	uint32_t hash;  /* 0: not computed */
	uint32_t chars; /* code points; UINT32_MAX: not counted */
	char s[];
};

struct kcl_unit_value {
	int64_t raw;  /* 1 of 1Ki */
	double value; /* 1024.0; a fraction for n, u and m */
	enum kcl_unit unit;
};

struct kcl_value {
	uint8_t kind; /* enum kcl_kind */
	union {
		bool b;
		int64_t i;
		double f;
		const struct kcl_unit_value *unit;
		const struct kcl_str *str;
		struct kcl_list *list;
		struct kcl_dict *dict; /* of a value that may be anybody's: only through kcl_as_dict() */
		struct kcl_schema_value *schema;
		struct kcl_function *function;
		const struct kcl_type *type; /* check/type.h */
	};
};

struct kcl_list {
	struct kcl_value *items;
	uint32_t len, cap;
};

/* A pair of a dict or schema, with how it was written: an entry of a config block keeps its operator until it is
 * merged into what it configures. */
struct kcl_pair {
	const struct kcl_str *key;
	struct kcl_value value;
	uint8_t op;           /* enum kcl_entry_op; KCL_ENTRY_UNION by default */
	int32_t insert_index; /* of `key[i]: v`; KCL_NO_INDEX: none (for KCL_ENTRY_INSERT: at the end) */
};

/* Negative indexes count from the end, so -1 is one. */
#define KCL_NO_INDEX INT32_MIN

/* In insertion order; found through a hash table when there are many. */
struct kcl_dict {
	struct kcl_pair *pairs;
	uint32_t len, cap;
	uint32_t *index; /* NULL while small */
	uint32_t index_mask;
	bool is_deferred; /* its pairs are not made yet (value/deferred.c): kcl_as_dict() makes them */
};

struct kcl_schema_value {
	struct kcl_dict attrs;              /* must be first */
	const struct kcl_type *type;        /* the schema's static type: name, package, attributes; check/type.h */
	const struct kcl_dict *config;      /* what it was configured with: a union runs it again with these keys */
	struct kcl_list args;               /* of its constructor */
	struct kcl_dict *kwargs;            /* NULL */
	const struct kcl_schema_code *code; /* eval/: to run it again after a union */
	const struct kcl_place *place;      /* where it was configured; NULL */
};

struct kcl_place {
	const char *file;
	uint32_t line, column;
};

struct kcl_vm;

struct kcl_args { /* of a call; borrowed */
	const struct kcl_value *items;
	uint32_t len;
	const struct kcl_dict *keywords; /* NULL: none */
};

/* One of stdlib/'s functions, or a method of str (then self is the string). Raises on bad arguments, naming itself as
 * upstream does. */
typedef struct kcl_value (*kcl_builtin_fn)(struct kcl_vm *vm, struct kcl_value self, const struct kcl_args *args);

enum kcl_function_kind { KCL_FN_LAMBDA, KCL_FN_BUILTIN, KCL_FN_METHOD, KCL_FN_SCHEMA, KCL_FN_RULE };

struct kcl_function {
	enum kcl_function_kind kind;
	const char *name; /* for messages */
	kcl_builtin_fn call;
	struct kcl_value self;
	const void *code; /* eval/: what to run */
	void *closure;    /* eval/: the scope it was made in */
};

/* ---- making values ---- */

static inline struct kcl_value kcl_undefined(void)
{
	return (struct kcl_value){ .kind = KCL_UNDEFINED };
}
static inline struct kcl_value kcl_none(void)
{
	return (struct kcl_value){ .kind = KCL_NONE };
}
static inline struct kcl_value kcl_bool(bool b)
{
	return (struct kcl_value){ .kind = KCL_BOOL, .b = b };
}
static inline struct kcl_value kcl_int(int64_t i)
{
	return (struct kcl_value){ .kind = KCL_INT, .i = i };
}
static inline struct kcl_value kcl_float(double f)
{
	return (struct kcl_value){ .kind = KCL_FLOAT, .f = f };
}
struct kcl_value kcl_str(struct kcl_heap *h, const char *s, size_t len);
struct kcl_value kcl_strz(struct kcl_heap *h, const char *s);
static inline struct kcl_value kcl_str_value(const struct kcl_str *s)
{
	return (struct kcl_value){ .kind = KCL_STR, .str = s };
}
/* Room for len bytes that the caller fills, before others see it. */
struct kcl_str *kcl_str_room(struct kcl_heap *h, size_t len);
/* Never 0; kept in the string. Strings that threads share (a program's constants) must have been asked before. */
uint32_t kcl_str_hash(const struct kcl_str *s);
bool kcl_str_equal(const struct kcl_str *a, const struct kcl_str *b);
struct kcl_value kcl_unit_value(struct kcl_heap *h, int64_t raw, enum kcl_unit unit);
/* 1024.0 of 1Ki, 0.001 of 1m. */
double kcl_unit_scale(int64_t raw, enum kcl_unit unit);
/* Empty, with room for n. */
struct kcl_value kcl_list(struct kcl_heap *h, uint32_t n);
struct kcl_value kcl_dict(struct kcl_heap *h, uint32_t n);

void kcl_list_push(struct kcl_heap *h, struct kcl_list *l, struct kcl_value v);
void kcl_list_extend(struct kcl_heap *h, struct kcl_list *l, const struct kcl_list *more);
/* NULL when absent. */
struct kcl_pair *kcl_dict_find(const struct kcl_dict *d, const struct kcl_str *key);
struct kcl_pair *kcl_dict_findz(const struct kcl_dict *d, const char *key);
/* UNDEFINED when absent; d may be NULL. */
struct kcl_value kcl_dict_get(const struct kcl_dict *d, const char *key);
/* Replaces or appends; the pair, with op UNION and no index when it is new. */
struct kcl_pair *kcl_dict_set(struct kcl_heap *h, struct kcl_dict *d, const struct kcl_str *key, struct kcl_value v);
struct kcl_pair *kcl_dict_setz(struct kcl_heap *h, struct kcl_dict *d, const char *key, struct kcl_value v);
/* The same for a key that is known to be new. */
struct kcl_pair *kcl_dict_append(struct kcl_heap *h, struct kcl_dict *d, const struct kcl_str *key, struct kcl_value v);
/* The pairs of another, with room for some more. */
void kcl_dict_copy(struct kcl_heap *h, const struct kcl_dict *from, uint32_t room, struct kcl_dict *ret);
bool kcl_dict_remove(struct kcl_dict *d, const struct kcl_str *key);
/* A copy of the outer level; what is inside is shared. */
struct kcl_value kcl_copy(struct kcl_heap *h, struct kcl_value v);

/* ---- deferred dicts (value/deferred.c) ----
 * A dict of which so far only the bytes are there, from which it is made when somebody looks into it: what a caller
 * gives a program is large, and most programs look at little of it. It is the same value before and after. */

/* What a google.protobuf.Struct stands for (codec/protobuf.h), one level at a time. The bytes must have been checked;
 * they are borrowed until the heap is reset. */
struct kcl_value kcl_from_struct(struct kcl_heap *h, const void *data, size_t len);
/* Makes the pairs. Raises when memory runs out. */
void kcl_make_pairs(struct kcl_dict *d);
/* Makes all that is deferred within v, so that who reads it needs no more memory of the heap. */
void kcl_settle(struct kcl_heap *h, struct kcl_value v);

/* Nobody has looked into it yet. */
static inline bool kcl_is_deferred(struct kcl_value v)
{
	return v.kind == KCL_DICT && v.dict->is_deferred;
}
/* Whether v is a dict or a schema's instance. */
static inline bool kcl_has_pairs(struct kcl_value v)
{
	return v.kind == KCL_DICT || v.kind == KCL_SCHEMA;
}
/* Its pairs; NULL unless it has them. */
static inline struct kcl_dict *kcl_as_dict(struct kcl_value v)
{
	if (v.kind != KCL_DICT)
		return v.kind == KCL_SCHEMA ? &v.schema->attrs : NULL;
	if (v.dict->is_deferred)
		kcl_make_pairs(v.dict);
	return v.dict;
}

/* ---- asking values ---- */

bool kcl_truth(struct kcl_value v);
bool kcl_equal(struct kcl_heap *h, struct kcl_value a, struct kcl_value b);
/* "int", "str", "list", "schema name", "number_multiplier(1Ki)", …: as messages and typeof() say it. */
const char *kcl_type_name(struct kcl_heap *h, struct kcl_value v);
/* str(v): Python-like, as upstream prints it. */
const struct kcl_str *kcl_to_str(struct kcl_heap *h, struct kcl_value v);
#define KCL_FLOAT_TEXT_SIZE 400 /* the smallest doubles have more than 300 zeros behind the point */
/* str(float): the shortest digits that read back, never with an exponent: 1.0, 10000000000000000000000.0, inf.0, NaN.0.
 */
void kcl_float_text(double f, char ret[static KCL_FLOAT_TEXT_SIZE]);
/* Code points. Raises for what has no length. */
int64_t kcl_length(struct kcl_heap *h, struct kcl_value v);

/* ---- operators (value/operators.c); raise as upstream does ---- */

struct kcl_value kcl_unary(struct kcl_heap *h, enum kcl_unary_op op, struct kcl_value v);
/* `|` only of ints: of everything else it is kcl_union(), which the evaluator calls. */
struct kcl_value kcl_binary(struct kcl_heap *h, enum kcl_binary_op op, struct kcl_value a, struct kcl_value b);
bool kcl_compare(struct kcl_heap *h, enum kcl_compare_op op, struct kcl_value a, struct kcl_value b);
struct kcl_value kcl_subscript(struct kcl_heap *h, struct kcl_value v, struct kcl_value index, bool is_optional);
/* UNDEFINED for a bound that is not written. */
struct kcl_value kcl_slice(struct kcl_heap *h, struct kcl_value v, struct kcl_value lower, struct kcl_value upper,
                           struct kcl_value step);
/* "${v:#json}": str(v) without a format (NULL), JSON and YAML by those two; raises for another. */
const struct kcl_str *kcl_format_value(struct kcl_heap *h, struct kcl_value v, const char *spec);

/* ---- union (value/union.c) ---- */

struct kcl_union_options {
	bool list_override;    /* lists are replaced, not merged item by item */
	bool idempotent_check; /* different values under `:` are a conflict */
	bool config_resolve;   /* schema instances are run again with the merged config: eval/ is asked */
};
/* What the operator | asks for. */
extern const struct kcl_union_options kcl_union_operator;
/* a | b. Conflicts raise, naming the path; so does what cannot be merged, like a string with a dict. */
struct kcl_value kcl_union(struct kcl_vm *vm, struct kcl_value a, struct kcl_value b,
                           const struct kcl_union_options *o);
/* One entry of a config block merged into a dict that is being built (nobody else sees it yet). The pair. */
struct kcl_pair *kcl_merge_entry(struct kcl_vm *vm, struct kcl_dict *into, const struct kcl_pair *entry,
                                 const struct kcl_union_options *o);
/* What an attribute or key holds after an entry was merged into its value. */
struct kcl_value kcl_merge_value(struct kcl_vm *vm, struct kcl_value value, const struct kcl_pair *entry,
                                 const struct kcl_union_options *o);

/* ---- JSON ---- */

/* From the text or tree of a caller; depth and size are the caller's to bound. */
struct kcl_value kcl_from_json(struct kcl_heap *h, const json_t *v);

#endif
