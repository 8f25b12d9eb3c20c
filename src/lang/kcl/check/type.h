#ifndef LANG_KCL_CHECK_TYPE_H
#define LANG_KCL_CHECK_TYPE_H
/* Static types. Made by the checker, kept by the program (immutable, shared by threads), read by the evaluator for
 * `as`, typeof() and the conversion of attributes. */

#include "syntax/ast.h"

enum kcl_type_tag {
	KCL_T_ANY,
	KCL_T_NONE,
	KCL_T_BOOL,
	KCL_T_INT,
	KCL_T_FLOAT,
	KCL_T_STR,
	KCL_T_UNIT /* number_multiplier */,
	KCL_T_LITERAL,
	KCL_T_LIST,
	KCL_T_DICT,
	KCL_T_UNION,
	KCL_T_SCHEMA,
	KCL_T_FUNCTION,
	KCL_T_MODULE,
	KCL_T_VOID
};

struct kcl_type;
struct kcl_scope;

struct kcl_attr_type {
	const char *name;
	const struct kcl_type *type;
	bool is_optional, has_default;
	const struct kcl_decorators *decorators; /* NULL */
	const char *doc;
	const struct kcl_expr *default_value; /* NULL */
	const char *file;
	struct kcl_span span;
};

struct kcl_schema_type {
	const char *name, *package, *file;  /* package without '@' */
	const struct kcl_schema_stmt *stmt; /* NULL for a rule */
	const struct kcl_rule_stmt *rule;
	bool is_mixin, is_protocol, is_rule, is_instance;
	const struct kcl_type *base;     /* NULL */
	const struct kcl_type *protocol; /* NULL */
	const struct kcl_type **mixins;
	uint32_t mixins_len;
	struct kcl_attr_type *attrs; /* its own, not those of the base; in order */
	uint32_t attrs_len;
	struct kcl_scope *attr_index; /* the checker's own: name -> position, in span.line; NULL for a rule */
	struct kcl_index_type {
		const char *key_name;
		const struct kcl_type *key, *value;
		bool any_other;
	} * index;                       /* NULL */
	const struct kcl_type *function; /* of its constructor */
};

struct kcl_type {
	enum kcl_type_tag tag;
	uint32_t weight;  /* how many types it is made of, written out; 0: the checker has not asked */
	bool is_inferred; /* a variable that is initialised with one has this very type */
	const char *text; /* as an annotation: "int", "[str]", "{str:int}", "A | B", "\"a\"", "pkg.Name", …; NULL for types
	                     that were inferred and not written */
	union {
		struct {
			enum kcl_type_tag of;
			bool b;
			struct kcl_number number;
			const char *s;
		} literal;
		const struct kcl_type *element;
		struct {
			const struct kcl_type *key, *value;
			const struct kcl_attr_type *attrs; /* what is known of a literal's keys; the checker's own */
			uint32_t attrs_len;
		} dict;
		struct {
			const struct kcl_type **items;
			uint32_t len;
		} of_union;
		struct kcl_schema_type *schema;
		struct {
			const struct kcl_type **params;
			const char **names;
			bool *has_default;
			const struct kcl_span *spans; /* where each parameter is declared, in .file; NULL: nowhere */
			const char *file;
			uint32_t len;
			bool is_variadic;
			const struct kcl_type *result, *self;
		} function;
		struct {
			const char *package;
		} module;
	};
};

/* The attribute of the schema itself; NULL. */
const struct kcl_attr_type *kcl_schema_own_attr(const struct kcl_schema_type *s, const char *name);
/* The attribute of a schema or of its bases and mixins; NULL. */
const struct kcl_attr_type *kcl_schema_attr(const struct kcl_schema_type *s, const char *name);

#endif
