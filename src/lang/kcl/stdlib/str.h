#ifndef LANG_KCL_STDLIB_STR_H
#define LANG_KCL_STDLIB_STR_H
/* Private to stdlib/: the methods of strings, by the file that holds them. Positions that they take and give count
 * bytes, as upstream has it. */

#include "stdlib/library.h"

/* str_find.c */
KCL_BUILTIN(kcl_str_count);
KCL_BUILTIN(kcl_str_endswith);
KCL_BUILTIN(kcl_str_find);
KCL_BUILTIN(kcl_str_index);
KCL_BUILTIN(kcl_str_rfind);
KCL_BUILTIN(kcl_str_rindex);
KCL_BUILTIN(kcl_str_startswith);

/* str_split.c */
KCL_BUILTIN(kcl_str_join);
KCL_BUILTIN(kcl_str_lstrip);
KCL_BUILTIN(kcl_str_replace);
KCL_BUILTIN(kcl_str_removeprefix);
KCL_BUILTIN(kcl_str_removesuffix);
KCL_BUILTIN(kcl_str_rsplit);
KCL_BUILTIN(kcl_str_rstrip);
KCL_BUILTIN(kcl_str_split);
KCL_BUILTIN(kcl_str_splitlines);
KCL_BUILTIN(kcl_str_strip);

/* str_format.c */
KCL_BUILTIN(kcl_str_format);

#endif
