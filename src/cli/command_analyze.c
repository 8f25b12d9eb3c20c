/* scia analyze: what is this repository? Needs no control plane. */

#include "commands.h"

#include "analyzer/analyzer.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "git/git.h"

/* A temporary folder that is removed with the scope. */
struct temporary {
	char *path;
};

static void temporary_remove(struct temporary *t)
{
	_cleanup_err_ struct err ignored = { 0 };
	if (t->path)
		fs_remove_tree(t->path, &ignored);
	free(t->path);
}

static int make_temporary(struct temporary *t, struct err *err)
{
	const char *base = getenv("TMPDIR");
	char *path = xasprintf("%s/scia-analyze-XXXXXX", str_empty(base) ? "/tmp" : base);
	if (!mkdtemp(path)) {
		free(path);
		return err_set(err, ERR_INTERNAL, "cannot make a temporary folder in %s", str_empty(base) ? "/tmp" : base);
	}
	t->path = path;
	return 0;
}

static int analyze_url(const char *url, const char *ref, const char *subpath, json_t **ret, struct err *err)
{
	_cleanup_(temporary_remove) struct temporary t = { 0 };
	struct git_source source = { .url = url, .ref = ref, .allow_local = true };
	char commit[41];
	if (make_temporary(&t, err) < 0)
		return -1;
	_cleanup_free_ char *cache = fs_join(t.path, "cache"), *tree = fs_join(t.path, "tree");
	if (fs_mkdir_p(cache, 0700, err) < 0 || git_resolve(&source, NULL, commit, err) < 0 ||
	    git_checkout(&source, NULL, cache, commit, tree, err) < 0)
		return -1;
	int r = analyzer_run(tree, subpath, NULL, ret, err);
	if (r == 0)
		json_put_str(*ret, "commit", commit);
	return r;
}

static void print_line(const char *name, const char *value)
{
	if (str_empty(value))
		return;
	_cleanup_free_ char *text = harmless(value);
	printf("%-18s %s\n", name, text);
}

static void print_services(const json_t *analysis)
{
	static const char *const headers[] = { "SERVICE", "PATH", "FRAMEWORK", "LANGUAGE", NULL };
	const json_t *services = json_object_get(analysis, "services");
	size_t i;
	json_t *service;
	if (json_array_size(services) == 0)
		return;
	printf("\n");
	struct text_table *t = text_table_new(headers);
	json_array_foreach (services, i, service)
		text_table_row(t,
		               (const char *const[]){ json_get_str(service, "name"), json_get_str(service, "path"),
		                                      json_get_str(service, "framework"), json_get_str(service, "language") });
	text_table_print(t, stdout);
}

static void print_evidence(const json_t *analysis)
{
	static const char *const headers[] = { "EVIDENCE", "WHAT IT SAYS", NULL };
	size_t i;
	json_t *entry;
	printf("\n");
	struct text_table *t = text_table_new(headers);
	json_array_foreach (json_object_get(analysis, "evidence"), i, entry) {
		_cleanup_free_ char *where = xasprintf("%s:%lld", json_get_str(entry, "file"),
		                                       (long long)json_get_int(entry, "line", 0));
		text_table_row(t, (const char *const[]){ where, json_get_str(entry, "why") });
	}
	text_table_print(t, stdout);
}

static void print_names(const char *title, const json_t *list, const char *key)
{
	_cleanup_strv_ char **names = NULL;
	size_t i;
	json_t *item;
	json_array_foreach (list, i, item) {
		if (json_get_str(item, key) && i < 30)
			strv_push(&names, json_get_str(item, key));
	}
	_cleanup_free_ char *joined = strv_join(names, ", ");
	print_line(title, names ? joined : NULL);
}

static void print_analysis(const json_t *a)
{
	static const char *const fields[][2] = { { "Framework:", "framework" },    { "Language:", "language" },
		                                     { "Runtime:", "runtimeVersion" }, { "Package manager:", "packageManager" },
		                                     { "Install:", "installCommand" }, { "Build:", "buildCommand" },
		                                     { "Start:", "startCommand" },     { "Static files:", "staticDir" },
		                                     { "Health:", "healthPath" },      { "Commit:", "commit" } };
	_cleanup_free_ char *port = xasprintf("%lld", (long long)json_get_int(a, "port", 0));
	_cleanup_free_ char *confidence = xasprintf("%.2f", json_number(json_object_get(a, "confidence"), 0));
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		print_line(fields[i][0], json_get_str(a, fields[i][1]));
	print_line("Port:", json_object_get(a, "port") ? port : NULL);
	print_names("Datastores:", json_object_get(a, "datastores"), "type");
	print_names("Environment:", json_object_get(a, "env"), "name");
	print_line("Confidence:", confidence);
	print_services(a);
	print_evidence(a);
}

int command_analyze(int argc, char **argv)
{
	const char *ref = NULL, *path = NULL, *output = NULL;
	char **args;
	_cleanup_err_ struct err err = { 0 };
	_cleanup_json_ json_t *analysis = NULL;
	const struct cli_option options[] = {
		{ "ref", 0, CLI_STRING, &ref, "REF", "branch, tag or commit of a URL" },
		{ "path", 0, CLI_STRING, &path, "DIR", "folder below the root" },
		{ "output", 'o', CLI_STRING, &output, "FORMAT", "json, yaml or jsonpath=TEMPLATE (default: for people)" },
		{ 0 },
	};
	int r = cli_parse(&COMMAND_ANALYZE, options, argc, argv, &args);
	if (r != 0)
		return r == 1 ? CLI_OK : r;
	if (!args[0] || args[1])
		return cli_usage(&COMMAND_ANALYZE, "one folder or URL is wanted");
	r = fs_is_dir(args[0]) ? analyzer_run(args[0], path, NULL, &analysis, &err)
	                       : analyze_url(args[0], ref, path, &analysis, &err);
	if (r == 0 && output)
		r = print_object(analysis, output, stdout, &err);
	else if (r == 0)
		print_analysis(analysis);
	return r < 0 ? cli_fail(&err) : CLI_OK;
}
