/* The program: `scia COMMAND`, and by the name kubectl-scia a plugin of kubectl. */

#include "base/str.h"
#include "cli/cli.h"

#include <malloc.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	static char help[] = "help", version[] = "version";

	/* Answers of megabytes come from the system and go back to it, instead of growing the heaps of all threads. */
	mallopt(M_MMAP_THRESHOLD, 128 * 1024);
	mallopt(M_TRIM_THRESHOLD, 128 * 1024);
	mallopt(M_ARENA_MAX, 2);
	if (argc < 2 || str_eq(argv[1], "--help") || str_eq(argv[1], "-h")) {
		char *words[] = { help, NULL };
		return cli_find("help")->run(1, words);
	}
	if (str_eq(argv[1], "--version"))
		argv[1] = version;
	const struct cli_command *command = cli_find(argv[1]);
	if (!command) {
		fprintf(stderr, "scia: there is no command \"%s\"; `scia help` lists them\n", argv[1]);
		return CLI_USAGE;
	}
	return command->run(argc - 1, argv + 1);
}
