#ifndef BENCH_HISTOGRAM_H
#define BENCH_HISTOGRAM_H
/* Latencies counted in buckets whose width grows with the value, after HdrHistogram: 64 buckets for each power of two,
 * so that any percentile is at most 1.6 % off, whatever its size. Values are nanoseconds. */

#include <stdint.h>

#define HISTOGRAM_SUB_BITS 6
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_SUB_BITS) << HISTOGRAM_SUB_BITS)

struct histogram {
	uint64_t counts[HISTOGRAM_BUCKETS];
	uint64_t total, max;
};

void histogram_add(struct histogram *h, uint64_t ns);
void histogram_merge(struct histogram *into, const struct histogram *from);
/* The value that `percent` of all values do not exceed (the upper end of its bucket); 0 when there are none. */
uint64_t histogram_percentile(const struct histogram *h, double percent);

#endif
