/* scia get, events, history: lists. */

#include "session.h"

#include "base/str.h"
#include "commands.h"

static void add_row(struct text_table *t, const json_t *d, bool wide, bool with_namespace)
{
	char age[32];
	_cleanup_free_ char *revision = xasprintf("%lld", (long long)json_get_int(kube_status(d), "currentRevision", 0));
	const char *cells[12] = { 0 };
	size_t n = 0;
	if (with_namespace)
		cells[n++] = kube_namespace(d);
	cells[n++] = kube_name(d);
	cells[n++] = json_get_str(kube_status(d), "phase");
	cells[n++] = json_str_at(d, "status", "deployment", "strategy", NULL);
	cells[n++] = json_str_at(d, "status", "analysis", "framework", NULL);
	cells[n++] = json_get_str(json_array_get(json_at(d, "status", "endpoints", NULL), 0), "url");
	cells[n++] = revision;
	cells[n++] = age_of(json_get_str(kube_meta(d), "creationTimestamp"), age, sizeof(age));
	if (wide) {
		cells[n++] = json_get_str(kube_status(d), "commit");
		cells[n++] = json_str_at(d, "status", "rootCause", "message", NULL);
	}
	/* The table reads as many cells as it has columns. */
	for (; n < ARRAY_SIZE(cells); n++)
		cells[n] = "";
	text_table_row(t, cells);
}

static struct text_table *deployments_table(bool wide, bool with_namespace)
{
	static const char *const all[] = { "NAMESPACE", "NAME", "PHASE",  "STRATEGY", "FRAMEWORK", "URL",
		                               "REVISION",  "AGE",  "COMMIT", "WHY",      NULL };
	const char *headers[ARRAY_SIZE(all)];
	size_t n = 0;
	for (size_t i = with_namespace ? 0 : 1; all[i] && (wide || i < 8); i++)
		headers[n++] = all[i];
	headers[n] = NULL;
	return text_table_new(headers);
}

static int print_deployments(struct session *s, json_t *items, bool single)
{
	const char *format = s->client_options.output;
	bool wide = str_eq(format, "wide"), all = s->client_options.all_namespaces;
	if (format && !wide && !str_eq(format, "table")) {
		_cleanup_json_ json_t *list = single ? json_incref(json_array_get(items, 0))
		                                     : json_pack("{s:s, s:s, s:O}", "apiVersion", "v1", "kind", "List", "items",
		                                                 items);
		return print_object(list, format, stdout, &s->err);
	}
	if (json_array_size(items) == 0) {
		fprintf(stderr, "No deployments in %s%s.\n", all ? "any namespace" : "namespace ", all ? "" : s->ns);
		return 0;
	}
	struct text_table *t = deployments_table(wide, all);
	size_t i;
	json_t *item;
	json_array_foreach (items, i, item)
		add_row(t, item, wide, all);
	text_table_print(t, stdout);
	return 0;
}

/* -w: a line whenever one changes, until Ctrl-C. */
static bool print_change(void *self, const char *type, json_t *object)
{
	struct session *s = self;
	if (str_eq(type, "BOOKMARK"))
		return true;
	_cleanup_json_ json_t *items = json_pack("[O]", object);
	print_deployments(s, items, true);
	fflush(stdout);
	return true;
}

static int watch_deployments(struct session *s, const char *name, const char *version)
{
	_cleanup_free_ char *fields = name ? xasprintf("metadata.name=%s", name) : NULL;
	struct kube_list_options options = { .fields = fields, .resource_version = version };
	fflush(stdout);
	return kube_watch(s->client, &SCIA_DEPLOYMENT, s->client_options.all_namespaces ? NULL : s->ns, &options, NULL,
	                  print_change, s, &s->err);
}

int command_get(int argc, char **argv)
{
	struct session s = { 0 };
	bool watch = false;
	const char *labels = NULL;
	char **args;
	const struct cli_option options[] = {
		OUTPUT_OPTION(s.client_options),
		ALL_NAMESPACES_OPTION(s.client_options),
		{ "watch", 'w', CLI_FLAG, &watch, NULL, "go on printing changes" },
		{ "selector", 'l', CLI_STRING, &labels, "SELECTOR", "only those with these labels" },
		CLIENT_OPTIONS(s.client_options),
		{ 0 },
	};
	int r = session_begin(&s, &COMMAND_GET, options, argc, argv, &args);
	if (r != 0)
		return session_end(&s, r);
	_cleanup_json_ json_t *items = NULL;
	_cleanup_free_ char *version = NULL;
	const char *name = args[0] ? bare_name(args[0]) : NULL;
	if (name) {
		json_t *one = session_get_deployment(&s, name);
		version = one ? xstrdup(kube_resource_version(one)) : NULL;
		items = one ? json_pack("[o]", one) : NULL;
	} else {
		struct kube_list_options list = { .labels = labels, .limit = 500 };
		kube_list(s.client, &SCIA_DEPLOYMENT, s.client_options.all_namespaces ? NULL : s.ns, &list, &items, &version,
		          &s.err);
	}
	if (items && print_deployments(&s, items, name != NULL) == 0 && watch)
		watch_deployments(&s, name, version);
	return session_end(&s, CLI_OK);
}

/* ---- events ---- */

static int compare_events(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	const char *s = json_get_str(x, "lastTimestamp"), *t = json_get_str(y, "lastTimestamp");
	if (!s)
		s = json_get_str(x, "eventTime");
	if (!t)
		t = json_get_str(y, "eventTime");
	return strcmp(s ? s : "", t ? t : "");
}

int print_events(struct session *s, const char *deployment, bool all_namespaces)
{
	static const char *const headers[] = { "LAST SEEN", "COUNT", "TYPE", "REASON", "MESSAGE", NULL };
	_cleanup_free_ char *fields = deployment ? xasprintf("involvedObject.kind=Deployment,involvedObject.name=%s",
	                                                     bare_name(deployment))
	                                         : NULL;
	struct kube_list_options options = { .fields = fields };
	_cleanup_json_ json_t *items = NULL;
	if (kube_list(s->client, &KUBE_EVENT, all_namespaces ? NULL : s->ns, &options, &items, NULL, &s->err) < 0)
		return -1;
	size_t len = json_array_size(items);
	if (len == 0) {
		fprintf(stderr, "No events.\n");
		return 0;
	}
	_cleanup_free_ json_t **sorted = xcalloc(len, sizeof(*sorted));
	for (size_t i = 0; i < len; i++)
		sorted[i] = json_array_get(items, i);
	qsort(sorted, len, sizeof(*sorted), compare_events);
	struct text_table *t = text_table_new(headers);
	for (size_t i = 0; i < len; i++) {
		const char *when = json_get_str(sorted[i], "lastTimestamp");
		char age[32];
		_cleanup_free_ char *count = xasprintf("%lld", (long long)json_get_int(sorted[i], "count", 1));
		text_table_row(
			t, (const char *const[]){ age_of(when ? when : json_get_str(sorted[i], "eventTime"), age, sizeof(age)),
		                              count, json_get_str(sorted[i], "type"), json_get_str(sorted[i], "reason"),
		                              json_get_str(sorted[i], "message") });
	}
	text_table_print(t, stdout);
	return 0;
}

int command_events(int argc, char **argv)
{
	struct session s = { 0 };
	char **args;
	const struct cli_option options[] = { ALL_NAMESPACES_OPTION(s.client_options),
		                                  CLIENT_OPTIONS(s.client_options),
		                                  { 0 } };
	int r = session_begin(&s, &COMMAND_EVENTS, options, argc, argv, &args);
	if (r == 0)
		print_events(&s, args[0], s.client_options.all_namespaces);
	return session_end(&s, r);
}

/* ---- history ---- */

static void print_history(const json_t *deployment)
{
	static const char *const headers[] = { "REVISION", "OUTCOME", "STRATEGY", "COMMIT", "AGE", "REASON", NULL };
	struct text_table *t = text_table_new(headers);
	int64_t current = json_get_int(kube_status(deployment), "currentRevision", 0);
	size_t i;
	json_t *entry;
	json_array_foreach (json_at(deployment, "status", "history", NULL), i, entry) {
		char age[32];
		int64_t number = json_get_int(entry, "revision", 0);
		_cleanup_free_ char *revision = xasprintf("%lld%s", (long long)number, number == current ? " *" : "");
		_cleanup_free_ char *commit = xasprintf("%.12s",
		                                        json_get_str(entry, "commit") ? json_get_str(entry, "commit") : "");
		const char *reason = json_get_str(entry, "reason");
		text_table_row(t, (const char *const[]){
							  revision, json_get_str(entry, "outcome"), json_get_str(entry, "strategy"), commit,
							  age_of(json_get_str(entry, "timestamp"), age, sizeof(age)), reason ? reason : "" });
	}
	text_table_print(t, stdout);
}

int command_history(int argc, char **argv)
{
	struct session s = { 0 };
	char **args;
	const struct cli_option options[] = { OUTPUT_OPTION(s.client_options), CLIENT_OPTIONS(s.client_options), { 0 } };
	int r = session_begin(&s, &COMMAND_HISTORY, options, argc, argv, &args);
	if (r == 0 && !args[0])
		r = cli_usage(&COMMAND_HISTORY, "the name of a Deployment is missing");
	_cleanup_json_ json_t *deployment = r == 0 ? session_get_deployment(&s, args[0]) : NULL;
	if (deployment && s.client_options.output)
		print_object(json_at(deployment, "status", "history", NULL), s.client_options.output, stdout, &s.err);
	else if (deployment)
		print_history(deployment);
	return session_end(&s, r);
}
