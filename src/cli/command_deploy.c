/* scia deploy: create or change Deployments, and watch them until they run. */

#include "commands.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "codec/yaml.h"

#define POLL_NS (200 * NS_PER_MS)
#define FILE_MAX ((size_t)4 * 1024 * 1024)
#define TAIL_LINES 15

struct deploy_options {
	const char *file, *name, *ref, *path, *strategy, *provider, *secret;
	bool wait, no_wait;
	int64_t timeout_ns;
};

/* A name for a repository: the last part of its URL, as Kubernetes allows names (free()). */
static char *name_of_repository(const char *url)
{
	_cleanup_free_ char *copy = xstrdup(url);
	size_t len = strlen(copy);
	while (len && (copy[len - 1] == '/' || copy[len - 1] == '\\'))
		copy[--len] = '\0';
	if (str_ends_with(copy, ".git"))
		copy[len - 4] = '\0';
	const char *last = copy;
	for (const char *c = copy; *c; c++) {
		if (*c == '/' || *c == ':')
			last = c + 1;
	}
	char *name = xstrndup(last, 50);
	str_lower(name);
	for (char *c = name; *c; c++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789-", *c))
			*c = '-';
	}
	while (*name == '-')
		memmove(name, name + 1, strlen(name));
	for (len = strlen(name); len && name[len - 1] == '-'; len--)
		name[len - 1] = '\0';
	return name;
}

static json_t *build_deployment(const struct session *s, const struct deploy_options *o, const char *url,
                                const char *prompt)
{
	_cleanup_free_ char *name = o->name ? xstrdup(o->name) : name_of_repository(url);
	json_t *deployment = kube_object_new(&SCIA_DEPLOYMENT, s->ns, name);
	json_t *repository = json_pack("{s:s}", "url", url), *spec = json_pack("{s:o}", "repository", repository);
	json_put_str(repository, "ref", o->ref);
	json_put_str(repository, "path", o->path);
	if (o->secret)
		json_put(repository, "secretRef", json_pack("{s:s}", "name", o->secret));
	json_put_str(spec, "prompt", prompt);
	json_put_str(spec, "strategy", o->strategy);
	json_put_str(spec, "cloudProvider", o->provider);
	json_put(deployment, "spec", spec);
	return deployment;
}

static int apply(struct session *s, const json_t *object, const struct kube_type *type)
{
	struct kube_patch_options options = { .field_manager = "scia-cli", .force = true };
	_cleanup_json_ json_t *copy = json_copy((json_t *)object);
	json_t *meta = json_ensure_object(copy, "metadata");
	if (type->namespaced && !json_get_str(meta, "namespace"))
		json_put_str(meta, "namespace", s->ns);
	return kube_patch(s->client, type, type->namespaced ? json_get_str(meta, "namespace") : "", kube_name(copy),
	                  KUBE_PATCH_APPLY, copy, &options, NULL, &s->err);
}

/* kind.group of an object, for discovery (free()). */
static char *type_name(const json_t *object)
{
	const char *kind = json_get_str(object, "kind"), *version = json_get_str(object, "apiVersion");
	const char *slash = version ? strchr(version, '/') : NULL;
	if (!kind || !version)
		return NULL;
	return slash ? xasprintf("%s.%.*s", kind, (int)(slash - version), version) : xstrdup(kind);
}

/* Applies one document of a file; a Deployment's name is appended to names. */
static int apply_document(struct session *s, const json_t *object, char ***names)
{
	const struct kube_type *type;
	_cleanup_free_ char *name = type_name(object);
	if (!name || str_empty(kube_name(object)))
		return err_set(&s->err, ERR_BAD_REQUEST, "a document lacks apiVersion, kind or metadata.name");
	if (kube_discover(s->client, name, &type, &s->err) < 0 || apply(s, object, type) < 0)
		return err_wrap(&s->err, "%s %s", json_get_str(object, "kind"), kube_name(object));
	printf("%s %s applied\n", json_get_str(object, "kind"), kube_name(object));
	if (str_eq(type->group, "scia.io") && str_eq(type->kind, "Deployment")) {
		strv_push(names, kube_name(object));
		const char *ns = json_get_str(kube_meta(object), "namespace");
		if (ns && !str_eq(ns, s->ns)) {
			free(s->ns);
			s->ns = xstrdup(ns);
		}
	}
	return 0;
}

static int read_input(const char *path, char **ret, size_t *ret_len, struct err *err)
{
	if (!str_eq(path, "-"))
		return fs_read_file(path, FILE_MAX, ret, ret_len, err);
	_cleanup_buf_ struct buf text = BUF_INIT(FILE_MAX);
	char chunk[4096];
	for (size_t n; (n = fread(chunk, 1, sizeof(chunk), stdin)) > 0;) {
		if (buf_append(&text, chunk, n) < 0)
			return err_set(err, ERR_TOO_LARGE, "standard input is larger than 4 MiB");
	}
	*ret_len = text.len;
	*ret = buf_steal(&text);
	return 0;
}

static int apply_file(struct session *s, const char *path, char ***names)
{
	_cleanup_free_ char *text = NULL;
	size_t len, i;
	json_t *document;
	if (read_input(path, &text, &len, &s->err) < 0)
		return -1;
	_cleanup_json_ json_t *documents = yaml_parse_all(text, len, path, &s->err);
	if (!documents)
		return -1;
	json_array_foreach (documents, i, document) {
		if (apply_document(s, document, names) < 0)
			return err_wrap(&s->err, "%s, document %zu", path, i + 1);
	}
	return 0;
}

/* ---- waiting ---- */

struct progress {
	char *phase, *message;
	bool has_bar; /* a line that is overwritten is on the terminal */
};

/* On a terminal the current line is replaced; elsewhere each change is a line. */
static void show_progress(struct progress *p, const json_t *deployment, int64_t started_ns)
{
	const char *phase = json_get_str(kube_status(deployment), "phase");
	const char *message = json_get_str(kube_condition(deployment, "Ready"), "message");
	bool changed = !str_eq(phase, p->phase) || !str_eq(message, p->message);
	_cleanup_free_ char *text = harmless(message ? message : "");
	double seconds = (double)(clock_mono_ns() - started_ns) / (double)NS_PER_S;

	if (isatty(STDERR_FILENO)) {
		fprintf(stderr, "\r\033[K%5.1fs  %-12s %.90s", seconds, phase ? phase : "Pending", text);
		p->has_bar = true;
	} else if (changed) {
		fprintf(stderr, "%5.1fs  %-12s %s\n", seconds, phase ? phase : "Pending", text);
	}
	if (!changed)
		return;
	free(p->phase);
	free(p->message);
	p->phase = xstrdup_or_null(phase);
	p->message = xstrdup_or_null(message);
}

static void print_tail(struct session *s, const char *name, bool build)
{
	_cleanup_free_ char *text = NULL,
						*path = xasprintf(
							"/apis/local.scia.io/v1alpha1/namespaces/%s/processes/%s-app/log?tailLines=%d%s", s->ns,
							bare_name(name), TAIL_LINES, build ? "&build=true" : "");
	struct kube_raw call = { .method = "GET", .path = path, .accept = "text/plain, */*" };
	_cleanup_err_ struct err ignored = { 0 };
	if (kube_raw_call(s->client, &call, &text, NULL, &ignored) < 0 || str_empty(text))
		return;
	_cleanup_free_ char *clean = harmless(text);
	fprintf(stderr, "\nThe last lines of its %slog:\n%s", build ? "build " : "", clean);
}

/* 0: goes on; else how it ended. */
static int judge(struct session *s, const char *name, const json_t *d)
{
	const json_t *status = kube_status(d), *cause = json_object_get(status, "rootCause");
	const char *phase = json_get_str(status, "phase"), *reason = json_get_str(cause, "reason");
	bool is_current = json_get_int(status, "observedGeneration", -1) == kube_generation(d);
	if (!is_current)
		return 0;
	if (kube_condition_is(d, "Ready", "True")) {
		const char *url = json_get_str(json_array_get(json_object_get(status, "endpoints"), 0), "url");
		printf("%s runs%s%s\n", bare_name(name), url ? " at " : "", url ? url : "");
		return 1;
	}
	if (str_eq(phase, "AwaitingApproval")) {
		printf("%s waits for approval of its plan: `scia approve %s`\n", bare_name(name), bare_name(name));
		return 1;
	}
	if (!str_eq(phase, "Failed") && !str_eq(phase, "Degraded"))
		return 0;
	_cleanup_free_ char *message = harmless(json_get_str(cause, "message") ? json_get_str(cause, "message")
	                                                                       : "it does not say why");
	fprintf(stderr, "%s is %s: %s\n", bare_name(name), str_eq(phase, "Failed") ? "not running" : "degraded", message);
	if (reason && !str_eq(reason, "CloneFailed"))
		print_tail(s, name, str_eq(reason, "BuildFailed") || str_eq(reason, "InstallFailed"));
	return CLI_UNHEALTHY;
}

static int wait_for(struct session *s, const char *name, int64_t timeout_ns)
{
	struct progress progress = { 0 };
	int64_t started = clock_mono_ns();
	int r = 0;
	while (r == 0) {
		_cleanup_json_ json_t *deployment = session_get_deployment(s, name);
		if (!deployment)
			break;
		show_progress(&progress, deployment, started);
		if (kube_condition_is(deployment, "Ready", "True") || str_eq(progress.phase, "Failed") ||
		    str_eq(progress.phase, "Degraded") || str_eq(progress.phase, "AwaitingApproval")) {
			if (progress.has_bar)
				fprintf(stderr, "\n");
			progress.has_bar = false;
			r = judge(s, name, deployment);
		}
		if (r == 0 && clock_mono_ns() - started > timeout_ns) {
			err_set(&s->err, ERR_TIMEOUT,
			        "%s does not run yet after %lld s (phase %s); it is still worked on: `scia describe %s`", name,
			        (long long)(timeout_ns / NS_PER_S), progress.phase, name);
			break;
		}
		if (r == 0)
			clock_sleep_ns(POLL_NS);
	}
	if (progress.has_bar)
		fprintf(stderr, "\n");
	free(progress.phase);
	free(progress.message);
	return r == 1 ? CLI_OK : r;
}

static int deploy(struct session *s, const struct deploy_options *o, char **args)
{
	_cleanup_strv_ char **names = NULL;
	int r = 0;
	if (o->file) {
		if (apply_file(s, o->file, &names) < 0)
			return CLI_FAILED;
	} else {
		_cleanup_json_ json_t *deployment = build_deployment(s, o, args[0], args[1]);
		if (apply(s, deployment, &SCIA_DEPLOYMENT) < 0)
			return CLI_FAILED;
		printf("Deployment %s applied\n", kube_name(deployment));
		strv_push(&names, kube_name(deployment));
	}
	fflush(stdout);
	for (size_t i = 0; o->wait && r == 0 && i < strv_len(names); i++)
		r = wait_for(s, names[i], o->timeout_ns);
	if (!o->wait && names)
		printf("`scia describe %s` says how it goes.\n", names[0]);
	return r;
}

int command_deploy(int argc, char **argv)
{
	struct session s = { 0 };
	struct deploy_options o = { .timeout_ns = 15 * 60 * NS_PER_S };
	char **args;
	const struct cli_option options[] = {
		{ "file", 'f', CLI_STRING, &o.file, "FILE", "apply the objects of a YAML file (- for standard input)" },
		{ "name", 0, CLI_STRING, &o.name, "NAME", "name of the Deployment (default: from the repository)" },
		{ "ref", 0, CLI_STRING, &o.ref, "REF", "branch, tag or commit" },
		{ "path", 0, CLI_STRING, &o.path, "DIR", "folder of the application in the repository" },
		{ "strategy", 0, CLI_STRING, &o.strategy, "S", "auto, vm, kubernetes or serverless" },
		{ "provider", 0, CLI_STRING, &o.provider, "NAME", "the CloudProvider" },
		{ "secret", 0, CLI_STRING, &o.secret, "NAME", "Secret with the repository's credentials" },
		{ "wait", 'w', CLI_FLAG, &o.wait, NULL, "wait until it runs; exit code 5 when it fails" },
		{ "timeout", 0, CLI_DURATION, &o.timeout_ns, "DURATION", "how long --wait waits (15m)" },
		CLIENT_OPTIONS(s.client_options),
		{ 0 },
	};
	int r = session_begin(&s, &COMMAND_DEPLOY, options, argc, argv, &args);
	if (r == 0 && !o.file && !args[0])
		r = cli_usage(&COMMAND_DEPLOY, "a repository's URL, or -f FILE, is missing");
	else if (r == 0 && ((o.file && args[0]) || (args[0] && args[1] && args[2])))
		r = cli_usage(&COMMAND_DEPLOY, "too many arguments (is the prompt in quotes?)");
	else if (r == 0)
		r = deploy(&s, &o, args);
	return session_end(&s, r);
}
