#ifndef BENCH_WATCHERS_H
#define BENCH_WATCHERS_H
/* Watch fan-out: many watches of one namespace, one writer at a fixed rate. An event's latency is from the moment its
 * write was due to that at which a watch has read it, so that a writer that falls behind shows. */

#include "samples.h"

struct watchers_spec {
	unsigned watches, events, rate; /* rate: events a second */
};

struct watchers_result {
	uint64_t delivered, expected, errors;
	double bytes_a_watch; /* of the server's memory; 0: not known */
	double server_cpu_s, client_cpu_s, seconds;
	struct histogram latency;
};

/* s: samples that exist; they are patched in turns. */
int watchers_run(struct samples *s, const struct watchers_spec *spec, struct watchers_result *ret, struct err *err);

#endif
