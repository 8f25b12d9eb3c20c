#include "stdlib/builtins.h"

static KCL_BUILTIN(builtin_print)
{
	struct kcl_text t = { .h = kcl_vm_heap(vm) };
	struct kcl_value end;

	(void)self;
	for (uint32_t i = 0; i < args->len; i++) {
		kcl_text_puts(&t, i ? " " : "");
		kcl_text_put_value(&t, args->items[i]);
	}
	if (kcl_arg(args, UINT32_MAX, "end", &end))
		kcl_text_put_value(&t, end);
	else
		kcl_text_putc(&t, '\n');
	kcl_vm_print(vm, t.data ? t.data : "", t.len);
	return kcl_none();
}

static KCL_BUILTIN(builtin_isnullish)
{
	struct kcl_value v = kcl_arg_need(vm, args, 0, "inval", "is_nullable() takes exactly one argument (0 given)");

	(void)self;
	return kcl_bool(v.kind == KCL_NONE || v.kind == KCL_UNDEFINED);
}

const struct kcl_builtin kcl_builtin_rows[] = {
	{ "option", "(key: str, type?: str, required?: bool, default?: any, help?: str) -> any", kcl_builtin_option, NULL,
	  "The value of a top-level argument (-D), converted to a type; the default when it was not given." },
	{ "print", "(*args: any) -> NoneType", builtin_print, NULL,
	  "Prints values, separated by a space, with a newline (or `end`) behind." },
	{ "multiplyof", "(a: int, b: int) -> bool", kcl_builtin_multiplyof, NULL, "Whether a is a multiple of b." },
	{ "isunique", "(inval: [any]) -> bool", kcl_builtin_isunique, NULL, "Whether no item of a list is there twice." },
	{ "isnullish", "(inval: any) -> bool", builtin_isnullish, NULL, "Whether the value is None or Undefined." },
	{ "len", "(inval: str | {any:any} | [any]) -> int", kcl_builtin_len, NULL,
	  "The number of items of a list or dict; of bytes of a string." },
	{ "abs", "(inval: any) -> any", kcl_builtin_abs, NULL, "A number without its sign." },
	{ "all_true", "(inval: [any]) -> bool", kcl_builtin_all_true, NULL, "Whether every item is true; so of none." },
	{ "any_true", "(inval: [any]) -> bool", kcl_builtin_any_true, NULL, "Whether one item at least is true." },
	{ "hex", "(number: int) -> str", kcl_builtin_hex, NULL, "An integer in hexadecimal: 0xff." },
	{ "bin", "(number: int) -> str", kcl_builtin_bin, NULL, "An integer in binary: 0b101." },
	{ "oct", "(number: int) -> str", kcl_builtin_oct, NULL, "An integer in octal: 0o17." },
	{ "ord", "(c: str) -> int", kcl_builtin_ord, NULL, "The code point of a single character." },
	{ "sorted", "(inval: str | {any:any} | [any], reverse?: bool) -> [any]", kcl_builtin_sorted, NULL,
	  "The items in ascending order, or descending with reverse." },
	{ "range", "(start?: int, stop?: int, step?: int) -> [int]", kcl_builtin_range, NULL,
	  "The integers from start, 0 if there is but one argument, up to but without stop." },
	{ "max", "(*args: any) -> any", kcl_builtin_max, NULL,
	  "The largest of the arguments, or of the items of the only one." },
	{ "min", "(*args: any) -> any", kcl_builtin_min, NULL,
	  "The smallest of the arguments, or of the items of the only one." },
	{ "sum", "(iterable: [any], start?: any) -> any", kcl_builtin_sum, NULL, "The items added to start (0)." },
	{ "pow", "(x: int | float, y: int | float, z?: int | float) -> int | float", kcl_builtin_pow, NULL,
	  "x ** y, or x ** y % z." },
	{ "round", "(number: int | float, ndigits?: int) -> int | float", kcl_builtin_round, NULL,
	  "A number rounded to an integer, or to so many decimal digits." },
	{ "zip", "(*args: any) -> [any]", kcl_builtin_zip, NULL,
	  "Lists of the first items of all arguments, of the second, …" },
	{ "int", "(number: any, base?: int) -> int", kcl_builtin_int, NULL, "A number or a text as an integer." },
	{ "float", "(number: any) -> float", kcl_builtin_float, NULL, "A number or a text as a float." },
	{ "bool", "(x?: any) -> bool", kcl_builtin_bool, NULL, "Whether the value is true." },
	{ "str", "(x?: any) -> str", kcl_builtin_str, NULL, "The value as a text." },
	{ "list", "(x?: any) -> [any]", kcl_builtin_list, NULL, "The items of the argument as a list." },
	{ "dict", "(x?: any, *args: any) -> {any:any}", kcl_builtin_dict, NULL,
	  "A dict of the argument's pairs and of the named arguments." },
	{ "typeof", "(x: any, full_name?: bool) -> str", kcl_builtin_typeof, NULL, "The name of the value's type." },
	{ "reduce", "(reducer: (any, any) -> any, list: [any], initial?: any) -> any", kcl_builtin_reduce, NULL,
	  "The items combined two by two by the function, from the first one or `initial` on." },
	{ 0 },
};
