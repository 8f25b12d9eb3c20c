#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H
/* A closed loop: each of N connections sends its next request as soon as the last one is answered. */

#include "connection.h"
#include "histogram.h"

#include <stdatomic.h>

struct load_request {
	const char *method, *content_type; /* content_type NULL: no body */
	struct buf path, body;
};

struct load {
	struct endpoint *endpoint;
	unsigned connections, threads;
	uint64_t warmup; /* requests before the clock starts */
	uint64_t total;  /* requests after that at most; 0: no limit but the time */
	int64_t time_ns; /* no request is begun after so long; 0: no limit but the number */
	bool keep_body;  /* else done() gets no body */
	/* What the seq-th request is (seq counts from 0, warm-up included). Called from any of the threads. */
	void (*next)(void *self, uint64_t seq, struct load_request *ret);
	/* Its response; may be NULL. */
	void (*done)(void *self, uint64_t seq, int status, const char *body, size_t len);
	/* The clock starts (true), and ends. May be NULL. */
	void (*window)(void *self, bool begins);
	void *self;
};

struct load_result {
	uint64_t requests, errors; /* errors: status 300 and more, and lost connections */
	uint64_t bytes;            /* of bodies */
	double seconds, client_cpu_s;
	char first_error[256];
	struct histogram latency;
};

/* Negative when no connection could be made. */
int load_run(const struct load *load, struct load_result *ret, struct err *err);

/* One request, waited for: its status, or negative. *ret_body (free()) may be NULL. */
int load_call(struct endpoint *e, const char *method, const char *path, const char *content_type, const char *body,
              char **ret_body, struct err *err);

#endif
