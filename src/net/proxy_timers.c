#include "proxy_timers.h"

#include "base/clock.h"

#include <limits.h>

static void place(struct timers *t, size_t slot, struct timer *timer)
{
	t->heap[slot] = timer;
	timer->slot = slot;
}

/* Moves the timer at slot up or down to where it belongs. */
static void settle(struct timers *t, size_t slot)
{
	struct timer *timer = t->heap[slot];

	for (; slot > 1 && t->heap[slot / 2]->at > timer->at; slot /= 2)
		place(t, slot, t->heap[slot / 2]);
	for (;;) {
		size_t child = slot * 2;

		if (child < t->len && t->heap[child + 1]->at < t->heap[child]->at)
			child++;
		if (child > t->len || t->heap[child]->at >= timer->at)
			break;
		place(t, slot, t->heap[child]);
		slot = child;
	}
	place(t, slot, timer);
}

void timers_done(struct timers *t)
{
	free(t->heap);
	*t = (struct timers){ 0 };
}

void timers_set(struct timers *t, struct timer *timer, int64_t at)
{
	timer->at = at;
	if (!timer->slot) {
		if (t->len + 2 > t->cap) {
			t->cap = t->cap ? t->cap * 2 : 64;
			t->heap = xreallocarray(t->heap, t->cap, sizeof(*t->heap));
		}
		place(t, ++t->len, timer);
	}
	settle(t, timer->slot);
}

void timers_cancel(struct timers *t, struct timer *timer)
{
	size_t slot = timer->slot;

	if (!slot)
		return;
	timer->slot = 0;
	struct timer *last = t->heap[t->len--];

	if (last != timer) {
		place(t, slot, last);
		settle(t, slot);
	}
}

void timers_run(struct timers *t, int64_t now)
{
	while (t->len && t->heap[1]->at <= now) {
		struct timer *due = t->heap[1];

		timers_cancel(t, due);
		due->fire(due->self);
	}
}

int timers_wait_ms(const struct timers *t, int64_t now)
{
	if (!t->len)
		return -1;

	int64_t left = t->heap[1]->at - now;

	if (left <= 0)
		return 0;
	left = (left + NS_PER_MS - 1) / NS_PER_MS;
	return left < INT_MAX ? (int)left : INT_MAX;
}
