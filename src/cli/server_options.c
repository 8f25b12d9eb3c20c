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

char *server_data_dir(const char *data_arg)
{
	if (!data_arg)
		return default_data_dir();
	/* What runs elsewhere (git, builds) gets paths below it: they must not depend on where we stand. */
	_cleanup_free_ char *here = data_arg[0] == '/' ? NULL : getcwd(NULL, 0);
	return here ? fs_join(here, data_arg) : xstrdup(data_arg);
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

int server_options_finish(const struct cli_command *command, struct server_options *o)
{
	if (o->data_arg) {
		free(o->data_dir);
		o->data_dir = server_data_dir(o->data_arg);
	}
	if (o->poll_ns && o->poll_ns < NS_PER_S)
		return cli_usage(command, "--poll wants at least 1s");
	if (o->log_level_arg && !log_level_parse(o->log_level_arg, &o->log_level))
		return cli_usage(command, "--log-level is one of debug, info, warn, error, off; got \"%s\"", o->log_level_arg);
	if (o->log_format_arg && !str_eq(o->log_format_arg, "human") && !str_eq(o->log_format_arg, "json"))
		return cli_usage(command, "--log-format is human or json; got \"%s\"", o->log_format_arg);
	if (o->log_format_arg)
		o->log_format = str_eq(o->log_format_arg, "human") ? LOG_HUMAN : LOG_JSON;
	return 0;
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
