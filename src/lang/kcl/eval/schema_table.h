#ifndef LANG_KCL_EVAL_SCHEMA_TABLE_H
#define LANG_KCL_EVAL_SCHEMA_TABLE_H
/* From a schema's type, as the checker knows it, to its code. */

#include "check/type.h"
#include "value/heap.h"

struct kcl_schema_code;

struct kcl_schema_table {
	struct kcl_schema_table_entry {
		const void *stmt; /* of the schema or rule; NULL: free */
		struct kcl_schema_code *code;
	} * entries;
	uint32_t mask;
};

/* For at most n schemas. */
void kcl_schema_table_init(struct kcl_heap *h, struct kcl_schema_table *t, uint32_t n);
void kcl_schema_table_add(struct kcl_schema_table *t, const void *stmt, struct kcl_schema_code *code);
/* NULL when it is not there. */
const struct kcl_schema_code *kcl_schema_table_find(const struct kcl_schema_table *t, const struct kcl_schema_type *s);

#endif
