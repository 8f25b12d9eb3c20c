/* scia logs: what an application prints, or what its build printed. */

#include "commands.h"

#include "base/str.h"

struct log_options {
	bool follow, build, previous;
	int64_t tail, replica;
};

/* Terminal control of strangers stays out of a terminal; a file gets the bytes as they are. */
static bool print_piece(void *self _unused_, const char *data, size_t len)
{
	if (!isatty(STDOUT_FILENO))
		return fwrite(data, 1, len, stdout) == len && fflush(stdout) == 0;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)data[i];
		/* Colours are fine: ESC [ … m is let through, as everything printable is. */
		if (c >= 0x20 || c == '\n' || c == '\t' || c == '\r' || (c == 0x1b && i + 1 < len && data[i + 1] == '['))
			fputc(c, stdout);
	}
	return fflush(stdout) == 0;
}

static const json_t *find_process(const json_t *processes, const char *deployment)
{
	size_t i;
	json_t *process;
	json_array_foreach (processes, i, process) {
		if (str_eq(kube_label(process, "scia.io/deployment"), deployment))
			return process;
	}
	return NULL;
}

static int stream_log(struct session *s, const char *name, const struct log_options *o)
{
	_cleanup_free_ char *label = xasprintf("scia.io/deployment=%s", bare_name(name));
	struct kube_list_options list = { .labels = label };
	_cleanup_json_ json_t *processes = NULL, *deployment = session_get_deployment(s, name);
	if (!deployment || kube_list(s->client, &SCIA_PROCESS, s->ns, &list, &processes, NULL, &s->err) < 0)
		return -1;
	const json_t *process = find_process(processes, bare_name(name));
	if (!process)
		return err_set(&s->err, ERR_NOT_FOUND, "%s has nothing running yet (phase %s); `scia describe %s` says why",
		               name, json_get_str(kube_status(deployment), "phase"), name);
	_cleanup_buf_ struct buf path = BUF_INIT(4096);
	buf_printf(&path, "/apis/local.scia.io/v1alpha1/namespaces/%s/processes/%s/log?follow=%s&build=%s&previous=%s",
	           s->ns, kube_name(process), o->follow ? "true" : "false", o->build ? "true" : "false",
	           o->previous ? "true" : "false");
	if (o->tail >= 0)
		buf_printf(&path, "&tailLines=%lld", (long long)o->tail);
	if (o->replica >= 0)
		buf_printf(&path, "&replica=%lld", (long long)o->replica);
	struct kube_raw call = {
		.method = "GET", .path = buf_str(&path), .accept = "text/plain, */*", .on_data = print_piece
	};
	if (kube_raw_call(s->client, &call, NULL, NULL, &s->err) == 0)
		return 0;
	if (s->err.kind != ERR_NOT_FOUND)
		return -1;
	return err_set(
		&s->err, ERR_NOT_FOUND,
		"this API server has no logs of processes (the embedded one, `scia up`, has); they are on the machine of "
		"the operator, in the folder local/apps/%s/%s of its --data folder",
		s->ns, kube_name(process));
}

int command_logs(int argc, char **argv)
{
	struct session s = { 0 };
	struct log_options o = { .tail = -1, .replica = -1 };
	char **args;
	const struct cli_option options[] = {
		{ "follow", 'f', CLI_FLAG, &o.follow, NULL, "go on as it grows" },
		{ "build", 0, CLI_FLAG, &o.build, NULL, "the log of the build instead of the application's" },
		{ "previous", 'p', CLI_FLAG, &o.previous, NULL, "of the instance that ended last" },
		{ "tail", 0, CLI_NUMBER, &o.tail, "N", "only the last N lines" },
		{ "replica", 0, CLI_NUMBER, &o.replica, "N", "of the N-th replica, from 0 (default: the newest)" },
		CLIENT_OPTIONS(s.client_options),
		{ 0 },
	};
	int r = session_begin(&s, &COMMAND_LOGS, options, argc, argv, &args);
	if (r == 0 && !args[0])
		r = cli_usage(&COMMAND_LOGS, "the name of a Deployment is missing");
	else if (r == 0)
		stream_log(&s, args[0], &o);
	return session_end(&s, r);
}
