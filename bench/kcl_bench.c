/* What a call of function-kcl costs, from the bytes of a request to those of the answer: with a request of 140 KB, for
 * a program that makes 1,000 objects, for 300 composites a minute; what a large source costs to compile; and whether
 * memory stays flat.
 *
 *     kcl_bench [CALLS [PART]]     calls of the last part (100000); only parts with this in their names */

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "function/function.h"
#include "lang/kcl/kcl.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define REQUEST_SIZE ((size_t)140 * 1024)
#define SOURCE_SIZE ((size_t)250 * 1000)
#define ANSWER_MAX ((size_t)64 * 1024 * 1024)

static const char COMPOSITION[] = "oxr = option(\"params\").oxr\n"
								  "ocds = option(\"params\").ocds\n"
								  "region = oxr.spec.region or \"eu-west-1\"\n"
								  "_tags = {managedBy = \"scia\", name = oxr.metadata.name}\n"
								  "schema Bucket:\n"
								  "    apiVersion: str = \"s3.aws.upbound.io/v1beta1\"\n"
								  "    kind: str = \"Bucket\"\n"
								  "    metadata: {str:}\n"
								  "    spec: {str:}\n"
								  "_buckets = [Bucket {\n"
								  "    metadata.name = \"${oxr.metadata.name}-${i}\"\n"
								  "    spec.forProvider = {region = region, tags = _tags}\n"
								  "} for i in range(10)]\n"
								  "_status = {\n"
								  "    **option(\"params\").dxr\n"
								  "    status.ready = len([n for n in ocds])\n"
								  "}\n"
								  "items = _buckets + [_status]\n";

static const char GENERATOR[] =
	"items = [{\n"
	"    apiVersion = \"example.org/v1\"\n"
	"    kind = \"Thing\"\n"
	"    metadata = {name = \"thing-${i}\", labels = {number = str(i), even = str(i % 2 == 0)}}\n"
	"    spec = {size = i * 2, list = [j for j in range(3)], note = \"object number ${i}\"}\n"
	"} for i in range(1000)]\n";

/* Looks at every field of what is observed. */
static const char READER[] = "ocds = option(\"params\").ocds\n"
							 "_sizes = [len(str(v.Resource)) for k, v in ocds]\n"
							 "items = [{\n"
							 "    apiVersion = \"example.org/v1\"\n"
							 "    kind = \"Sum\"\n"
							 "    metadata.name = \"sum\"\n"
							 "    spec.size = sum(_sizes)\n"
							 "}]\n";

static json_t *observed_resource(int number)
{
	json_t *status = json_object(), *at_provider = json_object();

	for (int i = 0; i < 40; i++) {
		_cleanup_free_ char *key = xasprintf("field%d", i);

		json_object_set_new(at_provider, key, i % 3 == 0 ? json_integer(i) : json_strf("value of field %d", i));
	}
	json_object_set_new(status, "atProvider", at_provider);
	json_object_set_new(status, "conditions",
	                    json_pack("[{ss,ss,ss,ss},{ss,ss,ss,ss}]", "type", "Ready", "status", "True", "reason",
	                              "Available", "lastTransitionTime", "2026-01-01T00:00:00Z", "type", "Synced", "status",
	                              "True", "reason", "ReconcileSuccess", "lastTransitionTime", "2026-01-01T00:00:00Z"));
	return json_pack("{s{ss,ss,s{so,s{ss}},s{s{ss}},so}}", "resource", "apiVersion", "s3.aws.upbound.io/v1beta1",
	                 "kind", "Bucket", "metadata", "name", json_strf("bucket-%d", number), "labels",
	                 "crossplane.io/composite", "shop", "spec", "forProvider", "region", "eu-west-1", "status", status);
}

/* A request of about `size` bytes, encoded: resources of that state ("observed" or "desired"). */
static void make_request(const char *source, const char *name, const char *state, size_t size, struct buf *out)
{
	json_t *resources = json_object();
	_cleanup_json_ json_t *request = json_pack(
		"{s{ss},s{s{s{ss,ss,s{ss},s{ss}}}},s{ss,ss,s{ss}}}", "meta", "tag", name, "observed", "composite", "resource",
		"apiVersion", "example.org/v1", "kind", "XR", "metadata", "name", name, "spec", "region", "eu-west-1", "input",
		"apiVersion", "krm.kcl.dev/v1alpha1", "kind", "KCLInput", "spec", "source", source);
	_cleanup_err_ struct err err = { 0 };

	json_object_set_new(json_ensure_object(request, state), "resources", resources);
	for (int i = 0; i < 1000 && out->len < size; i++) {
		_cleanup_free_ char *key = xasprintf("bucket-%d", i);

		json_object_set_new(resources, key, observed_resource(i));
		if (i % 4 == 3 || size < 4096) {
			buf_reset(out);
			if (pb_encode(FUNCTION_REQUEST, request, out, &err) < 0)
				fprintf(stderr, "%s\n", err_message(&err));
		}
	}
	if (out->len == 0 && pb_encode(FUNCTION_REQUEST, request, out, &err) < 0)
		fprintf(stderr, "%s\n", err_message(&err));
}

/* Bytes to bytes, as the server does it. */
static size_t call(struct functions *f, enum function_kind kind, const struct buf *request, struct buf *answer)
{
	_cleanup_err_ struct err err = { 0 };

	buf_reset(answer);
	if (function_answer(f, 0, kind, request->data, request->len, NULL, answer, &err) < 0) {
		fprintf(stderr, "%s\n", err_message(&err));
		exit(1);
	}
	return answer->len;
}

/* Of the processor: others may use the machine too. */
static int64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* One of the pieces of a large source. */
static const char PIECE[] =
	"schema Service%1$d:\n"
	"    \"\"\"What is made of one service of the platform.\"\"\"\n"
	"    name: str\n"
	"    replicas: int = 2\n"
	"    image?: str\n"
	"    labels: {str:str} = {}\n"
	"    ports: [int] = [80, 443]\n"
	"    check:\n"
	"        replicas > 0, \"replicas must be above zero\"\n"
	"        len(name) < 64 if name\n"
	"\n"
	"_name%1$d = lambda prefix: str, n: int -> str {\n"
	"    \"${prefix}-${n}\" if n > 0 else prefix\n"
	"}\n"
	"\n"
	"service%1$d = Service%1$d {\n"
	"    name = _name%1$d(\"service\", %1$d)\n"
	"    replicas = 3 if name.startswith(\"service\") else 1 # more for those in use\n"
	"    labels = {app = \"shop\", tier: \"backend\", \"app.kubernetes.io/name\" = name}\n"
	"}\n"
	"deployment%1$d = {\n"
	"    apiVersion = \"apps/v1\"\n"
	"    kind = \"Deployment\"\n"
	"    metadata: {name = service%1$d.name, labels = service%1$d.labels}\n"
	"    spec.replicas = service%1$d.replicas\n"
	"    spec.template.spec.containers = [{\n"
	"        name = \"main\"\n"
	"        ports = [{containerPort = p, protocol = \"TCP\"} for p in service%1$d.ports if p != 22]\n"
	"    }]\n"
	"}\n"
	"\n";

static void measure_compilation(size_t size)
{
	_cleanup_buf_ struct buf source = BUF_INIT(ANSWER_MAX);
	int64_t best = INT64_MAX;
	size_t taken = 0;

	for (int i = 0; source.len < size; i++)
		buf_printf(&source, PIECE, i);
	for (int i = 0; i < 20; i++) {
		const struct kcl_source main_source = { "main.k", source.data, source.len };
		const struct kcl_compile_options options = { .sources = &main_source, .sources_len = 1 };
		struct kcl_diagnostics diagnostics = { 0 };
		int64_t begin = cpu_ns();
		struct kcl_program *program = kcl_compile(&options, &diagnostics);
		int64_t took = cpu_ns() - begin;

		if (!program) {
			fprintf(stderr, "line %u: %s\n", diagnostics.items[0].line, diagnostics.items[0].message);
			exit(1);
		}
		best = took < best ? took : best;
		taken = kcl_program_size(program);
		kcl_program_unref(program);
		kcl_diagnostics_clear(&diagnostics);
	}
	printf("a source of %zu KB: compiled in %.2f ms at best, a program of %zu KiB\n", source.len / 1000,
	       (double)best / 1e6, taken / 1024);
}

/* A program that may import from a folder of so many files asks at each call whether any of them has changed. */
static void measure_root(int files)
{
	_cleanup_free_ char *root = xstrdup("/tmp/scia-bench-XXXXXX");
	_cleanup_buf_ struct buf request = BUF_INIT(ANSWER_MAX), answer = BUF_INIT(ANSWER_MAX);
	_cleanup_json_ json_t *input = json_pack("{s{ss,ss,s{ss,ss}}}", "input", "apiVersion", "krm.kcl.dev/v1alpha1",
	                                         "kind", "KCLInput", "spec", "source", "items = []\n", "dependencies",
	                                         "unused = \"1.0.0\"");
	const char *const roots[] = { mkdtemp(root), NULL };
	const struct functions_config config = { .workers = 1, .roots = roots };
	int64_t begin;

	for (int i = 0; i < files; i++) {
		_cleanup_free_ char *folder = xasprintf("%s/module%d", root, i / 20);
		_cleanup_free_ char *path = xasprintf("%s/file%d.k", folder, i);

		fs_mkdir_p(folder, 0700, NULL);
		fs_replace(path, "a = 1\n", 6, 0600, NULL);
	}
	_cleanup_(functions_freep) struct functions *f = functions_new(&config);
	pb_encode(FUNCTION_REQUEST, input, &request, NULL);
	call(f, FUNCTION_KCL, &request, &answer);
	begin = cpu_ns();
	for (int i = 0; i < 1000; i++)
		call(f, FUNCTION_KCL, &request, &answer);
	printf("a call beside a root of %d files: %.1f us\n", files, (double)(cpu_ns() - begin) / 1e6);
	fs_remove_tree(root, NULL);
}

struct part {
	const char *name;
	enum function_kind kind;
	const char *source;
	const char *state; /* whose resources the request is filled with */
	size_t size;       /* of the request, about */
	int rounds;
};

static const struct part PARTS[] = {
	{ "a composition, 140 KB", FUNCTION_KCL, COMPOSITION, "observed", REQUEST_SIZE, 300 },
	{ "all of 140 KB read", FUNCTION_KCL, READER, "observed", REQUEST_SIZE, 300 },
	{ "140 KB passed on", FUNCTION_KCL, COMPOSITION, "desired", REQUEST_SIZE, 300 },
	{ "auto-ready, 140 KB", FUNCTION_AUTO_READY, "", "desired", REQUEST_SIZE, 300 },
	{ "a composition, small", FUNCTION_KCL, COMPOSITION, "observed", 1, 2000 },
	{ "1,000 objects", FUNCTION_KCL, GENERATOR, "observed", 1, 30 },
};

static void measure(struct functions *f, const struct part *part)
{
	_cleanup_buf_ struct buf request = BUF_INIT(ANSWER_MAX), answer = BUF_INIT(ANSWER_MAX);
	int64_t begin, cold, best = INT64_MAX, sum = 0;

	make_request(part->source, "shop", part->state, part->size, &request);
	begin = cpu_ns();
	call(f, part->kind, &request, &answer);
	cold = cpu_ns() - begin;
	for (int i = 0; i < part->rounds; i++) {
		begin = cpu_ns();
		call(f, part->kind, &request, &answer);
		int64_t took = cpu_ns() - begin;
		sum += took;
		best = took < best ? took : best;
	}
	printf("%-22s request %7zu B, answer %7zu B: cold %8.1f us, warm %8.1f us (best %.1f)\n", part->name, request.len,
	       answer.len, (double)cold / 1e3, (double)sum / part->rounds / 1e3, (double)best / 1e3);
}

static size_t resident_kib(void)
{
	size_t pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (f && fscanf(f, "%*u %zu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void measure_composites(struct functions *f)
{
	_cleanup_buf_ struct buf answer = BUF_INIT(ANSWER_MAX);
	int64_t begin = cpu_ns();

	for (int i = 0; i < 300; i++) {
		_cleanup_free_ char *name = xasprintf("shop-%d", i);
		_cleanup_buf_ struct buf request = BUF_INIT(ANSWER_MAX);

		make_request(COMPOSITION, name, "observed", 8 * 1024, &request);
		call(f, FUNCTION_KCL, &request, &answer);
	}
	double ms = (double)(cpu_ns() - begin) / 1e6;
	printf("300 composites once a minute: %.1f ms (%.3f %% of a core), resident %zu KiB\n", ms, ms / 600,
	       resident_kib());
}

static void measure_memory(struct functions *f, long calls)
{
	_cleanup_buf_ struct buf request = BUF_INIT(ANSWER_MAX), answer = BUF_INIT(ANSWER_MAX);
	size_t after_warm = 0;

	make_request(COMPOSITION, "shop", "observed", 1, &request);
	for (long i = 0; i < calls; i++) {
		call(f, FUNCTION_KCL, &request, &answer);
		if (i == calls / 10)
			after_warm = resident_kib();
	}
	printf("%ld calls: resident %zu KiB after a tenth, %zu KiB at the end\n", calls, after_warm, resident_kib());
}

int main(int argc, char **argv)
{
	const struct functions_config config = { .workers = 1 };
	_cleanup_(functions_freep) struct functions *f = functions_new(&config);
	long calls = argc > 1 ? strtol(argv[1], NULL, 10) : 100000;
	const char *wanted = argc > 2 ? argv[2] : NULL;

	for (size_t i = 0; i < ARRAY_SIZE(PARTS); i++)
		if (!wanted || strstr(PARTS[i].name, wanted))
			measure(f, &PARTS[i]);
	if (!wanted || str_eq(wanted, "source"))
		measure_compilation(SOURCE_SIZE);
	if (!wanted || str_eq(wanted, "root"))
		measure_root(1000);
	if (wanted)
		return 0;
	measure_composites(f);
	measure_memory(f, calls);
	return 0;
}
