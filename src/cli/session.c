#include "session.h"

#include "base/str.h"

int session_begin(struct session *s, const struct cli_command *command, const struct cli_option *options, int argc,
                  char **argv, char ***ret_args)
{
	int r = cli_parse(command, options, argc, argv, ret_args);
	if (r == 1)
		return SESSION_HELP;
	if (r != 0)
		return r;
	if (client_connect(&s->client_options, &s->client, &s->ns, &s->err) < 0)
		return CLI_FAILED;
	return 0;
}

int session_end(struct session *s, int r)
{
	if (err_is_set(&s->err))
		r = cli_fail(&s->err);
	err_clear(&s->err);
	kube_client_unref(s->client);
	free(s->ns);
	return r == SESSION_HELP ? CLI_OK : r;
}

const char *bare_name(const char *arg)
{
	const char *slash = strchr(arg, '/');
	return slash ? slash + 1 : arg;
}

json_t *session_get_deployment(struct session *s, const char *name)
{
	json_t *deployment = NULL;
	kube_get(s->client, &SCIA_DEPLOYMENT, s->ns, bare_name(name), &deployment, &s->err);
	return deployment;
}

json_t *session_get_revision(struct session *s, const char *deployment, int64_t number)
{
	_cleanup_free_ char *name = xasprintf("%s-r%lld", bare_name(deployment), (long long)number);
	json_t *revision = NULL;
	kube_get(s->client, &SCIA_REVISION, s->ns, name, &revision, &s->err);
	return revision;
}
