/* Analysis of a repository of 100,000 files: a monorepo of Node, Python, Go and Java services among sources of every
 * kind. Made in a temporary folder, analysed five times; prints the median. The goal is 2 s. */

#include "analyzer/analyzer.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

#define FILES 100000
#define FILES_A_FOLDER 25
#define FOLDERS_A_SERVICE 50
#define ROUNDS 5

static const char *const bodies[] = {
	"import express from 'express';\nconst port = process.env.PORT || 3000;\nexport const f = (a) => a + 1;\n",
	"import os\nfrom flask import Flask\napp = Flask(__name__)\nKEY = os.environ.get('API_KEY')\n",
	"package a\n\nimport \"net/http\"\n\nfunc F() { http.ListenAndServe(\":8080\", nil) }\n",
	"package a;\npublic class A {\n\tpublic int f() { return 1; }\n}\n",
};
static const char *const suffixes[] = { "js", "py", "go", "java" };
static const char *const manifests[] = { "package.json", "requirements.txt", "go.mod", "pom.xml" };
static const char *const manifest_bodies[] = {
	"{\"name\":\"s\",\"scripts\":{\"start\":\"node src/0/0.js\"},\"dependencies\":{\"express\":\"4\",\"pg\":\"8\"}}",
	"flask\ngunicorn\n",
	"module example.org/s\n\ngo 1.22\n",
	"<project><artifactId>s</artifactId><version>1</version></project>",
};

static bool write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");
	bool good = f && fputs(text, f) >= 0;

	if (f && fclose(f))
		good = false;
	if (!good)
		perror(path);
	return good;
}

/* services/NN/src/M/K.js and so on, each service with a manifest. */
static bool make_tree(const char *dir)
{
	for (size_t made = 0, service = 0; made < FILES; service++) {
		size_t kind = service % ARRAY_SIZE(manifests);

		for (size_t folder = 0; folder < FOLDERS_A_SERVICE && made < FILES; folder++) {
			_cleanup_free_ char *path = xasprintf("%s/services/%zu/src/%zu", dir, service, folder);
			_cleanup_free_ char *manifest = xasprintf("%s/services/%zu/%s", dir, service, manifests[kind]);

			if (fs_mkdir_p(path, 0755, NULL) || (!folder && !write_file(manifest, manifest_bodies[kind])))
				return false;
			for (size_t i = 0; i < FILES_A_FOLDER && made < FILES; i++, made++) {
				_cleanup_free_ char *file = xasprintf("%s/%zu.%s", path, i, suffixes[kind]);

				if (!write_file(file, bodies[kind]))
					return false;
			}
		}
	}
	return true;
}

static int compare(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

static int measure(const char *dir)
{
	const size_t middle = ROUNDS / 2;
	int64_t times[ROUNDS];

	for (int i = 0; i < ROUNDS; i++) {
		_cleanup_err_ struct err err = { 0 };
		_cleanup_json_ json_t *v = NULL;
		int64_t begin = clock_mono_ns();

		if (analyzer_run(dir, NULL, NULL, &v, &err)) {
			fprintf(stderr, "%s\n", err_message(&err));
			return 1;
		}
		times[i] = clock_mono_ns() - begin;
		if (!i)
			printf("files scanned: %lld, services: %zu, framework: %s\n", (long long)json_get_int(v, "filesScanned", 0),
			       json_array_size(json_object_get(v, "services")), json_get_str(v, "framework"));
	}
	printf("first: %.0f ms\n", (double)times[0] / NS_PER_MS);
	qsort(times, ROUNDS, sizeof(*times), compare);
	printf("median of %d: %.0f ms (goal: 2000 ms)\n", ROUNDS, (double)times[middle] / NS_PER_MS);
	return 0;
}

int main(void)
{
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *dir = xasprintf("%s/analyzer-bench-XXXXXX", tmp ? tmp : "/tmp");
	int r = 1;

	if (!mkdtemp(dir)) {
		perror(dir);
		return 1;
	}
	if (make_tree(dir))
		r = measure(dir);
	fs_remove_tree(dir, NULL);
	return r;
}
