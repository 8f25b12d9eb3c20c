#include "report.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

#define TARGETS_MAX 2
#define FIGURES_MAX 256
#define SAMPLES_MAX 64

struct figure {
	char name[80], unit[16];
	enum better better;
	double goal;
	double samples[TARGETS_MAX][SAMPLES_MAX];
	size_t len[TARGETS_MAX];
};

struct report {
	const char *targets[TARGETS_MAX];
	size_t targets_len, len;
	struct figure list[FIGURES_MAX];
};

struct report *report_new(const char *const *targets, size_t targets_len)
{
	struct report *r = new0(struct report);

	r->targets_len = targets_len < TARGETS_MAX ? targets_len : TARGETS_MAX;
	for (size_t i = 0; i < r->targets_len; i++)
		r->targets[i] = targets[i];
	return r;
}

void report_free(struct report *r)
{
	free(r);
}

static struct figure *find(struct report *r, const char *name)
{
	for (size_t i = 0; i < r->len; i++)
		if (strcmp(r->list[i].name, name) == 0)
			return &r->list[i];
	if (r->len == FIGURES_MAX)
		return NULL;
	struct figure *f = &r->list[r->len++];
	*f = (struct figure){ 0 };
	snprintf(f->name, sizeof(f->name), "%s", name);
	return f;
}

void report_add(struct report *r, size_t target, const char *name, const char *unit, enum better better, double goal,
                double value)
{
	struct figure *f = find(r, name);

	if (!f || f->len[target] == SAMPLES_MAX)
		return;
	snprintf(f->unit, sizeof(f->unit), "%s", unit);
	f->better = better;
	f->goal = goal;
	f->samples[target][f->len[target]++] = value;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *samples, size_t len)
{
	qsort(samples, len, sizeof(*samples), compare);
	return len % 2 ? samples[len / 2] : (samples[len / 2 - 1] + samples[len / 2]) / 2;
}

static void print_value(double value)
{
	printf(value != 0 && value < 100 ? " %12.2f" : " %12.0f", value);
}

static void print_goal(const struct figure *f, double ours)
{
	bool met = f->better == BETTER_MORE ? ours >= f->goal : ours <= f->goal;

	printf("   goal %s%g%s", f->better == BETTER_MORE ? ">= " : "<= ", f->goal, met ? ", met" : "");
}

static void print_figure(const struct report *r, struct figure *f)
{
	double value[TARGETS_MAX] = { 0 };

	printf("  %-52s", f->name);
	for (size_t t = 0; t < r->targets_len; t++) {
		if (f->len[t] == 0) {
			printf(" %12s", "-");
			continue;
		}
		value[t] = median(f->samples[t], f->len[t]);
		print_value(value[t]);
	}
	printf(" %-4s", f->unit);
	if (r->targets_len == 2) {
		if (f->len[0] > 0 && f->len[1] > 0 && value[0] > 0 && value[1] > 0)
			printf(" %7.1fx", f->better == BETTER_LESS ? value[1] / value[0] : value[0] / value[1]);
		else
			printf(" %8s", "");
	}
	if (f->goal > 0 && f->len[0] > 0)
		print_goal(f, value[0]);
	printf("\n");
}

void report_print(struct report *r, const char *title)
{
	printf("%-54s", title);
	for (size_t t = 0; t < r->targets_len; t++)
		printf(" %12s", r->targets[t]);
	printf("%s\n", r->targets_len == 2 ? "        better" : "");
	for (size_t i = 0; i < r->len; i++)
		print_figure(r, &r->list[i]);
	r->len = 0;
	fflush(stdout);
}
