/* scia user add, scia keys rotate: who may ask the embedded API. */

#include "apiserver/apiserver.h"
#include "base/fs.h"
#include "base/str.h"
#include "commands.h"
#include "server_options.h"

#define DAYS_DEFAULT 365
#define DAYS_MAX 3650

#define DATA_OPTION(target)                                                                                       \
	{                                                                                                             \
		"data", 0, CLI_STRING, target, "DIR", "the data folder (/var/lib/scia as root, else ~/.local/share/scia)" \
	}

struct user_options {
	const char *data, *groups, *output;
	int64_t days;
};

static int write_kubeconfig(const char *path, const char *text)
{
	_cleanup_err_ struct err err = { 0 };

	if (str_eq(path, "-")) {
		fputs(text, stdout);
		return CLI_OK;
	}
	if (fs_write_atomic(path, text, strlen(text), 0600, &err) < 0)
		return cli_fail(&err);
	printf("%s\n", path);
	return CLI_OK;
}

static int add(const struct user_options *o, const char *name)
{
	_cleanup_free_ char *dir = server_data_dir(o->data);
	_cleanup_strv_ char **groups = o->groups ? str_split(o->groups, ",") : NULL;
	_cleanup_free_ char *path = o->output ? xstrdup(o->output) : xasprintf("%s.kubeconfig", name);
	_cleanup_err_ struct err err = { 0 };

	if (!o->output && strchr(name, '/'))
		return cli_usage(&COMMAND_USER, "a name with a slash needs --output FILE");
	_cleanup_free_ char *text = apiserver_user_kubeconfig(dir, name, (const char *const *)groups, (int)o->days, &err);
	return text ? write_kubeconfig(path, text) : cli_fail(&err);
}

int command_user(int argc, char **argv)
{
	struct user_options o = { .days = DAYS_DEFAULT };
	char **args;
	const struct cli_option options[] = {
		{ "group", 0, CLI_STRING, &o.groups, "GROUPS", "groups the user is in, with commas between them" },
		{ "days", 0, CLI_NUMBER, &o.days, "N", "how long the certificate is good (365)" },
		{ "output", 'o', CLI_STRING, &o.output, "FILE",
		  "where to write the kubeconfig (NAME.kubeconfig; - prints it)" },
		DATA_OPTION(&o.data),
		{ 0 },
	};
	int r = cli_parse(&COMMAND_USER, options, argc, argv, &args);

	if (r != 0)
		return r == 1 ? CLI_OK : r;
	if (!str_eq(args[0], "add") || !args[1] || args[2])
		return cli_usage(&COMMAND_USER, "say add NAME");
	if (o.days < 1 || o.days > DAYS_MAX)
		return cli_usage(&COMMAND_USER, "--days wants 1 to %d", DAYS_MAX);
	return add(&o, args[1]);
}

int command_keys(int argc, char **argv)
{
	const char *data = NULL;
	char **args;
	const struct cli_option options[] = { DATA_OPTION(&data), { 0 } };
	int r = cli_parse(&COMMAND_KEYS, options, argc, argv, &args);

	if (r != 0)
		return r == 1 ? CLI_OK : r;
	if (!str_eq(args[0], "rotate") || args[1])
		return cli_usage(&COMMAND_KEYS, "say rotate");
	_cleanup_free_ char *dir = server_data_dir(data);
	_cleanup_err_ struct err err = { 0 };
	if (apiserver_rotate_token_keys(dir, &err) < 0)
		return cli_fail(&err);
	printf("tokens are signed with a new key from now on; older ones stay good\n");
	return CLI_OK;
}
