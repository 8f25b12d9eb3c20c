#include "eval/compile.h"

/* The layout of a schema: whose statements run for an instance, in which order, and which attributes it has. Bases come
 * first, then the schema itself, then its mixins; each of them with its own bases and mixins in the same way. */

static void add_owner(struct kcl_compiler *c, struct kcl_layout *l, const struct kcl_schema_code *s)
{
	kcl_compile_check(c->h, c->stop);
	if (s->parent)
		add_owner(c, l, s->parent);
	PUSH(c->h, l->owners, l->owners_len, ((struct kcl_owner){ .schema = s, .number = l->owners_len }));
	for (uint32_t i = 0; i < s->mixins_len; i++)
		add_owner(c, l, s->mixins[i]);
}

static uint32_t add_slot(struct kcl_compiler *c, struct kcl_layout *l, const struct kcl_str *name)
{
	struct kcl_pair *pair = kcl_dict_find(l->by_name, name);
	if (pair)
		return (uint32_t)pair->value.i;
	kcl_dict_append(c->h, l->by_name, name, kcl_int(l->slots_len));
	PUSH(c->h, l->slots, l->slots_len, ((struct kcl_slot_code){ .name = name }));
	return l->slots_len - 1;
}

static void add_setters(struct kcl_compiler *c, struct kcl_layout *l, struct kcl_owner *o)
{
	const struct kcl_schema_code *s = o->schema;
	uint32_t *ordinals = kcl_alloc(c->h, s->setters_len * sizeof(*ordinals));
	for (uint32_t i = 0; i < s->setters_len; i++) {
		const struct kcl_setter *setter = s->setters[i];
		uint32_t number = add_slot(c, l, s->names[setter->leaf->assign.slot]); /* may move the slots */
		struct kcl_slot_code *slot = &l->slots[number];
		ordinals[i] = slot->setters_len;
		PUSH(c->h, slot->setters, slot->setters_len, ((struct kcl_owned_setter){ .owner = o, .setter = setter }));
		if (setter->leaf->assign.is_attr) {
			slot->type = setter->leaf->assign.type;
			slot->is_attr = true;
		}
	}
	for (uint32_t i = 0; i < s->attrs_len; i++) {
		uint32_t number = add_slot(c, l, s->names[s->attrs[i].name]);
		l->slots[number].is_optional = s->attrs[i].is_optional;
	}
	o->ordinals = ordinals;
}

/* Once all slots are known. */
static void map_names(struct kcl_compiler *c, struct kcl_layout *l, struct kcl_owner *o)
{
	const struct kcl_schema_code *s = o->schema;
	uint32_t *slots = kcl_alloc(c->h, s->names_len * sizeof(*slots));
	for (uint32_t i = 0; i < s->names_len; i++) {
		struct kcl_pair *pair = kcl_dict_find(l->by_name, s->names[i]);
		slots[i] = pair ? (uint32_t)pair->value.i : UINT32_MAX;
	}
	o->slots = slots;
}

static const struct kcl_index_code *find_index(const struct kcl_schema_code *s)
{
	for (; s; s = s->parent) {
		if (s->index)
			return s->index;
	}
	return NULL;
}

void kcl_make_layout(struct kcl_compiler *c, struct kcl_schema_code *s)
{
	struct kcl_layout *l = kcl_alloc(c->h, sizeof(*l));
	l->by_name = kcl_dict(c->h, 0).dict;
	if (s->is_rule) {
		if (s->host)
			add_owner(c, l, s->host);
		for (uint32_t i = 0; i < s->mixins_len; i++)
			PUSH(c->h, l->owners, l->owners_len,
			     ((struct kcl_owner){ .schema = s->mixins[i], .number = l->owners_len }));
		PUSH(c->h, l->owners, l->owners_len, ((struct kcl_owner){ .schema = s, .number = l->owners_len }));
	} else {
		add_owner(c, l, s);
	}
	for (uint32_t i = 0; i < l->owners_len; i++) {
		add_setters(c, l, &l->owners[i]);
		if (l->owners[i].schema == s)
			l->self = &l->owners[i];
	}
	for (uint32_t i = 0; i < l->owners_len; i++)
		map_names(c, l, &l->owners[i]);
	l->index = find_index(s->is_rule ? s->host : s);
	s->layout = l;
}
