/* scia-apiserver: the embedded Kubernetes API alone, for end-to-end and crash tests.
 *
 *   scia-apiserver --data DIR [--port N] [--crd FILE]... [--history N] [--history-age DURATION]
 *                  [--encryption-provider-config FILE] [--log debug|info|warn|error]
 *
 * Prints the path of the administrator's kubeconfig once it serves; SIGTERM and SIGINT stop it. */
#include "apiserver/apiserver.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>

#define CRD_MAX ((size_t)3 * 1024 * 1024)

struct options {
	const char *data;
	int port;
	int64_t history, history_age_ns;
	const char *encryption, *token_file;
	bool publish_ca;
	struct apiserver_audit audit;
	struct apiserver_limits limits;
	char **crds;
	enum log_level level;
};

static int parse(int argc, char **argv, struct options *ret, struct err *err)
{
	static const struct option longs[] = { { "data", required_argument, NULL, 'd' },
		                                   { "port", required_argument, NULL, 'p' },
		                                   { "crd", required_argument, NULL, 'c' },
		                                   { "history", required_argument, NULL, 'h' },
		                                   { "log", required_argument, NULL, 'l' },
		                                   { "history-age", required_argument, NULL, 'a' },
		                                   { "publish-root-ca", no_argument, NULL, 'r' },
		                                   { "token-auth-file", required_argument, NULL, 't' },
		                                   { "encryption-provider-config", required_argument, NULL, 'e' },
		                                   { "audit-policy-file", required_argument, NULL, 'P' },
		                                   { "audit-log-path", required_argument, NULL, 'L' },
		                                   { "audit-log-maxsize", required_argument, NULL, 'S' },
		                                   { "audit-log-maxbackup", required_argument, NULL, 'B' },
		                                   { "client-qps", required_argument, NULL, 'Q' },
		                                   { "client-burst", required_argument, NULL, 'U' },
		                                   { "max-requests-inflight", required_argument, NULL, 'R' },
		                                   { "max-mutating-requests-inflight", required_argument, NULL, 'M' },
		                                   { "max-connections-per-client", required_argument, NULL, 'C' },
		                                   { 0 } };
	int64_t port = 0;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'd') {
			ret->data = optarg;
		} else if (c == 'p' && str_to_i64(optarg, 0, 65535, &port)) {
			ret->port = (int)port;
		} else if (c == 'c') {
			_cleanup_free_ char *text = NULL;
			if (fs_read_file(optarg, CRD_MAX, &text, NULL, err) < 0)
				return -1;
			strv_push(&ret->crds, text);
		} else if (c == 'r') {
			ret->publish_ca = true;
		} else if (c == 't') {
			ret->token_file = optarg;
		} else if (c == 'e') {
			ret->encryption = optarg;
		} else if (c == 'P') {
			ret->audit.policy_file = optarg;
		} else if (c == 'L') {
			ret->audit.log_path = optarg;
		} else if ((c == 'S' && str_to_i64(optarg, 1, 1000000, &ret->audit.size_max_mb)) ||
		           (c == 'B' && str_to_i64(optarg, 0, 1000000, &ret->audit.backups_max)) ||
		           (c == 'Q' && str_to_i64(optarg, 1, 1000000, &ret->limits.client_qps)) ||
		           (c == 'U' && str_to_i64(optarg, 1, 1000000, &ret->limits.client_burst)) ||
		           (c == 'C' && str_to_i64(optarg, 1, 1000000, &ret->limits.client_connections)) ||
		           (c == 'R' && str_to_i64(optarg, 1, 1000000, &ret->limits.in_flight)) ||
		           (c == 'M' && str_to_i64(optarg, 1, 1000000, &ret->limits.mutating_in_flight))) {
			continue;
		} else if ((c == 'h' && str_to_i64(optarg, 1, 1000000000, &ret->history)) ||
		           (c == 'a' && duration_parse(optarg, &ret->history_age_ns))) {
			continue;
		} else if (c != 'l' || !log_level_parse(optarg, &ret->level)) {
			return err_set(
				err, ERR_BAD_REQUEST,
				"usage: scia-apiserver --data DIR [--port N] [--crd FILE]... [--history N] [--history-age "
				"DURATION] [--encryption-provider-config FILE] [--audit-policy-file FILE] [--audit-log-path FILE] "
				"[--audit-log-maxsize MB] [--audit-log-maxbackup FILES] [--client-qps N] [--client-burst N] "
				"[--max-requests-inflight N] [--max-mutating-requests-inflight N] [--max-connections-per-client N] "
				"[--log LEVEL]");
		}
	}
	return ret->data ? 0 : err_set(err, ERR_BAD_REQUEST, "scia-apiserver: --data DIR is missing");
}

static int run(const struct options *o, struct err *err)
{
	_cleanup_(logger_unrefp) struct logger *log = logger_new(STDERR_FILENO, o->level, LOG_HUMAN);
	const struct apiserver_config config = { .data_dir = o->data,
		                                     .port = o->port,
		                                     .crds = (const char *const *)o->crds,
		                                     .history_max = (size_t)o->history,
		                                     .history_age_max_ns = o->history_age_ns,
		                                     .encryption_config = o->encryption,
		                                     .token_auth_file = o->token_file,
		                                     .publish_ca = o->publish_ca,
		                                     .audit = o->audit,
		                                     .limits = o->limits,
		                                     .log = log };
	struct apiserver *s;
	sigset_t signals;
	int number;

	/* Answers of megabytes come from the system and go back to it, instead of growing the heaps of all threads. */
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	mallopt(M_TRIM_THRESHOLD, 128 * 1024);
	mallopt(M_ARENA_MAX, 2);

	/* Before any thread: all of them inherit the mask, and only sigwait() sees the signals. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	if (apiserver_start(&config, &s, err) < 0)
		return -1;
	printf("%s\n", apiserver_kubeconfig_path(s));
	fflush(stdout);
	while (sigwait(&signals, &number) != 0 && errno == EINTR)
		;
	apiserver_stop(s);
	return 0;
}

int main(int argc, char **argv)
{
	struct options o = { .level = LOG_INFO };
	_cleanup_err_ struct err err = { 0 };
	int r = parse(argc, argv, &o, &err);

	if (r == 0)
		r = run(&o, &err);
	strv_free(o.crds);
	if (r < 0)
		fprintf(stderr, "scia-apiserver: %s\n", err_message(&err));
	return r < 0 ? 1 : 0;
}
