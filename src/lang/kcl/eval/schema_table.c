#include "eval/schema_table.h"

static uint32_t place(const struct kcl_schema_table *t, const void *stmt)
{
	uint64_t bits = (uint64_t)(uintptr_t)stmt;
	uint32_t at = (uint32_t)((bits * UINT64_C(0x9e3779b97f4a7c15)) >> 32) & t->mask;
	while (t->entries[at].stmt && t->entries[at].stmt != stmt)
		at = (at + 1) & t->mask;
	return at;
}

void kcl_schema_table_init(struct kcl_heap *h, struct kcl_schema_table *t, uint32_t n)
{
	uint32_t size = 8;
	while (size < n * 2)
		size *= 2;
	t->mask = size - 1;
	t->entries = kcl_alloc(h, size * sizeof(*t->entries));
}

void kcl_schema_table_add(struct kcl_schema_table *t, const void *stmt, struct kcl_schema_code *code)
{
	t->entries[place(t, stmt)] = (struct kcl_schema_table_entry){ .stmt = stmt, .code = code };
}

const struct kcl_schema_code *kcl_schema_table_find(const struct kcl_schema_table *t, const struct kcl_schema_type *s)
{
	const void *stmt = s->stmt ? (const void *)s->stmt : (const void *)s->rule;
	return stmt ? t->entries[place(t, stmt)].code : NULL;
}
