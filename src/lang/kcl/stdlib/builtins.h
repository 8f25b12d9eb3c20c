#ifndef LANG_KCL_STDLIB_BUILTINS_H
#define LANG_KCL_STDLIB_BUILTINS_H
/* Private to stdlib/: the functions of builtins.c's table, by the file that holds them. */

#include "stdlib/library.h"

/* convert.c */
KCL_BUILTIN(kcl_builtin_int);
KCL_BUILTIN(kcl_builtin_float);
KCL_BUILTIN(kcl_builtin_bool);
KCL_BUILTIN(kcl_builtin_str);
KCL_BUILTIN(kcl_builtin_list);
KCL_BUILTIN(kcl_builtin_dict);
KCL_BUILTIN(kcl_builtin_typeof);
KCL_BUILTIN(kcl_builtin_option);

/* numbers.c */
KCL_BUILTIN(kcl_builtin_abs);
KCL_BUILTIN(kcl_builtin_bin);
KCL_BUILTIN(kcl_builtin_hex);
KCL_BUILTIN(kcl_builtin_multiplyof);
KCL_BUILTIN(kcl_builtin_oct);
KCL_BUILTIN(kcl_builtin_ord);
KCL_BUILTIN(kcl_builtin_pow);
KCL_BUILTIN(kcl_builtin_round);

/* sequences.c */
KCL_BUILTIN(kcl_builtin_all_true);
KCL_BUILTIN(kcl_builtin_any_true);
KCL_BUILTIN(kcl_builtin_isunique);
KCL_BUILTIN(kcl_builtin_len);
KCL_BUILTIN(kcl_builtin_max);
KCL_BUILTIN(kcl_builtin_min);
KCL_BUILTIN(kcl_builtin_range);
KCL_BUILTIN(kcl_builtin_reduce);
KCL_BUILTIN(kcl_builtin_sorted);
KCL_BUILTIN(kcl_builtin_sum);
KCL_BUILTIN(kcl_builtin_zip);

/* float(v) and the number of units.to_…(), with upstream's errors. */
double kcl_convert_float(struct kcl_vm *vm, struct kcl_value v);

#endif
