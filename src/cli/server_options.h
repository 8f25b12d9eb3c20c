#ifndef CLI_SERVER_OPTIONS_H
#define CLI_SERVER_OPTIONS_H
/* What the commands that serve (up, operator) have in common. */

#include "base/log.h"
#include "options.h"

struct server_options {
	const char *data_arg, *log_level_arg, *log_format_arg; /* as given */
	char *data_dir;                                        /* absolute */
	const char *rules_path;
	bool allow_local_repositories;
	int64_t poll_ns; /* 0: default */
	enum log_level log_level;
	enum log_format log_format;
};

void server_options_init(struct server_options *o);
void server_options_done(struct server_options *o);
/* The data folder that is meant by --data (NULL: the default), absolute (free()). */
char *server_data_dir(const char *data_arg);
/* After parsing: checks and completes what SERVER_OPTIONS() took. 0 or CLI_USAGE (said so). */
int server_options_finish(const struct cli_command *command, struct server_options *o);

/* Put SERVER_OPTIONS(o) into an option table. */
#define SERVER_OPTIONS(o)                                                                                                \
	{ "data",        0,     CLI_STRING,                                                                                  \
	  &(o).data_arg, "DIR", "where everything is kept (/var/lib/scia as root, else ~/.local/share/scia)" },              \
		{ "rules", 0, CLI_STRING, &(o).rules_path, "FILE", "decision rules instead of the built-in ones" },              \
		{ "allow-local-repositories",    0,    CLI_FLAG,                                                                 \
		  &(o).allow_local_repositories, NULL, "paths and file:// URLs are allowed as repositories" },                   \
		{ "poll", 0, CLI_DURATION, &(o).poll_ns, "DURATION", "how often repositories are asked for new commits (60s)" }, \
		{ "log-level", 0, CLI_STRING, &(o).log_level_arg, "LEVEL", "debug, info, warn, error (info)" },                  \
	{                                                                                                                    \
		"log-format", 0, CLI_STRING, &(o).log_format_arg, "FORMAT", "human or json (human on a terminal, else json)"     \
	}

/* Blocks the signals that end a server; call before any thread is made. */
void server_block_signals(void);
/* Waits for one of them; its number. */
int server_wait_for_signal(void);

#endif
