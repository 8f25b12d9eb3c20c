#include "histogram.h"

/* Values below 64 have a bucket each; above, the leading bits choose one. */
static unsigned bucket_of(uint64_t v)
{
	if (v < 1u << HISTOGRAM_SUB_BITS)
		return (unsigned)v;
	unsigned shift = 63u - (unsigned)__builtin_clzll(v) - HISTOGRAM_SUB_BITS;

	return ((shift + 1) << HISTOGRAM_SUB_BITS) + (unsigned)(v >> shift) - (1u << HISTOGRAM_SUB_BITS);
}

static uint64_t upper_end(unsigned bucket)
{
	unsigned group = bucket >> HISTOGRAM_SUB_BITS, sub = bucket & ((1u << HISTOGRAM_SUB_BITS) - 1);

	if (group == 0)
		return sub;
	return (((uint64_t)sub + (1u << HISTOGRAM_SUB_BITS) + 1) << (group - 1)) - 1;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	unsigned bucket = bucket_of(ns);

	h->counts[bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1]++;
	h->total++;
	if (ns > h->max)
		h->max = ns;
}

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
		into->counts[i] += from->counts[i];
	into->total += from->total;
	if (from->max > into->max)
		into->max = from->max;
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
	uint64_t wanted = (uint64_t)((double)h->total * percent / 100.0 + 0.5), seen = 0;

	if (h->total == 0)
		return 0;
	if (wanted == 0)
		wanted = 1;
	for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
		seen += h->counts[i];
		if (seen >= wanted)
			return upper_end(i) < h->max ? upper_end(i) : h->max;
	}
	return h->max;
}
