#ifndef BENCH_SAMPLES_H
#define BENCH_SAMPLES_H
/* The custom resources that are written and read: samples.bench.scia.io, of 600 bytes each. */

#include "load.h"
#include "target.h"

#define SAMPLES_NS "scia-bench"
#define SAMPLES_SMALL_NS "scia-bench-small"
#define SAMPLES_API "/apis/bench.scia.io/v1"
#define SAMPLES_PATH SAMPLES_API "/namespaces/" SAMPLES_NS "/samples"
#define SAMPLES_SMALL_PATH SAMPLES_API "/namespaces/" SAMPLES_SMALL_NS "/samples"

/* Makes the type and the namespaces, empties what an earlier run left. */
int samples_set_up(struct target *t, struct err *err);
void samples_tear_down(struct target *t);
/* Removes all samples of a namespace. */
int samples_delete_all(struct target *t, const char *ns, struct err *err);

/* Appends an object's JSON. version: its resourceVersion, or NULL. */
void samples_write(struct buf *out, const char *ns, uint64_t index, const char *version, uint64_t counter);
void samples_write_path(struct buf *out, const char *ns, uint64_t index);

enum samples_op { SAMPLES_CREATE, SAMPLES_GET, SAMPLES_UPDATE, SAMPLES_PATCH, SAMPLES_DELETE, SAMPLES_OPS };
extern const char *const samples_op_names[SAMPLES_OPS];

/* What the target's samples are like, kept between runs. */
struct samples {
	struct target *target;
	const char *ns;
	uint64_t first, count; /* indices of those that exist */
	uint64_t room;
	char (*versions)[24]; /* of each from first on; "": not known */
	enum samples_op op;
	double cpu_begin_s, cpu_s; /* the server's, within the last run's window */
};
void samples_init(struct samples *s, struct target *t, const char *ns, uint64_t room);
void samples_done(struct samples *s);

struct samples_run {
	unsigned connections, threads;
	uint64_t warmup, total;
	int64_t time_ns;
};
/* CREATE adds behind those there are; DELETE takes from them; the others go round them. */
int samples_run(struct samples *s, enum samples_op op, const struct samples_run *run, struct load_result *ret,
                struct err *err);

#endif
