/* The commands and their texts. */

#include "commands.h"

#include "server_options.h"

const struct cli_command COMMAND_UP = {
	.name = "up",
	.usage = "[--data DIR] [--listen ADDRESS:PORT] [OPTIONS]",
	.summary = "Start the embedded control plane: API, operator and local provider in one process",
	.help = "Applications go on running when it stops, and are found again at the next start.\n",
	.run = command_up,
};

const struct cli_command COMMAND_OPERATOR = {
	.name = "operator",
	.usage = "[--kubeconfig FILE] [--context NAME] [OPTIONS]",
	.summary = "Run the controllers alone, against any Kubernetes API",
	.help = "The CRDs must be there (kubectl apply -f api/crds). Several operators elect a leader.\n",
	.run = command_operator,
};

const struct cli_command COMMAND_DEPLOY = {
	.name = "deploy",
	.usage = "REPOSITORY [\"PROMPT\"] [OPTIONS] | -f FILE [OPTIONS]",
	.summary = "Deploy a git repository, or apply a file",
	.help = "  scia deploy https://example.org/team/shop.git \"three replicas, cheap\" --wait\n  scia deploy -f "
			"deployment.yaml --wait\n",
	.run = command_deploy,
};

const struct cli_command COMMAND_GET = {
	.name = "get",
	.usage = "[NAME] [OPTIONS]",
	.summary = "List Deployments, or show one",
	.help = "  scia get -A\n  scia get shop -o jsonpath='{.status.endpoints[0].url}'\n",
	.run = command_get,
};

const struct cli_command COMMAND_DESCRIBE = {
	.name = "describe",
	.usage = "NAME [OPTIONS]",
	.summary = "Say how a Deployment is, what is wrong, and what happened",
	.help = "",
	.run = command_describe,
};

const struct cli_command COMMAND_LOGS = {
	.name = "logs",
	.usage = "NAME [-f] [--build] [OPTIONS]",
	.summary = "Print what an application, or its build, prints",
	.help = "",
	.run = command_logs,
};

const struct cli_command COMMAND_EVENTS = {
	.name = "events",
	.usage = "[NAME] [OPTIONS]",
	.summary = "List what happened, oldest first",
	.help = "",
	.run = command_events,
};

const struct cli_command COMMAND_EXPLAIN = {
	.name = "explain",
	.usage = "NAME [OPTIONS]",
	.summary = "Say what was decided for a Deployment, and why",
	.help = "",
	.run = command_explain,
};

const struct cli_command COMMAND_HISTORY = {
	.name = "history",
	.usage = "NAME [OPTIONS]",
	.summary = "List the revisions of a Deployment and what became of them",
	.help = "",
	.run = command_history,
};

const struct cli_command COMMAND_ROLLBACK = {
	.name = "rollback",
	.usage = "NAME [--to-revision N | --release] [OPTIONS]",
	.summary = "Go back to an earlier revision and stay there",
	.help = "",
	.run = command_rollback,
};

const struct cli_command COMMAND_DELETE = {
	.name = "delete",
	.usage = "NAME... [OPTIONS]",
	.summary = "Delete Deployments and everything that was made for them",
	.help = "",
	.run = command_delete,
};

const struct cli_command COMMAND_PAUSE = {
	.name = "pause",
	.usage = "NAME [OPTIONS]",
	.summary = "Change nothing about a Deployment for now",
	.help = "",
	.run = command_pause,
};

const struct cli_command COMMAND_RESUME = {
	.name = "resume",
	.usage = "NAME [OPTIONS]",
	.summary = "End a pause",
	.help = "",
	.run = command_resume,
};

const struct cli_command COMMAND_APPROVE = {
	.name = "approve",
	.usage = "NAME [OPTIONS]",
	.summary = "Approve the plan a Deployment waits with (spec.approval: Manual)",
	.help = "",
	.run = command_approve,
};

const struct cli_command COMMAND_ANALYZE = {
	.name = "analyze",
	.usage = "DIR|URL [OPTIONS]",
	.summary = "Say what a repository is, with evidence; needs no control plane",
	.help = "",
	.run = command_analyze,
};

const struct cli_command COMMAND_SERVE = {
	.name = "serve",
	.usage = "[DIR] [OPTIONS]",
	.summary = "Serve a folder of static files over HTTP",
	.help = "",
	.run = command_serve,
};

const struct cli_command COMMAND_BACKUP = {
	.name = "backup",
	.usage = "FILE [--data DIR] [OPTIONS]",
	.summary = "Back up the embedded control plane into one file, while it runs or not",
	.help = "  scia backup /var/backups/scia-$(date +%F)\nThe file holds keys: keep it as you keep the data folder.\n",
	.run = command_backup,
};

const struct cli_command COMMAND_RESTORE = {
	.name = "restore",
	.usage = "FILE --data DIR [OPTIONS]",
	.summary = "Make a data folder from a backup",
	.help = "Everything is verified before anything is touched. The server must not run.\n",
	.run = command_restore,
};

const struct cli_command COMMAND_STORE = {
	.name = "store",
	.usage = "check [FILE] | reencrypt | compact [OPTIONS]",
	.summary = "Check the store of a data folder or a backup; encrypt it anew",
	.help = "  scia store check\n  scia store check /var/backups/scia-2026-01-02\n  scia store reencrypt --data DIR\n  "
			"scia store compact --data DIR\n",
	.run = command_store,
};

const struct cli_command COMMAND_USER = {
	.name = "user",
	.usage = "add NAME [--group GROUPS] [OPTIONS]",
	.summary = "Make a kubeconfig for a user of the embedded control plane",
	.help = "  scia user add jane --group devs\n  kubectl create rolebinding devs --clusterrole edit --group devs\n",
	.run = command_user,
};

const struct cli_command COMMAND_KEYS = {
	.name = "keys",
	.usage = "rotate [--data DIR]",
	.summary = "Sign tokens of service accounts with a new key",
	.help = "Tokens of the old key stay good until its file, pki/sa-*.key, is removed.\n",
	.run = command_keys,
};

const struct cli_command COMMAND_FUNCTION = {
	.name = "function",
	.usage = "[--name NAME] [--insecure] [OPTIONS]",
	.summary = "Serve composition functions to Crossplane: KCL, patch and transform, environments, readiness",
	.help =
		"  scia function --insecure --address 127.0.0.1:9443\n  TLS_SERVER_CERTS_DIR=/tls scia function --name kcl\n",
	.run = command_function,
};

const struct cli_command COMMAND_RENDER = {
	.name = "render",
	.usage = "XR COMPOSITION FUNCTIONS [OPTIONS]",
	.summary = "Print what a composition makes of a composite resource; needs no control plane",
	.help = "  scia render xr.yaml composition.yaml functions.yaml --include-function-results\n",
	.run = command_render,
};

const struct cli_command COMMAND_KCL = {
	.name = "kcl",
	.usage = "run | fmt | vet | test | doc [FILE|DIR|-]... [OPTIONS]",
	.summary = "Run, lay out, test and document programs written in KCL, validate data; needs no control plane",
	.help = "  scia kcl run main.k -D replicas=3\n  scia kcl run . -Y settings.yaml --format json\n"
			"  scia kcl fmt ./... --check\n  scia kcl vet data.yaml schema.k -s Server\n  scia kcl test ./... --run "
			"'test_web'\n"
			"  scia kcl doc . --target out\n",
	.run = command_kcl,
};

const struct cli_command COMMAND_VERSION = {
	.name = "version",
	.usage = "[--server]",
	.summary = "Print the version",
	.help = "",
	.run = command_version,
};

const struct cli_command COMMAND_COMPLETION = {
	.name = "completion",
	.usage = "bash|zsh|fish",
	.summary = "Print a completion script for a shell",
	.help = "  source <(scia completion bash)\n",
	.run = command_completion,
};

const struct cli_command COMMAND_HELP = {
	.name = "help",
	.usage = "[COMMAND]",
	.summary = "List the commands, or say more about one",
	.help = "",
	.run = command_help,
};

const struct cli_command *const CLI_COMMANDS[] = {
	&COMMAND_DEPLOY,  &COMMAND_GET,        &COMMAND_DESCRIBE, &COMMAND_LOGS,  &COMMAND_EVENTS,   &COMMAND_EXPLAIN,
	&COMMAND_HISTORY, &COMMAND_ROLLBACK,   &COMMAND_DELETE,   &COMMAND_PAUSE, &COMMAND_RESUME,   &COMMAND_APPROVE,
	&COMMAND_ANALYZE, &COMMAND_UP,         &COMMAND_OPERATOR, &COMMAND_SERVE, &COMMAND_BACKUP,   &COMMAND_RESTORE,
	&COMMAND_STORE,   &COMMAND_USER,       &COMMAND_KEYS,     &COMMAND_KCL,   &COMMAND_FUNCTION, &COMMAND_RENDER,
	&COMMAND_VERSION, &COMMAND_COMPLETION, &COMMAND_HELP,     NULL,
};
