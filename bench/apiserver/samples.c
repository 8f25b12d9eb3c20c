#include "samples.h"

#include "base/clock.h"

#include <inttypes.h>
#include <stdio.h>

#define JSON "application/json"
#define OBJECT_SIZE 600
#define CRD_PATH "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
#define WAIT_NS (120 * NS_PER_S)

const char *const samples_op_names[SAMPLES_OPS] = { "create", "get", "update", "patch", "delete" };

static const char CRD[] =
	"{\"apiVersion\":\"apiextensions.k8s.io/v1\",\"kind\":\"CustomResourceDefinition\","
	"\"metadata\":{\"name\":\"samples.bench.scia.io\"},\"spec\":{\"group\":\"bench.scia.io\",\"scope\":\"Namespaced\","
	"\"names\":{\"plural\":\"samples\",\"singular\":\"sample\",\"kind\":\"Sample\",\"listKind\":\"SampleList\"},"
	"\"versions\":[{\"name\":\"v1\",\"served\":true,\"storage\":true,\"schema\":{\"openAPIV3Schema\":{\"type\":"
	"\"object\","
	"\"properties\":{\"spec\":{\"type\":\"object\",\"properties\":{"
	"\"counter\":{\"type\":\"integer\",\"minimum\":0},\"text\":{\"type\":\"string\",\"maxLength\":2000},"
	"\"zstamp\":{\"type\":\"string\"},"
	"\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{"
	"\"name\":{\"type\":\"string\"},\"value\":{\"type\":\"string\"},\"mode\":{\"type\":\"string\",\"default\":"
	"\"plain\"}}}}}}}}}}]}}";

/* ---- objects ---- */

void samples_write(struct buf *out, const char *ns, uint64_t index, const char *version, uint64_t counter)
{
	size_t begin = out->len;

	buf_printf(out,
	           "{\"apiVersion\":\"bench.scia.io/v1\",\"kind\":\"Sample\",\"metadata\":{\"name\":\"sample-%07" PRIu64
	           "\",\"namespace\":\"%s\",\"labels\":{\"app\":\"bench\",\"shard\":\"s%02" PRIu64 "\"}%s%s%s},",
	           index, ns, index % 100, version ? ",\"resourceVersion\":\"" : "", version ? version : "",
	           version ? "\"" : "");
	buf_printf(out,
	           "\"spec\":{\"counter\":%" PRIu64 ",\"items\":[{\"name\":\"one\",\"value\":\"1\"},{\"name\":\"two\","
	           "\"value\":\"2\"}],\"text\":\"",
	           counter);
	while (out->len - begin < OBJECT_SIZE - 14)
		buf_putc(out, (char)('a' + (out->len - begin) % 26));
	buf_puts(out, "\",\"zstamp\":\"\"}}");
}

void samples_write_path(struct buf *out, const char *ns, uint64_t index)
{
	buf_printf(out, SAMPLES_API "/namespaces/%s/samples/sample-%07" PRIu64, ns, index);
}

/* ---- set-up ---- */

/* The status wanted, within a while. */
static int wait_for(struct target *t, const char *path, int wanted, struct err *err)
{
	int64_t begin = clock_mono_ns();
	int status;

	while ((status = load_call(&t->endpoint, "GET", path, NULL, NULL, NULL, err)) != wanted) {
		if (status < 0)
			return -1;
		if (clock_mono_ns() - begin > WAIT_NS)
			return err_set(err, ERR_TIMEOUT, "%s: GET %s still answers %d", t->name, path, status);
		clock_sleep_ns(50 * NS_PER_MS);
	}
	return 0;
}

static int must_create(struct target *t, const char *path, const char *body, struct err *err)
{
	_cleanup_free_ char *response = NULL;
	int status = load_call(&t->endpoint, "POST", path, JSON, body, &response, err);

	if (status < 0)
		return -1;
	if (status != 201 && status != 409)
		return err_set(err, ERR_INTERNAL, "%s: POST %s: %d %.300s", t->name, path, status, response);
	return 0;
}

static int make_namespace(struct target *t, const char *ns, struct err *err)
{
	_cleanup_free_ char *body = xasprintf(
		"{\"apiVersion\":\"v1\",\"kind\":\"Namespace\",\"metadata\":{\"name\":\"%s\"}}", ns);

	return must_create(t, "/api/v1/namespaces", body, err);
}

int samples_set_up(struct target *t, struct err *err)
{
	if (must_create(t, CRD_PATH, CRD, err) < 0 || make_namespace(t, SAMPLES_NS, err) < 0 ||
	    make_namespace(t, SAMPLES_SMALL_NS, err) < 0 || wait_for(t, SAMPLES_PATH "?limit=1", 200, err) < 0)
		return -1;
	return samples_delete_all(t, SAMPLES_NS, err) < 0 ? -1 : samples_delete_all(t, SAMPLES_SMALL_NS, err);
}

void samples_tear_down(struct target *t)
{
	static const char *const paths[] = { CRD_PATH "/samples.bench.scia.io", "/api/v1/namespaces/" SAMPLES_NS,
		                                 "/api/v1/namespaces/" SAMPLES_SMALL_NS };
	_cleanup_err_ struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (load_call(&t->endpoint, "DELETE", paths[i], NULL, NULL, NULL, &err) < 0)
			err_clear(&err);
	/* A restart of the same benchmark must not meet what is still being deleted. */
	if (wait_for(t, paths[0], 404, &err) < 0 || wait_for(t, paths[1], 404, &err) < 0)
		fprintf(stderr, "%s\n", err_message(&err));
}

int samples_delete_all(struct target *t, const char *ns, struct err *err)
{
	_cleanup_free_ char *path = xasprintf(SAMPLES_API "/namespaces/%s/samples", ns);
	int status = load_call(&t->endpoint, "DELETE", path, NULL, NULL, NULL, err);

	if (status < 0)
		return -1;
	return status == 200 ? 0 : err_set(err, ERR_INTERNAL, "%s: DELETE %s: %d", t->name, path, status);
}

/* ---- running ---- */

void samples_init(struct samples *s, struct target *t, const char *ns, uint64_t room)
{
	*s = (struct samples){ .target = t, .ns = ns, .room = room };
	s->versions = xcalloc(room, sizeof(*s->versions));
}

void samples_done(struct samples *s)
{
	free(s->versions);
}

static uint64_t index_of(const struct samples *s, uint64_t seq)
{
	if (s->op == SAMPLES_CREATE)
		return s->first + s->count + seq;
	return s->first + (s->op == SAMPLES_DELETE ? seq : seq % s->count);
}

static void next(void *self, uint64_t seq, struct load_request *ret)
{
	static const char *const methods[] = { "POST", "GET", "PUT", "PATCH", "DELETE" };
	struct samples *s = self;
	uint64_t index = index_of(s, seq);
	const char *version = s->versions[index % s->room];

	ret->method = methods[s->op];
	if (s->op == SAMPLES_CREATE)
		buf_printf(&ret->path, SAMPLES_API "/namespaces/%s/samples", s->ns);
	else
		samples_write_path(&ret->path, s->ns, index);
	if (s->op == SAMPLES_CREATE || s->op == SAMPLES_UPDATE) {
		ret->content_type = JSON;
		samples_write(&ret->body, s->ns, index, s->op == SAMPLES_UPDATE ? version : NULL, seq);
	} else if (s->op == SAMPLES_PATCH) {
		ret->content_type = "application/merge-patch+json";
		buf_printf(&ret->body, "{\"spec\":{\"counter\":%" PRIu64 "}}", seq + 1);
	}
}

static void done(void *self, uint64_t seq, int status, const char *body, size_t len)
{
	static const char mark[] = "\"resourceVersion\":\"";
	struct samples *s = self;
	const char *at = status < 300 ? memmem(body, len, mark, sizeof(mark) - 1) : NULL;
	char *version = s->versions[index_of(s, seq) % s->room];
	size_t n;

	if (!at)
		return;
	at += sizeof(mark) - 1;
	n = strspn(at, "0123456789");
	if (n < sizeof(s->versions[0])) {
		memcpy(version, at, n);
		version[n] = '\0';
	}
}

static void window(void *self, bool begins)
{
	struct samples *s = self;
	double now = target_cpu_s(s->target);

	if (begins)
		s->cpu_begin_s = now;
	s->cpu_s = now - s->cpu_begin_s;
}

int samples_run(struct samples *s, enum samples_op op, const struct samples_run *run, struct load_result *ret,
                struct err *err)
{
	struct load load = { .endpoint = &s->target->endpoint,
		                 .connections = run->connections,
		                 .threads = run->threads,
		                 .warmup = run->warmup,
		                 .total = run->total,
		                 .time_ns = run->time_ns,
		                 .keep_body = op != SAMPLES_GET && op != SAMPLES_DELETE,
		                 .next = next,
		                 .done = done,
		                 .window = window,
		                 .self = s };
	uint64_t most = op == SAMPLES_CREATE ? s->room - s->count : s->count;

	s->op = op;
	if ((op == SAMPLES_CREATE || op == SAMPLES_DELETE) && (!load.total || load.total + load.warmup > most)) {
		load.warmup = load.warmup < most / 2 ? load.warmup : most / 2;
		load.total = most - load.warmup;
	}
	if (load_run(&load, ret, err) < 0)
		return err_wrap(err, "%s: %s", s->target->name, samples_op_names[op]);
	if (op == SAMPLES_CREATE) {
		s->count += ret->requests + load.warmup;
	} else if (op == SAMPLES_DELETE) {
		s->first += ret->requests + load.warmup;
		s->count -= ret->requests + load.warmup;
	}
	return 0;
}
