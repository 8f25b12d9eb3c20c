#include "stdlib/library.h"

#include "base/str.h"

/* collection and runtime. */

/* Each united with what came before; lists that meet are joined item by item, the later of two values counts. */
static KCL_BUILTIN(union_all)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value list = kcl_arg_need(vm, args, 0, "num", "union_all() takes at least 1 argument (0 given)");
	const struct kcl_union_options o = { .config_resolve = true };

	(void)self;
	if (list.kind != KCL_LIST || list.list->len == 0)
		return kcl_dict(h, 0);

	struct kcl_value result = list.list->items[0];

	for (uint32_t i = 1; i < list.list->len; i++)
		result = kcl_union(vm, result, list.list->items[i], &o);
	return result;
}

/* The message of the failure, without what a check puts in front of its own; Undefined when there was none. */
static KCL_BUILTIN(catch_failure)
{
	static const char checked[] = "Check failed on the condition: ";
	struct kcl_value function = kcl_arg_need(vm, args, 0, "func", "catch() takes exactly one argument (0 given)");
	struct kcl_value message;

	(void)self;
	if (function.kind != KCL_FUNCTION)
		return kcl_undefined();
	message = kcl_vm_catch(vm, function);
	if (message.kind == KCL_STR && str_starts_with(message.str->s, checked))
		return kcl_strz(kcl_vm_heap(vm), message.str->s + sizeof(checked) - 1);
	return message;
}

const struct kcl_builtin kcl_collection_rows[] = {
	{ "union_all", "(num: [any]) -> any", union_all, NULL, "The values united one after another." },
	{ 0 },
};

const struct kcl_builtin kcl_runtime_rows[] = {
	{ "catch", "(func: () -> any) -> str", catch_failure, NULL,
	  "Runs the function; the message of its failure, or Undefined." },
	{ 0 },
};
