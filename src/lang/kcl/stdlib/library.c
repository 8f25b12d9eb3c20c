#include "stdlib/library.h"

#include "base/str.h"

#include <string.h>

/* ---- arguments ---- */

bool kcl_arg(const struct kcl_args *args, uint32_t i, const char *name, struct kcl_value *ret)
{
	const struct kcl_pair *pair = args->keywords ? kcl_dict_findz(args->keywords, name) : NULL;

	if (!pair && i >= args->len)
		return false;
	*ret = pair ? pair->value : args->items[i];
	return true;
}

bool kcl_arg_set(const struct kcl_args *args, uint32_t i, const char *name, struct kcl_value *ret)
{
	struct kcl_value v;

	if (!kcl_arg(args, i, name, &v) || v.kind == KCL_NONE || v.kind == KCL_UNDEFINED)
		return false;
	*ret = v;
	return true;
}

struct kcl_value kcl_arg_need(struct kcl_vm *vm, const struct kcl_args *args, uint32_t i, const char *name,
                              const char *message)
{
	struct kcl_value v;

	if (!kcl_arg(args, i, name, &v))
		kcl_raise(kcl_vm_heap(vm), "%s", message);
	return v;
}

static const struct kcl_str *as_str(struct kcl_vm *vm, struct kcl_value v)
{
	return v.kind == KCL_STR ? v.str : kcl_str(kcl_vm_heap(vm), "", 0).str;
}

const struct kcl_str *kcl_arg_need_str(struct kcl_vm *vm, const struct kcl_args *args, uint32_t i, const char *name,
                                       const char *message)
{
	return as_str(vm, kcl_arg_need(vm, args, i, name, message));
}

const struct kcl_str *kcl_arg_str(struct kcl_vm *vm, const struct kcl_args *args, uint32_t i, const char *name)
{
	struct kcl_value v;

	return kcl_arg(args, i, name, &v) ? as_str(vm, v) : NULL;
}

bool kcl_arg_bool(const struct kcl_args *args, uint32_t i, const char *name, bool otherwise)
{
	struct kcl_value v;

	return kcl_arg(args, i, name, &v) ? kcl_truth(v) : otherwise;
}

int64_t kcl_arg_int(struct kcl_vm *vm, const struct kcl_args *args, uint32_t i, const char *name, int64_t otherwise)
{
	struct kcl_value v;

	if (!kcl_arg(args, i, name, &v))
		return otherwise;
	if (v.kind != KCL_INT)
		kcl_raise(kcl_vm_heap(vm), "invalid int value");
	return v.i;
}

/* ---- iteration ---- */

struct kcl_iteration kcl_iterate(struct kcl_vm *vm, struct kcl_value v)
{
	if (v.kind != KCL_STR && v.kind != KCL_LIST && !kcl_has_pairs(v))
		kcl_raise(kcl_vm_heap(vm), "'%s' object is not iterable", kcl_type_name(kcl_vm_heap(vm), v));
	return (struct kcl_iteration){ .of = v };
}

static bool next_char(struct kcl_heap *h, struct kcl_iteration *it, struct kcl_value *ret)
{
	const struct kcl_str *s = it->of.str;
	uint32_t point;

	if (it->offset >= s->len)
		return false;

	size_t n = utf8_next(s->s + it->offset, s->len - it->offset, &point);

	n = n ? n : 1;
	*ret = kcl_str(h, s->s + it->offset, n);
	it->offset += (uint32_t)n;
	return true;
}

bool kcl_iterate_next(struct kcl_vm *vm, struct kcl_iteration *it, struct kcl_value *ret)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	const struct kcl_dict *d = kcl_as_dict(it->of);

	kcl_steps(h, 1);
	if (it->of.kind == KCL_STR)
		return next_char(h, it, ret);
	if (it->at >= (d ? d->len : it->of.list->len))
		return false;
	*ret = d ? kcl_str_value(d->pairs[it->at].key) : it->of.list->items[it->at];
	it->at++;
	return true;
}

/* ---- tables ---- */

static const struct {
	const char *name;
	const struct kcl_builtin *rows;
} modules[] = {
	{ "base32", kcl_base32_rows },     { "base64", kcl_base64_rows },       { "collection", kcl_collection_rows },
	{ "crypto", kcl_crypto_rows },     { "datetime", kcl_datetime_rows },   { "file", kcl_file_rows },
	{ "json", kcl_json_rows },         { "manifests", kcl_manifests_rows }, { "math", kcl_math_rows },
	{ "net", kcl_net_rows },           { "regex", kcl_regex_rows },         { "runtime", kcl_runtime_rows },
	{ "template", kcl_template_rows }, { "units", kcl_units_rows },         { "yaml", kcl_yaml_rows },
};

static const struct kcl_builtin *find_row(const struct kcl_builtin *rows, const char *name)
{
	for (; rows && rows->name; rows++)
		if (strcmp(rows->name, name) == 0)
			return rows;
	return NULL;
}

const struct kcl_builtin *kcl_builtin(const char *name)
{
	return find_row(kcl_builtin_rows, name);
}

const struct kcl_builtin *kcl_str_method(const char *name)
{
	return find_row(kcl_str_rows, name);
}

const struct kcl_builtin *kcl_module_members(const char *module)
{
	for (size_t i = 0; i < ARRAY_SIZE(modules); i++)
		if (strcmp(modules[i].name, module) == 0)
			return modules[i].rows;
	return NULL;
}

bool kcl_is_system_module(const char *name)
{
	return kcl_module_members(name) != NULL;
}

const struct kcl_builtin *kcl_module_member(const char *module, const char *name)
{
	return find_row(kcl_module_members(module), name);
}

const struct kcl_builtin *kcl_builtins(void)
{
	return kcl_builtin_rows;
}
