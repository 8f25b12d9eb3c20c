#include "stop.h"

#include "base/clock.h"

/* Some tens of microseconds. */
#define CALLS 1024

void kcl_stop_look(struct kcl_stop *s)
{
	s->calls = CALLS;
	if (s->cancelled && *s->cancelled)
		s->reason = "the compilation was cancelled";
	else if (s->deadline_ns && clock_mono_ns() >= s->deadline_ns)
		s->reason = "the compilation takes longer than allowed";
}
