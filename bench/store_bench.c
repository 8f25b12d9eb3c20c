/* The store alone: durable writes by 1, 8 and 32 writers (throughput, percentiles, bytes written), and how long a
 * store of so many objects takes to open.
 *
 *   store_bench DIR [SECONDS] [OBJECTS] */
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/thread.h"
#include "store/store.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define WRITERS_MAX 32
#define SAMPLES_MAX ((size_t)1 << 20)
#define PAD 600

struct writer {
	struct store *store;
	int id;
	char op; /* create or update */
	int64_t until_ns;
	int64_t *samples;
	size_t len;
};

static struct store_write make_write(char op, const char *name, int value)
{
	char head[160], pad[PAD + 1];
	struct store_write w = { .resource = "example.org/things", .ns = "default", .name = name };

	memset(pad, 'x', PAD);
	pad[PAD] = '\0';
	snprintf(head, sizeof(head),
	         "{\"apiVersion\":\"example.org/v1\",\"kind\":\"Thing\",\"metadata\":{\"name\":\"%s\","
	         "\"resourceVersion\":\"",
	         name);
	_cleanup_free_ char *text = xasprintf("%s\"},\"spec\":{\"n\":%d,\"pad\":\"%s\"}}", head, value, pad);
	w.op = op == 'c' ? STORE_CREATE : STORE_UPDATE;
	w.text = bytes_new(text, strlen(text));
	w.text_version_offset = strlen(head);
	w.labels = xmemdup("app\0bench\0", 11);
	w.fields = xmemdup("metadata.name\0x\0", 17);
	w.uid = xstrdup("8f2e6a0e-1111-2222-3333-444455556666");
	return w;
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	char name[48];

	for (int i = 0; clock_mono_ns() < w->until_ns && w->len < SAMPLES_MAX; i++) {
		snprintf(name, sizeof(name), "w%d-%d", w->id, w->op == 'c' ? i : i % 100);
		int64_t start = clock_mono_ns();
		struct store_write write = make_write(w->op, name, i);
		if (store_commit(w->store, &write, NULL, NULL) < 0)
			break; /* fewer objects than updates want */
		w->samples[w->len++] = clock_mono_ns() - start;
	}
	return NULL;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static int64_t written_bytes(void)
{
	_cleanup_free_ char *text = NULL;
	int64_t n = 0;

	if (fs_read_file("/proc/self/io", 4096, &text, NULL, NULL) < 0)
		return 0;
	const char *line = strstr(text, "write_bytes: ");
	if (line) {
		_cleanup_free_ char *number = xstrndup(line + 13, strcspn(line + 13, "\n"));
		str_to_i64(number, 0, INT64_MAX, &n);
	}
	return n;
}

static int64_t resident_bytes(void)
{
	_cleanup_free_ char *text = NULL;
	int64_t pages = 0;

	if (fs_read_file("/proc/self/statm", 256, &text, NULL, NULL) < 0)
		return 0;
	_cleanup_strv_ char **words = str_split(text, " ");
	if (strv_len(words) > 1)
		str_to_i64(words[1], 0, INT64_MAX, &pages);
	return pages * sysconf(_SC_PAGESIZE);
}

static void run_writers(struct store *s, char op, int count, double seconds, int first_id)
{
	struct writer writers[WRITERS_MAX];
	pthread_t threads[WRITERS_MAX];
	int64_t start = clock_mono_ns(), bytes = written_bytes();
	size_t total = 0;

	for (int i = 0; i < count; i++) {
		writers[i] = (struct writer){ .store = s,
			                          .id = first_id + i,
			                          .op = op,
			                          .until_ns = start + (int64_t)(seconds * (double)NS_PER_S),
			                          .samples = xcalloc(SAMPLES_MAX, sizeof(int64_t)) };
		if (thread_start(&threads[i], "writer", writer_main, &writers[i], NULL) < 0)
			return;
	}
	int64_t *all = NULL;
	for (int i = 0; i < count; i++) {
		pthread_join(threads[i], NULL);
		all = xreallocarray(all, total + writers[i].len + 1, sizeof(int64_t));
		memcpy(all + total, writers[i].samples, writers[i].len * sizeof(int64_t));
		total += writers[i].len;
		free(writers[i].samples);
	}
	double took = (double)(clock_mono_ns() - start) / (double)NS_PER_S, ms = (double)NS_PER_MS;
	if (total > 0) {
		qsort(all, total, sizeof(int64_t), by_value);
		printf("%s %2d writers: %7.0f/s  p50 %.2f ms  p99 %.2f ms  max %.1f ms  %.0f bytes written each\n",
		       op == 'c' ? "create" : "update", count, (double)total / took, (double)all[total / 2] / ms,
		       (double)all[total * 99 / 100] / ms, (double)all[total - 1] / ms,
		       (double)(written_bytes() - bytes) / (double)total);
	}
	fflush(stdout);
	free(all);
}

static int fill_and_open(const struct store_config *config, int objects)
{
	struct store *s;
	_cleanup_err_ struct err err = { 0 };
	char name[48];

	if (store_open(config, &s, &err) < 0)
		return -1;
	struct store_batch *batch = store_batch_new(s);
	for (int i = 0; i < objects; i++) {
		/* not in order, as real names are not */
		snprintf(name, sizeof(name), "fill-%08x", (unsigned)i * 2654435761u);
		struct store_write w = make_write('c', name, i);
		store_batch_add(batch, &w);
	}
	if (store_batch_finish(batch, &err) < 0)
		fprintf(stderr, "%s\n", err_message(&err));
	store_close(s);
	for (int i = 0; i < 3; i++) {
		int64_t start = clock_mono_ns(), resident = resident_bytes();
		clock_t cpu = clock();
		if (store_open(config, &s, &err) < 0)
			return -1;
		printf("open with %d objects: %.1f ms, of which CPU %.1f ms; %.0f bytes of memory each\n", objects,
		       (double)(clock_mono_ns() - start) / (double)NS_PER_MS,
		       (double)(clock() - cpu) * 1000 / (double)CLOCKS_PER_SEC,
		       (double)(resident_bytes() - resident) / (double)objects);
		store_close(s);
		malloc_trim(0);
	}
	return 0;
}

int main(int argc, char **argv)
{
	double seconds = 2;
	int64_t objects = 10000;

	if (argc < 2 || (argc > 2 && !str_to_double(argv[2], &seconds)) ||
	    (argc > 3 && !str_to_i64(argv[3], 1, 10000000, &objects))) {
		fprintf(stderr, "usage: store_bench DIR [SECONDS] [OBJECTS]\n");
		return 2;
	}
	_cleanup_free_ char *path = fs_join(argv[1], "bench.db"), *fill = fs_join(argv[1], "fill.db");
	struct store_config config = { .path = path };
	struct store *s;
	_cleanup_err_ struct err err = { 0 };
	static const int counts[] = { 1, 8, 32 };

	if (fs_mkdir_p(argv[1], 0700, &err) < 0 || store_open(&config, &s, &err) < 0) {
		fprintf(stderr, "%s\n", err_message(&err));
		return 1;
	}
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
		run_writers(s, 'c', counts[i], seconds, (int)i * 100);
		run_writers(s, 'u', counts[i], seconds, (int)i * 100);
	}
	store_close(s);
	config.path = fill;
	return fill_and_open(&config, (int)objects) < 0 ? 1 : 0;
}
