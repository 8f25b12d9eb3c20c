#ifndef NET_PROXY_TIMERS_H
#define NET_PROXY_TIMERS_H
/* Deadlines of an event loop: a binary heap of timers that are embedded in what they belong to. Not thread-safe. */

#include "base/mem.h"

struct timer {
	int64_t at;  /* monotonic */
	size_t slot; /* in the heap, from 1; 0: not set */
	void (*fire)(void *self);
	void *self;
};

struct timers {
	struct timer **heap; /* heap[0] is unused */
	size_t len, cap;
};

void timers_done(struct timers *t);
/* Sets or moves it. The timer must stay where it is until it fired or is cancelled. */
void timers_set(struct timers *t, struct timer *timer, int64_t at);
/* One that is not set is fine. */
void timers_cancel(struct timers *t, struct timer *timer);
/* Fires what is due; a timer may set or cancel any other and itself. */
void timers_run(struct timers *t, int64_t now);
/* Milliseconds until the next is due, rounded up; -1: none is set. */
int timers_wait_ms(const struct timers *t, int64_t now);

#endif
