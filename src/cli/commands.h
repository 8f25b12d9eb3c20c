#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H
/* The commands: what they are called, and the functions behind them. commands.c holds the texts. */

#include "session.h"

extern const struct cli_command COMMAND_UP, COMMAND_OPERATOR, COMMAND_DEPLOY, COMMAND_GET, COMMAND_DESCRIBE,
	COMMAND_LOGS, COMMAND_EVENTS, COMMAND_EXPLAIN, COMMAND_HISTORY, COMMAND_ROLLBACK, COMMAND_DELETE, COMMAND_PAUSE,
	COMMAND_RESUME, COMMAND_APPROVE, COMMAND_ANALYZE, COMMAND_SERVE, COMMAND_BACKUP, COMMAND_RESTORE, COMMAND_STORE,
	COMMAND_USER, COMMAND_KEYS, COMMAND_KCL, COMMAND_FUNCTION, COMMAND_RENDER, COMMAND_VERSION, COMMAND_COMPLETION,
	COMMAND_HELP;

int command_up(int argc, char **argv);
int command_operator(int argc, char **argv);
int command_deploy(int argc, char **argv);
int command_get(int argc, char **argv);
int command_describe(int argc, char **argv);
int command_logs(int argc, char **argv);
int command_events(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_history(int argc, char **argv);
int command_rollback(int argc, char **argv);
int command_delete(int argc, char **argv);
int command_pause(int argc, char **argv);
int command_resume(int argc, char **argv);
int command_approve(int argc, char **argv);
int command_analyze(int argc, char **argv);
int command_serve(int argc, char **argv);
int command_backup(int argc, char **argv);
int command_restore(int argc, char **argv);
int command_store(int argc, char **argv);
int command_user(int argc, char **argv);
int command_keys(int argc, char **argv);
int command_function(int argc, char **argv);
int command_render(int argc, char **argv);
int command_kcl(int argc, char **argv);
int command_version(int argc, char **argv);
int command_completion(int argc, char **argv);
int command_help(int argc, char **argv);

/* Events of a Deployment (NULL: all) as a table. */
int print_events(struct session *s, const char *deployment, bool all_namespaces);

#endif
