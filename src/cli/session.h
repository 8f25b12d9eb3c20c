#ifndef CLI_SESSION_H
#define CLI_SESSION_H
/* A command's connection: parse, connect, work, say what went wrong. */

#include "options.h"
#include "printer.h"

struct session {
	struct client_options client_options;
	struct kube_client *client;
	char *ns;
	struct err err;
};

/* Parses and connects. 0: go on; else end the command with session_end(s, r). *ret_args as of cli_parse(). */
int session_begin(struct session *s, const struct cli_command *command, const struct cli_option *options, int argc,
                  char **argv, char ***ret_args);
/* Prints an error that is set; the exit code: of the error, or r when there is none. Frees. */
int session_end(struct session *s, int r);
/* The Deployment of that name ("deployment/NAME" is fine too); NULL with s->err set. */
json_t *session_get_deployment(struct session *s, const char *name);
/* A revision of it; NULL with s->err set. */
json_t *session_get_revision(struct session *s, const char *deployment, int64_t number);
/* NAME of "NAME" or "TYPE/NAME". */
const char *bare_name(const char *arg);

enum { SESSION_HELP = -1000 };

#endif
