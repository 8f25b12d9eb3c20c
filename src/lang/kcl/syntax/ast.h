#ifndef LANG_KCL_SYNTAX_AST_H
#define LANG_KCL_SYNTAX_AST_H
/* The syntax tree of a KCL file, as the language reference names its parts.
 *
 * Everything is allocated in the arena of the module and is not changed after the checker has seen it, so that
 * programs may be shared by threads. Lists are singly linked by `next`, or arrays with a length where order is asked
 * for by number. Strings are NUL-terminated, decoded, and may hold no NUL. */

#include "base/arena.h"

#include <stdint.h>
#include <string.h>

/* Lines and columns from 1, columns in characters; the end is behind the last character. */
struct kcl_span {
	uint32_t line, column, end_line, end_column;
};

struct kcl_name { /* `metadata` */
	const char *s;
	struct kcl_span span;
};

struct kcl_names { /* `a.b.c` */
	struct kcl_name *items;
	uint32_t len;
	const char *package; /* the full path of the imported package that the first name stands for, set by the checker;
	                        NULL */
};

struct kcl_exprs {
	struct kcl_expr **items;
	uint32_t len;
};

/* ---- types, as written ---- */

enum kcl_type_kind {
	KCL_TYPE_ANY,
	KCL_TYPE_BASIC,
	KCL_TYPE_NAMED,   /* a schema or an alias, or pkg.Name */
	KCL_TYPE_LIST,    /* [T], [] */
	KCL_TYPE_DICT,    /* {K:V}, {:}, {} */
	KCL_TYPE_UNION,   /* A | B */
	KCL_TYPE_LITERAL, /* "a", 1, 1.5, True, 1Ki */
	KCL_TYPE_FUNCTION /* (A, B) -> R */
};

enum kcl_basic_type { KCL_BASIC_BOOL, KCL_BASIC_INT, KCL_BASIC_FLOAT, KCL_BASIC_STR };

/* A suffix of a number literal: n u m k K M G T P Ki Mi Gi Ti Pi i. */
enum kcl_unit {
	KCL_UNIT_NONE,
	KCL_UNIT_n,
	KCL_UNIT_u,
	KCL_UNIT_m,
	KCL_UNIT_k,
	KCL_UNIT_K,
	KCL_UNIT_M,
	KCL_UNIT_G,
	KCL_UNIT_T,
	KCL_UNIT_P,
	KCL_UNIT_Ki,
	KCL_UNIT_Mi,
	KCL_UNIT_Gi,
	KCL_UNIT_Ti,
	KCL_UNIT_Pi,
	KCL_UNIT_i
};

struct kcl_number {
	bool is_float;
	int64_t i; /* without the unit's factor; numbers beyond 64 bits are a syntax error */
	double f;
	enum kcl_unit unit; /* integers only */
};

/* The same bits: a NaN is itself, and 0.0 is not -0.0. */
static inline bool kcl_same_double(double a, double b)
{
	uint64_t bits[2];
	memcpy(&bits[0], &a, sizeof(a));
	memcpy(&bits[1], &b, sizeof(b));
	return bits[0] == bits[1];
}

enum kcl_constant { KCL_CONST_TRUE, KCL_CONST_FALSE, KCL_CONST_NONE, KCL_CONST_UNDEFINED };

struct kcl_type_expr {
	enum kcl_type_kind kind;
	struct kcl_span span;
	union {
		enum kcl_basic_type basic;
		struct kcl_names named;
		struct kcl_type_expr *element; /* list; NULL: any */
		struct {
			struct kcl_type_expr *key, *value;
		} dict; /* NULL: any */
		struct {
			struct kcl_type_expr **items;
			uint32_t len;
		} of_union;
		struct {
			enum { KCL_LITERAL_BOOL, KCL_LITERAL_INT, KCL_LITERAL_FLOAT, KCL_LITERAL_STR } kind;
			bool b;
			struct kcl_number number;
			const char *s;
		} literal;
		struct {
			struct kcl_type_expr **params;
			uint32_t len;
			struct kcl_type_expr *result; /* NULL: any */
		} function;
	};
};

/* ---- expressions ---- */

/* Texts of a tree end at their NUL, so a NUL inside of one is written in two bytes, as no UTF-8 has it. */
#define KCL_TREE_NUL "\xc0\x80"

enum kcl_expr_kind {
	KCL_EXPR_NAME, /* a.b.c: names joined by plain dots */
	KCL_EXPR_UNARY,
	KCL_EXPR_BINARY,   /* arithmetic, `as` excluded */
	KCL_EXPR_COMPARE,  /* a < b < c */
	KCL_EXPR_LOGIC,    /* and, or */
	KCL_EXPR_AS,       /* a as T */
	KCL_EXPR_TERNARY,  /* a if b else c */
	KCL_EXPR_SELECTOR, /* f().a, a?.b */
	KCL_EXPR_CALL,
	KCL_EXPR_PAREN,
	KCL_EXPR_QUANTIFIER, /* all x in xs {…} */
	KCL_EXPR_LIST,
	KCL_EXPR_LIST_IF, /* `if c: a, b else: c` among the items of a list */
	KCL_EXPR_STARRED, /* *xs among the items of a list */
	KCL_EXPR_LIST_COMP,
	KCL_EXPR_DICT_COMP,
	KCL_EXPR_CONFIG, /* { … } */
	KCL_EXPR_SCHEMA, /* Name(args) { … } */
	KCL_EXPR_LAMBDA,
	KCL_EXPR_SUBSCRIPT, /* a[i], a[i:j:k], a?[i] */
	KCL_EXPR_NUMBER,
	KCL_EXPR_STRING,
	KCL_EXPR_CONSTANT,
	KCL_EXPR_JOINED, /* "a${b}c" */
	KCL_EXPR_MISSING /* what recovery left; the module has an error then */
};

enum kcl_unary_op { KCL_OP_PLUS, KCL_OP_MINUS, KCL_OP_INVERT, KCL_OP_NOT };
enum kcl_binary_op {
	KCL_OP_ADD,
	KCL_OP_SUB,
	KCL_OP_MUL,
	KCL_OP_DIV,
	KCL_OP_MOD,
	KCL_OP_POW,
	KCL_OP_FLOORDIV,
	KCL_OP_SHL,
	KCL_OP_SHR,
	KCL_OP_BITXOR,
	KCL_OP_BITAND,
	KCL_OP_BITOR
};
enum kcl_compare_op {
	KCL_CMP_EQ,
	KCL_CMP_NE,
	KCL_CMP_LT,
	KCL_CMP_LE,
	KCL_CMP_GT,
	KCL_CMP_GE,
	KCL_CMP_IN,
	KCL_CMP_NOT_IN,
	KCL_CMP_IS,
	KCL_CMP_IS_NOT
};

struct kcl_keyword { /* name = value, in a call or a decorator */
	struct kcl_name name;
	struct kcl_expr *value;
};

struct kcl_arguments {
	struct kcl_exprs positional;
	struct kcl_keyword *keywords;
	uint32_t keywords_len;
};

struct kcl_param {
	struct kcl_name name;
	struct kcl_type_expr *type;     /* NULL */
	struct kcl_expr *default_value; /* NULL */
};

struct kcl_params {
	struct kcl_param *items;
	uint32_t len;
};

/* for a, b in xs if c if d */
struct kcl_comp_clause {
	struct kcl_name targets[2];
	uint32_t targets_len;
	struct kcl_expr *iterable;
	struct kcl_exprs conditions;
	struct kcl_comp_clause *next;
};

enum kcl_quantifier { KCL_QUANT_ALL, KCL_QUANT_ANY, KCL_QUANT_FILTER, KCL_QUANT_MAP };

enum kcl_entry_op { KCL_ENTRY_UNION /* : */, KCL_ENTRY_OVERRIDE /* = */, KCL_ENTRY_INSERT /* += */ };

enum kcl_entry_kind {
	KCL_ENTRY_PAIR,   /* key: value */
	KCL_ENTRY_UNPACK, /* **value */
	KCL_ENTRY_IF      /* if c: … elif …: … else: … */
};

/* `a.b[0].c: v` is one entry whose key has several steps; a quoted key is one step and is not split. */
struct kcl_config_entry {
	enum kcl_entry_kind kind;
	enum kcl_entry_op op;
	struct kcl_span span;
	/* How the key was written: names (`a.b`), or any other expression (a string, a joined string, a number, `(x)`, a
	 * subscript a[0] for insert-at). */
	struct kcl_expr *key;
	struct kcl_expr *value;
	/* KCL_ENTRY_IF: the condition, its entries, and what else: another KCL_ENTRY_IF, or entries with no condition. */
	struct kcl_expr *condition; /* NULL for else */
	struct kcl_config_entry *entries, *orelse;
	struct kcl_config_entry *next;
};

struct kcl_expr {
	enum kcl_expr_kind kind;
	struct kcl_span span;
	union {
		struct kcl_names name;
		struct {
			enum kcl_unary_op op;
			struct kcl_expr *operand;
		} unary;
		struct {
			enum kcl_binary_op op;
			struct kcl_expr *left, *right;
			struct kcl_span op_span;
		} binary;
		struct {
			struct kcl_expr *first;
			enum kcl_compare_op *ops;
			struct kcl_expr **operands;
			uint32_t len;
		} compare;
		struct {
			bool is_or;
			struct kcl_expr *left, *right;
		} logic;
		struct {
			struct kcl_expr *operand;
			struct kcl_type_expr *type;
		} as;
		struct {
			struct kcl_expr *condition, *then, *otherwise;
		} ternary;
		struct {
			struct kcl_expr *object;
			struct kcl_names attr;
			bool is_optional; /* ?. */
		} selector;
		struct {
			struct kcl_expr *callee;
			struct kcl_arguments args;
		} call;
		struct kcl_expr *paren;
		struct {
			enum kcl_quantifier op;
			struct kcl_name targets[2];
			uint32_t targets_len;
			struct kcl_expr *iterable, *test, *condition; /* `test if condition`, NULL */
		} quantifier;
		struct kcl_exprs list;
		struct {
			struct kcl_expr *condition;
			struct kcl_exprs items;
			struct kcl_expr *orelse; /* LIST_IF, LIST or NULL */
		} list_if;
		struct kcl_expr *starred;
		struct {
			struct kcl_expr *element;
			struct kcl_comp_clause *clauses;
		} list_comp;
		struct {
			struct kcl_config_entry *entry;
			struct kcl_comp_clause *clauses;
		} dict_comp;
		struct {
			struct kcl_config_entry *entries;
		} config;
		struct {
			struct kcl_names name;
			struct kcl_arguments args;
			bool has_args;
			struct kcl_expr *config;
		} schema;
		struct {
			struct kcl_params params;
			struct kcl_type_expr *result;
			struct kcl_stmt *body;
		} lambda;
		struct {
			struct kcl_expr *object;
			bool is_slice, is_optional;
			struct kcl_expr *index, *lower, *upper, *step;
		} subscript;
		struct kcl_number number;
		struct {
			const char *s;
			const char *raw;
			bool is_long;
		} string; /* raw: as written, for fmt */
		enum kcl_constant constant;
		struct {
			struct kcl_joined_part *parts;
			uint32_t len;
			const char *raw;
			bool is_long;
		} joined;
	};
};

struct kcl_joined_part {
	const char *text;      /* or NULL, and then */
	struct kcl_expr *expr; /* ${expr} */
	const char *format;    /* ${expr:format}: "#json", "#yaml", a Python format; NULL */
};

/* ---- statements ---- */

enum kcl_stmt_kind {
	KCL_STMT_EXPR,
	KCL_STMT_ASSIGN,      /* a = b = 1, a.b[0] = 1, with types */
	KCL_STMT_AUG_ASSIGN,  /* += -= *= /= //= %= **= <<= >>= |= &= ^= */
	KCL_STMT_UNIFICATION, /* name: Schema {…} */
	KCL_STMT_ASSERT,
	KCL_STMT_IF,
	KCL_STMT_IMPORT,
	KCL_STMT_SCHEMA,
	KCL_STMT_RULE,
	KCL_STMT_ATTR, /* in a schema: name?: type = value */
	KCL_STMT_TYPE_ALIAS
};

/* name.member[expr].… on the left side of an assignment */
struct kcl_target {
	struct kcl_name name;
	struct kcl_target_step {
		struct kcl_name member; /* s NULL: an index */
		struct kcl_expr *index;
	} * steps;
	uint32_t steps_len;
	struct kcl_span span;
};

struct kcl_decorator {
	struct kcl_names name;
	struct kcl_arguments args;
	struct kcl_span span;
};

struct kcl_decorators {
	struct kcl_decorator *items;
	uint32_t len;
};

struct kcl_check {                               /* in a check block: expr [if condition] [, message] */
	struct kcl_expr *test, *condition, *message; /* the latter two NULL */
	struct kcl_span span;
};

struct kcl_checks {
	struct kcl_check *items;
	uint32_t len;
};

struct kcl_schema_stmt {
	struct kcl_name name;
	const char *doc, *doc_raw; /* what it says, and as written, for fmt; NULL */
	bool is_mixin, is_protocol;
	struct kcl_params params;
	struct kcl_names parent;   /* len 0: none */
	struct kcl_names for_host; /* `mixin X for P` */
	struct kcl_names *mixins;
	uint32_t mixins_len;
	struct kcl_decorators decorators;
	struct kcl_index_signature {
		struct kcl_name key_name; /* s NULL */
		bool any_other;           /* [...str]: str */
		struct kcl_type_expr *key, *value;
		struct kcl_expr *default_value;
		struct kcl_span span;
	} * index_signature; /* NULL */
	struct kcl_stmt *body;
	struct kcl_checks checks;
};

struct kcl_rule_stmt {
	struct kcl_name name;
	const char *doc, *doc_raw;
	struct kcl_params params;
	struct kcl_names *parents;
	uint32_t parents_len;
	struct kcl_names for_host;
	struct kcl_decorators decorators;
	struct kcl_checks checks;
};

struct kcl_stmt {
	enum kcl_stmt_kind kind;
	struct kcl_span span;
	struct kcl_stmt *next;
	union {
		struct kcl_exprs exprs;
		struct {
			struct kcl_target *targets;
			uint32_t len;
			struct kcl_type_expr *type;
			struct kcl_expr *value;
		} assign;
		struct {
			struct kcl_target target;
			enum kcl_binary_op op;
			struct kcl_expr *value;
		} aug_assign;
		struct {
			struct kcl_name name;
			struct kcl_expr *value; /* KCL_EXPR_SCHEMA */
		} unification;
		struct {
			struct kcl_expr *test, *condition, *message;
		} assertion;
		struct {
			struct kcl_expr *condition;
			struct kcl_stmt *body, *orelse; /* elif: a single KCL_STMT_IF */
		} if_stmt;
		struct {
			const char *path;
			struct kcl_names written;
			struct kcl_name as; /* s NULL */
			const char *name;
		} import;
		struct kcl_schema_stmt schema;
		struct kcl_rule_stmt rule;
		struct {
			struct kcl_name name;
			const char *doc;
			bool is_optional;
			struct kcl_type_expr *type;
			bool has_op;
			enum kcl_entry_op op;
			struct kcl_expr *value; /* NULL */
			struct kcl_decorators decorators;
		} attr;
		struct {
			struct kcl_name name;
			struct kcl_type_expr *type;
		} alias;
	};
};

struct kcl_comment {
	struct kcl_span span;
	const char *text; /* with its # */
	struct kcl_comment *next;
};

/* One file. */
struct kcl_module {
	const char *file;    /* as diagnostics name it */
	const char *package; /* "__main__", "a.b" */
	const char *text;    /* the source, for caret lines and fmt */
	size_t text_len;
	const char *doc, *doc_raw;
	struct kcl_stmt *body;
	struct kcl_comment *comments;
	struct arena *arena; /* owned: holds everything above */
};

struct kcl_module *kcl_module_free(struct kcl_module *m);
DEFINE_CLEANUP(struct kcl_module *, kcl_module_free)

#endif
