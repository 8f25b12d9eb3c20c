#ifndef BASE_METRICS_H
#define BASE_METRICS_H
/* Counters, gauges and histograms in Prometheus' text format 0.0.4. Thread-safe.
 *
 * A metric family is made once (by name, with its label names); its series appear as label values are used. A family
 * holds at most METRICS_SERIES_MAX series; further label values fall into one series whose values are "other". */

#include "base/buf.h"

#define METRICS_SERIES_MAX 1000
#define METRICS_LABELS_MAX 10

struct metrics;
struct metric;

struct metrics *metrics_new(void);
struct metrics *metrics_free(struct metrics *m);
DEFINE_CLEANUP(struct metrics *, metrics_free)

/* label_names: comma-separated, "" for none. A second call with the same name returns the first one's family. */
struct metric *metrics_counter(struct metrics *m, const char *name, const char *help, const char *label_names);
struct metric *metrics_gauge(struct metrics *m, const char *name, const char *help, const char *label_names);
/* bounds: ascending upper bounds, without +Inf. NULL/0: Prometheus' default seconds buckets. */
struct metric *metrics_histogram(struct metrics *m, const char *name, const char *help, const char *label_names,
                                 const double *bounds, size_t bounds_len);

/* values: as many as the family has labels. A NULL metric is ignored by all three. */
void metric_add(struct metric *metric, double delta, const char *const *values);
void metric_set(struct metric *metric, double value, const char *const *values);
void metric_observe(struct metric *metric, double value, const char *const *values);
/* metric_add(m, 1, METRIC_LABELS("GET", "200")) */
#define METRIC_LABELS(...) ((const char *const[]){ __VA_ARGS__ })

/* A function that adds lines by itself when scraped (process_* and the like). */
void metrics_collector(struct metrics *m, void (*collect)(void *self, struct buf *out), void *self);
/* process_resident_memory_bytes, process_cpu_seconds_total, process_open_fds, process_start_time_seconds. */
void metrics_add_process(struct metrics *m);
void metrics_write(struct metrics *m, struct buf *out);

#endif
