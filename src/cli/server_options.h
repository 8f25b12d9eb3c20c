#ifndef CLI_SERVER_OPTIONS_H
#define CLI_SERVER_OPTIONS_H
/* What the commands that serve (up, operator) have in common. */

#include "base/log.h"
#include "cli.h"

struct server_options {
	char *data_dir; /* never NULL after parsing */
	const char *rules_path;
	bool allow_local_repositories;
	int64_t poll_ns; /* 0: default */
	enum log_level log_level;
	enum log_format log_format;
};

/* Handles one option of getopt_long() (val, optarg). 0: taken; 1: not one of these; CLI_USAGE: bad value, said so. */
int server_option(const struct cli_command *command, struct server_options *o, int val, const char *value);
void server_options_init(struct server_options *o);
void server_options_done(struct server_options *o);

enum { OPTION_DATA = 1000, OPTION_RULES, OPTION_ALLOW_LOCAL, OPTION_POLL, OPTION_LOG_LEVEL, OPTION_LOG_FORMAT };
#define SERVER_LONG_OPTIONS                                                                                           \
	{ "data", required_argument, NULL, OPTION_DATA }, { "rules", required_argument, NULL, OPTION_RULES },             \
		{ "allow-local-repositories", no_argument, NULL, OPTION_ALLOW_LOCAL },                                        \
		{ "poll", required_argument, NULL, OPTION_POLL }, { "log-level", required_argument, NULL, OPTION_LOG_LEVEL }, \
	{                                                                                                                 \
		"log-format", required_argument, NULL, OPTION_LOG_FORMAT                                                      \
	}
#define SERVER_OPTIONS_HELP                                                                      \
	"  --data DIR                   where everything is kept (default: /var/lib/scia as root,\n" \
	"                               else ~/.local/share/scia)\n"                                 \
	"  --rules FILE                 decision rules instead of the built-in ones\n"               \
	"  --allow-local-repositories   paths and file:// URLs are allowed as repositories\n"        \
	"  --poll DURATION              how often repositories are asked for new commits (60s)\n"    \
	"  --log-level LEVEL            debug, info, warn, error (info)\n"                           \
	"  --log-format FORMAT          human or json (human on a terminal, else json)\n"

/* Blocks the signals that end a server; call before any thread is made. */
void server_block_signals(void);
/* Waits for one of them; its number. */
int server_wait_for_signal(void);

#endif
