/* Load on a Kubernetes API: how quick it is, what it costs.
 *
 *   ./dev bench apiserver [crud|objects|watch|scale]... [OPTIONS]
 *
 * Without options it starts our own server (scia-apiserver of the same build, an empty data folder beside it, TLS, RBAC
 * and fsync as always) and measures that. The client is on the same machine: what each of both uses is told apart. */
#include "report.h"
#include "samples.h"
#include "watchers.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

#include <getopt.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define FDS 16384
#define PAGE 500

static const char USAGE[] =
	"usage: apiserver_bench [crud|objects|watch|scale]... [OPTIONS]\n"
	"  --peer-kubeconfig FILE  measure that server too, and print ratios\n"
	"  --peer-pids PID,PID     its processes on this machine, for processor time and memory\n"
	"  --kubeconfig FILE       measure that server instead of our own\n"
	"  --pids PID,PID          its processes\n"
	"  --server PROGRAM        our own server (default: tests/scia-apiserver of this build)\n"
	"  --data-dir DIR          where its data folder is made (default: beside the program)\n"
	"  --workers N,N           connections at a time (default: 1,8,32)\n"
	"  --threads N             threads of the client (default: 1)\n"
	"  --rounds N              medians are of so many (default: 3)\n"
	"  --seconds S             a round's length at most (default: 2)\n"
	"  --requests N            requests of a round at most (default: 20000)\n"
	"  --objects N             objects of bench objects (default: 10000)\n"
	"  --scale N               objects of bench scale (default: 100000)\n"
	"  --watches N, --events N, --rate N   of bench watch (default: 1000, 1000, 200 a second)\n";

struct options {
	const char *peer_kubeconfig, *peer_pids, *kubeconfig, *pids, *data_dir;
	char *server;
	int64_t workers[16];
	size_t workers_len;
	int64_t threads, rounds, seconds, requests, objects, scale, watches, events, rate;
};

struct bench {
	const struct options *options;
	struct target targets[2];
	size_t targets_len;
	struct report *report;
	struct load_result load;
	struct watchers_result fan;
};

static void add(struct bench *b, size_t target, const char *unit, enum better better, double goal, double value,
                const char *fmt, ...) _printf_(7, 8);
static void add(struct bench *b, size_t target, const char *unit, enum better better, double goal, double value,
                const char *fmt, ...)
{
	char name[80];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(name, sizeof(name), fmt, ap);
	va_end(ap);
	report_add(b->report, target, name, unit, better, goal, value);
}

static double ms(uint64_t ns)
{
	return (double)ns / (double)NS_PER_MS;
}

/* ---- create, get, update, patch, delete ---- */

static const double CRUD_GOALS[SAMPLES_OPS] = { 10000, 30000, 8000, 0, 0 }; /* a second, with 32 workers */

static void add_load(struct bench *b, size_t target, const struct samples *s, int64_t workers)
{
	const struct load_result *l = &b->load;
	const char *op = samples_op_names[s->op];
	double n = (double)l->requests, goal = workers == 32 ? CRUD_GOALS[s->op] : 0;

	add(b, target, "/s", BETTER_MORE, goal, n / l->seconds, "%s, %d workers", op, (int)workers);
	add(b, target, "ms", BETTER_LESS, 0, ms(histogram_percentile(&l->latency, 50)), "%s, %d workers, p50", op,
	    (int)workers);
	add(b, target, "ms", BETTER_LESS, workers == 32 && s->op == SAMPLES_CREATE ? 10 : 0,
	    ms(histogram_percentile(&l->latency, 99)), "%s, %d workers, p99", op, (int)workers);
	if (target_has_processes(s->target))
		add(b, target, "us", BETTER_LESS, 0, s->cpu_s / n * 1e6, "%s, %d workers, server's cpu a request", op,
		    (int)workers);
	add(b, target, "us", BETTER_NONE, 0, l->client_cpu_s / n * 1e6, "%s, %d workers, client's cpu a request", op,
	    (int)workers);
	if (l->errors > 0)
		printf("  %s: %s: %llu of %llu failed: %s\n", s->target->name, op, (unsigned long long)l->errors,
		       (unsigned long long)l->requests, l->first_error);
}

static int crud_round(struct bench *b, size_t target, int64_t workers, struct err *err)
{
	const struct options *o = b->options;
	const struct samples_run run = { .connections = (unsigned)workers,
		                             .threads = (unsigned)o->threads,
		                             .warmup = (uint64_t)workers * 20,
		                             .total = (uint64_t)o->requests,
		                             .time_ns = o->seconds * NS_PER_S };
	struct samples s;
	int r = 0;

	samples_init(&s, &b->targets[target], SAMPLES_NS, run.warmup + run.total);
	for (int op = 0; op < SAMPLES_OPS && r == 0; op++) {
		r = samples_run(&s, (enum samples_op)op, &run, &b->load, err);
		if (r == 0)
			add_load(b, target, &s, workers);
	}
	samples_done(&s);
	return r < 0 ? r : samples_delete_all(&b->targets[target], SAMPLES_NS, err);
}

static int bench_crud(struct bench *b, struct err *err)
{
	const struct options *o = b->options;
	char title[64];

	for (size_t w = 0; w < o->workers_len; w++) {
		/* In turns, so that what else the machine does hits both. */
		for (int64_t round = 0; round < o->rounds; round++)
			for (size_t t = 0; t < b->targets_len; t++)
				if (crud_round(b, t, o->workers[w], err) < 0)
					return -1;
		snprintf(title, sizeof(title), "crud, %d workers (medians of %d)", (int)o->workers[w], (int)o->rounds);
		report_print(b->report, title);
	}
	return 0;
}

/* ---- lists, memory, start ---- */

struct listing {
	const char *path;
	double cpu_begin_s, cpu_s;
	const struct target *target;
};

static void list_next(void *self, uint64_t seq _unused_, struct load_request *ret)
{
	const struct listing *l = self;

	ret->method = "GET";
	buf_puts(&ret->path, l->path);
}

static void list_window(void *self, bool begins)
{
	struct listing *l = self;
	double now = target_cpu_s(l->target);

	if (begins)
		l->cpu_begin_s = now;
	l->cpu_s = now - l->cpu_begin_s;
}

static int list(struct bench *b, size_t target, const char *what, const char *path, double goal, struct err *err)
{
	struct listing l = { .path = path, .target = &b->targets[target] };
	const struct load load = { .endpoint = &b->targets[target].endpoint,
		                       .connections = 1,
		                       .warmup = 2,
		                       .total = 10,
		                       .next = list_next,
		                       .window = list_window,
		                       .self = &l };

	if (load_run(&load, &b->load, err) < 0)
		return err_wrap(err, "%s: list", b->targets[target].name);
	double n = (double)b->load.requests;
	add(b, target, "ms", BETTER_LESS, 0, ms(histogram_percentile(&b->load.latency, 50)), "list %s, until all is read",
	    what);
	if (target_has_processes(&b->targets[target]))
		add(b, target, "ms", BETTER_LESS, goal, l.cpu_s / n * 1000, "list %s, server's cpu", what);
	add(b, target, "KB", BETTER_NONE, 0, (double)b->load.bytes / n / 1024, "list %s, size", what);
	if (b->load.errors > 0)
		return err_set(err, ERR_INTERNAL, "%s: list: %s", b->targets[target].name, b->load.first_error);
	return 0;
}

static int restart(struct bench *b, size_t target, int64_t objects, double goal_ms, double goal_mb, struct err *err)
{
	struct target *t = &b->targets[target];

	if (!t->program)
		return 0;
	for (int64_t i = 0; i < b->options->rounds; i++) {
		if (target_restart(t, err) < 0)
			return -1;
		add(b, target, "ms", BETTER_LESS, goal_ms, t->ready_ms, "start to ready, %d objects", (int)objects);
		add(b, target, "ms", BETTER_LESS, 0, target_cpu_s(t) * 1000, "start, %d objects, cpu", (int)objects);
	}
	clock_sleep_ns(NS_PER_S);
	add(b, target, "MB", BETTER_LESS, goal_mb, target_rss_mb(t), "resident memory after the start, %d objects",
	    (int)objects);
	return 0;
}

static int fill(struct bench *b, struct samples *s, int64_t objects, struct err *err)
{
	const struct samples_run run = { .connections = 32,
		                             .threads = (unsigned)b->options->threads,
		                             .total = (uint64_t)objects };

	if (samples_run(s, SAMPLES_CREATE, &run, &b->load, err) < 0)
		return -1;
	return b->load.errors > 0 ? err_set(err, ERR_INTERNAL, "%s: create: %s", s->target->name, b->load.first_error) : 0;
}

static int fill_small(struct bench *b, size_t target, struct err *err)
{
	struct samples s;
	const struct samples_run run = { .connections = 1, .total = 10 };

	samples_init(&s, &b->targets[target], SAMPLES_SMALL_NS, 10);
	int r = samples_run(&s, SAMPLES_CREATE, &run, &b->load, err);
	samples_done(&s);
	return r;
}

static int with_objects(struct bench *b, size_t target, int64_t objects, bool large, struct err *err)
{
	struct target *t = &b->targets[target];
	struct samples s;
	int r;

	if (target_has_processes(t))
		add(b, target, "MB", BETTER_LESS, large ? 0 : 30, target_rss_mb(t), "resident memory, idle");
	samples_init(&s, t, SAMPLES_NS, (uint64_t)objects);
	r = fill(b, &s, objects, err);
	if (r == 0) {
		add(b, target, "/s", BETTER_MORE, 0, (double)b->load.requests / b->load.seconds, "create %d, 32 workers",
		    (int)objects);
		r = fill_small(b, target, err);
	}
	samples_done(&s);
	if (r < 0)
		return r;
	clock_sleep_ns(3 * NS_PER_S);
	if (target_has_processes(t))
		add(b, target, "MB", BETTER_LESS, large ? 0 : 60, target_rss_mb(t), "resident memory, %d objects",
		    (int)objects);
	if (list(b, target, "of all", SAMPLES_PATH "?resourceVersion=0", large ? 0 : 30, err) < 0 ||
	    list(b, target, "of all, no version", SAMPLES_PATH, 0, err) < 0 ||
	    list(b, target, "of a page of 500", SAMPLES_PATH "?limit=500", 0, err) < 0 ||
	    list(b, target, "of another namespace (10)", SAMPLES_SMALL_PATH, 0, err) < 0)
		return -1;
	if (target_has_processes(t))
		add(b, target, "MB", BETTER_NONE, 0, target_rss_mb(t), "resident memory, after the lists");
	if (restart(b, target, objects, large ? 0 : 100, large ? 0 : 60, err) < 0)
		return -1;
	return samples_delete_all(t, SAMPLES_NS, err) < 0 ? -1 : samples_delete_all(t, SAMPLES_SMALL_NS, err);
}

static int bench_objects(struct bench *b, struct err *err)
{
	char title[64];

	for (size_t t = 0; t < b->targets_len; t++)
		if (restart(b, t, 0, 0, 0, err) < 0 || with_objects(b, t, b->options->objects, false, err) < 0)
			return -1;
	snprintf(title, sizeof(title), "objects, %d of them", (int)b->options->objects);
	report_print(b->report, title);
	return 0;
}

static int bench_scale(struct bench *b, struct err *err)
{
	char title[64];

	if (with_objects(b, 0, b->options->scale, true, err) < 0)
		return -1;
	snprintf(title, sizeof(title), "scale, %d objects", (int)b->options->scale);
	report_print(b->report, title);
	return 0;
}

/* ---- watches ---- */

static int watch(struct bench *b, size_t target, struct err *err)
{
	const struct options *o = b->options;
	const struct watchers_spec spec = { .watches = (unsigned)o->watches,
		                                .events = (unsigned)o->events,
		                                .rate = (unsigned)o->rate };
	const struct watchers_result *f = &b->fan;
	struct samples s;

	if (restart(b, target, 0, 100, 30, err) < 0)
		return -1;
	samples_init(&s, &b->targets[target], SAMPLES_NS, 100);
	int r = fill(b, &s, 100, err);
	if (r == 0)
		r = watchers_run(&s, &spec, &b->fan, err);
	samples_done(&s);
	if (r < 0)
		return r;
	double n = (double)f->delivered;
	add(b, target, "%", BETTER_MORE, 100, 100 * n / (double)f->expected, "events delivered of %llu",
	    (unsigned long long)f->expected);
	add(b, target, "/s", BETTER_MORE, 0, n / f->seconds, "events delivered a second");
	add(b, target, "ms", BETTER_LESS, 0, ms(histogram_percentile(&f->latency, 50)), "event latency, p50");
	add(b, target, "ms", BETTER_LESS, 100, ms(histogram_percentile(&f->latency, 99)), "event latency, p99");
	add(b, target, "ms", BETTER_LESS, 0, ms(f->latency.max), "event latency, highest");
	if (target_has_processes(&b->targets[target])) {
		add(b, target, "us", BETTER_LESS, 0, f->server_cpu_s / n * 1e6, "server's cpu an event delivered");
		add(b, target, "KB", BETTER_LESS, 20, f->bytes_a_watch / 1024, "memory a watch");
	}
	add(b, target, "us", BETTER_NONE, 0, f->client_cpu_s / n * 1e6, "client's cpu an event delivered");
	return samples_delete_all(&b->targets[target], SAMPLES_NS, err);
}

static int bench_watch(struct bench *b, struct err *err)
{
	char title[96];

	for (size_t t = 0; t < b->targets_len; t++)
		if (watch(b, t, err) < 0)
			return -1;
	snprintf(title, sizeof(title), "watch, %d watches, %d events at %d a second", (int)b->options->watches,
	         (int)b->options->events, (int)b->options->rate);
	report_print(b->report, title);
	return 0;
}

/* ---- options ---- */

static bool parse_workers(struct options *o, const char *text)
{
	o->workers_len = 0;
	while (*text && o->workers_len < ARRAY_SIZE(o->workers)) {
		_cleanup_free_ char *word = xstrndup(text, strcspn(text, ","));

		if (!str_to_i64(word, 1, 10000, &o->workers[o->workers_len++]))
			return false;
		text += strlen(word);
		text += *text == ',';
	}
	return o->workers_len > 0;
}

static bool parse(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = { { "peer-kubeconfig", 1, NULL, 'p' },
		                                   { "peer-pids", 1, NULL, 'q' },
		                                   { "kubeconfig", 1, NULL, 'k' },
		                                   { "pids", 1, NULL, 'i' },
		                                   { "server", 1, NULL, 's' },
		                                   { "data-dir", 1, NULL, 'd' },
		                                   { "workers", 1, NULL, 'w' },
		                                   { "threads", 1, NULL, 't' },
		                                   { "rounds", 1, NULL, 'r' },
		                                   { "seconds", 1, NULL, 'S' },
		                                   { "requests", 1, NULL, 'n' },
		                                   { "objects", 1, NULL, 'o' },
		                                   { "scale", 1, NULL, 'x' },
		                                   { "watches", 1, NULL, 'W' },
		                                   { "events", 1, NULL, 'e' },
		                                   { "rate", 1, NULL, 'R' },
		                                   { 0 } };
	struct {
		int option;
		int64_t *value, max;
	} numbers[] = { { 't', &o->threads, 64 },        { 'r', &o->rounds, 60 },        { 'S', &o->seconds, 3600 },
		            { 'n', &o->requests, 10000000 }, { 'o', &o->objects, 10000000 }, { 'x', &o->scale, 10000000 },
		            { 'W', &o->watches, 12000 },     { 'e', &o->events, 10000000 },  { 'R', &o->rate, 1000000 } };
	const char **texts[256] = { ['p'] = &o->peer_kubeconfig,
		                        ['q'] = &o->peer_pids,
		                        ['k'] = &o->kubeconfig,
		                        ['i'] = &o->pids,
		                        ['d'] = &o->data_dir };
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		bool ok = false;

		if (c < 256 && texts[c]) {
			*texts[c] = optarg;
			ok = true;
		} else if (c == 's') {
			free(o->server);
			o->server = xstrdup(optarg);
			ok = true;
		} else if (c == 'w') {
			ok = parse_workers(o, optarg);
		}
		for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
			if (numbers[i].option == c)
				ok = str_to_i64(optarg, 1, numbers[i].max, numbers[i].value);
		if (!ok)
			return false;
	}
	return true;
}

/* ---- all of it ---- */

static const struct {
	const char *name;
	int (*run)(struct bench *b, struct err *err);
} BENCHES[] = {
	{ "crud", bench_crud }, { "objects", bench_objects }, { "watch", bench_watch }, { "scale", bench_scale }
};

static int open_targets(struct bench *b, const char *folder, struct err *err)
{
	const struct options *o = b->options;
	int r = o->kubeconfig ? target_open(&b->targets[0], "given", o->kubeconfig, o->pids, err)
	                      : target_start(&b->targets[0], "scia", o->server, o->data_dir ? o->data_dir : folder, err);

	if (r < 0)
		return -1;
	b->targets_len = 1;
	if (o->peer_kubeconfig) {
		if (target_open(&b->targets[1], "peer", o->peer_kubeconfig, o->peer_pids, err) < 0)
			return -1;
		b->targets_len = 2;
	}
	for (size_t t = 0; t < b->targets_len; t++)
		if (samples_set_up(&b->targets[t], err) < 0)
			return -1;
	return 0;
}

static int run(struct bench *b, char **names, const char *folder, struct err *err)
{
	if (open_targets(b, folder, err) < 0)
		return -1;
	const char *const titles[] = { b->targets[0].name, b->targets[1].name };
	b->report = report_new(titles, b->targets_len);
	for (size_t i = 0; i < ARRAY_SIZE(BENCHES); i++)
		if ((!*names || str_in(BENCHES[i].name, (const char *const *)names)) && BENCHES[i].run(b, err) < 0)
			return -1;
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .workers = { 1, 8, 32 },
		                 .workers_len = 3,
		                 .threads = 1,
		                 .rounds = 3,
		                 .seconds = 2,
		                 .requests = 20000,
		                 .objects = 10000,
		                 .scale = 100000,
		                 .watches = 1000,
		                 .events = 1000,
		                 .rate = 200 };
	struct bench *b = new0(struct bench);
	const struct rlimit fds = { FDS, FDS };
	_cleanup_err_ struct err err = { 0 };
	char folder[4096];

	/* build/KIND/bench/ is where this program is. */
	ssize_t n = readlink("/proc/self/exe", folder, sizeof(folder) - 1);
	folder[n > 0 ? n : 0] = '\0';
	*strrchr(folder, '/') = '\0';
	o.server = xasprintf("%s/../tests/scia-apiserver", folder);
	if (!parse(argc, argv, &o)) {
		fputs(USAGE, stderr);
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &fds);
	b->options = &o;
	int r = run(b, argv + optind, folder, &err);
	if (r < 0)
		fprintf(stderr, "apiserver_bench: %s\n", err_message(&err));
	for (size_t t = 0; t < b->targets_len; t++) {
		if (!b->targets[t].program)
			samples_tear_down(&b->targets[t]);
		target_done(&b->targets[t]);
	}
	if (b->report)
		report_free(b->report);
	free(b);
	free(o.server);
	return r < 0;
}
