#ifndef CLI_CLI_H
#define CLI_CLI_H
/* The command line: a table of commands, options every command shares, exit codes.
 *
 * Exit codes: 0 done; 1 it failed (the message says why); 2 wrong usage; 3 not found; 4 waited in vain (--wait,
 * timeouts); 5 the Deployment failed (deploy --wait); 6 damage was found (store check); 130 interrupted. */

#include "kube/client.h"

#include <stdio.h>

enum {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NOT_FOUND = 3,
	CLI_TIMEOUT = 4,
	CLI_UNHEALTHY = 5,
	CLI_DAMAGED = 6,
	CLI_INTERRUPTED = 130
};

struct cli_command {
	const char *name;
	const char *usage;   /* arguments after the name */
	const char *summary; /* one line */
	const char *help;    /* options and examples, ends with a newline */
	int (*run)(int argc, char **argv);
};

extern const struct cli_command *const CLI_COMMANDS[]; /* NULL-terminated */
const struct cli_command *cli_find(const char *name);

/* Prints "scia: MESSAGE" and returns the exit code for the kind of error. */
int cli_fail(const struct err *err);
/* Prints "scia COMMAND: fmt" and a hint at --help; returns CLI_USAGE. */
int cli_usage(const struct cli_command *command, const char *fmt, ...) _printf_(2, 3);

#endif
