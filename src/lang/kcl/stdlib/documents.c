#include "output/plan.h"
#include "stdlib/json_fault.h"
#include "stdlib/library.h"
#include "stdlib/yaml_read.h"

#include "codec/json.h"

/* json, yaml and manifests. */

/* ---- decoding ---- */

static void json_free(void *p)
{
	json_decref(p);
}

static void error_free(void *p)
{
	err_clear(p);
	free(p);
}

#define NODE_SIZE 64 /* of a tree's parts, with what malloc() adds */

/* The tree takes more room than the text, and none of the heap. */
static void check_room_for_tree(struct kcl_heap *h, const struct kcl_str *s)
{
	size_t nodes = 1;

	kcl_steps(h, s->len / 8);
	for (uint32_t i = 0; i < s->len; i++)
		nodes += s->s[i] == ',' || s->s[i] == '[' || s->s[i] == '{';
	kcl_heap_check(h, s->len + nodes * NODE_SIZE);
}

/* Whether so many brackets open before one closes that upstream's reader may refuse what ours takes. */
static bool may_be_too_deep(const struct kcl_str *s)
{
	unsigned depth = 0;

	for (uint32_t i = 0; i < s->len && depth < KCL_JSON_DEPTH; i++) {
		if (s->s[i] == '[' || s->s[i] == '{')
			depth++;
		else if ((s->s[i] == ']' || s->s[i] == '}') && depth)
			depth--;
	}
	return depth >= KCL_JSON_DEPTH;
}

/* What is wrong in upstream's words; NULL: it finds nothing. */
static const char *upstream_reason(struct kcl_heap *h, const struct kcl_str *s)
{
	struct kcl_json_fault fault;

	return kcl_json_fault(s->s, s->len, &fault)
	           ? kcl_printf(h, "%s at line %zu column %zu", fault.what, fault.line, fault.column)
	           : NULL;
}

/* The same; where upstream finds nothing, in the words of our reader. */
static const char *json_reason(struct kcl_heap *h, const struct kcl_str *s, const struct err *err)
{
	const char *reason = upstream_reason(h, s);

	if (reason)
		return reason;
	return err->message ? kcl_strndup(h, err->message, strlen(err->message)) : "invalid JSON";
}

/* False with the reason in *ret_reason, which is the heap's. */
static bool parse_json(struct kcl_heap *h, const struct kcl_str *s, struct kcl_value *ret, const char **ret_reason)
{
	check_room_for_tree(h, s);

	const char *reason = may_be_too_deep(s) ? upstream_reason(h, s) : NULL;
	struct err *err = kcl_heap_own(h, new0(struct err), error_free);
	json_t *v = reason ? NULL : json_parse(s->s, s->len, 0, err);
	bool valid = v != NULL;

	if (valid) {
		kcl_heap_own(h, v, json_free);
		*ret = kcl_from_json(h, v);
		kcl_heap_release(h, v);
	} else {
		*ret_reason = reason ? reason : json_reason(h, s, err);
	}
	kcl_heap_release(h, err);
	return valid;
}

static KCL_BUILTIN(json_decode)
{
	const char *missing = "decode() missing 1 required positional argument: 'value'", *reason;
	struct kcl_value v;

	(void)self;
	if (!parse_json(kcl_vm_heap(vm), kcl_arg_need_str(vm, args, 0, "value", missing), &v, &reason))
		kcl_raise(kcl_vm_heap(vm), "%s", reason);
	return v;
}

static KCL_BUILTIN(json_validate)
{
	const char *missing = "validate() missing 1 required positional argument: 'value'", *reason;
	struct kcl_value v;

	(void)self;
	return kcl_bool(parse_json(kcl_vm_heap(vm), kcl_arg_need_str(vm, args, 0, "value", missing), &v, &reason));
}

static KCL_BUILTIN(yaml_decode)
{
	const char *missing = "decode() missing 1 required positional argument: 'value'";

	(void)self;
	return kcl_yaml_read(kcl_vm_heap(vm), kcl_arg_need_str(vm, args, 0, "value", missing));
}

static KCL_BUILTIN(yaml_decode_all)
{
	const char *missing = "decode_all() missing 1 required positional argument: 'value'";

	(void)self;
	return kcl_yaml_read_all(kcl_vm_heap(vm), kcl_arg_need_str(vm, args, 0, "value", missing));
}

static KCL_BUILTIN(yaml_validate)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	const struct kcl_str *s = kcl_arg_need_str(vm, args, 0, "value",
	                                           "validate() missing 1 required positional argument: 'value'");
	struct kcl_failure f;
	volatile bool valid = true;

	(void)self;
	f.outer = kcl_failure_push(h, &f);
	if (!setjmp(f.jump))
		kcl_yaml_read_all(h, s);
	else
		valid = false;
	kcl_failure_pop(h, &f);
	kcl_steps(h, 1); /* a limit that was passed is passed again */
	return kcl_bool(valid);
}

/* ---- encoding ---- */

static struct kcl_write_options json_options(struct kcl_vm *vm, const struct kcl_args *args)
{
	int64_t indent = kcl_arg_int(vm, args, 2, "indent", 0);

	return (struct kcl_write_options){
		.sort_keys = kcl_arg_bool(args, 1, "sort_keys", false),
		.indent = indent < 0      ? 0
		          : indent > 1000 ? 1000
		                          : (int)indent,
		.ignore_private = kcl_arg_bool(args, 3, "ignore_private", false),
		.ignore_none = kcl_arg_bool(args, 4, "ignore_none", false),
	};
}

static struct kcl_write_options yaml_options(const struct kcl_args *args)
{
	return (struct kcl_write_options){
		.sort_keys = kcl_arg_bool(args, 1, "sort_keys", false),
		.ignore_private = kcl_arg_bool(args, 2, "ignore_private", false),
		.ignore_none = kcl_arg_bool(args, 3, "ignore_none", false),
	};
}

static KCL_BUILTIN(json_encode)
{
	struct kcl_value v = kcl_arg_need(vm, args, 0, "data", "encode() missing 1 required positional argument: 'value'");
	struct kcl_write_options o = json_options(vm, args);
	struct kcl_text t = { .h = kcl_vm_heap(vm) };

	(void)self;
	kcl_put_json(&t, v, &o);
	return kcl_text_str(&t);
}

static KCL_BUILTIN(yaml_encode)
{
	struct kcl_value v = kcl_arg_need(vm, args, 0, "data",
	                                  "encode_all() missing 1 required positional argument: 'data'");
	struct kcl_write_options o = yaml_options(args);
	struct kcl_text t = { .h = kcl_vm_heap(vm) };

	(void)self;
	kcl_put_yaml(&t, v, &o);
	return kcl_text_str(&t);
}

/* A newline more than the separator asks for, as upstream has it. */
static void put_all(struct kcl_text *t, struct kcl_value v, const struct kcl_write_options *o)
{
	if (v.kind != KCL_LIST)
		kcl_raise(t->h, "invalid list value");
	for (uint32_t i = 0; i < v.list->len; i++) {
		kcl_text_puts(t, i ? "\n---\n" : "");
		kcl_put_yaml(t, v.list->items[i], o);
	}
}

static KCL_BUILTIN(yaml_encode_all)
{
	struct kcl_value v = kcl_arg_need(vm, args, 0, "data", "encode() missing 1 required positional argument: 'data'");
	struct kcl_write_options o = yaml_options(args);
	struct kcl_text t = { .h = kcl_vm_heap(vm) };

	(void)self;
	put_all(&t, v, &o);
	return kcl_text_str(&t);
}

/* ---- files ---- */

/* The arguments behind the file's name are those of encode(), one further. */
static struct kcl_args without_name(const struct kcl_args *args)
{
	return (struct kcl_args){ .items = args->items + (args->len > 1),
		                      .len = args->len - (args->len > 1),
		                      .keywords = args->keywords };
}

static struct kcl_value dumped(struct kcl_vm *vm, const struct kcl_args *args, const char *function,
                               const struct kcl_str **ret_name)
{
	struct kcl_value data, name;

	if (!kcl_arg(args, 0, "data", &data) || !kcl_arg(args, 1, "filename", &name))
		kcl_raise(kcl_vm_heap(vm), "%s() missing 2 required positional arguments: 'data' and 'filename'", function);
	*ret_name = name.kind == KCL_STR ? name.str : kcl_str(kcl_vm_heap(vm), "", 0).str;
	return data;
}

static KCL_BUILTIN(json_dump_to_file)
{
	struct kcl_args options = without_name(args);
	const struct kcl_str *name;
	struct kcl_value data = dumped(vm, args, "dump_to_file", &name);
	struct kcl_write_options o = json_options(vm, &options);
	struct kcl_text t = { .h = kcl_vm_heap(vm) };

	(void)self;
	kcl_put_json(&t, data, &o);
	kcl_file_write(vm, name, t.data, t.len, "Unable to write file");
	return kcl_undefined();
}

static KCL_BUILTIN(yaml_dump_to_file)
{
	struct kcl_args options = without_name(args);
	const struct kcl_str *name;
	struct kcl_value data = dumped(vm, args, "dump_to_file", &name);
	struct kcl_write_options o = yaml_options(&options);
	struct kcl_text t = { .h = kcl_vm_heap(vm) };

	(void)self;
	kcl_put_yaml(&t, data, &o);
	kcl_file_write(vm, name, t.data, t.len, "Unable to write file");
	return kcl_undefined();
}

static KCL_BUILTIN(yaml_dump_all_to_file)
{
	struct kcl_args options = without_name(args);
	const struct kcl_str *name;
	struct kcl_value data = dumped(vm, args, "dump_all_to_file", &name);
	struct kcl_write_options o = yaml_options(&options);
	struct kcl_text t = { .h = kcl_vm_heap(vm) };

	(void)self;
	put_all(&t, data, &o);
	kcl_file_write(vm, name, t.data ? t.data : "", t.len, "Unable to write file");
	return kcl_undefined();
}

/* ---- json.merge() ---- */

/* RFC 7396: None removes. */
static struct kcl_value merge(struct kcl_heap *h, struct kcl_value src, struct kcl_value patch)
{
	const struct kcl_dict *from = kcl_as_dict(patch);
	struct kcl_value result;

	if (!from)
		return patch;
	kcl_stack_check(h);
	kcl_steps(h, from->len);
	result = kcl_as_dict(src) ? kcl_copy(h, src) : kcl_dict(h, from->len);

	struct kcl_dict *to = kcl_as_dict(result);

	for (uint32_t i = 0; i < from->len; i++) {
		const struct kcl_pair *p = &from->pairs[i], *old = kcl_dict_find(to, p->key);

		if (p->value.kind == KCL_NONE || p->value.kind == KCL_UNDEFINED)
			kcl_dict_remove(to, p->key);
		else
			kcl_dict_set(h, to, p->key, merge(h, old ? old->value : kcl_none(), p->value));
	}
	return result;
}

static KCL_BUILTIN(json_merge)
{
	struct kcl_value src, patch;

	(void)self;
	if (!kcl_arg(args, 0, "src", &src) || !kcl_arg(args, 1, "patch", &patch))
		kcl_raise(kcl_vm_heap(vm), "merge() missing required positional arguments: 'src' and 'patch'");
	return merge(kcl_vm_heap(vm), src, patch);
}

/* ---- manifests ---- */

static bool option_of(const struct kcl_dict *opts, const char *name, bool otherwise)
{
	const struct kcl_pair *p = kcl_dict_findz(opts, name);

	return p ? kcl_truth(p->value) : otherwise;
}

/* Private attributes are shown where no options are given, and hidden by default where some are, as upstream has it. */
static KCL_BUILTIN(yaml_stream)
{
	struct kcl_heap *h = kcl_vm_heap(vm);
	struct kcl_value documents = kcl_arg_need(vm, args, 0, "values",
	                                          "yaml_stream() missing 1 required positional argument: 'values'");
	struct kcl_value opts = kcl_none(), options = kcl_dict(h, 4);
	const char *sep = "---";
	bool given = kcl_arg(args, 1, "opts", &opts);
	const struct kcl_dict *d = kcl_as_dict(opts), none = { 0 };

	(void)self;
	if (given && !d)
		kcl_raise(h, "Invalid options arguments in yaml_stream(): expect config, got %s", kcl_type_name(h, opts));
	if (documents.kind != KCL_LIST)
		kcl_raise(h, "invalid list value");
	if (d && kcl_dict_findz(d, "sep")) {
		struct kcl_value v = kcl_dict_get(d, "sep");

		sep = v.kind == KCL_STR ? v.str->s : "";
	}
	kcl_dict_setz(h, options.dict, "sort_keys", kcl_bool(option_of(d ? d : &none, "sort_keys", false)));
	kcl_dict_setz(h, options.dict, "ignore_private", kcl_bool(option_of(d ? d : &none, "ignore_private", given)));
	kcl_dict_setz(h, options.dict, "ignore_none", kcl_bool(option_of(d ? d : &none, "ignore_none", false)));
	kcl_dict_setz(h, options.dict, "sep", kcl_strz(h, sep));
	kcl_vm_set_stream(vm, documents, options);
	return kcl_undefined();
}

const struct kcl_builtin kcl_json_rows[] = {
	{ "encode", "(data: any, sort_keys?: bool, indent?: int, ignore_private?: bool, ignore_none?: bool) -> str",
	  json_encode, NULL, "The value as JSON." },
	{ "decode", "(value: str) -> any", json_decode, NULL, "The value that a JSON text stands for." },
	{ "dump_to_file",
	  "(data: any, filename: str, sort_keys?: bool, indent?: int, ignore_private?: bool, ignore_none?: bool) -> str",
	  json_dump_to_file, NULL, "Writes the value as JSON to a file." },
	{ "validate", "(value: str) -> bool", json_validate, NULL, "Whether the text is JSON." },
	{ "merge", "(src: any, patch: any) -> any", json_merge, NULL, "The value with a merge patch (RFC 7396) applied." },
	{ 0 },
};

const struct kcl_builtin kcl_yaml_rows[] = {
	{ "encode", "(data: any, sort_keys?: bool, ignore_private?: bool, ignore_none?: bool) -> str", yaml_encode, NULL,
	  "The value as YAML." },
	{ "encode_all", "(data: [any], sort_keys?: bool, ignore_private?: bool, ignore_none?: bool) -> str",
	  yaml_encode_all, NULL, "The values as documents of a YAML stream." },
	{ "decode", "(value: str) -> any", yaml_decode, NULL, "The value that a YAML text stands for." },
	{ "decode_all", "(value: str) -> [any]", yaml_decode_all, NULL, "The documents of a YAML stream." },
	{ "dump_to_file", "(data: any, filename: str, sort_keys?: bool, ignore_private?: bool, ignore_none?: bool) -> str",
	  yaml_dump_to_file, NULL, "Writes the value as YAML to a file." },
	{ "dump_all_to_file",
	  "(data: [any], filename: str, sort_keys?: bool, ignore_private?: bool, ignore_none?: bool) -> str",
	  yaml_dump_all_to_file, NULL, "Writes the values as a YAML stream to a file." },
	{ "validate", "(value: str) -> bool", yaml_validate, NULL, "Whether the text is YAML." },
	{ 0 },
};

const struct kcl_builtin kcl_manifests_rows[] = {
	{ "yaml_stream", "(values: any, opts?: {str:any}) -> any", yaml_stream, NULL,
	  "Makes these values the documents that the program gives." },
	{ 0 },
};
