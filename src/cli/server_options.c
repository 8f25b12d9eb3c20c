#include "server_options.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

static char *default_data_dir(void)
{
	const char *state = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	if (geteuid() == 0 && str_empty(state))
		return xstrdup("/var/lib/scia");
	if (!str_empty(state))
		return fs_join(state, "scia");
	return xasprintf("%s/.local/share/scia", str_empty(home) ? "." : home);
}

void server_options_init(struct server_options *o)
{
	*o = (struct server_options){
		.data_dir = default_data_dir(),
		.log_level = LOG_INFO,
		.log_format = isatty(STDERR_FILENO) ? LOG_HUMAN : LOG_JSON,
	};
}

void server_options_done(struct server_options *o)
{
	free(o->data_dir);
}

static int set_data_dir(const struct cli_command *command, struct server_options *o, const char *value)
{
	if (str_empty(value))
		return cli_usage(command, "--data wants a folder");
	free(o->data_dir);
	/* Commands that run elsewhere (git, builds) get paths below it: it must not depend on where we stand. */
	_cleanup_free_ char *here = value[0] == '/' ? NULL : getcwd(NULL, 0);
	o->data_dir = here ? fs_join(here, value) : xstrdup(value);
	return 0;
}

int server_option(const struct cli_command *command, struct server_options *o, int val, const char *value)
{
	switch (val) {
	case OPTION_DATA:
		return set_data_dir(command, o, value);
	case OPTION_RULES:
		o->rules_path = value;
		return 0;
	case OPTION_ALLOW_LOCAL:
		o->allow_local_repositories = true;
		return 0;
	case OPTION_POLL:
		if (!duration_parse(value, &o->poll_ns) || o->poll_ns < NS_PER_S)
			return cli_usage(command, "--poll wants a duration of at least 1s, such as 30s or 5m; got \"%s\"", value);
		return 0;
	case OPTION_LOG_LEVEL:
		if (!log_level_parse(value, &o->log_level))
			return cli_usage(command, "--log-level is one of debug, info, warn, error, off; got \"%s\"", value);
		return 0;
	case OPTION_LOG_FORMAT:
		if (!str_eq(value, "human") && !str_eq(value, "json"))
			return cli_usage(command, "--log-format is human or json; got \"%s\"", value);
		o->log_format = str_eq(value, "human") ? LOG_HUMAN : LOG_JSON;
		return 0;
	default:
		return 1;
	}
}

static void fill_signal_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
}

void server_block_signals(void)
{
	sigset_t set;
	fill_signal_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int server_wait_for_signal(void)
{
	sigset_t set;
	int number;
	fill_signal_set(&set);
	while (sigwait(&set, &number) != 0)
		;
	return number;
}
