#include "functions.h"

#include "base/str.h"

#include <unistd.h>

#define DEFAULT_CACHE ((size_t)64 * 1024 * 1024)
#define LAYOUTS_CACHE ((size_t)64 * 1024 * 1024)

/* The process' environment, as option("env") gives it to programs. */
static json_t *read_environment(void)
{
	json_t *out = json_object();

	for (char *const *entry = environ; *entry; entry++) {
		const char *equals = strchr(*entry, '=');

		if (!equals || equals == *entry)
			continue;
		_cleanup_free_ char *name = xstrndup(*entry, (size_t)(equals - *entry));
		json_put(out, name, json_string_lossy(equals + 1, strlen(equals + 1)));
	}
	return out;
}

struct functions *functions_new(const struct functions_config *config)
{
	struct functions *f = new0(struct functions);
	const char *path = getenv("PATH");

	f->config = *config;
	f->config.default_source = f->config.dependencies = NULL;
	f->config.roots = f->config.oci_layouts = NULL;
	f->config.log = logger_ref(config->log);
	if (f->config.workers == 0)
		f->config.workers = 1;
	f->default_source = xstrdup_or_null(str_empty(config->default_source) ? NULL : config->default_source);
	f->dependencies = xstrdup_or_null(config->dependencies);
	for (const char *const *root = config->roots; root && *root; root++)
		strv_push(&f->roots, *root);
	f->layouts = kcl_layouts_new(config->oci_layouts, LAYOUTS_CACHE);
	f->cache = kcl_cache_new(config->cache_max > 0 ? config->cache_max : DEFAULT_CACHE);
	f->contexts = xcalloc(f->config.workers, sizeof(struct kcl_context *));
	f->environment_path = xstrdup(path ? path : "");
	f->environments = xcalloc(f->config.workers, sizeof(json_t *));
	for (unsigned i = 0; i < f->config.workers; i++)
		f->environments[i] = read_environment();
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
	free(f->default_source);
	free(f->dependencies);
	strv_free(f->roots);
	free(f->environment_path);
	logger_unref(f->config.log);
	free(f);
	return NULL;
}

const char *functions_default_source(const struct functions *f)
{
	return f->default_source;
}
