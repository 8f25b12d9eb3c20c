#ifndef LANG_KCL_STOP_H
#define LANG_KCL_STOP_H
/* The caller's deadline and cancellation, for what has no heap (value/heap.h): parser and checker ask now and then, and
 * come to an end by the ways they have for a text that is of no use. */

#include "kcl.h"

struct kcl_stop {
	int64_t deadline_ns; /* as in struct kcl_limits */
	const _Atomic bool *cancelled;
	uint32_t calls;     /* until the clock is read again */
	const char *reason; /* what to tell the caller; NULL: go on */
};

/* Sets the reason, if there is one by now. */
void kcl_stop_look(struct kcl_stop *s);

/* Whether to stop; cheap enough for each token or node. Once it is true it stays so. s may be NULL: never. */
static inline bool kcl_stopped(struct kcl_stop *s)
{
	if (!s)
		return false;
	if (s->calls-- == 0)
		kcl_stop_look(s);
	return s->reason != NULL;
}

#endif
