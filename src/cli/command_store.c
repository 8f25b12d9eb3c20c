/* scia store: check, reencrypt, compact. */

#include "apiserver/maintenance.h"
#include "base/str.h"
#include "commands.h"
#include "server_options.h"

struct store_options {
	const char *data, *encryption;
};

static void say(void *self _unused_, const char *text)
{
	printf("%s\n", text);
}

static void say_damage(void *self _unused_, const char *what)
{
	printf("DAMAGED: %s\n", what);
}

static int check(const struct maintenance *m, const char *file, struct err *err)
{
	int64_t damages = maintenance_check(m, file, err);

	if (damages < 0)
		return cli_fail(err);
	if (damages > 0)
		printf("%" PRId64 " damages; `scia restore` makes a folder from a backup\n", damages);
	else
		printf("intact\n");
	return damages > 0 ? CLI_DAMAGED : CLI_OK;
}

static int reencrypt(const struct maintenance *m, struct err *err)
{
	int64_t count;

	if (maintenance_reencrypt(m, &count, err) < 0)
		return cli_fail(err);
	printf("%" PRId64 " objects were encrypted anew; all are as configured\n", count);
	return CLI_OK;
}

static int compact(const struct maintenance *m, struct err *err)
{
	const double mib = 1024 * 1024;
	int64_t before, after;

	if (maintenance_compact(m, &before, &after, err) < 0)
		return cli_fail(err);
	printf("store.db has %.1f MiB now, it had %.1f MiB\n", (double)after / mib, (double)before / mib);
	return CLI_OK;
}

int command_store(int argc, char **argv)
{
	struct store_options o = { 0 };
	char **args;
	const struct cli_option options[] = {
		{ "data", 0, CLI_STRING, &o.data, "DIR", "the data folder (/var/lib/scia as root, else ~/.local/share/scia)" },
		{ "encryption-provider-config", 0, CLI_STRING, &o.encryption, "FILE",
		  "the keys (default: DIR/pki/encryption.yaml)" },
		{ 0 },
	};
	int r = cli_parse(&COMMAND_STORE, options, argc, argv, &args);

	if (r != 0)
		return r == 1 ? CLI_OK : r;
	bool checks = str_eq(args[0], "check"), encrypts = str_eq(args[0], "reencrypt");
	if ((!checks && !encrypts && !str_eq(args[0], "compact")) || (args[1] && (!checks || args[2])))
		return cli_usage(&COMMAND_STORE, "say check [FILE], reencrypt or compact");
	_cleanup_free_ char *dir = server_data_dir(o.data);
	_cleanup_(logger_unrefp) struct logger *log = logger_new(STDERR_FILENO, LOG_WARN, LOG_HUMAN);
	const struct maintenance m = {
		.data_dir = dir, .encryption_config = o.encryption, .say = say, .damage = say_damage, .log = log
	};
	_cleanup_err_ struct err err = { 0 };
	if (checks)
		return check(&m, args[1], &err);
	return encrypts ? reencrypt(&m, &err) : compact(&m, &err);
}
