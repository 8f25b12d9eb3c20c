#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H
/* Figures: samples of several rounds by name, printed as medians, ours beside the peer's, with ratio and goal. */

#include <stdbool.h>
#include <stddef.h>

struct report;

enum better { BETTER_MORE, BETTER_LESS, BETTER_NONE };

struct report *report_new(const char *const *targets, size_t targets_len);
void report_free(struct report *r);
/* A sample of a figure of the target. goal 0: none. */
void report_add(struct report *r, size_t target, const char *name, const char *unit, enum better better, double goal,
                double value);
/* Prints what was added since the last time, below a title, and forgets it. */
void report_print(struct report *r, const char *title);

#endif
