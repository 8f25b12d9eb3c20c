/* scia operator: the controllers alone, against any Kubernetes API. */

#include "base/fs.h"
#include "base/str.h"
#include "base/thread.h"
#include "commands.h"
#include "control_plane.h"
#include "kube/leader.h"
#include "net/http_server.h"
#include "server_options.h"

enum {
	OPTION_KUBECONFIG = 1,
	OPTION_CONTEXT,
	OPTION_LOCAL,
	OPTION_NAMESPACE,
	OPTION_NO_LEADER_ELECTION,
	OPTION_METRICS
};

struct operator_options {
	struct server_options server;
	const char *kubeconfig, *context, *lease_namespace;
	bool with_local, no_leader_election;
	int64_t metrics_port; /* 0: none */
};

struct operator_process {
	struct operator_options options;
	struct logger *log;
	struct metrics *metrics;
	struct kube_client *client;
	struct kube_leader *leader;
	struct http_server *metrics_server;
	struct control_plane *control_plane;
	pthread_mutex_t lock;
	bool is_ready, is_stopping;
};

static int parse_options(int argc, char **argv, struct operator_options *o)
{
	char **args;
	const struct cli_option options[] = {
		{ "kubeconfig", 0, CLI_STRING, &o->kubeconfig, "FILE",
		  "default: $KUBECONFIG, ~/.kube/config, or the pod's own account" },
		{ "context", 0, CLI_STRING, &o->context, "NAME", "the kubeconfig's context to use" },
		{ "local", 0, CLI_FLAG, &o->with_local, NULL,
		  "also run applications on this machine (CloudProvider type local)" },
		{ "leader-namespace", 0, CLI_STRING, &o->lease_namespace, "NAME", "where the election's Lease is (default)" },
		{ "no-leader-election", 0, CLI_FLAG, &o->no_leader_election, NULL, "there is no other operator" },
		{ "metrics-port", 0, CLI_NUMBER, &o->metrics_port, "PORT",
		  "serve /metrics, /healthz and /readyz on 127.0.0.1" },
		SERVER_OPTIONS(o->server),
		{ 0 },
	};
	server_options_init(&o->server);
	o->lease_namespace = "default";
	int r = cli_parse(&COMMAND_OPERATOR, options, argc, argv, &args);
	if (r == 0 && args[0])
		r = cli_usage(&COMMAND_OPERATOR, "there is nothing to say after the options; got \"%s\"", args[0]);
	if (r == 0 && o->metrics_port > 65535)
		r = cli_usage(&COMMAND_OPERATOR, "--metrics-port wants a port number");
	return r == 0 ? server_options_finish(&COMMAND_OPERATOR, &o->server) : r;
}

static void serve_metrics(void *self, struct http_request *req)
{
	struct operator_process *p = self;
	const char *path = http_request_path(req);
	if (str_eq(path, "/metrics")) {
		_cleanup_buf_ struct buf out = BUF_INIT(16 * 1024 * 1024);
		metrics_write(p->metrics, &out);
		http_respond_text(req, 200, "text/plain; version=0.0.4", buf_str(&out));
	} else if (str_eq(path, "/healthz")) {
		http_respond_text(req, 200, "text/plain", "ok\n");
	} else if (str_eq(path, "/readyz")) {
		MUTEX_GUARD(&p->lock);
		http_respond_text(req, p->is_ready ? 200 : 503, "text/plain",
		                  p->is_ready ? "ok\n" : "waiting to lead or to sync\n");
	} else {
		http_respond_text(req, 404, "text/plain", "there are /metrics, /healthz and /readyz\n");
	}
}

static int start_control_plane(struct operator_process *p, struct err *err)
{
	struct control_plane_config config = {
		.client = p->client,
		.data_dir = p->options.server.data_dir,
		.rules_path = p->options.server.rules_path,
		.with_local = p->options.with_local,
		.allow_local_repositories = p->options.server.allow_local_repositories,
		.poll_ns = p->options.server.poll_ns,
		.log = p->log,
		.metrics = p->metrics,
	};
	struct control_plane *cp = NULL;
	if (control_plane_start(&config, &cp, err) < 0)
		return -1;
	MUTEX_GUARD(&p->lock);
	p->control_plane = cp;
	p->is_ready = true;
	log_info(p->log, "the operator works");
	return 0;
}

/* Leading begins: work. A failure to start ends the process, so that another one may lead. */
static void on_leading(void *self)
{
	struct operator_process *p = self;
	_cleanup_err_ struct err err = { 0 };
	if (start_control_plane(p, &err) < 0) {
		log_error(p->log, "%s", err_message(&err));
		kill(getpid(), SIGTERM);
	}
}

/* Leading ended. Against our will: another one may work already; crash-only, end here and now. */
static void on_lost(void *self)
{
	struct operator_process *p = self;
	pthread_mutex_lock(&p->lock);
	bool is_wanted = p->is_stopping;
	pthread_mutex_unlock(&p->lock);
	if (is_wanted)
		return;
	log_error(p->log, "lost the lease: another operator may lead now; ending");
	_exit(CLI_FAILED);
}

static int start_leading(struct operator_process *p, struct err *err)
{
	char host[256] = "";
	if (p->options.no_leader_election)
		return start_control_plane(p, err);
	gethostname(host, sizeof(host) - 1);
	_cleanup_free_ char *identity = xasprintf("%s_%d", host, (int)getpid());
	struct kube_leader_config config = {
		.client = p->client,
		.ns = p->options.lease_namespace,
		.name = "scia-operator",
		.identity = identity,
		.on_started = on_leading,
		.on_stopped = on_lost,
		.self = p,
		.log = p->log,
	};
	return kube_leader_start(&config, &p->leader, err);
}

static int start(struct operator_process *p, struct err *err)
{
	struct kube_client_config config = { 0 };
	int r = kube_config_load(p->options.kubeconfig, p->options.context, &config, err);
	if (r == 0)
		r = kube_client_new(&config, &p->client, err);
	kube_client_config_clear(&config);
	if (r < 0)
		return r;
	if (p->options.metrics_port) {
		struct http_server_config server = {
			.port = (int)p->options.metrics_port,
			.log = p->log,
			.handler = serve_metrics,
			.self = p,
		};
		if (http_server_start(&server, &p->metrics_server, err) < 0)
			return err_wrap(err, "serving metrics");
	}
	return start_leading(p, err);
}

static void stop_control_plane(struct operator_process *p)
{
	pthread_mutex_lock(&p->lock);
	struct control_plane *cp = TAKE_PTR(p->control_plane);
	p->is_stopping = true;
	p->is_ready = false;
	pthread_mutex_unlock(&p->lock);
	control_plane_stop(cp, true);
}

static void stop(struct operator_process *p)
{
	/* Work ends before the lease is given back; what a late beginning of leadership started ends after it. */
	stop_control_plane(p);
	kube_leader_stop(p->leader);
	stop_control_plane(p);
	if (p->metrics_server)
		http_server_stop(p->metrics_server, 0);
	kube_client_unref(p->client);
	metrics_free(p->metrics);
	logger_unref(p->log);
	server_options_done(&p->options.server);
	pthread_mutex_destroy(&p->lock);
}

int command_operator(int argc, char **argv)
{
	struct operator_process p = { 0 };
	pthread_mutex_init(&p.lock, NULL);
	int r = parse_options(argc, argv, &p.options);
	if (r == 0) {
		server_block_signals();
		p.log = logger_new(STDERR_FILENO, p.options.server.log_level, p.options.server.log_format);
		p.metrics = metrics_new();
		metrics_add_process(p.metrics);
		_cleanup_err_ struct err err = { 0 };
		if (start(&p, &err) < 0) {
			r = cli_fail(&err);
		} else {
			int number = server_wait_for_signal();
			log_info(p.log, "stopping (signal %d)", number);
		}
	}
	stop(&p);
	return r == 1 ? CLI_OK : r;
}
