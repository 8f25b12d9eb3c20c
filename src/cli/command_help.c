/* scia help, version, completion. */

#include "commands.h"

#include "base/str.h"

int command_help(int argc, char **argv)
{
	static const struct cli_option options[] = { { 0 } };
	char **args;
	int parsed = cli_parse(&COMMAND_HELP, options, argc, argv, &args);
	if (parsed != 0)
		return parsed == 1 ? CLI_OK : parsed;
	const struct cli_command *command = args[0] ? cli_find(args[0]) : NULL;
	if (command) {
		char name[] = "help", option[] = "--help";
		char *const words[] = { name, option, NULL };
		char **copy = strv_copy(words);
		int r = command->run(2, copy);
		strv_free(copy);
		return r;
	}
	printf("SCIA turns \"this git repository, this sentence, this budget\" into a running, watched, self-healing "
	       "deployment.\n\n"
	       "usage: scia COMMAND [ARGUMENTS]      (also: kubectl scia COMMAND)\n\n");
	for (size_t i = 0; CLI_COMMANDS[i]; i++)
		printf("  %-12s %s\n", CLI_COMMANDS[i]->name, CLI_COMMANDS[i]->summary);
	printf("\n`scia COMMAND --help` says more. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 waited in "
	       "vain,\n"
	       "5 the Deployment failed.\n");
	if (args[0]) {
		fprintf(stderr, "\nscia: there is no command \"%s\"\n", args[0]);
		return CLI_USAGE;
	}
	return CLI_OK;
}

static int print_server_version(struct session *s)
{
	_cleanup_free_ char *body = NULL;
	size_t len;
	struct kube_raw call = { .method = "GET", .path = "/version" };
	if (kube_raw_call(s->client, &call, &body, &len, &s->err) < 0)
		return -1;
	_cleanup_json_ json_t *v = json_parse(body, len, 0, &s->err);
	if (v)
		printf("server: %s\n", json_get_str(v, "gitVersion") ? json_get_str(v, "gitVersion") : "unknown");
	return v ? 0 : -1;
}

int command_version(int argc, char **argv)
{
	struct session s = { 0 };
	bool server = false;
	char **args;
	const struct cli_option options[] = { { "server", 0, CLI_FLAG, &server, NULL, "also ask the API server" },
		                                  CLIENT_OPTIONS(s.client_options),
		                                  { 0 } };
	int r = cli_parse(&COMMAND_VERSION, options, argc, argv, &args);
	if (r != 0)
		return r == 1 ? CLI_OK : r;
	printf("scia %s\n", SCIA_VERSION);
	if (!server)
		return CLI_OK;
	if (client_connect(&s.client_options, &s.client, &s.ns, &s.err) == 0)
		print_server_version(&s);
	return session_end(&s, CLI_OK);
}

/* ---- completion ---- */

static void print_words(void)
{
	for (size_t i = 0; CLI_COMMANDS[i]; i++)
		printf("%s%s", i ? " " : "", CLI_COMMANDS[i]->name);
}

/* Commands are known; names of Deployments are asked for. */
static void complete_bash(void)
{
	printf("_scia() {\n"
	       "    local word=${COMP_WORDS[COMP_CWORD]}\n"
	       "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	       "        COMPREPLY=($(compgen -W \"");
	print_words();
	printf(
		"\" -- \"$word\"))\n"
		"        return\n"
		"    fi\n"
		"    case ${COMP_WORDS[1]} in\n"
		"        get | describe | logs | events | explain | history | rollback | delete | pause | resume | approve)\n"
		"            COMPREPLY=($(compgen -W \"$(scia get -o 'jsonpath={.items[*].metadata.name}' 2>/dev/null)\" -- "
		"\"$word\")) ;;\n"
		"        completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$word\")) ;;\n"
		"        analyze | serve) COMPREPLY=($(compgen -d -- \"$word\")) ;;\n"
		"    esac\n"
		"}\n"
		"complete -F _scia scia\n");
}

static void complete_zsh(void)
{
	printf("#compdef scia\n"
	       "_scia() {\n"
	       "    if (( CURRENT == 2 )); then\n"
	       "        local -a commands=(");
	for (size_t i = 0; CLI_COMMANDS[i]; i++)
		printf("\n            '%s:%s'", CLI_COMMANDS[i]->name, CLI_COMMANDS[i]->summary);
	printf("\n        )\n"
	       "        _describe command commands\n"
	       "        return\n"
	       "    fi\n"
	       "    case $words[2] in\n"
	       "        get|describe|logs|events|explain|history|rollback|delete|pause|resume|approve)\n"
	       "            compadd -- ${=\"$(scia get -o 'jsonpath={.items[*].metadata.name}' 2>/dev/null)\"} ;;\n"
	       "        completion) compadd bash zsh fish ;;\n"
	       "        analyze|serve) _directories ;;\n"
	       "    esac\n"
	       "}\n"
	       "compdef _scia scia\n");
}

static void complete_fish(void)
{
	printf("complete -c scia -f\n");
	for (size_t i = 0; CLI_COMMANDS[i]; i++)
		printf("complete -c scia -n __fish_use_subcommand -a %s -d '%s'\n", CLI_COMMANDS[i]->name,
		       CLI_COMMANDS[i]->summary);
	printf("complete -c scia -n '__fish_seen_subcommand_from get describe logs events explain history rollback delete "
	       "pause resume approve' "
	       "-a \"(scia get -o 'jsonpath={.items[*].metadata.name}' 2>/dev/null | string split ' ')\"\n");
	printf("complete -c scia -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'\n");
}

int command_completion(int argc, char **argv)
{
	static const struct cli_option options[] = { { 0 } };
	char **args;
	int r = cli_parse(&COMMAND_COMPLETION, options, argc, argv, &args);
	if (r != 0)
		return r == 1 ? CLI_OK : r;
	if (str_eq(args[0], "bash"))
		complete_bash();
	else if (str_eq(args[0], "zsh"))
		complete_zsh();
	else if (str_eq(args[0], "fish"))
		complete_fish();
	else
		return cli_usage(&COMMAND_COMPLETION, "one of bash, zsh, fish is wanted");
	return CLI_OK;
}
