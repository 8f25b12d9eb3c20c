#ifndef LANG_KCL_VALUE_MAKER_H
#define LANG_KCL_VALUE_MAKER_H
/* Inside of the library: runs a caller's maker. */

#include "kcl_maker.h"
#include "value/value.h"

/* The one value that it tells; undefined when it tells none. */
struct kcl_value kcl_run_maker(struct kcl_heap *h, void (*make)(void *self, struct kcl_maker *m), void *self);

#endif
