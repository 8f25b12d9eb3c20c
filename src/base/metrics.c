#include "base/metrics.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/map.h"
#include "base/proc.h"
#include "base/str.h"
#include "base/thread.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#define LABEL_VALUE_MAX 256 /* bytes kept of a label's value */

#define KNOWN_KEY_MAX 256
#define VALUE_END '\x1f'

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

struct series {
	double value;       /* a histogram's sum */
	uint64_t count;     /* the rest is a histogram's */
	uint64_t buckets[]; /* how many fell under each bound and no lower one */
};

struct metric {
	char *name;
	char *help;
	enum metric_type type;
	char **labels;
	size_t labels_len;
	double *bounds;
	size_t bounds_len;
	pthread_mutex_t lock; /* over what follows */
	struct map *series;   /* by their labels as written: code="200",method="GET" */
	struct map
		*known; /* the same series, by their labels' values as given: writing them out costs more than counting */
};

struct collector {
	void (*collect)(void *self, struct buf *out);
	void *self;
};

struct metrics {
	pthread_mutex_t lock; /* taken before a metric's */
	struct map *families;
	struct collector *collectors;
	size_t collectors_len;
};

static const double default_bounds[] = { .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10 };

static void metric_free(void *p)
{
	struct metric *metric = p;
	free(metric->name);
	free(metric->help);
	strv_free(metric->labels);
	free(metric->bounds);
	map_free(metric->known);
	map_free(metric->series);
	pthread_mutex_destroy(&metric->lock);
	free(metric);
}

struct metrics *metrics_new(void)
{
	struct metrics *m = new0(struct metrics);
	pthread_mutex_init(&m->lock, NULL);
	m->families = map_new(metric_free);
	return m;
}

struct metrics *metrics_free(struct metrics *m)
{
	if (!m)
		return NULL;
	map_free(m->families);
	free(m->collectors);
	pthread_mutex_destroy(&m->lock);
	free(m);
	return NULL;
}

/* s with quotes (when quoted), backslashes and newlines escaped, ill-formed UTF-8 replaced, cut at max bytes. */
static void put_escaped(struct buf *out, const char *s, size_t max, bool quoted)
{
	size_t len = strlen(s);
	for (size_t i = 0; i < len && i < max;) {
		uint32_t c;
		size_t n = utf8_next(s + i, len - i, &c);
		if (!n)
			buf_putc(out, '?');
		else if (c == '\n')
			buf_puts(out, "\\n");
		else if (c == '\\' || (quoted && c == '"'))
			buf_printf(out, "\\%c", (int)c);
		else
			buf_append(out, s + i, n);
		i += n ? n : 1;
	}
}

static struct series *series_new(struct metric *metric, const char *key)
{
	struct series *s = xcalloc(1, sizeof(*s) + metric->bounds_len * sizeof(s->buckets[0]));
	map_set(metric->series, key, s);
	return s;
}

/* values NULL: all "other". */
static void put_labels(struct buf *out, const struct metric *metric, const char *const *values)
{
	for (size_t i = 0; i < metric->labels_len; i++) {
		buf_printf(out, "%s%s=\"", i ? "," : "", metric->labels[i]);
		put_escaped(out, values ? (values[i] ? values[i] : "") : "other", LABEL_VALUE_MAX, true);
		buf_putc(out, '"');
	}
}

/* The values one behind the other; false when they are too long for this short cut. */
static bool join_values(const struct metric *metric, const char *const *values, char *ret, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < metric->labels_len; i++) {
		size_t len = values[i] ? strlen(values[i]) : 0;

		if (len + 1 >= size - at)
			return false;
		memcpy(ret + at, values[i] ? values[i] : "", len);
		ret[at + len] = VALUE_END;
		at += len + 1;
	}
	ret[at] = '\0';
	return true;
}

static struct series *find_written(struct metric *metric, const char *const *values)
{
	_cleanup_buf_ struct buf key = BUF_INIT(SIZE_MAX - 1);
	put_labels(&key, metric, values);
	struct series *s = map_get(metric->series, buf_str(&key));
	if (s)
		return s;
	if (map_len(metric->series) >= METRICS_SERIES_MAX - 1) {
		buf_reset(&key);
		put_labels(&key, metric, NULL);
		s = map_get(metric->series, buf_str(&key));
	}
	return s ? s : series_new(metric, buf_str(&key));
}

/* The lock must be held. */
static struct series *find_series(struct metric *metric, const char *const *values)
{
	char key[KNOWN_KEY_MAX];
	bool short_cut = join_values(metric, values, key, sizeof(key));
	struct series *s = short_cut ? map_get(metric->known, key) : NULL;

	if (s)
		return s;
	s = find_written(metric, values);
	if (short_cut && map_len(metric->known) < METRICS_SERIES_MAX)
		map_set(metric->known, key, s);
	return s;
}

static struct metric *family(struct metrics *m, enum metric_type type, const char *name, const char *help,
                             const char *label_names, const double *bounds, size_t bounds_len)
{
	MUTEX_GUARD(&m->lock);
	struct metric *metric = map_get(m->families, name);
	if (metric)
		return metric;
	metric = new0(struct metric);
	metric->name = xstrdup(name);
	metric->help = xstrdup(help);
	metric->type = type;
	metric->labels = str_split(label_names, ", ");
	metric->labels_len = strv_len(metric->labels);
	if (metric->labels_len > METRICS_LABELS_MAX)
		metric->labels_len = METRICS_LABELS_MAX;
	metric->bounds = xmemdup(bounds, bounds_len * sizeof(*bounds));
	metric->bounds_len = bounds_len;
	pthread_mutex_init(&metric->lock, NULL);
	metric->series = map_new(free);
	metric->known = map_new(NULL);
	/* The one series of a family without labels is there from the start, so that a graph begins at zero. */
	if (!metric->labels_len)
		series_new(metric, "");
	map_set(m->families, name, metric);
	return metric;
}

struct metric *metrics_counter(struct metrics *m, const char *name, const char *help, const char *label_names)
{
	return family(m, METRIC_COUNTER, name, help, label_names, NULL, 0);
}

struct metric *metrics_gauge(struct metrics *m, const char *name, const char *help, const char *label_names)
{
	return family(m, METRIC_GAUGE, name, help, label_names, NULL, 0);
}

struct metric *metrics_histogram(struct metrics *m, const char *name, const char *help, const char *label_names,
                                 const double *bounds, size_t bounds_len)
{
	if (!bounds) {
		bounds = default_bounds;
		bounds_len = ARRAY_SIZE(default_bounds);
	}
	return family(m, METRIC_HISTOGRAM, name, help, label_names, bounds, bounds_len);
}

void metric_add(struct metric *metric, double delta, const char *const *values)
{
	if (!metric || metric->type == METRIC_HISTOGRAM || (metric->type == METRIC_COUNTER && !(delta >= 0)))
		return;
	MUTEX_GUARD(&metric->lock);
	find_series(metric, values)->value += delta;
}

void metric_set(struct metric *metric, double value, const char *const *values)
{
	if (!metric || metric->type != METRIC_GAUGE)
		return;
	MUTEX_GUARD(&metric->lock);
	find_series(metric, values)->value = value;
}

void metric_observe(struct metric *metric, double value, const char *const *values)
{
	if (!metric || metric->type != METRIC_HISTOGRAM)
		return;
	MUTEX_GUARD(&metric->lock);
	struct series *s = find_series(metric, values);
	s->value += value;
	s->count++;
	for (size_t i = 0; i < metric->bounds_len; i++)
		if (value <= metric->bounds[i]) {
			s->buckets[i]++;
			break;
		}
}

void metrics_collector(struct metrics *m, void (*collect)(void *self, struct buf *out), void *self)
{
	MUTEX_GUARD(&m->lock);
	m->collectors = xreallocarray(m->collectors, m->collectors_len + 1, sizeof(*m->collectors));
	m->collectors[m->collectors_len++] = (struct collector){ .collect = collect, .self = self };
}

/* The shortest decimal that reads back as the same number. */
static const char *number(double d, char *buf, size_t size)
{
	if (isnan(d))
		return "NaN";
	if (isinf(d))
		return d > 0 ? "+Inf" : "-Inf";
	for (int precision = 15; precision <= 17; precision++) {
		snprintf(buf, size, "%.*g", precision, d);
		if (strtod(buf, NULL) == d)
			break;
	}
	return buf;
}

static void put_sample(struct buf *out, const char *name, const char *suffix, const char *labels, const char *value)
{
	if (*labels)
		buf_printf(out, "%s%s{%s} %s\n", name, suffix, labels, value);
	else
		buf_printf(out, "%s%s %s\n", name, suffix, value);
}

static void put_histogram(struct buf *out, const struct metric *metric, const char *labels, const struct series *s)
{
	char num[40];
	const char *comma = *labels ? "," : "";
	uint64_t sum = 0;
	for (size_t i = 0; i < metric->bounds_len; i++) {
		sum += s->buckets[i];
		buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %llu\n", metric->name, labels, comma,
		           number(metric->bounds[i], num, sizeof(num)), (unsigned long long)sum);
	}
	snprintf(num, sizeof(num), "%llu", (unsigned long long)s->count);
	buf_printf(out, "%s_bucket{%s%sle=\"+Inf\"} %s\n", metric->name, labels, comma, num);
	char sum_num[40];
	put_sample(out, metric->name, "_sum", labels, number(s->value, sum_num, sizeof(sum_num)));
	put_sample(out, metric->name, "_count", labels, num);
}

static void put_family(struct buf *out, struct metric *metric)
{
	static const char *const types[] = { "counter", "gauge", "histogram" };
	MUTEX_GUARD(&metric->lock);
	buf_printf(out, "# HELP %s ", metric->name);
	put_escaped(out, metric->help, SIZE_MAX, false);
	buf_printf(out, "\n# TYPE %s %s\n", metric->name, types[metric->type]);
	size_t i = 0;
	const char *labels;
	void *p;
	char num[40];
	while (map_next(metric->series, &i, &labels, &p)) {
		const struct series *s = p;
		if (metric->type == METRIC_HISTOGRAM)
			put_histogram(out, metric, labels, s);
		else
			put_sample(out, metric->name, "", labels, number(s->value, num, sizeof(num)));
	}
}

void metrics_write(struct metrics *m, struct buf *out)
{
	pthread_mutex_lock(&m->lock);
	size_t i = 0;
	void *metric;
	while (map_next(m->families, &i, NULL, &metric))
		put_family(out, metric);
	size_t n = m->collectors_len;
	_cleanup_free_ struct collector *collectors = xmemdup(m->collectors, n * sizeof(*collectors));
	pthread_mutex_unlock(&m->lock);
	/* Outside the lock: a collector may well use this registry. */
	for (i = 0; i < n; i++)
		collectors[i].collect(collectors[i].self, out);
}

static void put_process_line(struct buf *out, const char *name, const char *type, const char *help, double value)
{
	char num[40];
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %s\n", name, help, name, type, name,
	           number(value, num, sizeof(num)));
}

static double resident_bytes(void)
{
	_cleanup_free_ char *text = NULL;
	unsigned long long total, resident;
	if (fs_read_file("/proc/self/statm", 4096, &text, NULL, NULL) < 0 ||
	    sscanf(text, "%llu %llu", &total, &resident) != 2)
		return (double)NAN;
	return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static double open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	if (!d)
		return (double)NAN;
	double n = -3; /* not counted: ".", "..", and the one that counts */
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static double start_time_seconds(void)
{
	struct timespec boot;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	double up = (double)boot.tv_sec + (double)boot.tv_nsec / 1e9;
	double age = up - (double)proc_start_time(getpid()) / (double)sysconf(_SC_CLK_TCK);
	return (double)clock_wall_ns() / 1e9 - age;
}

static void collect_process(void *self, struct buf *out)
{
	(void)self;
	struct timespec cpu;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
	put_process_line(out, "process_resident_memory_bytes", "gauge", "Resident memory size in bytes.", resident_bytes());
	put_process_line(out, "process_cpu_seconds_total", "counter", "Total user and system CPU time spent in seconds.",
	                 (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
	put_process_line(out, "process_open_fds", "gauge", "Number of open file descriptors.", open_fds());
	/* To the hundredth, as the two clocks it comes from drift against each other. */
	put_process_line(out, "process_start_time_seconds", "gauge",
	                 "Start time of the process since unix epoch in seconds.",
	                 (double)(int64_t)(start_time_seconds() * 100) / 100);
}

void metrics_add_process(struct metrics *m)
{
	metrics_collector(m, collect_process, NULL);
}
