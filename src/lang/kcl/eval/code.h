#ifndef LANG_KCL_EVAL_CODE_H
#define LANG_KCL_EVAL_CODE_H
/* What a program is compiled into: a tree of nodes, each with the C function that runs it. Names are resolved: a node
 * knows the slot, cell or constant that a name stands for, so running looks nothing up by name. Code is immutable and
 * shared by threads; it lives in the program's arena, its constants in the program's heap.
 *
 * Globals and the attributes of schemas are computed on demand, whatever the order of their statements. Each is a cell
 * with one or more setters (the statements that assign it, with the conditions of the `if`s around them). Reading a
 * cell runs its last setter; when that reads the same cell again, it gets what the setters before it give. */

#include "check/check.h"
#include "eval/schema_table.h"
#include "value/value.h"

struct kcl_code;
struct kcl_frame;
struct kcl_vm;

typedef struct kcl_value (*kcl_run_fn)(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f);

struct kcl_codes {
	struct kcl_code **items;
	uint32_t len;
};

/* A local that nothing was assigned to yet: never seen outside of frames. */
#define KCL_UNSET 0xff

/* ---- parts of nodes ---- */

struct kcl_keyword_code {
	const struct kcl_str *name;
	struct kcl_code *value;
};

struct kcl_args_code {
	struct kcl_codes positional;
	struct kcl_keyword_code *keywords;
	uint32_t keywords_len;
};

struct kcl_clause_code { /* for a, b in xs if c */
	uint32_t slots[2];
	uint32_t slots_len;
	struct kcl_code *iterable;
	struct kcl_codes conditions;
};

struct kcl_entry_code {
	enum kcl_entry_kind kind;
	enum kcl_entry_op op;
	int32_t index;
	const struct kcl_str *key; /* NULL: key_code, or none */
	struct kcl_code *key_code, *value;
	int32_t slot;               /* local that later entries read; -1 */
	struct kcl_code *condition; /* KCL_ENTRY_IF; NULL: always */
	struct kcl_entries_code *then, *otherwise;
};

struct kcl_entries_code {
	struct kcl_entry_code *items;
	uint32_t len;
	uint32_t *unset; /* locals that may stay without a value */
	uint32_t unset_len;
};

struct kcl_step_code {            /* of an assignment to a.b[i] */
	const struct kcl_str *member; /* NULL: index */
	struct kcl_code *index;
};

/* Where a local is found. */
struct kcl_capture {
	bool from_local; /* of the frame that makes the closure; otherwise one of that frame's own captures */
	uint32_t slot;
};

struct kcl_param_code {
	const struct kcl_str *name;
	const struct kcl_type *type; /* NULL: any */
	struct kcl_code *default_value;
};

/* Something with parameters and locals: a lambda, a schema, a rule, the statements of a file. */
struct kcl_unit_code {
	struct kcl_param_code *params; /* the first locals */
	uint32_t params_len;
	uint32_t locals; /* params and all others */
};

struct kcl_lambda_code {
	struct kcl_unit_code unit;
	struct kcl_codes body;
	const struct kcl_type *result; /* NULL */
	struct kcl_capture *captures;
	uint32_t captures_len;
};

/* ---- cells ---- */

/* `if` around a setter, outermost first. */
struct kcl_guard {
	struct kcl_code *condition;
	bool expected;
};

/* A statement that assigns one cell. */
struct kcl_setter {
	struct kcl_code *leaf; /* kcl_leaf_apply() runs it */
	struct kcl_guard *guards;
	uint32_t guards_len;
	const struct kcl_unit_code *unit; /* whose locals it uses */
};

struct kcl_global_code {
	const struct kcl_str *name;
	struct kcl_setter **setters;
	uint32_t setters_len;
};

struct kcl_cell {
	struct kcl_value value;
	const struct kcl_pair *config; /* an attribute's entry in the configuration; NULL */
	uint32_t hidden;               /* setters, the last ones, that a read may not run now: one of them is running */
	uint32_t passed;               /* setters, the first ones, that the statements in their order have run already */
	bool done;
};

/* ---- schemas ---- */

struct kcl_check_code {
	struct kcl_code *test, *condition, *message;
};

struct kcl_index_code {
	const struct kcl_str *key_name; /* NULL */
	const struct kcl_type *value;
	struct kcl_code *default_value;
};

/* One schema, mixin, protocol or rule, as it is written. */
struct kcl_schema_code {
	const char *name, *package, *file;
	const struct kcl_type *type;
	bool is_rule;
	struct kcl_unit_code unit;
	struct kcl_schema_code *parent;
	struct kcl_schema_code **mixins; /* of a rule: its parents */
	uint32_t mixins_len;
	struct kcl_schema_code *host; /* the protocol of a mixin, the schema of a rule */
	/* Names that its code reads and assigns as attributes; code has indexes into it. */
	const struct kcl_str **names;
	uint32_t names_len;
	struct kcl_setter **setters; /* in order; leaf->assign.name is the name's index */
	uint32_t setters_len;
	struct kcl_attr_code {
		uint32_t name;
		bool is_optional, is_required; /* required: not optional and without a value */
		const struct kcl_type *type;
	} * attrs; /* that it declares */
	uint32_t attrs_len;
	struct kcl_codes body;
	struct kcl_codes decorators;
	struct kcl_check_code *checks;
	uint32_t checks_len;
	struct kcl_index_code *index; /* NULL */
	struct kcl_layout *layout;
	struct kcl_dict *declared;    /* the names that are its own attributes, for the compiler */
	struct kcl_value constructor; /* KCL_FUNCTION */

	uint32_t number; /* for instances() */
};

/* A schema that takes part in an instance: itself, a base, a mixin. */
struct kcl_owner {
	const struct kcl_schema_code *schema;
	uint32_t number;          /* in the layout */
	const uint32_t *slots;    /* name -> attribute of the instance; UINT32_MAX: none */
	const uint32_t *ordinals; /* setter of the schema -> place among the setters of its attribute */
};

struct kcl_slot_code {
	const struct kcl_str *name;
	const struct kcl_type *type; /* as declared last; NULL */
	bool is_attr, is_optional;   /* declared, not only assigned */
	struct kcl_owned_setter {
		const struct kcl_owner *owner;
		const struct kcl_setter *setter;
	} * setters;
	uint32_t setters_len;
};

/* The attributes of a schema with those of its bases and mixins, in the order they are emitted. */
struct kcl_layout {
	struct kcl_owner *owners; /* in the order that their bodies run */
	uint32_t owners_len;
	const struct kcl_owner *self;
	struct kcl_slot_code *slots;
	uint32_t slots_len;
	struct kcl_dict *by_name;           /* name -> int */
	const struct kcl_index_code *index; /* its own; bases' are found through parent */
};

/* ---- nodes ---- */

enum kcl_target_kind { KCL_TARGET_LOCAL, KCL_TARGET_GLOBAL, KCL_TARGET_ATTR };

struct kcl_assign_code {
	enum kcl_target_kind target;
	uint32_t slot;   /* local; global's cell; index into the schema's names */
	uint32_t setter; /* its place among the setters of the global or of the schema */
	struct kcl_step_code *steps;
	uint32_t steps_len;
	struct kcl_code *value; /* NULL for an attribute without a value */
	const struct kcl_type *type;
	struct kcl_code *decorators; /* of an attribute; NULL */
	int32_t patch;               /* capture of the lambda assigned that is to see itself; -1 */
	bool is_attr;                /* a declaration in a schema */
	bool is_union;               /* written with |=: merged into what it was */
	const struct kcl_str *name;
};

struct kcl_decorator_code {
	const char *name;
	struct kcl_args_code args;
	const struct kcl_str *target; /* the attribute; NULL: the schema */
	const char *target_name;
	struct kcl_code *next;
};

struct kcl_code {
	kcl_run_fn run;
	const char *file;
	uint32_t line, column;
	union {
		struct kcl_value constant;
		struct {
			uint32_t slot;
			struct kcl_code *otherwise; /* when the local has no value; NULL: it always has */
		} local;
		uint32_t cell;
		struct {
			uint32_t name;
			struct kcl_code *otherwise; /* when the instance has no such attribute; NULL: UNDEFINED */
		} attr;
		struct {
			struct kcl_code *object;
			const struct kcl_str *name;
			bool is_optional;
		} select;
		struct {
			uint8_t op;
			struct kcl_code *a, *b;
		} binary;
		struct {
			struct kcl_code *first;
			const enum kcl_compare_op *ops;
			struct kcl_code **operands;
			uint32_t len;
		} compare;
		struct {
			struct kcl_code *operand;
			const struct kcl_type *type;
		} as;
		struct {
			struct kcl_code *condition, *then, *otherwise;
		} ternary;
		struct {
			struct kcl_code *callee;
			struct kcl_args_code args;
		} call;
		struct {
			enum kcl_quantifier op;
			struct kcl_clause_code clause;
			struct kcl_code *test;
		} quantifier;
		struct kcl_codes list;
		struct {
			struct kcl_code *condition;
			struct kcl_codes items;
			struct kcl_code *otherwise;
		} list_if;
		struct {
			struct kcl_clause_code *clauses;
			uint32_t len;
			struct kcl_code *element; /* NULL: entry */
			struct kcl_entry_code *entry;
		} comp;
		struct kcl_entries_code config;
		struct {
			struct kcl_code *callee, *config;
			struct kcl_args_code args;
			struct kcl_place place;
		} schema;
		struct kcl_lambda_code *lambda;
		struct {
			struct kcl_code *object, *index, *lower, *upper, *step;
			bool is_optional;
		} subscript;
		struct {
			struct kcl_joined_code {
				struct kcl_value text;
				struct kcl_code *code; /* NULL: text */
				const char *format;
			} * parts;
			uint32_t len;
		} joined;
		/* statements */
		struct {
			struct kcl_codes items;
			const bool *is_call; /* those give no document */
			bool is_global;      /* of the main package: its values are part of the result */
			const bool *is_schema;
		} exprs;
		struct kcl_assign_code assign;
		struct {
			struct kcl_code *test, *condition, *message;
		} assertion;
		struct {
			struct kcl_code *condition;
			struct kcl_codes body, orelse;
			struct kcl_codes leaves; /* assignments to cells in it, however deep */
		} if_stmt;
		struct kcl_decorator_code decorator;
	};
};

static inline struct kcl_value kcl_run(struct kcl_vm *vm, const struct kcl_code *c, struct kcl_frame *f)
{
	return c->run(vm, c, f);
}

/* ---- a program ---- */

struct kcl_package_code {
	const char *path;
	struct kcl_unit_code *units; /* one for a file */
	struct kcl_codes *bodies;    /* likewise */
	uint32_t modules_len;
	struct kcl_global_code **globals; /* its cells, in the order they are emitted */
	uint32_t globals_len;
	uint32_t first_cell;
};

struct kcl_program {
	_Atomic unsigned refs;
	struct kcl_heap *heap; /* of code and constants */
	struct kcl_packages packages;
	struct kcl_checked *checked;
	struct kcl_package_code *code; /* in the order that they run: what is imported first, the main package last */
	uint32_t code_len;
	const struct kcl_global_code **globals; /* by cell */
	uint32_t cells;
	uint32_t schemas; /* how many */
	struct kcl_schema_table schema_table;
	bool is_observed; /* it has print() or instances(), so it sees how often a statement runs */
	size_t size;      /* bytes */
};

#endif
