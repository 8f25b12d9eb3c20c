#include "apiserver.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"
#include "auth/authn.h"
#include "auth/rbac.h"
#include "auth/rbac_policy.h"
#include "admission/service_addresses.h"
#include "types/builtin.h"
#include "controllers/controllers.h"
#include "discovery/documents.h"
#include "controllers/internal_write.h"
#include "server.h"
#include "store/store_keys.h"
#include "maintenance/encryption.h"
#include "rest/watch.h"

#include <sys/resource.h>

#define WORKERS 4
#define WAITERS_MAX 64
#define AUDIT_LOG_MB 100
#define WAITERS_QUEUE_MAX 4096
#define WAITERS_PATIENCE_NS (30 * NS_PER_S)
#define GRACE_NS (5 * NS_PER_S)
/* Mostly texts that are shared with the store: a watch that begins with 100,000 objects has them all waiting at once.
 */
#define STREAM_BACKLOG_MAX ((size_t)512 * 1024 * 1024)
#define BODY_MAX ((size_t)3 * 1024 * 1024)
/* BODY_MAX in words, as Kubernetes says it. */
#define TOO_LARGE                                                                                                     \
	"{\"kind\":\"Status\",\"apiVersion\":\"v1\",\"metadata\":{},\"status\":\"Failure\",\"message\":\"Request entity " \
	"too large: "                                                                                                     \
	"limit is 3145728\",\"reason\":\"RequestEntityTooLarge\",\"code\":413}"
#define CONNECTIONS_MAX 8192
/* One client leaves room for others. */
#define CLIENT_CONNECTIONS_MAX (CONNECTIONS_MAX / 2)
#define DESCRIPTORS 65536
#define NAMES_MAX 64

/* ---- names and ports ---- */

/* The address as clients on this machine reach it. */
static const char *reachable(const char *address)
{
	if (strcmp(address, "0.0.0.0") == 0)
		return "127.0.0.1";
	return strcmp(address, "::") == 0 ? "::1" : address;
}

static int prepare_certificates(struct apiserver *s, const struct apiserver_config *config, const char *address,
                                struct err *err)
{
	const char *names[NAMES_MAX + 1] = { "localhost",  "127.0.0.1",          "::1",
		                                 "kubernetes", "kubernetes.default", "kubernetes.default.svc" };
	size_t len = 6;

	if (!str_in(reachable(address), names))
		names[len++] = reachable(address);
	for (size_t i = 0; config->extra_names && config->extra_names[i] && len < NAMES_MAX; i++)
		names[len++] = config->extra_names[i];
	s->names = strv_copy((char *const *)names);
	s->pki.data_dir = s->data_dir;
	if (pki_prepare(&s->pki, names, err) < 0)
		return -1;
	atomic_store(&s->ca_pem, xstrdup(s->pki.ca.cert_pem));
	return 0;
}

static char *port_path(const struct apiserver *s)
{
	return fs_join(s->data_dir, "port");
}

/* The port of last time, so that kubeconfigs stay valid; 0: none. */
static int last_port(const struct apiserver *s)
{
	_cleanup_free_ char *path = port_path(s), *text = NULL;
	int64_t port = 0;

	if (fs_read_file(path, 32, &text, NULL, NULL) == 0)
		str_to_i64(str_strip(text), 1, 65535, &port);
	return (int)port;
}

static int listen_on(struct apiserver *s, const struct apiserver_config *api, const char *address, int port,
                     struct err *err)
{
	const struct tls_server_config tls = { .cert_pem = s->pki.serving.cert_pem,
		                                   .key_pem = s->pki.serving.key_pem,
		                                   .client_ca_pem = s->pki.ca.cert_pem };
	const struct http_server_config config = {
		.address = address,
		.port = port,
		.tls = &tls,
		.body_max = BODY_MAX,
		.too_large_json = TOO_LARGE,
		.connections_max = CONNECTIONS_MAX,
		.client_connections_max = api->limits.client_connections ? (size_t)api->limits.client_connections
		                                                         : CLIENT_CONNECTIONS_MAX,
		.stream_backlog_max = STREAM_BACKLOG_MAX,
		.log = s->log,
		.handler = api_handle,
		.self = s,
	};

	return http_server_start(&config, &s->http, err);
}

static int start_http(struct apiserver *s, const struct apiserver_config *config, const char *address, struct err *err)
{
	int wanted = config->port ? config->port : last_port(s);
	_cleanup_free_ char *path = port_path(s);
	_cleanup_err_ struct err taken = { 0 };

	if (listen_on(s, config, address, wanted, &taken) < 0) {
		if (config->port || wanted == 0) {
			err_move(err, &taken);
			return err_wrap(err, "serving on %s", address);
		}
		if (listen_on(s, config, address, 0, err) < 0)
			return err_wrap(err, "serving on %s", address);
	}
	int port = http_server_port(s->http);
	bool v6 = strchr(reachable(address), ':');
	s->url = xasprintf("https://%s%s%s:%d", v6 ? "[" : "", reachable(address), v6 ? "]" : "", port);
	_cleanup_free_ char *text = xasprintf("%d\n", port);
	if (server_write_file(path, text, 0600, err) < 0)
		return -1;
	return pki_write_kubeconfig(s, err);
}

/* ---- life ---- */

static void add_metrics(struct apiserver *s, const struct apiserver_config *config)
{
	s->metrics = config->metrics;
	if (!s->metrics) {
		s->metrics = s->own_metrics = metrics_new();
		metrics_add_process(s->metrics);
	}
	/* The names and labels of a kube-apiserver, so that its dashboards and alerts work. */
	s->requests = metrics_counter(s->metrics, "apiserver_request_total", "Requests by verb, resource and code.",
	                              "verb,dry_run,group,version,resource,subresource,scope,component,code");
	s->request_seconds = metrics_histogram(s->metrics, "apiserver_request_duration_seconds",
	                                       "Duration of requests but watches.",
	                                       "verb,dry_run,group,version,resource,subresource,scope,component", NULL, 0);
	s->inflight = metrics_gauge(s->metrics, "apiserver_current_inflight_requests", "Requests being worked on.",
	                            "request_kind");
}

static int check_store(void *self, struct err *err)
{
	return store_check(self, err);
}

/* What needs no objects, done by a second thread while they are read. */
struct beside {
	struct apiserver *server;
	const struct apiserver_config *config;
	const char *address;
	pthread_t thread;
	bool runs;
	int result;
	struct err err;
};

static void *beside_main(void *self)
{
	struct beside *b = self;

	b->result = prepare_certificates(b->server, b->config, b->address, &b->err);
	if (b->result == 0)
		b->result = builtin_register(b->server->registry, &b->err);
	return NULL;
}

/* Not earlier: the folder may be in another server's hands. */
static void beside_start(void *self)
{
	struct beside *b = self;

	/* The result is the thread's from here on. */
	b->runs = thread_start(&b->thread, "start", beside_main, b, &b->err) == 0;
	if (!b->runs)
		b->result = -1;
}

static int beside_join(struct beside *b, struct err *err)
{
	if (b->runs)
		pthread_join(b->thread, NULL);
	if (b->result < 0)
		err_move(err, &b->err);
	return b->result;
}

static int open_store(struct apiserver *s, const struct apiserver_config *config, struct beside *beside,
                      struct err *err)
{
	_cleanup_free_ char *path = fs_join(s->data_dir, "store.db");
	struct store_config store = {
		.path = path,
		.history_max = config->history_max,
		.history_age_max_ns = config->history_age_max_ns,
		.on_owned = beside_start,
		.self = beside,
		.log = s->log,
		.metrics = s->metrics,
	};

	if (fs_mkdir_p(s->data_dir, 0700, err) < 0 || encryption_prepare(s, config->encryption_config, err) < 0)
		return -1;
	store.keys = s->keys;
	if (store_open(&store, &s->store, err) < 0)
		return -1;
	apiserver_add_ready_check(s, "store", check_store, s->store);
	return 0;
}

static int start_controllers(struct apiserver *s, const struct apiserver_config *config, struct err *err)
{
	struct controllers *c = s->controllers = new0(struct controllers);

	/* Roles come before those who write by them. */
	if (crd_controller_start(s, &c->crds, err) < 0 || rbac_policy_apply(s, err) < 0 ||
	    role_aggregation_start(s, &c->roles, err) < 0 || namespace_controller_start(s, &c->namespaces, err) < 0 ||
	    account_controller_start(s, &c->accounts, err) < 0 || gc_start(s, &c->gc, err) < 0 ||
	    event_expiry_start(s, EVENT_EXPIRY_TICK_NS, &c->events, err) < 0 ||
	    quota_controller_start(s, &c->quotas, err) < 0 || certificate_controller_start(s, &c->certificates, err) < 0)
		return -1;
	return internal_apply_crds(s, config->crds, err);
}

static int start_authentication(struct apiserver *s, const struct apiserver_config *config, struct err *err)
{
	_cleanup_free_ char *pki = fs_join(s->data_dir, "pki");

	if (token_keys_open(pki, s->log, &s->token_keys, err) < 0)
		return -1;
	s->account_tokens = account_tokens_new(s->store, s->token_keys);
	s->authn = authn_new(s->account_tokens);
	return config->token_auth_file ? authn_load_token_file(s->authn, config->token_auth_file, err) : 0;
}

static void make_limits(struct apiserver *s, const struct apiserver_limits *limits)
{
	const struct limits_config config = { .in_flight_max = (size_t)limits->in_flight,
		                                  .mutating_in_flight_max = (size_t)limits->mutating_in_flight,
		                                  .client_qps = (double)limits->client_qps,
		                                  .client_burst = (double)limits->client_burst,
		                                  .metrics = s->metrics };

	s->limits = limits_new(&config);
}

static int start_admission(struct apiserver *s, struct err *err)
{
	const struct waiters_config waiters = { .threads_max = WAITERS_MAX,
		                                    .queue_max = WAITERS_QUEUE_MAX,
		                                    .patience_ns = WAITERS_PATIENCE_NS,
		                                    .metrics = s->metrics };
	const struct admission_config config = {
		.store = s->store, .registry = s->registry, .log = s->log, .metrics = s->metrics
	};

	s->waiters = waiters_new(&waiters);
	if (quotas_start(s->store, &s->quotas, err) < 0 || service_addresses_start(s->store, &s->addresses, err) < 0)
		return -1;
	return admission_start(&config, &s->admission, err);
}

static int start_audit(struct apiserver *s, const struct apiserver_config *config, struct err *err)
{
	const struct apiserver_audit *a = &config->audit;
	const struct audit_config audit = {
		.policy_path = a->policy_file,
		.log = { .path = a->log_path ? a->log_path : "-",
		         .size_max = (size_t)(a->size_max_mb ? a->size_max_mb : AUDIT_LOG_MB) * 1000 * 1000,
		         .backups_max = (size_t)a->backups_max,
		         .log = s->log,
		         .metrics = s->metrics },
	};

	return audit_start(&audit, &s->audit, err);
}

static int start(struct apiserver *s, const struct apiserver_config *config, struct err *err)
{
	const char *address = config->address ? config->address : "127.0.0.1";
	struct beside beside = { .server = s, .config = config, .address = address };
	int r = open_store(s, config, &beside, err);

	if (beside_join(&beside, r == 0 ? err : NULL) < 0 || r < 0)
		return -1;
	if (rbac_follow(s->rbac, s->store, err) < 0 || start_authentication(s, config, err) < 0 ||
	    workers_start(WORKERS, &s->workers, err) < 0 || watch_hub_start(s, &s->watches, err) < 0)
		return -1;
	if (start_audit(s, config, err) < 0 || start_admission(s, err) < 0 || start_controllers(s, config, err) < 0)
		return -1;
	if (start_http(s, config, address, err) < 0)
		return -1;
	return pki_watch_start(s, &s->pki_watch, err);
}

/* A watch is a connection: as many as the system lets this process have. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= DESCRIPTORS)
		return;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS ? limit.rlim_max : DESCRIPTORS;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int apiserver_start(const struct apiserver_config *config, struct apiserver **ret, struct err *err)
{
	struct apiserver *s = new0(struct apiserver);

	raise_descriptors();
	s->log = config->log;
	s->publish_ca = config->publish_ca;
	s->data_dir = xstrdup(config->data_dir);
	s->kubeconfig_path = fs_join(s->data_dir, "kubeconfig");
	pthread_mutex_init(&s->lock, NULL);
	s->registry = registry_new();
	s->rbac = rbac_new();
	s->authorizer = authorizer_rbac(s->rbac);
	s->documents = documents_new();
	add_metrics(s, config);
	make_limits(s, &config->limits);
	if (start(s, config, err) < 0) {
		apiserver_stop(s);
		return err_wrap(err, "starting the API in %s", config->data_dir);
	}
	*ret = s;
	return 0;
}

static void stop_controllers(struct apiserver *s)
{
	struct controllers *c = s->controllers;

	if (!c)
		return;
	certificate_controller_stop(c->certificates);
	quota_controller_stop(c->quotas);
	event_expiry_stop(c->events);
	gc_stop(c->gc);
	role_aggregation_stop(c->roles);
	account_controller_stop(c->accounts);
	namespace_controller_stop(c->namespaces);
	crd_controller_stop(c->crds);
	free(c);
}

static void free_lists(struct apiserver *s)
{
	while (s->mounts) {
		struct apiserver_mount *m = s->mounts;
		s->mounts = m->next;
		free(m->group);
		free(m->resource);
		free(m->subresource);
		free(m);
	}
	while (s->checks) {
		struct apiserver_check *c = s->checks;
		s->checks = c->next;
		free(c->name);
		free(c);
	}
}

struct apiserver *apiserver_stop(struct apiserver *s)
{
	if (!s)
		return NULL;
	admission_cancel(s->admission);
	s->pki_watch = pki_watch_stop(s->pki_watch);
	if (s->http)
		s->http = http_server_stop(s->http, GRACE_NS);
	/* Ends of watches run on workers, and requests that were cut off may still be with the store. */
	watch_hub_end(s->watches);
	while (atomic_load(&s->in_flight) > 0)
		clock_sleep_ns(NS_PER_MS);
	waiters_free(s->waiters);
	workers_stop(s->workers);
	stop_controllers(s);
	watch_hub_free(s->watches);
	admission_free(s->admission);
	quotas_stop(s->quotas);
	service_addresses_stop(s->addresses);
	audit_stop(s->audit);
	rbac_unfollow(s->rbac);
	limits_free(s->limits);
	store_close(s->store);
	store_keys_free(s->keys);
	encryption_free(s->encryption);
	rbac_free(s->rbac);
	registry_free(s->registry);
	documents_free(s->documents);
	authn_free(s->authn);
	account_tokens_free(s->account_tokens);
	token_keys_free(s->token_keys);
	metrics_free(s->own_metrics);
	pki_clear(&s->pki);
	free(atomic_load(&s->ca_pem));
	for (size_t i = 0; i < s->old_ca_pems_len; i++)
		free(s->old_ca_pems[i]);
	free(s->old_ca_pems);
	strv_free(s->names);
	free_lists(s);
	pthread_mutex_destroy(&s->lock);
	free(s->data_dir);
	free(s->url);
	free(s->kubeconfig_path);
	free(s);
	return NULL;
}

const char *apiserver_url(const struct apiserver *s)
{
	return s->url;
}

const char *apiserver_kubeconfig_path(const struct apiserver *s)
{
	return s->kubeconfig_path;
}

char *apiserver_component_token(struct apiserver *s, const char *component)
{
	return authn_component_token(s->authn, component);
}

const char *apiserver_ca_pem(const struct apiserver *s)
{
	return server_ca_pem(s);
}

void apiserver_mount(struct apiserver *s, const char *group, const char *resource, const char *subresource,
                     apiserver_connect handler, void *self)
{
	struct apiserver_mount *m = new0(struct apiserver_mount);

	m->group = xstrdup(group);
	m->resource = xstrdup(resource);
	m->subresource = xstrdup(subresource);
	m->handler = handler;
	m->self = self;
	MUTEX_GUARD(&s->lock);
	m->next = s->mounts;
	s->mounts = m;
}

void apiserver_add_ready_check(struct apiserver *s, const char *name, int (*check)(void *self, struct err *err),
                               void *self)
{
	struct apiserver_check *c = new0(struct apiserver_check);

	c->name = xstrdup(name);
	c->check = check;
	c->self = self;
	MUTEX_GUARD(&s->lock);
	c->next = s->checks;
	s->checks = c;
}
