#include "analyzer/analyzer.h"

#include "analysis.h"
#include "compose.h"
#include "report.h"
#include "services.h"
#include "base/clock.h"
#include "base/map.h"

#define FILES_DEFAULT 500000
#define READ_DEFAULT ((size_t)64 * 1024 * 1024)
#define TIMEOUT_DEFAULT (30 * NS_PER_S)

static const struct detector *const detectors[] = {
	&node_detector,
	&deno_detector,
	&python_detector,
	&golang_detector,
	&rust_detector,
	&jvm_detector,
	&ruby_detector,
	&php_detector,
	&dotnet_detector,
	&elixir_detector,
	&native_detector,
	&static_site_detector,
	&docker_detector,
	&compose_detector,
	&procfile_detector,
	&shell_detector,
	NULL,
};

/* Without a manifest, only the outermost folder with a program's file is looked at: the rest is below it. */
static bool wants(struct tree_dir *dir, unsigned bit)
{
	if (dir->marks & bit)
		return true;
	if (!(dir->weak & bit))
		return false;
	if (bit == ECO_BIT(ECO_STATIC))
		return true;
	for (const struct tree_dir *up = dir->parent; up; up = up->parent)
		if ((up->marks | up->weak) & bit)
			return false;
	return true;
}

static void detect(struct analysis *a)
{
	for (size_t i = 0; i < a->tree.dirs_len && a->candidates_len < CANDIDATES_MAX && !tree_exhausted(&a->tree); i++)
		for (size_t k = 0; detectors[k]; k++)
			if (wants(a->tree.dirs[i], ECO_BIT(detectors[k]->eco)))
				detectors[k]->detect(a, a->tree.dirs[i]);
}

static void run(struct analysis *a, json_t **ret)
{
	struct services services;

	a->regex = regex_cache_new();
	a->manifests = map_new(NULL);
	ecosystem_mark(a);
	a->compose = compose_read(a);
	detect(a);
	services = services_pick(a);
	services_complete(a, &services);
	*ret = report_write(a, &services);
	map_free(a->manifests);
	regex_cache_free(a->regex);
	free(a->candidates);
}

int analyzer_run(const char *dir, const char *subpath, const struct analyzer_limits *limits, json_t **ret,
                 struct err *err)
{
	const struct analyzer_limits none = { 0 }, *l = limits ? limits : &none;
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	struct analysis a = { .arena = arena };
	int64_t timeout = l->timeout_ns > 0 ? l->timeout_ns : TIMEOUT_DEFAULT;
	int r;

	r = tree_scan(&a.tree, arena, dir, subpath, l->files_max ? l->files_max : FILES_DEFAULT,
	              l->read_max ? l->read_max : READ_DEFAULT, clock_mono_ns() + timeout, err);
	if (!r)
		run(&a, ret);
	tree_done(&a.tree);
	return r;
}
