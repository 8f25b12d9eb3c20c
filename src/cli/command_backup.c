/* scia backup and scia restore. */

#include "apiserver/maintenance.h"
#include "base/fs.h"
#include "base/str.h"
#include "commands.h"
#include "server_options.h"

#define DATA_OPTION(variable)                                                                                          \
	{                                                                                                                  \
		"data", 0, CLI_STRING, &(variable), "DIR", "the data folder (/var/lib/scia as root, else ~/.local/share/scia)" \
	}

static void say(void *self _unused_, const char *text)
{
	printf("%s\n", text);
}

struct receiving {
	struct maintenance_backup *backup;
	struct err err;
};

static bool receive(void *self, const char *data, size_t len)
{
	struct receiving *r = self;

	return maintenance_backup_piece(r->backup, data, len, &r->err) == 0;
}

/* From the server that has the folder, by the folder's kubeconfig unless another is given. */
static int from_server(struct maintenance_backup *b, const char *kubeconfig, const char *context, struct err *err)
{
	struct kube_client_config config = { 0 };
	_cleanup_(kube_client_unrefp) struct kube_client *client = NULL;
	struct receiving r = { .backup = b };
	const struct kube_raw call = { .method = "GET", .path = MAINTENANCE_BACKUP_PATH, .on_data = receive, .self = &r };
	int result = kube_config_load(kubeconfig, context, &config, err);

	if (result == 0)
		result = kube_client_new(&config, &client, err);
	kube_client_config_clear(&config);
	if (result == 0)
		result = kube_raw_call(client, &call, NULL, NULL, err);
	if (err_is_set(&r.err)) {
		err_move(err, &r.err);
		result = -1;
	}
	return result;
}

struct backup_options {
	const char *data, *kubeconfig, *context, *encryption;
	bool objects_only;
};

static int back_up(const struct maintenance *m, const struct backup_options *o, const char *file, struct err *err)
{
	_cleanup_free_ char *own = fs_join(m->data_dir, "kubeconfig");
	struct maintenance_backup *b;

	if (maintenance_backup_begin(m, file, &b, err) < 0)
		return -1;
	int r = o->kubeconfig ? 1 : maintenance_backup_folder(b, err);
	if (r < 0 && err->kind == ERR_ALREADY_EXISTS) { /* a server has it */
		err_clear(err);
		r = 1;
	}
	if (r > 0)
		r = from_server(b, o->kubeconfig ? o->kubeconfig : own, o->context, err);
	if (r < 0) {
		maintenance_backup_abort(b);
		return -1;
	}
	return maintenance_backup_finish(b, o->objects_only, err);
}

int command_backup(int argc, char **argv)
{
	struct backup_options o = { 0 };
	char **args;
	const struct cli_option options[] = {
		DATA_OPTION(o.data),
		{ "objects-only", 0, CLI_FLAG, &o.objects_only, NULL, "without keys, certificates and kubeconfig" },
		{ "kubeconfig", 0, CLI_STRING, &o.kubeconfig, "FILE", "of the running server (default: DIR/kubeconfig)" },
		{ "context", 0, CLI_STRING, &o.context, "NAME", "the kubeconfig's context to use" },
		{ "encryption-provider-config", 0, CLI_STRING, &o.encryption, "FILE",
		  "when no server runs: the keys (default: DIR/pki/encryption.yaml)" },
		{ 0 },
	};
	int r = cli_parse(&COMMAND_BACKUP, options, argc, argv, &args);

	if (r != 0)
		return r == 1 ? CLI_OK : r;
	if (!args[0] || args[1])
		return cli_usage(&COMMAND_BACKUP, "say which file is to be written");
	_cleanup_free_ char *dir = server_data_dir(o.data);
	_cleanup_(logger_unrefp) struct logger *log = logger_new(STDERR_FILENO, LOG_WARN, LOG_HUMAN);
	const struct maintenance m = { .data_dir = dir, .encryption_config = o.encryption, .say = say, .log = log };
	_cleanup_err_ struct err err = { 0 };
	return back_up(&m, &o, args[0], &err) < 0 ? cli_fail(&err) : CLI_OK;
}

int command_restore(int argc, char **argv)
{
	const char *data = NULL, *encryption = NULL;
	bool replace = false;
	char **args;
	const struct cli_option options[] = {
		DATA_OPTION(data),
		{ "replace", 0, CLI_FLAG, &replace, NULL, "the folder need not be empty; what is there is kept beside" },
		{ "encryption-provider-config", 0, CLI_STRING, &encryption, "FILE",
		  "the keys, when the backup was made without them" },
		{ 0 },
	};
	int r = cli_parse(&COMMAND_RESTORE, options, argc, argv, &args);

	if (r != 0)
		return r == 1 ? CLI_OK : r;
	if (!args[0] || args[1])
		return cli_usage(&COMMAND_RESTORE, "say which backup is to be restored");
	if (!data)
		return cli_usage(&COMMAND_RESTORE, "say with --data into which folder");
	_cleanup_free_ char *dir = server_data_dir(data);
	_cleanup_(logger_unrefp) struct logger *log = logger_new(STDERR_FILENO, LOG_WARN, LOG_HUMAN);
	const struct maintenance m = { .data_dir = dir, .encryption_config = encryption, .say = say, .log = log };
	_cleanup_err_ struct err err = { 0 };
	return maintenance_restore(&m, args[0], replace, &err) < 0 ? cli_fail(&err) : CLI_OK;
}
