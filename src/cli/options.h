#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H
/* Options of commands, as tables: what a command takes beyond its arguments, with --help for free. */

#include "cli.h"

enum cli_option_kind { CLI_FLAG, CLI_STRING, CLI_STRINGS, CLI_NUMBER, CLI_DURATION };

struct cli_option {
	const char *name; /* long form, without dashes */
	char short_name;  /* 0: none */
	enum cli_option_kind kind;
	void *target;      /* bool *, const char **, char *** (a strv, one for each time), int64_t * (whole number, or
	                      nanoseconds) */
	const char *value; /* what --help calls it, e.g. "DIR"; NULL for flags */
	const char *help;
};

/* Parses argv (argv[0] is the command's name) by the options; a table ends with a NULL name. Options and arguments may
 * be mixed; "--" ends options. *ret_args: the arguments, within argv, NULL-terminated. 0; 1: help was asked for and
 * printed (end with CLI_OK); CLI_USAGE: wrong, and said so. */
int cli_parse(const struct cli_command *command, const struct cli_option *options, int argc, char **argv,
              char ***ret_args);

/* What every command that talks to an API server takes. */
struct client_options {
	const char *kubeconfig, *context, *ns, *output;
	bool all_namespaces;
};
/* Put CLIENT_OPTIONS(o) into an option table. */
#define CLIENT_OPTIONS(o)                                                                                  \
	{ "namespace", 'n', CLI_STRING, &(o).ns, "NAME", "the namespace (default: the context's)" },           \
		{ "kubeconfig",    0,      CLI_STRING,                                                             \
		  &(o).kubeconfig, "FILE", "default: $KUBECONFIG, else ~/.kube/config, else the embedded one's" }, \
	{                                                                                                      \
		"context", 0, CLI_STRING, &(o).context, "NAME", "the kubeconfig's context to use"                  \
	}
#define OUTPUT_OPTION(o)                                                                                       \
	{                                                                                                          \
		"output", 'o', CLI_STRING, &(o).output, "FORMAT", "table, wide, json, yaml, name or jsonpath=TEMPLATE" \
	}
#define ALL_NAMESPACES_OPTION(o)                                                     \
	{                                                                                \
		"all-namespaces", 'A', CLI_FLAG, &(o).all_namespaces, NULL, "all namespaces" \
	}

/* Connects; *ret_ns: the namespace that is meant (free()). */
int client_connect(const struct client_options *o, struct kube_client **ret, char **ret_ns, struct err *err);

#endif
