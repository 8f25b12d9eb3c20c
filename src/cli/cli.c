#include "cli.h"

#include "base/str.h"

#include <unistd.h>

const struct cli_command *cli_find(const char *name)
{
	for (size_t i = 0; CLI_COMMANDS[i]; i++) {
		if (str_eq(CLI_COMMANDS[i]->name, name))
			return CLI_COMMANDS[i];
	}
	return NULL;
}

int cli_fail(const struct err *err)
{
	fprintf(stderr, "scia: %s\n", err_message(err));
	if (err->kind == ERR_NOT_FOUND)
		return CLI_NOT_FOUND;
	return err->kind == ERR_TIMEOUT ? CLI_TIMEOUT : CLI_FAILED;
}

int cli_usage(const struct cli_command *command, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	_cleanup_free_ char *message = xvasprintf(fmt, ap);
	va_end(ap);
	fprintf(stderr, "scia %s: %s\nTry `scia %s --help`.\n", command->name, message, command->name);
	return CLI_USAGE;
}
