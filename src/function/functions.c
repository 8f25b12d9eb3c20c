#include "functions.h"

#include "base/str.h"
#include "lang/kcl_modules/watch.h"

#include <unistd.h>

#define DEFAULT_CACHE ((size_t)64 * 1024 * 1024)
#define LAYOUTS_CACHE ((size_t)64 * 1024 * 1024)

/* What of the process' environment programs may see, as option("env") gives it to them. */
static json_t *read_environment(const char *const *names)
{
	bool all = names && str_in("*", names);
	json_t *out = json_object();

	for (char *const *entry = environ; names && *entry; entry++) {
		const char *equals = strchr(*entry, '=');

		if (!equals || equals == *entry)
			continue;
		_cleanup_free_ char *name = xstrndup(*entry, (size_t)(equals - *entry));
		if (all || str_in(name, names))
			json_put(out, name, json_string_lossy(equals + 1, strlen(equals + 1)));
	}
	return out;
}

/* $PATH, where programs may see it. */
static const char *visible_path(const char *const *names)
{
	const char *path = getenv("PATH");

	return path && names && (str_in("PATH", names) || str_in("*", names)) ? path : "";
}

struct functions *functions_new(const struct functions_config *config)
{
	struct functions *f = new0(struct functions);

	f->config = *config;
	f->config.default_source = f->config.dependencies = NULL;
	f->config.roots = f->config.oci_layouts = f->config.environment = f->config.file_roots = NULL;
	for (const char *const *name = config->environment; name && *name; name++)
		strv_push(&f->variables, *name);
	for (const char *const *root = config->file_roots; root && *root; root++)
		strv_push(&f->file_roots, *root);
	f->config.log = logger_ref(config->log);
	if (f->config.workers == 0)
		f->config.workers = 1;
	f->default_source = xstrdup_or_null(str_empty(config->default_source) ? NULL : config->default_source);
	f->dependencies = xstrdup_or_null(config->dependencies);
	for (const char *const *root = config->roots; root && *root; root++)
		strv_push(&f->roots, *root);
	f->layouts = kcl_layouts_new(config->oci_layouts, LAYOUTS_CACHE);
	if (config->roots || config->oci_layouts)
		f->watch = kcl_watch_new(config->roots, config->oci_layouts);
	f->cache = kcl_cache_new(config->cache_max > 0 ? config->cache_max : DEFAULT_CACHE);
	f->contexts = xcalloc(f->config.workers, sizeof(struct kcl_context *));
	f->environment_path = xstrdup(visible_path(config->environment));
	f->environments = xcalloc(f->config.workers, sizeof(json_t *));
	for (unsigned i = 0; i < f->config.workers; i++)
		f->environments[i] = read_environment(config->environment);
	return f;
}

struct functions *functions_free(struct functions *f)
{
	if (!f)
		return NULL;
	for (unsigned i = 0; i < f->config.workers; i++) {
		kcl_context_free(f->contexts[i]);
		json_decref(f->environments[i]);
	}
	free(f->contexts);
	free(f->environments);
	kcl_cache_free(f->cache);
	kcl_layouts_free(f->layouts);
	kcl_watch_free(f->watch);
	free(f->default_source);
	free(f->dependencies);
	strv_free(f->roots);
	strv_free(f->variables);
	strv_free(f->file_roots);
	free(f->environment_path);
	logger_unref(f->config.log);
	free(f);
	return NULL;
}

const char *functions_default_source(const struct functions *f)
{
	return f->default_source;
}
