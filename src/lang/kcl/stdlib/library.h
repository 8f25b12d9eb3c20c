#ifndef LANG_KCL_STDLIB_LIBRARY_H
#define LANG_KCL_STDLIB_LIBRARY_H
/* Private to stdlib/: how a function reads its arguments, and the tables.
 *
 * An argument is the keyword of its name or the positional one of its number, as upstream takes them: what was given
 * beyond that is not looked at (the checker has). One of another type than is asked for reads as empty: "" or 0. */

#include "stdlib/stdlib.h"
#include "value/text.h"

#define KCL_BUILTIN(function) \
	struct kcl_value function(struct kcl_vm *vm, struct kcl_value self, const struct kcl_args *args)

/* False when it was not given. */
bool kcl_arg(const struct kcl_args *args, uint32_t i, const char *name, struct kcl_value *ret);
/* The same, and false for None and Undefined too. */
bool kcl_arg_set(const struct kcl_args *args, uint32_t i, const char *name, struct kcl_value *ret);
/* Raises with the message when it was not given. */
struct kcl_value kcl_arg_need(struct kcl_vm *vm, const struct kcl_args *args, uint32_t i, const char *name,
                              const char *message);
const struct kcl_str *kcl_arg_need_str(struct kcl_vm *vm, const struct kcl_args *args, uint32_t i, const char *name,
                                       const char *message);
/* NULL when it was not given. */
const struct kcl_str *kcl_arg_str(struct kcl_vm *vm, const struct kcl_args *args, uint32_t i, const char *name);
bool kcl_arg_bool(const struct kcl_args *args, uint32_t i, const char *name, bool otherwise);
/* Raises for what is no int. */
int64_t kcl_arg_int(struct kcl_vm *vm, const struct kcl_args *args, uint32_t i, const char *name, int64_t otherwise);

/* How many values one after another an iteration gives, and the i-th: a character of a string, an item of a list, a
 * key of a dict. Raises for what cannot be iterated. */
struct kcl_iteration {
	struct kcl_value of;
	uint32_t at;     /* items given so far */
	uint32_t offset; /* in a string */
};
struct kcl_iteration kcl_iterate(struct kcl_vm *vm, struct kcl_value v);
bool kcl_iterate_next(struct kcl_vm *vm, struct kcl_iteration *it, struct kcl_value *ret);

/* The text of a file that the evaluation may read; raises "failed to VERB the file …". */
const struct kcl_str *kcl_file_content(struct kcl_vm *vm, const struct kcl_str *path, const char *verb);

/* Writes it where the evaluation may; raises "VERB 'path': …" when it cannot. */
void kcl_file_write(struct kcl_vm *vm, const struct kcl_str *path, const char *text, size_t len, const char *verb);

/* NULL-named end. */
extern const struct kcl_builtin kcl_builtin_rows[];
extern const struct kcl_builtin kcl_str_rows[];
extern const struct kcl_builtin kcl_base32_rows[];
extern const struct kcl_builtin kcl_base64_rows[];
extern const struct kcl_builtin kcl_collection_rows[];
extern const struct kcl_builtin kcl_crypto_rows[];
extern const struct kcl_builtin kcl_datetime_rows[];
extern const struct kcl_builtin kcl_file_rows[];
extern const struct kcl_builtin kcl_json_rows[];
extern const struct kcl_builtin kcl_manifests_rows[];
extern const struct kcl_builtin kcl_math_rows[];
extern const struct kcl_builtin kcl_net_rows[];
extern const struct kcl_builtin kcl_regex_rows[];
extern const struct kcl_builtin kcl_runtime_rows[];
extern const struct kcl_builtin kcl_template_rows[];
extern const struct kcl_builtin kcl_units_rows[];
extern const struct kcl_builtin kcl_yaml_rows[];

#endif
