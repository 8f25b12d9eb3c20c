/* Whether a value may stand where a type is asked for. */

#include "base/str.h"
#include "check/checker.h"

/* Each key of a dict literal against the schema's attribute or, of its others, the index signature. */
static void check_indexed_attrs(struct checker *c, const struct kcl_type *dict, const struct kcl_schema_type *s,
                                const struct kcl_span *span)
{
	for (uint32_t i = 0; i < dict->dict.attrs_len; i++) {
		const struct kcl_attr_type *attr = &dict->dict.attrs[i];
		const struct kcl_attr_type *own = s->index->any_other ? kcl_schema_own_attr(s, attr->name) : NULL;

		if (own)
			check_assignable(c, attr->type, own->type, span);
		else
			check_assignable(c, attr->type, s->index->value, &attr->span);
	}
}

/* A dict may become a schema; what is known to be wrong with it is reported here, and the rest when it runs. */
static void check_dict_as_schema(struct checker *c, const struct kcl_type *dict, const struct kcl_schema_type *s,
                                 const struct kcl_span *span)
{
	const struct kcl_type *key = dict->dict.key;

	if (s->index && dict->dict.attrs_len == 0) {
		if (!check_fits(c, dict->dict.value, s->index->value, span))
			check_error(c, "TypeError", span, "expected schema index signature value type %s, got %s",
			            check_shown(c, s->index->value), check_shown(c, dict->dict.value));
	} else if (s->index) {
		check_indexed_attrs(c, dict, s, span);
	} else if (kcl_type_is_literal_str(key)) {
		const struct kcl_attr_type *own = kcl_schema_own_attr(s, key->literal.s);

		for (uint32_t i = 0; own && i < dict->dict.attrs_len; i++)
			if (str_eq(dict->dict.attrs[i].name, key->literal.s))
				check_assignable(c, dict->dict.attrs[i].type, own->type, span);
	}
}

static bool union_fits(struct checker *c, const struct kcl_type *type, const struct kcl_type *expected,
                       const struct kcl_span *span)
{
	if (type->tag == KCL_T_UNION) {
		for (uint32_t i = 0; i < type->of_union.len; i++)
			if (!check_fits(c, type->of_union.items[i], expected, span))
				return false;
		return true;
	}
	for (uint32_t i = 0; i < expected->of_union.len; i++)
		if (check_fits(c, type, expected->of_union.items[i], span))
			return true;
	return false;
}

bool check_fits(struct checker *c, const struct kcl_type *type, const struct kcl_type *expected,
                const struct kcl_span *span)
{
	if (type == expected && type->tag != KCL_T_VOID && type->tag != KCL_T_MODULE)
		return true;
	if (!kcl_types_count(c->types))
		return true;
	if (type->tag == KCL_T_LIST && expected->tag == KCL_T_LIST)
		return check_fits(c, type->element, expected->element, span);
	if (type->tag == KCL_T_DICT && expected->tag == KCL_T_DICT)
		return check_fits(c, type->dict.key, expected->dict.key, span) &&
		       check_fits(c, type->dict.value, expected->dict.value, span);
	if (type->tag == KCL_T_DICT && expected->tag == KCL_T_SCHEMA) {
		check_dict_as_schema(c, type, expected->schema, span);
		return true;
	}
	if (type->tag == KCL_T_UNION || expected->tag == KCL_T_UNION)
		return union_fits(c, type, expected, span);
	return kcl_type_assignable(c->types, type, expected);
}

void check_assignable(struct checker *c, const struct kcl_type *type, const struct kcl_type *expected,
                      const struct kcl_span *span)
{
	if (!check_fits(c, type, expected, span))
		check_error(c, "TypeError", span, "expected %s, got %s", check_shown(c, expected), check_shown(c, type));
}
