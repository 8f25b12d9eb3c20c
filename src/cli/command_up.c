/* scia up: the embedded control plane, everything in one process. */

#include "apiserver/apiserver.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "base/thread.h"
#include "commands.h"
#include "codec/embedded.h"
#include "control_plane.h"
#include "server_options.h"

/* api/crds, made part of the program by the build. */
extern const struct embedded_file SCIA_CRDS[];

struct up_options {
	struct server_options server;
	char *address;
	int port;
	bool stop_applications;
	const char *encryption_config, *token_auth_file;
	int64_t history, history_age_ns;
	struct apiserver_audit audit;
	struct apiserver_limits limits;
};

struct up {
	struct up_options options;
	pthread_mutex_t logs_lock; /* requests for logs come until the API has stopped, which is after the local provider */
	struct local_provider *logs;
	struct logger *log;
	struct metrics *metrics;
	struct apiserver *api;
	struct kube_client *client;
	struct control_plane *control_plane;
};

/* "ADDRESS:PORT", "[V6]:PORT", "ADDRESS" or ":PORT". */
static int parse_listen(const struct cli_command *command, struct up_options *o, const char *value)
{
	const char *colon = strrchr(value, ':');
	int64_t port = 0;
	size_t len = colon ? (size_t)(colon - value) : strlen(value);
	if (colon && !str_to_i64(colon + 1, 0, 65535, &port))
		return cli_usage(command, "--listen wants ADDRESS:PORT, such as 127.0.0.1:6443; got \"%s\"", value);
	if (len >= 2 && value[0] == '[' && value[len - 1] == ']') {
		value++;
		len -= 2;
	}
	free(o->address);
	o->address = len ? xstrndup(value, len) : NULL;
	o->port = (int)port;
	return 0;
}

static int parse_options(int argc, char **argv, struct up_options *o)
{
	const char *listen = NULL;
	char **args;
	const struct cli_option options[] = {
		{ "listen", 0, CLI_STRING, &listen, "ADDRESS:PORT",
		  "default: 127.0.0.1 and the port of last time, or any free one" },
		{ "stop-applications", 0, CLI_FLAG, &o->stop_applications, NULL,
		  "stop applications at the end, instead of leaving them running" },
		{ "token-auth-file", 0, CLI_STRING, &o->token_auth_file, "FILE",
		  "fixed bearer tokens, lines of token,user,uid,\"group1,group2\"" },
		{ "encryption-provider-config", 0, CLI_STRING, &o->encryption_config, "FILE",
		  "what is encrypted on disk, with which keys (default: Secrets, by DIR/pki/encryption.yaml)" },
		{ "history", 0, CLI_NUMBER, &o->history, "CHANGES", "changes kept for watches to resume from (100000)" },
		{ "history-age", 0, CLI_DURATION, &o->history_age_ns, "DURATION", "how long they are kept at most (10m)" },
		{ "audit-policy-file", 0, CLI_STRING, &o->audit.policy_file, "FILE",
		  "what is written into the audit log (audit.k8s.io/v1 Policy); none: there is no audit log" },
		{ "audit-log-path", 0, CLI_STRING, &o->audit.log_path, "FILE", "the audit log (default: -, standard output)" },
		{ "audit-log-maxsize", 0, CLI_NUMBER, &o->audit.size_max_mb, "MB", "size at which a new file is begun (100)" },
		{ "audit-log-maxbackup", 0, CLI_NUMBER, &o->audit.backups_max, "FILES", "finished files that are kept (all)" },
		{ "client-qps", 0, CLI_NUMBER, &o->limits.client_qps, "N",
		  "requests a second of one user of the API (any number)" },
		{ "client-burst", 0, CLI_NUMBER, &o->limits.client_burst, "N",
		  "the same at once, after a pause (twice --client-qps)" },
		{ "max-requests-inflight", 0, CLI_NUMBER, &o->limits.in_flight, "N", "reading requests under way (400)" },
		{ "max-mutating-requests-inflight", 0, CLI_NUMBER, &o->limits.mutating_in_flight, "N",
		  "changing requests under way (200)" },
		{ "max-connections-per-client", 0, CLI_NUMBER, &o->limits.client_connections, "N",
		  "connections of one address (4096)" },
		SERVER_OPTIONS(o->server),
		{ 0 },
	};
	server_options_init(&o->server);
	int r = cli_parse(&COMMAND_UP, options, argc, argv, &args);
	if (r == 0 && args[0])
		r = cli_usage(&COMMAND_UP, "there is nothing to say after the options; got \"%s\"", args[0]);
	if (r == 0)
		r = server_options_finish(&COMMAND_UP, &o->server);
	if (r == 0 && (o->history < 0 || o->history_age_ns < 0))
		r = cli_usage(&COMMAND_UP, "--history and --history-age cannot be negative");
	if (r == 0 && (o->audit.size_max_mb < 0 || o->audit.backups_max < 0))
		r = cli_usage(&COMMAND_UP, "--audit-log-maxsize and --audit-log-maxbackup cannot be negative");
	if (r == 0 && (o->limits.client_qps < 0 || o->limits.client_burst < 0 || o->limits.in_flight < 0 ||
	               o->limits.mutating_in_flight < 0 || o->limits.client_connections < 0))
		r = cli_usage(&COMMAND_UP, "limits of requests cannot be negative");
	if (r == 0 && listen)
		r = parse_listen(&COMMAND_UP, o, listen);
	return r;
}

static int start_api(struct up *up, struct err *err)
{
	const char *crds[32] = { 0 };
	for (size_t i = 0; SCIA_CRDS[i].name && i + 1 < ARRAY_SIZE(crds); i++)
		crds[i] = SCIA_CRDS[i].text;
	struct apiserver_config config = {
		.data_dir = up->options.server.data_dir,
		.address = up->options.address,
		.port = up->options.port,
		.crds = crds,
		.history_max = (size_t)up->options.history,
		.history_age_max_ns = up->options.history_age_ns,
		.encryption_config = up->options.encryption_config,
		.token_auth_file = up->options.token_auth_file,
		.publish_ca = true,
		.audit = up->options.audit,
		.limits = up->options.limits,
		.log = up->log,
		.metrics = up->metrics,
	};
	return apiserver_start(&config, &up->api, err);
}

static int make_client(struct up *up, struct err *err)
{
	_cleanup_free_ char *token = apiserver_component_token(up->api, "operator");
	_cleanup_free_ char *ca = xstrdup(apiserver_ca_pem(up->api));
	_cleanup_free_ char *server = xstrdup(apiserver_url(up->api));
	_cleanup_free_ char *proxy = xstrdup("");
	struct kube_client_config config = { .server = server, .ca_pem = ca, .token = token, .proxy_url = proxy };
	return kube_client_new(&config, &up->client, err);
}

static void serve_log(void *self, const char *ns, const char *name, struct http_request *req)
{
	struct up *up = self;
	MUTEX_GUARD(&up->logs_lock);
	if (up->logs)
		local_provider_serve_log(up->logs, ns, name, req);
	else
		http_respond_text(req, 503, "text/plain", "the server is stopping\n");
}

static void set_logs(struct up *up, struct local_provider *provider)
{
	MUTEX_GUARD(&up->logs_lock);
	up->logs = provider;
}

static int start(struct up *up, struct err *err)
{
	if (start_api(up, err) < 0 || make_client(up, err) < 0)
		return -1;
	struct control_plane_config config = {
		.client = up->client,
		.data_dir = up->options.server.data_dir,
		.rules_path = up->options.server.rules_path,
		.with_local = true,
		.allow_local_repositories = up->options.server.allow_local_repositories,
		.poll_ns = up->options.server.poll_ns,
		.log = up->log,
		.metrics = up->metrics,
	};
	if (control_plane_start(&config, &up->control_plane, err) < 0)
		return -1;
	set_logs(up, control_plane_local(up->control_plane));
	apiserver_mount(up->api, SCIA_PROCESS.group, SCIA_PROCESS.plural, "log", serve_log, up);
	return 0;
}

static void stop(struct up *up)
{
	set_logs(up, NULL);
	control_plane_stop(up->control_plane, !up->options.stop_applications);
	kube_client_unref(up->client);
	apiserver_stop(up->api);
	metrics_free(up->metrics);
	logger_unref(up->log);
	server_options_done(&up->options.server);
	free(up->options.address);
}

/* On a terminal, what one needs next; otherwise the log has it. */
static void greet(const struct up *up, int64_t started_ns)
{
	double ms = (double)(clock_mono_ns() - started_ns) / (double)NS_PER_MS;
	log_info(up->log, "ready after %.0f ms: %s, kubeconfig %s", ms, apiserver_url(up->api),
	         apiserver_kubeconfig_path(up->api));
	if (isatty(STDOUT_FILENO))
		printf("\nThe control plane is up. In another terminal:\n\n  export KUBECONFIG=%s\n  kubectl api-resources "
		       "--api-group=scia.io\n  scia deploy https://…/your/repository \"cheap, two replicas\" --wait\n\n"
		       "Ctrl-C stops it; %s.\n",
		       apiserver_kubeconfig_path(up->api),
		       up->options.stop_applications ? "applications are stopped too" : "applications go on running");
	fflush(stdout);
}

int command_up(int argc, char **argv)
{
	struct up up = { .logs_lock = PTHREAD_MUTEX_INITIALIZER };
	int64_t started_ns = clock_mono_ns();
	int r = parse_options(argc, argv, &up.options);
	if (r != 0) {
		stop(&up);
		return r == 1 ? CLI_OK : r;
	}
	server_block_signals();
	up.log = logger_new(STDERR_FILENO, up.options.server.log_level, up.options.server.log_format);
	up.metrics = metrics_new();
	metrics_add_process(up.metrics);
	_cleanup_err_ struct err err = { 0 };
	if (start(&up, &err) < 0) {
		r = cli_fail(&err);
	} else {
		greet(&up, started_ns);
		int number = server_wait_for_signal();
		log_info(up.log, "stopping (signal %d)", number);
	}
	stop(&up);
	return r;
}
