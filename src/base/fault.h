#ifndef BASE_FAULT_H
#define BASE_FAULT_H
/* Fault points: places where a test kills or fails the program. Compiled in only with -DSCIA_FAULT_POINTS.
 *
 * SCIA_FAULT="name=kill" kills the process (SIGKILL) at the point's first hit, "name=kill@3" at its third,
 * "name=fail@2" makes the second hit return true, "name=fail" every hit; several are separated by commas.
 *
 * SCIA_CLOCK_OFFSET=FILE: the file says how many seconds the wall clock is ahead; it may change at any time. */

#include <stdbool.h>
#include <stdint.h>

#ifdef SCIA_FAULT_POINTS
bool fault_hit(const char *name);
#define fault_point(name) fault_hit(name)
int64_t fault_clock_offset_ns(void);
#else
static inline bool fault_point(const char *name)
{
	(void)name;
	return false;
}
static inline int64_t fault_clock_offset_ns(void)
{
	return 0;
}
#endif

#endif
